//! The harness on the real thing.

mod control_plane;
mod leftovers;
mod process;
mod proxy;

use std::time::Duration;

/// For what takes a moment on an idle machine and must not fail on a busy one.
const SOON: Duration = Duration::from_secs(60);
