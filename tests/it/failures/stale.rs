//! A project that runs, while nobody can see it: it counts as running for a
//! while, then as not known, and comes back by itself.

use std::time::Duration;

use oms_harness::Mark;
use oms_simulator::{Fault, Kind};
use serde_json::json;

use super::{the_connection_is_named, told_once, tries, writes_nothing};
use crate::world::{Operator, World, condition, id, message, status};

/// A project that runs and has caught up.
async fn caught_up(test: &str, flags: &[&str]) -> (World, Operator) {
    let world = World::new(test).await;
    let operator = world.operator_with(flags, None).await;
    let calm = json!({"readiness": {"stableFor": "0s"}});
    world.create("orders", calm).await;
    world.until_running("orders").await;
    world.oms().step(Duration::from_secs(3600));
    world
        .until("orders", "it has caught up", |project| {
            condition(project, "CaughtUp").is_some_and(|(status, _)| status == "True")
        })
        .await;
    (world, operator)
}

async fn statuses_written(world: &World, mark: Mark) -> usize {
    let entries = world.plane.audit().since(mark).await.unwrap();
    let ours = entries.service_account("oms-system", "oms-operator");
    let ours = ours.namespace(&world.namespace).name("orders").writes();
    ours.iter().count()
}

#[tokio::test]
async fn a_project_that_nobody_sees_is_not_passed_off_as_running() {
    let (world, operator) = caught_up("stale", &["--stale-after=1s"]).await;
    let mark = world.plane.audit().mark().await.unwrap();
    let fault = world.oms().fault(Fault::new("*", Kind::Drop));
    let project = world
        .until("orders", "it is stale", |project| {
            condition(project, "Ready") == Some(("Unknown", "StatusStale"))
        })
        .await;
    let said = message(&project);
    assert!(said.starts_with("Last seen RUNNING at 20"), "{said}");
    the_connection_is_named(&world, &project, "oms");
    assert!(said.contains("OmsUnreachable"), "{said}");
    // On its way, and no alarm.
    let reconciling = Some(("True", "StatusStale"));
    assert_eq!(condition(&project, "Reconciling"), reconciling);
    assert_eq!(condition(&project, "Stalled"), None);
    // What is a fact of the past stays, and nothing else is claimed.
    assert_eq!(status(&project), Some("RUNNING"));
    for reached in ["PrecheckPassed", "FullCopied"] {
        let said = condition(&project, reached).map(|(status, _)| status);
        assert_eq!(said, Some("True"), "{reached}");
    }
    for unknown in ["CaughtUp", "Finished", "Succeeded"] {
        let said = condition(&project, unknown);
        assert_eq!(said, Some(("Unknown", "NotObserved")), "{unknown}");
    }
    assert_eq!(project.status.as_ref().unwrap().lag_seconds, None);
    assert_eq!(statuses_written(&world, mark).await, 1, "one write out");

    world.until_connection("oms", "OmsUnreachable").await;
    let during = world.plane.audit().mark().await.unwrap();
    tries(&world, 3).await;
    writes_nothing(&world, during, "stale").await;
    told_once(&world, "orders", "StatusStale").await;

    let mark = world.plane.audit().mark().await.unwrap();
    world.oms().remove_fault(fault);
    let project = world.until_running("orders").await;
    let caught_up = Some(("True", "LagWithinLimit"));
    assert_eq!(condition(&project, "CaughtUp"), caught_up);
    assert_eq!(
        condition(&project, "Finished"),
        Some(("False", "InProgress"))
    );
    world.until_connection("oms", "InsecureTransport").await;
    tries(&world, 3).await;
    assert_eq!(statuses_written(&world, mark).await, 1, "one write in");
    told_once(&world, "orders", "StatusStale").await;
    world.finish([operator]).await;
}

