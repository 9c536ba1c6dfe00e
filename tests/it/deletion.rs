//! `deletionPolicy`: from each status to the end that it asks for, and nothing
//! that it does not ask for.

use std::time::Duration;

use oms_simulator::{Config, Durations, Fault, Kind, When};
use serde_json::{Value, json};

use crate::world::{DEADLINE, Operator, World, condition, id, message, status};

const CREATE: &str = "CreateProject";
const STOP: &str = "StopProject";
const RELEASE: &str = "ReleaseProject";
const DELETE: &str = "DeleteProject";

/// An OMS that releases within a moment.
fn quick() -> Config {
    let durations = Durations {
        release: Duration::from_millis(300),
        ..Durations::default()
    };
    Config {
        durations,
        ..Config::default()
    }
}

/// The changes that were asked of OMS for this project, in order.
fn changes(world: &World, project: &str) -> Vec<String> {
    let calls = world.oms().calls().into_iter();
    let calls = calls.filter(|call| call.project_id.as_deref() == Some(project));
    let changes = calls.filter(|call| {
        ["Stop", "Resume", "Release", "Delete"]
            .iter()
            .any(|verb| call.action == format!("{verb}Project"))
    });
    changes.map(|call| call.action).collect()
}

/// Creates `name` with its project in this status, and gives that project's id.
async fn at(world: &World, name: &str, policy: &str, word: &str) -> String {
    let state = if word == "INIT" { "Created" } else { "Running" };
    let spec = json!({"state": state, "deletionPolicy": policy});
    world.create(name, spec).await;
    let expected = if word == "INIT" { "INIT" } else { "RUNNING" };
    let project = world
        .until(name, "its project is there", |project| {
            status(project) == Some(expected)
        })
        .await;
    let made = id(&project).unwrap().to_owned();
    match word {
        "INIT" | "RUNNING" => {}
        "gone" => world.oms().remove(&made).unwrap(),
        word => world.oms().set_status(&made, word).unwrap(),
    }
    made
}

async fn from_each_status(test: &str, policy: &str, rows: &[(&str, &[&str], Option<&str>)]) {
    let world = World::with(test, quick()).await;
    let operator = world.operator().await;
    let mut made = Vec::new();
    for (number, (word, _, _)) in rows.iter().enumerate() {
        let name = format!("p{number}");
        made.push(at(&world, &name, policy, word).await);
        world.delete(&name).await;
    }
    for (number, (word, expected, left)) in rows.iter().enumerate() {
        let name = format!("p{number}");
        world.until_gone(&name).await;
        let id = &made[number];
        assert_eq!(changes(&world, id), *expected, "{policy} from {word}");
        let now = world.oms().project(id).ok().map(|project| project.status);
        assert_eq!(now.as_deref(), *left, "{policy} from {word}");
        let reason = match left {
            Some("RELEASED") => "ProjectReleased",
            Some(_) => "LeftInOms",
            None => "ProjectDeleted",
        };
        world.until_event(&name, reason).await;
    }
    assert_eq!(world.oms().count(CREATE), rows.len() as u64);
    world.finish([operator]).await;
}

#[tokio::test]
async fn delete_goes_its_way_from_each_status() {
    let rows: [(&str, &[&str], Option<&str>); 7] = [
        ("INIT", &[DELETE], None),
        ("RUNNING", &[STOP, RELEASE, DELETE], None),
        ("SUSPEND", &[RELEASE, DELETE], None),
        ("FAILED", &[RELEASE, DELETE], None),
        ("FINISHED", &[RELEASE, DELETE], None),
        ("RELEASED", &[DELETE], None),
        ("gone", &[], None),
    ];
    from_each_status("delete-each", "Delete", &rows).await;
}

