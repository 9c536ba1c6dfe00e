//! What the demo has started, and in which order it ends.

use std::time::Duration;

use anyhow::Context;
use oms_harness::{ControlPlane, Process};
use oms_simulator::Simulator;

/// A create in flight may take 60 s, and its id has to be written then.
const GRACE: Duration = Duration::from_secs(80);

/// What runs. What is dropped without [`Parts::stop`] is killed.
#[derive(Default)]
pub struct Parts {
    // The order of the fields is the order of dropping.
    /// The operator.
    pub operator: Option<Process>,
    /// OMS.
    pub simulator: Option<Simulator>,
    /// Kubernetes.
    pub control_plane: Option<ControlPlane>,
    /// Every project was seen as its example says.
    pub all_there: bool,
}

impl Parts {
    /// Ends everything in order, and each part even if the one before did not end well.
    pub async fn stop(self) -> anyhow::Result<()> {
        let mut result = Ok(());
        if let Some(operator) = &self.operator
            && operator.is_running()
        {
            let exit = operator.stop(GRACE).await;
            result = exit.and_then(|exit| match exit.success() {
                true => Ok(()),
                false => anyhow::bail!("the operator ended with {exit}; {}", operator.log_tail()),
            });
        }
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
        if let Some(control_plane) = self.control_plane {
            let stopped = control_plane.stop().await;
            result = result.and(stopped.context("the control plane did not end well"));
        }
        result
    }
}
