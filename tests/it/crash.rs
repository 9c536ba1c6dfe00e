//! The create protocol cut at every step: one project, whatever happens.

use std::time::Duration;

use kube::ResourceExt;
use oms_harness::{Gate, Match, Proxy, until};
use oms_simulator::{Fault, Kind, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, id, reservation};
use crate::writes::{recording, reserving};

const CREATE: &str = "CreateProject";

// --- The answer of CreateProject ---------------------------------------------

async fn answer_replaced(test: &str, fault: Fault) {
    let world = World::new(test).await;
    world.oms().fault(fault.times(1).after_work());
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1, "it was not called again");
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    answer_replaced("lost", Fault::new(CREATE, Kind::Drop)).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_found_again() {
    answer_replaced("hang", Fault::new(CREATE, Kind::Hang)).await;
}

#[tokio::test]
async fn a_500_after_the_work_is_found_again() {
    answer_replaced("http500", Fault::new(CREATE, bare_status(500))).await;
}

#[tokio::test]
async fn an_inner_error_after_the_work_is_found_again() {
    answer_replaced("inner", Fault::new(CREATE, business("INNER_ERROR"))).await;
}

#[tokio::test]
async fn half_an_answer_is_found_again() {
    answer_replaced("garbage", Fault::new(CREATE, Kind::Garbage)).await;
}

