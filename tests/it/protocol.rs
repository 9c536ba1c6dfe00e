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
