//! The run state: what the spec asks for, what somebody does in OMS's console,
//! and who of them is obeyed.

use oms_simulator::{Fault, Kind};
use serde_json::json;

use crate::world::{Operator, World, condition, id, message, status};

const STOP: &str = "StopProject";
const RESUME: &str = "ResumeProject";

/// A world in which `orders` runs, and its project.
async fn running(test: &str) -> (World, Operator, String) {
    let world = World::new(test).await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    (world, operator, made)
}

fn calls(world: &World) -> (u64, u64) {
    (world.oms().count(STOP), world.oms().count(RESUME))
}

#[tokio::test]
async fn it_is_paused_and_resumed_as_the_spec_asks() {
    let (world, operator, made) = running("pause").await;
    world.want("orders", "Paused").await;
    let project = world.until_ready("orders", "True", "Paused").await;
    assert_eq!(status(&project), Some("SUSPEND"));
    assert_eq!(condition(&project, "Stalled"), None);
    assert_eq!(condition(&project, "Reconciling"), None);
    assert_eq!(world.oms().project(&made).unwrap().status, "SUSPEND");
    world.until_event("orders", "ProjectPaused").await;
    assert_eq!(calls(&world), (1, 0));

    // Neither by an edit of something else nor by a restart.
    let edit = json!({"spec": {"readiness": {"maxLag": "90s"}}});
    world.patch("orders", edit).await;
    world.until_looked_at("orders").await;
    operator.kill().await;
    let operator = world.operator().await;
    world.want("orders", "Running").await;
    let project = world.until_running("orders").await;
    assert_eq!(project.status.unwrap().pause, None);
    world.until_event("orders", "ProjectResumed").await;
    assert_eq!(calls(&world), (1, 1));
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_is_resumed_in_the_console_is_paused_again() {
    let (world, operator, made) = running("pause-again").await;
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;
    world.oms().set_status(&made, "RUNNING").unwrap();
    let oms = world.oms();
    let stopped = oms.wait_until(crate::world::DEADLINE, |oms| oms.count(STOP) == 2);
    assert!(stopped.await, "{}", world.picture("orders").await);
    world.until_ready("orders", "True", "Paused").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_oms_is_changing_is_paused_once_that_is_done() {
    let (world, operator, made) = running("pause-busy").await;
    for word in ["RUNNING_MODIFYING", "RUNNING_MERGING"] {
        world.oms().set_status(&made, word).unwrap();
        world
            .until("orders", "it shows", |project| {
                status(project) == Some(word)
            })
            .await;
        world.until_ready("orders", "True", "Running").await;
    }
    world.want("orders", "Paused").await;
    let project = world.until_ready("orders", "False", "Pausing").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "Pausing"))
    );
    assert_eq!(calls(&world), (0, 0));
    world.oms().set_status(&made, "RUNNING").unwrap();
    world.until_ready("orders", "True", "Paused").await;
    assert_eq!(calls(&world), (1, 0));
    world.finish([operator]).await;
}

