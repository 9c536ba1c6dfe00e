//! Laws of the client over a transport that is made up: which replies mean what, for every reply there is.

use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const PASSWORD: &str = "planted-password";

fn settings() -> Settings {
    let credentials = Credentials::new("planted-user", PASSWORD).unwrap();
    Settings::new(
        BaseUrl::parse("http://oms.example:8089").unwrap(),
        credentials,
    )
}

fn over<F>(answer: F) -> Client
where
    F: Fn(Request<Bytes>) -> Result<Response<Bytes>, TransportError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let service = tower::service_fn(move |request| ready(answer(request)));
    Client::with_transport(settings(), Transport::new(service))
}

fn answering(status: u16, body: impl Into<Bytes>) -> Client {
    let body: Bytes = body.into();
    over(move |_| {
        Ok(Response::builder()
            .status(status)
            .body(body.clone())
            .unwrap())
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn create(client: &Client) -> Outcome<String> {
    run(client.create_project(&Map::new()))
}

/// All three mutations, by name.
fn mutate(client: &Client, action: Action) -> Outcome<()> {
    match action {
        Action::CreateProject => match create(client) {
            Outcome::Done(_) => Outcome::Done(()),
            Outcome::NotDone(error) => Outcome::NotDone(error),
            Outcome::Unknown(error) => Outcome::Unknown(error),
        },
        Action::StartProject => run(client.start_project("np_1")),
        Action::DeleteProject => run(client.delete_project("np_1")),
        read => panic!("{read} is no mutation"),
    }
}

#[test]
fn the_vendors_response_is_done_with_its_id() {
    let body: &[u8] = include_bytes!("../../tests/fixtures/oms/createproject-response.json");
    assert!(matches!(create(&answering(200, body)), Outcome::Done(id) if id == "np_****"));
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
fn start_and_delete_are_certain_about_a_project_that_is_not_there() {
    let client = answering(200, r#"{"success":false,"code":"GHANA-PROJECT000001"}"#);
    for action in [Action::StartProject, Action::DeleteProject] {
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

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_own_limit_by_tokios_clock() {
    let silent = tower::service_fn(|_: Request<Bytes>| pending());
    let client = Client::with_transport(settings(), Transport::new(silent));
    let start = tokio::time::Instant::now();
    let outcome = client.create_project(&Map::new()).await;
    assert_eq!(start.elapsed().as_secs(), 60);
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if *error.problem() == Problem::TimedOut(Duration::from_secs(60)))
    );
    let start = tokio::time::Instant::now();
    client
        .list_projects(&ListProjects::new())
        .await
        .unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[test]
fn a_request_is_what_the_api_documents() {
    let seen: Arc<Mutex<Vec<Request<Bytes>>>> = Arc::default();
    let log = seen.clone();
    let client = over(move |request| {
        log.lock().unwrap().push(request);
        Ok(Response::new(Bytes::from_static(
            br#"{"success":true,"data":"np_1"}"#,
        )))
    });
    let body = Map::from_iter([("name".to_owned(), json!("shop"))]);
    let _ = run(client.create_project(&body));
    let requests = seen.lock().unwrap();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "http://oms.example:8089/api/v2?Action=CreateProject"
    );
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(
        request.headers()["authorization"],
        "Basic cGxhbnRlZC11c2VyOnBsYW50ZWQtcGFzc3dvcmQ="
    );
    assert_eq!(
        request.extensions().get::<Action>(),
        Some(&Action::CreateProject)
    );
    assert_eq!(request.body(), r#"{"name":"shop"}"#);
    assert!(!format!("{request:?}").contains("cGxhbnRlZ"));
}

#[test]
fn an_error_says_what_oms_said_without_the_account() {
    let body = json!({"success": false, "code": "PARAM_ERROR", "message": format!("bad\n{PASSWORD} for planted-user"),
        "advice": "rename it", "requestId": "R1"});
    let outcome = create(&answering(200, body.to_string()));
    let error = outcome.error().unwrap();
    assert_eq!(
        error.to_string(),
        "CreateProject: OMS answered with an error: PARAM_ERROR: bad [redacted] for [redacted] (request id R1)"
    );
    assert_eq!(
        (error.code(), error.advice(), error.request_id()),
        (Some("PARAM_ERROR"), Some("rename it"), Some("R1"))
    );
    let page = create(&answering(502, format!("<html>{PASSWORD}</html>")));
    assert_eq!(
        page.error().unwrap().to_string(),
        "CreateProject: answered with HTTP 502"
    );
    assert!(!format!("{outcome:?} {page:?}").contains("planted"));
}

#[test]
fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (value, date, expected) in [
        ("7", None, Some(7)),
        ("99999999999999999999999", None, Some(86_400)),
        ("Sun, 06 Nov 1994 08:49:47 GMT", Some(date), Some(10)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(date), Some(0)),
        ("Sun, 06 Nov 1994 08:49:47 GMT", None, None),
        ("soon", Some(date), None),
        ("-1", Some(date), None),
        ("", Some(date), None),
    ] {
        let client = over(move |_| {
            let mut reply = Response::builder().status(429).header("retry-after", value);
            if let Some(date) = date {
                reply = reply.header("date", date);
            }
            Ok(reply.body(Bytes::new()).unwrap())
        });
        let error = run(client.list_projects(&ListProjects::new())).unwrap_err();
        assert_eq!(
            error.retry_after(),
            expected.map(Duration::from_secs),
            "{value}"
        );
    }
}

#[test]
fn a_list_tells_omss_clock_and_never_takes_unknown_for_absent() {
    let client = over(|_| {
        let body = r#"{"success":true,"pageNumber":1,"pageSize":150,"totalCount":"1","data":[{"id":"np_1"}]}"#;
        Ok(Response::builder()
            .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .body(body.into())
            .unwrap())
    });
    let walk = run(client.walk_projects(&ListProjects::new(), 10)).unwrap();
    assert_eq!((walk.items.len(), walk.calls), (1, 1));
    assert_eq!(
        walk.server_date.unwrap().to_string(),
        "1994-11-06T08:49:37Z"
    );

    for (body, ok) in [
        (r#"{"success":true,"data":[]}"#, true),
        (r#"{"success":true,"data":null,"totalCount":0}"#, true),
        (r#"{"success":true,"data":null,"totalCount":3}"#, false),
        (r#"{"success":true,"data":{}}"#, false),
        (r#"{"success":true,"data":[{"name":"shop"}]}"#, false),
        (r#"{"success":true,"data":[null]}"#, false),
    ] {
        assert_eq!(
            run(answering(200, body).list_projects(&ListProjects::new())).is_ok(),
            ok,
            "{body}"
        );
    }
    for body in [
        r#"{"success":true,"data":null}"#,
        r#"{"success":true,"data":{"id":"np_2"}}"#,
    ] {
        let error = run(answering(200, body).describe_project("np_1")).unwrap_err();
        assert_eq!(error.class(), Class::Unreadable, "{body}");
    }
}

#[test]
fn an_observer_is_told_of_every_call() {
    #[derive(Default)]
    struct Log(Mutex<Vec<(Action, &'static str)>>);
    impl Observe for Log {
        fn call(&self, action: Action, outcome: &'static str, seconds: f64) {
            assert!(seconds >= 0.0);
            self.0.lock().unwrap().push((action, outcome));
        }
    }
    let log = Arc::new(Log::default());
    let settings = Settings {
        observer: Some(log.clone()),
        ..settings()
    };
    let service = tower::service_fn(|_: Request<Bytes>| {
        ready(Ok(Response::new(Bytes::from_static(
            br#"{"success":false,"code":"PARAM_ERROR"}"#,
        ))))
    });
    let client = Client::with_transport(settings, Transport::new(service));
    let _ = create(&client);
    let _ = run(client.describe_project("np_1"));
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            (Action::CreateProject, "not_done"),
            (Action::DescribeProject, "rejected")
        ]
    );
}

/// A reply as OMS or something before it might send it.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    success: Option<Value>,
    code: Option<&'static str>,
    detail: Option<&'static str>,
    message: Option<&'static str>,
    data: Value,
    pascal: bool,
}

impl Reply {
    fn body(&self) -> String {
        let name = |key: &str| {
            let mut key = key.to_owned();
            if self.pascal {
                key[..1].make_ascii_uppercase();
            }
            key
        };
        let mut map = Map::new();
        map.extend(self.success.clone().map(|v| (name("success"), v)));
        map.extend(self.code.map(|v| (name("code"), v.into())));
        map.extend(self.message.map(|v| (name("message"), v.into())));
        map.extend(
            self.detail
                .map(|v| (name("errorDetail"), json!({ name("code"): v }))),
        );
        map.insert(name("data"), self.data.clone());
        Value::Object(map).to_string()
    }

    /// The rule in other words than the code's: all the ways in which "not done" may be said.
    fn may_be_not_done(&self, action: Action) -> bool {
        let says_true =
            matches!(&self.success, Some(v) if *v == json!(true) || *v == json!("true"));
        let says_false =
            matches!(&self.success, Some(v) if *v == json!(false) || *v == json!("false"));
        let unsupported = says_false
            && self.message == Some("Unsupported action: CreateProject")
            && action == Action::CreateProject;
        let codes: Vec<&str> = self.code.into_iter().chain(self.detail).collect();
        let refuses = |code: &&str| {
            *code == "PARAM_ERROR"
                || (*code == "GHANA-PROJECT000001" && action != Action::CreateProject)
        };
        let failed_inside = codes.iter().any(|code| {
            ["INNER", "GHANA-OPERAT", "CM-"]
                .iter()
                .any(|start| code.starts_with(start))
        });
        if self.status == 408 || self.status >= 500 || self.status < 200 || says_true {
            return false;
        }
        let by_status = [
            300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 413, 415, 429,
        ]
        .contains(&self.status);
        unsupported
            || (by_status && !failed_inside)
            || (says_false && !codes.is_empty() && codes.iter().all(refuses))
    }
}

fn replies() -> impl Strategy<Value = Reply> {
    let code = || {
        prop::option::of(prop::sample::select(vec![
            "PARAM_ERROR",
            "INNER_ERROR",
            "GHANA-PROJECT000001",
            "GHANA-OPERAT000001",
            "CM-RES1",
            "PARAM_ERROR_2",
            "param_error",
            "200",
            "NEW",
        ]))
    };
    let status = prop::sample::select(vec![
        200, 201, 204, 206, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407,
        408, 409, 410, 413, 415, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599,
    ]);
    let success = prop::option::of(prop::sample::select(vec![
        json!(true),
        json!(false),
        json!("true"),
        json!("false"),
        json!(null),
        json!(0),
        json!("no"),
    ]));
    let message = prop::option::of(prop::sample::select(vec![
        "Unsupported action: CreateProject",
        "Unsupported action: DropProject",
        "no",
        "",
    ]));
    let data = prop::sample::select(vec![
        json!("np_1"),
        json!(null),
        json!(""),
        json!({"id": "np_1"}),
        json!([]),
    ]);
    (
        status,
        success,
        code(),
        code(),
        message,
        data,
        any::<bool>(),
    )
        .prop_map(
            |(status, success, code, detail, message, data, pascal)| Reply {
                status,
                success,
                code,
                detail,
                message,
                data,
                pascal,
            },
        )
}

fn mutations() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::CreateProject,
        Action::StartProject,
        Action::DeleteProject,
    ])
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9T:.+-]{0,24}".prop_map(Value::from),
    ];
    let keys = prop_oneof![
        prop::sample::select(vec![
            "success",
            "Success",
            "code",
            "errorDetail",
            "message",
            "data",
            "Data",
            "id",
            "Id",
            "steps",
            "labels",
            "gmtCreate",
            "order",
            "progress",
            "extraInfo",
            "stepInfo",
            "totalCount",
            "pageSize",
            "requestId",
        ])
        .prop_map(String::from),
        ".{0,6}",
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(keys.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_reply_but_the_listed_ones_proves_that_nothing_was_done(reply in replies(), action in mutations()) {
        let outcome = mutate(&answering(reply.status, reply.body()), action);
        let done = (200..300).contains(&reply.status)
            && matches!(&reply.success, Some(v) if *v == json!(true) || *v == json!("true"))
            && (action != Action::CreateProject || reply.data == json!("np_1"));
        let expected = if done {
            "done"
        } else if reply.may_be_not_done(action) {
            "not_done"
        } else {
            "unknown"
        };
        prop_assert_eq!(outcome.as_str(), expected);
    }

    #[test]
    fn no_json_makes_any_call_panic_or_a_status_say_too_much(
        status in 200_u16..600, mut body in json_value(), wrap in any::<bool>(), action in mutations(),
    ) {
        if wrap {
            body = json!({"success": true, "data": body});
        }
        let client = answering(status, body.to_string());
        let outcome = mutate(&client, action);
        if status >= 500 || status == 408 {
            prop_assert_eq!(outcome.as_str(), "unknown");
        }
        if let Outcome::NotDone(error) = &outcome {
            prop_assert!(codes::status_refuses(status) || error.code().is_some() || error.is_unsupported());
        }
        let _ = run(client.describe_project("np_1"));
        let _ = run(client.walk_projects(&ListProjects::new(), 3));
        let _ = run(client.walk_data_sources(&ListDataSources::new(), 3));
    }

    #[test]
    fn bytes_that_are_no_json_are_never_a_success(status in 200_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assume!(serde_json::from_slice::<Value>(&body).is_err());
        let expected = if codes::status_refuses(status) { "not_done" } else { "unknown" };
        let outcome = create(&answering(status, body));
        prop_assert_eq!(outcome.as_str(), expected);
    }
}
