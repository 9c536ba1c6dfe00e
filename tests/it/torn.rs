//! A torn sweep: OMS has no cursor, so that what is removed while a sweep walks
//! pushes others over a page's edge, and any page may fail. What such a sweep does
//! not show is not gone.

use std::time::Duration;

use oms_harness::{Entries, Mark};
use oms_simulator::{Fault, Gate, Kind, Oms, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, id, ready};

/// As many as a page of a sweep holds: all of them older than ours, which are
/// thereby on the second page.
const PAGE: usize = 150;

/// So few that a sweep which shows none of them is not doubted as a whole.
const OURS: [&str; 3] = ["a", "b", "c"];

/// A world in which ours run, at rest, on the second page of a sweep; and the ids,
/// of those on the first page and of ours.
async fn on_the_second_page(test: &str) -> (World, Operator, Vec<String>, Vec<String>) {
    let world = World::new(test).await;
    let interval = json!({"spec": {"sweepInterval": "1s"}});
    world.patch_connection("oms", interval).await;
    let older = |number| {
        let body = json!({"type": "MIGRATION"});
        world
            .oms()
            .insert_project(&format!("theirs-{number}"), "RUNNING", body)
    };
    let theirs = (0..PAGE).map(older).collect();
    let operator = world.operator().await;
    for name in OURS {
        let calm = json!({"readiness": {"stableFor": "0s"}});
        world.create(name, calm).await;
    }
    let mut ours = Vec::new();
    for name in OURS {
        let project = world.until_running(name).await;
        ours.push(id(&project).expect("an id").to_owned());
    }
    // Copied, checked, and keeping up: from here on nothing but the lag moves.
    world.oms().step(Duration::from_secs(3600));
    for name in OURS {
        let caught_up = |one: &_| crate::world::condition(one, "CaughtUp").is_some_and(is_true);
        world.until(name, "it has caught up", caught_up).await;
    }
    until_nothing_is_asked(&world).await;
    (world, operator, theirs, ours)
}

fn is_true((status, _): (&str, &str)) -> bool {
    status == "True"
}

/// Waits for so many more pages.
async fn pages(oms: &Oms, more: u64) {
    let before = oms.count("ListProjects");
    let swept = oms.wait_until(DEADLINE, |oms| oms.count("ListProjects") >= before + more);
    assert!(swept.await, "OMS is swept");
}

/// Whatever there was to ask about each has been asked.
async fn until_nothing_is_asked(world: &World) {
    for _ in 0..20 {
        world.oms().clear_calls();
        pages(world.oms(), 6).await;
        if world
            .oms()
            .calls()
            .iter()
            .all(|call| call.action == "ListProjects")
        {
            return;
        }
    }
    panic!("no rest: {:#?}", world.oms().calls());
}

/// Holds a sweep whose first page is taken and not yet delivered.
async fn after_the_first_page(oms: &Oms) -> Gate {
    loop {
        let gate = oms.hold("ListProjects", When::AfterWork);
        gate.arrived().await;
        let calls = oms.calls();
        if calls.last().is_some_and(|call| call.page_number == Some(1)) {
            return gate;
        }
        // It was the second. The next sweep has another first one.
        gate.release();
        pages(oms, 1).await;
    }
}

/// What the operator has written of our resources.
async fn written(world: &World, mark: Mark) -> Entries {
    let entries = world.plane.audit().since(mark).await.unwrap();
    let ours = entries.service_account("oms-system", "oms-operator");
    ours.namespace(&world.namespace)
        .writes()
        .resource("migrationprojects")
}

/// Whom a sweep has not shown would be.
fn none_was_asked_about(oms: &Oms) {
    let calls = oms.calls();
    let alone = calls.iter().find(|call| call.action != "ListProjects");
    assert!(alone.is_none(), "nothing was missed: {alone:#?}");
}

async fn all_are_as_they_were(world: &World, ids: &[String]) {
    for (name, made) in OURS.iter().zip(ids) {
        let project = world.get(name).await;
        assert_eq!(id(&project), Some(made.as_str()));
        assert_eq!(ready(&project), Some("True"), "{name}");
    }
}

#[tokio::test]
async fn what_slips_through_a_sweep_is_asked_about_and_is_not_gone() {
    let (world, operator, theirs, ours) = on_the_second_page("torn-slip").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let sweep = after_the_first_page(world.oms()).await;
    // The second page is empty now: ours have moved to the first one.
    for id in &theirs[..ours.len() + 2] {
        world.oms().remove(id).expect("it is there");
    }
    world.oms().clear_calls();
    sweep.release();
    for id in &ours {
        let asked = world.oms().wait_until(DEADLINE, |oms| {
            let mut calls = oms.calls().into_iter();
            calls.any(|call| {
                call.action == "DescribeProject" && call.project_id.as_ref() == Some(id)
            })
        });
        assert!(
            asked.await,
            "the sweep did not show {id}: it is asked about"
        );
    }
    // Also not afterwards, when sweeps show them again.
    pages(world.oms(), 4).await;
    let written = written(&world, mark).await;
    assert!(written.is_empty(), "{written}");
    all_are_as_they_were(&world, &ours).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_sweep_that_fails_midway_says_nothing_of_whom_it_has_not_reached() {
    let (world, operator, _, ours) = on_the_second_page("torn-error").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let sweep = after_the_first_page(world.oms()).await;
    let broken = Fault::new("ListProjects", Kind::http(500)).times(1);
    world.oms().fault(broken);
    world.oms().clear_calls();
    sweep.release();
    pages(world.oms(), 6).await;
    assert!(
        world.oms().faults().is_empty(),
        "the second page has failed"
    );
    none_was_asked_about(world.oms());
    let written = written(&world, mark).await;
    assert!(written.is_empty(), "{written}");
    all_are_as_they_were(&world, &ours).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_comes_while_a_sweep_walks_moves_nobody() {
    let (world, operator, theirs, ours) = on_the_second_page("torn-new").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let sweep = after_the_first_page(world.oms()).await;
    let body = json!({"type": "MIGRATION"});
    world.oms().insert_project("theirs-too", "RUNNING", body);
    world.oms().clear_calls();
    sweep.release();
    let next = after_the_first_page(world.oms()).await;
    // In the order of their making it is the last, and so in this sweep already.
    let all = theirs.len() + ours.len() + 1;
    let connection = format!("{}/oms", world.namespace);
    let shown = format!("oms_operator_sweep_projects{{connection=\"{connection}\"}}");
    assert_eq!(operator.counter(&shown).await, Some(all as u64));
    next.release();
    pages(world.oms(), 4).await;
    none_was_asked_about(world.oms());
    let written = written(&world, mark).await;
    assert!(written.is_empty(), "{written}");
    all_are_as_they_were(&world, &ours).await;
    world.finish([operator]).await;
}
