//! What the API server and the operator would take, and what will hardly be meant:
//! OMS refuses it, or it does nothing.

use std::time::Duration;

use serde_json::Value;

use crate::api::Kind;
use crate::api::v1alpha1::{MigrationProject, MigrationProjectSpec, NameRef};
use crate::decide::MAX_NAME_CHARS;

/// The doubts about a resource that nothing is wrong with, each beginning with
/// its field.
pub fn of(kind: Kind, object: &Value) -> Vec<String> {
    if kind != Kind::MigrationProject {
        return Vec::new();
    }
    let Ok(project) = serde_json::from_value::<MigrationProject>(object.clone()) else {
        return Vec::new();
    };
    let spec = &project.spec;
    let found = [long_name(spec), nothing_to_do(spec), retry(spec)];
    found.into_iter().flatten().chain(padded(spec)).collect()
}

/// The limit is that of OMS's console; that of its API is not documented, so this
/// is no reason to refuse it.
fn long_name(spec: &MigrationProjectSpec) -> Option<String> {
    let chars = spec.project.name.as_ref()?.chars().count();
    (chars > MAX_NAME_CHARS && creates(spec)).then(|| {
        format!(
            "spec.project.name: it has {chars} characters, and OMS's console takes {MAX_NAME_CHARS} at most: OMS may \
             refuse the project"
        )
    })
}

fn nothing_to_do(spec: &MigrationProjectSpec) -> Option<String> {
    let project = &spec.project;
    let phases = [
        project.enable_struct_transfer,
        project.enable_full_transfer,
        project.enable_full_verify,
        project.enable_incr_transfer,
        project.enable_reverse_incr_transfer,
    ];
    let all_off = phases.iter().all(|phase| *phase != Some(true));
    (all_off && creates(spec)).then(|| {
        "spec.project: all of enableStructTransfer, enableFullTransfer, enableFullVerify, enableIncrTransfer and \
         enableReverseIncrTransfer are false or left out, which is false: the project has nothing to do"
            .to_owned()
    })
}

fn retry(spec: &MigrationProjectSpec) -> Option<String> {
    let retry = spec.retry.as_ref()?;
    let (initial, longest) = (retry.initial_delay(), retry.max_delay());
    let seconds = |delay: Duration| format!("{} s", delay.as_secs());
    (initial > longest).then(|| {
        format!(
            "spec.retry: initialDelay ({}) is longer than maxDelay ({}), so every attempt waits for maxDelay",
            seconds(initial),
            seconds(longest)
        )
    })
}

/// Ids and names in OMS that begin or end with white space, which is a slip in
/// copying.
fn padded(spec: &MigrationProjectSpec) -> Vec<String> {
    let by_name = |reference: &Option<NameRef>| Some(reference.as_ref()?.name.clone());
    let adopted = spec.adopt.as_ref();
    let texts = [
        (
            "spec.project.sourceEndpointId",
            spec.project.source_endpoint_id.clone(),
        ),
        (
            "spec.project.sinkEndpointId",
            spec.project.sink_endpoint_id.clone(),
        ),
        (
            "spec.sourceEndpointRef.name",
            by_name(&spec.source_endpoint_ref),
        ),
        (
            "spec.sinkEndpointRef.name",
            by_name(&spec.sink_endpoint_ref),
        ),
        (
            "spec.adopt.projectId",
            adopted.and_then(|adopt| adopt.project_id.clone()),
        ),
    ];
    let is_odd = |text: &str| text.trim() != text || text.contains(char::is_control);
    texts
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)))
        .filter(|(_, text)| is_odd(text))
        .map(|(field, text)| {
            format!(
                "{field}: {text:?} begins or ends with white space, or holds a control character: OMS hardly has it"
            )
        })
        .collect()
}

/// Whether a project is to be made, rather than taken over.
fn creates(spec: &MigrationProjectSpec) -> bool {
    spec.adopt_project_id().is_none() && !spec.adopt_by_name()
}
