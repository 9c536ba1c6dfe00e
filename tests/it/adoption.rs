//! Taking over a project that is there already: never silently, only as the
//! connection allows, and for one resource only.

use oms_simulator::{Config, Durations, Fault, Kind, Oms, When};
use serde_json::json;

use crate::world::{World, condition, id, message, status};

const CREATE: &str = "CreateProject";
const START: &str = "StartProject";

/// A project that somebody made in OMS's console.
fn plant(world: &World, name: &str, status: &str) -> String {
    world
        .oms()
        .insert_project(name, status, Oms::example_body(name))
}

#[tokio::test]
async fn a_namesake_is_a_conflict_until_adopt_names_its_id() {
    let world = World::new("adopt-id").await;
    let planted = plant(&world, &world.project_name("orders"), "INIT");
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_stalled("orders", "NameConflict").await;
    let advice = format!("in spec: adopt: {{projectId: {planted}}}");
    assert!(message(&project).contains(&advice), "{}", message(&project));
    assert_eq!(world.oms().project(&planted).unwrap().status, "INIT");
    let adopt = json!({"spec": {"adopt": {"projectId": planted}}});
    world.patch("orders", adopt).await;
    world.until_running("orders").await;
    assert_eq!(world.has_exactly_one("orders").await.id, planted);
    assert_eq!(world.oms().count(CREATE), 0);
    world.until_event("orders", "ProjectAdopted").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_namesake_is_taken_over_by_its_name_once_adopt_says_so() {
    let world = World::new("adopt-name").await;
    let planted = plant(&world, &world.project_name("orders"), "INIT");
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_stalled("orders", "NameConflict").await;
    let adopt = json!({"spec": {"adopt": {"byName": true}}});
    world.patch("orders", adopt).await;
    world.until_running("orders").await;
    assert_eq!(world.has_exactly_one("orders").await.id, planted);
    assert_eq!(world.oms().count(CREATE), 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_running_project_is_taken_over_and_left_alone() {
    let world = World::new("adopt-running").await;
    let planted = plant(&world, "made-by-hand", "RUNNING");
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"projectId": planted}}))
        .await;
    world.until_running("orders").await;
    assert_eq!(world.has_exactly_one("orders").await.id, planted);
    assert_eq!(
        (world.oms().count(CREATE), world.oms().count(START)),
        (0, 0)
    );
    world.finish([operator]).await;
}

async fn no_conflict_with(status: &str, test: &str) {
    let durations = Durations {
        release: std::time::Duration::from_secs(3600),
        ..Durations::default()
    };
    let config = Config {
        durations,
        ..Config::default()
    };
    let world = World::with(test, config).await;
    let planted = plant(&world, &world.project_name("orders"), status);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    let project = world.until_running("orders").await;
    let named = world.oms().projects_named(&world.project_name("orders"));
    assert_eq!(named.len(), 2, "{named:#?}");
    assert_ne!(id(&project), Some(planted.as_str()));
    assert_eq!(world.oms().project(&planted).unwrap().status, status);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_released_namesake_is_no_conflict() {
    no_conflict_with("RELEASED", "released").await;
}

#[tokio::test]
async fn a_namesake_that_is_being_released_is_no_conflict() {
    no_conflict_with("RELEASING", "releasing").await;
}

#[tokio::test]
async fn an_id_that_oms_does_not_know_is_not_adopted() {
    let world = World::new("adopt-missing").await;
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"projectId": "np_nobody"}}))
        .await;
    let project = world.until_stalled("orders", "AdoptNotFound").await;
    assert!(message(&project).contains("np_nobody"));
    assert_eq!(id(&project), None);
    // Without adopt it is a resource like any other.
    world
        .patch("orders", json!({"spec": {"adopt": null}}))
        .await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_released_project_is_not_adopted() {
    let world = World::new("adopt-released").await;
    let planted = plant(&world, "done", "RELEASED");
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"projectId": planted}}))
        .await;
    let project = world.until_stalled("orders", "AdoptNotFound").await;
    assert!(message(&project).contains("RELEASED"));
    assert_eq!((id(&project), world.oms().count(CREATE)), (None, 0));
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_claimed_project_is_adopted_only_once_its_resource_is_gone() {
    let world = World::new("adopt-claimed").await;
    let operator = world.operator().await;
    world.create("first", json!({})).await;
    world.until_running("first").await;
    let made = world.has_exactly_one("first").await.id;
    world
        .create("second", json!({"adopt": {"projectId": made}}))
        .await;
    let second = world.until_stalled("second", "ProjectClaimed").await;
    let owner = format!("{}/first", world.namespace);
    assert!(message(&second).contains(&owner), "{}", message(&second));
    world.delete("first").await;
    world.until_gone("first").await;
    world.until_running("second").await;
    assert_eq!(world.has_exactly_one("second").await.id, made);
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_name_without_a_project_is_adopted_once_it_appears() {
    let world = World::new("adopt-later").await;
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"byName": true}}))
        .await;
    let project = world.until_stalled("orders", "AdoptNotFound").await;
    let name = world.project_name("orders");
    assert!(message(&project).contains(&name));
    let planted = plant(&world, &name, "INIT");
    world.force_look("orders", "now").await;
    let project = world.until_running("orders").await;
    assert_eq!(id(&project), Some(planted.as_str()));
    let handled = project
        .status
        .and_then(|status| status.last_handled_reconcile_at);
    assert_eq!(handled.as_deref(), Some("now"));
    assert_eq!(world.oms().count(CREATE), 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_a_refused_create_has_left_says_nothing_of_an_adopted_project() {
    let world = World::new("adopt-after").await;
    let refusal = Kind::business("PARAM_ERROR", "no");
    let fault = world.oms().fault(Fault::new(CREATE, refusal));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_stalled("orders", "CreateRejected").await;
    let planted = plant(&world, "made-by-hand", "INIT");
    world.oms().remove_fault(fault);
    let adopt = json!({"adopt": {"byName": true}, "project": {"name": "made-by-hand"}});
    world.patch("orders", json!({"spec": adopt})).await;
    let project = world.until_running("orders").await;
    assert_eq!(id(&project), Some(planted.as_str()));
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_forced_look_is_acknowledged_while_the_resource_is_stalled() {
    let world = World::new("echo").await;
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"byName": true}}))
        .await;
    world.until_stalled("orders", "AdoptNotFound").await;
    world.force_look("orders", "again").await;
    world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref();
            let handled = status.and_then(|status| status.last_handled_reconcile_at.as_deref());
            handled == Some("again")
        })
        .await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_connection_without_adoption_lets_nobody_take_over() {
    let world = World::new("adopt-none").await;
    let spec = json!({"spec": {"adoption": "None"}});
    world.patch_connection("oms", spec).await;
    let planted = plant(&world, "made-by-hand", "INIT");
    let named = plant(&world, &world.project_name("named"), "INIT");
    let operator = world.operator().await;
    world
        .create("orders", json!({"adopt": {"projectId": planted}}))
        .await;
    world
        .create("named", json!({"adopt": {"byName": true}}))
        .await;
    let project = world.until_stalled("orders", "AdoptRefused").await;
    assert!(message(&project).contains("spec.adoption"));
    world.until_stalled("named", "AdoptRefused").await;
    assert_eq!(id(&project), None);
    for id in [&planted, &named] {
        assert_eq!(world.oms().project(id).unwrap().status, "INIT");
    }
    assert_eq!(world.oms().count(CREATE), 0);
    world.finish([operator]).await;
}

