//! The admission policy: the operator writes the reservation, those who are let in do, and nobody else.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use oms_harness::{ControlPlane, Options, until_ok};
use oms_operator::api::v1alpha1::MigrationProject;
use oms_operator::api::{Kind, crds_yaml, keys};
use serde_json::{Value, json};

use super::tools::{objects, template, tools};

const DEADLINE: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "oms-system";

fn project(name: &str, annotations: &Value) -> MigrationProject {
    serde_json::from_value(json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "connectionRef": {"name": "oms"},
            "project": {
                "type": "MIGRATION",
                "sourceEndpointId": "e_1",
                "sinkEndpointId": "e_2",
                "transferMapping": {"mode": "WILDCARD", "tableAndViewWhiteList": ["shop.*"]},
                "enableStructTransfer": true,
            },
        },
    }))
    .expect("a MigrationProject")
}

/// Sets an annotation; what the API server says if it does not take it.
async fn annotate(client: Client, name: &str, key: &str, value: Value) -> Result<(), String> {
    let api: Api<MigrationProject> = Api::namespaced(client, NAMESPACE);
    let patch = Patch::Merge(json!({"metadata": {"annotations": {key: value}}}));
    let done = api.patch(name, &PatchParams::default(), &patch).await;
    done.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn only_the_operator_and_who_is_let_in_write_the_reservation() {
    let options = Options {
        controllers: false,
        ..Options::default()
    };
    let plane = ControlPlane::start(options).await.expect("a control plane");
    for kind in Kind::ALL {
        plane
            .apply_yaml(&crds_yaml(kind))
            .await
            .expect("a definition");
    }
    let backup = format!("system:serviceaccount:{NAMESPACE}:backup");
    let settings = format!("admissionPolicy.enabled=true,admissionPolicy.exemptUsers={{{backup}}}");
    let chart = template(tools().helm(), &["--set", &settings]).expect("a render");
    let make = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}");
    plane.apply_yaml(&make).await.expect("the namespace");
    for object in objects(&chart) {
        plane
            .apply_yaml(&object.to_string())
            .await
            .expect("a part of the chart");
    }
    // The rights of an operator, but another name.
    for account in ["backup", "other"] {
        let text = format!(
            "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {account}, namespace: {NAMESPACE}}}}}"
        );
        plane.apply_yaml(&text).await.expect("an account");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "oms-operator"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
        });
        plane
            .apply_yaml(&binding.to_string())
            .await
            .expect("a binding");
    }
    let client = async |account: &str| {
        let token = plane
            .service_account_token(NAMESPACE, account)
            .await
            .expect("a token");
        plane.client_for(&token)
    };
    let api: Api<MigrationProject> = Api::namespaced(plane.client(), NAMESPACE);
    api.create(&PostParams::default(), &project("a", &json!({})))
        .await
        .expect("created");
    let reservation = keys::CREATE_RESERVATION;

    // A new policy takes a moment to come into force.
    until_ok(
        DEADLINE,
        "the policy to be in force",
        async || match annotate(plane.client(), "a", reservation, json!("forged")).await {
            Err(words) if words.contains("written by the operator alone") => Ok(()),
            other => anyhow::bail!("{other:?}"),
        },
    )
    .await
    .expect("refused");
    // An administrator may have got one in before that.
    let operator = client("oms-operator").await;
    annotate(operator.clone(), "a", reservation, json!("reserved"))
        .await
        .expect("the operator may");
    for value in [json!("forged"), Value::Null] {
        for who in [plane.client(), client("other").await] {
            let words = annotate(who, "a", reservation, value.clone())
                .await
                .expect_err("refused");
            assert!(words.contains("written by the operator alone"), "{words}");
        }
    }
    annotate(plane.client(), "a", "note", json!("mine"))
        .await
        .expect("others are the user's");
    let forged = project("b", &json!({reservation: "forged"}));
    let error = api
        .create(&PostParams::default(), &forged)
        .await
        .expect_err("refused");
    assert!(
        error.to_string().contains("Leave it out of the manifest"),
        "{error}"
    );
    annotate(client("backup").await, "a", reservation, json!("restored"))
        .await
        .expect("let in");
    annotate(operator, "a", reservation, Value::Null)
        .await
        .expect("the operator may");
    plane.stop().await.expect("its end");
}
