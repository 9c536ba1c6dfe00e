//! An OMS that knows no action but CreateProject.

use oms_simulator::{ACTIONS, Fault, Kind};
use serde_json::json;

use crate::world::{Operator, World, condition, id, message, status};

const CREATE: &str = "CreateProject";

async fn minimal(test: &str) -> World {
    let world = World::new(test).await;
    let others = ACTIONS.iter().copied().filter(|action| *action != CREATE);
    world.oms().unsupported(others);
    world
}

/// The answer to the one create is lost.
async fn stalled(test: &str) -> (World, Operator) {
    let world = minimal(test).await;
    let lost = Fault::new(CREATE, Kind::Drop).after_work();
    world.oms().fault(lost.times(1));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_stalled("orders", "CreateUnknown").await;
    assert!(message(&project).contains("adopt.projectId"));
    assert_eq!((id(&project), world.oms().count(CREATE)), (None, 1));
    (world, operator)
}

#[tokio::test]
async fn the_id_is_kept_and_the_missing_action_named() {
    let world = minimal("minimal").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    // At once the action that was to come next, and in the end the one without
    // which nothing else is tried.
    let project = world.until_stalled("orders", "ActionMissing").await;
    let told = message(&project);
    assert!(told.contains("Unsupported action: StartProject"), "{told}");
    world.has_exactly_one("orders").await;
    let project = world.until_message("orders", "ListProjects").await;
    assert_eq!(
        condition(&project, "Stalled"),
        Some(("True", "ActionMissing"))
    );
    // What a project is taken for after its creation lasts a few back-offs.
    assert!(world.oms().count("StartProject") <= 4, "no hot loop");
    assert_eq!(status(&project), None);
    assert_eq!(world.oms().projects()[0].status, "INIT");
    let told = world.until_connection("oms", "ActionMissing").await;
    assert!(told.contains("ListProjects"), "{told}");
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_oms_that_knows_lists_no_more_is_asked_about_each_project() {
    let world = World::new("minimal-later").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.oms().unsupported(["ListProjects"]);
    world.until_connection("oms", "ActionMissing").await;
    let made = world.oms().projects()[0].id.clone();
    world.oms().set_status(&made, "FAILED").unwrap();
    world.force_look("orders", "now").await;
    world.until_stalled("orders", "Failed").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_lost_answer_stalls_at_once_and_is_never_repeated() {
    let (world, operator) = stalled("minimal-lost").await;
    // Not by a look, not by a restart.
    operator.kill().await;
    let operator = world.operator().await;
    world.force_look("orders", "now").await;
    let project = world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref();
            status.is_some_and(|status| status.last_handled_reconcile_at.is_some())
        })
        .await;
    assert_eq!(
        condition(&project, "Stalled"),
        Some(("True", "CreateUnknown"))
    );
    assert_eq!(world.oms().count(CREATE), 1);
    assert_eq!(world.oms().projects().len(), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn after_a_lost_answer_the_id_is_given_by_adopt() {
    let (world, operator) = stalled("minimal-adopt").await;
    let made = world.oms().projects()[0].id.clone();
    let adopt = json!({"spec": {"adopt": {"projectId": made}}});
    world.patch("orders", adopt).await;
    world.until_id("orders", &made).await;
    world.until_stalled("orders", "ActionMissing").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    // It is nobody else's, although OMS cannot be asked about it.
    world
        .create("thief", json!({"adopt": {"projectId": made}}))
        .await;
    world.until_stalled("thief", "ProjectClaimed").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn after_a_lost_answer_it_is_created_again_only_when_asked() {
    let (world, operator) = stalled("minimal-retry").await;
    // The administrator has looked: there was none.
    let made = world.oms().projects()[0].id.clone();
    world.oms().remove(&made).unwrap();
    let retry = json!({"metadata": {"annotations": {"oms.oceanbase.com/retry": "one"}}});
    world.patch("orders", retry).await;
    world.until_stalled("orders", "ActionMissing").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 2);
    world.finish([operator]).await;
}