#[tokio::test]
async fn another_namespace_takes_over_only_where_adoption_is_any() {
    let world = World::new("adopt-there").await;
    let neighbour = world.neighbour("adopt-here").await;
    let all = json!({"spec": {"allowedNamespaces": {"from": "All"}}});
    world.patch_connection("oms", all).await;
    let planted = plant(&world, "made-by-hand", "INIT");
    let flags = ["--watch-namespace", &neighbour.namespace];
    let operator = world.operator_with(&flags, None).await;
    let connection = json!({"name": "oms", "namespace": world.namespace});
    let spec = json!({"connectionRef": connection, "adopt": {"projectId": planted}});
    neighbour.create("orders", spec).await;
    let project = neighbour.until_stalled("orders", "AdoptRefused").await;
    assert!(message(&project).contains("its own namespace"));
    assert_eq!((id(&project), status(&project)), (None, None));
    let any = json!({"spec": {"adoption": "Any"}});
    world.patch_connection("oms", any).await;
    neighbour.until_running("orders").await;
    assert_eq!(neighbour.has_exactly_one("orders").await.id, planted);
    world.finish([operator]).await;
    neighbour.finish([]).await;
}

#[tokio::test]
async fn of_two_resources_that_adopt_one_id_exactly_one_gets_it() {
    let world = World::new("adopt-both").await;
    let planted = plant(&world, "made-by-hand", "INIT");
    let gate = world
        .oms()
        .hold_project("DescribeProject", When::AfterWork, &planted);
    let adopt = json!({"adopt": {"projectId": planted}});
    world.create("a", adopt.clone()).await;
    world.create("b", adopt).await;
    let operator = world.operator_with(&["--oms-read-timeout=60s"], None).await;
    gate.arrived().await;
    gate.release();
    exactly_one_of(&world, ["a", "b"]).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn of_two_resources_that_adopt_one_project_by_id_and_by_name_exactly_one_gets_it() {
    let world = World::new("adopt-mixed").await;
    let planted = plant(&world, "made-by-hand", "INIT");
    // Both have seen the project with nobody's claim on it before either takes it.
    let described = world
        .oms()
        .hold_project("DescribeProject", When::AfterWork, &planted);
    let listed = world
        .oms()
        .hold_project("ListProjects", When::AfterWork, "made-by-hand");
    world
        .create("a", json!({"adopt": {"projectId": planted}}))
        .await;
    let by_name = json!({"adopt": {"byName": true}, "project": {"name": "made-by-hand"}});
    world.create("b", by_name).await;
    let operator = world.operator_with(&["--oms-read-timeout=60s"], None).await;
    described.arrived().await;
    listed.arrived().await;
    described.release();
    listed.release();
    exactly_one_of(&world, ["a", "b"]).await;
    world.finish([operator]).await;
}

/// One of both runs the project, and the other says whose it is.
async fn exactly_one_of(world: &World, names: [&str; 2]) {
    let mut settled = Vec::new();
    for name in names {
        let one = world.until(name, "it is settled", |project| {
            let ready = condition(project, "Ready").is_some_and(|(status, _)| status == "True");
            ready || condition(project, "Stalled").is_some()
        });
        settled.push(one.await);
    }
    settled.sort_by_key(|project| id(project).is_none());
    assert!(id(&settled[0]).is_some());
    assert_eq!(id(&settled[1]), None);
    let stalled = condition(&settled[1], "Stalled").map(|(_, reason)| reason);
    assert!(
        matches!(stalled, Some("ProjectClaimed" | "NameConflict")),
        "{settled:#?}"
    );
    assert_eq!(world.oms().projects().len(), 1);
    assert_eq!(world.oms().count(CREATE), 0);
}
