//! The alerts and the dashboard of the chart: every query is one that
//! Prometheus understands, and asks for figures and labels that there are.

use std::fs;
use std::path::Path;

use oms_operator::api::v1alpha1::Reason;
use oms_operator::telemetry::{Metrics, Row};
use promql_parser::label::Labels;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

/// What Prometheus adds to each series, and what a histogram has of itself. `cluster` is what a Prometheus of several is
/// told to add.
const ALWAYS: [&str; 7] = [
    "cluster",
    "namespace",
    "job",
    "pod",
    "instance",
    "service",
    "le",
];

/// What tells one operator from another, wherever it is asked.
const WHICH: [&str; 3] = ["cluster", "namespace", "job"];

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/oms-operator/files");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn alerts() -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(&read("alerts.yaml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups");
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.cloned().collect()
}

fn panels() -> Vec<Value> {
    let file: Value = serde_json::from_str(&read("dashboard.json")).expect("JSON");
    file["panels"].as_array().expect("panels").clone()
}

/// The queries of a panel, with what Grafana puts in for its variables.
fn queries(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().into_iter().flatten();
    let query = |target: &Value| target["expr"].as_str().expect("a query").to_owned();
    targets
        .map(query)
        .map(|text| {
            text.replace("$__rate_interval", "5m")
                .replace("$connection", ".*")
        })
        .collect()
}

/// The figure that a series belongs to, if there is one of that type.
fn row<'a>(rows: &'a [Row], series: &str) -> Option<&'a Row> {
    rows.iter().find(|row| {
        let end = series.strip_prefix(row.name.as_str());
        match row.kind {
            "counter" => end == Some("_total"),
            "histogram" => matches!(end, Some("_bucket" | "_sum" | "_count")),
            _ => end == Some(""),
        }
    })
}

/// Whether each of these is a word that a resource has.
fn known(reasons: &str) -> Result<(), String> {
    let is_known = |word: &&str| Reason::ALL.iter().any(|reason| reason.as_str() == *word);
    match reasons.split('|').find(|word| !is_known(word)) {
        Some(word) => Err(format!("there is no reason {word}")),
        None => Ok(()),
    }
}

/// Looks at what a query asks for.
struct Asked<'a> {
    rows: &'a [Row],
    /// The figures so far.
    figures: Vec<&'a Row>,
    /// The labels that are grouped by.
    labels: Vec<String>,
}

impl<'a> Asked<'a> {
    fn of(rows: &'a [Row], query: &str) -> Self {
        let parsed = parser::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut asked = Self {
            rows,
            figures: Vec::new(),
            labels: Vec::new(),
        };
        walk_expr(&mut asked, &parsed).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(!asked.figures.is_empty(), "{query} asks for nothing");
        for label in &asked.labels {
            assert!(
                asked.has(label),
                "{query}: nothing there has the label {label}"
            );
        }
        asked
    }

    fn has(&self, label: &str) -> bool {
        let there = |row: &&Row| row.labels.contains(&label);
        ALWAYS.contains(&label) || self.figures.iter().any(there)
    }

    fn selector(&mut self, selector: &VectorSelector) -> Result<(), String> {
        let name = selector.name.as_deref().unwrap_or_default();
        let row = row(self.rows, name).ok_or_else(|| format!("there is no {name}"))?;
        for matcher in &selector.matchers.matchers {
            let label = matcher.name.as_str();
            if !row.labels.contains(&label) && !ALWAYS.contains(&label) {
                return Err(format!("{name} has no label {label}"));
            }
            if name == "oms_operator_projects_ready" && label == "reason" {
                known(&matcher.value)?;
            }
        }
        self.figures.push(row);
        Ok(())
    }
}

