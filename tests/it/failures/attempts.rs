//! Attempts of a resource's own, where its connection works and just its own
//! call fails: announced truly, fewer and fewer, one write for each, and at once
//! when anything has changed.

use jiff::{SignedDuration, Timestamp};
use oms_harness::until;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{DataSource, Fault, Kind};
use serde_json::json;

use super::{error_of, page, told_once};
use crate::world::{DEADLINE, World, condition};

/// Asked for this resource only: it names its source instead of the id.
const ASK: &str = "ListDataSource";

async fn fails(world: &World, kind: Kind) {
    world.oms().fault(Fault::new(ASK, kind));
    let spec = json!({
        "sourceEndpointRef": {"name": "mysql-prod"},
        "project": {"sourceEndpointId": null},
    });
    world.create("orders", spec).await;
}

fn next(project: &MigrationProject) -> Option<Timestamp> {
    error_of(project)?.next_attempt_time
}

#[tokio::test]
async fn attempts_are_announced_and_become_fewer() {
    let world = World::new("fail-own").await;
    become_fewer(world, "OmsError", async |world| {
        fails(world, page(500)).await;
    })
    .await;
}

#[tokio::test]
async fn attempts_to_find_a_data_source_become_fewer_too() {
    let world = World::new("fail-own-name").await;
    become_fewer(world, "EndpointNotFound", async |world| {
        let spec = json!({
            "sourceEndpointRef": {"name": "mysql-new"},
            "project": {"sourceEndpointId": null},
        });
        world.create("orders", spec).await;
    })
    .await;
}

/// `fail` creates `orders`, whose own calls fail.
async fn become_fewer(world: World, reason: &'static str, fail: impl AsyncFn(&World)) {
    let operator = world.operator_with(&["--max-backoff=1h"], None).await;
    world.until_connection("oms", "InsecureTransport").await;
    world.create("fine", json!({})).await;
    world.until_running("fine").await;
    let mark = world.plane.audit().mark().await.unwrap();
    fail(&world).await;
    let mut announced: Vec<Timestamp> = Vec::new();
    let mut since = None;
    while announced.len() < 3 {
        let project = world
            .until("orders", "the next attempt is announced", |project| {
                next(project).is_some_and(|next| Some(&next) != announced.last())
            })
            .await;
        announced.extend(next(&project));
        // It is one failure, which goes on.
        let time = error_of(&project).and_then(|error| error.time);
        assert_eq!(time, *since.get_or_insert(time));
        let said = condition(&project, "Reconciling");
        assert_eq!(said, Some(("True", reason)));
    }
    // The second wait is 4 s and the third 8 s, each a tenth more or less, and told
    // in whole seconds.
    let gaps: Vec<_> = announced.windows(2).map(|two| two[1] - two[0]).collect();
    for (gap, least) in gaps.iter().zip([2_600, 6_200]) {
        let gap = SignedDuration::try_from(*gap).unwrap();
        assert!(gap >= SignedDuration::from_millis(least), "{announced:?}");
    }
    // None is made before its time.
    let calls = world.oms().calls();
    let made = calls.iter().filter(|call| call.action == ASK);
    let made: Vec<Timestamp> = made.map(|call| call.time).collect();
    for (announced, made) in announced.iter().zip(&made[1..]) {
        assert!(made >= announced, "{announced} {made}");
    }
    // One write for each, and the connection is fine all the while.
    let entries = world.plane.audit().since(mark).await.unwrap();
    let ours = entries.service_account("oms-system", "oms-operator");
    let ours = ours.namespace(&world.namespace).writes();
    let statuses = ours.name("orders").subresource("status");
    assert_eq!(statuses.iter().count(), made.len(), "{statuses}");
    assert!(
        ours.resource("omsconnections")
            .name("oms")
            .iter()
            .all(|entry| {
                // It counts its second user.
                entry.subresource.as_deref() == Some("status")
            })
    );
    told_once(&world, "orders", reason).await;
    world.oms().clear_faults();
    let source = DataSource::new("e_new", "mysql-new", "MYSQL");
    world.oms().add_data_source(source);
    world.force_look("orders", "mended").await;
    let project = world.until_running("orders").await;
    assert_eq!(error_of(&project), None);
    world.finish([operator]).await;
}

#[tokio::test]
async fn any_change_is_an_attempt_at_once() {
    let world = World::new("fail-change").await;
    let operator = world.operator_with(&["--max-backoff=1h"], None).await;
    world.until_connection("oms", "InsecureTransport").await;
    // Nothing but a change makes another attempt within this test. Under 429 it would be
    // a pause for all calls to this OMS, which no change of one resource ends.
    let hour = Kind::Http {
        status: 500,
        headers: [("Retry-After".to_owned(), "3600".to_owned())].into(),
        body: String::new(),
    };
    fails(&world, hour).await;
    let attempts = async |count: u64, what: &str| {
        let made = world
            .oms()
            .wait_until(DEADLINE, |oms| oms.count(ASK) >= count);
        assert!(made.await, "{what}");
        let reached = until(DEADLINE, "it is announced", async || {
            let project = world.get("orders").await;
            next(&project).filter(|next| *next > crate::acts::now())
        });
        reached.await.expect("an hour from now");
        assert_eq!(world.oms().count(ASK), count, "{what}");
    };
    attempts(1, "the first").await;
    let spec = json!({"spec": {"readiness": {"maxLag": "90s"}}});
    world.patch("orders", spec).await;
    attempts(2, "the spec").await;
    world.force_look("orders", "one").await;
    attempts(3, "the annotation").await;
    let connection = json!({"spec": {"sweepInterval": "400ms"}});
    world.patch_connection("oms", connection).await;
    attempts(4, "the connection").await;
    world.oms().set_password("second", "another-p4ssword");
    let entries = [("username", "second"), ("password", "another-p4ssword")];
    world.secret("oms", &entries).await;
    attempts(5, "the Secret").await;
    world.finish([operator]).await;
}
