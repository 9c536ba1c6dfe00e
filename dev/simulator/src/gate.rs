//! Gates: a call stands there until it is let go, so that a test can act, or
//! kill the caller, at an exact point.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::fault::{About, When};

/// Holds calls. All matching calls wait at it until it is released; dropping it
/// releases it.
///
/// A call that stands at a gate outlives its caller: OMS has the request. If
/// the caller is killed and the gate released, the work is done all the same.
#[derive(Debug)]
pub struct Gate {
    pub(crate) state: Arc<GateState>,
}

impl Gate {
    /// Waits until a call stands, or has stood, at the gate.
    pub async fn arrived(&self) {
        self.arrivals(1).await;
    }

    /// Waits until that many calls stand, or have stood, at the gate.
    pub async fn arrivals(&self, wanted: u64) {
        self.state.arrivals(wanted).await;
    }

    /// How many calls stand, or have stood, at the gate.
    pub fn arrived_so_far(&self) -> u64 {
        self.state.arrived()
    }

    /// Lets the held calls go on, and later ones pass.
    pub fn release(self) {}
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.state.open();
    }
}

#[derive(Debug)]
pub(crate) struct GateState {
    pub action: String,
    pub when: When,
    pub project: Option<String>,
    arrived: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

impl GateState {
    pub fn new(action: &str, when: When, project: Option<&str>) -> Arc<Self> {
        Arc::new(Self {
            action: action.into(),
            when,
            project: project.map(str::to_owned),
            arrived: watch::Sender::new(0),
            open: watch::Sender::new(false),
        })
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub fn is_open(&self) -> bool {
        *self.open.borrow()
    }

    pub fn arrived(&self) -> u64 {
        *self.arrived.borrow()
    }

    pub async fn arrivals(&self, wanted: u64) {
        let mut arrived = self.arrived.subscribe();
        // The sender lives in the state that we hold.
        let _ = arrived.wait_for(|arrived| *arrived >= wanted).await;
    }

    /// Stands at the gate.
    pub async fn pass(&self) {
        let mut open = self.open.subscribe();
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The sender lives in the state that we hold.
        let _ = open.wait_for(|open| *open).await;
    }
}

#[derive(Default)]
pub(crate) struct Gates {
    gates: BTreeMap<u64, Arc<GateState>>,
    last: u64,
}

impl Gates {
    pub fn add(&mut self, gate: Arc<GateState>) -> u64 {
        self.last += 1;
        self.gates.insert(self.last, gate);
        self.last
    }

    /// The closed gates, by id.
    pub fn closed(&mut self) -> &BTreeMap<u64, Arc<GateState>> {
        self.gates.retain(|_, gate| !gate.is_open());
        &self.gates
    }

    pub fn release(&mut self, id: u64) -> bool {
        self.gates.remove(&id).inspect(|gate| gate.open()).is_some()
    }

    pub fn release_all(&mut self) {
        for gate in std::mem::take(&mut self.gates).into_values() {
            gate.open();
        }
    }

    pub fn standing(&mut self, when: When, about: &About<'_>) -> Vec<Arc<GateState>> {
        self.closed()
            .values()
            .filter(|gate| {
                gate.when == when && about.matches(&gate.action, gate.project.as_deref())
            })
            .cloned()
            .collect()
    }
}
