//! What OMS tells beyond a project's steps: the items of its precheck, and the
//! tables of its full verification.
//!
//! The manual's tables of both replies were not readable to their end. Field
//! names follow the beginnings that were, and a known client; the words of a
//! precheck item's `status` and the names of its text fields are ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actions::{Done, Work};
use crate::list;
use crate::plan::{PRECHECK, VERIFY};
use crate::project::{Phase, Project, StepError};
use crate::reply::{Answer, Refusal, error_detail};

/// The checks of a project, with the side that they look at.
const CHECKS: [(&str, &str, &str); 4] = [
    ("Source connectivity", "SOURCE", "CONNECTIVITY"),
    ("Source privileges", "SOURCE", "PRIVILEGE"),
    ("Target connectivity", "DEST", "CONNECTIVITY"),
    ("Target character set", "DEST", "CHARSET"),
];

/// How source and target differ in one table, in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TableDifference {
    /// Rows that only the source has.
    pub source_only: u64,
    /// Rows that only the target has.
    pub dest_only: u64,
    /// Rows that both have and that are not equal.
    pub mismatched: u64,
}

impl TableDifference {
    fn rows(&self) -> u64 {
        self.source_only + self.dest_only + self.mismatched
    }
}

/// GetPreCheckResult. The id is a project's: how a caller learns the id of a
/// project's precheck is documented nowhere.
pub(crate) fn precheck(mut work: Work<'_>) -> Done {
    let now = work.now;
    let project = work.project("ById", "id")?;
    let done = project.done(now);
    let step = project.plan.step(PRECHECK);
    let over = step
        .and_then(|step| step.end())
        .is_some_and(|end| end <= done);
    let (status, errors): (_, &[StepError]) = match &project.phase {
        Phase::Failed { step, errors } if *step == PRECHECK => ("FAILED", errors),
        _ if project.started.is_none() => ("INIT", &[]),
        _ if over => ("FINISHED", &[]),
        _ => ("RUNNING", &[]),
    };
    let failed = errors.iter().enumerate().map(|(number, error)| {
        let (name, side, kind) = CHECKS[(number + 1) % CHECKS.len()];
        let refusal = Refusal::new(&error.code, &error.message, &error.proposal);
        json!({
            "name": name, "endpointType": side, "checkType": kind, "status": "FAILED",
            "message": error.message, "skippable": false,
            "errorDetails": [error_detail(&refusal, "ERROR", &project.id)],
        })
    });
    let passed = CHECKS.iter().map(|(name, side, kind)| {
        json!({
            "name": name, "endpointType": side, "checkType": kind,
            "status": if status == "FAILED" { "FINISHED" } else { status },
            "message": null, "skippable": false, "errorDetails": null,
        })
    });
    Ok(Answer {
        data: json!({
            "preCheckId": project.id.replace("np_", "t_"),
            "preCheckStatus": status,
            "progress": if over { 100.0 } else { 50.0 },
            "preCheckResults": failed.chain(passed).collect::<Value>(),
        }),
        page: None,
    })
}

/// ListProjectFullVerifyResult.
pub(crate) fn verification(mut work: Work<'_>) -> Done {
    work.check("ListProjectFullVerifyResult", |body, complaints| {
        list::paging(body, list::PROJECT_PAGE, complaints);
    })?;
    let (now, body) = (work.now, work.body.clone());
    let project = work.project("ListProjectFullVerifyResult", "projectId")?;
    let rows = tables(project, project.done(now));
    let differing: u64 = rows
        .iter()
        .filter(|row| row["resultType"] == "INCONSISTENT")
        .count() as u64;
    let mut answer = list::page(&body, &rows, Value::clone);
    answer.data = json!({
        "differentNumber": differing,
        "fullVerifyTableStatistics": answer.data,
    });
    Ok(answer)
}

/// One row for each table, in the order of the mapping; verified one by one.
fn tables(project: &Project, done: Duration) -> Vec<Value> {
    let Some(step) = project.plan.step(VERIFY).filter(|step| step.begun(done)) else {
        return Vec::new();
    };
    let list = |value: &Value, key: &str| {
        let items = value.get(key).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let names: Vec<(Value, Value, String)> =
        list(&project.configuration["transferMapping"], "databases")
            .iter()
            .flat_map(|database| {
                let mapped = match &database["mappedName"] {
                    Value::Null => database["name"].clone(),
                    mapped => mapped.clone(),
                };
                let schema = database["name"].clone();
                list(database, "tables").into_iter().map(move |table| {
                    let name = table["name"].as_str().unwrap_or_default().to_owned();
                    (schema.clone(), mapped.clone(), name)
                })
            })
            .collect();
    let share = match step.length {
        Some(length) if !length.is_zero() => {
            let begun = done.saturating_sub(step.at.unwrap_or_default());
            (begun.as_secs_f64() / length.as_secs_f64()).min(1.0)
        }
        _ => 1.0,
    };
    let verified = (names.len() as f64 * share) as usize;
    let rows = names.into_iter().enumerate();
    rows.map(|(number, (schema, mapped, table))| {
        let over = number < verified;
        let key = format!("{}.{table}", schema.as_str().unwrap_or_default());
        let difference = project.differences.get(&key).filter(|_| over);
        let difference = difference.cloned().unwrap_or_default();
        let result = match (over, difference.rows()) {
            (false, _) => "RUNNING",
            (true, 0) => "CONSISTENT",
            (true, _) => "INCONSISTENT",
        };
        json!({
            "sourceTableName": table,
            "sourceSchemaName": schema,
            "destSchemaName": mapped,
            "sourceOnlyCount": difference.source_only,
            "destOnlyCount": difference.dest_only,
            "mismatchedCount": difference.mismatched,
            "consistentCount": if over { 1000 } else { 0 },
            "progress": if over { "100" } else { "0" },
            "message": null,
            "status": if over { "FINISHED" } else { "RUNNING" },
            "resultType": result,
            "resultDesc": result.to_lowercase(),
            "errorDetails": null,
        })
    })
    .collect()
}
