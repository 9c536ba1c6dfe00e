//! What a spec asks for besides a project: its data sources by name, and the
//! state it is to be in.

use oms_simulator::DataSource;
use serde_json::json;

use crate::world::{World, condition, message, status};

const CREATE: &str = "CreateProject";

#[tokio::test]
async fn data_sources_are_found_by_name() {
    let world = World::new("by-name").await;
    let operator = world.operator().await;
    // Of a name that is part of another one, too.
    let spec = json!({
        "sourceEndpointRef": {"name": "mysql-prod"},
        "sinkEndpointRef": {"name": "ob-prod"},
        "project": {"sourceEndpointId": null, "sinkEndpointId": null},
    });
    world.create("orders", spec).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.body["sourceEndpointId"], "e_mysqlprod01");
    assert_eq!(made.body["sinkEndpointId"], "e_obprod00001");
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_data_source_that_is_not_there_is_waited_for() {
    let world = World::new("no-source").await;
    let operator = world.operator().await;
    let spec = json!({
        "sourceEndpointRef": {"name": "mysql-new"},
        "project": {"sourceEndpointId": null},
    });
    world.create("orders", spec).await;
    let project = world.until_message("orders", "mysql-new").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "EndpointNotFound"))
    );
    assert_eq!(world.oms().count(CREATE), 0);
    let source = DataSource::new("e_new", "mysql-new", "MYSQL");
    world.oms().add_data_source(source);
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.body["sourceEndpointId"], "e_new");
    world.finish([operator]).await;
}

#[tokio::test]
async fn of_two_data_sources_with_one_name_none_is_guessed() {
    let world = World::new("two-sources").await;
    let source = DataSource::new("e_twin", "ob-prod", "OB_MYSQL");
    world.oms().add_data_source(source);
    let operator = world.operator().await;
    let spec = json!({
        "sinkEndpointRef": {"name": "ob-prod"},
        "project": {"sinkEndpointId": null},
    });
    world.create("orders", spec).await;
    let project = world.until_stalled("orders", "EndpointAmbiguous").await;
    for id in ["e_twin", "e_obprod00001", "sinkEndpointId"] {
        assert!(message(&project).contains(id), "{}", message(&project));
    }
    assert_eq!(world.oms().count(CREATE), 0);
    let chosen = json!({"spec": {
        "sinkEndpointRef": null, "project": {"sinkEndpointId": "e_twin"},
    }});
    world.patch("orders", chosen).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.body["sinkEndpointId"], "e_twin");
    world.finish([operator]).await;
}

#[tokio::test]
async fn created_and_not_started_it_is_ready_and_runs_when_asked_to() {
    let world = World::new("created").await;
    let operator = world.operator().await;
    world.create("orders", json!({"state": "Created"})).await;
    let project = world
        .until("orders", "it is ready", |project| {
            condition(project, "Ready") == Some(("True", "Created"))
        })
        .await;
    assert_eq!(status(&project), Some("INIT"));
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("StartProject"), 0);
    let running = json!({"spec": {"state": "Running"}});
    world.patch("orders", running).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("StartProject"), 1);
    world.finish([operator]).await;
}
