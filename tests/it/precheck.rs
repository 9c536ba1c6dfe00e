//! A precheck that fails: its items, with OMS's own advice.

use std::time::Duration;

use kube::ResourceExt;
use oms_harness::Match;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{Config, Durations, StepError};
use serde_json::json;

use crate::world::{DEADLINE, World, condition, id};

const GET: &str = "GetPreCheckResult";
const STEP: &str = "TRANSFER_PRECHECK";

fn errors(count: usize) -> Vec<StepError> {
    (0..count)
        .map(|number| StepError {
            code: format!("CM-CHECK{number:03}"),
            message: format!("The account lacks SELECT on shop.t{number}."),
            proposal: format!("Grant it on t{number}."),
        })
        .collect()
}

/// A world whose OMS is not through the precheck before a test is.
async fn unhurried(test: &str) -> World {
    let durations = Durations {
        precheck: Duration::from_secs(1000),
        ..Durations::default()
    };
    let config = Config {
        durations,
        ..Config::default()
    };
    World::with(test, config).await
}

async fn failed(world: &World, count: usize) -> MigrationProject {
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let project = world.compared("orders").await;
    let id = id(&project).unwrap().to_owned();
    world.oms().fail_step(&id, STEP, errors(count)).unwrap();
    world.oms().step(Duration::from_secs(600));
    world
        .until("orders", "the failed checks are told", |project| {
            project
                .status
                .as_ref()
                .is_some_and(|status| status.precheck.is_some())
        })
        .await
}

fn message(project: &MigrationProject) -> &str {
    let conditions = &project.status.as_ref().unwrap().conditions;
    let found = conditions.iter().find(|one| one.type_ == "PrecheckPassed");
    &found.expect("PrecheckPassed").message
}

#[tokio::test]
async fn items_that_could_not_be_written_are_asked_for_again() {
    let world = unhurried("precheck-conflict").await;
    let proxy = world.proxy().await;
    let telling = Match::any()
        .method(http::Method::PATCH)
        .path_ends_with("/migrationprojects/orders/status")
        .body_contains("Source privileges");
    let refused = proxy.refuse(telling.times(1), 409);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    failed(&world, 2).await;
    refused.wait_fired(1, DEADLINE).await.unwrap();
    world.finish([operator]).await;
}

#[tokio::test]
async fn the_failed_items_are_told_and_gone_once_it_passes() {
    let world = unhurried("precheck-items").await;
    let operator = world.operator().await;
    let project = failed(&world, 2).await;
    let precheck = project.status.as_ref().unwrap().precheck.as_ref().unwrap();
    assert_eq!((precheck.failed, precheck.items.len()), (Some(2), 2));
    let item = &precheck.items[0];
    assert_eq!(item.name.as_deref(), Some("Source privileges"));
    assert_eq!(item.side.as_deref(), Some("SOURCE"));
    assert_eq!(
        item.message.as_deref(),
        Some("The account lacks SELECT on shop.t0.")
    );
    assert_eq!(item.advice.as_deref(), Some("Grant it on t0."));
    assert_eq!(
        condition(&project, "PrecheckPassed"),
        Some(("False", "PrecheckFailed"))
    );
    for part in ["Source privileges", "shop.t0", "Grant it on t0.", "shop.t1"] {
        assert!(
            message(&project).contains(part),
            "{part} in {}",
            message(&project)
        );
    }
    world.until_event("orders", "PrecheckFailed").await;

    // It is asked for once, and not again by the next process, to which the mark of the
    // comparison that goes with it tells so.
    let project = world.until_in_sync("orders").await;
    let version = project.resource_version();
    assert_eq!(world.oms().count(GET), 1);
    assert!(operator.terminate().await.success());
    let operator = world.operator().await;
    world.oms().clear_calls();
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 6);
    assert!(swept.await, "OMS is swept");
    assert_eq!(world.oms().count(GET), 0);
    assert_eq!(
        world.get("orders").await.resource_version(),
        version,
        "nobody wrote"
    );

    let id = id(&project).unwrap().to_owned();
    world.oms().set_status(&id, "RUNNING").unwrap();
    world.oms().step(Duration::from_secs(3600));
    let project = world
        .until("orders", "it has passed", |project| {
            condition(project, "PrecheckPassed") == Some(("True", "PrecheckPassed"))
        })
        .await;
    assert_eq!(project.status.as_ref().unwrap().precheck, None);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_older_server_tells_by_its_step_and_the_list_is_bounded() {
    let world = unhurried("precheck-old").await;
    world.oms().unsupported([GET]);
    let operator = world.operator().await;
    let project = failed(&world, 25).await;
    let precheck = project.status.as_ref().unwrap().precheck.as_ref().unwrap();
    assert_eq!((precheck.failed, precheck.items.len()), (Some(25), 10));
    assert_eq!(precheck.items[3].name.as_deref(), Some("CM-CHECK003"));
    assert_eq!(precheck.items[3].advice.as_deref(), Some("Grant it on t3."));
    assert!(
        message(&project).contains("22 more"),
        "{}",
        message(&project)
    );
    assert_eq!(world.oms().count(GET), 1, "it is not asked again");
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_oms_says_of_the_account_is_taken_out() {
    let world = World::new("precheck-secret").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let id = id(&project).unwrap().to_owned();
    let error = StepError {
        code: "CM-CHECK".into(),
        message: format!(
            "Access denied with {}\u{1b}[31m.\nSee\tthe log.",
            crate::world::PASSWORD
        ),
        proposal: "x".repeat(5000),
    };
    world.oms().fail_step(&id, STEP, vec![error]).unwrap();
    world.oms().step(Duration::from_secs(60));
    let project = world
        .until("orders", "the failed checks are told", |project| {
            project
                .status
                .as_ref()
                .is_some_and(|status| status.precheck.is_some())
        })
        .await;
    let precheck = project.status.unwrap().precheck.unwrap();
    let message = precheck.items[0].message.clone().unwrap();
    assert!(
        message.contains("[redacted]") && !message.contains('\u{1b}'),
        "{message}"
    );
    assert_eq!(
        precheck.items[0].advice.as_ref().unwrap().chars().count(),
        512
    );
    world.finish([operator]).await;
}
