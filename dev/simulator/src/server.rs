//! The network layer: HTTP/1.1, with or without TLS, over an [`Oms`].

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;

use anyhow::Context as _;
use axum::Router;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::admin;
use crate::config::{Admin, Config};
use crate::fault::When;
use crate::oms::Oms;
use crate::reply::{Delivery, Reply};
use crate::tls::Tls;

/// More than etcd would take for a resource, many times over.
const BODY_MAX: usize = 64 << 20;

/// An [`Oms`] that is served over HTTP, on the runtime that started it. Dropping
/// it ends it. Its handles are those of the [`Oms`], to which it dereferences.
pub struct Simulator {
    oms: Oms,
    address: SocketAddr,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Simulator {
    /// Makes an OMS and serves it at `config.listen`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let listen = config.listen;
        Self::serve(Oms::new(config), listen).await
    }

    /// Serves an OMS that exists. Together with [`Simulator::stop`] and a clone
    /// of the [`Oms`] this is an outage: the state outlives the server.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(oms: Oms, listen: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: choose another address"))?;
        let address = listener.local_addr()?;
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let server = Server {
            admin: admin::router(oms.clone()),
            oms: oms.clone(),
            cancel: cancel.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(
            cancel
                .clone()
                .run_until_cancelled_owned(server.accept(listener)),
        );
        Ok(Self {
            oms,
            address,
            cancel,
            tasks,
        })
    }

    /// The base URL: what a client appends `/api/v2` to.
    pub fn url(&self) -> String {
        let scheme = self
            .oms
            .shared
            .config
            .tls
            .as_ref()
            .map_or("http", |_| "https");
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority that clients must trust, when it serves HTTPS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.oms.shared.config.tls.as_ref().map(Tls::ca_pem)
    }

    /// The OMS behind the server.
    pub fn oms(&self) -> &Oms {
        &self.oms
    }

    /// Closes every connection, calls that stand at gates included, and frees
    /// the port.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Deref for Simulator {
    type Target = Oms;

    fn deref(&self) -> &Oms {
        &self.oms
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The connection is to be closed without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without a reply")]
struct Cut;

#[derive(Clone)]
struct Server {
    oms: Oms,
    admin: Router,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = self.clone().connection(stream, peer);
                    let cancel = self.cancel.clone();
                    self.tasks
                        .spawn(cancel.run_until_cancelled_owned(connection));
                }
                // The caller went away, or the process has no descriptor left;
                // the next turn may be better, and must not spin.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let tls = self.oms.shared.config.tls.as_ref().map(Tls::acceptor);
        match tls {
            None => self.http(stream, peer).await,
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => self.http(stream, peer).await,
                Err(error) => tracing::debug!(%error, %peer, "no TLS"),
            },
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
        let service = service_fn(|request| self.clone().answer(request, peer));
        let connection = http1::Builder::new()
            // The date is OMS's own.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let path = request.uri().path();
        if path == "/admin" || path.starts_with("/admin/") {
            return self.administer(request, peer).await;
        }
        if path != "/api/v2" {
            return Ok(plain(StatusCode::NOT_FOUND, "POST /api/v2?Action=…"));
        }
        if request.method() != Method::POST {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "POST only"));
        }
        let header = |name| request.headers().get(name)?.to_str().ok();
        if !header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json")) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Ok(plain(status, "Content-Type: application/json only"));
        }
        let authorization = header(AUTHORIZATION).map(str::to_owned);
        let action = action(request.uri().query().unwrap_or_default()).to_owned();
        let body = match Limited::new(request.into_body(), BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => {
                return Ok(plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is too large",
                ));
            }
        };
        // A task of its own: OMS goes on with a request whose caller is gone.
        let call = call(self.oms.clone(), action, authorization, body);
        let call = self.cancel.clone().run_until_cancelled_owned(call);
        match self.tasks.spawn(call).await {
            Ok(Some(reply)) => deliver(reply).await,
            _ => Err(Cut),
        }
    }

    async fn administer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let allowed = match self.oms.shared.config.admin {
            Admin::Everybody => true,
            Admin::Loopback => peer.ip().to_canonical().is_loopback(),
            Admin::Off => false,
        };
        if !allowed {
            return Ok(plain(
                StatusCode::FORBIDDEN,
                "the admin API is not open to you",
            ));
        }
        let reply: Result<_, Infallible> = self.admin.oneshot(request).await;
        let (head, body) = reply.map_err(|never| match never {})?.into_parts();
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

/// Takes a call through its stages.
async fn call(oms: Oms, action: String, authorization: Option<String>, body: Bytes) -> Reply {
    let mut exchange = oms.arrive(&action, authorization.as_deref(), &body);
    for gate in oms.gates(&exchange, When::BeforeWork) {
        gate.pass().await;
    }
    tokio::time::sleep(exchange.delay_before()).await;
    if let Some(reply) = oms.before_work(&exchange) {
        return reply;
    }
    let reply = oms.work(&mut exchange);
    for gate in oms.gates(&exchange, When::AfterWork) {
        gate.pass().await;
    }
    tokio::time::sleep(exchange.delay_after()).await;
    oms.after_work(exchange, reply)
}

async fn deliver(reply: Reply) -> Result<Response<Full<Bytes>>, Cut> {
    match reply.delivery {
        Delivery::Drop => return Err(Cut),
        Delivery::Hang => std::future::pending::<()>().await,
        Delivery::Send => {}
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response
        .body(Full::new(reply.body.into()))
        .or_else(|error| {
            let words = format!("a fault asks for an impossible reply: {error}");
            Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, &words))
        })
}

fn plain(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(words.as_bytes())));
    *response.status_mut() = status;
    response
}

/// Action names are plain letters, so nothing needs decoding.
fn action(query: &str) -> &str {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == "Action")
        .map_or("", |(_, action)| action)
}
