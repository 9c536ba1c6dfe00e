//! Watches. What they tell is true, in order, and late.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::http::Body;
use super::objects::{Cluster, Kind, Refusal};

/// The changes of a kind after `version`, each as late as its lag, until the
/// watch has lasted as long as it may, or has expired: then all has to be listed anew.
pub fn stream(cluster: &Cluster, kind: Kind, version: u64, lasting: Duration) -> Body {
    let began = Instant::now();
    let state = Some((cluster.clone(), version, Instant::now()));
    let lines = stream::unfold(state, move |state| async move {
        let (cluster, version, told) = state?;
        let mut changed = cluster.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if cluster.has_expired(began) {
                let refusal = Refusal::new(410, "Expired", "too old resource version".to_owned());
                let line = json!({"type": "ERROR", "object": refusal.status()});
                return Some((Ok(frame(&line)), None));
            }
            if let Some(change) = cluster.next_change(kind, version) {
                // Never before what came before it.
                let at = told.max(change.at + change.lag);
                tokio::time::sleep_until(at).await;
                let line = json!({"type": change.event, "object": *change.object});
                let next = Some((cluster, change.version, at));
                return Some((Ok::<_, Infallible>(frame(&line)), next));
            }
            let end = tokio::time::timeout_at(began + lasting, changed.changed()).await;
            if !matches!(end, Ok(Ok(()))) {
                return None;
            }
        }
    });
    StreamBody::new(lines).boxed_unsync()
}

fn frame(line: &Value) -> Frame<Bytes> {
    Frame::data(Bytes::from(format!("{line}\n")))
}
