//! How long to wait after failures in a row.

use std::time::Duration;

use tokio::time::Instant;

/// First wait after a failure; each further one doubles it.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// How long the wait after a failure may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Never less than this, whatever `cap` says.
    pub least: Duration,
    /// What it doubles up to.
    pub cap: Duration,
    /// Never more than this, whatever else: something is due then.
    pub most: Duration,
}

impl Bounds {
    /// Up to this much.
    #[must_use]
    pub const fn up_to(cap: Duration) -> Self {
        Self {
            least: Duration::ZERO,
            cap,
            most: Duration::MAX,
        }
    }
}

/// Failures in a row, and what they were of: any change of the cause starts
/// the count anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    cause: u64,
    count: u32,
    not_before: Option<Instant>,
}

impl Failures {
    /// One more, of this cause. How long to wait: doubling within `bounds`, a tenth
    /// more or less by chance.
    pub(super) fn add(&mut self, cause: u64, bounds: Bounds, chance: f64) -> Duration {
        let Bounds { least, cap, most } = bounds;
        if self.cause != cause {
            *self = Self {
                cause,
                ..Self::default()
            };
        }
        let first = FIRST_BACKOFF.max(least);
        let doubled = first.saturating_mul(1 << self.count.min(16));
        self.count = self.count.saturating_add(1);
        let wait = doubled.min(cap).mul_f64(0.9 + 0.2 * chance);
        let wait = wait.max(least).min(most);
        self.not_before = Some(Instant::now() + wait);
        wait
    }

    pub(super) fn hold_back(&self, cause: u64) -> Option<Duration> {
        let not_before = self.not_before.filter(|_| self.cause == cause)?;
        let left = not_before.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}
