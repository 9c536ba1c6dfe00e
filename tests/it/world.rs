//! What a test stands in: a namespace on the real API server, an OMS of its
//! own, and operators as processes.

mod operator;
mod oracle;
mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use oms_harness::{ControlPlane, Mark, Options, Proxy, until};
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::api::{Kind, crds_yaml};
use oms_simulator::{Config, Oms, ProjectView, Simulator};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use self::operator::Operator;
pub use self::read::{condition, id, message, ready, reservation, status};

/// How long anything may take that is to happen. It is not a measure: a test
/// that runs into it has failed.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Occurs in no place but the Secret and the Authorization header.
pub const PASSWORD: &str = "pl4nted-p4ssw0rd-Zq";

/// The namespace and the name of the operator's account.
const ACCOUNT: (&str, &str) = ("oms-system", "oms-operator");

/// A namespace with a connection to an OMS of its own.
pub struct World {
    /// The control plane: that of the test binary, or one of its own.
    pub plane: &'static ControlPlane,
    /// The namespace.
    pub namespace: String,
    /// As administrator.
    pub client: Client,
    /// The simulated OMS.
    pub simulator: Arc<Simulator>,
    token: String,
    mark: Mark,
}

impl World {
    /// A world of its own for one test, whose name begins the namespace's.
    pub async fn new(name: &str) -> Self {
        Self::with(name, Config::default()).await
    }

    /// The same with an OMS of this kind.
    pub async fn with(name: &str, config: Config) -> Self {
        static TOKEN: OnceCell<String> = OnceCell::const_new();
        let plane = ControlPlane::shared();
        let token = TOKEN.get_or_init(|| install(plane)).await.clone();
        Self::on(plane, token, name, config).await
    }

    /// A world on a control plane of its own, where an operator may watch all
    /// namespaces without seeing those of other tests.
    pub async fn apart(name: &str) -> Self {
        let plane = ControlPlane::start(Options::default()).await;
        // Like the shared one it ends with the process.
        let plane = Box::leak(Box::new(plane.expect("a control plane")));
        let token = install(plane).await;
        Self::on(plane, token, name, Config::default()).await
    }

    /// Another world beside this one, with an OMS of its own. It is finished
    /// after this one.
    pub async fn another(&self, name: &str) -> Self {
        Self::on(self.plane, self.token.clone(), name, Config::default()).await
    }

    async fn on(plane: &'static ControlPlane, token: String, name: &str, config: Config) -> Self {
        let namespace = plane.namespace(name).await.expect("a namespace");
        let config = Config {
            username: "operator".into(),
            password: PASSWORD.into(),
            ..config
        };
        let simulator = Simulator::start(config).await.expect("a simulator");
        let simulator = Arc::new(simulator);
        let mark = plane.audit().mark().await.expect("the audit log");
        let client = plane.client();
        let world = Self {
            plane,
            namespace,
            client,
            simulator,
            token,
            mark,
        };
        world.create_secret(PASSWORD).await;
        world
            .create_connection("oms", &world.simulator.url(), json!({}))
            .await;
        world
    }

    /// A second namespace beside the same OMS, without Secret and connection.
    /// It is finished after this one.
    pub async fn neighbour(&self, name: &str) -> Self {
        Self {
            plane: self.plane,
            namespace: self.plane.namespace(name).await.expect("a namespace"),
            client: self.client.clone(),
            simulator: self.simulator.clone(),
            token: self.token.clone(),
            mark: self.mark,
        }
    }

    /// The OMS.
    pub fn oms(&self) -> &Oms {
        self.simulator.oms()
    }

    /// Requests for the resources.
    pub fn projects(&self) -> Api<MigrationProject> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Requests for the connections.
    pub fn connections(&self) -> Api<OMSConnection> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The Secret `oms`, new or with another password.
    pub async fn create_secret(&self, password: &str) {
        let entries = [("username", "operator"), ("password", password)];
        self.secret("oms", &entries).await;
    }

