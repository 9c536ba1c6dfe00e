//! Watches. What they tell is true, in order, and late.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::json;
use tokio::time::Instant;

use super::http::Body;
use super::objects::{Cluster, Kind};

/// The changes of a kind after `version`, each as late as its lag, until the
/// watch has lasted as long as it may.
pub fn stream(cluster: &Cluster, kind: Kind, version: u64, lasting: Duration) -> Body {
    let began = Instant::now();
    let state = (cluster.clone(), version, Instant::now());
    let lines = stream::unfold(state, move |(cluster, version, told)| async move {
        let mut changed = cluster.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(change) = cluster.next_change(kind, version) {
                // Never before what came before it.
                let at = told.max(change.at + change.lag);
                tokio::time::sleep_until(at).await;
                let line = json!({"type": change.event, "object": *change.object});
                let mut line = line.to_string();
                line.push('\n');
                let frame = Frame::data(Bytes::from(line));
                return Some((Ok::<_, Infallible>(frame), (cluster, change.version, at)));
            }
            let end = tokio::time::timeout_at(began + lasting, changed.changed()).await;
            if !matches!(end, Ok(Ok(()))) {
                return None;
            }
        }
    });
    StreamBody::new(lines).boxed_unsync()
}