#[tokio::test]
async fn a_lost_answer_whose_project_is_listed_late_is_found_again() {
    let world = World::new("late").await;
    let late = Fault::new(
        CREATE,
        Kind::ListedLate {
            seconds: Duration::from_secs(8),
        },
    );
    world.oms().fault(late.times(1));
    world
        .oms()
        .fault(Fault::new(CREATE, Kind::Drop).times(1).after_work());
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_call_that_had_no_effect_is_made_again_after_the_quarantine() {
    let world = World::new("noeffect").await;
    world.oms().fault(Fault::new(CREATE, Kind::Drop).times(1));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_message("orders", "looking again until").await;
    let status = project.status.unwrap();
    let create = status.create.expect("the open attempt");
    assert!(create.quarantine_until.is_some(), "{create:?}");
    // Why it is not known is told as long as that.
    let told = create.message.expect("what the call has come to");
    assert!(told.starts_with("CreateProject: "), "{told}");
    let error = status.last_error.expect("the failed call");
    assert_eq!(error.action.as_deref(), Some(CREATE));
    assert_eq!(error.next_attempt_time, create.quarantine_until);
    world.until_event("orders", "CreateUnsettled").await;
    let events = world.events("orders").await;
    let told = events
        .iter()
        .find(|event| event.starts_with("CreateUnsettled"));
    let told = told.expect("the Event");
    // Until when, as the status has it, and what comes then; no manual of a library.
    let until = create.quarantine_until.expect("a time").to_string();
    assert!(
        told.contains(&format!("looked for until {until}")),
        "{told}"
    );
    assert!(told.ends_with("a person is asked."), "{told}");
    assert!(!told.contains("docs.rs"), "{told}");
    let unknown = |event: &String| event.starts_with("CreateUnknown");
    assert!(!events.iter().any(unknown), "nobody is needed: {events:?}");
    let project = world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 2);
    assert_eq!(
        project.status.unwrap().create,
        None,
        "what is settled is not shown any more"
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn after_three_calls_without_a_known_outcome_a_human_is_asked() {
    let world = World::new("unknown").await;
    world.oms().fault(Fault::new(CREATE, Kind::Drop).times(3));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_stalled("orders", "CreateUnknown").await;
    world.until_event("orders", "CreateUnknown").await;
    assert_eq!(world.oms().count(CREATE), 3);
    assert_eq!(world.oms().projects(), []);
    let unresolved = "oms_operator_creates_unresolved";
    operator.until_it_reads(unresolved, 1).await;
    // The next process knows as much.
    operator.kill().await;
    let operator = world.operator().await;
    operator.until_it_reads(unresolved, 1).await;
    let retry = json!({"metadata": {"annotations": {"oms.oceanbase.com/retry": "one"}}});
    world.patch("orders", retry).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 4);
    operator.until_it_reads(unresolved, 0).await;
    world.finish([operator]).await;
}

// --- SIGKILL -------------------------------------------------------------------

/// Kills it while a write of its is held at `gate`, and opens the gate once
/// nobody waits there any more.
async fn kill_at(gate: Gate, operator: Operator) {
    gate.arrived(DEADLINE).await.unwrap();
    operator.kill().await;
    until(DEADLINE, "the write is given up", async || {
        (gate.held() == 0).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn killed_before_the_reservation() {
    let world = World::new("kill-before").await;
    let proxy = world.proxy().await;
    let gate = proxy.hold_before(reserving("orders"));
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    kill_at(gate, operator).await;
    assert_eq!(reservation(&world.get("orders").await), None);
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn killed_between_the_reservation_and_the_call() {
    let world = World::new("kill-reserved").await;
    let proxy = world.proxy().await;
    let gate = proxy.hold_after(reserving("orders"));
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    kill_at(gate, operator).await;
    assert!(reservation(&world.get("orders").await).is_some());
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1, "the dead one has not called");
    world.finish([operator]).await;
}

async fn killed_during_the_call(test: &str, when: When) {
    let world = World::new(test).await;
    let gate = world.oms().hold(CREATE, when);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    operator.kill().await;
    // OMS does not notice, and goes on.
    gate.release();
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn killed_during_the_call_before_the_work() {
    killed_during_the_call("kill-before-work", When::BeforeWork).await;
}

#[tokio::test]
async fn killed_during_the_call_after_the_work() {
    killed_during_the_call("kill-after-work", When::AfterWork).await;
}

#[tokio::test]
async fn killed_between_the_answer_and_the_write_of_the_id() {
    let world = World::new("kill-answered").await;
    let proxy = world.proxy().await;
    let gate = proxy.hold_before(recording("orders"));
    let operator = world.operator_with(&[], Some(&proxy)).await;
    world.create("orders", json!({})).await;
    kill_at(gate, operator).await;
    assert_eq!(id(&world.get("orders").await), None);
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

/// The spec is edited during the call, and the operator killed at the write of
/// the id, which says so in the same breath.
async fn killed_at_the_mismatch(test: &str, hold: fn(&Proxy, Match) -> Gate, is_written: bool) {
    let world = World::new(test).await;
    let proxy = world.proxy().await;
    let call = world.oms().hold(CREATE, When::AfterWork);
    let patient = ["--oms-mutation-timeout=60s"];
    let operator = world.operator_with(&patient, Some(&proxy)).await;
    world.create("orders", json!({})).await;
    call.arrived().await;
    let edit = |flag: Option<bool>| json!({"spec": {"project": {"enableStructTransfer": flag}}});
    world.patch("orders", edit(Some(true))).await;
    let gate = hold(&proxy, recording("orders").body_contains("specMismatch"));
    call.release();
    kill_at(gate, operator).await;
    let left = world.get("orders").await;
    let mismatch = left.status.as_ref().and_then(|status| status.spec_mismatch);
    assert_eq!(
        (id(&left).is_some(), mismatch),
        (is_written, is_written.then_some(true))
    );

    let operator = world.operator().await;
    let project = world
        .until_stalled("orders", "SpecChangedDuringCreate")
        .await;
    assert_eq!(project.status.unwrap().spec_mismatch, Some(true));
    assert_eq!(world.has_exactly_one("orders").await.status, "INIT");
    let calls = (world.oms().count(CREATE), world.oms().count("StartProject"));
    assert_eq!(calls, (1, 0));
    world.patch("orders", edit(None)).await;
    let project = world.until_running("orders").await;
    assert_eq!(project.status.unwrap().spec_mismatch, None);
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn killed_before_the_write_of_an_id_whose_spec_was_edited() {
    killed_at_the_mismatch("kill-mismatch", Proxy::hold_before, false).await;
}

#[tokio::test]
async fn killed_after_the_write_of_an_id_whose_spec_was_edited() {
    killed_at_the_mismatch("killed-mismatch", Proxy::hold_after, true).await;
}

#[tokio::test]
async fn stopped_in_mid_create_it_writes_the_id_first() {
    let world = World::new("drain").await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let ending = async {
        operator.until_log("stopping").await;
        gate.release();
    };
    let (exit, ()) = tokio::join!(operator.terminate(), ending);
    assert!(exit.success(), "{exit}");
    let project = world.get("orders").await;
    assert!(id(&project).is_some(), "{}", world.picture("orders").await);
    world.has_exactly_one("orders").await;
    world.finish([]).await;
}

// --- Races -----------------------------------------------------------------------

#[tokio::test]
async fn two_operators_at_once_make_one_project() {
    let world = World::new("two-operators").await;
    let proxies = [world.proxy().await, world.proxy().await];
    let gates = [
        proxies[0].hold_before(reserving("orders")),
        proxies[1].hold_before(reserving("orders")),
    ];
    let first = world.operator_with(&[], Some(&proxies[0])).await;
    let second = world.operator_with(&[], Some(&proxies[1])).await;
    world.create("orders", json!({})).await;
    // Both have looked and found nothing, and both are about to reserve.
    for gate in &gates {
        gate.arrived(DEADLINE).await.unwrap();
    }
    drop(gates);
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([first, second]).await;
}

#[tokio::test]
async fn of_two_resources_with_one_name_the_older_gets_the_project() {
    let world = World::new("two-resources").await;
    let named = json!({"project": {"name": "shared"}});
    // A creationTimestamp is in whole seconds, and the name would decide among
    // equals: the older one has the later name.
    let older = world.create("b", named.clone()).await;
    let younger = until(DEADLINE, "a later second", async || {
        let younger = world.create("a", named.clone()).await;
        let later = younger.creation_timestamp() > older.creation_timestamp();
        if !later {
            world.delete("a").await;
            world.until_gone("a").await;
        }
        later.then_some(younger)
    });
    younger.await.expect("a younger one");
    let operator = world.operator().await;
    world.until_running("b").await;
    let loser = world.until_stalled("a", "NameConflict").await;
    assert_eq!(id(&loser), None);
    assert_eq!(world.oms().projects().len(), 1);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_project_that_another_operator_made_faster_is_kept_and_the_surplus_deleted() {
    let world = World::new("surplus").await;
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let other = world.oms().insert_project("another", "INIT", json!({}));
    let patch = json!({"status": {"projectId": other}});
    world
        .projects()
        .patch_status(
            "orders",
            &kube::api::PatchParams::default(),
            &kube::api::Patch::Merge(patch),
        )
        .await
        .unwrap();
    gate.release();
    world.until_event("orders", "SurplusProject").await;
    let project = world.get("orders").await;
    assert_eq!(id(&project), Some(other.as_str()));
    let left: Vec<String> = world
        .oms()
        .projects()
        .into_iter()
        .map(|project| project.id)
        .collect();
    assert_eq!(left, [other]);
    world.finish([operator]).await;
}

fn business(code: &str) -> Kind {
    Kind::Business {
        code: code.into(),
        message: "A system error occurred.".into(),
        advice: String::new(),
    }
}

fn bare_status(status: u16) -> Kind {
    Kind::Http {
        status,
        headers: Default::default(),
        body: String::new(),
    }
}
