//! The proxy's own server: takes a request in, asks the rules, does what they say.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::fault::Action;
use super::forward::{Kept, Parts};
use super::gate::Verdict;
use super::request::Request;

type Body = BoxBody<Bytes, hyper::Error>;

/// Makes hyper close the connection without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is to be cut")
    }
}

impl std::error::Error for Cut {}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, running: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = running.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A connection that was gone before it was accepted is the client's matter.
        if let Ok((stream, _)) = accepted {
            tokio::spawn(connection(stream, shared.clone()));
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let cut = shared.connections.lock().clone();
    // Slower, but never in the way of correctness.
    let _ = stream.set_nodelay(true);
    let kept = Kept::default();
    let service = service_fn(|request| handle(request, shared.clone(), kept.clone()));
    tokio::select! {
        () = cut.cancelled() => {}
        // Whatever ends it, the client sees it too.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
    }
}

async fn handle(
    request: HttpRequest<Incoming>,
    shared: Arc<Shared>,
    kept: Kept,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let mut request = Request {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
        status: None,
        fault: None,
    };
    let action = {
        let rules = shared.rules.lock();
        rules.iter().find_map(|rule| rule.try_fire(&request))
    };
    request.fault = action.as_ref().map(Action::name);
    let number = {
        let mut requests = shared.requests.lock();
        requests.push(request.clone());
        requests.len() - 1
    };
    let response = answer(action, &request, parts, &shared, kept).await?;
    shared.requests.lock()[number].status = Some(response.status().as_u16());
    Ok(response)
}

async fn answer(
    action: Option<Action>,
    request: &Request,
    parts: Parts,
    shared: &Arc<Shared>,
    kept: Kept,
) -> Result<Response<Body>, Cut> {
    match action {
        None => forward(request, parts, shared, kept).await,
        Some(Action::Refuse(refusal)) => refusal
            .response()
            .map(|response| response.map(whole))
            .map_err(|_| Cut),
        Some(Action::CutBefore) => Err(Cut),
        Some(Action::CutAfter) => {
            to_its_end(forward(request, parts, shared, kept).await?, request).await?;
            Err(Cut)
        }
        Some(Action::HoldBefore(hold)) => match hold.pass(request.clone()).await {
            Verdict::Pass => forward(request, parts, shared, kept).await,
            Verdict::Cut => Err(Cut),
        },
        Some(Action::HoldAfter(hold)) => {
            let response = forward(request, parts, shared, kept).await?;
            let response = to_its_end(response, request).await?;
            match hold.pass(request.clone()).await {
                Verdict::Pass => Ok(response),
                Verdict::Cut => Err(Cut),
            }
        }
    }
}

/// Once begun, a request goes its way even when the client is gone, as it would on a wire. An API
/// server that is not there looks like that to the client too: a closed connection.
async fn forward(
    request: &Request,
    parts: Parts,
    shared: &Arc<Shared>,
    kept: Kept,
) -> Result<Response<Body>, Cut> {
    let (upstream, body) = (shared.upstream.clone(), request.body.clone());
    let sent = tokio::spawn(async move { upstream.send(&kept, &parts, &body).await });
    match sent.await {
        Ok(Ok(response)) => Ok(response.map(BodyExt::boxed)),
        Ok(Err(_)) | Err(_) => Err(Cut),
    }
}

/// Reads an answer whole, unless it has no end.
async fn to_its_end(response: Response<Body>, request: &Request) -> Result<Response<Body>, Cut> {
    if request.is_watch() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    Ok(Response::from_parts(parts, whole(body)))
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never: Infallible| match never {})
        .boxed()
}
