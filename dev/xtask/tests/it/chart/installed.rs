//! The life of a release on a real API server: installed, upgraded, uninstalled, installed again. No Pod runs there, so nothing waits for one.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use oms_harness::{ControlPlane, Options, served};
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::api::{Kind, keys};
use serde_json::{Value, json};

use super::tools::{chart, root, run, tools};

/// A cluster, and one Helm for it.
struct Cluster {
    plane: ControlPlane,
    helm: PathBuf,
    kubeconfig: String,
}

impl Cluster {
    async fn new(helm: &Path) -> Self {
        let options = Options {
            controllers: false,
            ..Options::default()
        };
        let plane = ControlPlane::start(options).await.expect("a control plane");
        let kubeconfig = plane.kubeconfig().display().to_string();
        let helm = helm.to_owned();
        Self {
            plane,
            helm,
            kubeconfig,
        }
    }

    /// Helm with these arguments, for the release's namespace.
    fn helm(&self, args: &[&str]) -> String {
        let mut all = vec![
            "--kubeconfig",
            &self.kubeconfig,
            "--namespace",
            "oms-system",
        ];
        all.extend(args);
        run(&self.helm, &all, "").unwrap_or_else(|words| panic!("helm {args:?}: {words}"))
    }

    fn install(&self, chart: &Path, args: &[&str]) -> String {
        let mut all = vec![
            "install",
            "oms-operator",
            chart.to_str().expect("a path"),
            "--create-namespace",
        ];
        all.extend(args);
        self.helm(&all)
    }

    fn upgrade(&self, chart: &Path, args: &[&str]) -> String {
        let mut all = vec!["upgrade", "oms-operator", chart.to_str().expect("a path")];
        all.extend(args);
        self.helm(&all)
    }

    /// Waits until the kinds can be used.
    async fn served(&self) {
        for kind in Kind::ALL {
            served(&self.plane.client(), kind.definition_name())
                .await
                .expect("a kind");
        }
    }

