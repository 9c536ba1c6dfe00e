//! How many calls may begin in a second, where the connection says so.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// A token bucket that holds one second's calls, or none at all.
#[derive(Default)]
pub struct Bucket {
    rate: Option<NonZeroU32>,
    limiter: Option<Limiter>,
}

impl Bucket {
    /// So many calls a second; `None`: as many as come. A bucket of another size
    /// begins full, the same one goes on.
    pub fn set_rate(&mut self, rate: Option<NonZeroU32>) {
        if self.rate != rate {
            self.rate = rate;
            let limiter =
                |rate| RateLimiter::direct_with_clock(Quota::per_second(rate), TokioClock::new());
            self.limiter = rate.map(limiter);
        }
    }

    /// Takes a token, or says how long until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(limiter.clock().now());
            wait.max(Duration::from_millis(1))
        })
    }
}

/// tokio's clock, which a simulation can stop.
#[derive(Clone, Copy, Debug)]
struct TokioClock(Instant);

impl TokioClock {
    fn new() -> TokioClock {
        TokioClock(Instant::now())
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(bucket: &Bucket) -> usize {
        std::iter::from_fn(|| bucket.take().ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_brings_as_many_tokens_as_the_rate() {
        let mut bucket = Bucket::default();
        bucket.set_rate(NonZeroU32::new(10));
        assert_eq!(count(&bucket), 10, "a second's worth at once");
        let wait = bucket.take().unwrap_err();
        assert!(wait <= Duration::from_millis(101), "{wait:?}");
        tokio::time::advance(wait).await;
        assert_eq!(count(&bucket), 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(count(&bucket), 10, "no more is saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_rate_again_fills_nothing() {
        let mut bucket = Bucket::default();
        bucket.set_rate(NonZeroU32::new(3));
        assert_eq!(count(&bucket), 3);
        bucket.set_rate(NonZeroU32::new(3));
        assert!(bucket.take().is_err());
        bucket.set_rate(None);
        assert!(bucket.take().is_ok());
    }
}
