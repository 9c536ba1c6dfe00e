//! Whether the process is alive, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the probes ask. A dead OMS never makes the operator unhealthy: to
/// restart it would mend nothing.
#[derive(Clone, Default)]
pub struct Health {
    synced: Vec<Arc<AtomicBool>>,
    stopping: Arc<AtomicBool>,
}

impl Health {
    /// Health of a process whose watches have these flags.
    #[must_use]
    pub fn new(synced: Vec<Arc<AtomicBool>>) -> Self {
        Self {
            synced,
            stopping: Arc::default(),
        }
    }

    /// Ready: every watch has its first list.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
            && self
                .synced
                .iter()
                .all(|synced| synced.load(Ordering::Relaxed))
    }

    /// The process drains and takes no more work.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}
