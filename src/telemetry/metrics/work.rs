//! What the process itself does: reconciles, its queue, requests to the API server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tower::{Layer, Service};

use super::Metrics;
use super::book::{Book, Fraction, Histograms};
use super::labels::{self, Endpoint, Kind, Reconciled};
use crate::telemetry::queue::Backlog;

/// Upper ends of the buckets for reconciles, in seconds: from one at rest to one that waits for a slow OMS.
const SECONDS: [f64; 10] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0];

/// Counts the work of the loop.
pub struct WorkFigures {
    reconciles: Family<Reconciled, Counter>,
    seconds: Histograms<Kind>,
    waiting: Family<Kind, Gauge>,
    running: Family<Kind, Gauge>,
    overdue: Family<Kind, Fraction>,
    parked: Family<Endpoint, Gauge>,
    requests: Family<labels::Request, Counter>,
}

impl WorkFigures {
    pub(super) fn new(book: &mut Book) -> Self {
        Self {
            reconciles: book.counters(
                "reconciles",
                "Reconciles by kind of resource. `result`: ok, deferred (it was not the resource's turn), conflict or error",
            ),
            seconds: book.histograms("reconcile_seconds", "How long reconciles took, without deferred ones", || {
                Histogram::new(SECONDS)
            }),
            waiting: book.gauges(
                "queue_depth",
                "Resources that are due and not worked on yet",
            ),
            running: book.gauges("queue_running", "Resources that are worked on"),
            overdue: book.fractions(
                "queue_overdue_seconds",
                "How long the resource that waits longest has been due",
            ),
            parked: book.gauges(
                "queue_parked",
                "Resources that wait until fewer of those of their OMS are worked on. They are not in `queue_depth`",
            ),
            requests: book.counters(
                "kubernetes_requests",
                "Requests to the API server by verb, resource and HTTP status; `error` if there was no answer. Writes \
                 are create, update, patch and delete",
            ),
        }
    }

    /// A reconcile has ended.
    pub fn reconciled(&self, kind: &'static str, result: &'static str, took: Option<Duration>) {
        let label = Reconciled { kind, result };
        self.reconciles.get_or_create(&label).inc();
        if let Some(took) = took {
            let label = Kind { kind };
            let seconds = self.seconds.get_or_create(&label);
            seconds.observe(took.as_secs_f64());
        }
    }

    /// How the queue of a kind stands.
    pub fn backlog(&self, kind: &'static str, backlog: Backlog) {
        let label = Kind { kind };
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting
            .get_or_create(&label)
            .set(count(backlog.waiting));
        self.running
            .get_or_create(&label)
            .set(count(backlog.running));
        let overdue = backlog.overdue.as_secs_f64();
        self.overdue.get_or_create(&label).set(overdue);
    }

    /// How many resources wait for the share of each OMS.
    pub fn parked(&self, by_endpoint: &BTreeMap<String, usize>) {
        self.parked.clear();
        for (endpoint, count) in by_endpoint {
            let label = Endpoint {
                endpoint: endpoint.clone(),
            };
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.parked.get_or_create(&label).set(count);
        }
    }

    pub(super) fn requested(&self, verb: &'static str, resource: String, code: String) {
        let label = labels::Request {
            verb,
            resource,
            code,
        };
        self.requests.get_or_create(&label).inc();
    }
}

/// Counts the requests of a client of the API server: a layer around its transport.
#[derive(Clone)]
pub struct CountRequests(pub Arc<Metrics>);

impl<S> Layer<S> for CountRequests {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            metrics: self.0.clone(),
        }
    }
}

/// A transport whose requests are counted.
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S, B, R> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (verb, resource) = what(request.method(), request.uri());
        let metrics = self.metrics.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = match &answer {
                Ok(response) => response.status().as_str().to_owned(),
                Err(_) => "error".to_owned(),
            };
            metrics.work.requested(verb, resource, code);
            answer
        })
    }
}

/// Verb and resource of a request, as an audit log names them. No name of an object is in either.
fn what(method: &Method, uri: &http::Uri) -> (&'static str, String) {
    let parts: Vec<&str> = uri
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    // /api/v1/… or /apis/GROUP/VERSION/…
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => return (verb(method, false, uri), "other".to_owned()),
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let resource = match rest {
        [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
        [resource, ..] => (*resource).to_owned(),
        [] => "other".to_owned(),
    };
    (verb(method, rest.len() > 1, uri), resource)
}

fn verb(method: &Method, named: bool, uri: &http::Uri) -> &'static str {
    let watches = uri
        .query()
        .is_some_and(|query| query.contains("watch=true"));
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ if watches => "watch",
        _ if named => "get",
        _ => "list",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_as_an_audit_log_names_it() {
        let projects = "/apis/oms.oceanbase.com/v1alpha1/namespaces/shop/migrationprojects";
        for (method, path, verb, resource) in [
            (
                Method::GET,
                format!("{projects}/a"),
                "get",
                "migrationprojects",
            ),
            (
                Method::PATCH,
                format!("{projects}/a/status?fieldManager=x"),
                "patch",
                "migrationprojects/status",
            ),
            (
                Method::GET,
                "/apis/oms.oceanbase.com/v1alpha1/migrationprojects?limit=100".to_owned(),
                "list",
                "migrationprojects",
            ),
            (
                Method::GET,
                format!("{projects}?&watch=true&resourceVersion=1"),
                "watch",
                "migrationprojects",
            ),
            (
                Method::GET,
                "/api/v1/namespaces/shop/secrets/x".to_owned(),
                "get",
                "secrets",
            ),
            (
                Method::GET,
                "/api/v1/namespaces/kube-system".to_owned(),
                "get",
                "namespaces",
            ),
            (
                Method::POST,
                "/apis/events.k8s.io/v1/namespaces/shop/events".to_owned(),
                "create",
                "events",
            ),
            (Method::GET, "/version".to_owned(), "list", "other"),
        ] {
            let uri: http::Uri = path.parse().unwrap();
            assert_eq!(what(&method, &uri), (verb, resource.to_owned()), "{path}");
        }
    }
}
