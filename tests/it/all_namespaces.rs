//! One operator for all namespaces, under exactly the rights of
//! `deploy/rbac.yaml`, through what resources live through.
//!
//! On a control plane of its own: it would act on the resources of the tests
//! beside it.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use oms_simulator::{Fault, Kind, Oms, Tls};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, id, message};

const CREATE: &str = "CreateProject";

#[tokio::test]
async fn one_operator_serves_all_namespaces_with_the_rights_it_is_given() {
    let home = World::apart("all-home").await;
    let guest = home.neighbour("all-guest").await;
    let lost = home.another("all-lost").await;
    let adopting = home.another("all-adopt").await;
    let leaving = home.another("all-leaving").await;
    let default = format!("--default-connection={}/oms", home.namespace);
    // A resource is deleted within it.
    let flags = ["--create-quarantine=8s", &default];
    let operator = home.operator_everywhere(&flags, None);
    tokio::join!(
        shared_with_another_namespace(&home, &guest),
        created_and_deleted(&lost),
        taken_over(&adopting),
        gone_with_its_namespace(&leaving, &operator),
    );
    asks_for_all_namespaces_at_once(&home).await;
    home.finish([operator]).await;
    for world in [guest, lost, adopting, leaving] {
        world.finish([]).await;
    }
}

/// Who may use a connection is said by its labels; who names none gets the
/// default one; and it stays while it is used.
async fn shared_with_another_namespace(home: &World, guest: &World) {
    let there = json!({"connectionRef": {"name": "oms", "namespace": home.namespace}});
    guest.create("orders", there).await;
    let project = guest.until_stalled("orders", "ConnectionNotAllowed").await;
    assert!(message(&project).contains("allowedNamespaces"));
    guest.label_namespace("oms-team", "red").await;
    let selector = json!({"matchLabels": {"oms-team": "red"}});
    let allowed = json!({"from": "Selector", "selector": selector});
    home.patch_connection("oms", json!({"spec": {"allowedNamespaces": allowed}}))
        .await;
    guest.force_look("orders", "one").await;
    guest.until_running("orders").await;
    guest.has_exactly_one("orders").await;
    guest
        .create("unnamed", json!({"connectionRef": null}))
        .await;
    guest.until_running("unnamed").await;
    assert_eq!(home.oms().projects().len(), 2);

    home.delete_connection("oms").await;
    home.until_connection("oms", "Deleting").await;
    for name in ["orders", "unnamed"] {
        guest.delete(name).await;
        guest.until_gone(name).await;
    }
    home.until_connection_gone("oms").await;
}

/// The whole create protocol, a certificate authority from a ConfigMap
/// included.
async fn created_and_deleted(world: &World) {
    let authority = Tls::new(&[]).unwrap();
    world.config_map("ca", "ca.crt", authority.ca_pem()).await;
    let reference = json!({"kind": "ConfigMap", "name": "ca", "key": "ca.crt"});
    let tls = json!({"spec": {"tls": {"caRef": reference}}});
    world.patch_connection("oms", tls).await;
    let unheard = Fault::new(CREATE, Kind::Drop).times(1).after_work();
    world.oms().fault(unheard);
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.until_event("orders", "ProjectCreated").await;
    world.delete("orders").await;
    world.until_gone("orders").await;
}

/// A namespace that is being deleted takes no Event: the last word on what may
/// be left in OMS stands in the log. (And in the operator's own namespace, if it
/// knows that: tests/it/namespaces.rs.)
async fn gone_with_its_namespace(world: &World, operator: &Operator) {
    world.oms().fault(Fault::new(CREATE, Kind::Drop).times(1));
    world.create("orders", json!({})).await;
    let tried = world
        .oms()
        .wait_until(DEADLINE, |oms| oms.count(CREATE) == 1);
    assert!(tried.await, "it is tried");
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces
        .delete(&world.namespace, &DeleteParams::default())
        .await
        .unwrap();
    world.until_gone("orders").await;
    world.until_connection_gone("oms").await;
    assert_eq!(world.oms().count(CREATE), 1, "deleting never creates");
    let name = world.project_name("orders");
    operator
        .until_log(&format!("deleted: attempt 1 to create \"{name}\""))
        .await;
}

async fn taken_over(world: &World) {
    let body = Oms::example_body("planted");
    let planted = world.oms().insert_project("planted", "INIT", body);
    let adopt = json!({"adopt": {"projectId": planted}});
    world.create("orders", adopt).await;
    let project = world.until_running("orders").await;
    assert_eq!(id(&project), Some(planted.as_str()));
    assert_eq!(world.oms().count(CREATE), 0);
}

/// It lists and watches both kinds over the cluster, and never in a namespace.
async fn asks_for_all_namespaces_at_once(world: &World) {
    let asked = world.asked().await;
    for kind in ["migrationprojects", "omsconnections"] {
        let looks = asked
            .resource(kind)
            .filter(|entry| ["list", "watch"].contains(&entry.verb.as_str()));
        assert_eq!(looks.verbs(), ["list", "watch"].into());
        let narrow = looks.filter(|entry| entry.namespace.is_some());
        assert!(narrow.is_empty(), "{narrow}");
    }
}
