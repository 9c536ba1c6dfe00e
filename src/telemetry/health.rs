//! Whether the process is alive, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the probes ask. A dead OMS never makes the operator unhealthy: to
/// restart it would mend nothing.
#[derive(Clone, Default)]
pub struct Health {
    synced: Vec<Arc<AtomicBool>>,
    stopping: Arc<AtomicBool>,
    standing_by: Arc<AtomicBool>,
}

impl Health {
    /// Health of a process whose watches have these flags.
    #[must_use]
    pub fn new(synced: Vec<Arc<AtomicBool>>) -> Self {
        Self {
            synced,
            stopping: Arc::default(),
            standing_by: Arc::default(),
        }
    }

    /// Ready: every watch has its first list, or another process leads and this
    /// one is there to take over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let synced = || {
            self.synced
                .iter()
                .all(|synced| synced.load(Ordering::Relaxed))
        };
        !self.stopping.load(Ordering::Relaxed)
            && (self.standing_by.load(Ordering::Relaxed) || synced())
    }

    /// Whether another process leads.
    pub fn stand_by(&self, standing_by: bool) {
        self.standing_by.store(standing_by, Ordering::Relaxed);
    }

    /// The process drains and takes no more work.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}
