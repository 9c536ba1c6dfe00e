//! The admin API: every handle over HTTP.

use oms_simulator::{Admin, Config, Oms, Simulator, Tls};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{DEADLINE, admin, call, data, send, server_name, simulator, trusting};

#[tokio::test]
async fn projects_are_planted_changed_and_taken_away() {
    let oms = simulator().await;
    let (status, planted) = admin(
        &oms,
        "POST",
        "/projects",
        Some(json!({"name": "p", "status": "RUNNING"})),
    )
    .await;
    assert_eq!(status, 200);
    let id = planted["id"].as_str().unwrap();
    let (_, list) = admin(&oms, "GET", "/projects", None).await;
    assert_eq!(
        (&list[0]["id"], &list[0]["status"]),
        (&planted["id"], &json!("RUNNING"))
    );
    let patch = json!({"name": "q", "status": "FAILED", "lag": 90});
    let (_, patched) = admin(&oms, "PATCH", "/projects/p", Some(patch)).await;
    assert_eq!(
        (&patched["name"], &patched["status"]),
        (&json!("q"), &json!("FAILED"))
    );
    assert_eq!(admin(&oms, "GET", "/projects/p", None).await.0, 404);
    assert_eq!(
        admin(&oms, "PATCH", "/projects/q", Some(json!({"x": 1})))
            .await
            .0,
        422
    );
    admin(
        &oms,
        "POST",
        "/projects",
        Some(json!({"name": "q", "status": "INIT"})),
    )
    .await;
    assert_eq!(admin(&oms, "GET", "/projects/q", None).await.0, 409);
    assert_eq!(
        admin(&oms, "DELETE", &format!("/projects/{id}"), None)
            .await
            .0,
        204
    );
    assert_eq!(oms.projects().len(), 1);
}

#[tokio::test]
async fn steps_fail_and_the_clock_moves() {
    let oms = simulator().await;
    oms.set_speed(0.0);
    let id = data(&oms, "CreateProject", Oms::example_body("p")).await;
    data(&oms, "StartProject", json!({"id": id})).await;
    let fail = json!({"step": "FULL_TRANSFER", "errors": [
        {"code": "C", "message": "full", "proposal": "free some"}]});
    assert_eq!(
        admin(&oms, "POST", "/projects/p/fail", Some(fail)).await.0,
        204
    );
    let wrong = json!({"step": "NO_STEP", "errors": []});
    assert_eq!(
        admin(&oms, "POST", "/projects/p/fail", Some(wrong)).await.0,
        422
    );
    let planned = json!({"step": "TRANSFER_PRECHECK", "errors": [
        {"code": "C", "message": "no grant", "proposal": "grant it"}]});
    assert_eq!(
        admin(&oms, "PUT", "/failures/q", Some(planned)).await.0,
        204
    );
    let planned = data(&oms, "CreateProject", Oms::example_body("q")).await;
    data(&oms, "StartProject", json!({"id": planned})).await;
    assert_eq!(
        admin(&oms, "POST", "/clock", Some(json!({"step": 20})))
            .await
            .1["speed"],
        0.0
    );
    assert_eq!(oms.project("p").unwrap().status, "RUNNING");
    assert_eq!(oms.project("q").unwrap().status, "FAILED");
    admin(
        &oms,
        "POST",
        "/clock",
        Some(json!({"step": 20, "speed": 2.0})),
    )
    .await;
    assert_eq!(oms.project("p").unwrap().status, "FAILED");
    assert_eq!(oms.clock().speed(), 2.0);
    let before = oms.clock().now().wall;
    admin(&oms, "POST", "/clock", Some(json!({"advance": 3600}))).await;
    assert!(oms.clock().now().wall.as_secs() >= before.as_secs() + 3600);
}

#[tokio::test]
async fn faults_are_injected_listed_and_ended() {
    let oms = simulator().await;
    let fault = json!({"action": "ListProjects", "kind": {"type": "http", "status": 503}});
    let (_, made) = admin(&oms, "POST", "/faults", Some(fault)).await;
    assert_eq!(
        call(&oms, "ListProjects", json!({}))
            .await
            .unwrap()
            .status(),
        503
    );
    let (_, list) = admin(&oms, "GET", "/faults", None).await;
    let id = made["id"].to_string();
    assert_eq!(list[&id]["kind"]["status"], 503);
    assert_eq!(
        admin(&oms, "DELETE", &format!("/faults/{id}"), None)
            .await
            .0,
        204
    );
    assert_eq!(
        admin(&oms, "DELETE", &format!("/faults/{id}"), None)
            .await
            .0,
        404
    );
    let wrong = json!({"action": "X", "kind": {"type": "explode"}});
    assert_eq!(admin(&oms, "POST", "/faults", Some(wrong)).await.0, 422);
    assert_eq!(admin(&oms, "DELETE", "/faults", None).await.0, 204);
    data(&oms, "ListProjects", json!({})).await;
}

