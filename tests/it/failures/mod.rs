//! Every way to fail, brought about and mended again: what the connection, a
//! project that runs and a project that is new say of it, that each is told
//! once, that nothing is written while nothing changes, and that all of it
//! heals by itself.

mod account;
mod answers;
mod attempts;
mod connection;
mod network;
mod spec;
mod stale;

use std::collections::BTreeMap;

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, ListParams};
use oms_harness::{Mark, until};
use oms_operator::api::v1alpha1::{LastError, MigrationProject, PinnedConnection};
use oms_simulator::{Fault, Kind, Oms};
use serde_json::json;

use crate::world::{DEADLINE, World, condition, message};

/// In the bodies of answers; never to be seen anywhere else.
const BODY: &str = "body-of-some-proxy";

/// One way to fail, for every call.
struct Row {
    name: &'static str,
    kind: Kind,
    /// Of the connection, and of what waits for it.
    reason: &'static str,
    /// Whether that needs a human.
    stalled: bool,
    /// What helps, in the message.
    says: &'static [&'static str],
}

impl Row {
    fn new(name: &'static str, kind: Kind, reason: &'static str) -> Self {
        Self {
            name,
            kind,
            reason,
            stalled: false,
            says: &[],
        }
    }

    fn says(mut self, says: &'static [&'static str]) -> Self {
        self.says = says;
        self
    }

    fn stalled(mut self) -> Self {
        self.stalled = true;
        self
    }
}

/// What fails is tried again this often at least, so that the tests see several tries.
pub const OFTEN: &str = "--max-backoff=3s";

fn page(status: u16) -> Kind {
    Kind::Http {
        status,
        headers: BTreeMap::new(),
        body: format!("<html><body>{BODY}</body></html>"),
    }
}

async fn goes_in_and_out(row: Row) {
    let world = World::new(&format!("fail-{}", row.name)).await;
    let operator = world.operator_with(&[OFTEN], None).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.until_connection("oms", "InsecureTransport").await;

    world.oms().fault(Fault::new("*", row.kind.clone()));
    let told = world.until_connection("oms", row.reason).await;
    let says = |text: &str| {
        for part in row.says {
            assert!(text.contains(part), "{}: {part:?} in {text:?}", row.name);
        }
        assert!(!text.contains(BODY), "{}: {text}", row.name);
    };
    says(&told);
    the_connection_is_in_trouble(&world, &row).await;

    // What was seen of a project that runs counts for a while.
    let orders = world.get("orders").await;
    assert_eq!(condition(&orders, "Ready"), Some(("True", "Running")));
    // A new one is told why nothing happens, and whom it waits for.
    world.oms().clear_calls();
    world.create("late", json!({})).await;
    let late = waits_for(&world, "late", "oms", row.reason).await;
    says(message(&late));

    nothing_is_written(&world, "oms", row.name).await;
    let calls = world.oms().calls();
    let own = calls.iter().find(|call| {
        let of_late = call.search_key.is_some() || call.project_name.is_some();
        of_late || call.action != "ListProjects"
    });
    assert_eq!(own, None, "{}: an attempt of its own", row.name);

    world.oms().clear_faults();
    world.until_connection("oms", "InsecureTransport").await;
    let late = world.until_running("late").await;
    assert!(error_of(&late).is_none(), "{}", row.name);
    assert_eq!(world.oms().projects().len(), 2);
    assert!(!operator.log().contains(BODY), "{}", row.name);
    // In, and out again; it was Ready before the first user, too.
    told_once(&world, "oms", row.reason).await;
    told_once(&world, "late", row.reason).await;
    world.finish([operator]).await;
}

async fn the_connection_is_in_trouble(world: &World, row: &Row) {
    let connection = world.connections().get("oms").await.unwrap();
    let conditions = connection.status.unwrap().conditions;
    let (is, is_not) = match row.stalled {
        true => ("Stalled", "Reconciling"),
        false => ("Reconciling", "Stalled"),
    };
    assert_eq!(find(&conditions, is), Some(("True", row.reason)));
    assert_eq!(find(&conditions, is_not), None, "{}", row.name);
    let (accepted, _) = find(&conditions, "CredentialsAccepted").expect("it is told");
    let refused = row.reason == "AuthenticationFailed";
    let expected = if refused { "False" } else { "Unknown" };
    assert_eq!(accepted, expected, "{}", row.name);
    let (reachable, reason) = find(&conditions, "Reachable").expect("it is told");
    let answers = ["AuthenticationFailed", "Throttled", "OmsError"].contains(&row.reason);
    let expected = if answers { "True" } else { "False" };
    assert_eq!((reachable, reason), (expected, row.reason), "{}", row.name);
    let insecure = Some(("True", "InsecureTransport"));
    assert_eq!(find(&conditions, "Insecure"), insecure);
}

