//! A project that failed: resumed by itself as `spec.retry` says, or once for
//! each word of a human.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{Fault, Kind};
use serde_json::json;

use crate::world::{DEADLINE, World, condition, id, message, ready};

const RESUME: &str = "ResumeProject";

/// Why the resource was Stalled, whenever it was, from now on.
fn stalls(world: &World) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (projects, into) = (world.projects(), seen.clone());
    tokio::spawn(async move {
        let all = watcher(projects, watcher::Config::default()).applied_objects();
        let each = |project: MigrationProject| {
            if let Some((_, reason)) = condition(&project, "Stalled") {
                into.lock().unwrap().push(reason.to_owned());
            }
        };
        all.for_each(async |project| project.into_iter().for_each(each))
            .await;
    });
    seen
}

fn count(project: &MigrationProject) -> Option<i32> {
    project.status.as_ref()?.retries.as_ref()?.count
}

#[tokio::test]
async fn a_failed_project_is_resumed_so_often_and_then_left_to_a_human() {
    let world = World::new("retry").await;
    let stalls = stalls(&world);
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 2, "initialDelay": "1s", "maxDelay": "24h"}});
    world.create("orders", retry).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    for attempt in 1..=2 {
        world.oms().set_status(&made, "FAILED").unwrap();
        let waits = world
            .until("orders", "it waits for its retry", |project| {
                condition(project, "Reconciling") == Some(("True", "Retrying"))
            })
            .await;
        assert_eq!(condition(&waits, "Finished"), Some(("False", "InProgress")));
        let retries = waits.status.unwrap().retries.unwrap();
        let delay = retries.next_attempt_time.unwrap() - retries.failure_time.unwrap();
        assert_eq!(delay.get_seconds(), 1 << (attempt - 1));
        let project = world.until_running("orders").await;
        assert_eq!(count(&project), Some(attempt));
        assert_eq!(world.oms().count(RESUME), u64::try_from(attempt).unwrap());
    }
    assert_eq!(*stalls.lock().unwrap(), Vec::<String>::new());
    world.oms().set_status(&made, "FAILED").unwrap();
    let project = world.until_stalled("orders", "Failed").await;
    assert_eq!(condition(&project, "Finished"), Some(("True", "Failed")));
    assert!(message(&project).contains("oms.oceanbase.com/retry"));
    assert_eq!(world.oms().count(RESUME), 2);

    // A human's word begins a new series.
    world.retry("orders", "mended").await;
    let project = world.until_running("orders").await;
    assert_eq!(count(&project), None);
    assert_eq!(world.oms().count(RESUME), 3);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_attempt_outlives_a_crash_and_is_not_made_twice() {
    let world = World::new("retry-crash").await;
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 1, "initialDelay": "0s"}});
    world.create("orders", retry).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    let gate = world.oms().hold(RESUME, oms_simulator::When::AfterWork);
    world.oms().set_status(&made, "FAILED").unwrap();
    gate.arrived().await;
    assert_eq!(count(&world.get("orders").await), Some(1));
    operator.kill().await;
    gate.release();
    // It has run, and fails again.
    world.oms().set_status(&made, "FAILED").unwrap();
    let before = world.oms().count(RESUME);
    let operator = world.operator().await;
    let project = world.until_stalled("orders", "Failed").await;
    assert_eq!(count(&project), Some(1));
    assert_eq!(world.oms().count(RESUME), before);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_attempt_that_does_not_reach_oms_does_not_count() {
    let world = World::new("retry-unmade").await;
    let stalls = stalls(&world);
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 1, "initialDelay": "0s"}});
    world.create("orders", retry).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    let later = Kind::too_many_requests(std::time::Duration::from_secs(1));
    world.oms().fault(Fault::new(RESUME, later).times(1));
    world.oms().set_status(&made, "FAILED").unwrap();
    let project = world
        .until("orders", "it runs again", |project| {
            count(project) == Some(1) && ready(project) == Some("True")
        })
        .await;
    assert_eq!(id(&project), Some(made.as_str()));
    assert_eq!(world.oms().count(RESUME), 2);
    assert_eq!(*stalls.lock().unwrap(), Vec::<String>::new());
    world.finish([operator]).await;
}

#[tokio::test]
async fn without_retry_it_fails_and_a_word_resumes_it() {
    let world = World::new("retry-word").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    // OMS is asked once more although it has certainly refused the first time.
    let refused = Kind::business("PARAM_ERROR", "not yet");
    world.oms().fault(Fault::new(RESUME, refused).times(1));
    world.retry("orders", "one").await;
    let project = world.until_running("orders").await;
    assert_eq!(
        condition(&project, "Finished"),
        Some(("False", "InProgress"))
    );
    assert_eq!(world.oms().count(RESUME), 2);
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    world.oms().clear_calls();
    let oms = world.oms();
    let swept = oms.wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 3);
    assert!(swept.await);
    assert_eq!(oms.count(RESUME), 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_word_that_was_obeyed_does_not_come_back_by_a_refusal() {
    let world = World::new("retry-old-word").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    world.retry("orders", "one").await;
    world.until_running("orders").await;
    assert_eq!(world.oms().count(RESUME), 1);
    // The one attempt by itself is refused, and that was the last.
    let refused = Kind::business("PARAM_ERROR", "not now");
    world.oms().fault(Fault::new(RESUME, refused));
    let retry = json!({"spec": {"retry": {"maxAttempts": 1, "initialDelay": "0s"}}});
    world.patch("orders", retry).await;
    world.oms().set_status(&made, "FAILED").unwrap();
    let oms = world.oms();
    let tried = oms.wait_until(DEADLINE, |oms| oms.count(RESUME) == 2);
    assert!(tried.await);
    world.until_stalled("orders", "Failed").await;
    oms.clear_faults();
    world.force_look("orders", "now").await;
    world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref().unwrap();
            status.last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    assert_eq!(oms.count(RESUME), 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_failed_project_that_is_not_to_run_is_not_resumed() {
    let world = World::new("retry-paused").await;
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 3, "initialDelay": "0s"}});
    world.create("orders", retry).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;
    world.oms().set_status(&made, "FAILED").unwrap();
    let project = world.until_stalled("orders", "Failed").await;
    assert!(message(&project).contains("state is Paused"));
    assert_eq!(world.oms().count(RESUME), 0);
    world.finish([operator]).await;
}
