//! Interleavings that once made a second project, lost one, or hung.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use oms_harness::until;
use oms_simulator::{Config, Fault, Kind, Simulator, When};
use serde_json::json;

use crate::world::{DEADLINE, PASSWORD, World, condition, id, message, ready, reservation};
use crate::writes::{recording, reserving};

const CREATE: &str = "CreateProject";

/// A call may be held for as long as a test likes.
const PATIENT: &str = "--oms-mutation-timeout=60s";

async fn another_oms() -> Simulator {
    let config = Config {
        username: "operator".into(),
        password: PASSWORD.into(),
        ..Config::default()
    };
    Simulator::start(config).await.expect("a simulator")
}

#[tokio::test]
async fn who_loses_the_race_for_the_reservation_does_not_call() {
    let world = World::new("race").await;
    let (slow, fast) = (world.proxy().await, world.proxy().await);
    let first = fast.hold_before(reserving("orders"));
    let winner = world.operator_with(&[PATIENT], Some(&fast)).await;
    world.create("orders", json!({})).await;
    first.arrived(DEADLINE).await.unwrap();
    // The other's reservation is the later one, by the clock.
    let second = slow.hold_before(reserving("orders"));
    let loser = world.operator_with(&[PATIENT], Some(&slow)).await;
    second.arrived(DEADLINE).await.unwrap();
    let call = world.oms().hold(CREATE, When::BeforeWork);
    first.release();
    call.arrived().await;
    second.release();
    // The loser reads again, finds the winner's reservation, and looks instead.
    let looks = world.oms().count("ListProjects");
    let looked = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") > looks + 10);
    assert!(looked.await, "the loser goes on");
    assert_eq!(world.oms().count(CREATE), 1);
    loser.kill().await;
    call.release();
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([winner]).await;
}

