//! How much is asked of an OMS, and that none pays for another.

use std::time::Duration;

use kube::Api;
use oms_harness::until;
use oms_operator::api::v1alpha1::OMSConnection;
use oms_simulator::{Fault, Kind, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, condition};

const CREATE: &str = "CreateProject";

/// Status and reason of a condition of a connection.
async fn throttled(connections: &Api<OMSConnection>, name: &str) -> Option<String> {
    let status = connections.get(name).await.ok()?.status?;
    let mut conditions = status.conditions.into_iter();
    let found = conditions.find(|one| one.type_ == "Throttled")?;
    Some(format!("{} {}", found.status, found.reason))
}

/// So many calls to the world's OMS wait for their turn in that lane.
async fn until_waiting(world: &World, operator: &Operator, lane: &str, count: u64) {
    let url = world.simulator.url();
    let waiting = format!("oms_operator_oms_waiting{{endpoint=\"{url}\",lane=\"{lane}\"}}");
    operator.until_it_reads(&waiting, count).await;
}

/// The series of how many calls to the world's OMS may go at once, and how many that is at first.
async fn first_limit(world: &World, operator: &Operator) -> (String, u64) {
    let url = world.simulator.url();
    let limit = format!("oms_operator_oms_in_flight_limit{{endpoint=\"{url}\"}}");
    let before = until(DEADLINE, "a limit", async || operator.counter(&limit).await);
    let before = before.await.expect("a limit");
    (limit, before)
}

#[tokio::test]
async fn an_oms_that_hangs_holds_up_no_other() {
    let world = World::new("healthy").await;
    let hangs = world.another("hangs").await;
    let gate = hangs.oms().hold(CREATE, When::BeforeWork);
    // No call is given up while the others are served.
    let flags = [
        "--watch-namespace",
        &hangs.namespace,
        "--concurrency=2",
        "--oms-mutation-timeout=60s",
    ];
    let operator = world.operator_with(&flags, None).await;
    for number in 0..6 {
        hangs.create(&format!("p{number}"), json!({})).await;
    }
    // All that one OMS may have of the process hangs with it.
    gate.arrivals(2).await;
    let url = hangs.simulator.url();
    let parked = format!("oms_operator_queue_parked{{endpoint=\"{url}\"}}");
    operator.until_it_reads(&parked, 4).await;
    let kind = "kind=\"MigrationProject\"";
    let deferred = format!("oms_operator_reconciles_total{{{kind},result=\"deferred\"}}");
    assert!(operator.counter(&deferred).await >= Some(4));
    for number in 0..4 {
        let name = format!("q{number}");
        world.create(&name, json!({})).await;
        world.until_running(&name).await;
    }
    assert_eq!(gate.arrived_so_far(), 2);
    gate.release();
    for number in 0..6 {
        hangs.until_running(&format!("p{number}")).await;
    }
    operator.until_it_reads(&parked, 0).await;
    assert_eq!(hangs.oms().projects().len(), 6);
    world.finish([operator]).await;
    hangs.finish([]).await;
}

#[tokio::test]
async fn one_call_at_a_time_is_enough_for_everything() {
    let world = World::new("one-call").await;
    let limits = json!({"spec": {"limits": {"maxInFlight": 1}}});
    world.patch_connection("oms", limits).await;
    let operator = world.operator().await;
    let gate = world.oms().hold(CREATE, When::BeforeWork);
    for name in ["a", "b", "c"] {
        world.create(name, json!({})).await;
    }
    gate.arrived().await;
    // The other two wait for the one place, and so does the sweep.
    until_waiting(&world, &operator, "create", 2).await;
    assert_eq!(gate.arrived_so_far(), 1);
    gate.release();
    for name in ["a", "b", "c"] {
        world.until_running(name).await;
    }
    world.finish([operator]).await;
}

/// One that is at rest shows that the watch has told of what was written into its connection.
async fn until_the_connection_is_seen(world: &World, at_rest: &str) {
    world
        .until(at_rest, "it is told of the connection", |project| {
            condition(project, "DeletionPolicyRefused").is_some()
        })
        .await;
}

