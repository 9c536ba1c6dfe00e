//! The vendor's own example of a request and of a reply, from a file to OMS and
//! back into the resource.

use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ObjectMeta, PostParams};
use oms_simulator::{Casing, Config, ReplyForm};
use serde_json::{Value, json};

use crate::process::printed;
use crate::world::{World, id};

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

fn without_nulls(value: Value) -> Value {
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

async fn reaches_oms(world: World, name: &str) {
    let operator = world.operator().await;
    let project = world.until_running(name).await;
    let made = world.has_exactly_one(name).await;
    assert_eq!(id(&project), Some(made.id.as_str()));
    assert_eq!(made.body, expected());
    assert_eq!(made.name, "test");
    world.finish([operator]).await;
}

#[tokio::test]
async fn the_vendors_request_pasted_into_a_resource_reaches_oms_as_it_is() {
    let world = vendors_world("paste").await;
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": ObjectMeta { name: Some("pasted".into()), ..ObjectMeta::default() },
        "spec": {"connectionRef": {"name": "oms"}, "project": vendors_request()},
    }))
    .unwrap();
    let resource =
        kube::core::ApiResource::erase::<oms_operator::api::v1alpha1::MigrationProject>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &resource);
    let created = api.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(created.name_any(), "pasted");
    reaches_oms(world, "pasted").await;
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
    reaches_oms(world, &name).await;
}
