//! The statuses that `tests/fixtures/status/` holds, out of real runs. What the
//! kstatus library makes of them is tested in `dev/kstatus`; here each one is
//! brought about again and held against its fixture, so that none grows stale.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_simulator::{Config, DataSource, Durations, Fault, Kind, Oms, Tls, When};
use serde_json::{Value, json};

use crate::doubt::remove_at_once;
use crate::world::{DEADLINE, PASSWORD, World, condition, id};

/// What kstatus says of an object.
const IN_PROGRESS: &str = "InProgress";
const CURRENT: &str = "Current";
const FAILED: &str = "Failed";
const TERMINATING: &str = "Terminating";

/// Stands for every time: they differ from run to run.
const SOME_TIME: &str = "2026-01-02T03:04:05Z";

/// Stands for the id of every call.
const SOME_REQUEST: &str = "0123456789ABCDEF";

// --- Objects into fixtures -------------------------------------------------------

/// The resource `name` is now what the fixture of that name, or `fixture`, holds.
async fn project_is(world: &World, name: &str, fixture: &str, word: &str) {
    let resource = ApiResource::erase::<MigrationProject>(&());
    compare(world, &resource, name, fixture, word).await;
}

async fn connection_is(world: &World, name: &str, fixture: &str, word: &str) {
    let resource = ApiResource::erase::<OMSConnection>(&());
    compare(world, &resource, name, fixture, word).await;
}

async fn compare(world: &World, resource: &ApiResource, name: &str, fixture: &str, word: &str) {
    let api: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, resource);
    let object = api.get(name).await.expect("the object");
    let mut object = serde_json::to_value(object).expect("JSON");
    make_neutral(world, &mut object);
    let yaml = serde_saphyr::to_string(&object).expect("YAML");
    let text = format!("# kstatus: {word}\n{yaml}");
    let seen = Path::new(env!("CARGO_TARGET_TMPDIR")).join("status");
    std::fs::create_dir_all(&seen).expect("a folder");
    let seen = seen.join(format!("{fixture}.yaml"));
    std::fs::write(&seen, &text).expect("written");
    let committed = committed(fixture);
    let mend = format!(
        "if that is meant: cp {} {}",
        seen.display(),
        committed.display()
    );
    let Ok(expected) = std::fs::read_to_string(&committed) else {
        panic!("there is no {}; {mend}", committed.display());
    };
    assert_eq!(
        expected.lines().next(),
        text.lines().next(),
        "{fixture}: the word; {mend}"
    );
    let expected: Value = serde_saphyr::from_str(&expected).expect("a fixture in YAML");
    assert_eq!(shape(&expected), shape(&object), "{fixture}; {mend}");
}

fn committed(fixture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/status")
        .join(format!("{fixture}.yaml"))
}

/// All that kstatus looks at, and what a person reads.
fn shape(object: &Value) -> Value {
    let of = |pointer| object.pointer(pointer).cloned().unwrap_or(Value::Null);
    let conditions = of("/status/conditions");
    let mut conditions: Vec<Value> = conditions
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!([one["type"], one["status"], one["reason"], one["message"]]))
        .collect();
    conditions.sort_by_key(Value::to_string);
    json!({
        "kind": of("/kind"),
        "generation": of("/metadata/generation"),
        "deleted": !of("/metadata/deletionTimestamp").is_null(),
        "observedGeneration": of("/status/observedGeneration"),
        "conditions": conditions,
    })
}

