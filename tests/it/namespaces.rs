//! `kubectl delete namespace`: it comes to its end, whatever the policies, and
//! what may be left in OMS is told where it can still be told.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use oms_harness::until;
use oms_simulator::{Config, Durations, Fault, Kind};
use serde_json::json;

use crate::kubectl::kubectl;
use crate::world::{DEADLINE, World};

const OWN: &str = "oms-system";

#[derive(Clone, Copy, PartialEq)]
enum Oms {
    Healthy,
    Down,
    /// The Secret goes first, and the operator has read it before.
    WithoutSecret,
}

/// The status in OMS of each policy's project at the end.
async fn namespace_goes(test: &str, oms: Oms, expected: [(&str, Option<&str>); 3]) {
    let durations = Durations {
        release: Duration::from_millis(300),
        ..Durations::default()
    };
    let config = Config {
        durations,
        ..Config::default()
    };
    let world = World::with(test, config).await;
    let operator = world.operator_with(&["--own-namespace", OWN], None).await;
    // Where OMS can be asked, time is not what ends it.
    let timeout = if oms == Oms::Down { "3s" } else { "1h" };
    for (policy, _) in expected {
        // In a namespace that goes, Block is not obeyed.
        let spec = json!({
            "deletionPolicy": policy, "deletionTimeout": timeout, "onDeletionTimeout": "Block",
        });
        world.create(&policy.to_lowercase(), spec).await;
    }
    for (policy, _) in expected {
        world.until_running(&policy.to_lowercase()).await;
    }
    match oms {
        Oms::Healthy => {}
        Oms::Down => {
            world.oms().fault(Fault::new("*", Kind::Drop));
            world.until_connection("oms", "OmsUnreachable").await;
        }
        Oms::WithoutSecret => {
            world.delete_secret("oms").await;
            world.until_connection("oms", "SecretMissing").await;
        }
    }
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let delete = ["delete", "namespace", &world.namespace, "--wait=false"];
    kubectl(&world, &delete, None).await;
    until(2 * DEADLINE, "the namespace is gone", async || {
        matches!(namespaces.get_opt(&world.namespace).await, Ok(None)).then_some(())
    })
    .await
    .expect("the namespace is gone");

    world.oms().clear_faults();
    for (policy, left) in expected {
        let name = world.project_name(&policy.to_lowercase());
        let found = world.oms().projects_named(&name);
        let found = found.first().map(|project| project.status.as_str());
        assert_eq!(found, left, "{policy}");
        let told = told(&world, &policy.to_lowercase()).await;
        let reason = match (policy, left) {
            ("Retain", _) => None,
            (_, None) => Some("ProjectDeleted"),
            (_, Some("RELEASED")) => Some("ProjectReleased"),
            _ => Some("LeftInOms"),
        };
        assert_eq!(told.as_deref(), reason, "{policy}");
    }
    world.finish([operator]).await;
}

/// The reason of the last word about a resource, in the operator's namespace.
async fn told(world: &World, name: &str) -> Option<String> {
    let events: Api<Event> = Api::namespaced(world.client.clone(), OWN);
    let events = events.list(&ListParams::default()).await.expect("events");
    let about = format!("MigrationProject {}/{name}: ", world.namespace);
    let found = events.into_iter().find(|event| {
        let note = event.note.as_deref().unwrap_or_default();
        note.starts_with(&about)
    });
    let found = found?;
    let related = found.related.expect("the resource");
    assert_eq!(related.namespace.as_deref(), Some(&*world.namespace));
    found.reason
}

#[tokio::test]
async fn a_namespace_goes_and_each_policy_is_carried_out() {
    let expected = [
        ("Retain", Some("RUNNING")),
        ("Release", Some("RELEASED")),
        ("Delete", None),
    ];
    namespace_goes("ns-healthy", Oms::Healthy, expected).await;
}

#[tokio::test]
async fn a_namespace_goes_although_oms_is_down() {
    let left = Some("RUNNING");
    let expected = [("Retain", left), ("Release", left), ("Delete", left)];
    namespace_goes("ns-down", Oms::Down, expected).await;
}

#[tokio::test]
async fn a_namespace_goes_although_its_secret_went_first() {
    let expected = [
        ("Retain", Some("RUNNING")),
        ("Release", Some("RELEASED")),
        ("Delete", None),
    ];
    namespace_goes("ns-secret", Oms::WithoutSecret, expected).await;
}