#[tokio::test]
async fn release_goes_its_way_from_each_status() {
    let released = Some("RELEASED");
    let rows: [(&str, &[&str], Option<&str>); 8] = [
        ("INIT", &[], Some("INIT")),
        ("RUNNING", &[STOP, RELEASE], released),
        ("SUSPEND", &[RELEASE], released),
        ("FAILED", &[RELEASE], released),
        ("FINISHED", &[RELEASE], released),
        ("RELEASING", &[], released),
        ("RELEASED", &[], released),
        ("gone", &[], None),
    ];
    from_each_status("release-each", "Release", &rows).await;
}

#[tokio::test]
async fn what_oms_is_at_is_waited_for_and_a_strange_word_is_left_alone() {
    let world = World::with("delete-busy", quick()).await;
    let operator = world.operator().await;
    let busy = at(&world, "busy", "Delete", "RUNNING_MODIFYING").await;
    let strange = at(&world, "strange", "Delete", "ON_HOLIDAY").await;
    world.delete("busy").await;
    world.delete("strange").await;
    let project = world.until_message("busy", "RUNNING_MODIFYING").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "Deleting"))
    );
    let project = world.until_ready("strange", "False", "StatusUnknown").await;
    assert!(message(&project).contains("ON_HOLIDAY"));
    assert!(changes(&world, &busy).is_empty() && changes(&world, &strange).is_empty());
    world.oms().set_status(&busy, "RUNNING").unwrap();
    world.until_gone("busy").await;
    assert_eq!(changes(&world, &busy), [STOP, RELEASE, DELETE]);
    // While it goes on, the user may think better of it.
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    world.patch("strange", retain).await;
    world.until_gone("strange").await;
    assert!(changes(&world, &strange).is_empty());
    world.finish([operator]).await;
}

