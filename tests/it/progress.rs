//! What a project has reached, as a person or a script sees it.

use std::time::Duration;

use kube::ResourceExt;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::StepError;
use serde_json::json;

use crate::world::{World, condition, message, status};

/// A project that copies once and ends.
fn full_only() -> serde_json::Value {
    json!({"project": {"enableIncrTransfer": false}})
}

#[tokio::test]
async fn a_project_that_only_copies_is_finished_and_has_succeeded() {
    let world = World::new("full").await;
    let operator = world.operator().await;
    world.create("orders", full_only()).await;
    world.until_running("orders").await;
    let project = world.get("orders").await;
    assert_eq!(
        condition(&project, "Finished"),
        Some(("False", "InProgress"))
    );
    assert_eq!(
        condition(&project, "Succeeded"),
        Some(("Unknown", "InProgress"))
    );
    world.oms().step(Duration::from_secs(3600));
    let project = world
        .until("orders", "it is finished", |project| {
            condition(project, "Finished") == Some(("True", "Succeeded"))
        })
        .await;
    assert_eq!(
        condition(&project, "Succeeded"),
        Some(("True", "Succeeded"))
    );
    assert_eq!(
        condition(&project, "FullCopied"),
        Some(("True", "FullCopied"))
    );
    assert_eq!(
        condition(&project, "PrecheckPassed"),
        Some(("True", "PrecheckPassed"))
    );
    assert_eq!(condition(&project, "Ready"), Some(("True", "Finished")));
    assert_eq!(
        condition(&project, "CaughtUp"),
        None,
        "it follows no changes"
    );
    let shown = project.status.as_ref().unwrap();
    assert!(shown.start_time.is_some() && shown.completion_time.is_some());
    assert_eq!(shown.progress, Some(100));
    assert!(
        shown
            .steps
            .iter()
            .all(|step| step.status.as_deref() == Some("FINISHED"))
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_failed_precheck_says_what_oms_says_and_heals_when_it_is_resumed_there() {
    let world = World::new("precheck").await;
    let operator = world.operator().await;
    world.create("orders", full_only()).await;
    let project = world.until_running("orders").await;
    let id = crate::world::id(&project).unwrap().to_owned();
    let error = StepError {
        code: "CM-RESOAT1111".into(),
        message: "The account lacks SELECT on shop.orders.".into(),
        proposal: "Grant it.".into(),
    };
    world
        .oms()
        .fail_step(&id, "TRANSFER_PRECHECK", vec![error])
        .unwrap();
    let project = world.until_stalled("orders", "Failed").await;
    assert!(
        message(&project).contains("SELECT on shop.orders"),
        "{}",
        message(&project)
    );
    assert!(message(&project).contains("Grant it."));
    assert_eq!(
        condition(&project, "PrecheckPassed"),
        Some(("False", "PrecheckFailed"))
    );
    assert_eq!(condition(&project, "Finished"), Some(("True", "Failed")));
    assert_eq!(condition(&project, "Succeeded"), Some(("False", "Failed")));

    world.oms().set_status(&id, "RUNNING").unwrap();
    world.oms().step(Duration::from_secs(3600));
    world
        .until("orders", "it has succeeded after all", |project| {
            condition(project, "Succeeded") == Some(("True", "Succeeded"))
        })
        .await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn caught_up_follows_the_lag_and_a_project_that_keeps_up_is_not_written() {
    let world = World::new("lag").await;
    let operator = world.operator().await;
    let readiness = json!({"readiness": {"maxLag": "45s", "stableFor": "1s"}});
    world.create("orders", readiness).await;
    world.until_running("orders").await;
    world.oms().step(Duration::from_secs(3600));
    let caught_up = |is: &'static str| {
        let world = &world;
        async move {
            world
                .until("orders", "CaughtUp is such", move |project| {
                    condition(project, "CaughtUp").is_some_and(|(status, _)| status == is)
                })
                .await
        }
    };
    let project = caught_up("True").await;
    assert_eq!(project.status.as_ref().unwrap().lag_seconds, Some(30));
    assert_eq!(
        project.status.as_ref().unwrap().current_step.as_deref(),
        Some("INCR_TRANSFER")
    );
    let id = crate::world::id(&project).unwrap().to_owned();

    // Within the same bucket (60), but beyond this resource's own limit.
    world
        .oms()
        .set_lag(&id, Some(Duration::from_secs(40)))
        .unwrap();
    world
        .until("orders", "the lag is shown", |project| {
            project
                .status
                .as_ref()
                .and_then(|status| status.lag_seconds)
                == Some(60)
        })
        .await;
    world
        .oms()
        .set_lag(&id, Some(Duration::from_secs(55)))
        .unwrap();
    let project = caught_up("False").await;
    assert_eq!(
        condition(&project, "Ready"),
        Some(("True", "Running")),
        "it runs all the same"
    );
    assert_eq!(status(&project), Some("RUNNING"));
    world
        .oms()
        .set_lag(&id, Some(Duration::from_secs(5)))
        .unwrap();
    caught_up("True").await;

    let version = world
        .until("orders", "the lag is in its bucket", |project| {
            project
                .status
                .as_ref()
                .and_then(|status| status.lag_seconds)
                == Some(30)
        })
        .await
        .resource_version();
    let sweeps = world.oms().count("ListProjects");
    let swept = world.oms().wait_until(Duration::from_secs(60), |oms| {
        oms.count("ListProjects") >= sweeps + 10
    });
    assert!(swept.await, "ten more sweeps");
    assert_eq!(
        world.get("orders").await.resource_version(),
        version,
        "nobody wrote"
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn figures_that_are_held_back_go_along_with_a_condition_that_flips() {
    let world = World::new("lag-flip").await;
    let operator = world.operator().await;
    let readiness = json!({"readiness": {"maxLag": "45s", "stableFor": "0s"}});
    world.create("orders", readiness).await;
    let project = world.until_running("orders").await;
    let id = crate::world::id(&project).unwrap().to_owned();
    world.oms().step(Duration::from_secs(3600));
    // Each flip comes within `--figures-interval` of the write before it.
    for (lag, is, shown) in [(5, "True", 30), (250, "False", 300), (5, "True", 30)] {
        let lag = Some(Duration::from_secs(lag));
        world.oms().set_lag(&id, lag).unwrap();
        let project = world
            .until("orders", "CaughtUp has flipped", |project| {
                condition(project, "CaughtUp").is_some_and(|(status, _)| status == is)
            })
            .await;
        let lag = project.status.as_ref().unwrap().lag_seconds;
        assert_eq!(lag, Some(shown), "CaughtUp is {is}");
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_project_that_stands_has_no_lag_and_is_not_caught_up() {
    let world = World::new("lag-stands").await;
    let operator = world.operator().await;
    let calm = json!({"readiness": {"stableFor": "1s"}, "onExternalPause": "Respect"});
    world.create("orders", calm).await;
    let project = world.until_running("orders").await;
    let id = crate::world::id(&project).unwrap().to_owned();
    world.oms().step(Duration::from_secs(3600));
    let is = |is: &'static str| {
        move |project: &MigrationProject| {
            condition(project, "CaughtUp").is_some_and(|(status, _)| status == is)
        }
    };
    world.until("orders", "it has caught up", is("True")).await;
    for word in ["SUSPEND", "FAILED"] {
        world.oms().set_status(&id, word).unwrap();
        world.until("orders", "it stands", is("Unknown")).await;
        // Its checkpoint falls behind ever more, and its lag is measured no more.
        world.oms().step(Duration::from_secs(900));
        let project = world
            .until("orders", "it says that it stands", |project| {
                status(project) == Some(word) && is("Unknown")(project)
            })
            .await;
        let version = project.resource_version();
        let sweeps = world.oms().count("ListProjects");
        let swept = world.oms().wait_until(Duration::from_secs(60), |oms| {
            oms.count("ListProjects") >= sweeps + 5
        });
        assert!(swept.await, "five more sweeps");
        let project = world.get("orders").await;
        assert_eq!(project.resource_version(), version, "nobody wrote: {word}");
        assert_eq!(project.status.as_ref().unwrap().lag_seconds, None);
    }
    world.finish([operator]).await;
}