/// Names, ids and times of this run give way to such as could be anybody's.
fn make_neutral(world: &World, object: &mut Value) {
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    for of_this_run in ["managedFields", "resourceVersion", "uid", "annotations"] {
        metadata.remove(of_this_run);
    }
    metadata.insert("uid".into(), json!("00000000-0000-4000-8000-000000000001"));
    let elsewhere = object.pointer("/spec/connectionRef/namespace");
    let elsewhere = elsewhere.and_then(Value::as_str).map(str::to_owned);
    let ids = ids(world, object);
    walk(object, &|text| {
        let text = match &elsewhere {
            Some(elsewhere) => text.replace(elsewhere, "platform"),
            None => text.to_owned(),
        };
        let text = text
            .replace(&world.simulator.url(), "http://oms.example.com:8089")
            .replace(&world.namespace, "shop");
        let text = ids
            .iter()
            .fold(text, |text, (id, neutral)| text.replace(id, neutral));
        without_request_id(&text.split(' ').map(without_time).collect::<Vec<_>>())
    });
    // The connection's, of a project.
    if let Some(uid) = object.pointer_mut("/status/connection/uid") {
        *uid = json!("00000000-0000-4000-8000-000000000002");
    }
    if let Some(uid) = object.pointer_mut("/status/create/connection/uid") {
        *uid = json!("00000000-0000-4000-8000-000000000002");
    }
    if let Some(id) = object.pointer_mut("/status/lastError/requestId") {
        *id = json!(SOME_REQUEST);
    }
    if let Some(hash) = object.pointer_mut("/status/create/bodyHash") {
        *hash = json!("0".repeat(64));
    }
}

/// The ids in OMS that may be named, each with one that says whose it is.
fn ids(world: &World, object: &Value) -> Vec<(String, String)> {
    let own = ["projectId", "projectName"].map(|field| object["status"][field].as_str());
    let own = own[0]
        .zip(own[1])
        .map(|(id, name)| (id.to_owned(), name.to_owned()));
    let all = world.oms().projects().into_iter();
    let all = all.map(|project| (project.id, project.name)).chain(own);
    all.map(|(id, name)| {
        let name = name.rsplit('.').next().unwrap_or_default();
        (id, format!("np_{name}"))
    })
    .collect()
}

fn without_time(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ')']);
    let time = bare.rsplit('=').next().unwrap_or(bare);
    match time.parse::<jiff::Timestamp>() {
        Ok(_) => word.replace(time, SOME_TIME),
        Err(_) => word.to_owned(),
    }
}

/// The words of a text, without the id that OMS has given to a call.
fn without_request_id(words: &[String]) -> String {
    let mut words = words.to_vec();
    for at in 2..words.len() {
        if (
            words[at - 2].trim_start_matches('('),
            words[at - 1].as_str(),
        ) == ("request", "id")
        {
            let end = words[at].find(')').unwrap_or(words[at].len());
            words[at].replace_range(..end, SOME_REQUEST);
        }
    }
    words.join(" ")
}

fn walk(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, change)),
        _ => {}
    }
}

// --- Before a project is there ---------------------------------------------------

#[tokio::test]
async fn what_nobody_has_looked_at_is_in_progress() {
    let world = World::new("kstatus-new").await;
    world.create("orders", json!({})).await;
    project_is(&world, "orders", "new", IN_PROGRESS).await;
    connection_is(&world, "oms", "connection-new", IN_PROGRESS).await;
    world.finish([]).await;
}

