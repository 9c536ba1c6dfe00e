//! The actions: which are offered, what each changes, and that the API server
//! takes what it makes.

use std::path::Path;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use oms_harness::ControlPlane;
use oms_operator::api::{Kind, crds_yaml};
use serde::Deserialize;
use serde_json::{Value, json};

use super::patch::{between, mended};
use super::sandbox::run;
use super::{KINDS, folder, names, read, yaml};

/// `action_test.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tests {
    discovery_tests: Vec<Discovery>,
    action_tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discovery {
    input_path: String,
    result: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    action: String,
    input_path: String,
    expected_output_path: String,
}

fn tests(folder: &Path) -> Tests {
    yaml(&folder.join("actions/action_test.yaml"))
}

/// What is offered for an object, as Argo CD lists it.
fn offered(folder: &Path, object: &Value) -> Vec<Value> {
    let script = read(&folder.join("actions/discovery.lua"));
    let actions = run(&script, object).expect("actions");
    let actions = actions.as_object().cloned().unwrap_or_default();
    let named = |(name, mut action): (String, Value)| {
        action["name"] = json!(name);
        action
    };
    actions.into_iter().map(named).collect()
}

/// The object after an action.
fn acted(folder: &Path, action: &str, object: &Value) -> Value {
    let path = folder.join("actions").join(action).join("action.lua");
    let new = run(&read(&path), object);
    mended(
        new.unwrap_or_else(|error| panic!("{action}: {error}")),
        object,
    )
}

#[test]
fn what_would_have_an_effect_is_offered_and_nothing_else() {
    for kind in KINDS {
        let folder = folder(kind);
        for test in tests(&folder).discovery_tests {
            let object = yaml(&folder.join("actions").join(&test.input_path));
            let by_name = |mut actions: Vec<Value>| {
                actions.sort_by_key(|action| action["name"].to_string());
                actions
            };
            assert_eq!(
                by_name(offered(&folder, &object)),
                by_name(test.result),
                "{kind}: {}",
                test.input_path
            );
        }
    }
}

#[test]
fn every_action_changes_what_it_says_and_nothing_else() {
    for kind in KINDS {
        let folder = folder(kind);
        let tests = tests(&folder).action_tests;
        for test in &tests {
            let actions = folder.join("actions");
            let object = yaml(&actions.join(&test.input_path));
            let expected: Value = yaml(&actions.join(&test.expected_output_path));
            assert_eq!(
                acted(&folder, &test.action, &object),
                expected,
                "{kind}: {}",
                test.action
            );
            let offered = offered(&folder, &object);
            assert!(
                offered
                    .iter()
                    .any(|one| one["name"] == test.action.as_str()),
                "{kind}: {} is tried where it is not offered",
                test.action
            );
        }
        for name in names(&folder.join("actions")) {
            if folder
                .join("actions")
                .join(&name)
                .join("action.lua")
                .exists()
            {
                assert!(
                    tests.iter().any(|test| test.action == name),
                    "{kind}: no test of the action {name}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_api_server_takes_what_an_action_makes() {
    let plane = ControlPlane::shared();
    for kind in Kind::ALL {
        plane.apply_yaml(&crds_yaml(kind)).await.expect("a CRD");
    }
    let namespace = plane.namespace("argocd").await.expect("a namespace");
    for kind in KINDS {
        let folder = folder(kind);
        let resource = GroupVersionKind::gvk("oms.oceanbase.com", "v1alpha1", kind);
        let resource = ApiResource::from_gvk(&resource);
        let api: Api<DynamicObject> = Api::namespaced_with(plane.client(), &namespace, &resource);
        for (number, test) in tests(&folder).action_tests.iter().enumerate() {
            let name = format!("{}-{number}", test.action);
            let input: Value = yaml(&folder.join("actions").join(&test.input_path));
            let output: Value = yaml(&folder.join("actions").join(&test.expected_output_path));
            let live = with_status(&api, &name, &input).await;
            let patch = between(&live, &acted(&folder, &test.action, &live));
            let expected = between(&input, &output);
            assert_eq!(patch, expected, "{kind}: {}", test.action);

            let strictly = PatchParams {
                field_validation: Some(kube::api::ValidationDirective::Strict),
                ..PatchParams::default()
            };
            let taken = api.patch(&name, &strictly, &Patch::Merge(&patch)).await;
            let taken = taken.unwrap_or_else(|error| panic!("{kind} {}: {error}", test.action));
            let mut wanted = live;
            json_patch::merge(&mut wanted, &patch);
            let taken = serde_json::to_value(taken).expect("JSON");
            for part in ["spec", "status"] {
                assert_eq!(taken[part], wanted[part], "{kind}: {}", test.action);
            }
            assert_eq!(
                taken["metadata"]["annotations"], wanted["metadata"]["annotations"],
                "{kind}: {}",
                test.action
            );
        }
    }
}

/// An object like the recorded one, with its status, as the API server has it.
async fn with_status(api: &Api<DynamicObject>, name: &str, recorded: &Value) -> Value {
    let object = json!({
        "apiVersion": recorded["apiVersion"],
        "kind": recorded["kind"],
        "metadata": {"name": name},
        "spec": recorded["spec"],
    });
    let object = serde_json::from_value(object).expect("an object");
    let created = api.create(&PostParams::default(), &object).await;
    created.unwrap_or_else(|error| panic!("{name}: {error}"));
    let status = json!({"status": recorded["status"]});
    let written = api
        .patch_status(name, &PatchParams::default(), &Patch::Merge(&status))
        .await;
    let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::to_value(written).expect("JSON")
}
