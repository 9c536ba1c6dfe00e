//! The program itself: how it says what it lacks, its probes, and the commands
//! beside `run`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kube::api::{Api, ListParams};
use oms_harness::{ControlPlane, Match, Options, until};
use oms_operator::api::v1alpha1::OMSConnection;
use oms_simulator::When;
use serde_json::json;

use crate::world::{DEADLINE, Operator, PASSWORD, World};

/// `run` with this kubeconfig ends by itself; what it said.
async fn fails_to_start(kubeconfig: &Path, flags: &[&str]) -> String {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let addresses = ["--health-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0"];
    let mut arguments = vec!["run", &kubeconfig];
    arguments.extend(addresses);
    arguments.extend(flags);
    let operator = Operator::spawn(&arguments, &[]);
    let exit = operator.until_ended().await;
    assert_eq!(exit.code(), Some(1), "{exit}\n{}", operator.log());
    let log = operator.log();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.starts_with("oms-operator: "), "{log}");
    last.to_owned()
}

/// A file of this test's own.
fn file(plane: &ControlPlane, name: &str, text: &str) -> PathBuf {
    let path = plane.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The binary, run to its end.
pub fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oms-operator"))
        .args(arguments)
        .output()
        .unwrap()
}

/// What it prints when all goes well.
pub fn printed(arguments: &[&str]) -> String {
    let output = command(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn without_the_definitions_it_names_the_command_that_installs_them() {
    // A cluster of its own: what a server says of a group that it has never seen is not made up here.
    let options = Options {
        controllers: false,
        ..Options::default()
    };
    let plane = ControlPlane::start(options).await.unwrap();
    let words = fails_to_start(&plane.kubeconfig(), &[]).await;
    for needed in [
        "oms-operator crd | kubectl apply",
        "CustomResourceDefinition",
    ] {
        assert!(words.contains(needed), "{words}");
    }
    plane.stop().await.unwrap();
}

#[tokio::test]
async fn without_rights_it_names_the_command_that_gives_them() {
    let world = World::new("no-rights").await;
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"},
    });
    let namespace = &world.namespace;
    let plane = world.plane;
    plane
        .apply_yaml_in(namespace, &account.to_string())
        .await
        .unwrap();
    let token = plane.service_account_token(namespace, "nobody").await;
    let kubeconfig = plane.write_kubeconfig(&token.unwrap(), None).unwrap();
    let words = fails_to_start(&kubeconfig, &["--watch-namespace", namespace]).await;
    for needed in [
        "kubectl apply -f deploy/default/rbac.yaml",
        "may not list",
        namespace,
    ] {
        assert!(words.contains(needed), "{words}");
    }
    world.finish([]).await;
}

#[tokio::test]
async fn without_the_right_to_write_a_status_it_does_not_begin() {
    let world = World::new("no-status").await;
    let namespace = &world.namespace;
    let shipped = include_str!("../../deploy/default/rbac.yaml");
    let role = shipped
        .split("\n---\n")
        .find(|document| document.contains("kind: ClusterRole\n"))
        .expect("the rights");
    let statuses = "[migrationprojects/status, omsconnections/status]";
    assert!(role.contains(statuses));
    // In this namespace alone, and without the status of projects.
    let role = role
        .replace("kind: ClusterRole\n", "kind: Role\n")
        .replace(statuses, "[omsconnections/status]");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "oms-operator"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "oms-operator",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "partial", "namespace": namespace}],
    });
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "partial"},
    });
    let plane = world.plane;
    for document in [role, account.to_string(), binding.to_string()] {
        plane.apply_yaml_in(namespace, &document).await.unwrap();
    }
    let token = plane.service_account_token(namespace, "partial").await;
    let token = token.unwrap();
    // The API server goes by a new binding only once its own watch has told it.
    let connections: Api<OMSConnection> = Api::namespaced(plane.client_for(&token), namespace);
    until(DEADLINE, "the binding counts", async || {
        connections.list(&ListParams::default()).await.ok()
    })
    .await
    .expect("the binding counts");
    let kubeconfig = plane.write_kubeconfig(&token, None).unwrap();
    let flags = ["--watch-namespace", namespace, "--cluster-id=test"];
    let words = fails_to_start(&kubeconfig, &flags).await;
    let lacks =
        format!("patch migrationprojects/status.oms.oceanbase.com in the namespace {namespace}");
    for needed in [lacks.as_str(), "kubectl apply -f deploy/default/rbac.yaml"] {
        assert!(words.contains(needed), "{words}");
    }
    assert!(!words.contains("omsconnections"), "it has that: {words}");
    assert_eq!(world.oms().calls(), []);
    world.finish([]).await;
}

#[tokio::test]
async fn with_a_wrong_token_it_says_so() {
    let world = World::new("no-token").await;
    let kubeconfig = world.plane.write_kubeconfig("nonsense", None).unwrap();
    let words = fails_to_start(&kubeconfig, &[]).await;
    assert!(words.contains("kubectl auth whoami"), "{words}");
    world.finish([]).await;
}

