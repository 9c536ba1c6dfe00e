//! A pause that is about to outlast the logs of OMS is told of, once.

use kube::api::{Patch, PatchParams};
use oms_operator::api::v1alpha1::MigrationProject;
use serde_json::{Value, json};

use crate::acts::now;
use crate::world::{World, condition, message};

/// As if it had been paused so many hours ago.
async fn paused_for(world: &World, hours: i64) -> String {
    let since = now() - jiff::SignedDuration::from_hours(hours);
    let since = since
        .round(jiff::Unit::Second)
        .expect("a second")
        .to_string();
    let patch: Value = json!({"status": {"pause": {"since": since}}});
    let patch = Patch::Merge(patch);
    let parameters = PatchParams::default();
    let api = world.projects();
    let written = api.patch_status("orders", &parameters, &patch).await;
    written.expect("patched");
    since
}

async fn warnings(world: &World) -> usize {
    let events = world.events("orders").await;
    let about = |event: &&String| event.starts_with("PausedForLong");
    events.iter().filter(about).count()
}

async fn looked_at(world: &World, text: &str) -> MigrationProject {
    world.force_look("orders", text).await;
    world
        .until("orders", "it was looked at", |project| {
            let status = project.status.as_ref();
            status.and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(text)
        })
        .await
}

#[tokio::test]
async fn a_long_pause_is_told_of_once_and_crashes_do_not_count() {
    let world = World::new("long-pause").await;
    let operator = world.operator().await;
    let kept = json!({"project": {"incrTransferConfig": {"storeLogKeptHour": 100}}});
    world.create("orders", kept).await;
    world.until_running("orders").await;
    world.want("orders", "Paused").await;
    world.until_ready("orders", "True", "Paused").await;

    paused_for(&world, 79).await;
    let project = looked_at(&world, "early").await;
    assert!(
        !message(&project).contains("paused since"),
        "{}",
        message(&project)
    );
    assert_eq!(warnings(&world).await, 0);

    let since = paused_for(&world, 81).await;
    let project = looked_at(&world, "late").await;
    assert!(message(&project).contains(&since), "{}", message(&project));
    assert_eq!(condition(&project, "Ready"), Some(("True", "Paused")));
    world.until_event("orders", "PausedForLong").await;

    operator.kill().await;
    let operator = world.operator().await;
    let again = looked_at(&world, "after a crash").await;
    assert_eq!(message(&again), message(&project));
    assert_eq!(warnings(&world).await, 1);

    // With the pause the warning ends.
    world.want("orders", "Running").await;
    let project = world.until_running("orders").await;
    assert!(
        !message(&project).contains("paused since"),
        "{}",
        message(&project)
    );
    world.finish([operator]).await;
}
