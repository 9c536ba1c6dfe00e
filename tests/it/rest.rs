//! At rest: what a healthy fleet costs, and that a change reaches just those
//! whom it concerns.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::ListParams;
use oms_harness::{Entries, Mark, until};
use oms_operator::api::keys::RECONCILE_REQUESTED_AT;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{Call, Fault, Kind, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, condition, id, ready};

/// More than one page of a list holds.
const MANY: usize = 200;

/// Pages of a sweep over them.
const PAGES: u64 = 2;

/// A world in which all of them run, and nothing is left to be done.
async fn many_at_rest(test: &str) -> (World, Operator) {
    let world = World::new(test).await;
    // A page of 150 takes the simulator a while.
    let interval = json!({"spec": {"sweepInterval": "1s"}});
    world.patch_connection("oms", interval).await;
    let flags = ["--oms-read-timeout=30s", "--oms-mutation-timeout=30s"];
    let operator = world.operator_with(&flags, None).await;
    let all = futures::stream::iter(0..MANY);
    let named = all.map(|number| format!("p{number}"));
    named
        .for_each_concurrent(8, async |name| {
            let calm = json!({"readiness": {"stableFor": "0s"}});
            world.create(&name, calm).await;
        })
        .await;
    let projects = world.projects();
    // 200 creations take their time on a busy machine.
    until(4 * DEADLINE, "all of them run", async || {
        let listed = projects.list(&ListParams::default()).await.ok()?;
        let running = listed.iter().filter(|one| ready(one) == Some("True"));
        (running.count() == MANY).then_some(())
    })
    .await
    .expect("all of them run");
    assert_eq!(world.oms().projects().len(), MANY);
    // Each has been seen: one that is seen for the first time after the next step is
    // compared with its spec only after a minute.
    sweeps(&world, 2).await;
    // Copied, checked, and keeping up: from here on nothing but the lag moves.
    world.oms().step(Duration::from_secs(3600));
    // And compared with their specs.
    until(4 * DEADLINE, "all of them have caught up", async || {
        let listed = projects.list(&ListParams::default()).await.ok()?;
        let calm = |one: &&MigrationProject| {
            ["CaughtUp", "InSync"]
                .iter()
                .all(|type_| condition(one, type_).is_some_and(|(status, _)| status == "True"))
        };
        (listed.iter().filter(calm).count() == MANY).then_some(())
    })
    .await
    .expect("all of them have caught up");
    // Their number stands in the connection, and nothing new was seen for longer than
    // a question that failed, as some do on a busy machine, is put off.
    let connections = world.connections();
    until(DEADLINE, "the connection counts them", async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.projects == i32::try_from(MANY).ok()).then_some(())
    })
    .await
    .expect("the connection counts them");
    until(4 * DEADLINE, "no detail is asked for", async || {
        let calls = sweeps(&world, 16).await;
        calls.iter().all(is_sweep).then_some(())
    })
    .await
    .expect("no detail is asked for");
    (world, operator)
}

fn is_sweep(call: &Call) -> bool {
    call.action == "ListProjects" && call.search_key.is_none()
}

/// Waits for so many whole sweeps, and gives the calls since the first began.
async fn sweeps(world: &World, count: u64) -> Vec<Call> {
    world.oms().clear_calls();
    let swept = world.oms().wait_until(4 * DEADLINE, |oms| {
        oms.count("ListProjects") > (count + 1) * PAGES
    });
    assert!(swept.await, "OMS is swept");
    let calls = world.oms().calls();
    let begin = |call: &Call| call.page_number == Some(1);
    calls.into_iter().skip_while(|call| !begin(call)).collect()
}

/// What the operator has asked of the API server in this namespace.
async fn asked(world: &World, mark: Mark) -> Entries {
    let entries = world.plane.audit().since(mark).await.unwrap();
    entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
}

fn only_sweeps(calls: &[Call]) {
    for (number, call) in (0..).zip(calls) {
        let seen = (call.action.as_str(), call.search_key.as_deref());
        assert_eq!(seen, ("ListProjects", None), "{call:#?}");
        assert_eq!(call.page_number, Some(number % PAGES + 1), "{call:#?}");
    }
}

