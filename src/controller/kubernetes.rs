//! Every read and write of the API server that a reconcile makes.
//!
//! One function for each, each under a time-out of its own: a slow API server
//! must not hold a slot for ever. None of them retries; the caller knows what
//! a repeat may do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::claims::Key;
use super::me::is_held;
use crate::api::keys::{CREATE_RESERVATION, FIELD_MANAGER, FINALIZER};
use crate::api::v1alpha1::{MigrationProject, PinnedConnection};

/// Longest time one request to the API server is waited for: the server's own
/// limit for a request is 60 s, and what takes longer than a few seconds is
/// better asked again than waited for.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Requests for objects of ours that are under way at a time. A write of a resource of
/// 5,000 tables costs the API server 0.3 s of CPU and more: it would share its cores
/// among all that it is sent at once, and none would be done in time, but all be sent
/// again. More than so many make it no faster. Time spent waiting for one's turn is no
/// time that it does not answer.
const AT_ONCE: usize = 12;

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
    /// The word to try again that stands on the resource and was not given for this project.
    pub spent_word: Option<&'a str>,
}

/// The place of one request among those that are under way; given back when dropped.
pub struct Turn(#[expect(dead_code, reason = "only held")] Option<OwnedSemaphorePermit>);

/// The requests.
#[derive(Clone)]
pub struct Kubernetes {
    client: Client,
    turns: Arc<Semaphore>,
}

impl Kubernetes {
    /// Requests through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits for the turn of a request that is to be sent at once when it is made, as
    /// [`reserve`](Self::reserve) is: what it says holds for seconds only.
    pub async fn turn(&self) -> Turn {
        // The semaphore is never closed: there is always a turn to wait for.
        Turn(self.turns.clone().acquire_owned().await.ok())
    }

    /// Sends a request when its turn has come.
    async fn in_turn<T>(
        &self,
        what: &'static str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Error> {
        let _turn = self.turn().await;
        limited(what, request).await
    }

    fn projects(&self, namespace: &str) -> Api<MigrationProject> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The resource as the API server has it now.
    pub async fn live(&self, key: &Key) -> Result<Option<MigrationProject>, Error> {
        self.in_turn(
            "get MigrationProject",
            self.projects(&key.namespace).get_opt(&key.name),
        )
        .await
    }

    /// An object of either kind as the API server has it now.
    pub async fn reread<K: Ours>(&self, read: &K) -> Result<Option<K>, Error> {
        let api = K::api(self.client.clone(), &read.namespace().unwrap_or_default());
        self.in_turn("read it again", api.get_opt(&read.name_any()))
            .await
    }

    /// Writes the reservation and the finalizer onto the resource, if nothing
    /// has changed since `read`. The reply is what the call is built from.
    pub async fn reserve(
        &self,
        read: &MigrationProject,
        reservation: &str,
        _turn: Turn,
    ) -> Result<MigrationProject, Error> {
        let annotations = json!({CREATE_RESERVATION: reservation});
        let patch = metadata_patch(read, with_finalizer(read), Some(annotations));
        limited("reserve the create", self.patch(read, &patch)).await
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
    ///
    /// Waits for no turn: until the id is written, only this process knows it.
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
        if let Some(word) = made.spent_word {
            operations
                .push(json!({"op": "add", "path": "/status/lastHandledRetry", "value": word}));
        }
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
        self.in_turn(
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
        self.in_turn(what, self.patch(read, &patch)).await
    }

    async fn patch<K: Ours>(&self, read: &K, patch: &Value) -> kube::Result<K> {
        let api = K::api(self.client.clone(), &read.namespace().unwrap_or_default());
        let name = read.name_any();
        api.patch(&name, &written_by_us(), &Patch::Merge(patch))
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use kube::client::Body;
    use tokio::sync::Notify;

    use super::*;

    /// An API server that answers nothing before it is told to, and says how many wait.
    fn server(open: Arc<Notify>, waiting: Arc<AtomicUsize>) -> Client {
        let answer = move |_: http::Request<Body>| {
            let (open, waiting) = (open.clone(), waiting.clone());
            async move {
                waiting.fetch_add(1, Ordering::Relaxed);
                open.notified().await;
                waiting.fetch_sub(1, Ordering::Relaxed);
                let gone = r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404}"#;
                let answer = http::Response::builder().status(404);
                Ok::<_, Infallible>(answer.body(Body::from(gone.as_bytes().to_vec())).unwrap())
            }
        };
        Client::new(tower::service_fn(answer), "default")
    }

    #[tokio::test(start_paused = true)]
    async fn the_api_server_is_sent_so_many_at_once_and_an_id_waits_for_none_of_them() {
        let (open, waiting) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let kubernetes = Kubernetes::new(server(open.clone(), waiting.clone()));
        let key = Key {
            namespace: "shop".into(),
            name: "orders".into(),
        };
        let reads = tokio::spawn({
            let (kubernetes, key) = (kubernetes.clone(), key.clone());
            async move { join_all((0..3 * AT_ONCE).map(|_| kubernetes.live(&key))).await }
        });
        let until = async |count| {
            while waiting.load(Ordering::Relaxed) != count {
                tokio::task::yield_now().await;
            }
            for _ in 0..100 {
                tokio::task::yield_now().await;
                assert_eq!(waiting.load(Ordering::Relaxed), count);
            }
        };
        until(AT_ONCE).await;
        let write = tokio::spawn(async move {
            let made = Recorded {
                id: "np_1",
                name: "orders",
                connection: &PinnedConnection::default(),
                spec_mismatch: false,
                spent_word: None,
            };
            kubernetes.record_id(&key, "u", 1, &made).await
        });
        until(AT_ONCE + 1).await;
        // Each that is answered makes room for one, and waiting was no failure.
        while !(reads.is_finished() && write.is_finished()) {
            open.notify_one();
            tokio::task::yield_now().await;
            assert!(waiting.load(Ordering::Relaxed) <= AT_ONCE + 1);
        }
        let reads = reads.await.unwrap();
        assert!(reads.iter().all(|read| matches!(read, Ok(None))));
        assert!(write.await.unwrap().unwrap_err().is_not_found());
    }
}
