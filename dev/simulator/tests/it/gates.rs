//! Calls that stand still at an exact point.

use oms_simulator::{Oms, Outcome, When};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{DEADLINE, call, data, simulator};

#[tokio::test]
async fn a_call_held_before_the_work_is_done_when_released_though_its_caller_is_dead() {
    let oms = simulator().await;
    let gate = oms.hold("CreateProject", When::BeforeWork);
    let mut caller = Box::pin(call(&oms, "CreateProject", Oms::example_body("orphan")));
    tokio::select! {
        _ = &mut caller => panic!("the call went through a closed gate"),
        () = gate.arrived() => {}
    }
    drop(caller);
    assert!(oms.projects().is_empty());
    assert_eq!(oms.calls()[0].outcome, Outcome::Pending);
    gate.release();
    assert!(
        oms.wait_until(DEADLINE, |oms| oms.projects_named("orphan").len() == 1)
            .await
    );
}

#[tokio::test]
async fn a_call_held_after_the_work_has_done_it() {
    let oms = simulator().await;
    let gate = oms.hold_project("CreateProject", When::AfterWork, "held");
    data(&oms, "CreateProject", Oms::example_body("other")).await;
    let caller = call(&oms, "CreateProject", Oms::example_body("held"));
    let watcher = async {
        gate.arrived().await;
        assert_eq!(oms.projects_named("held").len(), 1);
        assert_eq!(gate.arrived_so_far(), 1);
        gate.release();
    };
    let (reply, ()) = timeout(DEADLINE, async { tokio::join!(caller, watcher) })
        .await
        .unwrap();
    assert_eq!(reply.unwrap().status(), 200);
    data(&oms, "CreateProject", Oms::example_body("held")).await;
}

#[tokio::test]
async fn all_calls_wait_at_a_gate_and_dropping_it_lets_them_go() {
    let oms = simulator().await;
    let gate = oms.hold("*", When::BeforeWork);
    let both = async {
        tokio::join!(
            data(&oms, "ListProjects", json!({})),
            data(&oms, "ListDataSource", json!({})),
        )
    };
    let watcher = async {
        gate.arrivals(2).await;
        drop(gate);
    };
    let (lists, ()) = timeout(DEADLINE, async { tokio::join!(both, watcher) })
        .await
        .unwrap();
    assert_eq!(lists.0, json!([]));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_held_calls() {
    let oms = simulator().await;
    let _gate = oms.hold("ListProjects", When::BeforeWork);
    let caller = call(&oms, "ListProjects", json!({}));
    let core = oms.oms().clone();
    let mut caller = Box::pin(caller);
    tokio::select! {
        _ = &mut caller => panic!("the call went through a closed gate"),
        () = _gate.arrived() => {}
    }
    drop(caller);
    timeout(DEADLINE, oms.stop()).await.unwrap();
    assert_eq!(core.count("ListProjects"), 1);
}
