//! A core to call, and a client that hides nothing of HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use oms_simulator::{Clock, Config, Oms, Simulator};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// 2025-01-01T00:00:00Z.
pub const START: Duration = Duration::from_secs(1_735_689_600);
/// admin:admin-password.
pub const BASIC: &str = "Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ=";
/// Long enough for any machine; nothing waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn vendor_example() -> Value {
    serde_json::from_str(include_str!(
        "../../../../tests/fixtures/oms/createproject-request.json"
    ))
    .unwrap()
}

/// A core whose clock stands at [`START`].
pub struct Core(pub Oms);

impl Core {
    pub fn new() -> Self {
        let config = Config {
            seed: 1,
            ..Config::default()
        };
        Self(Oms::with_clock(config, Clock::manual(START)))
    }

    pub fn call(&self, action: &str, body: Value) -> Value {
        let reply = self
            .0
            .handle(action, Some(BASIC), body.to_string().as_bytes());
        assert_eq!(reply.status, 200);
        reply.json().unwrap()
    }

    /// The data of a call that must succeed.
    pub fn data(&self, action: &str, body: Value) -> Value {
        let reply = self.call(action, body);
        assert_eq!(reply["success"], true, "{action}: {reply}");
        assert_eq!(reply["code"], Value::Null);
        reply["data"].clone()
    }

    /// Code and message of a call that must be refused.
    pub fn refused(&self, action: &str, body: Value) -> (String, String) {
        let reply = self.call(action, body);
        assert_eq!(reply["success"], false, "{action}: {reply}");
        assert_eq!(reply["data"], Value::Null);
        assert_eq!(reply["errorDetail"]["code"], reply["code"]);
        let text = |key: &str| reply[key].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    pub fn create(&self, body: Value) -> String {
        self.data("CreateProject", body)
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn started(&self, body: Value) -> String {
        let id = self.create(body);
        self.data("StartProject", json!({"id": id}));
        id
    }

    pub fn status(&self, id: &str) -> String {
        let progress = self.data("DescribeProjectProgress", json!({"id": id}));
        progress["status"].as_str().unwrap().to_owned()
    }

    /// `(name, status, progress)` of every step.
    pub fn steps(&self, id: &str) -> Vec<(String, String, u64)> {
        let steps = self.data("DescribeProjectSteps", json!({"id": id}));
        let row = |step: &Value| {
            (
                step["name"].as_str().unwrap().to_owned(),
                step["status"].as_str().unwrap().to_owned(),
                step["progress"].as_u64().unwrap(),
            )
        };
        steps.as_array().unwrap().iter().map(row).collect()
    }

    pub fn step(&self, id: &str, name: &str) -> Value {
        let steps = self.data("DescribeProjectSteps", json!({"id": id}));
        let mut steps = steps.as_array().unwrap().iter();
        steps.find(|step| step["name"] == name).unwrap().clone()
    }

    pub fn advance(&self, by: u64) {
        self.0.clock().advance(secs(by));
    }
}

pub async fn simulator() -> Simulator {
    Simulator::start(Config::default()).await.unwrap()
}

/// One request on a connection of its own.
pub async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Bytes>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Response::from_parts(head, body))
}

pub fn api(action: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(format!("/api/v2?Action={action}"))
        .header("host", "oms")
        .header("authorization", BASIC)
        .header("content-type", "application/json")
        .body(Full::new(body.to_string().into()))
        .unwrap()
}

pub async fn call(oms: &Simulator, action: &str, body: Value) -> hyper::Result<Response<Bytes>> {
    let stream = TcpStream::connect(oms.address()).await.unwrap();
    send(stream, api(action, &body)).await
}

/// The data of a call that must succeed.
pub async fn data(oms: &Simulator, action: &str, body: Value) -> Value {
    let reply = call(oms, action, body).await.unwrap();
    let reply: Value = serde_json::from_slice(reply.body()).unwrap();
    assert_eq!(reply["success"], true, "{action}: {reply}");
    reply["data"].clone()
}

pub async fn admin(oms: &Simulator, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let stream = TcpStream::connect(oms.address()).await.unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/admin{path}"))
        .header("host", "oms")
        .header("content-type", "application/json")
        .body(Full::new(
            body.map_or_else(Bytes::new, |body| body.to_string().into()),
        ))
        .unwrap();
    let reply = send(stream, request).await.unwrap();
    let text = String::from_utf8(reply.body().to_vec()).unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (reply.status().as_u16(), value)
}

/// A client that trusts only `ca_pem`.
pub fn trusting(ca_pem: &str) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub fn server_name(name: &'static str) -> ServerName<'static> {
    ServerName::try_from(name).unwrap()
}
