//! What OMS does not take, or does not find: the rest of the connection's
//! projects are not concerned.

use oms_harness::Mark;
use oms_simulator::{DataSource, Gate, When};
use serde_json::{Value, json};

use super::{error_of, told_once, tries, writes_nothing};
use crate::world::{DEADLINE, World, message};

const CREATE: &str = "CreateProject";
/// Asked for this resource only: it names a data source instead of its id.
const ASK: &str = "ListDataSource";

/// OMS refuses the create; the corrected spec is created at once.
async fn refused(test: &str, wrong: Value, right: Value, word: &str) {
    let world = World::new(test).await;
    // A second try would be long after the end of this test.
    let operator = world.operator_with(&["--max-backoff=1h"], None).await;
    world.create("orders", json!({"project": wrong})).await;
    let project = world.until_stalled("orders", "CreateRejected").await;
    for part in ["PARAM_ERROR", word, "request id", "spec changes"] {
        let message = message(&project);
        assert!(message.contains(part), "{part:?} in {message:?}");
    }
    let error = error_of(&project).expect("the error");
    assert_eq!(error.code.as_deref(), Some("PARAM_ERROR"));
    assert!(error.request_id.is_some() && error.next_attempt_time.is_some());
    told_once(&world, "orders", "CreateRejected").await;
    world.until_connection("oms", "InsecureTransport").await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 5).await;
    writes_nothing(&world, mark, test).await;
    assert_eq!(world.oms().count(CREATE), 1, "not asked again");
    world
        .patch("orders", json!({"spec": {"project": right}}))
        .await;
    let project = world.until_running("orders").await;
    assert!(error_of(&project).is_none());
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", "CreateRejected").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_unknown_endpoint_id_is_refused_until_the_spec_is_corrected() {
    let wrong = json!({"sourceEndpointId": "e_nobody"});
    let right = json!({"sourceEndpointId": "e_mysqlprod01"});
    refused("fail-endpoint", wrong, right, "e_nobody").await;
}

#[tokio::test]
async fn an_unknown_label_is_refused_until_the_spec_is_corrected() {
    let wrong = json!({"labelIds": ["l_nobody"]});
    let right = json!({"labelIds": null});
    refused("fail-label", wrong, right, "l_nobody").await;
}

/// Reads and writes that are held do not run into a time-out, and attempts are
/// made often.
const OFTEN: &[&str] = &[
    "--max-backoff=1s",
    "--oms-read-timeout=60s",
    "--oms-mutation-timeout=60s",
];

/// Writes of the resource since `mark`.
struct Writes {
    /// Of all else than its status.
    object: usize,
    status: usize,
    /// Calls of the action.
    calls: usize,
}

/// Waits for some attempts, each of which calls `action`, and holds the next
/// one there: those before it are over, and what they wrote can be counted.
async fn attempts(world: &World, mark: Mark, action: &str) -> (Gate, Writes) {
    let made = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count(action) >= 3);
    assert!(made.await, "it is tried again by itself");
    let gate = world.oms().hold(action, When::BeforeWork);
    gate.arrived().await;
    let entries = world.plane.audit().since(mark).await.unwrap();
    let ours = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .resource("migrationprojects")
        .writes();
    let status = ours.subresource("status").iter().count();
    let writes = Writes {
        object: ours.iter().count() - status,
        status,
        calls: usize::try_from(world.oms().count(action)).unwrap(),
    };
    (gate, writes)
}

