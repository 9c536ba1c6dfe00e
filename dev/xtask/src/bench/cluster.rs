//! The control plane of a run: real, with the audit log off, and with what the operator needs.

use std::path::PathBuf;

use anyhow::Context;
use kube::Client;
use oms_harness::{ControlPlane, Options};
use oms_operator::api::{Kind, crds_yaml};
use serde_json::json;

use super::proc::cpu_of;
use crate::paths::root;

/// The account, as `deploy/default/rbac.yaml` makes it.
pub const ACCOUNT: (&str, &str) = ("oms-system", "oms-operator");

/// Where everything of the bench lies.
pub const NAMESPACE: &str = "bench";

/// A control plane.
pub struct Cluster {
    control_plane: ControlPlane,
    /// As administrator.
    pub client: Client,
    /// The operator's.
    pub kubeconfig: PathBuf,
}

/// Requests that change something, as the API server has counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Of MigrationProjects, by the operator: only it patches.
    pub projects: u64,
    /// Of Events.
    pub events: u64,
    /// Of those, answered with an error: conflicts.
    pub refused: u64,
}

impl std::ops::Sub for Writes {
    type Output = Writes;

    fn sub(self, before: Writes) -> Writes {
        Writes {
            projects: self.projects - before.projects,
            events: self.events - before.events,
            refused: self.refused - before.refused,
        }
    }
}

impl Cluster {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Cluster> {
        let options = Options {
            audit: false,
            ..Options::default()
        };
        let control_plane = ControlPlane::start(options).await?;
        for kind in Kind::ALL {
            control_plane.apply_yaml(&crds_yaml(kind)).await?;
        }
        let rights = root().join("deploy/default/rbac.yaml");
        let rights = std::fs::read_to_string(&rights)
            .with_context(|| format!("cannot read {}", rights.display()))?;
        control_plane.apply_yaml(&rights).await?;
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        control_plane.apply_yaml(&namespace.to_string()).await?;
        let token = control_plane
            .service_account_token(ACCOUNT.0, ACCOUNT.1)
            .await?;
        Ok(Cluster {
            client: control_plane.client(),
            kubeconfig: control_plane.write_kubeconfig(&token, None)?,
            control_plane,
        })
    }

    /// A connection to the OMS at `url`, and its login.
    pub async fn connection(&self, name: &str, url: &str) -> anyhow::Result<()> {
        let login = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"username": "admin", "password": "admin-password"},
        });
        let connection = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "OMSConnection",
            "metadata": {"name": name},
            "spec": {"url": url, "credentialsSecretRef": {"name": name}},
        });
        for object in [login, connection] {
            let text = object.to_string();
            self.control_plane.apply_yaml_in(NAMESPACE, &text).await?;
        }
        Ok(())
    }

    /// What was written so far.
    pub async fn writes(&self) -> anyhow::Result<Writes> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let text = self.client.request_text(request).await;
        Ok(writes(
            &text.context("the API server does not tell its metrics")?,
        ))
    }

    /// What the API server and etcd have spent.
    pub async fn cpu(&self) -> anyhow::Result<std::time::Duration> {
        let processes = self.control_plane.processes().await;
        let pids: Vec<u32> = processes
            .iter()
            .filter(|(name, _)| name != "kube-controller-manager")
            .map(|(_, pid)| *pid)
            .collect();
        cpu_of(&pids)
    }

    /// Ends it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.control_plane.stop().await
    }
}

fn writes(metrics: &str) -> Writes {
    let mut writes = Writes::default();
    let lines = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix("apiserver_request_total{")?;
        let (labels, value) = rest.split_once("} ")?;
        Some((labels, value.parse::<f64>().ok()? as u64))
    });
    for (labels, count) in lines {
        let is = |name: &str, value: &str| {
            let label = format!("{name}=\"{value}\"");
            labels.split(',').any(|one| one == label)
        };
        let of_events = is("resource", "events") && (is("verb", "POST") || is("verb", "PATCH"));
        let of_projects = is("resource", "migrationprojects") && is("verb", "PATCH");
        if of_events {
            writes.events += count;
        }
        if of_projects {
            writes.projects += count;
        }
        if (of_events || of_projects) && !labels.contains("code=\"2") {
            writes.refused += count;
        }
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_writes_are_told_from_everything_else() {
        let line = |code: &str, resource: &str, subresource: &str, verb: &str, count: u32| {
            format!(
                "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"\",group=\"g\",\
                 resource=\"{resource}\",scope=\"resource\",subresource=\"{subresource}\",verb=\"{verb}\",\
                 version=\"v1\"}} {count}\n"
            )
        };
        let text = [
            line("200", "migrationprojects", "", "PATCH", 10),
            line("200", "migrationprojects", "status", "PATCH", 20),
            line("409", "migrationprojects", "status", "PATCH", 1),
            line("201", "migrationprojects", "", "POST", 10),
            line("200", "migrationprojects", "", "LIST", 3),
            line("201", "events", "", "POST", 7),
            line("200", "omsconnections", "status", "PATCH", 2),
        ];
        let expected = Writes {
            projects: 31,
            events: 7,
            refused: 1,
        };
        assert_eq!(writes(&text.concat()), expected);
    }
}
