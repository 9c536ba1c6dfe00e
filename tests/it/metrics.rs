//! `/metrics`: what docs/metrics.md describes, and nothing else; as few series
//! for a thousand resources as for one.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use kube::api::DeleteParams;
use oms_harness::until;
use serde_json::json;

use crate::world::{DEADLINE, Operator, World};

const MANY: usize = 1000;

/// The names of the page.
fn described() -> BTreeSet<String> {
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split('`').next());
    names.map(str::to_owned).collect()
}

async fn scrape(operator: &Operator) -> String {
    operator.ask("/metrics").await.expect("figures").body
}

/// The names of the figures that are served.
fn served(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

/// What tells series apart, without their values.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| line.rsplit_once(' '));
    named.map(|(series, _)| series.to_owned()).collect()
}

#[tokio::test]
async fn every_figure_that_is_described_is_served_and_no_other() {
    let world = World::new("metrics").await;
    let interval = json!({"spec": {"sweepInterval": "1s"}});
    world.patch_connection("oms", interval).await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let away = DeleteParams::default();
    world.create("gone", json!({})).await;
    world.until_running("gone").await;
    world.projects().delete("gone", &away).await.unwrap();
    // It follows changes, and so has a lag.
    world.oms().step(std::time::Duration::from_secs(3600));
    until(DEADLINE, "all figures are there", async || {
        (served(&scrape(&operator).await) == described()).then_some(())
    })
    .await
    .unwrap_or_else(|_| panic!("what is served differs from docs/metrics.md"));
    let figures = scrape(&operator).await;
    let connection = format!("connection=\"{}/oms\"", world.namespace);
    assert!(figures.contains(&connection));
    let write = "oms_operator_kubernetes_requests_total{verb=\"patch\",resource=\"migrationprojects/status\",code=\"200\"}";
    assert!(figures.contains(write), "{figures}");
    assert!(
        !figures.contains("orders"),
        "no name of a resource: {figures}"
    );

    // The connection and its project go, and their series with them.
    world.projects().delete("orders", &away).await.unwrap();
    world.connections().delete("oms", &away).await.unwrap();
    until(DEADLINE, "the series of the connection end", async || {
        (!scrape(&operator).await.contains(&connection)).then_some(())
    })
    .await
    .expect("the series of the connection end");
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_thousand_names_add_no_series() {
    let world = World::new("series").await;
    let operator = world.operator().await;
    // They stay what they are: their connections are not there, each under a name of its own.
    let make = async |number: usize| {
        let reference = json!({"connectionRef": {"name": format!("none-{number}")}});
        world.create(&format!("p{number}"), reference).await;
    };
    let settled = async |count: usize| {
        let line = "oms_operator_projects_ready{connection=\"\",ready=\"False\",reason=\"ConnectionNotFound\"}";
        until(
            8 * DEADLINE,
            "all of them have been looked at",
            async || {
                let seen = operator.counter(line).await?;
                let waiting = operator
                    .counter("oms_operator_queue_depth{kind=\"MigrationProject\"}")
                    .await?;
                (seen == count as u64 && waiting == 0).then_some(())
            },
        )
        .await
        .expect("all of them have been looked at");
    };
    make(0).await;
    settled(1).await;
    // The world's own connection brings series of its own, the last of them with its first status.
    let told = "resource=\"omsconnections/status\"";
    until(DEADLINE, "the connection has its status", async || {
        scrape(&operator).await.contains(told).then_some(())
    })
    .await
    .expect("the connection has its status");
    let before = series(&scrape(&operator).await);
    futures::stream::iter(1..MANY)
        .for_each_concurrent(8, make)
        .await;
    settled(MANY).await;
    let after = series(&scrape(&operator).await);
    // A histogram is one, however many its steps.
    let known = |one: &&String| before.contains(*one) || one.contains("_bucket{");
    // Another status of an answer, or a verb that had not occurred, may come; nothing that grows with them.
    let new: Vec<&String> = after.iter().filter(|one| !known(one)).collect();
    assert!(new.len() < 10, "{new:#?}");
    world.finish([operator]).await;
}