    async fn create_project(&self, name: &str) {
        let project = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "MigrationProject",
            "metadata": {"name": name},
            "spec": {
                "connectionRef": {"name": "oms"},
                "project": {
                    "type": "MIGRATION",
                    "sourceEndpointId": "e_1",
                    "sinkEndpointId": "e_2",
                    "transferMapping": {"mode": "WILDCARD", "tableAndViewWhiteList": ["shop.*"]},
                    "enableStructTransfer": true,
                },
            },
        });
        self.plane
            .apply_yaml_in("oms-system", &project.to_string())
            .await
            .expect("a MigrationProject");
    }

    /// Gives a resource what it has once its project runs, by the writes that the operator makes; gives it back.
    async fn as_an_operator_has_it(&self, name: &str) -> MigrationProject {
        let recorded = root().join("tests/fixtures/status/running.yaml");
        let recorded = fs::read_to_string(recorded).expect("the status of a real run");
        let recorded: Value = serde_saphyr::from_str(&recorded).expect("YAML");
        let held = json!({"metadata": {"finalizers": [keys::FINALIZER]}});
        let seen = json!({"status": recorded["status"]});
        let (api, params) = (self.projects(), PatchParams::default());
        api.patch(name, &params, &Patch::Merge(&held))
            .await
            .expect("a finalizer");
        let written = api.patch_status(name, &params, &Patch::Merge(&seen)).await;
        let written = written.expect("a status");
        assert!(
            written
                .status
                .as_ref()
                .is_some_and(|status| status.project_id.is_some())
        );
        written
    }

    /// Whatever was recorded of a project is there yet, and the operator can go on writing what it writes.
    async fn is_as_before_and_written(&self, name: &str, before: &MigrationProject) {
        let (api, params) = (self.projects(), PatchParams::default());
        let value = |object: &MigrationProject| serde_json::to_value(object).expect("plain data");
        let unchanged = |now: &MigrationProject| {
            assert_eq!(value(now)["status"], value(before)["status"]);
            assert_eq!(value(now)["spec"], value(before)["spec"]);
            assert_eq!(now.uid(), before.uid());
            assert_eq!(now.finalizers(), [keys::FINALIZER]);
        };
        unchanged(&api.get(name).await.expect("it is there"));
        // What moves with every sweep, and back; let go of, and taken back.
        let moved = json!({"status": {"lagSeconds": 7}});
        let moved = api.patch_status(name, &params, &Patch::Merge(&moved)).await;
        let moved = moved.expect("a status can be written");
        assert_eq!(value(&moved)["status"]["lagSeconds"], 7);
        let lag = &value(before)["status"]["lagSeconds"];
        let back = json!({"status": {"lagSeconds": lag}});
        api.patch_status(name, &params, &Patch::Merge(&back))
            .await
            .expect("again");
        for finalizers in [json!(null), json!([keys::FINALIZER])] {
            let patch = json!({"metadata": {"finalizers": finalizers}});
            api.patch(name, &params, &Patch::Merge(&patch))
                .await
                .expect("a finalizer can be written");
        }
        unchanged(&api.get(name).await.expect("it is there"));
    }

    fn projects(&self) -> Api<MigrationProject> {
        Api::namespaced(self.plane.client(), "oms-system")
    }

    fn connections(&self) -> Api<OMSConnection> {
        Api::namespaced(self.plane.client(), "oms-system")
    }

    async fn definition(&self, kind: Kind) -> Value {
        let api: Api<CustomResourceDefinition> = Api::all(self.plane.client());
        let definition = api
            .get(kind.definition_name())
            .await
            .expect("the definition");
        serde_json::to_value(definition).expect("plain data")
    }

    /// Runs the commands that stand in the notes, in order, as a shell does.
    fn follow(&self, notes: &str, is_wanted: impl Fn(&str) -> bool) {
        for command in commands(notes)
            .into_iter()
            .filter(|command| is_wanted(command))
        {
            let folder = tools().kubectl.parent().expect("a folder");
            let script = format!(
                "export PATH={}:$PATH KUBECONFIG={}\n{command}",
                folder.display(),
                self.kubeconfig
            );
            run(Path::new("/bin/sh"), &["-ec", &script], "")
                .unwrap_or_else(|words| panic!("{command}: {words}"));
        }
    }
}

/// The commands in a text, as somebody copies them from a terminal, which takes no indentation away: what is indented is one
/// for each line, and what ends in a here-document goes on until that does.
fn commands(notes: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = notes.lines();
    while let Some(line) = lines.next() {
        if line.ends_with("<<'EOF'") {
            let rest: Vec<&str> = lines.by_ref().take_while(|line| *line != "EOF").collect();
            commands.push(format!("{line}\n{}\nEOF\n", rest.join("\n")));
        } else if line.starts_with("    ") {
            commands.push(format!("{line}\n"));
        }
    }
    commands
}

/// The chart as an older version might have been: a field less.
fn older_chart(folder: &Path) -> PathBuf {
    let older = folder.join("older");
    copy(&chart(), &older);
    let file = older.join(format!(
        "files/crds/{}.yaml",
        Kind::MigrationProject.definition_name()
    ));
    let text = fs::read_to_string(&file).expect("the definition");
    let mut definition: Value = serde_saphyr::from_str(&text).expect("YAML");
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let fields = definition
        .pointer_mut(spec)
        .expect("fields")
        .as_object_mut();
    fields
        .expect("a map")
        .remove("readiness")
        .expect("the field");
    fs::write(&file, serde_saphyr::to_string(&definition).expect("YAML")).expect("written");
    let file = older.join("Chart.yaml");
    let text = fs::read_to_string(&file).expect("Chart.yaml");
    let version = format!("version: {}", env!("CARGO_PKG_VERSION"));
    fs::write(&file, text.replacen(&version, "version: 0.0.1", 1)).expect("written");
    older
}

