//! What a call sends, how long it waits, and what it tells.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_own_limit_by_tokios_clock() {
    let silent = tower::service_fn(|_: Request<Bytes>| pending());
    let client =
        Client::with_transport(settings("http://oms.example:8089"), Transport::new(silent));
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
        ..settings("http://oms.example:8089")
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

#[test]
fn words_of_a_project_fit_into_a_status_and_its_name_stays() {
    let long = "W".repeat(300);
    let answer = json!({"success": true, "data": {
        "id": "np_1", "name": USERNAME, "status": long,
        "steps": [
            {"name": long, "status": format!("seen by {PASSWORD}\n")},
            {"name": "FULL_TRANSFER", "status": "RUNNING"},
        ],
    }});
    let client = answering(200, answer.to_string());
    let project = run(client.describe_project("np_1")).unwrap();
    assert_eq!(project.name.as_deref(), Some(USERNAME), "it is compared");
    for word in [&project.status, &project.steps[0].name] {
        assert_eq!(word.as_deref().map(|word| word.chars().count()), Some(256));
    }
    let said = project.steps[0].status.as_deref();
    assert_eq!(said, Some("seen by [redacted]"));
    let known = &project.steps[1];
    let known = (known.name.as_deref(), known.status.as_deref());
    assert_eq!(known, (Some("FULL_TRANSFER"), Some("RUNNING")));
}

#[test]
fn an_account_that_is_called_like_a_word_of_oms_does_not_hide_it() {
    let credentials = Credentials::new("RUNNING", PASSWORD).unwrap();
    let base = BaseUrl::parse("http://oms.example:8089").unwrap();
    let service = tower::service_fn(|_: Request<Bytes>| {
        ready(Ok(Response::new(Bytes::from_static(
            br#"{"success":true,"data":{"id":"np_1","status":"RUNNING"}}"#,
        ))))
    });
    let client = Client::with_transport(Settings::new(base, credentials), Transport::new(service));
    let project = run(client.describe_project("np_1")).unwrap();
    assert_eq!(project.status.as_deref(), Some("RUNNING"));
}
