//! What a user has asked for, in the form that OMS's answer is compared in.

use serde_json::{Map, Value, json};

use crate::api::v1alpha1::MigrationProjectSpec;
use crate::decide::body;

/// What OMS may be held to. For a project that was created from the spec that
/// is the request, flags that were sent for safety included; `name` is the name
/// it was created under. For one that was taken over it is what the spec says.
#[must_use]
pub fn asked(spec: &MigrationProjectSpec, name: &str) -> Map<String, Value> {
    let (source, sink) = (
        &spec.project.source_endpoint_id,
        &spec.project.sink_endpoint_id,
    );
    let sent = match spec.adopt {
        Some(_) => None,
        None => {
            let id = |id: &Option<String>| id.clone().unwrap_or_default();
            body::build(spec, name, &id(source), &id(sink)).ok()
        }
    };
    let mut asked = sent.unwrap_or_else(|| body::described(spec));
    let sides = [
        ("source", source, &spec.source_endpoint_ref),
        ("sink", sink, &spec.sink_endpoint_ref),
    ];
    for (side, id, reference) in sides {
        if id.is_none() {
            asked.remove(&format!("{side}EndpointId"));
        }
        if let Some(reference) = reference {
            let named = json!({"name": reference.name});
            asked.insert(format!("{side}EndpointRef"), named);
        }
    }
    // Used up by the creation: no answer shows it.
    asked.remove("preCheckId");
    // OMS obeys it only without a full transfer, and then alone returns it.
    let copies = asked.get("enableFullTransfer") == Some(&json!(true));
    if let (true, Some(incremental)) = (copies, asked.get_mut("incrTransferConfig"))
        && let Some(incremental) = incremental.as_object_mut()
    {
        incremental.remove("startTimestamp");
    }
    asked
}
