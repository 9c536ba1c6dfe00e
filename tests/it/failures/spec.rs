//! What OMS does not take, or does not find: the rest of the connection's
//! projects are not concerned.

use oms_simulator::DataSource;
use serde_json::{Value, json};

use super::{error_of, told_once, tries, writes_nothing};
use crate::world::{World, condition, message};

/// OMS refuses the create; the corrected spec is created at once.
async fn refused(test: &str, wrong: Value, right: Value, word: &str) {
    let world = World::new(test).await;
    // A second try would be long after the end of this test.
    let operator = world.operator_with(&["--max-backoff=1h"], None).await;
    world.create("orders", json!({"project": wrong})).await;
    let project = world.until_stalled("orders", "CreateRejected").await;
    for part in ["PARAM_ERROR", word, "request id", "spec changes"] {
        let message = message(&project);
        assert!(message.contains(part), "{part:?} in {message:?}");
    }
    let error = error_of(&project).expect("the error");
    assert_eq!(error.code.as_deref(), Some("PARAM_ERROR"));
    assert!(error.request_id.is_some() && error.next_attempt_time.is_some());
    told_once(&world, "orders", "CreateRejected").await;
    world.until_connection("oms", "InsecureTransport").await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 5).await;
    writes_nothing(&world, mark, test).await;
    assert_eq!(world.oms().count("CreateProject"), 1, "not asked again");
    world
        .patch("orders", json!({"spec": {"project": right}}))
        .await;
    let project = world.until_running("orders").await;
    assert!(error_of(&project).is_none());
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", "CreateRejected").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_unknown_endpoint_id_is_refused_until_the_spec_is_corrected() {
    let wrong = json!({"sourceEndpointId": "e_nobody"});
    let right = json!({"sourceEndpointId": "e_mysqlprod01"});
    refused("fail-endpoint", wrong, right, "e_nobody").await;
}

#[tokio::test]
async fn an_unknown_label_is_refused_until_the_spec_is_corrected() {
    let wrong = json!({"labelIds": ["l_nobody"]});
    let right = json!({"labelIds": null});
    refused("fail-label", wrong, right, "l_nobody").await;
}

async fn rests_with(world: &World, type_: &str, reason: &str, word: &str) {
    let project = world.until_message("orders", word).await;
    assert_eq!(condition(&project, type_), Some(("True", reason)));
    assert_eq!(error_of(&project), None);
    told_once(world, "orders", reason).await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(world, 5).await;
    writes_nothing(world, mark, reason).await;
    assert_eq!(world.oms().count("CreateProject"), 0);
}

#[tokio::test]
async fn a_data_source_name_that_nobody_has_is_told_until_somebody_has_it() {
    let world = World::new("fail-nobody").await;
    let operator = world.operator().await;
    world.until_connection("oms", "InsecureTransport").await;
    let spec = json!({
        "sourceEndpointRef": {"name": "mysql-new"},
        "project": {"sourceEndpointId": null},
    });
    world.create("orders", spec).await;
    rests_with(&world, "Reconciling", "EndpointNotFound", "mysql-new").await;
    let source = DataSource::new("e_new", "mysql-new", "MYSQL");
    world.oms().add_data_source(source);
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", "EndpointNotFound").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_data_source_name_that_two_have_is_told_until_one_has_it() {
    let world = World::new("fail-twins").await;
    let twin = DataSource::new("e_twin", "ob-prod", "OB_MYSQL");
    world.oms().add_data_source(twin);
    let operator = world.operator().await;
    world.until_connection("oms", "InsecureTransport").await;
    let spec = json!({
        "sinkEndpointRef": {"name": "ob-prod"},
        "project": {"sinkEndpointId": null},
    });
    world.create("orders", spec).await;
    rests_with(&world, "Stalled", "EndpointAmbiguous", "e_twin").await;
    assert!(world.oms().remove_data_source("e_twin"));
    // It would be looked at by itself within minutes.
    world.force_look("orders", "it is one now").await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", "EndpointAmbiguous").await;
    world.finish([operator]).await;
}
