//! Every way in which OMS fails, brought about and mended again: what the
//! connection, a project that runs and a project that is new say of it, that
//! nothing is written while nothing changes, and that all of it heals by itself.
//! Secrets and certificate authorities are told of in `connections`, what a spec
//! refers to in `sharing` and `wishes`.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use oms_harness::{Mark, until};
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{Fault, Kind, Simulator};
use serde_json::json;

use crate::world::{DEADLINE, World, condition, message};

/// In the bodies of answers; never to be seen anywhere else.
const BODY: &str = "body-of-some-proxy";

/// One way to fail, for every call.
struct Row {
    name: &'static str,
    kind: Kind,
    /// Of the connection.
    reason: &'static str,
    /// Whether that needs a human.
    stalled: bool,
    /// What helps, in the message.
    says: &'static [&'static str],
    /// OMS's own words stand in `lastError`.
    code: Option<&'static str>,
    /// Failing calls that are waited for: where they come slowly, none.
    repeats: u64,
}

impl Row {
    fn new(name: &'static str, kind: Kind, reason: &'static str) -> Self {
        Self {
            name,
            kind,
            reason,
            stalled: false,
            says: &[],
            code: None,
            repeats: 4,
        }
    }

    fn says(mut self, says: &'static [&'static str]) -> Self {
        self.says = says;
        self
    }

    /// Asked again after a minute only, because a quick repeat does harm or no good.
    fn slow(mut self) -> Self {
        self.repeats = 0;
        self
    }

    fn stalled(mut self) -> Self {
        self.stalled = true;
        self
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

fn page(status: u16) -> Kind {
    Kind::Http {
        status,
        headers: BTreeMap::new(),
        body: format!("<html><body>{BODY}</body></html>"),
    }
}

async fn goes_in_and_out(row: Row) {
    let world = World::new(&format!("fail-{}", row.name)).await;
    let operator = world.operator().await;
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
    let connection = world.connections().get("oms").await.unwrap();
    let conditions = connection.status.unwrap().conditions;
    let (is, is_not) = match row.stalled {
        true => ("Stalled", "Reconciling"),
        false => ("Reconciling", "Stalled"),
    };
    assert_eq!(find(&conditions, is), Some(("True", row.reason)));
    assert_eq!(find(&conditions, is_not), None, "{}", row.name);
    world.until_event("oms", row.reason).await;

    // What is known of a project that runs is not less known by that.
    let orders = world.get("orders").await;
    assert_eq!(condition(&orders, "Ready"), Some(("True", "Running")));
    // A new one is told why nothing happens, by whom and until when.
    world.create("late", json!({})).await;
    let late = world
        .until("late", "it says what fails", |project| {
            error_of(project).is_some_and(|error| error.next_attempt_time.is_some())
        })
        .await;
    assert_eq!(
        condition(&late, "Reconciling"),
        Some(("True", row.reason)),
        "{}",
        row.name
    );
    assert_eq!(condition(&late, "Stalled"), None, "{}", row.name);
    says(message(&late));
    let error = error_of(&late).unwrap();
    assert_eq!(error.code.as_deref(), row.code, "{}", row.name);
    assert_eq!(error.request_id.is_some(), row.code.is_some());
    assert!(error.advice.is_some() || row.reason == "OmsUnreachable");
    assert!(!format!("{error:?}").contains(BODY));

    nothing_is_written_meanwhile(&world, &row, &late).await;

    world.oms().clear_faults();
    world.until_connection("oms", "InsecureTransport").await;
    world.until_event("oms", "InsecureTransport").await;
    let late = world.until_running("late").await;
    assert!(error_of(&late).is_none(), "{}", row.name);
    assert_eq!(world.oms().projects().len(), 2);
    assert!(!operator.log().contains(BODY), "{}", row.name);
    world.finish([operator]).await;
}

/// The same failure again, and again: the connection, the running project and
/// the conditions of the new one stay as they are.
async fn nothing_is_written_meanwhile(world: &World, row: &Row, late: &MigrationProject) {
    // Its second user is a change.
    let connections = world.connections();
    until(DEADLINE, "the connection counts both", async || {
        let status = connections.get("oms").await.ok()?.status?;
        (status.projects == Some(2)).then_some(())
    })
    .await
    .expect("the connection counts both");
    let mark = world.plane.audit().mark().await.unwrap();
    let before = world.oms().count("ListProjects");
    let repeated = world.oms().wait_until(DEADLINE, |oms| {
        oms.count("ListProjects") >= before + row.repeats
    });
    assert!(repeated.await, "{}: it is tried again", row.name);
    writes_nothing(world, mark, row.name).await;
    let now = world.get("late").await;
    assert_eq!(
        now.status.unwrap().conditions,
        late.status.as_ref().unwrap().conditions,
        "{}",
        row.name
    );
}

/// `late` shows the time of its next attempt, at most every ten seconds.
async fn writes_nothing(world: &World, mark: Mark, row: &str) {
    let entries = world.plane.audit().since(mark).await.unwrap();
    let writes = entries
        .service_account("oms-system", "oms-operator")
        .namespace(&world.namespace)
        .writes();
    let writes = writes.filter(|entry| entry.name.as_deref() != Some("late"));
    assert!(writes.is_empty(), "{row}: {writes}");
}

fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<(&'a str, &'a str)> {
    let found = conditions.iter().find(|one| one.type_ == type_)?;
    Some((&found.status, &found.reason))
}

fn error_of(project: &MigrationProject) -> Option<&oms_operator::api::v1alpha1::LastError> {
    project.status.as_ref()?.last_error.as_ref()
}

// --- What answers does not speak like OMS ------------------------------------------

#[tokio::test]
async fn an_unparsable_reply_heals_by_itself() {
    let row = Row::new("garbage", Kind::Garbage, "OmsError");
    goes_in_and_out(row.says(&["not JSON", "URL"]).slow()).await;
}

#[tokio::test]
async fn an_html_page_heals_by_itself() {
    let row = Row::new("html", page(200), "OmsError");
    goes_in_and_out(row.says(&["HTML", "URL"]).slow()).await;
}

#[tokio::test]
async fn a_404_heals_by_itself() {
    let row = Row::new("404", page(404), "OmsError");
    goes_in_and_out(row.says(&["404", "URL"]).slow()).await;
}

// --- The account -------------------------------------------------------------------

#[tokio::test]
async fn a_401_heals_by_itself() {
    let row = Row::new("401", page(401), "AuthenticationFailed");
    goes_in_and_out(row.says(&["401", "Secret"]).slow().stalled()).await;
}

#[tokio::test]
async fn a_403_heals_by_itself() {
    let row = Row::new("403", page(403), "AuthenticationFailed");
    goes_in_and_out(row.says(&["403", "right"]).slow().stalled()).await;
}

// --- OMS is in trouble -------------------------------------------------------------

#[tokio::test]
async fn a_429_heals_by_itself() {
    let kind = Kind::too_many_requests(Duration::from_secs(1));
    goes_in_and_out(Row::new("429", kind, "OmsError").says(&["429", "fewer"])).await;
}

#[tokio::test]
async fn a_500_heals_by_itself() {
    let row = Row::new("500", page(500), "OmsError");
    goes_in_and_out(row.says(&["500", "OMS runs"])).await;
}

#[tokio::test]
async fn a_503_heals_by_itself() {
    let row = Row::new("503", page(503), "OmsError");
    goes_in_and_out(row.says(&["503", "OMS runs"])).await;
}

#[tokio::test]
async fn an_error_of_oms_is_shown_in_its_words_and_heals_by_itself() {
    let kind = Kind::Business {
        code: "INNER_ERROR".into(),
        message: "The meta database is full.".into(),
        advice: "Make room.".into(),
    };
    let row = Row::new("inner", kind, "OmsError").code("INNER_ERROR");
    let says = &[
        "INNER_ERROR",
        "meta database is full",
        "Make room.",
        "request id",
    ];
    goes_in_and_out(row.says(says)).await;
}

#[tokio::test]
async fn a_broken_connection_heals_by_itself() {
    let row = Row::new("drop", Kind::Drop, "OmsUnreachable");
    goes_in_and_out(row.says(&["broke"])).await;
}

#[tokio::test]
async fn an_oms_that_hangs_heals_by_itself() {
    let row = Row::new("hang", Kind::Hang, "OmsUnreachable");
    goes_in_and_out(row.says(&["no reply"])).await;
}

#[tokio::test]
async fn a_dead_port_heals_by_itself() {
    let world = World::new("fail-dead").await;
    let any = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let alias = Simulator::serve(world.oms().clone(), any).await.unwrap();
    let (url, address) = (alias.url(), alias.address());
    alias.stop().await;
    world.create_connection("dead", &url, json!({})).await;
    let operator = world.operator().await;
    let dead = json!({"connectionRef": {"name": "dead"}});
    world.create("orders", dead).await;
    let told = world.until_connection("dead", "OmsUnreachable").await;
    assert!(told.contains("could not be reached"), "{told}");
    world.until_event("dead", "OmsUnreachable").await;
    let project = world.until_message("orders", "could not be reached").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "OmsUnreachable"))
    );
    let alias = Simulator::serve(world.oms().clone(), address)
        .await
        .unwrap();
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.until_connection("dead", "InsecureTransport").await;
    world.finish([operator]).await;
    alias.stop().await;
}