#[tokio::test]
async fn lost_answers_repeat_nothing_that_was_done() {
    let world = World::with("delete-lost", quick()).await;
    let operator = world.operator().await;
    for action in [STOP, RELEASE, DELETE] {
        world
            .oms()
            .fault(Fault::new(action, Kind::Drop).after_work().times(1));
    }
    let made = at(&world, "orders", "Delete", "RUNNING").await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    assert_eq!(world.oms().projects(), []);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_crash_at_each_change_repeats_nothing_that_was_done() {
    let world = World::with("delete-crash", quick()).await;
    let mut operator = world.operator().await;
    let made = at(&world, "orders", "Delete", "RUNNING").await;
    for (number, action) in [STOP, RELEASE, DELETE].into_iter().enumerate() {
        let gate = world.oms().hold(action, When::AfterWork);
        if number == 0 {
            world.delete("orders").await;
        }
        gate.arrived().await;
        operator.kill().await;
        gate.release();
        operator = world.operator().await;
    }
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_oms_refuses_is_asked_for_again() {
    let world = World::with("delete-refused", quick()).await;
    let operator = world.operator().await;
    for action in [STOP, RELEASE, DELETE] {
        let inner = Kind::business("INNER_ERROR", "not now");
        world.oms().fault(Fault::new(action, inner).times(1));
    }
    let made = at(&world, "orders", "Delete", "RUNNING").await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    let expected = [STOP, STOP, RELEASE, RELEASE, DELETE, DELETE];
    assert_eq!(changes(&world, &made), expected);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_adopted_project_obeys_the_same_policy() {
    let world = World::with("delete-adopted", quick()).await;
    let operator = world.operator().await;
    let body = oms_simulator::Oms::example_body("by-hand");
    let made = world.oms().insert_project("by-hand", "RUNNING", body);
    let adopt = json!({"adopt": {"projectId": made}, "deletionPolicy": "Delete"});
    world.create("orders", adopt).await;
    world.until_running("orders").await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_create_in_doubt_is_settled_first_and_then_the_policy_applies() {
    let world = World::with("delete-doubt", quick()).await;
    let late = Kind::listed_late(Duration::from_secs(3));
    world.oms().fault(Fault::new(CREATE, late).times(1));
    world
        .oms()
        .fault(Fault::new(CREATE, Kind::Drop).after_work().times(1));
    let flags = ["--create-quarantine=60s"];
    let operator = world.operator_with(&flags, None).await;
    let policy = json!({"deletionPolicy": "Delete"});
    world.create("orders", policy).await;
    world
        .until("orders", "the attempt is on record", |project| {
            let status = project.status.as_ref();
            status.is_some_and(|status| status.create.is_some())
        })
        .await;
    let made = world.oms().projects()[0].id.clone();
    world.delete("orders").await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [DELETE]);
    assert_eq!(world.oms().projects(), []);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

// --- What holds a deletion up ----------------------------------------------------

/// The time is over.
fn over() -> Value {
    json!({"spec": {"deletionTimeout": "0s"}})
}

async fn doomed(test: &str, more: Value) -> (World, Operator, String) {
    let world = World::with(test, quick()).await;
    let operator = world.operator().await;
    world.create("orders", more).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    (world, operator, made)
}

#[tokio::test]
async fn suspended_it_waits_for_the_timeout_and_leaves_the_project() {
    let more = json!({"deletionPolicy": "Delete"});
    let (world, operator, made) = doomed("delete-suspended", more).await;
    world
        .patch("orders", json!({"spec": {"suspend": true}}))
        .await;
    world.delete("orders").await;
    let project = world.until_ready("orders", "False", "Suspended").await;
    assert!(message(&project).contains("spec.deletionTimeout"));
    world.patch("orders", over()).await;
    world.until_gone("orders").await;
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    assert!(changes(&world, &made).is_empty());
    world.finish([operator]).await;
}

#[tokio::test]
async fn blocked_it_stays_beyond_the_timeout_and_goes_once_it_can() {
    let more = json!({
        "deletionPolicy": "Delete", "deletionTimeout": "1s", "onDeletionTimeout": "Block",
    });
    let (world, operator, made) = doomed("delete-block", more).await;
    world
        .patch_connection("oms", json!({"spec": {"suspend": true}}))
        .await;
    world.until_connection("oms", "Suspended").await;
    world.delete("orders").await;
    let project = world.until_stalled("orders", "DeletionTimedOut").await;
    assert!(message(&project).contains("deletionPolicy: Retain"));
    assert!(changes(&world, &made).is_empty());
    world
        .patch_connection("oms", json!({"spec": {"suspend": false}}))
        .await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_oms_accepts_and_does_not_do_is_told_and_ends_at_the_timeout() {
    let more = json!({"deletionPolicy": "Delete", "deletionTimeout": "25s"});
    let (world, operator, made) = doomed("delete-unheeded", more).await;
    world.oms().fault(Fault::new(STOP, Kind::unheeded()));
    world.delete("orders").await;
    let project = world
        .until_message("orders", "the project is still RUNNING")
        .await;
    assert!(message(&project).contains("answered with success"));
    world.until_gone("orders").await;
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    // Once in ten seconds, and after the back-off of two.
    let asked = changes(&world, &made);
    assert!(asked.len() <= 3, "{asked:?}");
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_back_off_does_not_put_the_timeout_off() {
    let more = json!({"deletionPolicy": "Delete", "deletionTimeout": "8s"});
    let (world, operator, made) = doomed("delete-later", more).await;
    // A day: longer than any test.
    let later = Kind::too_many_requests(Duration::from_secs(86_400));
    world.oms().fault(Fault::new(STOP, later));
    world.delete("orders").await;
    world.until_message("orders", "asks for fewer calls").await;
    world.until_gone("orders").await;
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    assert_eq!(changes(&world, &made), [STOP]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn other_finalizers_are_waited_for_before_oms_is_touched() {
    let (world, operator, made) =
        doomed("delete-others", json!({"deletionPolicy": "Delete"})).await;
    let finalizers = json!(["example.com/backup", "oms.oceanbase.com/finalizer"]);
    let held = json!({"metadata": {"finalizers": finalizers}});
    world.patch("orders", held).await;
    world.delete("orders").await;
    world.until_message("orders", "example.com/backup").await;
    assert!(changes(&world, &made).is_empty());
    let ours = json!({"metadata": {"finalizers": ["oms.oceanbase.com/finalizer"]}});
    world.patch("orders", ours).await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_policy_that_the_connection_forbids_is_told_early_and_never_carried_out() {
    let (world, operator, made) =
        doomed("delete-forbidden", json!({"deletionPolicy": "Delete"})).await;
    let refused = |project: &_| condition(project, "DeletionPolicyRefused").is_some();
    assert!(!refused(&world.get("orders").await));
    let allowed = json!({"spec": {"allowedDeletionPolicies": ["Retain", "Release"]}});
    world.patch_connection("oms", allowed).await;
    let project = world.until("orders", "it says so", refused).await;
    assert_eq!(condition(&project, "Ready"), Some(("True", "Running")));
    world.until_event("orders", "PolicyNotAllowed").await;
    let release = json!({"spec": {"deletionPolicy": "Release"}});
    world.patch("orders", release).await;
    world
        .until("orders", "it says so no more", |project| !refused(project))
        .await;
    let delete = json!({"spec": {"deletionPolicy": "Delete"}});
    world.patch("orders", delete).await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    assert!(changes(&world, &made).is_empty());
    world.finish([operator]).await;
}

#[tokio::test]
async fn in_another_oms_nothing_is_touched() {
    let more = json!({"deletionPolicy": "Delete"});
    let (world, operator, made) = doomed("delete-moved", more).await;
    let other = world.another("delete-moved-to").await;
    // There the id means another project.
    let url = json!({"spec": {"url": other.simulator.url()}});
    world.patch_connection("oms", url).await;
    world.until_stalled("orders", "EndpointChanged").await;
    world.delete("orders").await;
    world
        .until_message("orders", "deletionPolicy is Delete")
        .await;
    world.patch("orders", over()).await;
    world.until_gone("orders").await;
    world.until_event("orders", "LeftInOms").await;
    for oms in [world.oms(), other.oms()] {
        let touched = [STOP, RELEASE, DELETE].map(|action| oms.count(action));
        assert_eq!(touched, [0, 0, 0]);
    }
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    world.finish([operator]).await;
    other.finish([]).await;
}

#[tokio::test]
async fn an_oms_that_comes_back_in_time_is_still_asked() {
    let (world, operator, made) = doomed("delete-down", json!({"deletionPolicy": "Delete"})).await;
    let dead = world.oms().fault(Fault::new("*", Kind::Drop));
    world.until_connection("oms", "OmsUnreachable").await;
    world.delete("orders").await;
    let project = world.until_ready("orders", "False", "OmsUnreachable").await;
    assert!(message(&project).contains("deletionPolicy is Delete"));
    world.oms().remove_fault(dead);
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn secret_and_connection_may_be_deleted_first() {
    let (world, operator, made) =
        doomed("delete-secret", json!({"deletionPolicy": "Delete"})).await;
    let gate = world.oms().hold(STOP, When::BeforeWork);
    world.delete_secret("oms").await;
    world.until_connection("oms", "SecretMissing").await;
    world.delete_connection("oms").await;
    world.until_connection("oms", "Deleting").await;
    world.delete("orders").await;
    gate.arrived().await;
    gate.release();
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE, DELETE]);
    world.until_connection_gone("oms").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn after_a_stop_of_hours_it_is_still_done_before_it_is_given_up() {
    let more = json!({"deletionPolicy": "Delete", "deletionTimeout": "0s"});
    let (world, operator, made) = doomed("delete-late", more).await;
    assert!(operator.terminate().await.success());
    world.delete("orders").await;
    // What can be done at once is done; only waiting has come to its end.
    let operator = world.operator().await;
    world.until_gone("orders").await;
    assert_eq!(changes(&world, &made), [STOP, RELEASE]);
    world.until_event("orders", "LeftInOms").await;
    let oms = world.oms();
    let released = oms.wait_until(DEADLINE, |oms| {
        oms.project(&made).is_ok_and(|it| it.status == "RELEASED")
    });
    assert!(released.await);
    world.finish([operator]).await;
}
