//! Waiting for a condition with a deadline, instead of sleeping in hope.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

/// Short against everything that is waited for here, long against the cost of one look.
const PAUSE: Duration = Duration::from_millis(50);
/// What has taken long already may take a twentieth longer: looks cost the programs that are waited for their time.
const PART: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Calls `probe` until it gives a value; at the deadline an error that says for `what` it was waiting.
pub async fn until<T>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> anyhow::Result<T> {
    until_ok(deadline, what, async || {
        probe().await.ok_or_else(|| anyhow!("not yet"))
    })
    .await
}

/// Like [`until`], with a reason for every attempt that was not yet good: the last one is part of the error.
pub async fn until_ok<T>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    let end = start + deadline;
    let mut last = anyhow!("the first look has not come back");
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => last = reason,
            Err(_) => {}
        }
        // Asked for in any case: a look that is answered without waiting never times out.
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!(
                "waited {} s in vain for {what}: {last:#}",
                deadline.as_secs_f32()
            );
        }
        let pause = (start.elapsed() / PART).clamp(PAUSE, LONGEST_PAUSE);
        tokio::time::sleep(pause.min(left)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_deadline_holds_for_a_look_that_never_waits_and_for_one_that_always_does() {
        let deadline = Duration::from_millis(10);
        let quick = until_ok::<()>(deadline, "rain", async || bail!("the sky is blue")).await;
        let error = quick.unwrap_err().to_string();
        assert!(
            error.contains("rain") && error.contains("the sky is blue"),
            "{error}"
        );
        let slow = until_ok::<()>(deadline, "rain", std::future::pending).await;
        assert!(slow.is_err());
    }
}