#[tokio::test]
async fn gates_are_closed_watched_and_opened() {
    let oms = simulator().await;
    let hold = json!({"action": "CreateProject", "when": "AfterWork"});
    let (_, gate) = admin(&oms, "POST", "/gates", Some(hold)).await;
    let path = format!("/gates/{}", gate["id"]);
    assert_eq!(admin(&oms, "GET", &path, None).await.1["arrived"], 0);
    let caller = data(&oms, "CreateProject", Oms::example_body("held"));
    let watcher = async {
        let (_, seen) = admin(&oms, "GET", &format!("{path}?wait=30"), None).await;
        assert_eq!(seen["arrived"], 1);
        assert_eq!(
            admin(&oms, "GET", "/gates", None).await.1[0]["action"],
            "CreateProject"
        );
        assert_eq!(oms.projects_named("held").len(), 1);
        assert_eq!(admin(&oms, "DELETE", &path, None).await.0, 204);
    };
    timeout(DEADLINE, async { tokio::join!(caller, watcher) })
        .await
        .unwrap();
    assert_eq!(admin(&oms, "DELETE", &path, None).await.0, 404);
    admin(&oms, "POST", "/gates", Some(json!({"action": "*"}))).await;
    assert_eq!(admin(&oms, "DELETE", "/gates", None).await.0, 204);
    data(&oms, "ListProjects", json!({})).await;
}

#[tokio::test]
async fn calls_are_logged_counted_and_forgotten() {
    let oms = simulator().await;
    data(&oms, "ListProjects", json!({"searchKey": "x"})).await;
    let (_, calls) = admin(&oms, "GET", "/calls", None).await;
    assert_eq!(calls[0]["searchKey"], "x");
    assert_eq!(calls[0]["outcome"]["kind"], "success");
    let (_, counts) = admin(&oms, "GET", "/counts", None).await;
    assert_eq!(
        (&counts["ListProjects"], &counts["CreateProject"]),
        (&json!(1), &json!(0))
    );
    admin(&oms, "DELETE", "/calls", None).await;
    assert_eq!(admin(&oms, "GET", "/calls", None).await.1, json!([]));
}

#[tokio::test]
async fn users_sources_actions_and_forms_change_at_run_time() {
    let oms = simulator().await;
    let form = json!({"casing": "vendor-example"});
    assert_eq!(admin(&oms, "PUT", "/reply-form", Some(form)).await.0, 204);
    let reply = call(&oms, "ListProjects", json!({})).await.unwrap();
    assert!(reply.body().windows(9).any(|part| part == b"\"Success\""));
    admin(&oms, "PUT", "/reply-form", Some(json!({}))).await;
    admin(&oms, "PUT", "/unsupported", Some(json!(["ListProjects"]))).await;
    let reply = call(&oms, "ListProjects", json!({})).await.unwrap();
    assert!(String::from_utf8_lossy(reply.body()).contains("Unsupported action: ListProjects"));
    let source = json!({"id": "e_new", "name": "kafka-prod", "type": "KAFKA"});
    assert_eq!(
        admin(&oms, "POST", "/data-sources", Some(source)).await.0,
        204
    );
    let (_, sources) = admin(&oms, "GET", "/data-sources", None).await;
    assert_eq!(sources.as_array().unwrap().len(), 13);
    assert_eq!(
        admin(&oms, "DELETE", "/data-sources/e_new", None).await.0,
        204
    );
    assert_eq!(
        admin(&oms, "DELETE", "/data-sources/e_new", None).await.0,
        404
    );
    admin(
        &oms,
        "PUT",
        "/users/admin",
        Some(json!({"password": "other"})),
    )
    .await;
    assert_eq!(
        call(&oms, "ListDataSource", json!({}))
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(admin(&oms, "DELETE", "/users/admin", None).await.0, 204);
    assert_eq!(admin(&oms, "GET", "/ca", None).await.0, 404);
}

#[tokio::test]
async fn the_reference_is_served_and_the_authority_too() {
    let oms = simulator().await;
    let (status, help) = admin(&oms, "GET", "", None).await;
    assert_eq!(status, 200);
    assert!(help.as_str().unwrap().contains("POST /admin/faults"));
    let config = Config {
        tls: Some(Tls::new(&[]).unwrap()),
        ..Config::default()
    };
    let oms = Simulator::start(config).await.unwrap();
    let connector = trusting(oms.ca_pem().unwrap());
    let stream = tokio::net::TcpStream::connect(oms.address()).await.unwrap();
    let stream = connector
        .connect(server_name("localhost"), stream)
        .await
        .unwrap();
    let request = http::Request::get("/admin/ca")
        .header("host", "oms")
        .body(http_body_util::Full::default())
        .unwrap();
    let reply = send(stream, request).await.unwrap();
    assert_eq!(reply.body(), oms.ca_pem().unwrap().as_bytes());
}

#[tokio::test]
async fn the_admin_api_can_be_closed() {
    let config = Config {
        admin: Admin::Off,
        ..Config::default()
    };
    let oms = Simulator::start(config).await.unwrap();
    assert_eq!(admin(&oms, "GET", "/projects", None).await.0, 403);
    data(&oms, "ListProjects", json!({})).await;
}
