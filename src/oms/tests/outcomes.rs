//! Which replies mean what, by example.

use serde_json::json;

use super::*;

#[test]
fn the_vendors_response_is_done_with_its_id() {
    let body: &[u8] = include_bytes!("../../../tests/fixtures/oms/createproject-response.json");
    assert!(matches!(create(&answering(200, body)), Outcome::Done(id, _) if id == "np_****"));
}

#[test]
fn every_documented_reply_to_a_create_has_its_outcome() {
    let failed = |code: &str| json!({"success": false, "code": code, "message": "no"});
    for (status, body, outcome, class) in [
        (200, failed("PARAM_ERROR"), "not_done", Class::Rejected),
        (
            200,
            json!({"Success": false, "ErrorDetail": {"Code": "PARAM_ERROR\n"}}),
            "not_done",
            Class::Rejected,
        ),
        (
            200,
            json!({"success": false, "message": "Unsupported action: CreateProject"}),
            "not_done",
            Class::Unsupported,
        ),
        (200, failed("INNER_ERROR"), "unknown", Class::Transient),
        (
            200,
            failed("GHANA-OPERAT000001"),
            "unknown",
            Class::Transient,
        ),
        (200, failed("CM-RESOAT1111"), "unknown", Class::Transient),
        (200, failed("SOMETHING_NEW"), "unknown", Class::Transient),
        (200, json!({"success": false}), "unknown", Class::Transient),
        // About a project that this call was to make, the code could come from reading it back.
        (
            200,
            failed("GHANA-PROJECT000001"),
            "unknown",
            Class::NotFound,
        ),
        // The new code names the cause; it is no refusal, so the pair is none.
        (
            200,
            json!({"success": false, "code": "PARAM_ERROR", "errorDetail": {"code": "CM-RES1"}}),
            "unknown",
            Class::Rejected,
        ),
        (
            200,
            json!({"success": true, "data": null}),
            "unknown",
            Class::Unreadable,
        ),
        (
            200,
            json!({"success": true, "data": {"id": "np_1"}}),
            "unknown",
            Class::Unreadable,
        ),
        (
            200,
            json!({"success": true, "data": "two words"}),
            "unknown",
            Class::Unreadable,
        ),
        (200, json!({"data": "np_1"}), "unknown", Class::Unreadable),
        (
            200,
            json!({"code": "PARAM_ERROR"}),
            "unknown",
            Class::Unreadable,
        ),
        (200, json!([]), "unknown", Class::Unreadable),
        (400, failed("SOMETHING_NEW"), "not_done", Class::Rejected),
        (400, failed("INNER_ERROR"), "unknown", Class::Transient),
        (
            400,
            json!({"success": true, "data": "np_1"}),
            "unknown",
            Class::Rejected,
        ),
        (
            302,
            json!({"success": true, "data": "np_1"}),
            "unknown",
            Class::Unreadable,
        ),
        (
            401,
            json!({"error": "Unauthorized"}),
            "not_done",
            Class::Auth,
        ),
        (403, failed("NO_RIGHT"), "not_done", Class::Auth),
        (404, json!(null), "not_done", Class::Unreadable),
        (405, json!(null), "not_done", Class::Unreadable),
        (407, json!(null), "unknown", Class::Auth),
        (408, failed("PARAM_ERROR"), "unknown", Class::Rejected),
        (409, json!(null), "unknown", Class::Unreadable),
        (409, failed("PARAM_ERROR"), "not_done", Class::Rejected),
        (413, json!(null), "not_done", Class::Rejected),
        (415, json!(null), "not_done", Class::Rejected),
        (429, json!(null), "not_done", Class::Throttled),
        (500, failed("PARAM_ERROR"), "unknown", Class::Rejected),
        (
            500,
            json!({"success": false, "message": "Unsupported action: CreateProject"}),
            "unknown",
            Class::Unsupported,
        ),
        (
            500,
            json!({"success": true, "data": "np_1"}),
            "unknown",
            Class::Transient,
        ),
        (503, json!(null), "unknown", Class::Transient),
    ] {
        let result = create(&answering(status, body.to_string()));
        let error = result.error().unwrap();
        assert_eq!(
            (result.as_str(), error.class()),
            (outcome, class),
            "HTTP {status} {body}"
        );
        assert_eq!(error.status(), Some(status));
        assert!(error.advice().is_some(), "HTTP {status} {body}");
    }
    for page in [
        "<html>Sign in</html>",
        "",
        "{\"success\":true,\"data\":\"np_",
    ] {
        let result = create(&answering(200, page));
        assert_eq!(
            (result.as_str(), result.error().unwrap().class()),
            ("unknown", Class::Unreadable)
        );
        assert_eq!(create(&answering(302, page)).as_str(), "not_done");
    }
}

#[test]
fn every_change_is_certain_about_a_project_that_is_not_there() {
    let client = answering(200, r#"{"success":false,"code":"GHANA-PROJECT000001"}"#);
    for action in [
        Action::StartProject,
        Action::StopProject,
        Action::ResumeProject,
        Action::ReleaseProject,
        Action::DeleteProject,
    ] {
        let outcome = mutate(&client, action);
        assert!(
            matches!(&outcome, Outcome::NotDone(error) if error.is_not_found()),
            "{outcome:?}"
        );
    }
    assert!(
        run(client.describe_project("np_1"))
            .unwrap_err()
            .is_not_found()
    );
    // A 404 of HTTP says something about the URL, nothing about the project.
    assert!(
        !run(answering(404, "").describe_project("np_1"))
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn a_broken_transport_is_not_done_only_if_it_never_connected() {
    let broken = over(|_| Err(TransportError::broken("reset")));
    assert_eq!(create(&broken).as_str(), "unknown");
    let never = over(|_| Err(TransportError::never_connected("refused")));
    let outcome = create(&never);
    assert!(matches!(&outcome, Outcome::NotDone(error) if !error.was_answered()));
    let source = std::error::Error::source(outcome.error().unwrap()).unwrap();
    assert_eq!(source.to_string(), "no connection was made");
}
