//! `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Health, Metrics};

/// The type of an OpenMetrics text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves the probes at `health_at` and the figures at `metrics_at`, which may
/// be one address, until `stop`.
///
/// # Errors
/// When an address cannot be listened on.
pub async fn serve(
    health: Health,
    metrics: Arc<Metrics>,
    health_at: SocketAddr,
    metrics_at: SocketAddr,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let probes = Router::new()
        .route(
            "/healthz",
            get({
                let health = health.clone();
                move || alive(health)
            }),
        )
        .route("/readyz", get(move || ready(health)));
    let figures = Router::new().route("/metrics", get(move || figures(metrics)));
    if health_at == metrics_at {
        return listen(probes.merge(figures), health_at, "--health-addr", stop).await;
    }
    listen(probes, health_at, "--health-addr", stop.clone()).await?;
    listen(figures, metrics_at, "--metrics-addr", stop).await
}

async fn alive(health: Health) -> (StatusCode, String) {
    match health.ailment() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(ailment) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the loop is stuck: {ailment}\n"),
        ),
    }
}

async fn ready(health: Health) -> (StatusCode, &'static str) {
    if health.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the first lists are not in yet, or the process is stopping\n",
        )
    }
}

async fn figures(metrics: Arc<Metrics>) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.encode())
}

async fn listen(
    router: Router,
    address: SocketAddr,
    flag: &str,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} ({flag}); choose another address"))?;
    tracing::info!(address = %listener.local_addr()?, flag, "listening");
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "server ended");
        }
    });
    Ok(())
}
