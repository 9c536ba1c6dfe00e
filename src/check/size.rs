//! What is too large to be stored, or to be applied in one of the two ways.

use serde_json::Value;

use super::metadata::{ANNOTATIONS_BYTES, annotations_size};
use super::problem::Problem;

/// What etcd takes in one request, as it is configured by default
/// (`--max-request-bytes`).
const ETCD_BYTES: usize = 1536 * 1024;

/// Where `kubectl apply` without `--server-side` keeps the manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object is larger than etcd takes.
pub fn problem(object: &Value) -> Option<Problem> {
    let bytes = object.to_string().len();
    (bytes > ETCD_BYTES).then(|| {
        Problem::document(format!(
            "Too large: {bytes} bytes as JSON, and etcd, where the API server stores it, takes at most {ETCD_BYTES}; \
             split it into more resources"
        ))
    })
}

/// The manifest does not fit into the annotation that client-side apply needs.
/// `manifest`: what the user wrote, before anything is taken out of it.
pub fn warning(manifest: &Value) -> Option<String> {
    let others = annotations_size(&manifest["metadata"], LAST_APPLIED);
    // With the newline that kubectl puts at the end.
    let kept = |manifest: &Value| manifest.to_string().len() + 1 + LAST_APPLIED.len() + others;
    if kept(manifest) <= ANNOTATIONS_BYTES {
        return None;
    }
    // kubectl does not keep the annotation within itself.
    let mut manifest = manifest.clone();
    if let Some(annotations) = manifest["metadata"]["annotations"].as_object_mut() {
        annotations.remove(LAST_APPLIED);
    }
    let bytes = kept(&manifest);
    (bytes > ANNOTATIONS_BYTES).then(|| {
        format!(
            "kubectl apply cannot hold it: its annotations would have {bytes} bytes, and {ANNOTATIONS_BYTES} are the most; \
             use kubectl apply --server-side"
        )
    })
}