// --- What OMS does not take ----------------------------------------------------------

/// OMS refuses the create; the corrected spec is created at once.
async fn refused(test: &str, wrong: serde_json::Value, right: serde_json::Value, word: &str) {
    let world = World::new(test).await;
    let operator = world.operator().await;
    world.create("orders", json!({"project": wrong})).await;
    let project = world.until_stalled("orders", "CreateRejected").await;
    for part in ["PARAM_ERROR", word, "request id", "spec changes"] {
        let message = message(&project);
        assert!(message.contains(part), "{part:?} in {message:?}");
    }
    let error = error_of(&project).expect("the error");
    assert_eq!(error.code.as_deref(), Some("PARAM_ERROR"));
    assert!(error.request_id.is_some() && error.next_attempt_time.is_some());
    world.until_event("orders", "CreateRejected").await;
    let mark = world.plane.audit().mark().await.unwrap();
    let swept = world.oms().count("ListProjects") + 5;
    let swept = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count("ListProjects") >= swept);
    assert!(swept.await);
    writes_nothing(&world, mark, test).await;
    assert_eq!(world.oms().count("CreateProject"), 1, "not asked again");
    world
        .patch("orders", json!({"spec": {"project": right}}))
        .await;
    let project = world.until_running("orders").await;
    assert!(error_of(&project).is_none());
    world.has_exactly_one("orders").await;
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
