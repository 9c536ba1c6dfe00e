//! A namespace that enforces the restricted profile takes the operator's Pod.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, PostParams};
use oms_harness::ControlPlane;
use serde_json::json;

const RBAC: &str = include_str!("../../../../deploy/default/rbac.yaml");
const OPERATOR: &str = include_str!("../../../../deploy/default/operator.yaml");
const NAMESPACE: &str = "oms-system";

#[tokio::test]
async fn a_restricted_namespace_takes_the_pod() {
    let control_plane = ControlPlane::shared();
    control_plane.apply_yaml(RBAC).await.expect("rbac.yaml");
    let applied = control_plane.apply_yaml(OPERATOR).await;
    let applied = applied.expect("operator.yaml");
    let deployment = applied.iter().find(|object| {
        object
            .types
            .as_ref()
            .is_some_and(|types| types.kind == "Deployment")
    });

    let namespaces: Api<Namespace> = Api::all(control_plane.client());
    let namespace = namespaces.get(NAMESPACE).await.expect("the namespace");
    let labels = namespace.metadata.labels.unwrap_or_default();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    // No controller makes Pods here: this one is made of the template, to see whether it may be.
    let mut pod = deployment.expect("a Deployment").data["spec"]["template"].clone();
    pod["metadata"]["name"] = json!("oms-operator-0");
    let pod: Pod = serde_json::from_value(pod).expect("a Pod");
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    Api::<Pod>::namespaced(control_plane.client(), NAMESPACE)
        .create(&parameters, &pod)
        .await
        .expect("a Pod that keeps to the restricted profile");
}
