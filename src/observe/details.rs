//! From OMS's words to the operator's: what is asked of one project only. Texts
//! go through `fit`, which cuts them and takes the account out.

use crate::decide::precheck::{FailedCheck, is_failed};
use crate::decide::verification::{self, DifferingTable};
use crate::oms::{Client, ErrorDetail, FullVerification, PreCheckItem, Project};

use super::translate::is_precheck;

/// The longest name kept of a check or a table.
const MAX_NAME: usize = 200;

/// The longest text kept of what went wrong, and of what helps.
const MAX_TEXT: usize = 512;

/// The longest word kept.
const MAX_WORD: usize = 64;

/// The checks that have failed.
#[must_use]
pub fn failed_checks(client: &Client, items: &[PreCheckItem]) -> Vec<FailedCheck> {
    let failed = items
        .iter()
        .filter(|item| item.status.as_deref().is_some_and(is_failed));
    failed
        .map(|item| FailedCheck {
            name: fit(client, &item.name, MAX_NAME),
            side: fit(client, &item.endpoint_type, MAX_WORD),
            message: fit(client, &item.message, MAX_TEXT),
            advice: fit(client, &item.advice, MAX_TEXT),
        })
        .collect()
}

/// The same from what the step of the precheck says, for a server that does not
/// tell of its checks.
#[must_use]
pub fn failed_checks_of_step(client: &Client, project: &Project) -> Vec<FailedCheck> {
    let steps = project.steps.iter().filter(|step| is_precheck(step));
    steps
        .flat_map(|step| &step.errors)
        .map(|error: &ErrorDetail| FailedCheck {
            name: fit(client, &error.code, MAX_NAME),
            side: None,
            message: fit(client, &error.message, MAX_TEXT)
                .or_else(|| fit(client, &error.reason, MAX_TEXT)),
            advice: fit(client, &error.proposal, MAX_TEXT),
        })
        .collect()
}

/// What a full verification has found.
#[must_use]
pub fn verification(client: &Client, found: FullVerification) -> verification::Result {
    let tables = found.tables.iter().map(|table| {
        let parts = [&table.source_schema, &table.source_table];
        let name: Vec<String> = parts
            .iter()
            .filter_map(|part| fit(client, part, MAX_NAME))
            .collect();
        DifferingTable {
            source: (!name.is_empty()).then(|| name.join(".")),
            target_schema: fit(client, &table.dest_schema, MAX_NAME),
            result: fit(client, &table.result_type, MAX_WORD)
                .or_else(|| fit(client, &table.status, MAX_WORD)),
            source_only: count(table.source_only),
            target_only: count(table.dest_only),
            mismatched: count(table.mismatched),
            message: fit(client, &table.message, MAX_TEXT),
        }
    });
    verification::Result {
        tables: tables.collect(),
        different_number: count(found.different_number),
        complete: found.complete,
    }
}

/// The greatest number that JavaScript, and so the schema, holds exactly.
const MAX_COUNT: i64 = 9_007_199_254_740_991;

fn count(number: Option<i64>) -> Option<i64> {
    number.map(|number| number.clamp(0, MAX_COUNT))
}

fn fit(client: &Client, text: &Option<String>, max: usize) -> Option<String> {
    client.fit(text.as_deref()?, max)
}
