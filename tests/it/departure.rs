//! Deleting a resource whose project may or may not have been made: it goes
//! only when that is known, or when nothing can come of it any more.

use std::time::Duration;

use jiff::Timestamp;
use oms_simulator::{Fault, Kind};
use serde_json::json;

use crate::acts::now;
use crate::world::World;

const CREATE: &str = "CreateProject";

/// What would touch a project that is to be left alone.
const TOUCHING: [&str; 5] = [
    "StartProject",
    "StopProject",
    "ResumeProject",
    "ReleaseProject",
    "DeleteProject",
];

/// Waits until the outcome of the first attempt is on record as unknown, and
/// gives the end of its quarantine.
async fn quarantine(world: &World) -> Timestamp {
    let what = "the attempt is on record";
    let project = world.until("orders", what, |project| {
        let create = project
            .status
            .as_ref()
            .and_then(|status| status.create.as_ref());
        create.is_some_and(|create| create.quarantine_until.is_some())
    });
    let create = project.await.status.unwrap().create.unwrap();
    create.quarantine_until.unwrap()
}

fn untouched(world: &World) {
    for action in TOUCHING {
        assert_eq!(world.oms().count(action), 0, "{action}");
    }
}

#[tokio::test]
async fn deleted_while_unknown_it_goes_when_its_project_is_found() {
    let world = World::new("gone-found").await;
    let late = Fault::new(CREATE, Kind::listed_late(Duration::from_secs(6)));
    world.oms().fault(late.times(1));
    let lost = Fault::new(CREATE, Kind::Drop).after_work();
    world.oms().fault(lost.times(1));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    quarantine(&world).await;
    world.delete("orders").await;
    assert!(!world.is_free("orders").await, "it is not settled yet");
    world.until_gone("orders").await;
    let left = world.oms().projects();
    assert_eq!(left.len(), 1);
    let listed_from = left[0].created + jiff::SignedDuration::from_secs(6);
    assert!(now() >= listed_from, "it went before it was found");
    assert_eq!(left[0].status, "INIT");
    assert_eq!(world.oms().count(CREATE), 1);
    untouched(&world);
    operator.until_log("the project stays in OMS").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn deleted_while_unknown_without_a_project_it_goes_after_the_quarantine() {
    let world = World::new("gone-none").await;
    world.oms().fault(Fault::new(CREATE, Kind::Drop).times(1));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    quarantine(&world).await;
    world.delete("orders").await;
    let until = quarantine(&world).await;
    world.until_gone("orders").await;
    assert!(now() >= until, "it went within the quarantine");
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().projects(), []);
    assert_eq!(world.oms().count(CREATE), 1, "deleting never creates");
    world.finish([operator]).await;
}

#[tokio::test]
async fn deleted_while_unknown_and_oms_silent_it_goes_after_the_quarantine() {
    let world = World::new("gone-silent").await;
    let lost = Fault::new(CREATE, Kind::Drop).after_work();
    world.oms().fault(lost.times(1));
    let operator = world.operator().await;
    // Once the call is made, OMS answers nothing.
    let gate = world.oms().hold(CREATE, oms_simulator::When::AfterWork);
    world.create("orders", json!({})).await;
    gate.arrived().await;
    world.oms().fault(Fault::new("*", Kind::Drop));
    gate.release();
    let until = quarantine(&world).await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    assert!(now() >= until, "it went within the quarantine");
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().projects().len(), 1);
    assert_eq!(world.oms().count(CREATE), 1);
    untouched(&world);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_crash_does_not_shorten_the_wait_of_a_deleted_resource() {
    let world = World::new("gone-crash").await;
    world.oms().fault(Fault::new(CREATE, Kind::Drop).times(1));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let until = quarantine(&world).await;
    world.delete("orders").await;
    operator.kill().await;
    let operator = world.operator().await;
    world.until_gone("orders").await;
    assert!(now() >= until, "it went within the quarantine");
    world.until_event("orders", "LeftInOms").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn under_retain_the_project_of_a_deleted_resource_is_not_touched() {
    let world = World::new("retain").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await;
    world.oms().clear_calls();
    world.delete("orders").await;
    world.until_gone("orders").await;
    let left = world.oms().projects();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (&left[0].id, left[0].status.as_str()),
        (&made.id, "RUNNING")
    );
    assert_eq!(left[0].requests, made.requests, "no call named it");
    untouched(&world);
    world.finish([operator]).await;
}
