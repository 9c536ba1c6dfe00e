//! The create protocol without crashes: what one operator makes of a resource.

use std::time::Duration;

use oms_simulator::{Config, Durations};
use serde_json::json;

use crate::world::{DEADLINE, World, id, message};

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
async fn a_crash_safe_creation_costs_three_writes_and_three_calls() {
    // After the start nothing moves for a while: each further call would be ours.
    let durations = Durations {
        precheck: Duration::from_secs(3600),
        ..Durations::default()
    };
    let config = Config {
        durations,
        ..Config::default()
    };
    let world = World::with("cost", config).await;
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
    let seen = world.oms().count("ListProjects");
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= seen + 5);
    assert!(swept.await, "OMS is swept");

    let entries = world.plane.audit().since(mark).await.unwrap();
    let writes = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .resource("migrationprojects")
        .writes();
    assert_eq!(writes.len(), 3, "reserve, id, RUNNING: {writes}");
    let calls: Vec<String> = world
        .oms()
        .calls()
        .into_iter()
        .filter(|call| call.action != "ListProjects" || call.search_key.is_some())
        .map(|call| call.action)
        .collect();
    assert_eq!(calls, ["ListProjects", "CreateProject", "StartProject"]);
    world.finish([operator]).await;
}
