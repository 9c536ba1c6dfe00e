//! The shared control plane with the custom resource definitions on it, and
//! writes as kubectl makes them: strict about unknown fields.

use http::Request;
use http::header::CONTENT_TYPE;
use kube::Client;
use kube::core::Status;
use oms_harness::ControlPlane;
use oms_operator::api::{Kind, crds_yaml};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::world::World;

const JSON: &str = "application/json";

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// A namespace of its own on a control plane that serves both kinds.
pub struct Cluster {
    client: Client,
    namespace: String,
}

/// How to change an object.
#[derive(Clone, Copy, Debug)]
pub enum Patch {
    /// `kubectl patch --type=merge`.
    Merge,
    /// `kubectl patch --type=json`.
    Json,
    /// `kubectl apply --server-side --force-conflicts`.
    ServerSide,
}

impl Cluster {
    /// A namespace that begins with `prefix`.
    pub async fn with_namespace(prefix: &str) -> Self {
        let control_plane = ControlPlane::shared();
        INSTALLED
            .get_or_init(|| async {
                for kind in Kind::ALL {
                    control_plane
                        .apply_yaml(&crds_yaml(kind))
                        .await
                        .expect("the server accepts the definitions");
                }
            })
            .await;
        Self {
            client: control_plane.client(),
            namespace: control_plane.namespace(prefix).await.unwrap(),
        }
    }

    /// The namespace of `world`.
    pub fn of(world: &World) -> Self {
        Self::beside(world, &world.namespace)
    }

    /// Another namespace on the same control plane.
    pub fn beside(world: &World, namespace: &str) -> Self {
        Self {
            client: world.client.clone(),
            namespace: namespace.to_owned(),
        }
    }

    /// `kubectl get`; `None` where there is none.
    pub async fn get(&self, of: &Value) -> Option<Value> {
        let path = self.path(of, "", true);
        match self.send("GET", &path, JSON, &Value::Null).await {
            Ok(object) => Some(object),
            Err(refusal) if refusal.contains("not found") => None,
            Err(refusal) => panic!("{refusal}"),
        }
    }

    /// `kubectl create`. A refusal is what kubectl would show.
    pub async fn create(&self, object: &Value) -> Result<Value, String> {
        self.send("POST", &self.path(object, "", false), JSON, object)
            .await
    }

    /// `kubectl create --dry-run=server`.
    pub async fn try_create(&self, object: &Value) -> Result<Value, String> {
        let refusal = self.refusal(JSON, object, object.to_string()).await;
        refusal.map_or(Ok(Value::Null), |status| Err(status.message))
    }

    /// The same with a text of this type for the object `of`; the whole
    /// refusal, if it is refused.
    pub async fn refusal(&self, content_type: &str, of: &Value, text: String) -> Option<Status> {
        let path = format!("{}&dryRun=All", self.path(of, "", false));
        let answer = self.request("POST", &path, content_type, text.into_bytes());
        answer.await.err().map(|status| *status)
    }

    /// `kubectl replace`, which takes the resourceVersion of the live object;
    /// `part` is empty or `/status`.
    pub async fn replace(&self, object: &Value, part: &str) -> Result<Value, String> {
        let mut object = object.clone();
        let live = self
            .send("GET", &self.path(&object, "", true), JSON, &Value::Null)
            .await?;
        object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        self.send("PUT", &self.path(&object, part, true), JSON, &object)
            .await
    }

    /// Patches the object that `of` names; `part` is empty or `/status`.
    pub async fn patch(
        &self,
        of: &Value,
        part: &str,
        kind: Patch,
        patch: &Value,
    ) -> Result<Value, String> {
        let path = self.path(of, part, true);
        let (path, content_type) = match kind {
            Patch::Merge => (path, "application/merge-patch+json"),
            Patch::Json => (path, "application/json-patch+json"),
            Patch::ServerSide => (
                format!("{path}&fieldManager=test&force=true"),
                "application/apply-patch+yaml",
            ),
        };
        self.send("PATCH", &path, content_type, patch).await
    }

    fn path(&self, object: &Value, part: &str, named: bool) -> String {
        let plural = match object["kind"].as_str() {
            Some("MigrationProject") => "migrationprojects",
            Some("OMSConnection") => "omsconnections",
            other => panic!("no kind of ours: {other:?}"),
        };
        let name = match object["metadata"]["name"].as_str() {
            Some(name) if named => format!("/{name}"),
            _ => String::new(),
        };
        format!(
            "/apis/oms.oceanbase.com/v1alpha1/namespaces/{}/{plural}{name}{part}?fieldValidation=Strict",
            self.namespace
        )
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let body = serde_json::to_vec(body).unwrap();
        let answer = self.request(method, path, content_type, body).await;
        answer.map_err(|status| status.message)
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Value, Box<Status>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, content_type)
            .body(body)
            .unwrap();
        match self.client.request(request).await {
            Ok(object) => Ok(object),
            Err(kube::Error::Api(status)) => Err(status),
            Err(error) => panic!("{method} {path} was not answered: {error}"),
        }
    }
}
