//! Several operators that share the work by labels.

use serde_json::json;

use crate::world::{DEADLINE, World, condition};

#[tokio::test]
async fn each_part_works_on_what_carries_its_label() {
    let world = World::new("shards").await;
    world
        .create_connection("other", &world.simulator.url(), json!({}))
        .await;
    let label = |value: &str| json!({"metadata": {"labels": {"shard": value}}});
    world.patch_connection("oms", label("a")).await;
    world.patch_connection("other", label("b")).await;
    for (name, connection, shard) in [
        ("one", "oms", "a"),
        ("two", "other", "b"),
        ("lost", "other", "a"),
    ] {
        let reference = json!({"connectionRef": {"name": connection}});
        world.create(name, reference).await;
        world.patch(name, label(shard)).await;
    }
    // Whatever carries no such label is nobody's here.
    world.create("none", json!({})).await;
    let first = world
        .operator_with(&["--watch-selector=shard=a"], None)
        .await;
    let second = world
        .operator_with(&["--watch-selector=shard in (b)"], None)
        .await;
    world.until_running("one").await;
    world.until_running("two").await;
    // A project and its connection belong to one part.
    world
        .until(
            "lost",
            "it says that its connection is not there",
            |project| condition(project, "Ready") == Some(("False", "ConnectionNotFound")),
        )
        .await;
    for connection in ["oms", "other"] {
        let counted = oms_harness::until(DEADLINE, "its part counts its project", async || {
            let status = world.connections().get(connection).await.ok()?.status?;
            (status.projects == Some(1)).then_some(())
        });
        counted.await.expect("its part counts its project");
    }
    assert!(
        world
            .get("none")
            .await
            .status
            .is_none_or(|status| status.conditions.is_empty())
    );
    assert_eq!(world.oms().projects().len(), 2);
    world.finish([first, second]).await;
}

#[tokio::test]
async fn a_part_needs_a_lease_of_its_own_and_a_selector_that_is_one() {
    let world = World::new("shards-flags").await;
    for (flags, words) in [
        (
            ["--watch-selector=shard=a", "--leader-elect"],
            "--leader-elect-name",
        ),
        (
            ["--watch-selector=shard=(", "--max-backoff=1m"],
            "is not a label selector",
        ),
    ] {
        let operator = world.operator_with(&flags, None).await;
        let exit = operator.until_ended().await;
        let log = operator.log();
        assert!(
            exit.code() == Some(1) && log.contains(words),
            "{exit}: {log}"
        );
    }
    world.finish([]).await;
}
