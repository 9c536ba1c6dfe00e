//! What the real API server does with our resources: the vendor's request
//! pastes, nothing that decides the project changes once it exists, and no
//! object gets stuck.

use oms_operator::api::json::without_nulls;
use oms_operator::api::keys::FINALIZER;
use oms_operator::api::manifest;
use oms_operator::api::v1alpha1::{MigrationProject, MigrationProjectStatus};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Patch};

const REQUEST: &str = include_str!("../fixtures/oms/createproject-request.json");

fn request() -> Value {
    serde_json::from_str(REQUEST).unwrap()
}

fn request_without_nulls() -> Value {
    Value::Object(without_nulls(request().as_object().unwrap().clone()))
}

fn resource(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": { "name": name },
        "spec": spec,
    })
}

/// A spec that sets every field that cannot change later, so far as they can
/// stand together: one side by id, the other by name.
fn full_spec() -> Value {
    json!({
        "connectionRef": { "name": "oms" },
        "sinkEndpointRef": { "name": "ob-prod" },
        "project": {
            "type": "MIGRATION",
            "sourceEndpointId": "e_1",
            "transferMapping": { "mode": "WILDCARD" },
        },
        "extraProperties": { "fullTransferConfig": { "throttleRps": 5 } },
    })
}

/// A change of each immutable field, as a merge patch on the spec. Adding and
/// removing are changes, too.
fn changes() -> Vec<(&'static str, Value)> {
    vec![
        (
            "connectionRef",
            json!({ "connectionRef": { "name": "other" } }),
        ),
        (
            "connectionRef",
            json!({ "connectionRef": { "namespace": "other" } }),
        ),
        ("connectionRef", json!({ "connectionRef": null })),
        (
            "sinkEndpointRef",
            json!({ "sinkEndpointRef": { "name": "ob-staging" } }),
        ),
        (
            "sinkEndpointRef",
            json!({ "sinkEndpointRef": null, "project": { "sinkEndpointId": "e_2" } }),
        ),
        (
            "sourceEndpointRef",
            json!({ "sourceEndpointRef": { "name": "mysql" }, "project": { "sourceEndpointId": null } }),
        ),
        ("project", json!({ "project": { "name": "other" } })),
        (
            "project",
            json!({ "project": { "transferMapping": { "databases": [{ "name": "a" }] } } }),
        ),
        (
            "extraProperties",
            json!({ "extraProperties": { "more": 1 } }),
        ),
        (
            "extraProperties",
            json!({ "extraProperties": { "fullTransferConfig": { "throttleRps": 6 } } }),
        ),
        ("extraProperties", json!({ "extraProperties": null })),
    ]
}

