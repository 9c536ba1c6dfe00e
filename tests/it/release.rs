//! `oms-operator release-all`: before an uninstall every resource is let go of,
//! and nothing in OMS is touched.

use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams, TypeMeta};
use oms_harness::until;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::lease::LABEL;
use oms_simulator::{Fault, Kind, When};
use serde_json::json;

use crate::world::{DEADLINE, World, id};

const OURS: &str = "oms.oceanbase.com/finalizer";

/// Runs it as the administrator of this world's API server.
async fn release(world: &World, flags: &[&str]) -> Output {
    let kubeconfig = world.plane.kubeconfig();
    run(&kubeconfig, &world.namespace, flags).await
}

async fn run(kubeconfig: &Path, namespace: &str, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oms-operator"));
    // Leases of the tests beside this one are none of its business.
    let leases = format!("--leader-elect-namespace={namespace}");
    command
        .args(["release-all", "--namespace", namespace, &leases])
        .args(flags)
        .env("KUBECONFIG", kubeconfig);
    let ended = tokio::task::spawn_blocking(move || command.output());
    ended.await.expect("no panic").expect("it runs")
}

fn text(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", of(&output.stdout), of(&output.stderr))
}

#[track_caller]
fn ended(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
}

/// The resources that are held, as kind and name.
async fn held(world: &World) -> Vec<String> {
    let all = ListParams::default();
    let projects = world.projects().list(&all).await.unwrap();
    let connections = world.connections().list(&all).await.unwrap();
    let ours = |finalizers: &[String]| finalizers.iter().any(|one| one == OURS);
    let projects = projects.iter().filter(|one| ours(one.finalizers()));
    let connections = connections.iter().filter(|one| ours(one.finalizers()));
    let mut held: Vec<String> = projects
        .map(|one: &MigrationProject| format!("mp {}", one.name_any()))
        .chain(connections.map(|one: &OMSConnection| format!("omsconn {}", one.name_any())))
        .collect();
    held.sort();
    held
}

#[tokio::test]
async fn everything_is_let_go_of_and_nothing_in_oms_is_touched() {
    let world = World::new("release").await;
    let other = world.neighbour("release-other").await;
    let all = json!({"spec": {"allowedNamespaces": {"from": "All"}}});
    world.patch_connection("oms", all).await;
    let flags = ["--watch-namespace", &other.namespace];
    let operator = world.operator_with(&flags, None).await;
    for name in ["orders", "items"] {
        world.create(name, json!({})).await;
        world.until_running(name).await;
    }
    let elsewhere = json!({"connectionRef": {"name": "oms", "namespace": world.namespace}});
    other.create("theirs", elsewhere).await;
    other.until_running("theirs").await;
    assert!(operator.terminate().await.success());
    // Somebody else's finalizer is somebody else's.
    let finalizers = json!(["example.com/backup", OURS]);
    let patch = json!({"metadata": {"finalizers": finalizers}});
    world.patch("items", patch).await;
    let before = world.oms().projects();
    world.oms().clear_calls();

    let quick = "--watch-for=1s";
    let planned = release(&world, &[quick, "--dry-run"]).await;
    ended(&planned, 0);
    assert!(
        text(&planned).contains("orders: would be let go"),
        "{}",
        text(&planned)
    );
    assert_eq!(held(&world).await, ["mp items", "mp orders", "omsconn oms"]);

    let done = release(&world, &[quick]).await;
    ended(&done, 0);
    let orders = world.get("orders").await;
    let made = id(&orders).expect("the id stays").to_owned();
    let line = format!(
        "migrationproject {}/orders: let go; its project {made} (RUNNING when it was last seen) stays",
        world.namespace
    );
    assert!(text(&done).contains(&line), "{}", text(&done));
    assert!(
        text(&done).contains("2 MigrationProjects and 1 OMSConnections"),
        "{}",
        text(&done)
    );
    assert_eq!(held(&world).await, Vec::<String>::new());
    assert_eq!(
        world.get("items").await.finalizers(),
        ["example.com/backup"]
    );
    assert_eq!(held(&other).await, ["mp theirs"], "another namespace");
    assert_eq!(world.oms().calls(), []);
    assert_eq!(world.oms().projects(), before);

    // Once more it has nothing to do; and what was held can go.
    let again = release(&world, &[quick]).await;
    ended(&again, 0);
    assert!(
        text(&again).contains("0 MigrationProjects and 0 OMSConnections"),
        "{}",
        text(&again)
    );
    world.strip_finalizers("items").await;
    for name in ["orders", "items"] {
        world.delete(name).await;
        world.until_gone(name).await;
    }
    world.delete_connection("oms").await;
    world.until_connection_gone("oms").await;
    assert_eq!(world.oms().projects(), before);
    other.strip_finalizers("theirs").await;
    world.finish([]).await;
    other.finish([]).await;
}