/// No list holds it, so it is asked for by itself; its connection works.
#[tokio::test]
async fn a_project_that_only_its_own_question_could_show_grows_stale_too() {
    let (world, operator) = caught_up("stale-alone", &["--stale-after=1s"]).await;
    let made = id(&world.get("orders").await).unwrap().to_owned();
    let fault = Fault::new("DescribeProject", Kind::http(500));
    let fault = world.oms().fault(fault);
    world.oms().remove(&made).unwrap();
    let project = world
        .until("orders", "it is stale", |project| {
            condition(project, "Ready") == Some(("Unknown", "StatusStale"))
        })
        .await;
    let said = message(&project);
    assert!(said.starts_with("Last seen RUNNING before 20"), "{said}");
    assert!(said.contains("DescribeProject"), "{said}");
    let reconciling = Some(("True", "StatusStale"));
    assert_eq!(condition(&project, "Reconciling"), reconciling);
    assert_eq!(condition(&project, "Stalled"), None);
    for unknown in ["CaughtUp", "Finished", "Succeeded"] {
        let said = condition(&project, unknown);
        assert_eq!(said, Some(("Unknown", "NotObserved")), "{unknown}");
    }
    assert_eq!(project.status.as_ref().unwrap().lag_seconds, None);
    told_once(&world, "orders", "StatusStale").await;
    // Nothing was ever wrong with the connection.
    world.until_connection("oms", "InsecureTransport").await;

    world.oms().remove_fault(fault);
    world.until_stalled("orders", "ProjectGone").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_short_outage_is_not_even_written() {
    let (world, operator) = caught_up("stale-short", &[]).await;
    let mark = world.plane.audit().mark().await.unwrap();
    let fault = world.oms().fault(Fault::new("*", Kind::Drop));
    world.until_connection("oms", "OmsUnreachable").await;
    tries(&world, 2).await;
    world.oms().remove_fault(fault);
    world.until_connection("oms", "InsecureTransport").await;
    tries(&world, 2).await;
    assert_eq!(statuses_written(&world, mark).await, 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_restart_in_an_outage_neither_forgets_it_nor_tells_it_again() {
    let (world, operator) = caught_up("stale-restart", &["--stale-after=1s"]).await;
    let fault = world.oms().fault(Fault::new("*", Kind::Drop));
    let stale = world.until_message("orders", "Last seen RUNNING at").await;
    operator.kill().await;
    let mark = world.plane.audit().mark().await.unwrap();
    let operator = world.operator_with(&["--stale-after=0s"], None).await;
    tries(&world, 3).await;
    assert_eq!(statuses_written(&world, mark).await, 0);
    assert_eq!(message(&world.get("orders").await), message(&stale));
    world.oms().remove_fault(fault);
    world.until_running("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_waits_for_a_human_says_once_that_it_cannot_be_looked_at_and_heals() {
    let world = World::new("stale-stalled").await;
    let taken = world.project_name("orders");
    let body = oms_simulator::Oms::example_body(&taken);
    world.oms().insert_project(&taken, "RUNNING", body);
    let operator = world.operator_with(&["--stale-after=1s"], None).await;
    world.create("orders", json!({})).await;
    let project = world.until_stalled("orders", "NameConflict").await;
    let before = message(&project).to_owned();
    let mark = world.plane.audit().mark().await.unwrap();
    let fault = world.oms().fault(Fault::new("*", Kind::Drop));
    let project = world
        .until_message("orders", "when OMS was last asked")
        .await;
    let said = message(&project);
    assert!(said.starts_with(&before), "{said}");
    assert!(said.contains("(OmsUnreachable)"), "{said}");
    let stalled = Some(("True", "NameConflict"));
    assert_eq!(condition(&project, "Stalled"), stalled);
    assert_eq!(condition(&project, "Reconciling"), None);
    tries(&world, 3).await;
    assert_eq!(statuses_written(&world, mark).await, 1, "one write in");
    world.oms().remove_fault(fault);
    world
        .until("orders", "it is as before", |project| {
            message(project) == before
        })
        .await;
    assert_eq!(statuses_written(&world, mark).await, 2, "one write out");
    told_once(&world, "orders", "NameConflict").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_ended_does_not_grow_stale() {
    let world = World::new("stale-not").await;
    let flags = ["--stale-after=0s"];
    let operator = world.operator_with(&flags, None).await;
    for (name, word, reason) in [
        ("done", "FINISHED", "Finished"),
        ("failed", "FAILED", "Failed"),
    ] {
        world.create(name, json!({})).await;
        let project = world.until_running(name).await;
        let made = id(&project).unwrap().to_owned();
        world.oms().set_status(&made, word).unwrap();
        world
            .until(name, "it is such", |project| {
                condition(project, "Ready").is_some_and(|(_, why)| why == reason)
            })
            .await;
    }
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let mark = world.plane.audit().mark().await.unwrap();
    world.oms().fault(Fault::new("*", Kind::Drop));
    world.until_message("orders", "Last seen RUNNING").await;
    tries(&world, 2).await;
    let entries = world.plane.audit().since(mark).await.unwrap();
    for name in ["done", "failed"] {
        let writes = entries.namespace(&world.namespace).name(name).writes();
        assert!(writes.is_empty(), "{writes}");
    }
    world.finish([operator]).await;
}
