//! The vendor's own example of a request and of a reply, from a file to OMS and
//! back into the resource.

use kube::ResourceExt;
use oms_simulator::{Casing, Config, ReplyForm};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Patch};
use crate::process::printed;
use crate::world::{Operator, World, id};

const REQUEST: &str = "tests/fixtures/oms/createproject-request.json";

/// An OMS that answers as the vendor's example does.
async fn vendors_world(test: &str) -> World {
    let reply_form = ReplyForm {
        casing: Casing::VendorExample,
        ..ReplyForm::default()
    };
    let config = Config {
        reply_form,
        ..Config::default()
    };
    World::with(test, config).await
}

fn vendors_request() -> Value {
    serde_json::from_str(&std::fs::read_to_string(REQUEST).unwrap()).unwrap()
}

/// A value without the nulls in it, at any depth.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

/// What OMS has to receive: the request, with what is never left to a default.
fn expected() -> Value {
    let mut body = without_nulls(vendors_request());
    let full = body["fullTransferConfig"].as_object_mut().unwrap();
    for flag in ["allowDestTableNotEmpty", "nonePkUkTruncateDstTable"] {
        full.entry(flag).or_insert(json!(false));
    }
    for phase in [
        "StructTransfer",
        "FullTransfer",
        "FullVerify",
        "IncrTransfer",
        "ReverseIncrTransfer",
    ] {
        let flag = format!("enable{phase}");
        body.as_object_mut()
            .unwrap()
            .entry(flag)
            .or_insert(json!(false));
    }
    body
}

/// An operator makes the project of `name`, and OMS gets the request.
async fn reaches_oms(world: &World, name: &str) -> Operator {
    let operator = world.operator().await;
    let project = world.until_running(name).await;
    let made = world.has_exactly_one(name).await;
    assert_eq!(id(&project), Some(made.id.as_str()));
    assert_eq!(made.body, expected());
    assert_eq!(made.name, "test");
    operator
}

fn resource(project: Value) -> Value {
    json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": {"name": "pasted"},
        "spec": {"connectionRef": {"name": "oms"}, "project": project},
    })
}

/// The vendor's request as it is, with its nulls.
pub fn pasted() -> Value {
    resource(vendors_request())
}

/// What of it the API server keeps.
pub fn kept() -> Value {
    without_nulls(vendors_request())
}

/// A resource that the vendor's request is written over.
pub fn another() -> Value {
    resource(json!({
        "type": "MIGRATION",
        "sourceEndpointId": "e_1",
        "sinkEndpointId": "e_2",
        "transferMapping": {"mode": "WILDCARD"},
    }))
}

#[tokio::test]
async fn the_vendors_request_reaches_oms_by_create() {
    let world = vendors_world("by-create").await;
    Cluster::of(&world).create(&pasted()).await.unwrap();
    let operator = reaches_oms(&world, "pasted").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn the_vendors_request_reaches_oms_by_replace() {
    let world = vendors_world("by-replace").await;
    let cluster = Cluster::of(&world);
    cluster.create(&another()).await.unwrap();
    cluster.replace(&pasted(), "").await.unwrap();
    let operator = reaches_oms(&world, "pasted").await;
    // And again, where it is what is there.
    let again = cluster.replace(&pasted(), "").await.unwrap();
    assert_eq!(again["metadata"]["generation"], 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn the_vendors_request_reaches_oms_by_a_merge_patch() {
    let world = vendors_world("by-patch").await;
    let cluster = Cluster::of(&world);
    cluster.create(&another()).await.unwrap();
    let patch = json!({"spec": pasted()["spec"]});
    let to = another();
    cluster.patch(&to, "", Patch::Merge, &patch).await.unwrap();
    let operator = reaches_oms(&world, "pasted").await;
    let again = cluster.patch(&to, "", Patch::Merge, &patch).await.unwrap();
    assert_eq!(again["metadata"]["generation"], 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn the_vendors_request_reaches_oms_by_apply() {
    let world = vendors_world("by-apply").await;
    let cluster = Cluster::of(&world);
    cluster.apply(&another()).await.unwrap();
    let applied = cluster.apply(&pasted()).await.unwrap();
    assert_eq!(applied["metadata"]["generation"], 2);
    assert_eq!(applied["spec"]["project"], kept());
    let operator = reaches_oms(&world, "pasted").await;
    // Nothing has changed, and a label may.
    let again = cluster.apply(&pasted()).await.unwrap();
    assert_eq!(again["metadata"]["generation"], 2);
    let mut labelled = pasted();
    labelled["metadata"]["labels"] = json!({"team": "shop"});
    let again = cluster.apply(&labelled).await.unwrap();
    assert_eq!(again["metadata"]["generation"], 2);
    assert_eq!(again["metadata"]["labels"]["team"], "shop");
    world.has_exactly_one("pasted").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_manifest_of_the_vendors_request_is_applied_and_reaches_oms() {
    let world = vendors_world("manifest").await;
    let manifest = printed(&["manifest", REQUEST]);
    let applied = world
        .plane
        .apply_yaml_in(&world.namespace, &manifest)
        .await
        .unwrap();
    let name = applied[0].name_any();
    let connection = json!({"spec": {"connectionRef": {"name": "oms"}}});
    world.patch(&name, connection).await;
    let operator = reaches_oms(&world, &name).await;
    world.finish([operator]).await;
}
