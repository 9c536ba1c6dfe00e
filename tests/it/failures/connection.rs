//! What a project's connection lacks, and what it does not allow.

use oms_harness::{Match, until};
use oms_simulator::{Fault, Kind, When};
use serde_json::{Value, json};

use super::{nothing_is_written, rests, told_once, tries, waits_for, writes_nothing};
use crate::world::{DEADLINE, PASSWORD, World, condition, id, message};

const CREATE: &str = "CreateProject";

fn through(connection: &str) -> Value {
    json!({"connectionRef": {"name": connection}})
}

/// A connection whose Secret is such, until it is as it has to be.
async fn lacks(test: &str, secret: Option<(&str, &str)>, reason: &'static str, word: &str) {
    let world = World::new(test).await;
    if let Some(entry) = secret {
        world
            .secret("late", &[("username", "operator"), entry])
            .await;
    }
    let url = world.simulator.url();
    let spec = json!({"credentialsSecretRef": {"name": "late"}});
    world.create_connection("late", &url, spec).await;
    let operator = world.operator().await;
    world.create("orders", through("late")).await;
    let told = world.until_connection("late", reason).await;
    assert!(told.contains(word), "{told}");
    waits_for(&world, "orders", "late", reason).await;
    rests(&world, "oms").await;
    nothing_is_written(&world, "late", test).await;
    assert_eq!(world.oms().count(CREATE), 1);
    let right = [("username", "operator"), ("password", PASSWORD)];
    world.secret("late", &right).await;
    world.until_running("orders").await;
    assert_eq!(world.oms().projects().len(), 2);
    for name in ["late", "orders"] {
        told_once(&world, name, reason).await;
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_missing_secret_is_told_until_it_is_there() {
    lacks("fail-secret", None, "SecretMissing", "no Secret").await;
}

#[tokio::test]
async fn a_missing_key_is_told_until_it_is_there() {
    let wrong = Some(("passwd", PASSWORD));
    lacks("fail-key", wrong, "SecretInvalid", "password").await;
}

#[tokio::test]
async fn a_right_that_the_operator_lacks_is_told_until_it_is_given() {
    let world = World::new("fail-right").await;
    let proxy = world.proxy().await;
    let secrets = Match::any().path_ends_with("/secrets/oms");
    let refused = proxy.refuse(secrets, 403);
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    let told = world.until_connection("oms", "AccessDenied").await;
    assert!(told.contains("/oms") && told.contains("rbac"), "{told}");
    waits_for(&world, "orders", "oms", "AccessDenied").await;
    let right = [("username", "operator"), ("password", PASSWORD)];
    world.secret("other", &right).await;
    let other = json!({"credentialsSecretRef": {"name": "other"}});
    let url = world.simulator.url();
    world.create_connection("other", &url, other).await;
    rests(&world, "other").await;
    nothing_is_written(&world, "oms", "AccessDenied").await;
    assert_eq!(world.oms().count(CREATE), 1, "that of the other one");
    refused.remove();
    world.until_running("orders").await;
    assert_eq!(world.oms().projects().len(), 2);
    for name in ["oms", "orders"] {
        told_once(&world, name, "AccessDenied").await;
    }
    world.finish([operator]).await;
}

/// The sweep that succeeds began before the project was there; it has to wake it
/// nevertheless.
#[tokio::test]
async fn a_project_that_comes_while_the_connection_heals_is_not_forgotten() {
    let world = World::new("fail-heals").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.oms().fault(Fault::new("*", Kind::Drop));
    world.until_connection("oms", "OmsUnreachable").await;
    let sweep = world.oms().hold("ListProjects", When::BeforeWork);
    world.oms().clear_faults();
    sweep.arrived().await;
    world.create("late", json!({})).await;
    waits_for(&world, "late", "oms", "OmsUnreachable").await;
    sweep.release();
    world.until_running("late").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_secret_that_is_lost_is_told_and_what_was_read_before_is_used() {
    let world = World::new("fail-lost").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.delete_secret("oms").await;
    let told = world.until_connection("oms", "SecretMissing").await;
    assert!(told.contains("until the operator restarts"), "{told}");
    // It stays so although OMS answers.
    nothing_is_written(&world, "oms", "fail-lost").await;
    world.create("late", json!({})).await;
    world.until_running("late").await;
    world.create_secret(PASSWORD).await;
    world.until_connection("oms", "InsecureTransport").await;
    told_once(&world, "oms", "SecretMissing").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_secret_that_the_api_server_cannot_give_holds_up_none_that_had_it() {
    let world = World::new("fail-sealed").await;
    let proxy = world.proxy().await;
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let sealed = proxy.refuse(Match::any().path_contains("/secrets/"), 500);
    sealed.wait_fired(3, DEADLINE).await.unwrap();
    // What is changed in OMS takes a sweep to be seen.
    let paused = json!({"spec": {"state": "Paused"}});
    world.patch("orders", paused).await;
    world
        .until("orders", "it is paused", |project| {
            condition(project, "Ready") == Some(("True", "Paused"))
        })
        .await;
    operator.kill().await;
    // A new process has nothing from before, says so, and mends itself.
    let operator = world.operator_with(&[], Some(&proxy)).await;
    let told = world.until_connection("oms", "SecretUnreadable").await;
    assert!(told.contains("asked again"), "{told}");
    sealed.remove();
    world.until_connection("oms", "InsecureTransport").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_that_is_missing_is_told_until_it_is_there() {
    let world = World::new("fail-none").await;
    let operator = world.operator().await;
    world.create("orders", through("later")).await;
    let reason = "ConnectionNotFound";
    let project = world.until_message("orders", "there is none").await;
    assert_eq!(condition(&project, "Reconciling"), Some(("True", reason)));
    told_once(&world, "orders", reason).await;
    rests(&world, "oms").await;
    nothing_is_written(&world, "oms", reason).await;
    let url = world.simulator.url();
    world.create_connection("later", &url, json!({})).await;
    world.until_running("orders").await;
    assert_eq!(world.oms().projects().len(), 2);
    told_once(&world, "orders", reason).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_that_is_taken_away_is_told_and_found_again() {
    let world = World::new("fail-taken").await;
    let flags = ["--stale-after=1s"];
    let operator = world.operator_with(&flags, None).await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world.delete_connection("oms").await;
    world.strip_connection("oms").await;
    world.until_connection_gone("oms").await;
    let project = world.until_message("orders", "there is none").await;
    assert_eq!(
        condition(&project, "Ready"),
        Some(("Unknown", "StatusStale"))
    );
    let url = world.simulator.url();
    world.create_connection("other", &url, json!({})).await;
    rests(&world, "other").await;
    nothing_is_written(&world, "other", "it is taken away").await;
    told_once(&world, "orders", "StatusStale").await;
    world.create_connection("oms", &url, json!({})).await;
    let project = world.until_running("orders").await;
    assert_eq!(id(&project), Some(made.as_str()));
    assert_eq!(world.oms().projects().len(), 2);
    told_once(&world, "orders", "StatusStale").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_that_goes_takes_no_new_project() {
    let world = World::new("fail-goes").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.delete_connection("oms").await;
    world.until_connection("oms", "Deleting").await;
    world.create("late", json!({})).await;
    let project = world.until_message("late", "waiting for a new one").await;
    let reason = "ConnectionNotReady";
    assert_eq!(condition(&project, "Reconciling"), Some(("True", reason)));
    told_once(&world, "late", reason).await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 3).await;
    let entries = world.plane.audit().since(mark).await.unwrap();
    let writes = entries.namespace(&world.namespace).name("late").writes();
    assert!(writes.is_empty(), "{writes}");
    assert_eq!(world.oms().count(CREATE), 1);

    // It goes with the last project that it has: the new one does not hold it.
    world.delete("orders").await;
    world.until_connection_gone("oms").await;
    assert_eq!(world.oms().count(CREATE), 1);
    let url = world.simulator.url();
    world.create_connection("oms", &url, json!({})).await;
    world.until_running("late").await;
    assert_eq!(world.oms().projects().len(), 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_namespace_that_is_not_allowed_goes_on_as_soon_as_it_is() {
    let world = World::new("fail-there").await;
    let neighbour = world.neighbour("fail-here").await;
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;
    let connection = json!({"name": "oms", "namespace": world.namespace});
    let spec = json!({"connectionRef": connection});
    neighbour.create("orders", spec).await;
    let reason = "ConnectionNotAllowed";
    neighbour.until_stalled("orders", reason).await;
    told_once(&neighbour, "orders", reason).await;
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 3).await;
    writes_nothing(&neighbour, mark, reason).await;
    assert_eq!(world.oms().count(CREATE), 0);
    let all = json!({"spec": {"allowedNamespaces": {"from": "All"}}});
    world.patch_connection("oms", all).await;
    neighbour.until_running("orders").await;
    neighbour.has_exactly_one("orders").await;
    told_once(&neighbour, "orders", reason).await;
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

#[tokio::test]
async fn a_suspended_connection_is_watched_and_nothing_is_changed_through_it() {
    let world = World::new("fail-suspend").await;
    let operator = world.operator().await;
    world.create("idle", json!({"state": "Created"})).await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    world
        .until("idle", "it is created", |project| {
            condition(project, "Ready") == Some(("True", "Created"))
        })
        .await;
    let suspend = |is: bool| json!({"spec": {"suspend": is}});
    world.patch_connection("oms", suspend(true)).await;
    world.until_connection("oms", "Suspended").await;
    let calls = |action: &str| world.oms().count(action);
    let before = (calls(CREATE), calls("StartProject"));

    world.create("late", json!({})).await;
    let running = json!({"spec": {"state": "Running"}});
    world.patch("idle", running).await;
    for name in ["late", "idle"] {
        let project = world.until_message(name, "is suspended").await;
        let said = condition(&project, "Reconciling");
        assert_eq!(said, Some(("True", "Suspended")), "{}", message(&project));
    }
    let mark = world.plane.audit().mark().await.unwrap();
    tries(&world, 3).await;
    let entries = world.plane.audit().since(mark).await.unwrap();
    let entries = entries.namespace(&world.namespace);
    for name in ["late", "idle"] {
        let writes = entries.name(name).writes();
        assert!(writes.is_empty(), "{writes}");
    }
    assert_eq!((calls(CREATE), calls("StartProject")), before);
    // And it is watched.
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;

    world.patch_connection("oms", suspend(false)).await;
    for name in ["late", "idle"] {
        world.until_running(name).await;
        told_once(&world, name, "Suspended").await;
    }
    told_once(&world, "oms", "Suspended").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_is_looked_at_when_somebody_asks() {
    let world = World::new("fail-ask").await;
    let hour = json!({"spec": {"sweepInterval": "1h"}});
    world.patch_connection("oms", hour).await;
    let flags = ["--secret-interval=1h"];
    let operator = world.operator_with(&flags, None).await;
    world.until_connection("oms", "InsecureTransport").await;
    world.oms().set_password("operator", "the-next-one");
    world.create_secret("the-next-one").await;
    let before = world.oms().count("ListProjects");
    world.force_connection("oms", "one").await;
    let connections = world.connections();
    until(DEADLINE, "the look is acknowledged", async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.last_handled_reconcile_at.as_deref() == Some("one")).then_some(())
    })
    .await
    .unwrap();
    // With the Secret of today.
    world.until_connection("oms", "InsecureTransport").await;
    let calls = world.oms().calls();
    let last = calls.last().expect("a call");
    assert!(last.number > before, "{calls:#?}");
    assert_eq!(last.user.as_deref(), Some("operator"));
    world.finish([operator]).await;
}
