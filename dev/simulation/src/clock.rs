//! The time of day: that of tokio's paused clock, from a fixed beginning on.

use std::time::Duration;

use jiff::Timestamp;
use oms_operator::controller::Clock;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

/// When every simulation begins, in seconds since the Unix epoch.
const BEGINNING: i64 = 1_800_000_000;

/// When every simulation begins.
pub fn beginning() -> Timestamp {
    Timestamp::from_second(BEGINNING).expect("a time of day")
}

/// The clock of the operator, which may be wrong.
pub struct SimulatedClock {
    began: Instant,
    ahead: Duration,
    random: Mutex<StdRng>,
}

impl SimulatedClock {
    /// A clock that is `ahead` of the truth. `began` is when the simulation did.
    pub fn new(began: Instant, ahead: Duration, seed: u64) -> Self {
        Self {
            began,
            ahead,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        beginning() + self.began.elapsed() + self.ahead
    }

    fn chance(&self) -> f64 {
        self.random.lock().random()
    }
}
