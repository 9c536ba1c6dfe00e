//! What OMS's comparison of source and target has found.

use std::time::Duration;

use kube::ResourceExt;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::TableDifference;
use serde_json::{Value, json};

use crate::world::{DEADLINE, World, condition, id};

const LIST: &str = "ListProjectFullVerifyResult";

/// A project that verifies so many tables.
fn verifying(tables: usize) -> Value {
    let tables: Vec<Value> = (0..tables)
        .map(|n| json!({"name": format!("t{n}")}))
        .collect();
    json!({"project": {
        "enableFullVerify": true, "enableIncrTransfer": false,
        "fullTransferConfig": {"fullVerifySpeedMode": "NORMAL"},
        "transferMapping": {"databases": [{"name": "shop", "mappedName": "shop", "tables": tables}]},
    }})
}

async fn until_verified(world: &World, is: &'static str, reason: &'static str) -> MigrationProject {
    let what = format!("Verified is {is} for {reason}");
    world
        .until("orders", &what, move |project| {
            condition(project, "Verified") == Some((is, reason))
        })
        .await
}

#[tokio::test]
async fn a_project_without_a_difference_is_verified() {
    let world = World::new("verify").await;
    let operator = world.operator().await;
    world.create("orders", verifying(3)).await;
    let project = world.until_running("orders").await;
    assert_eq!(
        condition(&project, "Verified"),
        Some(("Unknown", "InProgress"))
    );
    assert_eq!(
        world.oms().count(LIST),
        0,
        "there is nothing to ask for yet"
    );
    world.compared("orders").await;
    world.oms().step(Duration::from_secs(3600));
    let project = until_verified(&world, "True", "Verified").await;
    let found = project
        .status
        .as_ref()
        .unwrap()
        .verification
        .clone()
        .unwrap();
    assert_eq!(
        (
            found.tables,
            found.consistent,
            found.differing,
            found.unclear,
            found.different_number
        ),
        (Some(3), Some(3), Some(0), Some(0), Some(0))
    );
    assert!(found.top.is_empty() && found.truncated.is_none());
    world.until_event("orders", "Verified").await;

    // The step moves no more: nothing is asked for, by the next process neither.
    let project = world
        .until("orders", "it has ended", |project| {
            condition(project, "Finished") == Some(("True", "Succeeded"))
                && condition(project, "InSync") == Some(("True", "InSync"))
        })
        .await;
    assert!(operator.terminate().await.success());
    let operator = world.operator().await;
    world.oms().clear_calls();
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 6);
    assert!(swept.await, "OMS is swept");
    assert_eq!(world.oms().count(LIST), 0);
    let version = project.resource_version();
    assert_eq!(
        world.get("orders").await.resource_version(),
        version,
        "nobody wrote"
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn differing_tables_are_told_the_worst_first_and_a_new_look_may_clear_them() {
    let world = World::new("verify-differ").await;
    let operator = world.operator().await;
    // More than a page, and more than are told.
    world.create("orders", verifying(170)).await;
    let project = world.until_running("orders").await;
    let id = id(&project).unwrap().to_owned();
    let set = |table: usize, rows: u64| {
        let difference = TableDifference {
            source_only: rows,
            dest_only: 0,
            mismatched: rows / 2,
        };
        let table = format!("shop.t{table}");
        world.oms().set_difference(&id, &table, difference).unwrap();
    };
    for table in 0..12 {
        set(table * 14, 10 + table as u64);
    }
    world.oms().step(Duration::from_secs(3600));
    let project = world
        .until("orders", "all are told", |project| {
            let status = project.status.as_ref();
            let found = status.and_then(|status| status.verification.as_ref());
            found.is_some_and(|found| found.tables == Some(170) && found.differing == Some(12))
        })
        .await;
    assert_eq!(
        condition(&project, "Verified"),
        Some(("False", "TablesDiffer"))
    );
    let found = project
        .status
        .as_ref()
        .unwrap()
        .verification
        .clone()
        .unwrap();
    assert_eq!((found.consistent, found.top.len()), (Some(158), 10));
    let worst = &found.top[0];
    assert_eq!(worst.source.as_deref(), Some("shop.t154"));
    assert_eq!(worst.result.as_deref(), Some("INCONSISTENT"));
    assert_eq!((worst.source_only, worst.mismatched), (Some(21), Some(10)));
    world.until_event("orders", "TablesDiffer").await;
    let events = world.events("orders").await;
    let told = events
        .iter()
        .find(|event| event.starts_with("TablesDiffer"))
        .unwrap();
    assert!(
        told.contains("shop.t154") && told.contains("verify again"),
        "{told}"
    );
    assert_eq!(
        condition(&project, "Ready").map(|(status, _)| status),
        Some("True")
    );

    for table in 0..12 {
        set(table * 14, 0);
    }
    world.force_look("orders", "verified again").await;
    until_verified(&world, "True", "Verified").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_server_that_cannot_tell_is_said_to_be_one() {
    let world = World::new("verify-missing").await;
    world.oms().unsupported([LIST]);
    let operator = world.operator().await;
    world.create("orders", verifying(1)).await;
    world.until_running("orders").await;
    world.compared("orders").await;
    world.oms().step(Duration::from_secs(3600));
    let project = until_verified(&world, "Unknown", "ActionMissing").await;
    assert_eq!(project.status.as_ref().unwrap().verification, None);
    world
        .until("orders", "it has ended", |project| {
            condition(project, "Finished") == Some(("True", "Succeeded"))
                && condition(project, "InSync") == Some(("True", "InSync"))
        })
        .await;
    let project = world.get("orders").await;
    assert_eq!(
        condition(&project, "Verified"),
        Some(("Unknown", "ActionMissing"))
    );
    world.finish([operator]).await;
}
