//! Waiting for a condition with a deadline, instead of sleeping in hope.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

/// Short against everything that is waited for here, long against the cost of one look.
const PAUSE: Duration = Duration::from_millis(50);

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
    let end = Instant::now() + deadline;
    let mut last = anyhow!("the first look has not come back");
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => last = reason,
            Err(_) => bail!(
                "waited {} s in vain for {what}: {last:#}",
                deadline.as_secs_f32()
            ),
        }
        tokio::time::sleep(PAUSE.min(end.saturating_duration_since(Instant::now()))).await;
    }
}
