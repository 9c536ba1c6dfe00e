//! `kubectl wait --for=condition=…` as documented: the real kubectl, asking the
//! real API server.

use std::time::Duration;

use oms_operator::api::v1alpha1::MigrationProject;
use serde_json::json;

use crate::kubectl::kubectl;
use crate::world::{DEADLINE, World, condition, id};

/// `kubectl wait --for=condition=TYPE` comes back, and nothing is wrong; the
/// resource as it is then.
async fn wait_for(world: &World, type_: &str) -> MigrationProject {
    let held = format!("--for=condition={type_}");
    let timeout = format!("--timeout={}s", DEADLINE.as_secs());
    let wait = ["wait", "migrationproject/orders", &held, &timeout];
    kubectl(world, &wait, None).await;
    world.get("orders").await
}

/// What is not so is not waited for in vain: the condition says no.
fn is_not(project: &MigrationProject, type_: &str) {
    let said = condition(project, type_);
    assert!(!matches!(said, Some(("True", _))), "{type_} is {said:?}");
}

fn full_only() -> serde_json::Value {
    json!({"project": {"enableIncrTransfer": false}})
}

#[tokio::test]
async fn ready_is_waited_for_and_then_success() {
    let world = World::new("wait-success").await;
    // Waiting may begin before anybody has looked.
    world.create("orders", full_only()).await;
    is_not(&world.get("orders").await, "Ready");
    let (project, operator) = tokio::join!(wait_for(&world, "Ready"), world.operator());
    assert_eq!(condition(&project, "Ready"), Some(("True", "Running")));
    is_not(&project, "Finished");
    let end = async {
        world.oms().step(Duration::from_secs(3600));
    };
    let (project, ()) = tokio::join!(wait_for(&world, "Finished"), end);
    assert_eq!(condition(&project, "Finished"), Some(("True", "Succeeded")));
    // Whoever has waited for the end reads in the same object how it ended.
    assert_eq!(
        condition(&project, "Succeeded"),
        Some(("True", "Succeeded"))
    );
    assert_eq!(condition(&project, "Ready"), Some(("True", "Finished")));
    world.finish([operator]).await;
}

#[tokio::test]
async fn finished_is_waited_for_when_the_end_is_a_failure() {
    let world = World::new("wait-failure").await;
    let operator = world.operator().await;
    world.create("orders", full_only()).await;
    let project = wait_for(&world, "Ready").await;
    let made = id(&project).unwrap().to_owned();
    world.oms().set_status(&made, "FAILED").unwrap();
    let project = wait_for(&world, "Finished").await;
    assert_eq!(condition(&project, "Finished"), Some(("True", "Failed")));
    assert_eq!(condition(&project, "Succeeded"), Some(("False", "Failed")));
    is_not(&project, "Ready");
    world.finish([operator]).await;
}

#[tokio::test]
async fn finished_is_waited_for_when_the_project_is_released() {
    let world = World::new("wait-released").await;
    let operator = world.operator().await;
    world.create("orders", full_only()).await;
    let made = id(&wait_for(&world, "Ready").await).unwrap().to_owned();
    world.oms().set_status(&made, "RELEASED").unwrap();
    let project = wait_for(&world, "Finished").await;
    assert_eq!(condition(&project, "Finished"), Some(("True", "Released")));
    is_not(&project, "Succeeded");
    is_not(&project, "Ready");
    world.finish([operator]).await;
}

#[tokio::test]
async fn caught_up_is_waited_for() {
    let world = World::new("wait-caught-up").await;
    let operator = world.operator().await;
    let readiness = json!({"readiness": {"maxLag": "60s", "stableFor": "1s"}});
    world.create("orders", readiness).await;
    let project = wait_for(&world, "Ready").await;
    is_not(&project, "CaughtUp");
    let made = id(&project).unwrap().to_owned();
    let behind = Some(Duration::from_secs(500));
    world.oms().set_lag(&made, behind).unwrap();
    world.oms().step(Duration::from_secs(3600));
    let project = world
        .until("orders", "it is behind", |project| {
            condition(project, "CaughtUp") == Some(("False", "LagAboveLimit"))
        })
        .await;
    assert_eq!(condition(&project, "Ready"), Some(("True", "Running")));
    world.oms().set_lag(&made, None).unwrap();
    let project = wait_for(&world, "CaughtUp").await;
    assert_eq!(
        condition(&project, "CaughtUp"),
        Some(("True", "LagWithinLimit"))
    );
    is_not(&project, "Finished");
    world.finish([operator]).await;
}
