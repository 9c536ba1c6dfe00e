//! The files for Argo CD and Flux beside the Lua: what of them is ours the API
//! server takes, and they name what there is.

use std::fs;
use std::path::{Path, PathBuf};

use oms_harness::ControlPlane;
use oms_operator::api::{Kind, crds_yaml};
use serde_json::Value;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// The objects of a file below `deploy/`.
fn documents(file: &str) -> Vec<Value> {
    let text =
        fs::read_to_string(deploy().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn of_kind<'a>(documents: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    documents.iter().filter(move |one| one["kind"] == kind)
}

#[tokio::test]
async fn the_resources_in_the_waves_are_accepted() {
    let plane = ControlPlane::shared();
    for kind in Kind::ALL {
        plane.apply_yaml(&crds_yaml(kind)).await.expect("a CRD");
    }
    for file in ["namespace.yaml", "connection.yaml", "projects.yaml"] {
        let path = deploy().join("argocd/waves").join(file);
        let text = fs::read_to_string(path).expect(file);
        let applied = plane.apply_yaml(&text).await;
        let applied = applied.unwrap_or_else(|error| panic!("{file}: {error:#}"));
        assert!(!applied.is_empty(), "{file}");
    }
}

/// Git that says `state` would take back what a button of Argo CD has changed.
#[test]
fn the_projects_in_the_waves_leave_the_buttons_alone() {
    for document in documents("argocd/waves/projects.yaml") {
        assert!(document["spec"]["state"].is_null() && document["spec"]["suspend"].is_null());
    }
}

#[test]
fn what_argo_cd_and_flux_sync_is_there() {
    let applications = documents("argocd/application.yaml");
    let path = &applications[0]["spec"]["source"]["path"];
    let path = path.as_str().expect("a path");
    assert!(
        deploy()
            .join("argocd")
            .join(path)
            .join("kustomization.yaml")
            .exists()
    );
    for file in ["argocd/application.yaml", "argocd/applicationset.yaml"] {
        let text = fs::read_to_string(deploy().join(file)).expect(file);
        assert!(text.contains("- ServerSideApply=true"), "{file}");
        assert!(text.contains("prune: false"), "{file}");
    }

    let sync = documents("flux/sync.yaml");
    let mut before: Option<&str> = None;
    for kustomization in of_kind(&sync, "Kustomization") {
        assert_eq!(kustomization["spec"]["wait"], true);
        let needs = kustomization["spec"]["dependsOn"][0]["name"].as_str();
        assert_eq!(needs, before);
        before = kustomization["metadata"]["name"].as_str();
    }
    assert_eq!(before, Some("oms-projects"));
}

/// Whatever takes the release back takes the definitions back with it (docs/install.md, "Going back").
#[test]
fn flux_never_rolls_the_definitions_back() {
    let operator = documents("flux/operator.yaml");
    let release = of_kind(&operator, "HelmRelease").next();
    let spec = &release.expect("a HelmRelease")["spec"];
    let upgrade = spec["upgrade"].as_object().expect("how it is upgraded");
    // Of this strategy there is no remediation. Without one, and by the other, `remediation` rolls back.
    assert_eq!(upgrade["strategy"]["name"], "RetryOnFailure");
    assert!(!upgrade.contains_key("remediation"), "{upgrade:?}");
    // What a failed test or a drift would start.
    assert!(spec["test"].is_null() && spec["rollback"].is_null());
}
