//! What is kept of the resources that are watched.
//!
//! A MigrationProject may be 400 kB, and one process has ten thousand of them;
//! what is decided while nothing happens needs 2 kB. Whoever needs the rest reads
//! it for the purpose: a create reads the resource anyway. And as packed text an
//! object takes a tenth of what it takes as one, so it is made into one for the
//! time of a reconcile: at rest there is none.

use std::borrow::Cow;

use k8s_openapi::NamespaceResourceScope;
use kube::api::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::Deserialize;

use super::census::Counted;
use super::kubernetes::Ours;
use super::packed::Packed;
use super::watch::what_wakes_a_project;
use crate::api::v1alpha1::{MigrationProject, OMSConnection};
use crate::decide::body;

/// What all annotations begin with that the operator knows of.
const OUR_ANNOTATIONS: &str = "oms.oceanbase.com/";

/// A kind that is watched.
pub trait Watched: Ours {
    /// What is kept of one.
    type Kept: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static;

    /// Leaves out of an object what is not kept of it.
    fn slim(&mut self);

    /// What is kept of a slim one.
    fn keep(self) -> Self::Kept;

    /// The object again, as slim as it was.
    fn restore(kept: &Self::Kept) -> Self;
}

impl Watched for OMSConnection {
    type Kept = OMSConnection;

    fn slim(&mut self) {
        slim_metadata(self);
    }

    fn keep(self) -> Self {
        self
    }

    fn restore(kept: &Self) -> Self {
        kept.clone()
    }
}

impl Watched for MigrationProject {
    type Kept = KeptProject;

    fn slim(&mut self) {
        slim_metadata(self);
        body::leave_out(&mut self.spec);
    }

    fn keep(self) -> KeptProject {
        KeptProject {
            wakes: what_wakes_a_project(&self),
            counted: Counted::of(&self),
            hash: self.spec.hash_of_whole.clone(),
            text: Packed::new(&serde_json::to_vec(&self).expect("an API type is writable as JSON")),
            names: ObjectMeta {
                name: self.metadata.name,
                namespace: self.metadata.namespace,
                ..ObjectMeta::default()
            },
        }
    }

    fn restore(kept: &KeptProject) -> Self {
        let mut project: Self = serde_json::from_slice(&kept.text.text())
            .expect("JSON that was written from the same type");
        project.spec.hash_of_whole.clone_from(&kept.hash);
        project
    }
}

/// A MigrationProject at rest.
#[derive(Clone, Deserialize)]
// A bound of kube's controller, which reads none by itself.
#[serde(from = "MigrationProject")]
pub struct KeptProject {
    /// Name and namespace, and nothing else.
    names: ObjectMeta,
    hash: Option<Box<str>>,
    text: Packed,
    /// A hash over what makes a reconcile necessary.
    pub(super) wakes: u64,
    /// What it is counted by.
    pub(super) counted: Counted,
}

impl From<MigrationProject> for KeptProject {
    fn from(mut project: MigrationProject) -> Self {
        project.slim();
        project.keep()
    }
}

impl std::fmt::Debug for KeptProject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeptProject")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Resource for KeptProject {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        MigrationProject::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        MigrationProject::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        MigrationProject::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        MigrationProject::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.names
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.names
    }
}

/// The record of who manages which field is as large as the object itself, or
/// larger, and so is the copy that client-side apply keeps in an annotation.
fn slim_metadata(object: &mut impl Ours) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    metadata.labels = None;
    metadata.owner_references = None;
    let annotations = object.annotations_mut();
    annotations.retain(|name, _| name.starts_with(OUR_ANNOTATIONS));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::keys::{FINALIZER, RETRY};

    #[test]
    fn what_decisions_at_rest_need_is_kept() {
        let whole: MigrationProject = serde_json::from_value(json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "MigrationProject",
            "metadata": {
                "name": "orders", "namespace": "shop", "uid": "u", "resourceVersion": "7",
                "generation": 2, "finalizers": [FINALIZER, "other"], "labels": {"a": "b"},
                "annotations": {RETRY: "1", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
                "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
            },
            "spec": {
                "connectionRef": {"name": "oms"},
                "project": {"name": "p", "preCheckId": "t_1", "transferMapping": {"mode": "WILDCARD"},
                    "incrTransferConfig": {"storeLogKeptHour": 72}},
                "extraProperties": {"x": 1},
            },
            "status": {"projectId": "np_1", "steps": [{"name": "PRECHECK"}]},
        }))
        .unwrap();
        let mut slim = whole.clone();
        slim.slim();
        let mut expected = whole.clone();
        expected.metadata.managed_fields = None;
        expected.metadata.labels = None;
        let annotations = [(RETRY.to_owned(), "1".to_owned())];
        expected.metadata.annotations = Some(annotations.into());
        expected.spec.project.transfer_mapping = None;
        expected.spec.extra_properties = None;
        expected.spec.hash_of_whole = Some(body::spec_hash(&whole.spec).into());
        assert_eq!(slim, expected);
        let kept = KeptProject::from(whole);
        assert_eq!(
            (kept.name_any(), kept.namespace()),
            ("orders".into(), Some("shop".into()))
        );
        assert_eq!(MigrationProject::restore(&kept), expected);
    }
}
