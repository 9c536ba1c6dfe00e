//! Plain HTTP to programs on this machine: the simulator's admin API, the operator's probes and metrics.

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Http {
    pub fn new() -> Http {
        Http(Client::builder(TokioExecutor::new()).build_http())
    }

    /// The body of what is there; an error unless the answer is a success.
    pub async fn get(&self, url: &str) -> anyhow::Result<String> {
        let (status, body) = self.send(Method::GET, url, None).await?;
        good(status, url, body)
    }

    /// Only the status.
    pub async fn status(&self, url: &str) -> anyhow::Result<StatusCode> {
        Ok(self.send(Method::GET, url, None).await?.0)
    }

    /// Sends JSON.
    pub async fn put(&self, method: Method, url: &str, body: &Value) -> anyhow::Result<String> {
        let (status, answer) = self.send(method, url, Some(body)).await?;
        good(status, url, answer)
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, String)> {
        let mut request = Request::builder().method(method).uri(url);
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body))?;
        let answer = self.0.request(request).await;
        let answer = answer.with_context(|| format!("cannot reach {url}"))?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

fn good(status: StatusCode, url: &str, body: String) -> anyhow::Result<String> {
    if !status.is_success() {
        bail!("{url} was answered with {status}: {body}");
    }
    Ok(body)
}