#[tokio::test]
async fn without_an_api_server_it_names_the_command_that_finds_it() {
    let world = World::new("no-server").await;
    // Nobody listens here any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let token = world.plane.admin_token();
    let kubeconfig = world.plane.write_kubeconfig(token, Some(&dead)).unwrap();
    let words = fails_to_start(&kubeconfig, &[]).await;
    assert!(words.contains("kubectl cluster-info"), "{words}");
    assert!(words.contains(&dead), "where it was looked for: {words}");
    let nowhere = Path::new("/nonexistent/kubeconfig");
    let words = fails_to_start(nowhere, &[]).await;
    assert!(words.contains("/nonexistent/kubeconfig"), "{words}");
    world.finish([]).await;
}

#[tokio::test]
async fn a_wrong_flag_is_refused_with_what_it_takes() {
    let output = command(&["run", "--default-connection=oms"]);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("NAMESPACE/NAME"), "{words}");
}

#[tokio::test]
async fn probes_and_figures_are_served() {
    let world = World::new("probes").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    for path in ["/healthz", "/readyz"] {
        let answer = operator.ask(path).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "ok\n"),
            "{path}"
        );
    }
    let figures = operator.ask("/metrics").await.unwrap();
    assert_eq!(figures.status, 200);
    let open_metrics = "content-type: application/openmetrics-text; version=1.0.0";
    assert!(figures.head.contains(open_metrics), "{}", figures.head);
    assert!(figures.body.ends_with("# EOF\n"));
    assert!(!figures.body.contains(PASSWORD));
    let created = operator
        .counter("oms_operator_projects_created_total")
        .await;
    assert_eq!(created, Some(1), "{}", figures.body);
    world.finish([operator]).await;
}

#[tokio::test]
async fn it_is_ready_only_once_the_first_lists_are_in() {
    let world = World::new("ready").await;
    let proxy = world.proxy().await;
    // The first list is the check at the start, of metadata only.
    let list = Match::any()
        .method(http::Method::GET)
        .path_ends_with("/migrationprojects")
        .nth(2);
    let gate = proxy.hold_before(list);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    gate.arrived(DEADLINE).await.unwrap();
    assert_eq!(operator.ask("/healthz").await.unwrap().status, 200);
    assert_eq!(operator.ask("/readyz").await.unwrap().status, 503);
    gate.release();
    until(DEADLINE, "it is ready", async || {
        let answer = operator.ask("/readyz").await?;
        (answer.status == 200).then_some(())
    })
    .await
    .unwrap();
    world.finish([operator]).await;
}

#[tokio::test]
async fn told_to_stop_in_a_sweep_it_ends_without_the_rest_of_it() {
    let world = World::new("sweep-end").await;
    let patient = ["--oms-read-timeout=10m"];
    let operator = world.operator_with(&patient, None).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let page = world.oms().hold("ListProjects", When::BeforeWork);
    page.arrived().await;
    assert!(operator.terminate().await.success(), "{}", operator.log());
    page.release();
    world.finish([]).await;
}

#[tokio::test]
async fn told_to_stop_before_the_first_lists_are_in_it_ends() {
    let world = World::new("early").await;
    let proxy = world.proxy().await;
    for kind in ["/migrationprojects", "/omsconnections"] {
        let list = Match::any().method(http::Method::GET).path_ends_with(kind);
        let gate = proxy.hold_before(list.nth(2));
        let operator = world.operator_with(&[], Some(&proxy)).await;
        gate.arrived(DEADLINE).await.unwrap();
        assert!(operator.terminate().await.success(), "{}", operator.log());
        proxy.clear();
    }
    world.finish([]).await;
}

#[tokio::test]
async fn crd_prints_what_is_committed() {
    let world = World::new("crd").await;
    let both = printed(&["crd"]);
    for kind in ["migrationproject", "omsconnection"] {
        let one = printed(&["crd", kind]);
        assert!(both.contains(&one));
    }
    world.plane.apply_yaml(&both).await.unwrap();
    world.finish([]).await;
}

#[tokio::test]
async fn a_file_that_is_no_request_is_refused_by_name() {
    let world = World::new("no-request").await;
    let path = file(world.plane, "no-request.json", "{\"type\": 7}");
    let path = path.to_string_lossy();
    let output = command(&["manifest", &path]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains(&*path) && words.contains("type"), "{words}");
    world.finish([]).await;
}

/// Right after a definition was applied the API server says "storage is (re)initializing".
#[tokio::test]
async fn an_api_server_that_asks_for_patience_gets_it() {
    let world = World::new("process-patience").await;
    let proxy = world.proxy().await;
    let lists = Match::any().path_ends_with("/migrationprojects");
    let busy = proxy.refuse(lists, 429);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    busy.wait_fired(2, DEADLINE).await.expect("asked again");
    busy.remove();
    operator.until_log("started").await;
    world.finish([operator]).await;
}