/// Whether a definition has the field that the older chart lacks.
fn has_readiness(definition: &Value) -> bool {
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/readiness";
    definition.pointer(spec).is_some()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

#[tokio::test]
async fn helm_4_brings_new_definitions_and_leaves_what_is_the_users() {
    release(tools().helm()).await;
}

#[tokio::test]
async fn helm_3_brings_new_definitions_and_leaves_what_is_the_users() {
    release(tools().helms().last().expect("an older one")).await;
}

async fn release(helm: &Path) {
    let cluster = Cluster::new(helm).await;
    let notes = cluster.install(&older_chart(cluster.plane.folder()), &[]);
    cluster.served().await;
    assert!(!has_readiness(
        &cluster.definition(Kind::MigrationProject).await
    ));
    // The notes as they stand; only waiting for a connection takes an operator that runs.
    assert_eq!(commands(&notes).len(), 3, "{notes}");
    cluster.follow(&notes, |command| !command.contains(" wait "));
    cluster
        .connections()
        .get("oms")
        .await
        .expect("the connection of the notes");
    let secrets: Api<Secret> = Api::namespaced(cluster.plane.client(), "oms-system");
    secrets
        .get("oms-credentials")
        .await
        .expect("the Secret of the notes");
    cluster.create_project("old").await;
    cluster.create_project("running").await;
    let running = cluster.as_an_operator_has_it("running").await;

    cluster.upgrade(&chart(), &[]);
    assert!(
        has_readiness(&cluster.definition(Kind::MigrationProject).await),
        "helm upgrade reaches the definitions"
    );
    cluster.served().await;
    cluster.is_as_before_and_written("running", &running).await;
    let readiness = json!({"metadata": {"labels": {"touched": "yes"}}, "spec": {"readiness": {"maxLag": "30s"}}});
    let written = cluster
        .projects()
        .patch("old", &PatchParams::default(), &Patch::Merge(&readiness))
        .await
        .expect("an old object stays writable");
    assert_eq!(written.labels()["touched"], "yes");
    let written = serde_json::to_value(&written).expect("plain data");
    assert_eq!(
        written["spec"]["readiness"]["maxLag"], "30s",
        "and takes the new field"
    );

    // Back, as docs/install.md tells: the operator alone. And forward again.
    let older = older_chart(cluster.plane.folder());
    cluster.upgrade(
        &older,
        &["--reset-then-reuse-values", "--set=crds.enabled=false"],
    );
    assert!(
        has_readiness(&cluster.definition(Kind::MigrationProject).await),
        "the definitions stay as they are"
    );
    cluster.is_as_before_and_written("running", &running).await;
    let old = cluster.projects().get("old").await.expect("it is there");
    let old = serde_json::to_value(&old).expect("plain data");
    assert_eq!(
        old["spec"]["readiness"]["maxLag"], "30s",
        "nothing is dropped"
    );
    cluster.upgrade(
        &chart(),
        &["--reset-then-reuse-values", "--set=crds.enabled=true"],
    );
    cluster.served().await;
    cluster.is_as_before_and_written("running", &running).await;

    cluster.helm(&["uninstall", "oms-operator"]);
    cluster.is_as_before_and_written("running", &running).await;
    let left = cluster.projects().get("old").await.expect("resources stay");
    assert_eq!(left.metadata.deletion_timestamp, None);
    cluster
        .connections()
        .get("oms")
        .await
        .expect("connections stay");
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(cluster.plane.client(), "oms-system");
    let deployments = deployments
        .list(&ListParams::default())
        .await
        .expect("a list");
    assert_eq!(deployments.items.len(), 0);

    cluster.install(&chart(), &[]);
    cluster
        .projects()
        .get("old")
        .await
        .expect("and are found again");
    cluster.plane.stop().await.expect("its end");
}

/// Helm installs no resource of a kind that comes with the same release: the notes have it, and the next upgrade takes it over.
#[tokio::test]
async fn the_connection_of_the_values_comes_with_the_notes_and_then_with_the_release() {
    for helm in tools().helms() {
        let cluster = Cluster::new(helm).await;
        let settings = [
            "--set=defaultConnection.create.enabled=true",
            "--set=defaultConnection.create.name=prod",
            "--set=defaultConnection.create.spec.url=https://oms.example.com:8089",
            "--set=defaultConnection.create.spec.credentialsSecretRef.name=login",
        ];
        let notes = cluster.install(&chart(), &settings);
        cluster.served().await;
        assert!(
            cluster
                .connections()
                .get_opt("prod")
                .await
                .expect("an answer")
                .is_none()
        );
        cluster.follow(&notes, |command| command.contains("apply"));
        let printed = cluster
            .connections()
            .get("prod")
            .await
            .expect("the connection of the notes");
        cluster.upgrade(&chart(), &settings);
        // What the notes have set changes, too: Helm 4 would be refused that by another manager of the field.
        let changed = [
            "--set=defaultConnection.create.spec.sweepInterval=1m",
            "--set=defaultConnection.create.spec.url=https://oms.example.com:8090",
        ];
        cluster.upgrade(&chart(), &[&settings[..], &changed[..]].concat());
        let taken_over = cluster
            .connections()
            .get("prod")
            .await
            .expect("the connection");
        assert_eq!(printed.metadata.uid, taken_over.metadata.uid);
        let spec = serde_json::to_value(&taken_over.spec).expect("plain data");
        assert_eq!(spec["sweepInterval"], "1m", "it is the release's now");
        assert_eq!(spec["url"], "https://oms.example.com:8090");
        cluster.helm(&["uninstall", "oms-operator"]);
        let left = cluster.connections().get("prod").await.expect("it stays");
        assert_eq!(left.metadata.deletion_timestamp, None);
        cluster.plane.stop().await.expect("its end");
    }
}

/// As docs/install.md tells: Helm 4 applies server-side, too, and would not get past what kubectl has applied in the same way.
#[tokio::test]
async fn what_kubectl_has_applied_is_taken_over_and_upgraded() {
    let cluster = Cluster::new(tools().helm()).await;
    let older = older_chart(cluster.plane.folder());
    let definitions = older.join("files/crds").display().to_string();
    let apply = [
        "--kubeconfig",
        &cluster.kubeconfig,
        "apply",
        "--server-side",
    ];
    let apply = [&apply[..], &["-f", &definitions]].concat();
    run(&tools().kubectl, &apply, "").expect("the definitions");
    let over = ["--take-ownership", "--server-side=false"];
    cluster.install(&older, &over);
    cluster.upgrade(&chart(), &[]);
    assert!(has_readiness(
        &cluster.definition(Kind::MigrationProject).await
    ));
    cluster.plane.stop().await.expect("its end");
}

/// A connection where the operator does not look would never be Ready.
#[tokio::test]
async fn the_notes_put_the_connection_where_the_operator_looks() {
    let cluster = Cluster::new(tools().helm()).await;
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    let made = cluster.plane.apply_yaml(namespace).await;
    made.expect("a namespace");
    for (setting, name) in [
        ("--set=watchNamespaces={shop}", "oms"),
        ("--set=defaultConnection.ref=shop/prod", "prod"),
    ] {
        let notes = cluster.install(&chart(), &[setting]);
        cluster.served().await;
        assert!(!notes.contains("-n oms-system"), "{setting}: {notes}");
        cluster.follow(&notes, |command| command.contains("apply"));
        let there: Api<OMSConnection> = Api::namespaced(cluster.plane.client(), "shop");
        let connection = there.get_opt(name).await.expect("an answer");
        assert!(connection.is_some(), "{setting}: {notes}");
        cluster.helm(&["uninstall", "oms-operator"]);
    }
    cluster.plane.stop().await.expect("its end");
}

#[test]
fn commands_are_what_stands_in_the_notes() {
    let notes = "Do:\n\na <<'EOF'\n  b\nEOF\n\nand\n\n    c\n";
    assert_eq!(commands(notes), ["a <<'EOF'\n  b\nEOF\n", "    c\n"]);
    // Its end is none with blanks before it, so a shell would go on reading.
    let swallowed = "    a <<'EOF'\n    b\n    EOF\n\nand\n\n    c\n";
    assert_eq!(commands(swallowed).len(), 1);
}
