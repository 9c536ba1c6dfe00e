//! The rules of the CustomResourceDefinition that the create protocol leans on.
//! The real ones stand in `src/api/v1alpha1/rules.rs` as CEL, and are held
//! against a real API server by `tests/it/api_rules.rs`.

use serde_json::Value;

use super::objects::Refusal;

/// What of a spec cannot change once a project is recorded.
const IMMUTABLE: [&str; 5] = [
    "connectionRef",
    "sourceEndpointRef",
    "sinkEndpointRef",
    "project",
    "extraProperties",
];

/// Whether a MigrationProject may become `after`.
pub fn check(before: &Value, after: &Value) -> Result<(), Refusal> {
    let id = before["status"]["projectId"].as_str();
    let mismatch = before["status"]["specMismatch"] == true;
    let adopted = id.is_some() && before["spec"]["adopt"]["projectId"].as_str() == id;
    if id.is_some() && !mismatch && !adopted {
        for field in IMMUTABLE {
            if before["spec"][field] != after["spec"][field] {
                return Err(invalid(&format!("spec.{field} is immutable")));
            }
        }
    }
    let gone = before["status"]["gone"] == true;
    if id.is_some() && !gone && after["status"]["projectId"].as_str() != id {
        return Err(invalid("status.projectId is immutable"));
    }
    Ok(())
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(422, "Invalid", message)
}
