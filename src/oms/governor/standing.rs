//! How an endpoint stands: for conditions, metrics and those who would call.

use std::time::Duration;

use super::{Circuit, Lane};

/// What the governor of one endpoint is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether calls go out.
    pub circuit: Circuit,
    /// OMS has asked for no call for so long.
    pub paused_for: Option<Duration>,
    /// OMS has asked for fewer calls, not long ago.
    pub asked_for_fewer: bool,
    /// Calls, and places for calls, that are taken.
    pub under_way: u32,
    /// So many may be.
    pub limit: u32,
    /// Who waits, by lane.
    pub waiting: [usize; 4],
    /// Calls that were not sent because OMS does not answer, so far.
    pub refused_open: u64,
    /// Calls that were not sent because of a pause, so far.
    pub refused_paused: u64,
}

impl Standing {
    /// How many wait in a lane.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        self.waiting[lane as usize]
    }
}
