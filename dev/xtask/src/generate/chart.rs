//! What follows from the chart's `values.yaml`, and what the chart has of the code.

mod readme;
mod schema;
mod values;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use oms_operator::api::{Kind, crds_yaml};

use self::values::Values;
use crate::paths::root;

/// Where the chart is.
pub const FOLDER: &str = "charts/oms-operator";

/// The files of the chart that are generated.
pub fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let read = |name: &str| {
        let path = format!("{FOLDER}/{name}");
        fs::read_to_string(root().join(&path)).with_context(|| format!("cannot read {path}"))
    };
    let values = Values::parse(&read("values.yaml")?).context("in the chart's values.yaml")?;
    let mut files = vec![
        ("Chart.yaml".to_owned(), versioned(&read("Chart.yaml")?)),
        ("README.md".to_owned(), readme::page(&values)),
        ("values.schema.json".to_owned(), schema::schema(&values)),
    ];
    for kind in Kind::ALL {
        let name = format!("files/crds/{}.yaml", kind.definition_name());
        files.push((name, crds_yaml(kind)));
    }
    let place = |(name, text)| (root().join(FOLDER).join(name), text);
    Ok(files.into_iter().map(place).collect())
}

/// Chart.yaml with the version of the workspace, for the chart and for the operator in it.
fn versioned(chart: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((key @ ("version" | "appVersion"), _)) => {
            format!("{key}: {}\n", env!("CARGO_PKG_VERSION"))
        }
        _ => format!("{line}\n"),
    };
    chart.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_versions_of_a_chart_are_replaced() {
        let chart = "name: x\nversion: 9.9.9\nappVersion: 9.9.9\nkubeVersion: \">=1.30\"\n";
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            versioned(chart),
            format!(
                "name: x\nversion: {version}\nappVersion: {version}\nkubeVersion: \">=1.30\"\n"
            )
        );
    }
}
