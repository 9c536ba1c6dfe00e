//! What goes on in OMS, watched by one walk for each connection and interval.

mod snapshot;
mod sweep;
mod translate;

pub use snapshot::{Seen, Snapshot};
pub use sweep::{MAX_PAGES, probe, sweep};
pub use translate::translate;