#[tokio::test]
async fn deleted_and_applied_again_before_oms_lists_the_project() {
    let world = World::new("successor").await;
    let late = Fault::new(CREATE, Kind::listed_late(Duration::from_secs(8)));
    world.oms().fault(late.times(1));
    // The guard on the name has to outlast the listing.
    let operator = world
        .operator_with(&["--create-quarantine=30s"], None)
        .await;
    world.create("orders", json!({})).await;
    world
        .until("orders", "an id", |project| id(project).is_some())
        .await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    world.create("orders", json!({})).await;
    world.until_stalled("orders", "NameConflict").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn deleted_before_oms_shows_the_project_at_all_it_is_deleted_with_its_resource() {
    let world = World::new("unseen").await;
    let late = Fault::new(CREATE, Kind::shown_late(Duration::from_secs(8)));
    world.oms().fault(late.times(1));
    let operator = world.operator().await;
    let spec = json!({"state": "Created", "deletionPolicy": "Delete"});
    world.create("orders", spec).await;
    world
        .until("orders", "an id", |project| id(project).is_some())
        .await;
    world.delete("orders").await;
    let asked = world.oms().wait_until(DEADLINE, |oms| {
        oms.count("DescribeProject") > 0 && oms.count("ListProjects") > 5
    });
    assert!(asked.await, "OMS is asked, and shows nothing");
    assert_eq!(world.oms().count("DeleteProject"), 0);
    world.until_gone("orders").await;
    assert_eq!(world.oms().count("DeleteProject"), 1);
    assert!(world.oms().projects().is_empty());
    world.finish([operator]).await;
}

/// Beyond its timeout, too, it is looked at as soon as that can tell more.
#[tokio::test]
async fn what_was_removed_in_oms_right_after_it_was_made_holds_its_resource_for_moments() {
    let world = World::new("removed-early").await;
    let operator = world.operator().await;
    let spec = json!({
        "state": "Created", "deletionPolicy": "Delete",
        "deletionTimeout": "1s", "onDeletionTimeout": "Block",
    });
    world.create("orders", spec).await;
    let project = world
        .until("orders", "an id", |project| id(project).is_some())
        .await;
    let made = id(&project).unwrap().to_owned();
    world.oms().remove(&made).unwrap();
    world.delete("orders").await;
    world.until_gone("orders").await;
    assert_eq!(world.oms().count("DeleteProject"), 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn renamed_in_oms_and_edited_here_it_is_asked_about() {
    let world = World::new("renamed-edited").await;
    world
        .oms()
        .fault(Fault::new(CREATE, Kind::Drop).times(1).after_work());
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let made = world.oms().projects()[0].id.clone();
    world.oms().rename(&made, "renamed").unwrap();
    let edit = json!({"spec": {"project": {"enableStructTransfer": true}}});
    world.patch("orders", edit).await;
    gate.release();
    let project = world.until_stalled("orders", "CreateAmbiguous").await;
    assert!(message(&project).contains(&made), "{}", message(&project));
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_ref_that_was_edited_in_mid_create_can_be_put_back() {
    let world = World::new("ref-edited").await;
    let other = another_oms().await;
    world
        .create_connection("two", &other.url(), json!({}))
        .await;
    let gate = world.oms().hold(CREATE, When::BeforeWork);
    let operator = world.operator_with(&[PATIENT], None).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let connect = |name: &str| json!({"spec": {"connectionRef": {"name": name}}});
    world.patch("orders", connect("two")).await;
    gate.release();
    let project = world
        .until_stalled("orders", "SpecChangedDuringCreate")
        .await;
    let status = project.status.unwrap();
    assert_eq!(status.spec_mismatch, Some(true));
    let pinned = status.connection.unwrap();
    assert_eq!(pinned.name.as_deref(), Some("oms"), "where it was made");
    assert_eq!(other.oms().count("StartProject"), 0);
    world.patch("orders", connect("oms")).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
    other.stop().await;
}

#[tokio::test]
async fn an_id_that_cannot_be_written_at_the_end_is_said() {
    let world = World::new("unwritten").await;
    let proxy = world.proxy().await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator_with(&[PATIENT], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let refused = proxy.refuse(recording("orders"), 503);
    let ending = async {
        operator.until_log("stopping").await;
        gate.release();
    };
    let (exit, ()) = tokio::join!(operator.terminate(), ending);
    assert!(refused.fired() > 5, "it was tried on: {}", refused.fired());
    assert_eq!(exit.code(), Some(1), "{exit}");
    let made = world.oms().projects()[0].id.clone();
    assert!(operator.log().contains(&made), "the log names the project");
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_write_of_the_id_that_is_refused_for_a_while_at_the_end_succeeds() {
    let world = World::new("written-last").await;
    let proxy = world.proxy().await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator_with(&[PATIENT], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    // More often than one pass tries.
    let refused = proxy.refuse(recording("orders").times(7), 503);
    let ending = async {
        operator.until_log("stopping").await;
        gate.release();
    };
    let (exit, ()) = tokio::join!(operator.terminate(), ending);
    assert!(exit.success(), "{exit}");
    assert_eq!(refused.fired(), 7);
    world.has_exactly_one("orders").await;
    world.finish([]).await;
}

/// Somebody else writes another id while the project is being made.
async fn another_id(world: &World) -> String {
    let other = world.oms().insert_project("another", "INIT", json!({}));
    let url = world.simulator.url();
    let status = json!({"status": {"projectId": other, "connection": {"url": url}}});
    world
        .projects()
        .patch_status("orders", &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
    other
}

#[tokio::test]
async fn a_surplus_project_whose_oms_is_out_of_reach_is_said_and_holds_nothing_up() {
    let world = World::new("surplus-moved").await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator_with(&[PATIENT], None).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    another_id(&world).await;
    let moved = another_oms().await;
    let edit = json!({"spec": {"url": moved.url()}});
    world.patch_connection("oms", edit).await;
    let swept = moved
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") > 0);
    assert!(swept.await, "the connection leads elsewhere");
    gate.release();
    world.until_event("orders", "SurplusProject").await;
    assert_eq!(moved.oms().count("DeleteProject"), 0);
    world.delete("orders").await;
    world.until_gone("orders").await;
    world.finish([operator]).await;
    moved.stop().await;
}

#[tokio::test]
async fn a_surplus_project_is_removed_where_one_call_at_a_time_is_allowed() {
    let world = World::new("surplus-one").await;
    let one = json!({"spec": {"limits": {"maxInFlight": 1}}});
    world.patch_connection("oms", one).await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator_with(&[PATIENT], None).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let other = another_id(&world).await;
    gate.release();
    world.until_event("orders", "SurplusProject").await;
    world.until_running("orders").await;
    let left = world.oms().projects();
    let left: Vec<&str> = left.iter().map(|project| &*project.id).collect();
    assert_eq!(left, [other]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_that_is_suspended_while_the_reservation_is_written_makes_no_project() {
    let world = World::new("suspended-late").await;
    let proxy = world.proxy().await;
    let gate = proxy.hold_before(reserving("orders"));
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    gate.arrived(DEADLINE).await.unwrap();
    let suspend = |on: bool| json!({"spec": {"suspend": on}});
    world.patch_connection("oms", suspend(true)).await;
    world.until_connection("oms", "Suspended").await;
    gate.release();
    world
        .until("orders", "it waits", |project| {
            condition(project, "Ready") == Some(("False", "Suspended"))
        })
        .await;
    assert_eq!(world.oms().count(CREATE), 0);
    world.patch_connection("oms", suspend(false)).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_start_that_is_refused_is_not_ready() {
    let world = World::new("start-refused").await;
    let operator = world.operator().await;
    world.create("orders", json!({"state": "Created"})).await;
    world
        .until("orders", "it is created", |project| {
            ready(project) == Some("True")
        })
        .await;
    let refused = world.oms().fault(Fault::new(
        "StartProject",
        Kind::business("PARAM_ERROR", "no way"),
    ));
    world
        .patch("orders", json!({"spec": {"state": "Running"}}))
        .await;
    let project = world.until_stalled("orders", "OmsError").await;
    assert!(
        message(&project).contains("no way"),
        "{}",
        message(&project)
    );
    assert!(!message(&project).contains(".."), "{}", message(&project));
    assert_eq!(condition(&project, "Ready"), Some(("False", "OmsError")));
    world.oms().remove_fault(refused);
    let again = json!({"metadata": {"annotations": {"oms.oceanbase.com/retry": "1"}}});
    world.patch("orders", again).await;
    world.until_running("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn deleted_long_after_a_create_that_nobody_recorded_it_says_what_may_be_left() {
    let world = World::new("old-deleted").await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    operator.kill().await;
    gate.release();
    // As if the operator had been down for more than an hour.
    let mut old = reservation(&world.get("orders").await).unwrap();
    for field in ["at", "notAfter", "lookedAt"] {
        let time: jiff::Timestamp = old[field].as_str().unwrap().parse().unwrap();
        old[field] = json!((time - jiff::SignedDuration::from_mins(59)).to_string());
    }
    world
        .set_reservation("orders", Some(&old.to_string()))
        .await;
    world.delete("orders").await;
    let operator = world.operator().await;
    world.until_gone("orders").await;
    let made = world.oms().projects()[0].name.clone();
    until(DEADLINE, "it is said", async || {
        let events = world.events("orders").await;
        let said =
            |event: &String| event.starts_with("LeftInOms") || event.starts_with("ProjectCreated");
        events
            .iter()
            .any(|event| said(event) && event.contains(&made))
            .then_some(())
    })
    .await
    .expect("it is said what may be left");
    world.finish([operator]).await;
}