/// The project is on its way, and waits for its connection, which is named. It
/// announces no attempt, because it makes none.
async fn waits_for(
    world: &World,
    name: &str,
    connection: &str,
    reason: &'static str,
) -> MigrationProject {
    let project = world
        .until(name, &format!("it waits: {reason}"), |project| {
            condition(project, "Reconciling") == Some(("True", reason))
        })
        .await;
    assert_eq!(condition(&project, "Ready"), Some(("False", reason)));
    assert_eq!(condition(&project, "Stalled"), None);
    the_connection_is_named(world, &project, connection);
    // In the column as well, with nothing pinned before there is a project.
    let used = project.status.as_ref().and_then(|it| it.connection.clone());
    let expected = PinnedConnection {
        namespace: Some(world.namespace.clone()),
        name: Some(connection.to_owned()),
        ..PinnedConnection::default()
    };
    assert_eq!(used, Some(expected));
    assert_eq!(error_of(&project), None);
    project
}

fn the_connection_is_named(world: &World, project: &MigrationProject, connection: &str) {
    let named = format!("OMSConnection {}/{connection}", world.namespace);
    let said = message(project);
    assert!(
        said.contains(&named) && said.contains("by itself"),
        "{said}"
    );
}

/// The same trouble again and again: neither the connection nor any project is
/// written, and nothing is told.
async fn nothing_is_written(world: &World, connection: &str, row: &str) {
    nothing_is_written_while(world, world.oms(), connection, row).await;
}

/// The same, where `other` is an OMS that answers and tells by its sweeps that
/// time passes.
pub async fn nothing_is_written_while(world: &World, other: &Oms, connection: &str, row: &str) {
    // Its users are counted; a new one is a change.
    let projects = world.projects().list(&ListParams::default()).await;
    let uses = |project: &&MigrationProject| {
        let named = project.spec.connection_ref.as_ref();
        named.is_some_and(|named| named.name == connection)
    };
    let users = projects.unwrap().iter().filter(uses).count();
    let connections = world.connections();
    until(DEADLINE, "the connection counts its users", async || {
        let status = connections.get(connection).await.ok()?.status?;
        (status.projects == i32::try_from(users).ok()).then_some(())
    })
    .await
    .expect("the connection counts its users");
    // Calls in a row without an answer of OMS itself open the circuit, which is news of its own.
    let reachable = told_of(world, connection, "Reachable").await;
    let away = reachable.is_some_and(|(reason, message)| {
        reason == "OmsUnreachable" || message.contains("HTTP 503")
    });
    if away {
        until(DEADLINE, "the circuit is open", async || {
            let (throttled, _) = told_of(world, connection, "Throttled").await?;
            (throttled == "CircuitOpen").then_some(())
        })
        .await
        .expect("the circuit is open");
    }
    let mark = world.plane.audit().mark().await.unwrap();
    tries_of(other, if away { 1 } else { 2 }).await;
    writes_nothing(world, mark, row).await;
}

/// Reason and message of a condition of the connection.
async fn told_of(world: &World, connection: &str, type_: &str) -> Option<(String, String)> {
    let status = world.connections().get(connection).await.ok()?.status?;
    let mut conditions = status.conditions.into_iter();
    let found = conditions.find(|one| one.type_ == type_)?;
    Some((found.reason, found.message))
}

/// Waits for so many more calls to list the projects.
async fn tries(world: &World, count: u64) {
    tries_of(world.oms(), count).await;
}

async fn tries_of(oms: &Oms, count: u64) {
    let tried = oms.count("ListProjects") + count;
    let tried = oms.wait_until(DEADLINE, |oms| oms.count("ListProjects") >= tried);
    assert!(tried.await, "OMS is asked again");
}

/// A project that is as it should be, through a connection that works: the sweeps
/// of that one tell that time passes.
async fn rests(world: &World, connection: &str) {
    let spec = json!({"state": "Created", "connectionRef": {"name": connection}});
    world.create("rests", spec).await;
    world
        .until("rests", "it is created", |project| {
            condition(project, "Ready") == Some(("True", "Created"))
        })
        .await;
}

async fn writes_nothing(world: &World, mark: Mark, row: &str) {
    let entries = world.plane.audit().since(mark).await.unwrap();
    let writes = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .writes();
    assert!(writes.is_empty(), "{row}: {writes}");
}

/// There is one Event with this reason about the object, and it was one of its
/// kind.
pub async fn told_once(world: &World, name: &str, reason: &str) {
    world.until_event(name, reason).await;
    let api: Api<Event> = Api::namespaced(world.client.clone(), &world.namespace);
    let events = api.list(&ListParams::default()).await.expect("events");
    let about = |event: &&Event| {
        let about = event.regarding.as_ref();
        about.and_then(|about| about.name.as_deref()) == Some(name)
            && event.reason.as_deref() == Some(reason)
    };
    let found: Vec<&Event> = events.iter().filter(about).collect();
    assert_eq!(found.len(), 1, "{name} {reason}: {found:#?}");
    assert!(found[0].series.is_none(), "{name} {reason}: {found:#?}");
}

fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<(&'a str, &'a str)> {
    let found = conditions.iter().find(|one| one.type_ == type_)?;
    Some((&found.status, &found.reason))
}

pub fn error_of(project: &MigrationProject) -> Option<&LastError> {
    project.status.as_ref()?.last_error.as_ref()
}