async fn set_status(cluster: &Cluster, object: &Value, status: Value) {
    cluster
        .patch(
            object,
            "/status",
            Patch::Merge,
            &json!({ "status": status }),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn the_vendors_request_pastes_into_create_replace_and_merge_patch() {
    let cluster = Cluster::with_namespace("paste").await;
    let pasted = resource("pasted", json!({ "project": request() }));
    let created = cluster.create(&pasted).await.unwrap();
    assert_eq!(created["spec"]["project"], request_without_nulls());

    let mut again = pasted.clone();
    again["metadata"]["labels"] = json!({ "team": "a" });
    let replaced = cluster.replace(&again, "").await.unwrap();
    assert_eq!(replaced["spec"]["project"], request_without_nulls());

    assert_eq!(replaced["metadata"]["generation"], 1);

    let other = resource("other", full_spec());
    cluster.create(&other).await.unwrap();
    let patched = cluster
        .patch(
            &other,
            "",
            Patch::Merge,
            &json!({ "spec": { "sinkEndpointRef": null, "project": request() } }),
        )
        .await
        .unwrap();
    assert_eq!(patched["spec"]["project"], request_without_nulls());
}

/// The second and every further `kubectl apply` is a merge patch that holds the
/// nulls of the manifest, those in lists included.
#[tokio::test]
async fn the_vendors_request_can_be_applied_again_after_the_project_exists() {
    let cluster = Cluster::with_namespace("paste").await;
    let pasted = resource("pasted", json!({ "project": request() }));
    cluster.create(&pasted).await.unwrap();
    set_status(&cluster, &pasted, json!({ "projectId": "np_1" })).await;
    let patched = cluster
        .patch(&pasted, "", Patch::Merge, &pasted)
        .await
        .unwrap();
    assert_eq!(patched["metadata"]["generation"], 1);
    cluster.replace(&pasted, "").await.unwrap();
}

#[tokio::test]
async fn a_resource_of_five_thousand_tables_can_be_written_and_is_guarded() {
    let cluster = Cluster::with_namespace("large").await;
    let tables: Vec<Value> = (0..5_000)
        .map(|number| {
            json!({
                "name": format!("customer_orders_of_the_year_{number}"),
                "mappedName": format!("customer_orders_of_the_year_{number}"),
                "filterColumns": ["id", "customer", "created_at", "amount"],
            })
        })
        .collect();
    let mut spec = full_spec();
    spec["project"]["transferMapping"] =
        json!({ "mode": "SPECIFIC", "databases": [{ "name": "shop", "tables": tables }] });
    let object = resource("large", spec);
    cluster.create(&object).await.unwrap();
    set_status(&cluster, &object, json!({ "projectId": "np_1" })).await;
    write_everything(&cluster, &object, &json!({ "projectId": "np_1" })).await;
    let mut other = object.clone();
    other["spec"]["project"]["transferMapping"]["databases"][0]["tables"][4_999]["name"] =
        json!("other");
    let refusal = cluster.replace(&other, "").await.unwrap_err();
    assert!(refusal.contains("spec.project is immutable"), "{refusal}");
}

#[tokio::test]
async fn a_manifest_written_from_the_vendors_request_applies_server_side() {
    let cluster = Cluster::with_namespace("paste").await;
    let manifest: Value =
        serde_saphyr::from_str(&manifest::from_request(REQUEST).unwrap()).unwrap();
    for _ in 0..2 {
        let applied = cluster
            .patch(&manifest, "", Patch::ServerSide, &manifest)
            .await
            .unwrap();
        assert_eq!(applied["spec"]["project"], request_without_nulls());
        assert_eq!(applied["metadata"]["generation"], 1);
    }
}

#[tokio::test]
async fn a_resource_that_nobody_has_looked_at_is_marked_so() {
    let cluster = Cluster::with_namespace("fresh").await;
    let created = cluster
        .create(&resource("fresh", full_spec()))
        .await
        .unwrap();
    assert_eq!(created["status"], json!({ "observedGeneration": -1 }));
}

#[tokio::test]
async fn before_the_project_exists_every_field_can_change() {
    let cluster = Cluster::with_namespace("before").await;
    for (index, (field, change)) in changes().into_iter().enumerate() {
        let object = resource(&format!("mp-{index}"), full_spec());
        cluster.create(&object).await.unwrap();
        set_status(&cluster, &object, json!({ "observedGeneration": 1 })).await;
        let changed = cluster
            .patch(&object, "", Patch::Merge, &json!({ "spec": change }))
            .await
            .unwrap_or_else(|refusal| panic!("{field} {change}: {refusal}"));
        assert_eq!(changed["metadata"]["generation"], 2, "{field} {change}");
    }
}

#[tokio::test]
async fn once_the_project_exists_each_change_is_refused_with_immutable_and_the_path() {
    let cluster = Cluster::with_namespace("after").await;
    let object = resource("mp", full_spec());
    cluster.create(&object).await.unwrap();
    set_status(&cluster, &object, json!({ "projectId": "np_1" })).await;
    for (number, (field, change)) in changes().into_iter().enumerate() {
        let refusal = cluster
            .patch(&object, "", Patch::Merge, &json!({ "spec": change }))
            .await
            .expect_err(&format!("{field} {change} was accepted"));
        // Nor does a change of the status excuse one of the spec: each write changes one of them.
        let status = json!({ "projectStatus": format!("STATUS_{number}") });
        let both = json!({ "spec": change, "status": status });
        let with_status = cluster.patch(&object, "", Patch::Merge, &both).await;
        assert_eq!(with_status.unwrap_err(), refusal);
        let written = cluster.patch(&object, "/status", Patch::Merge, &both);
        assert_eq!(written.await.unwrap()["metadata"]["generation"], 1);
        let words = format!("spec.{field}: Forbidden: spec.{field} is immutable");
        assert!(refusal.contains(&words), "{change}: {refusal}");
    }
    for free in [
        json!({ "state": "Created" }),
        json!({ "state": "Paused", "onExternalPause": "Resume", "suspend": true }),
        json!({ "retry": { "maxAttempts": 3, "initialDelay": "1m", "maxDelay": "1h" } }),
        json!({ "deletionPolicy": "Delete", "deletionTimeout": "5m", "onDeletionTimeout": "Block" }),
        json!({ "adopt": { "byName": true } }),
    ] {
        cluster
            .patch(&object, "", Patch::Merge, &json!({ "spec": free }))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_spec_that_differs_from_its_project_can_be_reverted() {
    let cluster = Cluster::with_namespace("mismatch").await;
    for (index, (field, change)) in changes().into_iter().enumerate() {
        let object = resource(&format!("mp-{index}"), full_spec());
        cluster.create(&object).await.unwrap();
        set_status(
            &cluster,
            &object,
            json!({ "projectId": "np_1", "specMismatch": true }),
        )
        .await;
        cluster
            .patch(&object, "", Patch::Merge, &json!({ "spec": change }))
            .await
            .unwrap_or_else(|refusal| panic!("{field} {change}: {refusal}"));
    }
}

#[tokio::test]
async fn the_description_of_a_project_adopted_by_its_id_can_be_corrected() {
    let cluster = Cluster::with_namespace("adopted").await;
    let object = resource("mp", json!({ "adopt": { "projectId": "np_1" } }));
    cluster.create(&object).await.unwrap();
    set_status(&cluster, &object, json!({ "projectId": "np_1" })).await;
    let described = json!({ "spec": full_spec() });
    cluster
        .patch(&object, "", Patch::Merge, &described)
        .await
        .unwrap();
    let other = json!({ "spec": { "adopt": { "projectId": "np_2" }, "project": { "name": "x" } } });
    let refusal = cluster
        .patch(&object, "", Patch::Merge, &other)
        .await
        .unwrap_err();
    assert!(refusal.contains("spec.project is immutable"), "{refusal}");
}

#[tokio::test]
async fn what_the_vendor_demands_is_not_demanded_of_a_project_adopted_by_its_id() {
    let cluster = Cluster::with_namespace("adopted").await;
    let adopted = json!({
        "adopt": { "projectId": "np_1" },
        "project": {
            "name": "with space",
            "labelIds": ["l_1", "l_2", "l_3", "l_4", "l_5", "l_6"],
            "transferMapping": { "mode": "SPECIFIC" },
            "enableFullTransfer": true,
            "enableFullVerify": true,
            "incrTransferConfig": { "storeLogKeptHour": 9000 },
        },
    });
    cluster.create(&resource("mp", adopted)).await.unwrap();
}

#[tokio::test]
async fn the_id_of_a_project_is_written_once_and_freed_only_when_the_project_is_gone() {
    let cluster = Cluster::with_namespace("write-once").await;
    let object = resource("mp", full_spec());
    cluster.create(&object).await.unwrap();
    set_status(&cluster, &object, json!({ "projectId": "np_1" })).await;
    let write = |kind: Patch, patch: Value| {
        let (cluster, object) = (&cluster, &object);
        async move { cluster.patch(object, "/status", kind, &patch).await }
    };
    for (kind, patch) in [
        (Patch::Merge, json!({ "status": { "projectId": "np_2" } })),
        (Patch::Merge, json!({ "status": { "projectId": null } })),
        (Patch::Merge, json!({ "status": null })),
        (Patch::Json, json!([{ "op": "remove", "path": "/status" }])),
        (
            Patch::Json,
            json!([{ "op": "replace", "path": "/status", "value": { "gone": true } }]),
        ),
    ] {
        let refusal = write(kind, patch.clone()).await.unwrap_err();
        assert!(
            refusal.contains("status.projectId is immutable"),
            "{patch}: {refusal}"
        );
    }
    let mut stripped = object.clone();
    stripped["status"] = json!({ "observedGeneration": 1 });
    let refusal = cluster.replace(&stripped, "/status").await.unwrap_err();
    assert!(
        refusal.contains("status.projectId is immutable"),
        "{refusal}"
    );
    // Writing the same id again is what a retry after a lost reply does.
    write(
        Patch::Merge,
        json!({ "status": { "projectId": "np_1", "gone": true } }),
    )
    .await
    .unwrap();
    write(
        Patch::Merge,
        json!({ "status": { "projectId": "np_2", "gone": null } }),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_replace_of_the_whole_object_leaves_the_status_alone() {
    let cluster = Cluster::with_namespace("replace").await;
    let object = resource("mp", full_spec());
    cluster.create(&object).await.unwrap();
    set_status(&cluster, &object, json!({ "projectId": "np_1" })).await;
    let replaced = cluster.replace(&object, "").await.unwrap();
    assert_eq!(replaced["status"]["projectId"], "np_1");
}

/// What comes back unequal would be written again by every reconcile.
#[tokio::test]
async fn a_status_with_every_field_set_comes_back_as_it_was_written() {
    let cluster = Cluster::with_namespace("status").await;
    let object = resource("mp", full_spec());
    cluster.create(&object).await.unwrap();
    let time = "2026-11-23T18:00:00.123456789Z";
    let written: MigrationProjectStatus = serde_json::from_value(json!({
        "observedGeneration": 1,
        "projectId": "np_1",
        "projectName": "shop.orders",
        "connection": { "namespace": "a", "name": "oms", "uid": "u", "url": "https://oms.example.com" },
        "projectStatus": "RUNNING",
        "create": {
            "attempt": 1, "at": time, "outcome": "Unknown", "since": time, "unknownAttempts": 1,
            "quarantineUntil": time, "projectName": "shop.orders", "bodyHash": "0f",
            "lookedAt": time, "notAfter": time, "knownIds": ["np_0"],
            "connection": { "uid": "u", "url": "https://oms.example.com" },
            "replied": true, "handledRetry": "1", "message": "m",
        },
        "pause": { "state": "Paused", "generation": 3, "since": time },
        "retries": {
            "count": 2, "lastAttemptTime": time, "failureTime": time, "nextAttemptTime": time,
        },
        "specMismatch": false,
        "gone": false,
        "lastError": {
            "action": "CreateProject", "code": "INNER_ERROR", "message": "m", "advice": "a",
            "requestId": "r", "time": time, "nextAttemptTime": time,
        },
        "lastHandledReconcileAt": "1", "lastHandledRetry": "2",
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "Creating", "message": "",
            "lastTransitionTime": "2026-11-23T18:00:00Z", "observedGeneration": 1,
        }],
    }))
    .unwrap();
    set_status(&cluster, &object, serde_json::to_value(&written).unwrap()).await;
    let read = cluster.replace(&object, "").await.unwrap();
    let read: MigrationProject = serde_json::from_value(read).unwrap();
    assert_eq!(read.status, Some(written));
}

/// Guards against a rule without `has`: it would lock an object that lacks the
/// field out of every write.
#[tokio::test]
async fn an_object_with_every_optional_field_absent_can_be_written_at_every_stage() {
    let cluster = Cluster::with_namespace("minimal").await;
    let projects = [
        json!({ "adopt": { "projectId": "np_1" } }),
        json!({ "project": {
            "type": "SYNC", "sourceEndpointId": "e_1", "sinkEndpointId": "e_2",
            "transferMapping": { "mode": "WILDCARD" },
        }}),
        json!({
            "sourceEndpointRef": { "name": "a" }, "sinkEndpointRef": { "name": "b" },
            "project": { "type": "SYNC", "transferMapping": { "mode": "WILDCARD" } },
        }),
    ];
    let stages = [
        json!({}),
        json!({ "create": {} }),
        json!({ "create": { "outcome": "Unknown" } }),
        json!({ "projectId": "np_1" }),
        json!({ "specMismatch": true }),
        json!({ "specMismatch": null, "lastError": {}, "connection": {} }),
        json!({ "gone": true }),
        json!({ "projectId": null, "observedGeneration": null }),
        Value::Null,
    ];
    for (index, spec) in projects.into_iter().enumerate() {
        let object = resource(&format!("mp-{index}"), spec);
        cluster.create(&object).await.unwrap();
        for stage in &stages {
            set_status(&cluster, &object, stage.clone()).await;
            write_everything(&cluster, &object, stage).await;
        }
    }
    let connection = json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "OMSConnection",
        "metadata": { "name": "oms" },
        "spec": { "url": "http://oms.example.com", "credentialsSecretRef": { "name": "oms" } },
    });
    cluster.create(&connection).await.unwrap();
    for stage in [json!({}), json!({ "projects": 3 }), Value::Null] {
        set_status(&cluster, &connection, stage.clone()).await;
        write_everything(&cluster, &connection, &stage).await;
    }
}

/// A label, a finalizer, a spec written over itself, and all of it taken back.
async fn write_everything(cluster: &Cluster, object: &Value, stage: &Value) {
    for patch in [
        json!({ "metadata": { "labels": { "team": "a" } } }),
        json!({ "metadata": { "finalizers": [FINALIZER] } }),
        json!({ "spec": object["spec"] }),
        json!({ "metadata": { "labels": null, "finalizers": null } }),
    ] {
        cluster
            .patch(object, "", Patch::Merge, &patch)
            .await
            .unwrap_or_else(|refusal| panic!("{object} at {stage}, {patch}: {refusal}"));
    }
    cluster
        .replace(object, "")
        .await
        .unwrap_or_else(|refusal| panic!("{object} at {stage}, replaced: {refusal}"));
}

/// The server takes 8.0 for a whole number, except where a rule looks at it;
/// what it stores is what the operator reads, and what `check` shows. kubectl
/// sends 8, whatever the file says, so that its users never meet the exception.
#[tokio::test]
async fn a_whole_number_with_a_fraction_is_stored_as_the_operator_can_read_it() {
    let cluster = Cluster::with_namespace("whole").await;
    let mut spec = full_spec();
    spec["project"]["incrTransferConfig"] =
        json!({ "incrSyncConcurrency": 8.0, "startTimestamp": 1e9 });
    spec["extraProperties"] = json!({ "more": 2.0, "half": 0.5 });
    let object = resource("whole", spec);
    cluster.create(&object).await.unwrap();
    let stored = cluster.get(&object).await.unwrap();
    assert_eq!(
        stored["spec"]["project"]["incrTransferConfig"],
        json!({ "incrSyncConcurrency": 8, "startTimestamp": 1_000_000_000 })
    );
    assert_eq!(
        stored["spec"]["extraProperties"],
        json!({ "more": 2, "half": 0.5 })
    );
    let read: MigrationProject = serde_json::from_value(stored).unwrap();
    let config = read.spec.project.incr_transfer_config.unwrap();
    assert_eq!(config.incr_sync_concurrency, Some(8));

    let mut ruled = resource("ruled", full_spec());
    ruled["spec"]["project"]["incrTransferConfig"] = json!({ "storeLogKeptHour": 1.0 });
    let refusal = cluster.create(&ruled).await.unwrap_err();
    assert!(refusal.contains("expected int, got float64"), "{refusal}");
}