#[tokio::test]
async fn an_operator_that_is_installed_later_goes_on() {
    let world = World::new("release-back").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    assert!(operator.terminate().await.success());
    ended(&release(&world, &["--watch-for=1s"]).await, 0);
    let operator = world.operator().await;
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    world.has_exactly_one("orders").await;
    assert_eq!(held(&world).await, ["mp orders", "omsconn oms"]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn while_an_operator_runs_it_stops_at_the_first_that_is_taken_back() {
    let world = World::new("release-runs").await;
    let operator = world.operator().await;
    for name in ["orders", "items"] {
        world.create(name, json!({})).await;
        world.until_running(name).await;
    }
    // It ends as soon as it sees that.
    let refused = release(&world, &["--watch-for=90s"]).await;
    ended(&refused, 3);
    let told = text(&refused);
    assert!(
        told.contains("an operator runs: it has taken back"),
        "{told}"
    );
    assert!(told.contains("--replicas=0"), "{told}");
    assert!(
        told.contains("1 MigrationProjects and 0 OMSConnections"),
        "{told}"
    );
    // Forced, it lets go of all, and says what comes of that.
    let forced = release(&world, &["--watch-for=90s", "--force"]).await;
    ended(&forced, 1);
    let told = text(&forced);
    assert!(told.contains("WARNING: an operator runs"), "{told}");
    assert!(told.contains("2 MigrationProjects"), "{told}");
    world.has_running(["orders", "items"]).await;
    world.finish([operator]).await;
}

impl World {
    async fn has_running(&self, names: [&str; 2]) {
        for name in names {
            self.until_running(name).await;
        }
        assert_eq!(self.oms().projects().len(), names.len());
        assert_eq!(self.oms().count("CreateProject"), names.len() as u64);
    }
}

#[tokio::test]
async fn while_an_operator_holds_its_lease_nothing_at_all_is_let_go_of() {
    let world = World::with_lease("release-lease").await;
    let operator = world.candidate(None).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let before = world.get("orders").await;
    let refused = release(&world, &[]).await;
    ended(&refused, 3);
    let told = text(&refused);
    let lease = format!("holds the Lease {}/oms-operator", world.namespace);
    assert!(told.contains(&lease), "{told}");
    assert_eq!(
        before.resource_version(),
        world.get("orders").await.resource_version()
    );
    // A process that is dead gives no sign of life, whatever the Lease says.
    operator.kill().await;
    ended(&release(&world, &["--watch-for=1s"]).await, 0);
    assert_eq!(held(&world).await, Vec::<String>::new());
    world.finish([]).await;
}

/// A release of the chart calls its Lease, like its Deployment, after itself.
#[tokio::test]
async fn an_operator_is_found_by_its_lease_whatever_that_is_called() {
    let world = World::with_lease_named("release-named", "shop").await;
    let operator = world.candidate_for("shop", None).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    // A Lease from before the label gets it.
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), &world.namespace);
    let unlabelled = Patch::Merge(json!({"metadata": {"labels": null}}));
    let params = PatchParams::default();
    let patched = leases.patch("shop", &params, &unlabelled).await;
    assert!(patched.expect("the Lease").labels().is_empty());
    until(DEADLINE, "the label is back", async || {
        let lease = leases.get("shop").await.ok()?;
        lease.labels().contains_key(LABEL).then_some(())
    })
    .await
    .expect("the label is back");

    let refused = release(&world, &[]).await;
    ended(&refused, 3);
    let told = text(&refused);
    let lease = format!("holds the Lease {}/shop,", world.namespace);
    let stop = format!("kubectl -n {} scale deployment shop ", world.namespace);
    assert!(told.contains(&lease) && told.contains(&stop), "{told}");
    // Who names another one is asked about that alone.
    let other = ["--leader-elect-name=billing", "--dry-run"];
    ended(&release(&world, &other).await, 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_may_have_a_project_that_nobody_knows_of_is_kept() {
    let world = World::new("release-open").await;
    let gate = world.oms().hold("CreateProject", When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    operator.kill().await;
    gate.release();
    world
        .create("new", json!({"connectionRef": {"name": "nobody"}}))
        .await;
    let flags = ["--watch-for=1s"];
    let kept = release(&world, &flags).await;
    ended(&kept, 1);
    let told = text(&kept);
    let name = world.project_name("orders");
    assert!(
        told.contains("orders: KEPT: CreateProject was called"),
        "{told}"
    );
    assert!(
        told.contains(&name) && told.contains(&world.simulator.url()),
        "{told}"
    );
    assert!(told.contains("oms: KEPT for"), "{told}");
    assert_eq!(held(&world).await, ["mp orders", "omsconn oms"]);

    // Said so, it is let go of; the reservation stays, and so does its effect.
    let forced = release(&world, &["--watch-for=1s", "--unsettled"]).await;
    ended(&forced, 0);
    assert_eq!(held(&world).await, Vec::<String>::new());
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("CreateProject"), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_deletion_that_waits_for_a_dead_operator_ends() {
    let world = World::new("release-dead").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    operator.kill().await;
    world.delete("orders").await;
    world.oms().fault(Fault::new("*", Kind::Drop));
    let done = release(&world, &["--watch-for=1s"]).await;
    ended(&done, 0);
    assert!(
        text(&done).contains("it was being deleted, and goes"),
        "{}",
        text(&done)
    );
    world.until_gone("orders").await;
    assert_eq!(world.oms().projects().len(), 1);
    world.finish([]).await;
}

#[tokio::test]
async fn an_account_without_rights_is_told_which() {
    let world = World::new("release-rights").await;
    let nobody = world.plane.write_kubeconfig("not-a-token", None).unwrap();
    let refused = run(&nobody, &world.namespace, &["--watch-for=1s"]).await;
    ended(&refused, 1);
    assert!(
        text(&refused).contains("cannot list migrationprojects"),
        "{}",
        text(&refused)
    );
    world.finish([]).await;
}

/// `deploy/release-all` on a cluster: its account, its rights and its arguments. Leases of the tests beside this one are
/// left out, as everywhere here.
#[tokio::test]
async fn the_job_of_the_manifests_may_do_all_of_it() {
    let world = World::new("release-job").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    assert!(operator.terminate().await.success());

    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: oms-system}}";
    let manifest = include_str!("../../deploy/release-all/job.yaml");
    let mut job = None;
    for text in [namespace, manifest] {
        let applied = world.plane.apply_yaml(text).await.expect("applied");
        let is_job = |types: &TypeMeta| types.kind == "Job";
        job = applied
            .into_iter()
            .find(|one| one.types.as_ref().is_some_and(is_job));
    }
    let pod = &job.expect("a Job").data["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().expect("an account");
    let args = &pod["containers"][0]["args"];
    assert_eq!(args, &json!(["release-all"]), "what run() gives");
    let token = world.plane.service_account_token("oms-system", account);
    let token = token.await.expect("a token");
    let kubeconfig = world.plane.write_kubeconfig(&token, None);
    let done = run(&kubeconfig.unwrap(), &world.namespace, &["--watch-for=1s"]).await;
    ended(&done, 0);
    assert!(text(&done).contains("orders: let go"), "{}", text(&done));
    assert_eq!(held(&world).await, Vec::<String>::new());

    // What it asks for beside: without these it would know less, and not say so.
    let client = world.plane.client_for(&token);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.get("kube-system").await.expect("the cluster");
    let leases: Api<Lease> = Api::all(client);
    let listed = leases.list(&ListParams::default()).await;
    listed.expect("the Leases of all namespaces");
    world.finish([]).await;
}
