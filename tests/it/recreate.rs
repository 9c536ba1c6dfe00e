//! A project that is gone is made anew only when a human names it, and then
//! once, whatever crashes.

use kube::ResourceExt;
use oms_harness::Match;
use oms_simulator::{Fault, Kind, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, condition, id, message};

const CREATE: &str = "CreateProject";

/// A world whose project ran and is gone, and its id.
async fn vanished(test: &str) -> (World, Operator, String) {
    let world = World::new(test).await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let old = id(&project).expect("an id").to_owned();
    world.oms().remove(&old).unwrap();
    let project = world.until_stalled("orders", "ProjectGone").await;
    let line = format!("oms.oceanbase.com/recreate: {old}");
    assert!(message(&project).contains(&line), "{}", message(&project));
    let shown = project.status.as_ref().unwrap();
    let figures = (&shown.project_status, &shown.current_step, shown.progress);
    assert_eq!(figures, (&None, &None, None), "nothing is shown of it");
    (world, operator, old)
}

async fn ask(world: &World, id: &str) {
    let annotations = json!({"oms.oceanbase.com/recreate": id});
    let patch = json!({"metadata": {"annotations": annotations}});
    world.patch("orders", patch).await;
}

/// Another project than `old` runs, the only one, made by one more call.
async fn is_made_anew(world: &World, old: &str) -> String {
    let project = world
        .until("orders", "another project runs", |project| {
            id(project).is_some_and(|id| id != old)
                && condition(project, "Ready") == Some(("True", "Running"))
        })
        .await;
    let status = project.status.as_ref().unwrap();
    assert_eq!((status.gone, &status.create), (None, &None));
    assert_eq!(
        condition(&project, "Finished"),
        Some(("False", "InProgress"))
    );
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 2, "the first and its successor");
    id(&project).unwrap().to_owned()
}

#[tokio::test]
async fn only_the_id_that_is_gone_is_obeyed_and_only_once() {
    let (world, operator, old) = vanished("recreate").await;
    for other in ["true", "np_another"] {
        ask(&world, other).await;
        world.force_look("orders", other).await;
        world
            .until("orders", "it was looked at", |project| {
                let status = project.status.as_ref();
                status.and_then(|s| s.last_handled_reconcile_at.as_deref()) == Some(other)
            })
            .await;
    }
    assert_eq!(world.oms().count(CREATE), 1);
    assert_eq!(id(&world.get("orders").await), Some(old.as_str()));

    ask(&world, &old).await;
    let new = is_made_anew(&world, &old).await;
    world.until_event("orders", "Recreating").await;

    // The annotation is still there, and names a project of the past.
    world.oms().remove(&new).unwrap();
    world.until_stalled("orders", "ProjectGone").await;
    assert!(operator.terminate().await.success());
    let operator = world.operator().await;
    world.force_look("orders", "after the restart").await;
    let project = world
        .until("orders", "it was looked at", |project| {
            let status = project.status.as_ref();
            status.and_then(|s| s.last_handled_reconcile_at.as_deref()) == Some("after the restart")
        })
        .await;
    assert_eq!(id(&project), Some(new.as_str()));
    assert_eq!(
        project.annotations()["oms.oceanbase.com/recreate"],
        old,
        "left over"
    );
    assert_eq!(
        condition(&project, "Stalled"),
        Some(("True", "ProjectGone"))
    );
    assert_eq!(world.oms().projects(), []);
    assert_eq!(world.oms().count(CREATE), 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_spec_that_adopts_the_project_that_is_gone_stands_in_the_way() {
    let world = World::new("recreate-adopt").await;
    let body = oms_simulator::Oms::example_body("by-hand");
    let old = world.oms().insert_project("by-hand", "RUNNING", body);
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"projectId": old}}))
        .await;
    world.until_running("orders").await;
    world.oms().remove(&old).unwrap();
    world.until_stalled("orders", "ProjectGone").await;
    ask(&world, &old).await;
    world.until_message("orders", "remove spec.adopt").await;
    assert_eq!(world.oms().count(CREATE), 0);
    world
        .patch("orders", json!({"spec": {"adopt": null}}))
        .await;
    let project = world.until_running("orders").await;
    assert_ne!(id(&project), Some(old.as_str()));
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_namesake_that_somebody_made_meanwhile_is_a_conflict() {
    let (world, operator, old) = vanished("recreate-rival").await;
    let name = world.project_name("orders");
    let body = oms_simulator::Oms::example_body(&name);
    world.oms().insert_project(&name, "RUNNING", body);
    ask(&world, &old).await;
    world.until_stalled("orders", "NameConflict").await;
    assert_eq!(world.oms().count(CREATE), 1, "none is made beside it");
    world.finish([operator]).await;
}

