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

/// Labels with a few words each, which need not all have occurred at first: another status of an answer, say.
const OF_FEW_WORDS: [&str; 10] = [
    "action", "code", "kind", "lane", "outcome", "ready", "reason", "result", "status", "verb",
];

/// A series without its labels of few words, and without the steps of a histogram.
fn without_words(series: &str) -> String {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split("\",");
    let rest: Vec<&str> = labels
        .filter(|label| {
            let key = label.split('=').next().unwrap_or_default();
            key != "le" && !OF_FEW_WORDS.contains(&key)
        })
        .collect();
    format!("{name} {rest:?}")
}

#[tokio::test]
async fn a_thousand_names_add_no_series() {
    let world = World::new("series").await;
    let operator = world.operator().await;
    let name = |number: usize| format!("one-of-many-{number}");
    // One in fifty gets a project; the others stay what they are: their connections are not there, each under
    // a name of its own.
    let works = |number: usize| number.is_multiple_of(50);
    let make = async |number: usize| {
        let reference = json!({"connectionRef": {"name": format!("none-{number}")}});
        let more = if works(number) { json!({}) } else { reference };
        world.create(&name(number), more).await;
    };
    let settled = async |count: usize| {
        let working = (0..count).filter(|number| works(*number)).count();
        let line = "oms_operator_projects_ready{connection=\"\",ready=\"False\",reason=\"ConnectionNotFound\"}";
        until(
            8 * DEADLINE,
            "all of them have been looked at",
            async || {
                let seen = operator.counter(line).await?;
                let waiting = operator
                    .counter("oms_operator_queue_depth{kind=\"MigrationProject\"}")
                    .await?;
                (seen == (count - working) as u64 && waiting == 0).then_some(())
            },
        )
        .await
        .expect("all of them have been looked at");
        for number in (0..count).filter(|number| works(*number)) {
            world.until_running(&name(number)).await;
        }
    };
    make(0).await;
    make(1).await;
    settled(2).await;
    until(2 * DEADLINE, "a sweep shows how far it lags", async || {
        let figures = scrape(&operator).await;
        figures
            .contains("oms_operator_project_lag_max_seconds{")
            .then_some(())
    })
    .await
    .expect("a sweep shows how far it lags");
    let before = series(&scrape(&operator).await);
    futures::stream::iter(2..MANY)
        .for_each_concurrent(8, make)
        .await;
    settled(MANY).await;
    let figures = scrape(&operator).await;
    for of_one in ["one-of-many", "none-", "np_"] {
        assert!(!figures.contains(of_one), "{of_one}: {figures}");
    }
    let known: BTreeSet<String> = before.iter().map(|one| without_words(one)).collect();
    let new: Vec<String> = series(&figures)
        .difference(&before)
        .filter(|one| !one.contains("_bucket{"))
        .cloned()
        .collect();
    let other = new
        .iter()
        .filter(|one| !known.contains(&without_words(one)));
    assert_eq!(other.collect::<Vec<_>>(), Vec::<&String>::new());
    // However few their words.
    assert!(new.len() < 20, "{new:#?}");
    world.finish([operator]).await;
}
