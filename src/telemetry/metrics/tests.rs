use std::collections::BTreeMap;

use super::*;
use crate::oms::{Circuit, Standing};
use crate::telemetry::Backlog;

const CONNECTION: &str = "shop/oms";
const OTHER: &str = "shop/other";

fn standing() -> Standing {
    Standing {
        circuit: Circuit::Open,
        paused_for: Some(Duration::from_secs(7)),
        asked_for_fewer: true,
        under_way: 2,
        limit: 4,
        waiting: [0, 1, 2, 3],
        refused_open: 5,
        refused_paused: 6,
    }
}

fn endpoints(metrics: &Metrics, connections: &[&str]) {
    let connections = connections
        .iter()
        .map(|one| ((*one).to_owned(), format!("https://{one}"), true));
    let standings: Vec<_> = connections
        .clone()
        .map(|(_, url, _)| (url, standing()))
        .collect();
    metrics.endpoints(connections, &standings);
    let parked = standings.iter().map(|(url, _)| (url.clone(), 7));
    metrics.work().parked(&parked.collect());
}

/// Something of everything.
fn everything() -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::new());
    for connection in [CONNECTION, OTHER] {
        let calls = metrics.oms_calls(&connection);
        calls.call(Action::CreateProject, "unknown", 0.3);
        calls.call(Action::ListProjects, "ok", 0.003);
        metrics.swept(&connection, Duration::from_millis(20), 12);
        metrics.sweep_failed(&connection);
        metrics.strangers(&connection, 3, 1);
        metrics.doubted(&connection, 1);
        metrics.lags(&connection, [5, 700].into_iter());
    }
    metrics.sweep_ages([(CONNECTION.to_owned(), 1.0), (OTHER.to_owned(), 2.0)].into_iter());
    endpoints(&metrics, &[CONNECTION, OTHER]);
    let group = Group {
        connection: CONNECTION.to_owned(),
        status: "RUNNING",
        ready: "True",
        reason: "Running",
    };
    let groups = BTreeMap::from([(group, 40)]);
    metrics.projects().census(&groups, 1, 2);
    metrics.projects().departed("released");
    metrics
        .work()
        .backlog("MigrationProject", Backlog::default());
    metrics
        .work()
        .reconciled("MigrationProject", "ok", Some(Duration::ZERO));
    metrics
        .work()
        .requested("patch", "events".to_owned(), "200".to_owned());
    metrics
}

fn names(text: &str) -> Vec<&str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn what_is_served_is_what_is_described() {
    let metrics = everything();
    let text = metrics.encode();
    let described: Vec<&str> = metrics.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names(&text), described);
    for row in metrics.rows() {
        assert!(!row.help.ends_with('.'), "{}: the text adds it", row.name);
        let after = text
            .split(&format!("# TYPE {} {}\n", row.name, row.kind))
            .nth(1);
        let series = after.and_then(|after| after.lines().next()).unwrap();
        for label in row.labels {
            assert!(
                series.contains(&format!("{label}=\"")),
                "{}: {label}",
                row.name
            );
        }
    }
    for line in [
        "oms_operator_oms_waiting{endpoint=\"https://shop/oms\",lane=\"look\"} 3\n",
        "oms_operator_project_lag_max_seconds{connection=\"shop/oms\"} 700\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn the_series_of_a_connection_end_with_it() {
    let metrics = everything();
    let late = metrics.oms_calls(&CONNECTION);
    metrics.forget_connection(&CONNECTION);
    // A call that was under way, and a sweep.
    late.call(Action::DeleteProject, "done", 1.0);
    metrics.swept(&CONNECTION, Duration::ZERO, 1);
    // The next census finds neither.
    metrics.projects().census(&BTreeMap::new(), 0, 0);
    endpoints(&metrics, &[OTHER]);
    let text = metrics.encode();
    assert!(!text.contains(CONNECTION), "{text}");
    assert!(text.contains(OTHER));
}

#[test]
fn a_connection_whose_projects_follow_nothing_has_no_lag() {
    let metrics = everything();
    metrics.lags(&CONNECTION, std::iter::empty());
    let text = metrics.encode();
    assert!(!text.contains("project_lag_max_seconds{connection=\"shop/oms\"}"));
    assert!(text.contains("project_lag_max_seconds{connection=\"shop/other\"}"));
}

#[test]
fn each_scrape_counts_what_is_then() {
    let metrics = Metrics::new();
    let group = |number: usize| Group {
        connection: String::new(),
        status: "none",
        ready: "None",
        reason: ["", "other"][number % 2],
    };
    let scrapes = parking_lot::Mutex::new(0_usize);
    metrics.at_scrape(move |metrics| {
        let mut scrapes = scrapes.lock();
        let groups = BTreeMap::from([(group(*scrapes), 1)]);
        metrics.projects().census(&groups, 0, 0);
        *scrapes += 1;
    });
    assert!(metrics.encode().contains("reason=\"\"} 1"));
    let second = metrics.encode();
    assert!(second.contains("reason=\"other\"} 1") && !second.contains("reason=\"\""));
}
