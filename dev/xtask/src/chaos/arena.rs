//! What stands: a control plane with a proxy in front of it, an OMS, and namespaces with a connection each.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use oms_harness::{ControlPlane, Options, Proxy, service_account_token};
use oms_simulator::{Config, Durations, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::console::Console;
use super::outages::Outages;
use super::score::Score;
use crate::demo::operator::ACCOUNT;
use crate::demo::theirs::parts;

/// Group of the resources, which is also where etcd has them.
pub const GROUP: &str = "oms.oceanbase.com";

/// Stands in no place but the Secrets and the Authorization header.
pub const PASSWORD: &str = "pl4nted-p4ssw0rd-Zq";

/// The account in OMS.
pub const USER: &str = "operator";

/// For a namespace; each has its own connection, which is taken away and suspended with it.
const RESOURCES_OF_A_NAMESPACE: u32 = 25;

/// What OMS's log of calls may hold: half an hour of a busy operator, several times over.
const CALLS: usize = 2_000_000;

/// Everything that is shared by those who play.
pub struct Arena {
    // The order of the fields is the order of dropping.
    /// In front of the API server, for the operator alone.
    pub proxy: Proxy,
    /// OMS.
    pub simulator: Simulator,
    /// As administrator.
    pub client: Client,
    /// Where the resources are.
    pub namespaces: Vec<String>,
    /// The operator's, by way of the proxy.
    pub kubeconfig: PathBuf,
    /// What people did in OMS's console.
    pub console: Console,
    /// When the API server was away.
    pub outages: Outages,
    /// What was done.
    pub score: Score,
    /// Logs, until the run is over.
    pub folder: TempDir,
    /// etcd, API server, controllers.
    pub plane: ControlPlane,
}

impl Arena {
    /// Starts and fills it. Without the operator.
    pub async fn start(resources: u32, seed: u64) -> anyhow::Result<Arena> {
        let options = Options {
            // The chronicle is read from etcd, which then must not forget.
            api_server_args: vec!["--etcd-compaction-interval=0".to_owned()],
            ..Options::default()
        };
        let plane = ControlPlane::start(options).await?;
        for part in parts()? {
            plane.apply_yaml(&part.text).await.context(part.what)?;
        }
        let client = plane.client();
        let token = service_account_token(&client, ACCOUNT.0, ACCOUNT.1).await?;
        let proxy = Proxy::start(&plane).await?;
        let kubeconfig = proxy.kubeconfig(&plane, &token)?;
        let simulator = Simulator::start(oms(seed)).await?;
        let mut arena = Arena {
            kubeconfig,
            namespaces: Vec::new(),
            console: Console::default(),
            outages: Outages::default(),
            score: Score::default(),
            folder: tempfile::tempdir().context("no room for logs")?,
            proxy,
            simulator,
            client,
            plane,
        };
        for number in 0..resources.div_ceil(RESOURCES_OF_A_NAMESPACE) {
            let namespace = arena.plane.namespace(&format!("shop-{number}")).await?;
            arena.secret(&namespace, PASSWORD).await?;
            arena.connection(&namespace, json!({})).await?;
            arena.namespaces.push(namespace);
        }
        Ok(arena)
    }

    /// Requests for the resources of a namespace.
    pub fn projects(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind("MigrationProject"))
    }

    /// Requests for its connections.
    pub fn connections(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind("OMSConnection"))
    }

    /// All resources, as the API server has them.
    pub async fn resources(&self) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        for namespace in &self.namespaces {
            let api = self.projects(namespace);
            for object in api.list(&ListParams::default()).await? {
                all.push(serde_json::to_value(object)?);
            }
        }
        Ok(all)
    }

    /// Makes the Secret, or changes it.
    pub async fn secret(&self, namespace: &str, password: &str) -> anyhow::Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "oms"},
            "stringData": {"username": USER, "password": password},
        });
        self.apply(namespace, &secret).await
    }

    /// Makes the connection, or sets its spec; `more` comes on top.
    pub async fn connection(&self, namespace: &str, more: Value) -> anyhow::Result<()> {
        let mut spec = json!({
            "url": self.simulator.url(),
            "credentialsSecretRef": {"name": "oms"},
            "sweepInterval": "1s",
        });
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        let connection = json!({
            "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "OMSConnection",
            "metadata": {"name": "oms"}, "spec": spec,
        });
        self.apply(namespace, &connection).await
    }

    async fn apply(&self, namespace: &str, object: &Value) -> anyhow::Result<()> {
        let text = object.to_string();
        let applied = oms_harness::apply_yaml(&self.client, namespace, &text);
        applied.await.map(drop)
    }

    /// Ends everything, in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Arena {
            proxy,
            simulator,
            client,
            folder,
            plane,
            ..
        } = self;
        drop(proxy);
        drop(client);
        simulator.stop().await;
        folder.close().context("cannot remove the logs")?;
        plane.stop().await
    }
}

fn kind(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, "v1alpha1", kind))
}

/// An OMS whose projects get somewhere within seconds.
fn oms(seed: u64) -> Config {
    let seconds = Duration::from_secs;
    Config {
        username: USER.to_owned(),
        password: PASSWORD.to_owned(),
        seed,
        call_log: CALLS,
        durations: Durations {
            precheck: seconds(1),
            struct_transfer: seconds(1),
            log_pull: seconds(1),
            full_transfer: seconds(5),
            full_verifier: seconds(2),
            release: seconds(2),
            backlog: seconds(20),
            ..Durations::default()
        },
        ..Config::default()
    }
}