/// The cause is mended in OMS; nobody touches the resource.
async fn heals(world: World, spec: Value, reason: &str, action: &str, mend: impl Fn(&World)) {
    let operator = world.operator_with(OFTEN, None).await;
    world.until_connection("oms", "InsecureTransport").await;
    let mark = world.plane.audit().mark().await.unwrap();
    world.create("orders", spec).await;
    told_once(&world, "orders", reason).await;
    let (gate, writes) = attempts(&world, mark, action).await;
    // What came of each attempt; and before each create, its reservation.
    let reservations = match action {
        "CreateProject" => writes.calls,
        _ => 0,
    };
    // The next attempt is told to the second: of two that are a little less than one apart, it may be the same.
    let told = writes.calls / 2..writes.calls;
    assert!(
        told.contains(&writes.status),
        "{reason}: {} not in {told:?}",
        writes.status
    );
    assert_eq!(writes.object, reservations, "{reason}");
    mend(&world);
    gate.release();
    let project = world.until_running("orders").await;
    assert_eq!(error_of(&project), None);
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", reason).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_unknown_endpoint_id_heals_when_oms_has_it() {
    let spec = json!({"project": {"sourceEndpointId": "e_nobody"}});
    let world = World::new("heal-endpoint").await;
    heals(world, spec, "CreateRejected", CREATE, |world| {
        let source = DataSource::new("e_nobody", "mysql-new", "MYSQL");
        world.oms().add_data_source(source);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_label_heals_when_oms_has_it() {
    let spec = json!({"project": {"labelIds": ["l_nobody"]}});
    let world = World::new("heal-label").await;
    heals(world, spec, "CreateRejected", CREATE, |world| {
        world.oms().add_label("l_nobody", "nobody");
    })
    .await;
}

#[tokio::test]
async fn a_data_source_name_that_nobody_has_heals_when_somebody_has_it() {
    let spec = json!({
        "sourceEndpointRef": {"name": "mysql-new"},
        "project": {"sourceEndpointId": null},
    });
    let world = World::new("heal-nobody").await;
    heals(world, spec, "EndpointNotFound", ASK, |world| {
        let source = DataSource::new("e_new", "mysql-new", "MYSQL");
        world.oms().add_data_source(source);
    })
    .await;
}

/// Names its sink, which two have: one more than the seeded one.
fn twins(world: &World) -> Value {
    let twin = DataSource::new("e_twin", "ob-prod", "OB_MYSQL");
    world.oms().add_data_source(twin);
    json!({
        "sinkEndpointRef": {"name": "ob-prod"},
        "project": {"sinkEndpointId": null},
    })
}

#[tokio::test]
async fn a_data_source_name_that_two_have_heals_when_one_is_renamed() {
    let world = World::new("heal-twins").await;
    let spec = twins(&world);
    heals(world, spec, "EndpointAmbiguous", ASK, |world| {
        let renamed = DataSource::new("e_twin", "ob-other", "OB_MYSQL");
        world.oms().add_data_source(renamed);
    })
    .await;
}

#[tokio::test]
async fn a_data_source_name_that_two_have_is_told_and_any_change_looks_again() {
    let world = World::new("fail-twins").await;
    let spec = twins(&world);
    // The next attempt is a minute away.
    let operator = world.operator_with(&["--max-backoff=1h"], None).await;
    world.until_connection("oms", "InsecureTransport").await;
    world.create("orders", spec).await;
    let project = world.until_stalled("orders", "EndpointAmbiguous").await;
    for part in ["e_twin", "by itself"] {
        let message = message(&project);
        assert!(message.contains(part), "{part:?} in {message:?}");
    }
    let error = error_of(&project).expect("the error");
    assert_eq!(error.action.as_deref(), Some(ASK));
    assert!(error.next_attempt_time > error.time, "{error:?}");
    told_once(&world, "orders", "EndpointAmbiguous").await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 5).await;
    writes_nothing(&world, mark, "EndpointAmbiguous").await;
    assert_eq!(world.oms().count(ASK), 1, "not asked again");
    assert_eq!(world.oms().count(CREATE), 0);
    assert!(world.oms().remove_data_source("e_twin"));
    world.force_look("orders", "it is one now").await;
    let project = world.until_running("orders").await;
    assert_eq!(error_of(&project), None);
    world.has_exactly_one("orders").await;
    told_once(&world, "orders", "EndpointAmbiguous").await;
    world.finish([operator]).await;
}
