//! A configuration that somebody changes in OMS's console: told, and never
//! corrected.

use std::time::Duration;

use kube::ResourceExt;
use oms_harness::until;
use oms_operator::api::v1alpha1::MigrationProject;
use serde_json::json;

use crate::world::{DEADLINE, World, condition, id, ready};

const DESCRIBE: &str = "DescribeProject";

async fn until_in_sync(world: &World, is: &'static str) -> MigrationProject {
    let what = format!("InSync is {is}");
    world
        .until("orders", &what, move |project| {
            condition(project, "InSync").is_some_and(|(status, _)| status == is)
        })
        .await
}

/// Waits until nothing of the project is asked for any more, and a sweep has
/// seen nothing new since.
async fn until_quiet(world: &World) {
    until(DEADLINE, "no detail is asked for", async || {
        world.oms().clear_calls();
        let swept = world.oms().wait_until(DEADLINE, |oms| {
            // The repetition after the second of a change takes two.
            oms.count("ListProjects") >= 12
        });
        assert!(swept.await, "OMS is swept");
        (world.oms().count(DESCRIBE) == 0).then_some(())
    })
    .await
    .expect("no detail is asked for");
}

#[tokio::test]
async fn a_change_in_the_console_is_told_and_not_corrected() {
    let world = World::new("drift").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let project = world.compared("orders").await;
    assert_eq!(condition(&project, "InSync"), Some(("True", "InSync")));
    let id = id(&project).unwrap().to_owned();
    let body = world.oms().project(&id).unwrap().body;

    let change = json!({
        "fullTransferConfig": {"fullTransferSpeedMode": "FAST", "throttleRps": 100},
        "incrTransferConfig": {"storeLogKeptHour": 24},
    });
    world.oms().configure(&id, &change).unwrap();
    let project = until_in_sync(&world, "False").await;
    assert_eq!(condition(&project, "InSync"), Some(("False", "Drifted")));
    let drift = project.status.as_ref().unwrap().drift.as_ref().unwrap();
    assert_eq!((drift.total, drift.differences.len()), (Some(1), 1));
    let one = &drift.differences[0];
    assert_eq!(
        (
            one.path.as_deref(),
            one.wanted.as_deref(),
            one.found.as_deref()
        ),
        (
            Some("fullTransferConfig.fullTransferSpeedMode"),
            Some("NORMAL"),
            Some("FAST")
        ),
        "what nobody set in the spec is no drift"
    );
    assert_eq!(ready(&project), Some("True"), "it runs as declared");
    world.until_event("orders", "Drifted").await;

    let back = json!({"fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"}});
    world.oms().configure(&id, &back).unwrap();
    let project = until_in_sync(&world, "True").await;
    assert_eq!(project.status.as_ref().unwrap().drift, None);
    world.until_event("orders", "InSync").await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.body, body);
    for action in made.requests.keys() {
        let asks = action.starts_with("Describe");
        assert!(
            asks || ["CreateProject", "StartProject"].contains(&action.as_str()),
            "{action}"
        );
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_renamed_project_and_a_table_that_was_added_are_told() {
    let world = World::new("drift-table").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let project = world.compared("orders").await;
    let id = id(&project).unwrap().to_owned();
    world.oms().rename(&id, "by-hand").unwrap();
    let mapping = json!({"transferMapping": {"databases": [{
        "name": "shop", "mappedName": "shop",
        "tables": [{"name": "users"}, {"name": "orders", "mappedName": "orders"}],
    }]}});
    world.oms().configure(&id, &mapping).unwrap();
    let both = world
        .until("orders", "both are told", |project| {
            let drift = project
                .status
                .as_ref()
                .and_then(|status| status.drift.as_ref());
            drift.is_some_and(|drift| drift.total == Some(2))
        })
        .await;
    let drift = both.status.unwrap().drift.unwrap();
    let mut paths: Vec<_> = drift
        .differences
        .iter()
        .filter_map(|one| one.path.as_deref())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["name", "transferMapping.databases[shop].tables[users]"]
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn at_rest_nothing_is_written_and_no_detail_asked_for_not_even_after_a_restart() {
    let world = World::new("drift-rest").await;
    let operator = world.operator().await;
    let calm = json!({"readiness": {"stableFor": "0s"}});
    world.create("orders", calm).await;
    world.until_running("orders").await;
    world.compared("orders").await;
    world.oms().step(Duration::from_secs(3600));
    let project = world
        .until("orders", "it keeps up", |project| {
            condition(project, "CaughtUp").is_some_and(|(status, _)| status == "True")
        })
        .await;
    let id = id(&project).unwrap().to_owned();
    let drift = json!({"fullTransferConfig": {"fullTransferSpeedMode": "FAST"}});
    world.oms().configure(&id, &drift).unwrap();
    until_in_sync(&world, "False").await;
    until_quiet(&world).await;

    let version = world.get("orders").await.resource_version();
    assert!(operator.terminate().await.success());
    world.oms().clear_calls();
    let operator = world.operator().await;
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 12);
    assert!(swept.await, "OMS is swept");
    assert_eq!(
        world.oms().count(DESCRIBE),
        0,
        "compared before the restart"
    );
    assert_eq!(
        world.get("orders").await.resource_version(),
        version,
        "nobody wrote"
    );

    // A change that shows nowhere else moves gmtModified: one call, no write.
    let unset = json!({"incrTransferConfig": {"storeLogKeptHour": 24}});
    world.oms().configure(&id, &unset).unwrap();
    let asked = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count(DESCRIBE) >= 1);
    assert!(asked.await, "it is compared");
    until_quiet(&world).await;
    assert_eq!(
        world.get("orders").await.resource_version(),
        version,
        "nobody wrote"
    );

    // Whoever wants a look gets one.
    world.force_look("orders", "now").await;
    let asked = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count(DESCRIBE) >= 1);
    assert!(asked.await, "it is compared");
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_was_changed_while_the_operator_was_away_is_told() {
    let world = World::new("drift-away").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let project = world.compared("orders").await;
    assert!(operator.terminate().await.success());
    // Not in the second of the comparison, which the mark cannot tell apart.
    world.oms().clock().advance(Duration::from_secs(5));
    let drift = json!({"fullTransferConfig": {"allowDestTableNotEmpty": true}});
    world
        .oms()
        .configure(id(&project).unwrap(), &drift)
        .unwrap();
    let operator = world.operator().await;
    until_in_sync(&world, "False").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_server_that_cannot_describe_is_said_to_be_one() {
    let world = World::new("drift-missing").await;
    world.oms().unsupported([DESCRIBE]);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world
        .until("orders", "the missing action is named", |project| {
            condition(project, "InSync") == Some(("Unknown", "ActionMissing"))
        })
        .await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_adopted_project_is_held_to_its_description_which_may_be_corrected() {
    let world = World::new("drift-adopt").await;
    let body = oms_simulator::Oms::example_body("by-hand");
    let old = world.oms().insert_project("by-hand", "RUNNING", body);
    let operator = world.operator().await;
    let spec = json!({
        "adopt": {"projectId": old},
        "project": {"sourceEndpointId": "e_mysqlprod01", "sinkEndpointId": "e_obprod00001",
            "fullTransferConfig": {"fullTransferSpeedMode": "STEADY"}},
    });
    world.create("orders", spec).await;
    let project = until_in_sync(&world, "False").await;
    let drift = project.status.as_ref().unwrap().drift.as_ref().unwrap();
    let paths: Vec<_> = drift
        .differences
        .iter()
        .filter_map(|one| one.path.as_deref())
        .collect();
    assert_eq!(paths, ["fullTransferConfig.fullTransferSpeedMode"]);
    let right = json!({"fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"}});
    world
        .patch("orders", json!({"spec": {"project": right}}))
        .await;
    until_in_sync(&world, "True").await;
    world.finish([operator]).await;
}
