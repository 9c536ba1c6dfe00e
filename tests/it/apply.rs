//! `kubectl apply` as it is by default, on the client's side: just what it sends
//! for a custom resource. `kubectl.rs` compares it with the real one.

use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, Patch};
use crate::vendor::without_nulls;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Cluster {
    /// Creates with the manifest as an annotation, or else patches by the three
    /// ways: what the last manifest had and this one has not is taken away, and
    /// what differs is set. Without a difference nothing is sent.
    pub async fn apply(&self, manifest: &Value) -> Result<Value, String> {
        let Some(live) = self.get(manifest).await else {
            return self.create(&annotated(manifest)).await;
        };
        match three_way(manifest, &live) {
            Some(patch) => self.patch(manifest, "", Patch::Merge, &patch).await,
            None => Ok(live),
        }
    }
}

/// The manifest with itself, nulls and all, in an annotation.
pub fn annotated(manifest: &Value) -> Value {
    let mut bare = manifest.clone();
    let annotations = &mut bare["metadata"]["annotations"];
    if annotations.is_null() {
        *annotations = json!({});
    }
    let mut whole = bare.clone();
    whole["metadata"]["annotations"][LAST_APPLIED] = json!(format!("{bare}\n"));
    whole
}

/// The merge patch that brings `live` to the manifest; `None` where it is there.
///
/// Nulls come from the difference to the last manifest, those that the manifest
/// itself holds included; everything else from the difference to what is there,
/// and no null, not even in a list.
pub fn three_way(manifest: &Value, live: &Value) -> Option<Value> {
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let last = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let last = last.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    let modified = object(&annotated(manifest));
    let mut patch = nulls(&difference(&object(&last), &modified));
    merge(&mut patch, values(&difference(&object(live), &modified)));
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// What makes `to` of `from`, by RFC 7386: null takes a key away, and a list
/// that differs in anything comes whole.
fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let mut patch: Map<_, _> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, new) in to {
        let differs = match (from.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = difference(old, new);
                (!inner.is_empty()).then_some(Value::Object(inner))
            }
            (old, new) => (old != Some(new)).then(|| new.clone()),
        };
        patch.extend(differs.map(|value| (key.clone(), value)));
    }
    patch
}

/// Only the nulls of a patch.
fn nulls(patch: &Map<String, Value>) -> Map<String, Value> {
    let keep = |(key, value): (&String, &Value)| match value {
        Value::Null => Some((key.clone(), Value::Null)),
        Value::Object(inner) => {
            let inner = nulls(inner);
            (!inner.is_empty()).then(|| (key.clone(), Value::Object(inner)))
        }
        _ => None,
    };
    patch.iter().filter_map(keep).collect()
}

/// Everything but the nulls of a patch.
fn values(patch: &Map<String, Value>) -> Map<String, Value> {
    let keep = |(key, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::Object(inner) if !inner.is_empty() => {
            let inner = values(inner);
            (!inner.is_empty()).then(|| (key.clone(), Value::Object(inner)))
        }
        value => Some((key.clone(), without_nulls(value.clone()))),
    };
    patch.iter().filter_map(keep).collect()
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
