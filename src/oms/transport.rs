//! The network below the client: replaceable, and exact about what was never sent.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;

use super::{Action, Settings};

/// Carries one request and brings the whole reply. The request holds its [`Action`] as an extension.
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;

/// The longest reply that is read: 150 projects with all their steps fit many times.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;

type Cause = Arc<dyn StdError + Send + Sync>;

/// Why no whole reply came.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// Name resolution, connect, proxy tunnel or TLS handshake failed: not a byte of the request was sent.
    #[error("no connection was made")]
    NeverConnected(#[source] Cause),
    /// The same, because the certificate of OMS is expired, of another name, or from a stranger.
    #[error("no secure connection was made")]
    Untrusted(#[source] Cause),
    /// Anything later: the request may have arrived.
    #[error("the connection broke")]
    Broken(#[source] Cause),
    /// The reply is longer than [`BODY_LIMIT`].
    #[error("the reply is too long")]
    TooLong,
}

impl TransportError {
    /// For transports that know that nothing was sent.
    pub fn never_connected(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
        TransportError::NeverConnected(Arc::from(cause.into()))
    }

    /// For every other failure.
    pub fn broken(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
        TransportError::Broken(Arc::from(cause.into()))
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> TransportError {
        // `is_connect` looks for the one error that the connection pool raises when the connector (name,
        // TCP, proxy tunnel, TLS, and the connect time-out around them) failed; the request is handed to a
        // connection only after that. A time-out that is not such an error says nothing about what was sent.
        let connect = error.is_connect();
        let untrusted = connect && is_about_certificate(&error);
        // The URL stands in every message about the connection already.
        let error = Below(error.without_url());
        if untrusted {
            TransportError::Untrusted(Arc::new(error))
        } else if connect {
            TransportError::never_connected(error)
        } else {
            TransportError::broken(error)
        }
    }
}

/// Whether the other side's certificate is what an error comes from.
fn is_about_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // The source of such an error is that of what it wraps, not what it wraps.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

/// An error of reqwest without its two outer layers, its own and the connection pool's, which say
/// that sending failed and nothing of why.
#[derive(Debug)]
struct Below(reqwest::Error);

impl Below {
    fn cause(&self) -> &(dyn StdError + 'static) {
        let below = self.0.source().and_then(StdError::source);
        below.unwrap_or(&self.0)
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.cause(), f)
    }
}

impl StdError for Below {
    /// The cause itself, which says the same: whoever looks for its type must find it.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.cause())
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The CA is no PEM, or none of the certificates in it can be read.
    #[error("the CA certificates cannot be read as PEM")]
    BadCa(#[source] reqwest::Error),
    /// A CA was given that holds no certificate.
    #[error("the CA holds no certificate; it must hold at least one block BEGIN CERTIFICATE")]
    NoCa,
    /// The platform has no certificates that could be trusted.
    #[error(
        "TLS cannot be set up; does the machine lack CA certificates? give the CA of OMS explicitly"
    )]
    Tls(#[source] reqwest::Error),
}

/// The transport of production: HTTP/1.1 over TCP and TLS by reqwest.
pub fn production(settings: &Settings) -> Result<Transport, BuildError> {
    limited(settings, BODY_LIMIT)
}

/// The same with a limit of its own for replies.
pub fn limited(settings: &Settings, limit: usize) -> Result<Transport, BuildError> {
    // reqwest takes the process-wide provider and panics without one. Whoever came first wins.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let ca = match &settings.ca_pem {
        None => Vec::new(),
        Some(pem) => {
            let ca = reqwest::Certificate::from_pem_bundle(pem).map_err(BuildError::BadCa)?;
            if ca.is_empty() {
                return Err(BuildError::NoCa);
            }
            ca
        }
    };
    let reads = build(settings, &ca, |builder| builder)?;
    // A kept connection that the server closes just now breaks the call in a way that leaves its outcome
    // unknown. Mutations are rare and each takes a connection of its own.
    let mutations = build(settings, &ca, |builder| builder.pool_max_idle_per_host(0))?;
    Ok(Transport::new(tower::service_fn(
        move |request: Request<Bytes>| {
            let mutation = request
                .extensions()
                .get::<Action>()
                .is_none_or(|action| action.is_mutation());
            let client = if mutation {
                mutations.clone()
            } else {
                reads.clone()
            };
            carry(client, request, limit)
        },
    )))
}

fn build(
    settings: &Settings,
    ca: &[reqwest::Certificate],
    tune: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, BuildError> {
    let builder = || {
        let builder = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(settings.timeouts.connect);
        tune(if settings.proxy {
            builder
        } else {
            builder.no_proxy()
        })
    };
    // Without TLS (and redirects are not followed) no certificate is needed, and an image without any
    // must not keep the client from being built.
    if !settings.base.is_https() && !settings.proxy {
        return builder()
            .tls_certs_only(Vec::new())
            .build()
            .map_err(BuildError::Tls);
    }
    // Where the platform has none, the own CA is enough; without either, building fails.
    builder()
        .tls_certs_merge(ca.iter().cloned())
        .build()
        .map_err(BuildError::Tls)
}

async fn carry(
    client: reqwest::Client,
    request: Request<Bytes>,
    limit: usize,
) -> Result<Response<Bytes>, TransportError> {
    let request = reqwest::Request::try_from(request)?;
    let mut reply = client.execute(request).await?;
    if reply
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(TransportError::TooLong);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = reply.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = reply.status();
    *response.headers_mut() = std::mem::take(reply.headers_mut());
    Ok(response)
}
