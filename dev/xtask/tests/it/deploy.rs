//! A namespace that enforces the restricted profile takes the Pods of the plain manifests.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, PostParams};
use oms_harness::ControlPlane;
use serde_json::json;

const RBAC: &str = include_str!("../../../../deploy/default/rbac.yaml");
const OPERATOR: &str = include_str!("../../../../deploy/default/operator.yaml");
const RELEASE_ALL: &str = include_str!("../../../../deploy/release-all/job.yaml");
const NAMESPACE: &str = "oms-system";

#[tokio::test]
async fn a_restricted_namespace_takes_the_pods() {
    let control_plane = ControlPlane::shared();
    control_plane.apply_yaml(RBAC).await.expect("rbac.yaml");
    let mut applied = Vec::new();
    for text in [OPERATOR, RELEASE_ALL] {
        applied.extend(control_plane.apply_yaml(text).await.expect("applied"));
    }

    let namespaces: Api<Namespace> = Api::all(control_plane.client());
    let namespace = namespaces.get(NAMESPACE).await.expect("the namespace");
    let labels = namespace.metadata.labels.unwrap_or_default();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let pods: Api<Pod> = Api::namespaced(control_plane.client(), NAMESPACE);
    let mut tried = Vec::new();
    for object in applied {
        // No controller makes Pods here: each is made of its template, to see whether it may be.
        let mut pod = object.data["spec"]["template"].clone();
        if pod.is_null() {
            continue;
        }
        let kind = object.types.clone().unwrap_or_default().kind;
        pod["metadata"]["name"] = json!("oms-operator-0");
        let pod: Pod = serde_json::from_value(pod).expect("a Pod");
        let taken = pods.create(&parameters, &pod).await;
        taken.unwrap_or_else(|error| panic!("the Pod of the {kind}: {error}"));
        tried.push(kind);
    }
    assert_eq!(tried, ["Deployment", "Job"]);
}