#[tokio::test]
async fn created_as_paused_it_is_not_started_before_it_is_to_run() {
    let world = World::new("born-paused").await;
    let operator = world.operator().await;
    world.create("orders", json!({"state": "Paused"})).await;
    let project = world.until_ready("orders", "True", "Created").await;
    assert_eq!(status(&project), Some("INIT"));
    assert_eq!(world.oms().count("StartProject"), 0);
    world.want("orders", "Running").await;
    world.until_running("orders").await;
    assert_eq!(calls(&world), (0, 0));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_pause_from_outside_is_respected_until_somebody_asks() {
    let (world, operator, made) = running("outside").await;
    world.oms().set_status(&made, "SUSPEND").unwrap();
    let project = world.until_stalled("orders", "PausedOutside").await;
    assert!(message(&project).contains("oms.oceanbase.com/retry"));
    let pause = project.status.unwrap().pause.unwrap();
    assert!(pause.since.is_some());

    // Neither an edit of something else, nor a look, nor a restart asks for it.
    let edit = json!({"spec": {"readiness": {"maxLag": "90s"}}});
    world.patch("orders", edit).await;
    world.until_looked_at("orders").await;
    world
        .replace("orders", json!({"readiness": {"maxLag": "80s"}}))
        .await;
    world.until_looked_at("orders").await;
    operator.kill().await;
    let operator = world.operator().await;
    world.force_look("orders", "now").await;
    world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref().unwrap();
            status.last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    world.until_stalled("orders", "PausedOutside").await;
    assert_eq!(calls(&world), (0, 0));

    world.retry("orders", "one").await;
    world.until_running("orders").await;
    assert_eq!(calls(&world), (0, 1));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_word_to_resume_is_obeyed_once_and_not_again_after_a_restart() {
    let (world, operator, made) = running("outside-once").await;
    world.oms().set_status(&made, "SUSPEND").unwrap();
    world.until_stalled("orders", "PausedOutside").await;
    world.retry("orders", "one").await;
    world.until_running("orders").await;
    world.oms().set_status(&made, "SUSPEND").unwrap();
    world.until_stalled("orders", "PausedOutside").await;
    operator.kill().await;
    let operator = world.operator().await;
    world.force_look("orders", "now").await;
    let oms = world.oms();
    oms.clear_calls();
    let swept = oms.wait_until(crate::world::DEADLINE, |oms| oms.count("ListProjects") >= 3);
    assert!(swept.await);
    world.until_stalled("orders", "PausedOutside").await;
    assert_eq!(calls(&world), (0, 0));
    world.retry("orders", "two").await;
    world.until_running("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_word_given_while_it_runs_resumes_nothing_later() {
    let (world, operator, made) = running("early-word").await;
    world.retry("orders", "early").await;
    world
        .until("orders", "the word is seen", |project| {
            let status = project.status.as_ref().unwrap();
            status.last_handled_retry.as_deref() == Some("early")
        })
        .await;
    world.oms().set_status(&made, "SUSPEND").unwrap();
    world.until_stalled("orders", "PausedOutside").await;
    world.force_look("orders", "now").await;
    world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref().unwrap();
            status.last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    assert_eq!(calls(&world), (0, 0));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_pause_from_outside_that_the_spec_agrees_to_ends_with_the_wish_to_run() {
    let (world, operator, made) = running("agreed").await;
    world.oms().set_status(&made, "SUSPEND").unwrap();
    world.until_stalled("orders", "PausedOutside").await;
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;
    assert_eq!(calls(&world), (0, 0));
    world.want("orders", "Running").await;
    world.until_running("orders").await;
    assert_eq!(calls(&world), (0, 1));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_pause_from_outside_is_ended_at_once_where_the_spec_says_so() {
    let world = World::new("outside-resume").await;
    let operator = world.operator().await;
    world
        .create("orders", json!({"onExternalPause": "Resume"}))
        .await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.oms().set_status(&made, "SUSPEND").unwrap();
    let oms = world.oms();
    let resumed = oms.wait_until(crate::world::DEADLINE, |oms| oms.count(RESUME) == 1);
    assert!(resumed.await, "{}", world.picture("orders").await);
    world.until_running("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_done_once() {
    let (world, operator, made) = running("lost-pause").await;
    let lose = |action: &str| Fault::new(action, Kind::Drop).after_work().times(1);
    world.oms().fault(lose(STOP));
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;
    world.oms().fault(lose(RESUME));
    world.want("orders", "Running").await;
    world.until_running("orders").await;
    assert_eq!(calls(&world), (1, 1));
    assert_eq!(world.oms().project(&made).unwrap().status, "RUNNING");
    let failed = world.get("orders").await.status.unwrap().last_error;
    assert_eq!(failed, None);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_change_that_oms_has_not_made_is_asked_for_again() {
    let (world, operator, _) = running("failed-pause").await;
    world.oms().fault(Fault::new(STOP, Kind::Drop).times(1));
    let inner = Kind::business("INNER_ERROR", "not now");
    world.oms().fault(Fault::new(RESUME, inner).times(1));
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;
    world.want("orders", "Running").await;
    world.until_running("orders").await;
    assert_eq!(calls(&world), (2, 2));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_wish_that_changes_before_the_pause_is_seen_is_obeyed() {
    let (world, operator, _) = running("changed-mind").await;
    let gate = world.oms().hold(STOP, oms_simulator::When::AfterWork);
    world.want("orders", "Paused").await;
    gate.arrived().await;
    world.want("orders", "Running").await;
    gate.release();
    let oms = world.oms();
    let resumed = oms.wait_until(crate::world::DEADLINE, |oms| oms.count(RESUME) == 1);
    assert!(resumed.await, "{}", world.picture("orders").await);
    world.until_running("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn while_the_resource_is_suspended_nothing_is_changed() {
    let world = World::new("suspend").await;
    let operator = world.operator().await;
    let suspend = |is: bool| json!({"spec": {"suspend": is}});
    world.create("orders", json!({"suspend": true})).await;
    let project = world.until_ready("orders", "False", "Suspended").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "Suspended"))
    );
    assert_eq!(world.oms().count("CreateProject"), 0);
    world.patch("orders", suspend(false)).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();

    // It is still watched.
    world.patch("orders", suspend(true)).await;
    world.until_looked_at("orders").await;
    world.until_ready("orders", "True", "Running").await;
    world.want("orders", "Paused").await;
    world.until_ready("orders", "False", "Suspended").await;
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    world.oms().set_status(&made, "RUNNING").unwrap();
    world.until_ready("orders", "False", "Suspended").await;
    assert_eq!(calls(&world), (0, 0));
    world.patch("orders", suspend(false)).await;
    world.until_ready("orders", "True", "Paused").await;
    world.finish([operator]).await;
}