#[tokio::test]
async fn many_resources_at_rest_cause_two_list_calls_a_sweep_and_no_write() {
    let (world, operator) = many_at_rest("rest").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let calls = sweeps(&world, 10).await;
    only_sweeps(&calls);
    let asked = asked(&world, mark).await;
    assert!(asked.writes().is_empty(), "{}", asked.writes());
    let about = asked.resource("migrationprojects");
    let about = about.filter(|entry| entry.verb != "watch");
    assert!(about.is_empty(), "nothing is even read: {about}");

    let operator = a_restarted_operator_finds_everything_as_it_was(&world, operator).await;
    a_spec_that_is_changed_then_is_one_write(&world).await;
    a_change_in_oms_reaches_just_that_resource(&world).await;
    world.finish([operator]).await;
}

async fn a_restarted_operator_finds_everything_as_it_was(
    world: &World,
    operator: Operator,
) -> Operator {
    assert!(operator.terminate().await.success());
    world.oms().clear_calls();
    let mark = world.plane.audit().mark().await.unwrap();
    let flags = ["--oms-read-timeout=30s"];
    let operator = world.operator_with(&flags, None).await;
    // Each was looked at once the first sweep was in.
    let all = u64::try_from(MANY).unwrap();
    until(
        2 * DEADLINE,
        "every resource has had its pass",
        async || {
            let done = operator
                .counter("oms_operator_reconciles_total{kind=\"MigrationProject\",result=\"ok\"}")
                .await?;
            let swept = world.oms().count("ListProjects") >= 2 * PAGES;
            (done >= 2 * all && swept).then_some(())
        },
    )
    .await
    .expect("every resource has had its pass");
    only_sweeps(&world.oms().calls());
    let asked = asked(world, mark).await;
    assert!(asked.writes().is_empty(), "{}", asked.writes());
    operator
}

/// Its status speaks of the spec of now.
fn is_served(one: &MigrationProject) -> bool {
    let status = one.status.as_ref();
    status.is_some_and(|status| status.observed_generation == one.metadata.generation)
}

async fn a_spec_that_is_changed_then_is_one_write(world: &World) {
    let mark = world.plane.audit().mark().await.unwrap();
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    world.patch("p55", retain).await;
    let project = world.until("p55", "it is served", is_served).await;
    let calls = sweeps(world, 2).await;
    let others = calls
        .into_iter()
        .filter(|call| call.project_id.as_deref() != id(&project));
    only_sweeps(&Vec::from_iter(others));
    let writes = asked(world, mark).await.writes();
    assert_eq!(writes.len(), 1, "{writes}");
    assert_eq!(
        writes.name("p55").subresource("status").len(),
        1,
        "{writes}"
    );
}

async fn a_change_in_oms_reaches_just_that_resource(world: &World) {
    let mark = world.plane.audit().mark().await.unwrap();
    let failed = id(&world.get("p77").await).unwrap().to_owned();
    world.oms().set_status(&failed, "FAILED").unwrap();
    world.until_stalled("p77", "Failed").await;
    world.until_event("p77", "Failed").await;
    let mut calls = sweeps(world, 2).await;
    // It is compared with its spec, as it has moved; no other one is.
    calls.retain(|call| call.project_id.as_deref() != Some(&failed));
    only_sweeps(&calls);
    let writes = asked(world, mark).await.writes();
    let names: BTreeSet<_> = writes
        .resource("migrationprojects")
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names, [Some("p77".to_owned())].into(), "{writes}");
    let statuses = writes.subresource("status");
    assert_eq!(statuses.len(), 1, "{statuses}");
}

#[tokio::test]
async fn who_is_changed_between_a_restart_and_its_first_sweep_is_served() {
    let world = World::new("rest-changed-early").await;
    let operator = world.operator().await;
    for name in ["orders", "others"] {
        world.create(name, json!({})).await;
    }
    for name in ["orders", "others"] {
        world.until_running(name).await;
    }
    assert!(operator.terminate().await.success());
    world.oms().clear_calls();
    let sweep = world.oms().hold("ListProjects", When::BeforeWork);
    let operator = world.operator().await;
    sweep.arrived().await;
    assert_eq!(
        operator.ask("/readyz").await.expect("an answer").status,
        200
    );
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    world.patch("orders", retain).await;
    sweep.release();
    world.until("orders", "it is served", is_served).await;
    let calls = world.oms().calls();
    let is_change = |call: &&Call| {
        let changes = ["Create", "Start", "Stop", "Resume", "Release", "Delete"];
        changes.iter().any(|change| call.action.starts_with(change))
    };
    assert_eq!(calls.iter().find(is_change), None);
    world.finish([operator]).await;
}

