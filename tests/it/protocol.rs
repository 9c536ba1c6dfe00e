//! The create protocol without crashes: what one operator makes of a resource.

use serde_json::json;

use crate::world::{World, id, message};

#[tokio::test]
async fn a_resource_gets_one_project_that_runs() {
    let world = World::new("plain").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.name, format!("{}.orders", world.namespace));
    assert!(message(&project).contains(id(&project).unwrap()));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_crash_safe_creation_costs_three_writes_and_four_calls() {
    let world = World::new("cost").await;
    let operator = world.operator().await;
    // The connection is in use already, as it is when there are others.
    world
        .create("first", json!({"project": {"name": "first"}}))
        .await;
    world.until_running("first").await;
    let mark = world.plane.audit().mark().await.unwrap();
    world.oms().clear_calls();
    world
        .create("orders", json!({"project": {"name": "orders"}}))
        .await;
    world.until_running("orders").await;

    let entries = world.plane.audit().since(mark).await.unwrap();
    let writes = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .resource("migrationprojects")
        .writes();
    assert_eq!(writes.len(), 3, "reserve, id, RUNNING: {writes}");
    let mut calls: Vec<String> = world
        .oms()
        .calls()
        .into_iter()
        .filter(|call| call.action != "ListProjects" || call.search_key.is_some())
        .map(|call| call.action)
        .collect();
    // Compared in the second of the start, it is compared once more after it.
    calls.dedup();
    assert_eq!(
        calls,
        [
            "ListProjects",
            "CreateProject",
            "StartProject",
            "DescribeProject"
        ]
    );
    world.finish([operator]).await;
}
