//! Reservations that this resource's creation did not write: of a restore, of a
//! copy, or forged. None of them makes a second project, and none gets round
//! the connection's adoption policy.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use oms_operator::decide::body;
use oms_simulator::Oms;
use serde_json::{Value, json};

use crate::acts::now;
use crate::world::{World, id, message, reservation};

const CREATE: &str = "CreateProject";

/// A resource whose project runs, deleted and created again with its
/// annotations, as a restore from a backup does. Gives the project's id.
async fn restored(world: &World, meanwhile: impl AsyncFnOnce(&str)) -> String {
    world.create("orders", json!({})).await;
    let before = world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    let text = reservation(&before).expect("a reservation").to_string();
    world.delete("orders").await;
    world.until_gone("orders").await;
    meanwhile(&made).await;
    let after = world.create_reserved("orders", json!({}), &text).await;
    assert_ne!(after.uid(), before.uid());
    made
}

#[tokio::test]
async fn a_restored_resource_finds_its_project_again() {
    let world = World::new("restore").await;
    let operator = world.operator().await;
    let made = restored(&world, async |_| {}).await;
    world.until_running("orders").await;
    assert_eq!(world.has_exactly_one("orders").await.id, made);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_restored_resource_does_not_get_its_project_where_nobody_may_adopt() {
    let world = World::new("restore-none").await;
    let operator = world.operator().await;
    let none = json!({"spec": {"adoption": "None"}});
    let made = restored(&world, async |_| {
        world.patch_connection("oms", none).await;
    });
    let made = made.await;
    let project = world.until_stalled("orders", "AdoptRefused").await;
    assert!(message(&project).contains(&made), "{}", message(&project));
    assert_eq!(id(&project), None);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_restored_resource_without_its_project_creates_none_unasked() {
    let world = World::new("restore-gone").await;
    let operator = world.operator().await;
    restored(&world, async |made| world.oms().remove(made).unwrap()).await;
    let project = world
        .until_stalled("orders", "RestoredWithoutProject")
        .await;
    assert!(message(&project).contains("create-reservation"));
    assert_eq!((id(&project), world.oms().count(CREATE)), (None, 1));
    world.set_reservation("orders", None).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 2);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_reservation_copied_to_another_namespace_is_ignored() {
    let world = World::new("copied-from").await;
    let neighbour = world.neighbour("copied-to").await;
    let all = json!({"spec": {"allowedNamespaces": {"from": "All"}, "adoption": "Any"}});
    world.patch_connection("oms", all).await;
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;
    world.create("orders", json!({})).await;
    let original = world.until_running("orders").await;
    let text = reservation(&original).unwrap().to_string();
    let connection = json!({"name": "oms", "namespace": world.namespace});
    let spec = json!({"connectionRef": connection});
    neighbour.create_reserved("orders", spec, &text).await;
    let copy = neighbour.until_running("orders").await;
    neighbour.until_event("orders", "ForeignReservation").await;
    assert_ne!(id(&copy), id(&original));
    let own = world.oms().project(id(&copy).unwrap()).unwrap();
    assert_eq!(own.name, neighbour.project_name("orders"));
    assert_eq!(world.oms().projects().len(), 2);
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

// --- Forged --------------------------------------------------------------------

/// A reservation such as the operator would write for `orders`, with changes.
async fn forged(world: &World, changes: Value) -> String {
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    let cluster = namespaces.get("kube-system").await.unwrap().uid();
    let now = now();
    let mut text = json!({
        "v": 1,
        "cluster": cluster,
        "namespace": world.namespace,
        "name": "orders",
        "uid": "2f1d0a52-0000-4000-8000-000000000000",
        "attempt": 1,
        "at": now,
        "notAfter": now + jiff::SignedDuration::from_secs(10),
        "connection": {"uid": "", "url": world.simulator.url()},
        "projectName": world.project_name("orders"),
        "bodyHash": "",
        "knownIds": [],
        "lookedAt": "1970-01-01T00:00:00Z",
    });
    for (key, value) in changes.as_object().unwrap() {
        text[key] = value.clone();
    }
    text.to_string()
}

/// A world where nobody may adopt, and a project in it that somebody else made.
async fn world_with_a_victim(test: &str) -> (World, String) {
    let world = World::new(test).await;
    let none = json!({"spec": {"adoption": "None"}});
    world.patch_connection("oms", none).await;
    let body = Oms::example_body("victim");
    let victim = world.oms().insert_project("victim", "INIT", body);
    (world, victim)
}

/// The resource `orders` with this forgery under its own uid, before any
/// operator has seen it.
async fn forge_own(world: &World, more: Value, mut changes: Value) {
    let project = world.create("orders", more).await;
    changes["uid"] = json!(project.uid());
    let text = forged(world, changes).await;
    world.set_reservation("orders", Some(&text)).await;
}

/// Nothing was taken and nothing made.
async fn is_untouched(world: World, victim: &str, reason: &str) {
    let operator = world.operator().await;
    let project = world.until_stalled("orders", reason).await;
    assert_eq!(id(&project), None, "{project:#?}");
    let projects = world.oms().projects();
    assert_eq!(projects.len(), 1, "{projects:#?}");
    assert_eq!(
        (projects[0].id.as_str(), projects[0].status.as_str()),
        (victim, "INIT")
    );
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_forged_reservation_of_another_uid_takes_nobodys_project() {
    let (world, victim) = world_with_a_victim("forged-uid").await;
    let text = forged(&world, json!({"projectName": "victim"})).await;
    world.create_reserved("orders", json!({}), &text).await;
    is_untouched(world, &victim, "AdoptRefused").await;
}

#[tokio::test]
async fn a_forged_reservation_with_another_projects_name_takes_nobodys_project() {
    let (world, victim) = world_with_a_victim("forged-name").await;
    forge_own(&world, json!({}), json!({"projectName": "victim"})).await;
    is_untouched(world, &victim, "AdoptRefused").await;
}

#[tokio::test]
async fn a_forged_reservation_that_fits_the_spec_takes_no_older_project() {
    let (world, victim) = world_with_a_victim("forged-fits").await;
    // A spec that describes the victim, and the hash of just that spec.
    let same = Oms::example_body("victim");
    let spec = world.manifest("orders", json!({"project": same})).spec;
    let changes = json!({"projectName": "victim", "bodyHash": body::spec_hash(&spec)});
    forge_own(&world, json!({"project": same}), changes).await;
    is_untouched(world, &victim, "AdoptRefused").await;
}

#[tokio::test]
async fn a_reservation_from_before_the_resource_is_not_relied_on() {
    let (world, victim) = world_with_a_victim("forged-past").await;
    let times = json!({"at": "1999-01-01T00:00:00Z", "notAfter": "1999-01-01T00:00:10Z"});
    forge_own(&world, json!({}), times).await;
    is_untouched(world, &victim, "ReservationInvalid").await;
}

#[tokio::test]
async fn a_reservation_from_the_future_is_not_relied_on() {
    let (world, victim) = world_with_a_victim("forged-future").await;
    let times = json!({"at": "2999-01-01T00:00:00Z", "notAfter": "2999-01-01T00:00:10Z"});
    forge_own(&world, json!({}), times).await;
    is_untouched(world, &victim, "ReservationInvalid").await;
}

#[tokio::test]
async fn times_at_the_end_of_the_calendar_do_not_end_the_operator() {
    let (world, victim) = world_with_a_victim("forged-end").await;
    let times = json!({"attempt": u32::MAX, "notAfter": "9999-12-30T21:59:59Z"});
    forge_own(&world, json!({}), times).await;
    is_untouched(world, &victim, "ReservationInvalid").await;
}

#[tokio::test]
async fn an_unreadable_reservation_stalls_until_it_is_removed() {
    let world = World::new("forged-json").await;
    let text = "{\"v\": 1, \"cluster\"";
    world.create_reserved("orders", json!({}), text).await;
    let operator = world.operator().await;
    let project = world.until_stalled("orders", "ReservationInvalid").await;
    assert!(message(&project).contains("create-reservation"));
    assert_eq!((id(&project), world.oms().count(CREATE)), (None, 0));
    world.set_reservation("orders", None).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}