/// How many are created in the test of what that costs.
const SOME: usize = 12;

#[tokio::test]
async fn new_ones_cost_two_events_each_and_no_write_of_their_connection() {
    let world = World::new("rest-created").await;
    let interval = json!({"spec": {"sweepInterval": "1s"}});
    world.patch_connection("oms", interval).await;
    // Numbers alone are not written within the time of this test.
    let operator = world.operator_with(&["--figures-interval=1h"], None).await;
    world.create("first", json!({})).await;
    world.until_running("first").await;
    world.until_event("first", "Running").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let names: Vec<String> = (0..SOME).map(|number| format!("p{number}")).collect();
    for name in &names {
        world.create(name, json!({})).await;
    }
    for name in &names {
        world.until_running(name).await;
        world.until_event(name, "Running").await;
        let events = world.events(name).await;
        let reasons: BTreeSet<&str> = events
            .iter()
            .filter_map(|event| event.split(':').next())
            .collect();
        assert_eq!(reasons, ["ProjectCreated", "Running"].into(), "{events:?}");
        assert_eq!(events.len(), reasons.len(), "{events:?}");
    }
    let writes = asked(&world, mark).await.writes();
    let counted = writes.resource("omsconnections");
    assert!(counted.is_empty(), "{counted}");
    for name in &names {
        let mine = writes.resource("migrationprojects").name(name);
        // Its status is written with the id and RUNNING, and then as its steps go on.
        let reserved = mine.filter(|entry| entry.subresource.is_none());
        assert_eq!(reserved.len(), 1, "{mine}");
    }
    // With other news the number goes along.
    let asked = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: "now"}}});
    world.patch_connection("oms", asked).await;
    let connections = world.connections();
    until(DEADLINE, "the connection counts them", async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.projects == i32::try_from(SOME + 1).ok()).then_some(())
    })
    .await
    .expect("the connection counts them");
    world.finish([operator]).await;
}

#[tokio::test]
async fn one_project_among_many_of_others_is_asked_for_by_itself() {
    let world = World::new("rest-few").await;
    let interval = json!({"spec": {"sweepInterval": "1s"}});
    world.patch_connection("oms", interval).await;
    for number in 0..400 {
        let body = json!({"type": "MIGRATION"});
        let name = format!("theirs-{number}");
        world.oms().insert_project(&name, "RUNNING", body);
    }
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let mine = id(&project).unwrap().to_owned();
    // Two calls a sweep in place of three: how many there are, and the one.
    until(
        4 * DEADLINE,
        "only two calls are made a sweep",
        async || {
            world.oms().clear_calls();
            let swept = world
                .oms()
                .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 6);
            assert!(swept.await, "OMS is swept");
            let calls = world.oms().calls();
            let told = |call: &Call| match call.action.as_str() {
                "ListProjects" => call.search_key.is_none(),
                "DescribeProject" => call.project_id.as_ref() == Some(&mine),
                _ => false,
            };
            let lists = world.oms().count("ListProjects");
            let asks = world.oms().count("DescribeProject");
            (calls.iter().all(told) && lists.abs_diff(asks) <= 1).then_some(())
        },
    )
    .await
    .expect("only two calls are made a sweep");
    until(DEADLINE, "the others are counted", async || {
        let status = world.connections().get("oms").await.ok()?.status?;
        (status.unclaimed == Some(400)).then_some(())
    })
    .await
    .expect("the others are counted");
    // And it is not lost sight of.
    world.oms().set_status(&mine, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    // One of which OMS cannot tell is no trouble of the connection: the list tells of it.
    let refused = Kind::business("INNER_ERROR", "not now");
    world.oms().fault(Fault::new("DescribeProject", refused));
    world.oms().set_status(&mine, "RUNNING").unwrap();
    world.until_running("orders").await;
    world.finish([operator]).await;
}