impl ExprVisitor for Asked<'_> {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector)?,
            Expr::MatrixSelector(range) => self.selector(&range.vs)?,
            Expr::Aggregate(aggregate) => {
                if let Some(LabelModifier::Include(Labels { labels })) = &aggregate.modifier {
                    self.labels.extend(labels.iter().cloned());
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn every_alert_asks_for_what_there_is_and_says_what_to_do() {
    let metrics = Metrics::new();
    let alerts = alerts();
    assert!(alerts.len() >= 12, "{}", alerts.len());
    for alert in alerts {
        let name = alert["alert"].as_str().expect("a name");
        let asked = Asked::of(metrics.rows(), alert["expr"].as_str().expect("a query"));
        // Of a figure that is absent there is no label.
        let is_told_apart = WHICH
            .iter()
            .all(|label| asked.labels.iter().any(|one| one == label));
        assert!(
            is_told_apart || name == "OMSOperatorAbsent",
            "{name}: {:?}",
            asked.labels
        );
        let severity = alert["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("warning" | "critical")), "{name}");
        for part in ["summary", "description"] {
            let text = alert["annotations"][part].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no {part}");
            for label in text.split("$labels.").skip(1) {
                let end = label.find(|letter: char| !letter.is_ascii_alphanumeric());
                let label = &label[..end.unwrap_or(label.len())];
                let kept = asked.labels.iter().any(|one| one == label);
                let plain = asked.labels.is_empty() && asked.has(label);
                assert!(kept || plain, "{name}: {part} has no {label}");
            }
        }
    }
}

/// Whoever is woken up gets to what to do by one click.
#[test]
fn every_alert_has_a_section_of_its_own_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/alerts.md");
    let page = fs::read_to_string(page).expect("docs/alerts.md");
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let alerts = alerts();
    let names: Vec<&str> = alerts
        .iter()
        .filter_map(|alert| alert["alert"].as_str())
        .collect();
    assert_eq!(sections, names);
    let base = "https://github.com/oceanbase/oms-operator/blob/main/docs/alerts.md#";
    for (alert, name) in alerts.iter().zip(names) {
        let section = format!("{base}{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook_url"], *section, "{name}");
    }
}

/// The chart puts its value in the place of the figure in the file.
#[test]
fn the_age_from_which_a_sweep_is_old_is_a_value_of_the_chart() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/oms-operator/values.yaml");
    let values = fs::read_to_string(path).expect("values.yaml");
    let values: Value = serde_saphyr::from_str(&values).expect("YAML");
    let default = &values["metrics"]["prometheusRule"]["sweepAgeSeconds"];
    let old = alerts()
        .into_iter()
        .find(|alert| alert["alert"] == "OMSSweepOld");
    let expression = old.expect("the alert")["expr"].to_string();
    assert!(expression.contains(&format!("> {default}")), "{expression}");
}

#[test]
fn every_panel_asks_for_what_there_is() {
    let metrics = Metrics::new();
    let mut seen = 0;
    for panel in panels() {
        for query in queries(&panel) {
            Asked::of(metrics.rows(), &query);
            seen += 1;
        }
    }
    assert!(seen >= 25, "{seen}");
}

/// What somebody on call asks first.
#[test]
fn every_question_of_somebody_on_call_has_an_alert_and_a_panel() {
    let metrics = Metrics::new();
    let figures_of = |queries: Vec<String>| -> Vec<String> {
        let figures = queries.iter().flat_map(|query| {
            let asked = Asked::of(metrics.rows(), query);
            asked.figures.into_iter().map(|row| row.name.clone())
        });
        figures.collect()
    };
    let expressions = alerts()
        .into_iter()
        .map(|alert| alert["expr"].as_str().unwrap().to_owned());
    let alerts = figures_of(expressions.collect());
    let panels = figures_of(panels().iter().flat_map(queries).collect());
    for figure in [
        "connection_ready",
        "projects_ready",
        "project_lag_max_seconds",
        "sweep_age_seconds",
        "oms_calls",
        "oms_throttled",
        "creates_unresolved",
    ] {
        let name = format!("oms_operator_{figure}");
        assert!(alerts.contains(&name), "no alert asks for {name}");
        assert!(panels.contains(&name), "no panel asks for {name}");
    }
}