#[tokio::test]
async fn what_waits_is_in_progress_and_what_needs_a_human_has_failed() {
    let world = World::new("kstatus-waits").await;
    let neighbour = world.neighbour("kstatus-other").await;
    let twin = DataSource::new("e_twin", "ob-prod", "OB_MYSQL");
    world.oms().add_data_source(twin);
    let taken = world.project_name("namesake");
    let insert = |name: &str| {
        world
            .oms()
            .insert_project(name, "RUNNING", Oms::example_body(name))
    };
    insert(&taken);
    let by_hand = insert("by-hand");
    let url = world.simulator.url();
    let late = json!({"credentialsSecretRef": {"name": "late"}});
    world.create_connection("late", &url, late).await;
    let closed = json!({"adoption": "None"});
    world.create_connection("closed", &url, closed).await;

    let manifests = [
        ("no-connection", json!({"connectionRef": null})),
        (
            "connection-not-found",
            json!({"connectionRef": {"name": "nobody"}}),
        ),
        (
            "waits-for-secret",
            json!({"connectionRef": {"name": "late"}}),
        ),
        (
            "endpoint-not-found",
            json!({"sourceEndpointRef": {"name": "mysql-new"}, "project": {"sourceEndpointId": null}}),
        ),
        (
            "endpoint-ambiguous",
            json!({"sinkEndpointRef": {"name": "ob-prod"}, "project": {"sinkEndpointId": null}}),
        ),
        ("namesake", json!({})),
        (
            "adopt-not-found",
            json!({"adopt": {"projectId": "np_nobody"}}),
        ),
        (
            "adopt-refused",
            json!({"adopt": {"projectId": by_hand}, "connectionRef": {"name": "closed"}}),
        ),
        (
            "create-rejected",
            json!({"project": {"sourceEndpointId": "e_nobody"}}),
        ),
    ];
    for (name, spec) in manifests {
        world.create(name, spec).await;
    }
    let connection = json!({"name": "oms", "namespace": world.namespace});
    neighbour
        .create("not-allowed", json!({"connectionRef": connection}))
        .await;
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;

    for (name, reason, fixture) in [
        ("no-connection", "NoConnection", "no-connection"),
        (
            "endpoint-ambiguous",
            "EndpointAmbiguous",
            "endpoint-ambiguous",
        ),
        ("namesake", "NameConflict", "name-conflict"),
        ("adopt-not-found", "AdoptNotFound", "adopt-not-found"),
        ("adopt-refused", "AdoptRefused", "adopt-refused"),
        ("create-rejected", "CreateRejected", "create-rejected"),
    ] {
        world.until_stalled(name, reason).await;
        project_is(&world, name, fixture, FAILED).await;
    }
    world
        .until_message("connection-not-found", "there is none")
        .await;
    let fixture = "connection-not-found";
    project_is(&world, fixture, fixture, IN_PROGRESS).await;
    neighbour
        .until_stalled("not-allowed", "ConnectionNotAllowed")
        .await;
    project_is(&neighbour, "not-allowed", "connection-not-allowed", FAILED).await;
    for (name, reason) in [
        ("waits-for-secret", "SecretMissing"),
        ("endpoint-not-found", "EndpointNotFound"),
    ] {
        world
            .until(name, "it waits", |project| {
                condition(project, "Reconciling") == Some(("True", reason))
            })
            .await;
        project_is(&world, name, name, IN_PROGRESS).await;
    }
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

#[tokio::test]
async fn a_create_without_an_answer_is_in_progress_until_it_is_left_to_a_human() {
    let world = World::new("kstatus-unknown").await;
    world.oms().fault(Fault::new("CreateProject", Kind::Drop));
    let waits = world.operator_with(&["--create-quarantine=1h"], None).await;
    world.create("orders", json!({})).await;
    world.until_message("orders", "looking again until").await;
    project_is(&world, "orders", "create-waiting", IN_PROGRESS).await;
    waits.kill().await;

    let others = oms_simulator::ACTIONS.iter().copied();
    world
        .oms()
        .unsupported(others.filter(|action| *action != "CreateProject"));
    let operator = world.operator().await;
    world.until_stalled("orders", "CreateUnknown").await;
    project_is(&world, "orders", "create-unknown", FAILED).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_create_that_is_put_off_is_in_progress() {
    let world = World::new("kstatus-429").await;
    let wait = Duration::from_secs(600);
    let fault = Fault::new("CreateProject", Kind::too_many_requests(wait));
    world.oms().fault(fault);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_message("orders", "429").await;
    project_is(&world, "orders", "create-put-off", IN_PROGRESS).await;
    world.finish([operator]).await;
}

// --- With a project --------------------------------------------------------------

/// An OMS in which nothing moves by itself while a test looks.
fn slow() -> Config {
    let hours = Duration::from_secs(36_000);
    let durations = Durations {
        precheck: hours,
        release: hours,
        ..Durations::default()
    };
    Config {
        durations,
        ..Config::default()
    }
}

#[tokio::test]
async fn every_state_of_a_project_has_its_word() {
    let world = World::with("kstatus-life", slow()).await;
    let operator = world.operator().await;
    world.create("idle", json!({"state": "Created"})).await;
    world.create("orders", json!({})).await;
    world
        .until("idle", "it is created", |project| {
            condition(project, "Ready") == Some(("True", "Created"))
        })
        .await;
    world.compared("idle").await;
    project_is(&world, "idle", "created", CURRENT).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.compared("orders").await;
    project_is(&world, "orders", "running", CURRENT).await;

    for (word, reason, fixture, expected) in [
        ("FAILED", "Failed", "failed", FAILED),
        ("SUSPEND", "PausedOutside", "paused-outside", FAILED),
        ("ON_HOLIDAY", "StatusUnknown", "status-unknown", IN_PROGRESS),
        ("RELEASING", "Releasing", "releasing", IN_PROGRESS),
    ] {
        world.oms().set_status(&made, word).unwrap();
        world
            .until("orders", &format!("it is {reason}"), |project| {
                condition(project, "Ready").is_some_and(|(_, why)| why == reason)
            })
            .await;
        project_is(&world, "orders", fixture, expected).await;
    }
    // Somebody else's finalizer holds it.
    let finalizers = json!(["example.com/backup", "oms.oceanbase.com/finalizer"]);
    let held = json!({"metadata": {"finalizers": finalizers}});
    world.patch("idle", held).await;
    world.delete("idle").await;
    world.until_message("idle", "example.com/backup").await;
    project_is(&world, "idle", "deleting", TERMINATING).await;
    assert!(operator.terminate().await.success());

    // Nobody has looked at the edit yet.
    let edited = json!({"spec": {"readiness": {"maxLag": "90s"}}});
    world.patch("orders", edited).await;
    project_is(&world, "orders", "edited", IN_PROGRESS).await;
    world.strip_finalizers("idle").await;
    world.finish([]).await;
}

/// Along OMS's own clock, so that the steps tell of the same end as the status.
#[tokio::test]
async fn every_end_of_a_project_has_its_word() {
    let world = World::with("kstatus-ends", slow()).await;
    let operator = world.operator().await;
    let once = json!({"project": {"enableIncrTransfer": false}});
    world.create("orders", once).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.compared("orders").await;
    let hours = Duration::from_secs(40_000);
    let ends = async |reason: &str, fixture: &str, expected: &str| {
        world
            .until("orders", &format!("it is {reason}"), |project| {
                condition(project, "Ready").is_some_and(|(_, why)| why == reason)
            })
            .await;
        project_is(&world, "orders", fixture, expected).await;
    };
    world.oms().step(hours);
    ends("Finished", "finished", CURRENT).await;
    world.oms().set_status(&made, "RELEASING").unwrap();
    world.until_ready("orders", "False", "Releasing").await;
    world.oms().step(hours);
    ends("Released", "released", FAILED).await;
    world.oms().remove(&made).unwrap();
    ends("ProjectGone", "gone", FAILED).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_a_user_asks_of_its_life_has_its_word() {
    let world = World::with("kstatus-asked", slow()).await;
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 1, "initialDelay": "1h"}});
    world.create("calm", json!({})).await;
    world.create("retried", retry).await;
    let doomed = json!({"deletionPolicy": "Delete", "onDeletionTimeout": "Block"});
    world.create("doomed", doomed).await;
    for name in ["calm", "retried", "doomed"] {
        world.until_running(name).await;
        world.compared(name).await;
    }
    world.want("calm", "Paused").await;
    world.until_ready("calm", "True", "Paused").await;
    world.until_in_sync("calm").await;
    project_is(&world, "calm", "paused", CURRENT).await;

    let failed = id(&world.get("retried").await).unwrap().to_owned();
    world.oms().set_status(&failed, "FAILED").unwrap();
    world.until_ready("retried", "False", "Retrying").await;
    world.until_in_sync("retried").await;
    project_is(&world, "retried", "retrying", IN_PROGRESS).await;

    let suspend = |is: bool| json!({"spec": {"suspend": is}});
    world.patch("calm", suspend(true)).await;
    world.want("calm", "Running").await;
    world.until_ready("calm", "False", "Suspended").await;
    world.until_in_sync("calm").await;
    project_is(&world, "calm", "suspended-itself", IN_PROGRESS).await;

    let allowed = json!({"spec": {"allowedDeletionPolicies": ["Retain"]}});
    world.patch_connection("oms", allowed).await;
    let refused =
        |project: &MigrationProject| condition(project, "DeletionPolicyRefused").is_some();
    world
        .until("doomed", "its policy is refused", refused)
        .await;
    project_is(&world, "doomed", "policy-refused", CURRENT).await;
    let all = json!({"spec": {"allowedDeletionPolicies": null}});
    world.patch_connection("oms", all).await;
    world
        .until("doomed", "it is allowed", |project| !refused(project))
        .await;

    world.patch("doomed", suspend(true)).await;
    world.delete("doomed").await;
    world.until_ready("doomed", "False", "Suspended").await;
    project_is(&world, "doomed", "deleting-suspended", TERMINATING).await;
    let over = json!({"spec": {"deletionTimeout": "0s"}});
    world.patch("doomed", over).await;
    world.until_stalled("doomed", "DeletionTimedOut").await;
    project_is(&world, "doomed", "deletion-timed-out", TERMINATING).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_project_that_is_not_started_or_not_to_be_seen_has_its_word() {
    let world = World::new("kstatus-start").await;
    let gate = world.oms().hold("CreateProject", When::BeforeWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let edited = json!({"spec": {"project": {"enableStructTransfer": true}}});
    world.patch("orders", edited).await;
    gate.release();
    world
        .until_stalled("orders", "SpecChangedDuringCreate")
        .await;
    project_is(&world, "orders", "spec-changed", FAILED).await;

    let others = oms_simulator::ACTIONS.iter().copied();
    world
        .oms()
        .unsupported(others.filter(|action| *action != "CreateProject"));
    world.create("unseen", json!({})).await;
    world.until_message("unseen", "ListProjects").await;
    project_is(&world, "unseen", "action-missing", FAILED).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_waits_for_its_connection_is_in_progress_and_never_failed() {
    let world = World::with("kstatus-out", slow()).await;
    let operator = world.operator_with(&["--stale-after=1s"], None).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.compared("orders").await;
    let suspend = |is: bool| json!({"spec": {"suspend": is}});
    world.patch_connection("oms", suspend(true)).await;
    world.until_connection("oms", "Suspended").await;
    world.create("late", json!({})).await;
    world.until_message("late", "is suspended").await;
    project_is(&world, "late", "suspended", IN_PROGRESS).await;
    let connections = world.connections();
    let both = async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.projects == Some(2)).then_some(())
    };
    oms_harness::until(DEADLINE, "it counts both", both)
        .await
        .unwrap();
    connection_is(&world, "oms", "connection-suspended", CURRENT).await;

    let dead = world.oms().fault(Fault::new("*", Kind::Drop));
    for (name, reason, fixture) in [
        ("orders", "StatusStale", "stale"),
        ("late", "OmsUnreachable", "waits-for-oms"),
    ] {
        let waits = |project: &MigrationProject| {
            condition(project, "Reconciling") == Some(("True", reason))
        };
        world.until(name, reason, waits).await;
        project_is(&world, name, fixture, IN_PROGRESS).await;
    }
    world.oms().fault(Fault::new("*", Kind::http(401)));
    world.oms().remove_fault(dead);
    world
        .until("late", "the account is the trouble", |project| {
            condition(project, "Reconciling") == Some(("True", "AuthenticationFailed"))
        })
        .await;
    project_is(&world, "late", "waits-for-account", IN_PROGRESS).await;
    world.oms().clear_faults();
    world.patch_connection("oms", suspend(false)).await;
    world.until_running("late").await;

    world.delete_secret("oms").await;
    world.until_connection("oms", "SecretMissing").await;
    world.age_connection("oms").await;
    world.until_connection_stalls("oms").await;
    connection_is(&world, "oms", "connection-secret-lost", FAILED).await;
    project_is(&world, "orders", "running", CURRENT).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_oms_in_doubt_is_for_a_human_and_its_projects_wait() {
    let world = World::with("kstatus-doubt", slow()).await;
    let operator = world.operator().await;
    let names = ["orders", "items", "stock", "bills"];
    for name in names {
        world.create(name, json!({})).await;
    }
    let mut made = Vec::new();
    for name in names {
        world.until_running(name).await;
        let project = world.compared(name).await;
        made.push(id(&project).unwrap().to_owned());
    }
    remove_at_once(world.oms(), &made).await;
    world.until_connection("oms", "IdentityDoubtful").await;
    connection_is(&world, "oms", "connection-doubtful", FAILED).await;
    let doubtful = |project: &MigrationProject| {
        condition(project, "Reconciling") == Some(("True", "IdentityDoubtful"))
    };
    world.until("orders", "it is doubtful", doubtful).await;
    project_is(&world, "orders", "doubtful", IN_PROGRESS).await;
    world.finish([operator]).await;
}

// --- Connections -----------------------------------------------------------------

#[tokio::test]
async fn a_connection_has_its_word() {
    let tls = Tls::new(&[]).unwrap();
    let config = Config {
        tls: Some(tls.clone()),
        ..Config::default()
    };
    let world = World::with("kstatus-conn", config).await;
    let plain = World::new("kstatus-plain").await;
    world.config_map("ca", "ca.crt", tls.ca_pem()).await;
    let ca = json!({"caRef": {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"}});
    let url = world.simulator.url();
    world
        .create_connection("good", &url, json!({"tls": ca.clone()}))
        .await;
    // Nobody listens there.
    let nowhere = "https://127.0.0.1:1";
    world.create_connection("dead", nowhere, json!({})).await;
    let late = json!({"tls": ca, "credentialsSecretRef": {"name": "late"}});
    world.create_connection("late", &url, late).await;
    let operator = world.operator().await;
    for (name, reason, word) in [
        ("good", "Connected", CURRENT),
        ("late", "SecretMissing", IN_PROGRESS),
        ("oms", "CertificateInvalid", FAILED),
        ("dead", "OmsUnreachable", IN_PROGRESS),
    ] {
        world.until_connection(name, reason).await;
        let fixture = match name {
            "good" => "connection-ready",
            "late" => "connection-secret-awaited",
            "oms" => "connection-certificate",
            _ => "connection-unreachable",
        };
        connection_is(&world, name, fixture, word).await;
    }
    world.age_connection("late").await;
    world.until_connection_stalls("late").await;
    connection_is(&world, "late", "connection-secret-missing", FAILED).await;
    let wrong = [("username", "operator"), ("password", "wrong")];
    world.secret("late", &wrong).await;
    world.until_connection("late", "AuthenticationFailed").await;
    connection_is(&world, "late", "connection-refused", FAILED).await;
    let right = [("username", "operator"), ("password", PASSWORD)];
    world.secret("late", &right).await;
    world.until_connection("late", "Connected").await;

    let orders = json!({"connectionRef": {"name": "good"}});
    world.create("orders", orders).await;
    world.until_running("orders").await;
    world.delete_connection("good").await;
    world.until_connection("good", "Deleting").await;
    connection_is(&world, "good", "connection-deleting", TERMINATING).await;
    world.delete("orders").await;
    world.until_connection_gone("good").await;

    let insecure = plain.operator().await;
    plain.until_connection("oms", "InsecureTransport").await;
    connection_is(&plain, "oms", "connection-insecure", CURRENT).await;
    plain.finish([insecure]).await;
    world.finish([operator]).await;
}
