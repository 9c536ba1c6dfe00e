//! What Argo CD compares, of each example after the operator was at work: the
//! manifest, the live object, and what the API server would make of the
//! manifest now. `dev/gitops` has Argo CD's own library judge it, in the same
//! run of `cargo xtask test`.

use std::path::{Path, PathBuf};

use kube::api::{Api, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::apply::three_way;
use crate::cluster::{self, Cluster};
use crate::vendor::another;
use crate::world::{DEADLINE, World};

/// As Argo CD calls itself.
const MANAGER: &str = "argocd-controller";

/// How manifests are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `kubectl apply`, and Argo CD's default.
    ClientSide,
    /// `kubectl apply --server-side`, and Argo CD's `ServerSideApply=true`.
    ServerSide,
}

/// Whether the document is a resource of ours.
pub fn is_ours(document: &Value) -> bool {
    document["apiVersion"] == "oms.oceanbase.com/v1alpha1"
}

/// Applies a resource of ours, in the namespace that it names or else at home.
pub async fn apply(home: &World, document: &Value, how: How) -> Result<(), String> {
    let manifest = in_place(home, document);
    let applied = match how {
        How::ClientSide => {
            let namespace = manifest["metadata"]["namespace"].as_str();
            let cluster = Cluster::beside(home, namespace.unwrap_or_default());
            cluster.apply(&manifest).await
        }
        How::ServerSide => server_side(home, &manifest, false).await,
    };
    applied.map(drop)
}

/// Keeps what there is to compare of a resource of ours, the so-manieth of an example.
pub async fn record(home: &World, file: &str, number: usize, document: &Value, how: How) {
    let manifest = in_place(home, document);
    // Both of one version: the operator is at work meanwhile.
    let (live, predicted) =
        oms_harness::until(DEADLINE, "nobody writes for a moment", async || {
            let live = read(home, &manifest).await;
            let predicted = match how {
                How::ClientSide => {
                    // As kubectl sees it, before Argo CD does.
                    assert_eq!(three_way(&manifest, &live), None, "{file}");
                    Value::Null
                }
                How::ServerSide => server_side(home, &manifest, true).await.expect("a dry run"),
            };
            let version = &read(home, &manifest).await["metadata"]["resourceVersion"];
            (live["metadata"]["resourceVersion"] == *version).then_some((live, predicted))
        })
        .await
        .expect("nobody writes for a moment");
    schemas(home).await;
    let record = json!({
        "how": format!("{how:?}"),
        "manager": MANAGER,
        "manifest": manifest,
        "live": live,
        "predicted": predicted,
    });
    let name = format!("{how:?}.{}.{number}.json", file.replace('/', "-"));
    write(&name, &record.to_string());
}

async fn read(home: &World, manifest: &Value) -> Value {
    let live = api(home, manifest).get(name(manifest)).await;
    serde_json::to_value(live.expect("the resource")).expect("JSON")
}

/// Where the records go: a run of `cargo xtask test` has a folder of its own.
fn folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "xtask says where")]
    let given = std::env::var_os("OMS_GITOPS_RECORDS").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("gitops"))
}

fn write(name: &str, text: &str) {
    std::fs::create_dir_all(folder()).expect("a folder");
    std::fs::write(folder().join(name), text).expect("written");
}

/// The schemas as the API server publishes them, once: Argo CD merges by them.
async fn schemas(home: &World) {
    static KEPT: OnceCell<()> = OnceCell::const_new();
    let keep = || async {
        let published = oms_harness::until(DEADLINE, "the schemas", async || {
            let request = http::Request::get("/openapi/v2").body(Vec::new()).ok()?;
            let schemas = home.client.request_text(request).await.ok()?;
            let both = ["v1alpha1.MigrationProject\"", "v1alpha1.OMSConnection\""];
            both.iter()
                .all(|kind| schemas.contains(kind))
                .then_some(schemas)
        });
        write("openapi.json", &published.await.expect("the schemas"));
    };
    KEPT.get_or_init(keep).await;
}

async fn server_side(home: &World, manifest: &Value, dry_run: bool) -> Result<Value, String> {
    let parameters = PatchParams {
        dry_run,
        force: true,
        field_manager: Some(MANAGER.into()),
        field_validation: Some(ValidationDirective::Strict),
    };
    let (api, patch) = (api(home, manifest), Patch::Apply(manifest));
    let applied = api.patch(name(manifest), &parameters, &patch);
    let applied = applied.await.map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(applied).expect("JSON"))
}

/// The manifest with its namespace, as Argo CD fills it in.
fn in_place(home: &World, document: &Value) -> Value {
    let mut manifest = document.clone();
    let namespace = &mut manifest["metadata"]["namespace"];
    if namespace.is_null() {
        *namespace = json!(home.namespace);
    }
    manifest
}

fn api(home: &World, manifest: &Value) -> Api<DynamicObject> {
    let kind = manifest["kind"].as_str().unwrap_or_default();
    let resource = GroupVersionKind::gvk("oms.oceanbase.com", "v1alpha1", kind);
    let namespace = manifest["metadata"]["namespace"].as_str();
    Api::namespaced_with(
        home.client.clone(),
        namespace.unwrap_or_default(),
        &ApiResource::from_gvk(&resource),
    )
}

fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().unwrap_or_default()
}

/// What users of Flux, of `ServerSideApply=true` and of Helm 4 read.
#[tokio::test]
async fn server_side_apply_refuses_a_null_in_the_words_of_the_documentation() {
    let cluster = Cluster::with_namespace("nulls").await;
    let mut manifest = another();
    manifest["spec"]["project"]["fullTransferConfig"] = Value::Null;
    let applied = cluster
        .patch(&manifest, "", cluster::Patch::ServerSide, &manifest)
        .await;
    let refusal = applied.expect_err("a refusal");
    let words = "spec.project.fullTransferConfig in body must be of type object: \"null\"";
    assert!(refusal.contains(words), "{refusal}");
    assert!(include_str!("../../docs/gitops.md").contains(words));
    cluster.create(&manifest).await.expect("by create");
}
