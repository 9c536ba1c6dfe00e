//! `health_test.yaml`: the health that each status has to have. It follows from
//! kstatus' word for it, which is not ours, and not from the Lua.

use anyhow::bail;
use serde_json::{Value, json};

use super::Status;

/// What a resource says that the operator has not looked at.
const NOT_SEEN: &str = "Waiting for oms-operator to look at it";

/// The text of the file.
pub(super) fn tests(statuses: &[&Status]) -> anyhow::Result<String> {
    let mut tests = Vec::new();
    for status in statuses {
        tests.push(json!({
            "healthStatus": health(status)?,
            "inputPath": format!("testdata/{}.yaml", status.name),
        }));
    }
    Ok(serde_saphyr::to_string(&json!({"tests": tests}))?)
}

fn health(status: &Status) -> anyhow::Result<Value> {
    if status.word == "Terminating" {
        return Ok(json!({"status": "Progressing", "message": "Being deleted"}));
    }
    if !status.is_of_this_generation() {
        return Ok(json!({"status": "Progressing", "message": NOT_SEEN}));
    }
    let ready = status.ready();
    let word = match status.word.as_str() {
        "Current" => "Healthy",
        "Failed" => "Degraded",
        // The one word of Argo CD that kstatus does not have.
        "InProgress" if ready["reason"] == "Suspended" => "Suspended",
        "InProgress" => "Progressing",
        word => bail!("the status {} has the unknown word {word}", status.name),
    };
    Ok(json!({"status": word, "message": ready["message"]}))
}
