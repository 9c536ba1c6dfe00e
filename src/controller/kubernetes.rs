//! Every read and write of the API server that a reconcile makes.
//!
//! One function for each, each under a time-out of its own: a slow API server
//! must not hold a slot for ever. None of them retries; the caller knows what
//! a repeat may do.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::claims::Key;
use super::me::is_held;
use crate::api::keys::{CREATE_RESERVATION, FIELD_MANAGER, FINALIZER};
use crate::api::v1alpha1::{MigrationProject, PinnedConnection};

/// Longest time one request to the API server is waited for: the server's own
/// limit for a request is 60 s, and what takes longer than a few seconds is
/// better asked again than waited for.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A request to the API server that did not go well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was not answered in time: a write may have been done.
    #[error("the API server did not answer within {} s: {what}", TIMEOUT.as_secs())]
    TimedOut {
        /// What was asked.
        what: &'static str,
    },
    /// It failed.
    #[error("the API server refused or failed: {what}")]
    Failed {
        /// What was asked.
        what: &'static str,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The watch lags behind what was written last.
    #[error("what was read is older than what was written last")]
    Outdated,
}

impl Error {
    fn status(&self) -> Option<&kube::core::Status> {
        match self {
            Self::Failed {
                source: kube::Error::Api(status),
                ..
            } => Some(status),
            _ => None,
        }
    }

    /// The object has changed since it was read.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Outdated) || self.status().is_some_and(kube::core::Status::is_conflict)
    }

    /// What was to be written may be written: nothing tells.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Failed { .. } => self.status().is_none_or(|status| status.code >= 500),
            Self::Outdated => false,
        }
    }

    /// The operator's account lacks the right.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status().is_some_and(kube::core::Status::is_forbidden)
    }

    /// The object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(kube::core::Status::is_not_found)
    }

    /// A precondition or a rule of the schema refused it.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.status().is_some_and(kube::core::Status::is_invalid)
    }
}

async fn limited<T>(
    what: &'static str,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(TIMEOUT, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(Error::Failed { what, source }),
        Err(_) => Err(Error::TimedOut { what }),
    }
}

/// What is written of a project together with its id.
pub struct Recorded<'a> {
    /// The id.
    pub id: &'a str,
    /// The name in OMS.
    pub name: &'a str,
    /// Where it lives.
    pub connection: &'a PinnedConnection,
    /// The spec is another than the one it was made from.
    pub spec_mismatch: bool,
}

/// The requests.
#[derive(Clone)]
pub struct Kubernetes {
    client: Client,
}

impl Kubernetes {
    /// Requests through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn projects(&self, namespace: &str) -> Api<MigrationProject> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The resource as the API server has it now.
    pub async fn live(&self, key: &Key) -> Result<Option<MigrationProject>, Error> {
        limited(
            "get MigrationProject",
            self.projects(&key.namespace).get_opt(&key.name),
        )
        .await
    }

    /// An object of either kind as the API server has it now.
    pub async fn reread<K: Ours>(&self, read: &K) -> Result<Option<K>, Error> {
        let api = K::api(self.client.clone(), &read.namespace().unwrap_or_default());
        limited("read it again", api.get_opt(&read.name_any())).await
    }

    /// Writes the reservation and the finalizer onto the resource, if nothing
    /// has changed since `read`. The reply is what the call is built from.
    pub async fn reserve(
        &self,
        read: &MigrationProject,
        reservation: &str,
    ) -> Result<MigrationProject, Error> {
        let annotations = json!({CREATE_RESERVATION: reservation});
        let patch = metadata_patch(read, with_finalizer(read), Some(annotations));
        self.patch_metadata("reserve the create", read, patch).await
    }

    /// Takes the reservation off the resource, if nothing has changed since
    /// `read`.
    pub async fn drop_reservation(
        &self,
        read: &MigrationProject,
    ) -> Result<MigrationProject, Error> {
        let annotations = json!({CREATE_RESERVATION: null});
        let patch = metadata_patch(read, with_finalizer(read), Some(annotations));
        self.patch_metadata("remove the reservation", read, patch)
            .await
    }

    /// Puts the finalizer onto an object, if nothing has changed since `read`.
    pub async fn hold<K: Ours>(&self, read: &K) -> Result<K, Error> {
        let patch = metadata_patch(read, with_finalizer(read), None);
        self.patch_metadata("add the finalizer", read, patch).await
    }

    /// Takes the finalizer off an object, if nothing has changed since `read`.
    pub async fn let_go<K: Ours>(&self, read: &K) -> Result<K, Error> {
        let mut finalizers = read.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        let patch = metadata_patch(read, finalizers, None);
        self.patch_metadata("remove the finalizer", read, patch)
            .await
    }

