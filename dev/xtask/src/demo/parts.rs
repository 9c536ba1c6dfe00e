//! What the demo has started, and in which order it ends.

use std::time::Duration;

use oms_harness::Process;
use oms_simulator::Simulator;
use tempfile::TempDir;

use super::cluster::Cluster;
use crate::screen::Screen;

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
    pub cluster: Option<Cluster>,
    /// Files for the time of the demo.
    pub folder: Option<TempDir>,
    /// Every project has come to its end.
    pub all_there: bool,
}

impl Parts {
    /// Ends everything in order, and each part even if the one before did not end well.
    pub async fn stop(self, screen: &Screen) -> anyhow::Result<()> {
        let mut result = Ok(());
        if let Some(cluster) = &self.cluster {
            result = cluster.let_go(screen).await;
        }
        if let Some(operator) = &self.operator
            && operator.is_running()
        {
            screen.doing("the operator");
            let exit = operator.stop(GRACE).await;
            result = result.and(exit.and_then(|exit| match exit.success() {
                true => Ok(()),
                false => anyhow::bail!("the operator ended with {exit}; {}", operator.log_tail()),
            }));
        }
        if let Some(simulator) = self.simulator {
            screen.doing("the simulated OMS");
            simulator.stop().await;
        }
        if let Some(cluster) = self.cluster {
            screen.doing("");
            result = result.and(cluster.stop(screen).await);
        }
        if let Some(folder) = self.folder {
            result = result.and(folder.close().map_err(Into::into));
        }
        result
    }
}
