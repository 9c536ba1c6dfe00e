//! What a test stands in: a namespace on the real API server, an OMS of its
//! own, and operators as processes.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use oms_harness::{ControlPlane, Exit, Mark, Process, Proxy, until};
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::api::{Kind, crds_yaml, keys};
use oms_simulator::{Config, Oms, ProjectView, Simulator};
use serde_json::{Value, json};

/// How long anything may take that is to happen. It is not a measure: a test
/// that runs into it has failed.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Occurs in no place but the Secret and the Authorization header.
pub const PASSWORD: &str = "pl4nted-p4ssw0rd-Zq";

/// The namespace and the name of the operator's account.
const ACCOUNT: (&str, &str) = ("oms-system", "oms-operator");

/// A namespace with a connection to an OMS of its own.
pub struct World {
    /// The control plane of this test binary.
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

/// An operator's process.
pub struct Operator {
    process: Process,
}

impl World {
    /// A world of its own for one test, whose name begins the namespace's.
    pub async fn new(name: &str) -> Self {
        Self::with(name, Config::default()).await
    }

    /// The same with an OMS of this kind.
    pub async fn with(name: &str, config: Config) -> Self {
        let plane = ControlPlane::shared();
        let token = install(plane).await;
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
        let kubeconfig = match proxy {
            Some(proxy) => proxy.kubeconfig(self.plane, &self.token),
            None => self.plane.write_kubeconfig(&self.token, None),
        }
        .expect("a kubeconfig");
        let mut arguments = vec![
            "run",
            "--health-addr=127.0.0.1:0",
            "--metrics-addr=127.0.0.1:0",
            "--min-sweep-interval=200ms",
            "--secret-interval=500ms",
            "--create-quarantine=2s",
            "--create-quarantine-replied=1s",
            "--oms-connect-timeout=1s",
            "--oms-read-timeout=2s",
            "--oms-mutation-timeout=3s",
            "--max-backoff=2s",
            "--watch-namespace",
            &self.namespace,
        ];
        // A test's own value takes the place of the one above.
        let name = |flag: &str| flag.split('=').next().map(str::to_owned);
        arguments
            .retain(|one| !one.contains('=') || flags.iter().all(|own| name(own) != name(one)));
        arguments.extend_from_slice(flags);
        let kubeconfig = kubeconfig.to_string_lossy();
        let environment = [("KUBECONFIG", &*kubeconfig), ("RUST_LOG", "trace")];
        Operator::spawn(&arguments, &environment)
    }

    /// A proxy in front of the API server.
    pub async fn proxy(&self) -> Proxy {
        Proxy::start(self.plane).await.expect("a proxy")
    }

    /// Ends the test: stops the operators, and checks what holds for every one
    /// of them. No request was refused for want of a right, Secrets were only
    /// ever got, and the password is nowhere.
    pub async fn finish(self, operators: impl IntoIterator<Item = Operator>) {
        for operator in operators {
            if let Some(answer) = operator.ask("/metrics").await {
                assert_no_secret("a metric", &answer.body);
            }
            let exit = operator.terminate().await;
            assert!(
                exit.success(),
                "the operator ended with {exit}\n{}",
                operator.process.log_tail()
            );
            assert_no_secret("the log", &operator.process.log());
        }
        let entries = self
            .plane
            .audit()
            .since(self.mark)
            .await
            .expect("the audit log");
        let mine = entries
            .service_account(ACCOUNT.0, ACCOUNT.1)
            .filter(|entry| entry.namespace.as_deref() == Some(self.namespace.as_str()));
        let forbidden = mine.forbidden();
        assert!(
            forbidden.is_empty(),
            "requests without a right: {forbidden}"
        );
        let secrets = mine.resource("secrets");
        assert!(
            secrets.verbs().iter().all(|verb| *verb == "get"),
            "verbs on Secrets: {:?}",
            secrets.verbs()
        );
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        for event in api.list(&ListParams::default()).await.expect("events") {
            assert_no_secret("an Event", &format!("{event:?}"));
        }
        for project in self
            .projects()
            .list(&ListParams::default())
            .await
            .expect("resources")
        {
            assert_no_secret("a resource", &format!("{project:?}"));
        }
        for connection in self
            .connections()
            .list(&ListParams::default())
            .await
            .expect("resources")
        {
            assert_no_secret("a connection", &format!("{connection:?}"));
        }
        if let Some(simulator) = Arc::into_inner(self.simulator) {
            simulator.stop().await;
        }
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

impl Operator {
    /// The binary with these arguments.
    pub fn spawn(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_oms-operator"));
        let process = Process::spawn("operator", program, arguments, environment);
        Self {
            process: process.expect("the operator"),
        }
    }

    /// SIGKILL, as a crash.
    pub async fn kill(&self) {
        let exit = self.process.kill().await;
        assert_eq!(exit.code(), None, "killed, not ended: {exit}");
        assert_no_secret("the log", &self.process.log());
    }

    /// SIGTERM, and how it ended.
    pub async fn terminate(&self) -> Exit {
        self.process.terminate();
        self.process
            .wait(DEADLINE)
            .await
            .expect("the operator ends")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits for a text in the log, and gives its line.
    pub async fn until_log(&self, text: &str) -> String {
        self.process
            .wait_for_log(text, DEADLINE)
            .await
            .expect("in the log")
    }

    /// Waits until the process has ended by itself.
    pub async fn until_ended(&self) -> Exit {
        self.process
            .wait(DEADLINE)
            .await
            .expect("the operator ends")
    }
}

/// Installs the definitions and the rights, once for the test binary.
async fn install(plane: &'static ControlPlane) -> String {
    static TOKEN: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    TOKEN
        .get_or_init(|| async {
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
        })
        .await
        .clone()
}

/// The id a resource has recorded.
pub fn id(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_id.as_deref()
}

/// OMS's word for the project.
pub fn status(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_status.as_deref()
}

/// Status and reason of a condition.
pub fn condition<'a>(project: &'a MigrationProject, type_: &str) -> Option<(&'a str, &'a str)> {
    let conditions = &project.status.as_ref()?.conditions;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_)?;
    Some((found.status.as_str(), found.reason.as_str()))
}

/// The message of the condition Ready.
pub fn message(project: &MigrationProject) -> &str {
    let conditions = project
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    conditions
        .unwrap_or_default()
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .map_or("", |condition| condition.message.as_str())
}

/// The status of the condition Ready.
pub fn ready(project: &MigrationProject) -> Option<&str> {
    condition(project, "Ready").map(|(status, _)| status)
}

/// The reservation that a resource carries.
pub fn reservation(project: &MigrationProject) -> Option<Value> {
    let text = project.annotations().get(keys::CREATE_RESERVATION)?;
    serde_json::from_str(text).ok()
}

fn assert_no_secret(place: &str, text: &(impl AsRef<str> + Debug + ?Sized)) {
    use base64::Engine as _;
    let header = base64::engine::general_purpose::STANDARD.encode(format!("operator:{PASSWORD}"));
    let password = base64::engine::general_purpose::STANDARD.encode(PASSWORD);
    for planted in [PASSWORD, header.as_str(), password.as_str()] {
        if let Some(at) = text.as_ref().find(planted) {
            let start = text.as_ref()[..at].rfind('\n').map_or(0, |line| line + 1);
            panic!("the password is in {place}: {}", &text.as_ref()[start..at]);
        }
    }
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
