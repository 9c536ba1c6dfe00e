//! What users do to a resource while its project is being created.

use std::time::Duration;

use kube::ResourceExt;
use oms_operator::api::keys::FINALIZER;
use oms_operator::api::v1alpha1::{CreateOutcome, CreateStatus, MigrationProject};
use oms_simulator::{Fault, Gate, Kind, When};
use serde_json::json;

use crate::world::{Operator, World, id, message, reservation, status};

const CREATE: &str = "CreateProject";

/// Calls that are held do not run into a time-out.
const PATIENT: &str = "--oms-mutation-timeout=60s";

/// A world whose operator stands in the middle of CreateProject for `orders`.
async fn in_mid_create(test: &str, when: When) -> (World, Operator, Gate) {
    let world = World::new(test).await;
    let gate = world.oms().hold(CREATE, when);
    let operator = world.operator_with(&[PATIENT], None).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    (world, operator, gate)
}

/// The answer of the next CreateProject is lost, and its project listed late.
fn lose_the_answer(world: &World, listed_after: Duration) {
    let late = Fault::new(CREATE, Kind::listed_late(listed_after));
    world.oms().fault(late.times(1));
    let lost = Fault::new(CREATE, Kind::Drop).after_work();
    world.oms().fault(lost.times(1));
}

fn create_status(project: &MigrationProject) -> Option<&CreateStatus> {
    project.status.as_ref()?.create.as_ref()
}

fn is_open(project: &MigrationProject) -> bool {
    create_status(project).is_some_and(|create| create.outcome == Some(CreateOutcome::Unknown))
}

fn is_held(project: &MigrationProject) -> bool {
    project.finalizers().iter().any(|one| one == FINALIZER)
}

