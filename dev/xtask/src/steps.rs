//! Says what is being done, and how long it took.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Does one step under a headline; afterwards says how it went.
pub async fn step<T>(
    what: impl Display,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    println!("==> {what}");
    let start = Instant::now();
    let done = work.await;
    let word = if done.is_ok() { "done" } else { "FAILED" };
    println!("    {word} after {}", elapsed(start.elapsed()));
    done
}

/// A duration for people.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds / 60 {
        0 => format!("{:.1} s", duration.as_secs_f32()),
        minutes => format!("{minutes} min {:02} s", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_have_a_decimal_and_long_ones_minutes() {
        assert_eq!(elapsed(Duration::from_millis(1260)), "1.3 s");
        assert_eq!(elapsed(Duration::from_secs(125)), "2 min 05 s");
    }
}
