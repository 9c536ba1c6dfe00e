//! Envelope, credentials, forms.

use oms_simulator::{
    Casing, CheckpointForm, Clock, CodeForm, Config, CostForm, Oms, Outcome, ReplyForm,
    Unauthorized,
};
use serde_json::{Value, json};

use crate::support::{BASIC, Core, START};

#[test]
fn the_envelope_has_every_documented_field_and_a_fresh_request_id() {
    let oms = Core::new();
    let replies = [0, 1].map(|_| oms.call("ListProjects", json!({})));
    for key in [
        "success",
        "errorDetail",
        "code",
        "message",
        "advice",
        "requestId",
        "pageNumber",
        "pageSize",
        "totalCount",
        "cost",
        "data",
    ] {
        assert!(replies[0].get(key).is_some(), "no {key}");
    }
    assert_ne!(replies[0]["requestId"], replies[1]["requestId"]);
    let refused = oms.call("DescribeProject", json!({"id": "np_none"}));
    assert_eq!(refused["errorDetail"]["level"], "ERROR");
    assert_eq!(refused["errorDetail"]["proposal"], refused["advice"]);
}

#[test]
fn a_reply_carries_the_date_of_omss_own_clock() {
    let oms = Core::new();
    oms.advance(61);
    let reply = oms.0.handle("ListProjects", Some(BASIC), b"");
    let date = (
        "date".to_owned(),
        "Wed, 01 Jan 2025 00:01:01 GMT".to_owned(),
    );
    assert!(reply.headers.contains(&date), "{:?}", reply.headers);
}

#[test]
fn an_unknown_action_is_refused_in_words() {
    let oms = Core::new();
    let (_, message) = oms.refused("AdvanceProject", json!({}));
    assert_eq!(message, "Unsupported action: AdvanceProject");
    oms.0.unsupported(["ListProjects"]);
    assert_eq!(
        oms.refused("ListProjects", json!({})).1,
        "Unsupported action: ListProjects"
    );
    oms.create(Oms::example_body("still-known"));
    oms.0.unsupported([]);
    oms.data("ListProjects", json!({}));
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let oms = Core::new();
    for body in ["{", "[]", "null", "\"x\""] {
        let reply = oms.0.handle("ListProjects", Some(BASIC), body.as_bytes());
        assert_eq!(reply.json().unwrap()["code"], "PARAM_ERROR", "{body}");
    }
}

#[test]
fn wrong_credentials_are_refused_before_any_work() {
    let oms = Core::new();
    let body = Oms::example_body("denied").to_string();
    for wrong in [
        None,
        Some("Bearer abc"),
        Some("Basic !!"),
        Some("Basic YWRtaW46d3Jvbmc="),
        Some("YWRtaW46YWRtaW4tcGFzc3dvcmQ="),
    ] {
        let reply = oms.0.handle("CreateProject", wrong, body.as_bytes());
        assert_eq!(reply.status, 401, "{wrong:?}");
        assert!(
            reply
                .headers
                .iter()
                .any(|(name, _)| name == "www-authenticate")
        );
    }
    assert!(oms.0.projects().is_empty());
    assert!(
        oms.0
            .calls()
            .iter()
            .all(|call| call.outcome == Outcome::Unauthorized)
    );
}

#[test]
fn a_password_can_change_at_run_time() {
    let oms = Core::new();
    oms.0.set_password("admin", "rotated");
    assert_eq!(oms.0.handle("ListProjects", Some(BASIC), b"{}").status, 401);
    // admin:rotated
    let rotated = oms
        .0
        .handle("ListProjects", Some("basic YWRtaW46cm90YXRlZA=="), b"{}");
    assert_eq!(rotated.status, 200);
    assert_eq!(oms.0.calls()[1].user.as_deref(), Some("admin"));
    oms.0.remove_user("admin");
    let gone = oms
        .0
        .handle("ListProjects", Some("Basic YWRtaW46cm90YXRlZA=="), b"{}");
    assert_eq!(gone.status, 401);
}

#[test]
fn wrong_credentials_can_look_otherwise() {
    for (form, status) in [(Unauthorized::Http403, 403), (Unauthorized::Envelope, 200)] {
        let config = Config {
            unauthorized: form,
            ..Config::default()
        };
        let oms = Oms::with_clock(config, Clock::manual(START));
        let reply = oms.handle("ListProjects", None, b"{}");
        assert_eq!(reply.status, status);
        assert_eq!(reply.json().unwrap()["success"], false);
    }
}

#[test]
fn every_form_of_reply_can_be_chosen_at_run_time() {
    let oms = Core::new();
    let id = oms.started(Oms::example_body("formed"));
    oms.advance(100);
    oms.0.set_reply_form(ReplyForm {
        casing: Casing::PascalEnvelope,
        code: CodeForm::Number,
        cost: CostForm::Number,
        checkpoint: CheckpointForm::Text,
    });
    let reply = oms.call("DescribeProjectProgress", json!({"id": id}));
    assert_eq!(
        (&reply["Code"], &reply["Message"]),
        (&json!(200), &json!("successful"))
    );
    assert_eq!(reply["Cost"], 1);
    assert!(reply["Data"]["incrSyncCheckpoint"].is_string());
    oms.0.set_reply_form(ReplyForm {
        casing: Casing::Pascal,
        code: CodeForm::Text,
        ..ReplyForm::default()
    });
    let reply = oms.call("DescribeProjectProgress", json!({"id": id}));
    assert_eq!(reply["Code"], "200");
    assert!(reply["Data"]["IncrSyncCheckpoint"].is_u64());
    let refused = oms.call("DescribeProject", json!({"id": "np_none"}));
    assert_eq!(refused["ErrorDetail"]["Code"], "GHANA-PROJECT000001");
}

#[test]
fn the_vendors_form_succeeds_beside_an_error_code() {
    let oms = Core::new();
    oms.0.set_reply_form(ReplyForm {
        casing: Casing::VendorExample,
        ..ReplyForm::default()
    });
    let reply = oms.call("CreateProject", Oms::example_body("vendor"));
    assert_eq!(
        (&reply["Success"], &reply["Code"]),
        (&json!(true), &json!("INNER_ERROR"))
    );
    assert_eq!(reply["Data"], json!(oms.0.projects()[0].id));
    let refused = oms.call("CreateProject", json!({}));
    assert_eq!(
        (&refused["Success"], &refused["Code"]),
        (&json!(false), &json!("PARAM_ERROR"))
    );
}

#[test]
fn one_seed_gives_one_history() {
    let history = || {
        let oms = Core::new();
        let id = oms.started(Oms::example_body("same"));
        oms.advance(30);
        (id.clone(), oms.call("DescribeProject", json!({"id": id})))
    };
    let (first, second): ((String, Value), _) = (history(), history());
    assert_eq!(first, second);
}