#[tokio::test]
async fn replaced_in_mid_create_it_still_gets_its_id() {
    let (world, operator, gate) = in_mid_create("replace", When::BeforeWork).await;
    let replaced = world.replace("orders", json!({})).await;
    assert!(!is_held(&replaced) && reservation(&replaced).is_none());
    gate.release();
    let project = world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert!(is_held(&project), "{:?}", project.metadata);
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn replaced_in_mid_create_with_a_lost_answer_it_is_reserved_again() {
    let world = World::new("replace-lost").await;
    lose_the_answer(&world, Duration::from_secs(8));
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator_with(&[PATIENT], None).await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let before = reservation(&world.get("orders").await);
    world.replace("orders", json!({})).await;
    gate.release();
    let what = "finalizer and reservation are back";
    let project = world
        .until("orders", what, |project| {
            is_held(project) && reservation(project).is_some()
        })
        .await;
    assert_eq!(reservation(&project), before);
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_unknown_outcome_outlives_a_replace_and_a_crash() {
    let world = World::new("replace-crash").await;
    lose_the_answer(&world, Duration::from_secs(10));
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world
        .until("orders", "the outcome is written down", is_open)
        .await;
    operator.kill().await;
    let replaced = world.replace("orders", json!({})).await;
    assert!(reservation(&replaced).is_none());
    let operator = world.operator().await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
    world.finish([operator]).await;
}

#[tokio::test]
async fn replaced_by_another_spec_in_mid_create_it_is_not_started() {
    let (world, operator, gate) = in_mid_create("replace-spec", When::BeforeWork).await;
    let other = json!({"project": {"enableStructTransfer": true}});
    world.replace("orders", other).await;
    gate.release();
    let project = world
        .until_stalled("orders", "SpecChangedDuringCreate")
        .await;
    assert_eq!(status(&project), Some("INIT"));
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("StartProject"), 0);
    // The first manifest again, and the mismatch is over, whoever looks.
    operator.kill().await;
    let operator = world.operator().await;
    let reverted = json!({"spec": {"project": {"enableStructTransfer": null}}});
    world.patch("orders", reverted).await;
    let project = world.until_running("orders").await;
    assert_eq!(project.status.unwrap().spec_mismatch, None);
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_is_done_in_oms_to_a_project_of_an_earlier_spec_is_told() {
    let (world, operator, gate) = in_mid_create("edited-told", When::BeforeWork).await;
    let other = json!({"spec": {"project": {"enableStructTransfer": true}}});
    world.patch("orders", other).await;
    gate.release();
    world.until_message("orders", "is not started").await;
    let made = world.has_exactly_one("orders").await.id;
    world.oms().set_status(&made, "RUNNING").unwrap();
    let project = world.until_message("orders", "RUNNING by now").await;
    assert_eq!(status(&project), Some("RUNNING"));
    world.oms().remove(&made).unwrap();
    let project = world.until_stalled("orders", "ProjectGone").await;
    let gone = project.status.as_ref().and_then(|status| status.gone);
    assert_eq!((gone, status(&project)), (Some(true), None));
    // The way out that the message names is one.
    let recreate = json!({"oms.oceanbase.com/recreate": made});
    let patch = json!({"metadata": {"annotations": recreate}});
    world.patch("orders", patch).await;
    let project = world.until_running("orders").await;
    assert_ne!(id(&project), Some(made.as_str()));
    let after = project.status.unwrap();
    assert_eq!((after.gone, after.spec_mismatch), (None, None));
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_name_edited_in_mid_create_stalls_until_it_is_reverted() {
    let (world, operator, gate) = in_mid_create("edit-name", When::BeforeWork).await;
    let edited = json!({"spec": {"project": {"name": "another"}}});
    world.patch("orders", edited).await;
    gate.release();
    let project = world
        .until_stalled("orders", "SpecChangedDuringCreate")
        .await;
    let made = world.has_exactly_one("orders").await;
    assert_eq!(made.name, world.project_name("orders"));
    assert_eq!(
        (id(&project), made.status.as_str()),
        (Some(made.id.as_str()), "INIT")
    );
    assert_eq!(project.status.unwrap().spec_mismatch, Some(true));
    assert_eq!(world.oms().count("StartProject"), 0);
    let reverted = json!({"spec": {"project": {"name": null}}});
    world.patch("orders", reverted).await;
    let project = world.until_running("orders").await;
    assert_eq!(project.status.unwrap().spec_mismatch, None);
    world.has_exactly_one("orders").await;
    world.finish([operator]).await;
}

/// The re-applied resource finds the project of the deleted one, and gets it
/// when it says so.
async fn conflicts_then_adopts(world: &World) {
    let made = world.oms().projects_named(&world.project_name("orders"));
    assert_eq!(made.len(), 1, "{made:#?}");
    let project = world.until_stalled("orders", "NameConflict").await;
    let advice = format!("in spec: adopt: {{projectId: {}}}", made[0].id);
    assert!(message(&project).contains(&advice), "{}", message(&project));
    let adopt = json!({"spec": {"adopt": {"projectId": made[0].id}}});
    world.patch("orders", adopt).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), 1);
}

#[tokio::test]
async fn deleted_in_mid_create_it_waits_for_the_answer_before_it_goes() {
    let (world, operator, gate) = in_mid_create("delete", When::BeforeWork).await;
    world.delete("orders").await;
    assert!(!world.is_free("orders").await, "the finalizer holds it");
    gate.release();
    world.until_gone("orders").await;
    world.create("orders", json!({})).await;
    conflicts_then_adopts(&world).await;
    world.finish([operator]).await;
}

async fn stripped_and_created_again(world: &World) {
    let before = world.get("orders").await;
    world.delete("orders").await;
    world.strip_finalizers("orders").await;
    world.until_gone("orders").await;
    let after = world.create("orders", json!({})).await;
    assert_ne!(after.uid(), before.uid());
}

#[tokio::test]
async fn stripped_deleted_and_applied_again_in_mid_create_there_is_one_project() {
    let (world, operator, gate) = in_mid_create("strip", When::BeforeWork).await;
    stripped_and_created_again(&world).await;
    gate.release();
    world.until_stalled("orders", "NameConflict").await;
    conflicts_then_adopts(&world).await;
    operator
        .until_log("the resource went away while its project was being created")
        .await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn stripped_deleted_and_applied_again_with_a_lost_answer_there_is_one_project() {
    let world = World::new("strip-lost").await;
    // Listed only while the successor waits for the fate of the first call.
    lose_the_answer(&world, Duration::from_secs(8));
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    stripped_and_created_again(&world).await;
    gate.release();
    world
        .until_message("orders", "a resource that is gone")
        .await;
    world.until_stalled("orders", "NameConflict").await;
    conflicts_then_adopts(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_project_renamed_in_mid_create_is_named_and_adopted_when_told() {
    let world = World::new("rename").await;
    let lost = Fault::new(CREATE, Kind::Drop).after_work();
    world.oms().fault(lost.times(1));
    let gate = world.oms().hold(CREATE, When::AfterWork);
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    gate.arrived().await;
    let made = world.oms().projects()[0].id.clone();
    world.oms().rename(&made, "renamed").unwrap();
    gate.release();
    let project = world.until_stalled("orders", "CreateAmbiguous").await;
    assert!(message(&project).contains(&made), "{}", message(&project));
    assert_eq!((id(&project), world.oms().count(CREATE)), (None, 1));
    let adopt = json!({"spec": {"adopt": {"projectId": made}}});
    world.patch("orders", adopt).await;
    let project = world.until_running("orders").await;
    assert_eq!(world.has_exactly_one("orders").await.id, made);
    let name = project.status.and_then(|status| status.project_name);
    assert_eq!(name.as_deref(), Some("renamed"));
    world.finish([operator]).await;
}