#[tokio::test]
async fn a_create_that_has_waited_for_its_turn_is_not_made_once_its_connection_is_suspended() {
    let world = World::new("turn-to-create").await;
    let limits = json!({"spec": {"limits": {"maxInFlight": 1}}});
    world.patch_connection("oms", limits).await;
    let operator = world.operator().await;
    let delete = json!({"deletionPolicy": "Delete"});
    world.create("calm", delete).await;
    world.until_running("calm").await;
    let gate = world.oms().hold(CREATE, When::BeforeWork);
    world.create("a", json!({})).await;
    gate.arrived().await;
    world.create("b", json!({})).await;
    until_waiting(&world, &operator, "create", 1).await;
    let calm = json!({"spec": {"suspend": true, "allowedDeletionPolicies": ["Retain"]}});
    world.patch_connection("oms", calm).await;
    until_the_connection_is_seen(&world, "calm").await;
    gate.release();
    world.until_ready("b", "False", "Suspended").await;
    assert_eq!(world.oms().count(CREATE), 2);
    let go_on = json!({"spec": {"suspend": false}});
    world.patch_connection("oms", go_on).await;
    for name in ["a", "b"] {
        world.until_running(name).await;
    }
    assert_eq!(world.oms().count(CREATE), 3);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_change_that_has_waited_for_its_turn_goes_by_what_is_wanted_then() {
    let world = World::new("turn").await;
    let limits = json!({"spec": {"limits": {"maxInFlight": 1}}});
    world.patch_connection("oms", limits).await;
    let operator = world.operator().await;
    let delete = json!({"deletionPolicy": "Delete"});
    for name in ["a", "b", "c", "d", "calm"] {
        world.create(name, delete.clone()).await;
        world.until_running(name).await;
    }
    let gate = world.oms().hold("StopProject", When::BeforeWork);
    let pause = json!({"spec": {"state": "Paused"}});
    world.patch("a", pause.clone()).await;
    gate.arrived().await;
    // The others wait for the one place.
    world.patch("b", pause.clone()).await;
    world.patch("c", pause).await;
    world.delete("d").await;
    until_waiting(&world, &operator, "change", 3).await;
    world.patch("b", json!({"spec": {"suspend": true}})).await;
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    world.patch("d", retain).await;
    let calm = json!({"spec": {"suspend": true, "allowedDeletionPolicies": ["Retain"]}});
    world.patch_connection("oms", calm).await;
    until_the_connection_is_seen(&world, "calm").await;
    gate.release();
    world.until_gone("d").await;
    for name in ["b", "c"] {
        world.until_ready(name, "False", "Suspended").await;
    }
    world.until_ready("a", "True", "Paused").await;
    assert_eq!(world.oms().count("StopProject"), 1);
    // And nothing is forgotten.
    let go_on = json!({"spec": {"suspend": false}});
    world.patch_connection("oms", go_on).await;
    world.until_ready("c", "True", "Paused").await;
    assert_eq!(world.oms().count("StopProject"), 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn two_connections_to_one_address_share_its_limit() {
    let world = World::new("one-endpoint").await;
    let strict = json!({"limits": {"maxInFlight": 1}});
    let url = format!("{}/api/v2/", world.simulator.url());
    world.create_connection("strict", &url, strict).await;
    let operator = world.operator().await;
    world.until_connection("strict", "InsecureTransport").await;
    let gate = world.oms().hold(CREATE, When::BeforeWork);
    world.create("a", json!({})).await;
    gate.arrived().await;
    let other = json!({"connectionRef": {"name": "strict"}});
    world.create("b", other).await;
    until_waiting(&world, &operator, "create", 1).await;
    assert_eq!(gate.arrived_so_far(), 1);
    gate.release();
    world.until_running("a").await;
    world.until_running("b").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_oms_that_asks_for_fewer_calls_is_heard_and_that_is_told_once() {
    let world = World::new("fewer").await;
    let operator = world.operator().await;
    world.create("first", json!({})).await;
    world.until_running("first").await;
    let mark = world.plane.audit().mark().await.unwrap();
    // A second of quiet, again and again.
    let busy = Kind::too_many_requests(Duration::from_secs(1));
    world.oms().fault(Fault::new(CREATE, busy).times(3));
    world.create("orders", json!({})).await;
    let connections = world.connections();
    until(DEADLINE, "the connection tells of it", async || {
        let told = throttled(&connections, "oms").await?;
        (told == "True Throttled").then_some(())
    })
    .await
    .expect("the connection tells of it");
    world.until_running("orders").await;
    assert_eq!(world.oms().projects().len(), 2);
    let told = throttled(&connections, "oms").await;
    assert_eq!(told.as_deref(), Some("True Throttled"), "it stays a while");
    let entries = world.plane.audit().since(mark).await.unwrap();
    let written = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .resource("omsconnections")
        .writes();
    // The condition, and the number of projects; Ready may go and come once.
    assert!(written.len() <= 4, "{written}");
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_oms_that_is_away_is_asked_by_its_sweep_alone() {
    let world = World::new("away").await;
    let operator = world.operator().await;
    world.create("first", json!({})).await;
    world.until_running("first").await;
    // Every call of a project breaks, and every sweep.
    let broken = Fault::new("*", Kind::Drop);
    let fault = world.oms().fault(broken);
    for number in 0..20 {
        world.create(&format!("p{number}"), json!({})).await;
    }
    let connections = world.connections();
    until(
        2 * DEADLINE,
        "the connection says that nothing goes out",
        async || {
            let told = throttled(&connections, "oms").await?;
            (told == "True CircuitOpen").then_some(())
        },
    )
    .await
    .expect("the connection says that nothing goes out");
    assert_eq!(operator.ask("/healthz").await.unwrap().status, 200);
    assert_eq!(operator.ask("/readyz").await.unwrap().status, 200);
    world.oms().clear_calls();
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= 2);
    assert!(swept.await, "the sweep goes on trying");
    let calls = world.oms().calls();
    let probes = calls
        .iter()
        .all(|call| call.action == "ListProjects" && call.search_key.is_none());
    assert!(probes, "{calls:#?}");
    world.oms().remove_fault(fault);
    for number in 0..20 {
        world.until_running(&format!("p{number}")).await;
    }
    until(
        DEADLINE,
        "the connection says that it is well",
        async || throttled(&connections, "oms").await.is_none().then_some(()),
    )
    .await
    .expect("the connection says that it is well");
    assert_eq!(world.oms().projects().len(), 21, "none was made twice");
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_overload_halves_how_many_calls_go_at_once_and_answers_bring_it_back() {
    let world = World::new("halved").await;
    // No sweep comes between.
    let seldom = json!({"spec": {"sweepInterval": "10m"}});
    world.patch_connection("oms", seldom).await;
    let operator = world.operator().await;
    let (limit, before) = first_limit(&world, &operator).await;
    assert!(before >= 4, "{before} leave something to halve");
    let busy = Kind::too_many_requests(Duration::from_secs(1));
    world.oms().fault(Fault::new(CREATE, busy).times(1));
    world.create("first", json!({})).await;
    operator.until_it_reads(&limit, before / 2).await;
    world.until_running("first").await;
    // What needs few calls at once does not make it grow.
    operator.until_it_reads(&limit, before / 2).await;
    let gate = world.oms().hold("ListProjects", When::BeforeWork);
    let names: Vec<String> = (0..before).map(|number| format!("p{number}")).collect();
    for name in &names {
        world.create(name, json!({})).await;
    }
    until_waiting(&world, &operator, "create", before / 2).await;
    assert_eq!(gate.arrived_so_far() as u64, before / 2);
    gate.release();
    for name in &names {
        world.until_running(name).await;
    }
    let grown = operator.counter(&limit).await.unwrap_or_default();
    assert!(grown > before / 2, "{grown}");
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_governor_follows_the_address_and_not_its_spelling() {
    let world = World::new("spelling").await;
    let operator = world.operator().await;
    let (limit, before) = first_limit(&world, &operator).await;
    let busy = Kind::too_many_requests(Duration::from_secs(1));
    world.oms().fault(Fault::new(CREATE, busy).times(1));
    world.create("first", json!({})).await;
    operator.until_it_reads(&limit, before / 2).await;
    world.until_running("first").await;

    // What OMS has taught is not forgotten for a slash.
    let url = world.simulator.url();
    let spelled = json!({"spec": {"url": format!("{url}/api/v2/")}});
    until_it_speaks_of(&world, spelled).await;
    operator.until_it_reads(&limit, before / 2).await;
    world.create("second", json!({})).await;
    world.until_running("second").await;

    // The schema lets the number pass, and it is no port. Nobody leads to that OMS any more.
    let wrong = json!({"spec": {"url": "http://127.0.0.1:99999"}});
    until_it_speaks_of(&world, wrong).await;
    assert_eq!(operator.counter(&limit).await, None);
    world.finish([operator]).await;
}

/// The connection is changed, and its status speaks of that.
async fn until_it_speaks_of(world: &World, patch: serde_json::Value) {
    let generation = world
        .patch_connection("oms", patch)
        .await
        .metadata
        .generation;
    let connections = world.connections();
    until(DEADLINE, "the status speaks of the change", async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.observed_generation == generation).then_some(())
    })
    .await
    .expect("the status speaks of the change");
}
