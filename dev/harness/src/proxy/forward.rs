//! The way from the proxy to the API server.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HOST, HeaderValue};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::connection::Connection;

pub(super) type Parts = http::request::Parts;

/// Where requests go.
#[derive(Clone)]
pub(super) struct Upstream {
    address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    /// For requests without credentials of their own.
    authorization: Option<HeaderValue>,
}

/// A connection to the API server, kept as long as the client keeps its own.
pub(super) type Kept = Arc<tokio::sync::Mutex<Option<SendRequest<Full<Bytes>>>>>;

impl Upstream {
    pub(super) fn new(api_server: &Connection) -> anyhow::Result<Upstream> {
        let address = api_server
            .url
            .strip_prefix("https://")
            .context("the API server speaks https")?;
        let mut roots = rustls::RootCertStore::empty();
        if let Some(ca) = &api_server.ca_der {
            roots
                .add(CertificateDer::from(ca.clone()))
                .context("the CA of the API server is no certificate")?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("ring speaks TLS 1.2 and 1.3")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name =
            ServerName::try_from(host.to_owned()).context("the API server has an address")?;
        let authorization = match api_server.token.as_str() {
            "" => None,
            token => Some(HeaderValue::from_str(&format!("Bearer {token}"))?),
        };
        Ok(Upstream {
            authorization,
            address: address.to_owned(),
            name,
            tls: TlsConnector::from(Arc::new(tls)),
        })
    }

    /// Sends one request and returns its answer, whose body is still to come.
    pub(super) async fn send(
        &self,
        kept: &Kept,
        parts: &Parts,
        body: &Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut kept = kept.lock().await;
        if let Some(mut connection) = kept.take()
            && connection.ready().await.is_ok()
        {
            match connection.send_request(self.request(parts, body)?).await {
                Ok(response) => {
                    *kept = Some(connection);
                    return Ok(response);
                }
                // The server had closed the connection before it saw anything of the request.
                Err(error) if error.is_canceled() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut connection = self.connect().await?;
        let response = connection.send_request(self.request(parts, body)?).await?;
        *kept = Some(connection);
        Ok(response)
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(self.name.clone(), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end shows as an error of the request that is on it.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, parts: &Parts, body: &Bytes) -> anyhow::Result<hyper::Request<Full<Bytes>>> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = hyper::Request::builder()
            .method(&parts.method)
            .uri(path)
            .body(Full::new(body.clone()))?;
        *request.headers_mut() = parts.headers.clone();
        request.headers_mut().remove(CONNECTION);
        // The body is sent in one piece, with its length.
        request
            .headers_mut()
            .remove(http::header::TRANSFER_ENCODING);
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_str(&self.address)?);
        if let Some(own) = &self.authorization {
            let headers = request.headers_mut();
            headers.entry(AUTHORIZATION).or_insert_with(|| own.clone());
        }
        Ok(request)
    }
}
