//! What goes on in OMS, watched by one walk for each connection and interval.

mod details;
mod share;
mod snapshot;
mod sweep;
mod translate;
mod vanished;

pub use details::{failed_checks, failed_checks_of_step, verification};
pub use snapshot::{Seen, Snapshot, Walked};
pub use sweep::{MAX_PAGES, probe, sweep};
pub use translate::translate;
pub use vanished::vanished;
