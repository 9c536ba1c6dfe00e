//! The client over real sockets: what is surely never sent, and what may have arrived.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Map;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const PASSWORD: &str = "planted-password";
const USERNAME: &str = "planted-user";
const TOKEN: &str = "cGxhbnRlZC11c2VyOnBsYW50ZWQtcGFzc3dvcmQ=";
const DONE: &str = r#"{"success":true,"requestId":"R1","data":"np_1"}"#;

/// What a server does with a connection on which a whole request came.
#[derive(Clone)]
enum Then {
    /// Sends this and goes on with the connection.
    Reply(String),
    /// Sends this and closes.
    Last(String),
    /// Keeps the connection and says no (more) word.
    Hang(String),
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// A server on a port of its own; it counts connections and whole requests.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(then: Then) -> Server {
        Server::over(None, then).await
    }

    async fn over(tls: Option<TlsAcceptor>, then: Then) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (accepted, whole) = (connections.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (tls, then, whole) = (tls.clone(), then.clone(), whole.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, then, whole).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, then, whole).await;
                            }
                        }
                    }
                });
            }
        });
        Server {
            address,
            connections,
            requests,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    then: Then,
    whole: Arc<AtomicUsize>,
) {
    while read_request(&mut stream).await.is_some() {
        whole.fetch_add(1, Ordering::SeqCst);
        let (text, last, hang) = match &then {
            Then::Reply(text) => (text, false, false),
            Then::Last(text) => (text, true, false),
            Then::Hang(text) => (text, false, true),
        };
        if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if hang {
            std::future::pending::<()>().await;
        }
        if last {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// Reads one request with a content length; nothing if the connection ends before.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(())
}

struct Authority {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority {
            ca: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
        }
    }

    fn pem(&self) -> Vec<u8> {
        self.ca.pem().into_bytes()
    }

    /// A server's side of TLS for the loopback address.
    fn acceptor(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn settings(scheme: &str, address: SocketAddr) -> Settings {
    let base = BaseUrl::parse(&format!("{scheme}://{address}")).unwrap();
    Settings::new(base, Credentials::new(USERNAME, PASSWORD).unwrap())
}

/// Limits that a server which does not answer is to run into; the others are far from being reached.
fn impatient(settings: Settings) -> Settings {
    let limit = Duration::from_millis(150);
    Settings {
        timeouts: Timeouts {
            read: limit,
            mutation: limit,
            ..Timeouts::default()
        },
        ..settings
    }
}

fn plain(address: SocketAddr) -> Client {
    Client::new(settings("http", address)).unwrap()
}

async fn create(client: &Client) -> Outcome<String> {
    client.create_project(&Map::new()).await
}

#[tokio::test]
async fn a_refused_port_is_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = create(&plain(address)).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if *error.problem() == Problem::Unreachable),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_done() {
    // RFC 6761: `invalid` never resolves.
    let base = BaseUrl::parse("http://oms.invalid:8089").unwrap();
    let credentials = Credentials::new(USERNAME, PASSWORD).unwrap();
    let outcome = create(&Client::new(Settings::new(base, credentials)).unwrap()).await;
    assert!(matches!(outcome, Outcome::NotDone(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_closed_before_the_request_was_read_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let outcome = create(&plain(address)).await;
    assert!(matches!(&outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_closed_instead_of_a_reply_is_unknown_and_not_tried_again() {
    let server = Server::start(Then::Last(String::new())).await;
    let outcome = create(&plain(server.address)).await;
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if *error.problem() == Problem::Broken),
        "{outcome:?}"
    );
    assert_eq!((server.connections(), server.requests()), (1, 1));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unknown() {
    let server = Server::start(Then::Hang(String::new())).await;
    let outcome = create(&Client::new(impatient(settings("http", server.address))).unwrap()).await;
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if matches!(error.problem(), Problem::TimedOut(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn half_a_reply_is_unknown_whatever_its_status() {
    for status in ["200 OK", "400 Bad Request"] {
        let half = format!("HTTP/1.1 {status}\r\ncontent-length: 1000\r\n\r\n{DONE}");
        let server = Server::start(Then::Last(half.clone())).await;
        let outcome = create(&plain(server.address)).await;
        assert!(
            matches!(&outcome, Outcome::Unknown(error) if *error.problem() == Problem::Broken),
            "{outcome:?}"
        );
        let server = Server::start(Then::Hang(half)).await;
        let client = Client::new(impatient(settings("http", server.address))).unwrap();
        assert!(matches!(create(&client).await, Outcome::Unknown(_)));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_account_stays_home() {
    let elsewhere = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: http://{}/api/v2\r\n", elsewhere.address);
        let server = Server::start(Then::Reply(http(status, &location, ""))).await;
        let outcome = create(&plain(server.address)).await;
        assert!(matches!(&outcome, Outcome::NotDone(_)), "{outcome:?}");
        assert_eq!(server.requests(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn reads_share_a_connection_and_a_mutation_takes_its_own() {
    let body = r#"{"success":true,"data":[]}"#;
    let server = Server::start(Then::Reply(http("200 OK", "", body))).await;
    let client = plain(server.address);
    for _ in 0..3 {
        client.list_projects(&ListProjects::new()).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests()), (1, 3));
    // A connection that the server closes while it is reused would leave the outcome unknown.
    for _ in 0..2 {
        assert!(matches!(
            client.start_project("np_1").await,
            Outcome::Done(())
        ));
    }
    assert_eq!((server.connections(), server.requests()), (3, 5));
}

#[tokio::test]
async fn tls_with_the_own_ca_is_done_and_with_another_is_not_done() {
    let authority = Authority::new();
    let reply = Then::Reply(http("200 OK", "", DONE));
    let server = Server::over(Some(authority.acceptor()), reply).await;
    let with = |ca_pem| {
        Client::new(Settings {
            ca_pem,
            ..settings("https", server.address)
        })
        .unwrap()
    };

    let outcome = create(&with(Some(authority.pem()))).await;
    assert!(
        matches!(&outcome, Outcome::Done(id) if id == "np_1"),
        "{outcome:?}"
    );
    let outcome = create(&with(Some(Authority::new().pem()))).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if *error.problem() == Problem::Unreachable),
        "{outcome:?}"
    );
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn https_to_a_server_without_tls_is_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream
                .write_all(http("400 Bad Request", "", "").as_bytes())
                .await;
        }
    });
    let ca_pem = Some(Authority::new().pem());
    let client = Client::new(Settings {
        ca_pem,
        ..settings("https", address)
    })
    .unwrap();
    let outcome = create(&client).await;
    assert!(matches!(&outcome, Outcome::NotDone(_)), "{outcome:?}");
}

#[tokio::test]
async fn http_to_a_server_with_tls_is_unknown_because_bytes_were_sent() {
    let acceptor = Authority::new().acceptor();
    let server = Server::over(Some(acceptor), Then::Reply(http("200 OK", "", DONE))).await;
    let outcome = create(&plain(server.address)).await;
    assert!(matches!(&outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connect_that_runs_out_of_time_is_not_done() {
    // TCP connects, the TLS handshake never ends: nothing of the request can have been sent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ca_pem = Some(Authority::new().pem());
    let timeouts = Timeouts {
        connect: Duration::from_millis(150),
        ..Timeouts::default()
    };
    let client = Client::new(Settings {
        ca_pem,
        timeouts,
        ..settings("https", address)
    })
    .unwrap();
    let outcome = create(&client).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if *error.problem() == Problem::Unreachable),
        "{outcome:?}"
    );
    // With the whole call's limit running out first, nobody looks where it stood.
    let client = Client::new(impatient(Settings {
        ca_pem: Some(Authority::new().pem()),
        ..settings("https", address)
    }))
    .unwrap();
    assert!(matches!(create(&client).await, Outcome::Unknown(_)));
    drop(listener);
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_owned();
    let server = Server::start(Then::Hang(announced)).await;
    let outcome = create(&plain(server.address)).await;
    let source = std::error::Error::source(outcome.error().unwrap())
        .unwrap()
        .to_string();
    assert_eq!(
        (outcome.as_str(), source.as_str()),
        ("unknown", "the reply is too long")
    );

    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(5)
    );
    let server = Server::start(Then::Hang(chunked)).await;
    let settings = settings("http", server.address);
    let small = transport::limited(&settings, 3000).unwrap();
    let outcome = create(&Client::with_transport(settings, small)).await;
    let source = std::error::Error::source(outcome.error().unwrap())
        .unwrap()
        .to_string();
    assert_eq!(
        (outcome.as_str(), source.as_str()),
        ("unknown", "the reply is too long")
    );
}

#[test]
fn a_ca_that_is_none_is_refused_with_the_reason() {
    let address = "127.0.0.1:1".parse().unwrap();
    let with = |pem: &str| {
        let ca_pem = Some(pem.as_bytes().to_vec());
        Client::new(Settings {
            ca_pem,
            ..settings("https", address)
        })
        .unwrap_err()
    };
    assert!(matches!(with(""), BuildError::NoCa));
    assert!(matches!(with("not a certificate"), BuildError::NoCa));
    let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
    assert!(matches!(with(broken), BuildError::BadCa(_)));
}

/// Collects everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_of_any_level_shows_the_account() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let authority = Authority::new();
    let echo =
        format!(r#"{{"success":false,"code":"PARAM_ERROR","message":"{PASSWORD} {TOKEN}"}}"#);
    let reply = Then::Reply(http("200 OK", "", &echo));
    let secure = Server::over(Some(authority.acceptor()), reply.clone()).await;
    let open = Server::start(reply).await;
    let settings = Settings {
        ca_pem: Some(authority.pem()),
        ..settings("https", secure.address)
    };
    for client in [Client::new(settings).unwrap(), plain(open.address)] {
        let outcome = create(&client).await;
        assert!(matches!(outcome, Outcome::NotDone(_)), "{outcome:?}");
        let error = client
            .list_projects(&ListProjects::new())
            .await
            .unwrap_err();
        tracing::error!(?outcome, ?error, %error, ?client, "all that can be printed");
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("called OMS") && log.contains("TRACE"),
        "the log is not what is tested: {log}"
    );
    for secret in [PASSWORD, USERNAME, TOKEN] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}

/// Runs one test of this file in a process of its own, with another environment.
fn in_child(test: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("oms::sockets_test::{test}"),
            "--ignored",
            "--nocapture",
        ])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{output:?}"
    );
}

#[test]
fn a_machine_without_ca_certificates_needs_only_the_own_ca() {
    let empty = "/dev/null";
    in_child(
        "child_without_ca_certificates",
        &[("SSL_CERT_FILE", empty), ("SSL_CERT_DIR", empty)],
    );
}

#[tokio::test]
#[ignore = "run by a_machine_without_ca_certificates_needs_only_the_own_ca"]
async fn child_without_ca_certificates() {
    let authority = Authority::new();
    let server = Server::over(
        Some(authority.acceptor()),
        Then::Reply(http("200 OK", "", DONE)),
    )
    .await;
    let secure = settings("https", server.address);
    assert!(matches!(
        Client::new(secure.clone()),
        Err(BuildError::Tls(_))
    ));
    let client = Client::new(Settings {
        ca_pem: Some(authority.pem()),
        ..secure
    })
    .unwrap();
    assert!(matches!(create(&client).await, Outcome::Done(_)));
    assert!(Client::new(settings("http", server.address)).is_ok());
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_only_when_asked() {
    let proxy = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    let address = format!("http://{}", proxy.address);
    let child = tokio::task::spawn_blocking(move || {
        in_child(
            "child_behind_a_proxy",
            &[
                ("http_proxy", &address),
                ("HTTP_PROXY", &address),
                ("no_proxy", ""),
            ],
        );
    });
    child.await.unwrap();
    assert_eq!(proxy.requests(), 1);
}

#[tokio::test]
#[ignore = "run by the_proxy_of_the_environment_is_used_only_when_asked"]
async fn child_behind_a_proxy() {
    let server = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    assert!(matches!(
        create(&plain(server.address)).await,
        Outcome::Done(_)
    ));
    assert_eq!(server.requests(), 1);
    let asked = Settings {
        proxy: true,
        ..settings("http", server.address)
    };
    assert!(matches!(
        create(&Client::new(asked).unwrap()).await,
        Outcome::Done(_)
    ));
    assert_eq!(server.requests(), 1, "the second call went past the proxy");
}
