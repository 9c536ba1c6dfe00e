//! A server on a real socket, and what a client needs to talk to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// A success for every action but the lists.
pub const DONE: &str = r#"{"success":true,"requestId":"R1","data":"np_1"}"#;

/// What a server does with a connection on which a whole request came.
#[derive(Clone)]
pub enum Then {
    /// Sends this and goes on with the connection.
    Reply(String),
    /// Sends this and closes.
    Last(String),
    /// Keeps the connection and says no (more) word.
    Hang(String),
}

pub fn http(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// A server on a port of its own; it counts connections and whole requests.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub async fn start(then: Then) -> Server {
        Server::over(None, then).await
    }

    pub async fn over(tls: Option<TlsAcceptor>, then: Then) -> Server {
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

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
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

pub struct Authority {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority {
            ca: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
        }
    }

    pub fn pem(&self) -> Vec<u8> {
        self.ca.pem().into_bytes()
    }

    /// A server's side of TLS for the loopback address.
    pub fn acceptor(&self) -> TlsAcceptor {
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

/// The settings for a server on this machine.
pub fn at(scheme: &str, address: SocketAddr) -> Settings {
    settings(&format!("{scheme}://{address}"))
}

/// Limits that a server which does not answer is to run into; the others are far from being reached.
pub fn impatient(settings: Settings) -> Settings {
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

pub fn plain(address: SocketAddr) -> Client {
    Client::new(at("http", address)).unwrap()
}

pub async fn create_at(client: &Client) -> Outcome<String> {
    client.create_project(&Map::new()).await
}