// --- Cut at every write ------------------------------------------------------------

/// The write that lets go of the id.
fn letting_go() -> Match {
    Match::any()
        .method(http::Method::PATCH)
        .path_ends_with("/migrationprojects/orders/status")
        .body_contains("\"projectId\":null")
}

fn reserving() -> Match {
    Match::any()
        .method(http::Method::PATCH)
        .path_ends_with("/migrationprojects/orders")
        .body_contains("create-reservation")
}

fn recording() -> Match {
    Match::any()
        .method(http::Method::PATCH)
        .path_ends_with("/migrationprojects/orders/status")
        .body_contains("/status/projectId")
}

fn publishing() -> Match {
    Match::any()
        .method(http::Method::PATCH)
        .path_ends_with("/migrationprojects/orders/status")
        .body_contains("RUNNING")
}

async fn killed(test: &str, write: Match, done: bool) {
    let (world, operator, old) = vanished(test).await;
    assert!(operator.terminate().await.success());
    let proxy = world.proxy().await;
    let gate = match done {
        true => proxy.hold_after(write),
        false => proxy.hold_before(write),
    };
    let operator = world.operator_with(&[], Some(&proxy)).await;
    ask(&world, &old).await;
    gate.arrived(DEADLINE).await.unwrap();
    operator.kill().await;
    drop(gate);
    let operator = world.operator().await;
    is_made_anew(&world, &old).await;
    world.finish([operator]).await;
}

async fn refused(test: &str, write: Match, code: u16) {
    let (world, operator, old) = vanished(test).await;
    assert!(operator.terminate().await.success());
    let proxy = world.proxy().await;
    let fault = proxy.refuse(write.times(2), code);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    ask(&world, &old).await;
    is_made_anew(&world, &old).await;
    assert!(fault.fired() >= 1, "the write was not refused");
    world.finish([operator]).await;
}

async fn cut_after_it_was_done(test: &str, write: Match) {
    let (world, operator, old) = vanished(test).await;
    assert!(operator.terminate().await.success());
    let proxy = world.proxy().await;
    let fault = proxy.cut_after(write.times(1));
    let operator = world.operator_with(&[], Some(&proxy)).await;
    ask(&world, &old).await;
    is_made_anew(&world, &old).await;
    fault.wait_fired(1, DEADLINE).await.unwrap();
    world.finish([operator]).await;
}

macro_rules! cuts {
    ($($module:ident: $write:ident;)*) => {$(
        mod $module {
            use super::*;

            fn test(what: &str) -> String {
                let module = stringify!($module).replace('_', "-");
                format!("anew-{module}-{what}")
            }

            #[tokio::test]
            async fn killed_before_it() {
                killed(&test("before"), $write(), false).await;
            }

            #[tokio::test]
            async fn killed_after_it() {
                killed(&test("after"), $write(), true).await;
            }

            #[tokio::test]
            async fn refused_with_409() {
                refused(&test("409"), $write(), 409).await;
            }

            #[tokio::test]
            async fn refused_with_500() {
                refused(&test("500"), $write(), 500).await;
            }

            #[tokio::test]
            async fn done_but_its_answer_lost() {
                cut_after_it_was_done(&test("cut"), $write()).await;
            }
        }
    )*};
}

cuts! {
    letting_go_of_the_id: letting_go;
    the_reservation: reserving;
    the_id: recording;
    the_status: publishing;
}

#[tokio::test]
async fn a_lost_answer_of_the_second_create_is_found_again() {
    let (world, operator, old) = vanished("recreate-lost").await;
    let lost = Fault::new(CREATE, Kind::Drop).times(1).after_work();
    world.oms().fault(lost);
    ask(&world, &old).await;
    is_made_anew(&world, &old).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn killed_during_the_second_call() {
    let (world, operator, old) = vanished("recreate-kill").await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    ask(&world, &old).await;
    gate.arrived().await;
    operator.kill().await;
    gate.release();
    let operator = world.operator().await;
    is_made_anew(&world, &old).await;
    world.finish([operator]).await;
}
