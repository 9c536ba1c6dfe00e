//! Faults, without a network.

use std::time::Duration;

use oms_simulator::{Delivery, Fault, Kind, Oms, Outcome, Reply};
use serde_json::{Value, json};

use crate::support::{BASIC, Core, secs};

fn create(oms: &Core, name: &str) -> Reply {
    let body = Oms::example_body(name).to_string();
    oms.0.handle("CreateProject", Some(BASIC), body.as_bytes())
}

#[test]
fn a_fault_before_the_work_prevents_it_and_one_after_it_does_not() {
    for (kind, delivery, status) in [
        (Kind::Drop, Delivery::Drop, 200),
        (Kind::Hang, Delivery::Hang, 200),
        (Kind::http(500), Delivery::Send, 500),
        (Kind::business("INNER_ERROR", "no"), Delivery::Send, 200),
        (Kind::Garbage, Delivery::Send, 200),
        (Kind::Html, Delivery::Send, 200),
    ] {
        let oms = Core::new();
        oms.0
            .fault(Fault::new("CreateProject", kind.clone()).times(1));
        let reply = create(&oms, "p");
        assert_eq!(
            (reply.delivery, reply.status),
            (delivery, status),
            "{kind:?}"
        );
        assert!(oms.0.projects().is_empty(), "{kind:?} before the work");
        oms.0.fault(
            Fault::new("CreateProject", kind.clone())
                .after_work()
                .times(1),
        );
        assert_eq!(create(&oms, "p").delivery, delivery);
        assert_eq!(oms.0.projects().len(), 1, "{kind:?} after the work");
        let worked: Vec<bool> = oms.0.calls().iter().map(|call| call.worked).collect();
        assert_eq!(worked, [false, true]);
        assert!(oms.0.faults().is_empty());
        assert_eq!(create(&oms, "q").json().unwrap()["success"], true);
    }
}

#[test]
fn faulty_replies_say_what_they_were_told_to_say() {
    let oms = Core::new();
    let next = |kind: Kind| {
        oms.0.fault(Fault::new("*", kind).times(1));
        oms.0.handle("ListProjects", Some(BASIC), b"{}")
    };
    let busy = next(Kind::too_many_requests(secs(5)));
    assert_eq!(busy.status, 429);
    assert!(busy.headers.contains(&("retry-after".into(), "5".into())));
    let business = next(Kind::business("GHANA-OPERAT000001", "CM is away"))
        .json()
        .unwrap();
    assert_eq!(
        (&business["success"], &business["code"]),
        (&json!(false), &json!("GHANA-OPERAT000001"))
    );
    assert_eq!(business["errorDetail"]["message"], "CM is away");
    assert_eq!(next(Kind::Garbage).json(), None);
    assert!(next(Kind::Html).body.starts_with(b"<!DOCTYPE html>"));
    assert_eq!(next(Kind::delay(secs(2))).delay, secs(2));
}

#[test]
fn a_fault_may_be_for_one_project_by_any_of_its_names() {
    let oms = Core::new();
    let id = oms.create(Oms::example_body("unlucky"));
    oms.create(Oms::example_body("lucky"));
    let fault = oms
        .0
        .fault(Fault::new("*", Kind::business("X", "x")).project("unlucky"));
    assert_eq!(oms.refused("DescribeProject", json!({"id": id})).0, "X");
    assert_eq!(
        oms.refused("ListProjects", json!({"searchKey": "unlucky"}))
            .0,
        "X"
    );
    assert_eq!(
        oms.refused("CreateProject", Oms::example_body("unlucky")).0,
        "X"
    );
    oms.data("ListProjects", json!({"searchKey": "lucky"}));
    assert!(oms.0.remove_fault(fault));
    oms.data("DescribeProject", json!({"id": id}));
    assert!(!oms.0.remove_fault(fault));
}

#[test]
fn a_project_may_be_listed_late_though_its_reply_is_lost_too() {
    let oms = Core::new();
    oms.0
        .fault(Fault::new("CreateProject", Kind::listed_late(secs(10))).times(1));
    oms.0.fault(
        Fault::new("CreateProject", Kind::Drop)
            .after_work()
            .times(1),
    );
    assert_eq!(create(&oms, "late").delivery, Delivery::Drop);
    let id = oms.0.projects()[0].id.clone();
    oms.advance(9);
    assert_eq!(oms.data("ListProjects", json!({})), json!([]));
    assert_eq!(
        oms.data("DescribeProject", json!({"id": id}))["name"],
        "late"
    );
    oms.advance(1);
    assert_eq!(oms.data("ListProjects", json!({}))[0]["id"], json!(id));
}

#[test]
fn a_project_may_be_shown_late_by_its_id_too() {
    let oms = Core::new();
    oms.0
        .fault(Fault::new("CreateProject", Kind::shown_late(secs(10))).times(1));
    let id = oms.create(Oms::example_body("late"));
    oms.advance(9);
    assert_eq!(oms.data("ListProjects", json!({})), json!([]));
    oms.refused("DescribeProject", json!({"id": id}));
    oms.refused("StartProject", json!({"id": id}));
    oms.advance(1);
    assert_eq!(oms.data("ListProjects", json!({}))[0]["id"], json!(id));
    oms.data("StartProject", json!({"id": id}));
}

#[test]
fn the_log_tells_who_asked_what_and_what_came_of_it() {
    let oms = Core::new();
    let id = oms.create(Oms::example_body("logged"));
    oms.data("ListProjects", json!({"searchKey": "log", "pageNumber": 1}));
    oms.refused("StopProject", json!({"id": id}));
    oms.0
        .fault(Fault::new("StartProject", Kind::Hang).after_work());
    oms.0.handle(
        "StartProject",
        Some(BASIC),
        json!({"id": id}).to_string().as_bytes(),
    );
    let calls = oms.0.calls();
    assert_eq!(
        calls.iter().map(|call| call.number).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert_eq!(calls[0].project_id.as_ref(), Some(&id));
    assert_eq!(calls[0].project_name.as_deref(), Some("logged"));
    assert_eq!(
        (&calls[0].outcome, calls[0].user.as_deref()),
        (&Outcome::Success, Some("admin"))
    );
    assert_eq!(calls[1].search_key.as_deref(), Some("log"));
    assert_eq!(calls[1].page_number, Some(1));
    assert!(
        matches!(&calls[2].outcome, Outcome::Refused { code, .. } if code == "GHANA-OPERAT000002")
    );
    assert_eq!(calls[2].project_name.as_deref(), Some("logged"));
    assert_eq!(calls[3].outcome, Outcome::Fault { fault: "hang" });
    assert!(calls[3].worked);
    assert_eq!(oms.0.count("StartProject"), 1);
    oms.0.clear_calls();
    assert_eq!((oms.0.calls().len(), oms.0.count("StartProject")), (0, 0));
    oms.data("ListProjects", Value::Object(Default::default()));
    assert_eq!(oms.0.calls()[0].number, 5);
}

#[test]
fn a_delay_moves_no_clock() {
    let oms = Core::new();
    oms.0.fault(Fault::new("*", Kind::delay(secs(1))));
    oms.0
        .fault(Fault::new("*", Kind::delay(Duration::from_millis(500))).after_work());
    let before = oms.0.clock().now();
    assert_eq!(create(&oms, "slow").delay, Duration::from_millis(1500));
    assert_eq!(oms.0.clock().now(), before);
}
