//! What an action has to make of a resource: the files that `action_test.yaml`
//! names as expected output, each of a status and of all that its verb changes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{FOLDER, Status};
use crate::paths::root;

/// The clock of the tests.
const NOW: &str = "2026-01-02T03:04:05Z";

/// `action_test.yaml`, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tests {
    action_tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    action: String,
    input_path: String,
    expected_output_path: String,
}

/// All that the action changes, as a merge patch.
fn change(action: &str) -> anyhow::Result<Value> {
    let annotated =
        |key: &str| json!({"metadata": {"annotations": {format!("oms.oceanbase.com/{key}"): NOW}}});
    Ok(match action {
        "pause" => json!({"spec": {"state": "Paused"}}),
        "resume" | "start" => json!({"spec": {"state": "Running"}}),
        "suspend" => json!({"spec": {"suspend": true}}),
        "unsuspend" => json!({"spec": {"suspend": false}}),
        "reconcile" => annotated("reconcile-requested-at"),
        "retry" => annotated("retry"),
        unknown => bail!("it is not said what the action {unknown} changes"),
    })
}

/// The files, by their paths in the folder of the actions.
pub(super) fn files(kind: &str, statuses: &[&Status]) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let path = root()
        .join(FOLDER)
        .join(kind)
        .join("actions/action_test.yaml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let tests: Tests = serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
    tests
        .action_tests
        .into_iter()
        .map(|test| {
            let input =
                |status: &&&Status| test.input_path == format!("../testdata/{}.yaml", status.name);
            let status = statuses.iter().find(input);
            let status = status.with_context(|| format!("no status {}", test.input_path))?;
            let mut object = status.object.clone();
            json_patch::merge(&mut object, &change(&test.action)?);
            let text = serde_saphyr::to_string(&object)?;
            Ok((PathBuf::from(test.expected_output_path), text))
        })
        .collect()
}
