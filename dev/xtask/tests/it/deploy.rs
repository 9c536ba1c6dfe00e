//! The files of `deploy/` before a real API server.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, Patch, PatchParams, PostParams};
use oms_harness::ControlPlane;
use serde_json::{Value, json};

const RBAC: &str = include_str!("../../../../deploy/rbac.yaml");
const OPERATOR: &str = include_str!("../../../../deploy/operator.yaml");
const NAMESPACE: &str = "oms-system";

#[tokio::test]
async fn the_api_server_takes_them_and_a_restricted_namespace_takes_the_pod() {
    let control_plane = ControlPlane::shared();
    control_plane.apply_yaml(RBAC).await.expect("rbac.yaml");
    let applied = control_plane.apply_yaml(OPERATOR).await;
    let applied = applied.expect("operator.yaml");
    let [deployment] = applied.as_slice() else {
        panic!("one Deployment is expected, not {applied:?}");
    };

    // No controller makes Pods here: this one is made of the template, to see whether it may be.
    let restricted =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    Api::<Namespace>::all(control_plane.client())
        .patch(
            NAMESPACE,
            &PatchParams::default(),
            &Patch::Merge(restricted),
        )
        .await
        .expect("a label");
    let mut pod = deployment.data["spec"]["template"].clone();
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

#[tokio::test]
async fn the_pod_has_time_to_end_a_create_in_flight() {
    let deployment: Value = serde_saphyr::from_str(OPERATOR).expect("YAML");
    let grace = &deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
    let call = oms_operator::oms::Timeouts::default().mutation;
    assert!(
        grace.as_u64().expect("a number") >= call.as_secs() + 10,
        "{grace} s are less than a call of {call:?} and the write of its id"
    );
}
