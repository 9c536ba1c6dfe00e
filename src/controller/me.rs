//! Which resource a pass is about, and what is read off it in several places.

use std::hash::{DefaultHasher, Hash, Hasher};

use kube::ResourceExt;

use super::claims::Key;
use super::context::Context;
use crate::api::keys::{FINALIZER, RECONCILE_REQUESTED_AT, RECREATE, RETRY};
use crate::api::v1alpha1::MigrationProject;

/// The longest word to try again that a status takes.
const RETRY_LIMIT: usize = 1024;

/// Which resource a pass is about.
pub struct Me {
    /// Namespace and name.
    pub key: Key,
    /// The UID.
    pub uid: String,
    /// The generation of its spec.
    pub generation: i64,
    /// What its failures are counted by: a change of it starts the count anew.
    pub cause: u64,
}

impl Me {
    /// Names `project`.
    #[must_use]
    pub fn of(context: &Context, project: &MigrationProject) -> Self {
        Self {
            key: Key::of(project),
            uid: project.uid().unwrap_or_default(),
            generation: project.metadata.generation.unwrap_or_default(),
            cause: cause(context, project),
        }
    }
}

/// What a resource's failures are counted by: whatever a human may have changed
/// to mend them. A new value starts the count anew.
#[must_use]
pub fn cause(context: &Context, project: &MigrationProject) -> u64 {
    let mut hasher = DefaultHasher::new();
    project.metadata.generation.hash(&mut hasher);
    project
        .metadata
        .deletion_timestamp
        .is_some()
        .hash(&mut hasher);
    for name in [RECONCILE_REQUESTED_AT, RECREATE, RETRY] {
        annotation(project, name).hash(&mut hasher);
    }
    if let Some(key) = context.claims.connection_of(project) {
        context.registry.revision(&key).hash(&mut hasher);
        // One that was deleted and made again is counted from the beginning.
        let connection = context.connection(&key);
        let uid = connection.and_then(|connection| connection.metadata.uid.clone());
        uid.hash(&mut hasher);
    }
    hasher.finish()
}

/// The human's word to try again, as far as it goes into a status.
#[must_use]
pub fn retry_word(project: &MigrationProject) -> Option<String> {
    let text = annotation(project, RETRY)?;
    Some(text.chars().take(RETRY_LIMIT).collect())
}

/// The value of an annotation.
#[must_use]
pub fn annotation<'a>(project: &'a MigrationProject, name: &str) -> Option<&'a str> {
    project.annotations().get(name).map(String::as_str)
}

/// Whether an object of ours carries our finalizer.
#[must_use]
pub fn is_held(object: &impl ResourceExt) -> bool {
    object.finalizers().iter().any(|one| one == FINALIZER)
}

/// Whether something was ever seen of the resource's project, be it that it is
/// gone.
#[must_use]
pub fn is_observed(project: &MigrationProject) -> bool {
    project
        .status
        .as_ref()
        .is_some_and(|status| status.project_status.is_some() || status.gone == Some(true))
}
