//! The network layer.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oms_simulator::{Config, Fault, Kind, Oms, Simulator, Tls};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{
    BASIC, DEADLINE, api, call, data, secs, send, server_name, simulator, trusting, vendor_example,
};

#[tokio::test]
async fn a_project_is_created_and_read_over_http() {
    let oms = simulator().await;
    assert_eq!(oms.url(), format!("http://{}", oms.address()));
    let id = data(&oms, "CreateProject", vendor_example()).await;
    let project = data(&oms, "DescribeProject", json!({"id": id})).await;
    assert_eq!(project["name"], "test");
    let reply = call(&oms, "ListProjects", json!({})).await.unwrap();
    assert_eq!(reply.headers().get_all("date").iter().count(), 1);
    assert_eq!(
        reply.headers()["content-type"],
        "application/json;charset=UTF-8"
    );
}

#[tokio::test]
async fn what_is_not_the_api_is_refused_by_http_status() {
    let oms = simulator().await;
    let request = |method: &str, path: &str, kind: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "oms")
            .header("authorization", BASIC)
            .header("content-type", kind)
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap()
    };
    let json = "application/json";
    for (request, status) in [
        (request("POST", "/api/v1?Action=ListProjects", json), 404),
        (request("GET", "/api/v2?Action=ListProjects", json), 405),
        (
            request("POST", "/api/v2?Action=ListProjects", "text/plain"),
            415,
        ),
        (
            request("POST", "/api/v2?x=y&Action=ListProjects", json),
            200,
        ),
    ] {
        let stream = TcpStream::connect(oms.address()).await.unwrap();
        assert_eq!(send(stream, request).await.unwrap().status(), status);
    }
    assert_eq!(oms.count("ListProjects"), 1);
}

#[tokio::test]
async fn a_dropped_reply_closes_the_connection_without_a_byte() {
    let oms = simulator().await;
    oms.fault(
        Fault::new("CreateProject", Kind::Drop)
            .after_work()
            .times(1),
    );
    let lost = call(&oms, "CreateProject", Oms::example_body("lost")).await;
    assert!(lost.unwrap_err().is_incomplete_message());
    assert_eq!(oms.projects_named("lost").len(), 1);
}

#[tokio::test]
async fn a_hanging_call_holds_up_nobody_else() {
    let oms = simulator().await;
    oms.fault(
        Fault::new("CreateProject", Kind::Hang)
            .after_work()
            .times(1),
    );
    let hanging = call(&oms, "CreateProject", Oms::example_body("hanging"));
    let others = async {
        let made = |oms: &Oms| oms.projects_named("hanging").len() == 1;
        assert!(oms.wait_until(DEADLINE, made).await);
        data(&oms, "ListProjects", json!({})).await
    };
    tokio::select! {
        reply = hanging => panic!("the hanging call was answered: {reply:?}"),
        list = others => assert_eq!(list[0]["name"], "hanging"),
    }
}

#[tokio::test]
async fn a_delayed_call_does_its_work_only_then() {
    let oms = simulator().await;
    // Far longer than the deadline: the call is given up, not waited for.
    oms.fault(Fault::new("CreateProject", Kind::delay(secs(3600))).times(1));
    let delayed = call(&oms, "CreateProject", Oms::example_body("delayed"));
    tokio::select! {
        reply = delayed => panic!("the delayed call was answered: {reply:?}"),
        arrived = oms.wait_until(DEADLINE, |oms| oms.count("CreateProject") == 1) => assert!(arrived),
    }
    assert!(oms.projects().is_empty());
    oms.fault(Fault::new("CreateProject", Kind::delay(secs(0))).times(1));
    data(&oms, "CreateProject", Oms::example_body("delayed")).await;
}

#[tokio::test]
async fn http_faults_carry_their_headers() {
    let oms = simulator().await;
    oms.fault(Fault::new("*", Kind::too_many_requests(secs(7))).times(1));
    let reply = call(&oms, "ListProjects", json!({})).await.unwrap();
    assert_eq!(reply.status(), 429);
    assert_eq!(reply.headers()["retry-after"], "7");
    oms.fault(Fault::new("*", Kind::http(9)).times(1));
    let impossible = call(&oms, "ListProjects", json!({})).await.unwrap();
    assert_eq!(impossible.status(), 500);
}

#[tokio::test]
async fn https_is_trusted_by_its_own_authority_and_by_no_other() {
    let oms = Simulator::start(Config {
        tls: Some(Tls::new(&["oms.example.com"]).unwrap()),
        ..Config::default()
    })
    .await
    .unwrap();
    assert!(oms.url().starts_with("https://127.0.0.1:"));
    let connector = trusting(oms.ca_pem().unwrap());
    for name in ["localhost", "127.0.0.1", "oms.example.com"] {
        let stream = TcpStream::connect(oms.address()).await.unwrap();
        let stream = connector.connect(server_name(name), stream).await.unwrap();
        let reply = send(stream, api("ListProjects", &json!({}))).await.unwrap();
        assert_eq!(reply.status(), 200, "{name}");
    }
    let stream = TcpStream::connect(oms.address()).await.unwrap();
    assert!(
        connector
            .connect(server_name("other.example.com"), stream)
            .await
            .is_err()
    );
    let stranger = trusting(Tls::new(&[]).unwrap().ca_pem());
    let stream = TcpStream::connect(oms.address()).await.unwrap();
    assert!(
        stranger
            .connect(server_name("localhost"), stream)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_outage_leaves_the_state_and_the_port() {
    let oms = simulator().await;
    data(&oms, "CreateProject", Oms::example_body("kept")).await;
    let (core, address) = (oms.oms().clone(), oms.address());
    timeout(DEADLINE, oms.stop()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    let oms = Simulator::serve(core, address).await.unwrap();
    let list = data(&oms, "ListProjects", json!({})).await;
    assert_eq!(list[0]["name"], "kept");
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_connections() {
    let oms = simulator().await;
    oms.fault(Fault::new("*", Kind::Hang));
    let core = oms.oms().clone();
    let stream = TcpStream::connect(oms.address()).await.unwrap();
    let hanging = tokio::spawn(send(stream, api("ListProjects", &json!({}))));
    assert!(
        core.wait_until(DEADLINE, |oms| oms.count("ListProjects") == 1)
            .await
    );
    drop(oms);
    let ended = timeout(DEADLINE, hanging).await.unwrap().unwrap();
    assert!(ended.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let oms = simulator().await;
    let config = Config {
        listen: oms.address(),
        ..Config::default()
    };
    let error = Simulator::start(config).await.err().unwrap().to_string();
    assert!(error.contains(&oms.address().to_string()), "{error}");
}

#[tokio::test]
async fn wait_until_gives_up_at_its_deadline() {
    let oms = simulator().await;
    assert!(!oms.wait_until(secs(0), |_| false).await);
    assert!(oms.wait_until(DEADLINE, |_| true).await);
    assert_eq!(oms.projects(), []);
    let none: Vec<Value> = Vec::new();
    assert_eq!(data(&oms, "ListProjects", json!({})).await, json!(none));
}
