//! Who may use a connection, and how long it stays.

use oms_harness::{Match, until};
use serde_json::json;

use crate::world::{DEADLINE, World, condition, id, message};

#[tokio::test]
async fn another_namespace_uses_a_connection_only_where_it_is_allowed() {
    let world = World::new("allowed-there").await;
    let neighbour = world.neighbour("allowed-here").await;
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;
    let connection = json!({"name": "oms", "namespace": world.namespace});
    let spec = json!({"connectionRef": connection});
    neighbour.create("orders", spec).await;
    let project = neighbour
        .until_stalled("orders", "ConnectionNotAllowed")
        .await;
    assert!(message(&project).contains("allowedNamespaces"));
    // A label that the namespace does not carry.
    let labels = json!({"oms-team": "red"});
    let selector = json!({"from": "Selector", "selector": {"matchLabels": labels}});
    let spec = json!({"spec": {"allowedNamespaces": selector}});
    world.patch_connection("oms", spec).await;
    neighbour.force_look("orders", "one").await;
    neighbour
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref();
            status.is_some_and(|status| status.last_handled_reconcile_at.is_some())
        })
        .await;
    assert_eq!(world.oms().projects(), []);
    neighbour.label_namespace("oms-team", "red").await;
    neighbour.force_look("orders", "two").await;
    neighbour.until_running("orders").await;
    neighbour.has_exactly_one("orders").await;
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

#[tokio::test]
async fn a_connection_for_all_namespaces_is_used_from_any() {
    let world = World::new("all-there").await;
    let neighbour = world.neighbour("all-here").await;
    let all = json!({"spec": {"allowedNamespaces": {"from": "All"}}});
    world.patch_connection("oms", all).await;
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;
    let connection = json!({"name": "oms", "namespace": world.namespace});
    neighbour
        .create("orders", json!({"connectionRef": connection}))
        .await;
    neighbour.until_running("orders").await;
    neighbour.has_exactly_one("orders").await;
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_waited_for() {
    let world = World::new("no-connection").await;
    let operator = world.operator().await;
    world
        .create("orders", json!({"connectionRef": {"name": "later"}}))
        .await;
    let project = world.until_message("orders", "there is none").await;
    assert_eq!(
        condition(&project, "Ready"),
        Some(("False", "ConnectionNotFound"))
    );
    assert_eq!(
        condition(&project, "Stalled"),
        None,
        "it may come at any moment"
    );
    assert!(message(&project).contains("later"));
    let url = world.simulator.url();
    world.create_connection("later", &url, json!({})).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_resource_without_a_connection_uses_the_default_one() {
    let world = World::new("default").await;
    let without = json!({"connectionRef": null});
    let operator = world.operator().await;
    world.create("orders", without).await;
    let project = world.until_stalled("orders", "NoConnection").await;
    assert!(message(&project).contains("--default-connection"));
    assert!(operator.terminate().await.success());
    let flag = format!("--default-connection={}/oms", world.namespace);
    let operator = world.operator_with(&[&flag], None).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_in_use_goes_with_its_last_project_resource() {
    let world = World::new("used").await;
    // The connection is held for its users at once, not at its next turn.
    let operator = world.operator_with(&["--secret-interval=1h"], None).await;
    world.until_connection("oms", "InsecureTransport").await;
    world.create("first", json!({})).await;
    world.until_running("first").await;
    world.create("second", json!({})).await;
    world.until_running("second").await;
    world.delete_connection("oms").await;
    world.until_connection("oms", "Deleting").await;
    world.delete("first").await;
    world.until_gone("first").await;
    // Until the last one is gone, it works.
    let made = id(&world.get("second").await).unwrap().to_owned();
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("second", "Failed").await;
    assert!(world.connections().get_opt("oms").await.unwrap().is_some());
    world.delete("second").await;
    world.until_gone("second").await;
    world.until_connection_gone("oms").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_is_held_before_its_first_project_is_made() {
    let world = World::new("held").await;
    // Idle, it would not come to its next turn within this test.
    let operator = world.operator_with(&["--secret-interval=1h"], None).await;
    world.until_connection("oms", "InsecureTransport").await;
    world.create("orders", json!({"state": "Created"})).await;
    let created = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("CreateProject") == 1);
    assert!(created.await);
    let connection = world.connections().get("oms").await.unwrap();
    let finalizers = connection.metadata.finalizers.unwrap_or_default();
    assert_eq!(finalizers, [oms_operator::api::keys::FINALIZER]);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_in_use_outlives_a_restart_that_does_not_know_its_users_yet() {
    let world = World::new("used-restart").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.delete_connection("oms").await;
    world.until_connection("oms", "Deleting").await;
    operator.kill().await;
    let proxy = world.proxy().await;
    // The first list is the check at the start.
    let list = Match::any()
        .method(http::Method::GET)
        .path_ends_with("/migrationprojects")
        .nth(2);
    let gate = proxy.hold_before(list);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    gate.arrived(DEADLINE).await.unwrap();
    until(DEADLINE, "the connections are watched", async || {
        let requests = proxy.requests();
        let watched = |request: &oms_harness::Request| {
            request.path.ends_with("/omsconnections") && request.query.contains("watch")
        };
        requests.iter().any(watched).then_some(())
    })
    .await
    .unwrap();
    // It stays for as long as anybody looks.
    let mut looks = 0;
    until(DEADLINE, "it was looked at often", async || {
        assert!(world.connections().get_opt("oms").await.unwrap().is_some());
        looks += 1;
        (looks == 20).then_some(())
    })
    .await
    .unwrap();
    gate.release();
    world.delete("orders").await;
    world.until_gone("orders").await;
    world.until_connection_gone("oms").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_without_users_goes_at_once() {
    let world = World::new("unused").await;
    let operator = world.operator().await;
    world.until_connection("oms", "InsecureTransport").await;
    world.delete_connection("oms").await;
    world.until_connection_gone("oms").await;
    world.finish([operator]).await;
}
