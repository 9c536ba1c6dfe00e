//! Time, chance and identity: what a simulation replaces.

use jiff::Timestamp;

/// Where the controller takes the time of day from. Waiting is done by tokio's
/// timers, which a test can pause.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// A number in `0.0..1.0`, to spread what would otherwise happen at once.
    fn chance(&self) -> f64;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the time is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn chance(&self) -> f64 {
        rand::random()
    }
}
