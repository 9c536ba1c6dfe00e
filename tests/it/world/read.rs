//! What a resource says of itself, as tests ask for it.

use kube::ResourceExt;
use oms_operator::api::keys;
use oms_operator::api::v1alpha1::MigrationProject;
use serde_json::Value;

/// The id a resource has recorded.
pub fn id(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_id.as_deref()
}

/// OMS's word for the project.
pub fn status(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_status.as_deref()
}

/// Status and reason of a condition.
pub fn condition<'a>(project: &'a MigrationProject, type_: &str) -> Option<(&'a str, &'a str)> {
    let conditions = &project.status.as_ref()?.conditions;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_)?;
    Some((found.status.as_str(), found.reason.as_str()))
}

/// The message of the condition Ready.
pub fn message(project: &MigrationProject) -> &str {
    let conditions = project
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    conditions
        .unwrap_or_default()
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .map_or("", |condition| condition.message.as_str())
}

/// The status of the condition Ready.
pub fn ready(project: &MigrationProject) -> Option<&str> {
    condition(project, "Ready").map(|(status, _)| status)
}

/// The reservation that a resource carries.
pub fn reservation(project: &MigrationProject) -> Option<Value> {
    let text = project.annotations().get(keys::CREATE_RESERVATION)?;
    serde_json::from_str(text).ok()
}