    /// A Secret with these entries.
    pub async fn secret(&self, name: &str, entries: &[(&str, &str)]) {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.into()),
                ..ObjectMeta::default()
            },
            string_data: Some(
                entries
                    .iter()
                    .map(|(key, value)| ((*key).into(), (*value).into()))
                    .collect(),
            ),
            ..Secret::default()
        };
        let parameters = PatchParams::apply("test").force();
        api.patch(name, &parameters, &Patch::Apply(&secret))
            .await
            .expect("a Secret");
    }

    /// An OMSConnection.
    pub async fn create_connection(&self, name: &str, url: &str, more: Value) {
        let mut spec = json!({
            "url": url,
            "credentialsSecretRef": {"name": "oms"},
            "sweepInterval": "300ms",
        });
        merge(&mut spec, &more);
        let connection = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "OMSConnection",
            "metadata": {"name": name},
            "spec": spec,
        });
        self.plane
            .apply_yaml_in(&self.namespace, &connection.to_string())
            .await
            .expect("an OMSConnection");
    }

    /// A MigrationProject as a user writes it; `more` is merged into its spec.
    pub fn manifest(&self, name: &str, more: Value) -> MigrationProject {
        let mut spec = json!({
            "connectionRef": {"name": "oms"},
            "project": {
                "type": "MIGRATION",
                "sourceEndpointId": "e_4wg07f****",
                "sinkEndpointId": "e_4wfy2****",
                "transferMapping": {
                    "mode": "SPECIFIC",
                    "databases": [{
                        "name": "shop", "mappedName": "shop",
                        "tables": [{"name": "orders", "mappedName": "orders"}],
                    }],
                },
                "enableFullTransfer": true,
                "enableIncrTransfer": true,
                "fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"},
            },
        });
        merge(&mut spec, &more);
        let mut object = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "MigrationProject",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        });
        drop_nulls(&mut object);
        serde_json::from_value(object).expect("a MigrationProject")
    }

    /// Creates a MigrationProject.
    pub async fn create(&self, name: &str, more: Value) -> MigrationProject {
        let project = self.manifest(name, more);
        self.projects()
            .create(&PostParams::default(), &project)
            .await
            .expect("created")
    }

    /// Merges `patch` into a MigrationProject.
    pub async fn patch(&self, name: &str, patch: Value) -> MigrationProject {
        let patch = Patch::Merge(patch);
        self.projects()
            .patch(name, &PatchParams::default(), &patch)
            .await
            .expect("patched")
    }

    /// The resource as it is.
    pub async fn get(&self, name: &str) -> MigrationProject {
        self.projects().get(name).await.expect("the resource")
    }

    /// Asks for the deletion of a resource.
    pub async fn delete(&self, name: &str) {
        self.projects()
            .delete(name, &DeleteParams::default())
            .await
            .expect("deleted");
    }

    /// Waits until the resource is such.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        is: impl Fn(&MigrationProject) -> bool,
    ) -> MigrationProject {
        let api = self.projects();
        let found = until(DEADLINE, what, async || {
            api.get_opt(name)
                .await
                .ok()
                .flatten()
                .filter(|project| is(project))
        })
        .await;
        match found {
            Ok(project) => project,
            Err(error) => panic!("{error:#}\n{}", self.picture(name).await),
        }
    }

    /// Waits until the resource is Ready and its project runs.
    pub async fn until_running(&self, name: &str) -> MigrationProject {
        self.until(name, "the project runs", |project| {
            ready(project) == Some("True") && status(project) == Some("RUNNING")
        })
        .await
    }

    /// Waits until the resource is Stalled for this reason.
    pub async fn until_stalled(&self, name: &str, reason: &str) -> MigrationProject {
        self.until(name, &format!("it is Stalled for {reason}"), |project| {
            condition(project, "Stalled")
                .is_some_and(|(status, why)| status == "True" && why == reason)
        })
        .await
    }

    /// Waits until the resource is gone.
    pub async fn until_gone(&self, name: &str) {
        let api = self.projects();
        let gone = until(DEADLINE, "it is gone", async || {
            matches!(api.get_opt(name).await, Ok(None)).then_some(())
        });
        if let Err(error) = gone.await {
            panic!("{error:#}\n{}", self.picture(name).await);
        }
    }

    /// That OMS has exactly one project of this name, and that the resource
    /// carries its id.
    pub async fn has_exactly_one(&self, name: &str) -> ProjectView {
        let project = self.get(name).await;
        let id = id(&project).expect("an id in the status").to_owned();
        let all = self.oms().projects();
        assert_eq!(
            all.len(),
            1,
            "projects in OMS: {all:#?}\n{}",
            self.picture(name).await
        );
        assert_eq!(all[0].id, id);
        all[0].clone()
    }

    /// The Events about a resource, as `Reason: note`.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let events = api.list(&ListParams::default()).await.expect("events");
        events
            .items
            .into_iter()
            .filter(|event| {
                event
                    .regarding
                    .as_ref()
                    .and_then(|about| about.name.as_deref())
                    == Some(name)
            })
            .map(|event| {
                format!(
                    "{}: {}",
                    event.reason.unwrap_or_default(),
                    event.note.unwrap_or_default()
                )
            })
            .collect()
    }

    /// Waits for an Event with this reason.
    pub async fn until_event(&self, name: &str, reason: &str) {
        until(DEADLINE, &format!("an Event {reason}"), async || {
            let events = self.events(name).await;
            events
                .iter()
                .any(|event| event.starts_with(reason))
                .then_some(())
        })
        .await
        .expect("an Event");
    }

    /// An operator that watches this namespace.
    pub async fn operator(&self) -> Operator {
        self.operator_with(&[], None).await
    }

    /// The same with these flags, by way of `proxy` if one is given.
    pub async fn operator_with(&self, flags: &[&str], proxy: Option<&Proxy>) -> Operator {
        let mut all = vec!["--watch-namespace", &self.namespace];
        all.extend_from_slice(flags);
        self.operator_everywhere(&all, proxy)
    }

    /// An operator that watches all namespaces, if the flags name none.
    pub fn operator_everywhere(&self, flags: &[&str], proxy: Option<&Proxy>) -> Operator {
        let kubeconfig = match proxy {
            Some(proxy) => proxy
                .kubeconfig(self.plane, &self.token)
                .expect("a kubeconfig"),
            None => self.kubeconfig(),
        };
        Operator::quick(&kubeconfig, flags)
    }

    /// A kubeconfig of the operator's account.
    pub fn kubeconfig(&self) -> PathBuf {
        let written = self.plane.write_kubeconfig(&self.token, None);
        written.expect("a kubeconfig")
    }

    /// A proxy in front of the API server.
    pub async fn proxy(&self) -> Proxy {
        Proxy::start(self.plane).await.expect("a proxy")
    }

    /// Everything there is to see, for a test that failed.
    pub async fn picture(&self, name: &str) -> String {
        let resource = self
            .projects()
            .get_opt(name)
            .await
            .ok()
            .flatten()
            .map(|mut project| {
                project.managed_fields_mut().clear();
                serde_json::to_string_pretty(&project).unwrap_or_default()
            });
        let connections = self.connections().list(&ListParams::default()).await;
        let connections: Vec<String> = connections
            .into_iter()
            .flatten()
            .map(|connection| format!("{:?} {:?}", connection.spec, connection.status))
            .collect();
        format!(
            "resource {name}: {}\nconnections: {connections:#?}\nevents: {:#?}\nin OMS: {:#?}\ncalls: {:#?}",
            resource.unwrap_or_else(|| "none".into()),
            self.events(name).await,
            self.oms().projects(),
            self.oms()
                .calls()
                .into_iter()
                .filter(|call| call.action != "ListProjects" || call.search_key.is_some())
                .map(|call| format!("{} {:?} {:?}", call.action, call.project_name, call.outcome))
                .collect::<Vec<_>>(),
        )
    }
}

/// Installs the definitions and the rights, and gives the operator's token.
async fn install(plane: &ControlPlane) -> String {
    for kind in [Kind::OMSConnection, Kind::MigrationProject] {
        plane
            .apply_yaml(&crds_yaml(kind))
            .await
            .expect("the definitions");
    }
    let rights = include_str!("../../deploy/rbac.yaml");
    plane.apply_yaml(rights).await.expect("the rights");
    plane
        .service_account_token(ACCOUNT.0, ACCOUNT.1)
        .await
        .expect("a token")
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