    /// Writes the id of the project into the resource, if it still is the one
    /// with this UID and its spec still has this generation.
    ///
    /// A JSON Patch with `test`s: a merge or apply patch would write into a
    /// resource that was re-created under the same name. Without a
    /// resourceVersion, because a change of anything but the spec makes the id
    /// no less true; and with the generation, so that a spec which was edited
    /// meanwhile is known in the very write that makes it immutable.
    pub async fn record_id(
        &self,
        key: &Key,
        uid: &str,
        generation: i64,
        made: &Recorded<'_>,
    ) -> Result<MigrationProject, Error> {
        let mut operations = vec![
            json!({"op": "test", "path": "/metadata/uid", "value": uid}),
            json!({"op": "test", "path": "/metadata/generation", "value": generation}),
            json!({"op": "add", "path": "/status/projectId", "value": made.id}),
            json!({"op": "add", "path": "/status/projectName", "value": made.name}),
            json!({"op": "add", "path": "/status/connection", "value": made.connection}),
        ];
        if made.spec_mismatch {
            operations.push(json!({"op": "add", "path": "/status/specMismatch", "value": true}));
        }
        let operations =
            serde_json::from_value(Value::Array(operations)).map_err(|error| Error::Failed {
                what: "write the project id",
                source: kube::Error::SerdeError(error),
            })?;
        let patch = Patch::Json::<()>(operations);
        let api = self.projects(&key.namespace);
        let parameters = written_by_us();
        let written = api.patch_status(&key.name, &parameters, &patch);
        limited("write the project id", written).await
    }

    /// Merges `change` into the status, if nothing has changed since `read`.
    pub async fn publish<K: Ours>(&self, read: &K, change: Value) -> Result<K, Error> {
        let patch = json!({
            "metadata": {"resourceVersion": read.resource_version()},
            "status": change,
        });
        let api = K::api(self.client.clone(), &read.namespace().unwrap_or_default());
        let name = read.name_any();
        limited(
            "write the status",
            api.patch_status(&name, &written_by_us(), &Patch::Merge(&patch)),
        )
        .await
    }

    /// The entries of a Secret. The only verb this operator has on Secrets.
    pub async fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, Vec<u8>>>, Error> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = limited("get Secret", api.get_opt(name)).await?;
        Ok(secret.map(|secret| {
            secret
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, value.0))
                .collect()
        }))
    }

    /// One entry of a ConfigMap.
    pub async fn config_map_entry(
        &self,
        namespace: &str,
        name: &str,
        entry: &str,
    ) -> Result<Option<String>, Error> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let map = limited("get ConfigMap", api.get_opt(name)).await?;
        Ok(map.and_then(|map| map.data.unwrap_or_default().remove(entry)))
    }

    /// The labels of a namespace.
    pub async fn namespace_labels(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let namespace = limited("get Namespace", api.get_opt(name)).await?;
        Ok(namespace
            .and_then(|namespace| namespace.metadata.labels)
            .unwrap_or_default())
    }

    /// Whether a namespace is being deleted.
    pub async fn namespace_goes(&self, name: &str) -> Result<bool, Error> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let namespace = limited("get Namespace", api.get_opt(name)).await?;
        let metadata = namespace.map(|namespace| namespace.metadata);
        Ok(metadata.is_none_or(|metadata| metadata.deletion_timestamp.is_some()))
    }

    async fn patch_metadata<K: Ours>(
        &self,
        what: &'static str,
        read: &K,
        patch: Value,
    ) -> Result<K, Error> {
        let api = K::api(self.client.clone(), &read.namespace().unwrap_or_default());
        let name = read.name_any();
        limited(
            what,
            api.patch(&name, &written_by_us(), &Patch::Merge(&patch)),
        )
        .await
    }
}

/// The kinds that this operator owns.
pub trait Ours:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + DeserializeOwned
    + std::fmt::Debug
    + Send
    + Sync
{
    /// The requests for this kind in one namespace.
    fn api(client: Client, namespace: &str) -> Api<Self> {
        Api::namespaced(client, namespace)
    }
}

impl Ours for MigrationProject {}
impl Ours for crate::api::v1alpha1::OMSConnection {}

fn with_finalizer(object: &impl ResourceExt) -> Vec<String> {
    let mut finalizers = object.finalizers().to_vec();
    if !is_held(object) {
        finalizers.push(FINALIZER.to_owned());
    }
    finalizers
}

fn metadata_patch(
    read: &impl ResourceExt,
    finalizers: Vec<String>,
    annotations: Option<Value>,
) -> Value {
    let mut metadata = json!({
        "resourceVersion": read.resource_version(),
        "uid": read.uid(),
        "finalizers": finalizers,
    });
    if let Some(annotations) = annotations {
        metadata["annotations"] = annotations;
    }
    json!({"metadata": metadata})
}

fn written_by_us() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.into()),
        ..PatchParams::default()
    }
}
