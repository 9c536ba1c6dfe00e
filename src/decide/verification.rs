//! What the comparison of source and target has found, as a status tells it.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::progress::Step;
use super::verdict::Statement;
use super::words::sentence;
pub use crate::api::v1alpha1::DifferingTable;
use crate::api::v1alpha1::{ConditionType, Reason, VerificationStatus};

/// So many tables are told one by one.
const TOLD: usize = 10;

/// So many of them stand in the message of the condition.
const IN_MESSAGE: usize = 3;

/// All tables that were read.
#[derive(Clone, Debug, Default)]
pub struct Result {
    /// The tables, the consistent ones included.
    pub tables: Vec<DifferingTable>,
    /// OMS's own count of differences.
    pub different_number: Option<i64>,
    /// Whether these are all tables.
    pub complete: bool,
}

/// How one table stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Consistent,
    Differs,
    Pending,
    Unclear,
}

/// What OMS says of a table, by its word and, for a word that is not known, by
/// its counts (OMS API, ListProjectFullVerifyResult).
fn finding(table: &DifferingTable) -> Finding {
    let word = table.result.as_deref().unwrap_or_default();
    match word {
        "CONSISTENT" | "BOTH_EMPTY" => Finding::Consistent,
        "RUNNING" => Finding::Pending,
        "INCONSISTENT"
        | "SCHEMA_MISMATCH"
        | "TARGET_TABLE_NOT_EXIST"
        | "SOURCE_EMPTY"
        | "TARGET_EMPTY"
        | "MISMATCH_LIMIT"
        | "MISMATCH_LIMIT_NO_PK" => Finding::Differs,
        _ if rows(table) > 0 => Finding::Differs,
        _ => Finding::Unclear,
    }
}

fn rows(table: &DifferingTable) -> i64 {
    let counts = [table.source_only, table.target_only, table.mismatched];
    counts
        .into_iter()
        .flatten()
        .fold(0, |sum, count| sum.saturating_add(count.max(0)))
}

/// The result as the status shows it. A table that OMS tells of twice, on two
/// pages of a list that moved meanwhile, counts once.
#[must_use]
pub fn summary(result: Result) -> VerificationStatus {
    let mut seen = HashSet::new();
    let mut tables = result.tables;
    tables.retain(|table| seen.insert((table.source.clone(), table.target_schema.clone())));
    let with = |finding_: Finding| {
        tables
            .iter()
            .filter(|table| finding(table) == finding_)
            .count()
    };
    let count = |finding| i32::try_from(with(finding)).ok();
    let (consistent, differing, unclear) = (
        count(Finding::Consistent),
        count(Finding::Differs),
        count(Finding::Unclear),
    );
    let total = i32::try_from(tables.len()).ok();
    tables.retain(|table| matches!(finding(table), Finding::Differs | Finding::Unclear));
    tables.sort_by_key(|table| {
        let unclear = finding(table) == Finding::Unclear;
        (unclear, Reverse(rows(table)), table.source.clone())
    });
    tables.truncate(TOLD);
    VerificationStatus {
        tables: total,
        consistent,
        differing,
        unclear,
        different_number: result.different_number.filter(|number| *number >= 0),
        truncated: (!result.complete).then_some(true),
        top: tables,
    }
}

fn counted(tables: i32) -> String {
    match tables {
        1 => "1 table".to_owned(),
        tables => format!("{tables} tables"),
    }
}

/// What the step and its result make of the condition.
#[must_use]
pub fn statement(step: &Step, result: Option<&VerificationStatus>) -> Statement {
    let say = |holds, reason, message: String| {
        Statement::new(ConditionType::Verified, holds, reason, message)
    };
    let none = VerificationStatus::default();
    let result = result.unwrap_or(&none);
    let number = |count: Option<i32>| count.unwrap_or_default();
    let (tables, differing) = (number(result.tables), number(result.differing));
    // OMS's own count tells of tables beyond those that were read.
    let by_oms = result.different_number.unwrap_or_default() > 0;
    if differing > 0 || by_oms {
        let told: Vec<String> = result.top.iter().take(IN_MESSAGE).map(tell).collect();
        let so_far = if step.is_done() { "" } else { " so far" };
        return say(
            Some(false),
            Reason::TablesDiffer,
            format!(
                "Source and target differ in {} of {}{so_far}: {}. Look at them in OMS's console, \
                 correct the target, and verify again there.",
                if differing > 0 {
                    differing.to_string()
                } else {
                    "some".to_owned()
                },
                counted(tables),
                if told.is_empty() {
                    "see OMS's console".to_owned()
                } else {
                    told.join("; ")
                },
            ),
        );
    }
    if step.status == "FAILED" {
        let why = step
            .problem
            .as_deref()
            .unwrap_or("OMS's console names the cause");
        let message = format!(
            "OMS's comparison of source and target has failed: {}",
            sentence(why)
        );
        return say(None, Reason::VerificationUnclear, message);
    }
    if !step.is_done() || tables == 0 {
        let message = "Source and target have not been compared to the end.".to_owned();
        return say(None, Reason::InProgress, message);
    }
    let all_read = result.truncated != Some(true) || result.different_number == Some(0);
    match (number(result.consistent) == tables, all_read) {
        (true, true) => say(
            Some(true),
            Reason::Verified,
            format!(
                "Source and target were compared: no difference in {}.",
                counted(tables)
            ),
        ),
        (true, false) => say(
            None,
            Reason::VerificationUnclear,
            format!(
                "No difference in the first {}; OMS has more than are read here.",
                counted(tables)
            ),
        ),
        (false, _) if number(result.unclear) > 0 => say(
            None,
            Reason::VerificationUnclear,
            format!(
                "{} of {tables} tables could not be compared: {}.",
                number(result.unclear),
                result
                    .top
                    .iter()
                    .take(IN_MESSAGE)
                    .map(tell)
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
        ),
        _ => say(
            None,
            Reason::InProgress,
            "Some tables have not been compared yet.".to_owned(),
        ),
    }
}

fn tell(table: &DifferingTable) -> String {
    let name = table.source.as_deref().unwrap_or("a table without a name");
    let counts = [
        (table.source_only, "only in the source"),
        (table.target_only, "only in the target"),
        (table.mismatched, "unequal"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter_map(|(count, what)| Some((count.filter(|count| *count > 0)?, what)))
        .map(|(count, what)| format!("{count} rows {what}"))
        .collect();
    let word = table.result.as_deref().unwrap_or("no result");
    if counts.is_empty() {
        format!("{name} ({word})")
    } else {
        format!("{name} ({word}: {})", counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, result: &str, source_only: i64) -> DifferingTable {
        DifferingTable {
            source: Some(name.into()),
            result: Some(result.into()),
            source_only: Some(source_only),
            ..DifferingTable::default()
        }
    }

    fn step(status: &str, progress: u8) -> Step {
        Step {
            name: "FULL_VERIFIER".into(),
            status: status.into(),
            progress: Some(progress),
            problem: None,
        }
    }

    /// Step, tables, OMS's count, whether these are all; and what follows.
    type Row<'a> = (
        &'a Step,
        Vec<DifferingTable>,
        Option<i64>,
        bool,
        Option<bool>,
        Reason,
    );

    fn says(
        step: &Step,
        tables: Vec<DifferingTable>,
        number: Option<i64>,
        complete: bool,
    ) -> (Option<bool>, Reason) {
        let result = summary(Result {
            tables,
            different_number: number,
            complete,
        });
        let statement = statement(step, Some(&result));
        (statement.holds, statement.reason)
    }

    #[test]
    fn verified_is_only_what_was_compared_to_the_end_without_a_difference() {
        // The verifier stays RUNNING at 100 as long as the project lives.
        let done = step("RUNNING", 100);
        let same = || table("a", "CONSISTENT", 0);
        let rows: [Row<'_>; 11] = [
            (
                &done,
                vec![same()],
                Some(0),
                true,
                Some(true),
                Reason::Verified,
            ),
            (
                &done,
                vec![same(), table("b", "BOTH_EMPTY", 0)],
                None,
                true,
                Some(true),
                Reason::Verified,
            ),
            (
                &done,
                vec![same()],
                Some(0),
                false,
                Some(true),
                Reason::Verified,
            ),
            (
                &done,
                vec![same()],
                None,
                false,
                None,
                Reason::VerificationUnclear,
            ),
            (
                &done,
                vec![same(), table("b", "RUNTIME_EXCEPTION", 0)],
                Some(0),
                true,
                None,
                Reason::VerificationUnclear,
            ),
            (
                &done,
                vec![same(), table("b", "A_NEW_WORD", 2)],
                Some(0),
                true,
                Some(false),
                Reason::TablesDiffer,
            ),
            (
                &done,
                vec![same()],
                Some(3),
                true,
                Some(false),
                Reason::TablesDiffer,
            ),
            (
                &done,
                vec![same(), table("b", "RUNNING", 0)],
                Some(0),
                true,
                None,
                Reason::InProgress,
            ),
            (&done, vec![], Some(0), true, None, Reason::InProgress),
            (
                &step("RUNNING", 40),
                vec![same()],
                Some(0),
                true,
                None,
                Reason::InProgress,
            ),
            (
                &step("FAILED", 40),
                vec![same()],
                Some(0),
                true,
                None,
                Reason::VerificationUnclear,
            ),
        ];
        for (number, (step, tables, count, complete, holds, reason)) in rows.into_iter().enumerate()
        {
            assert_eq!(
                says(step, tables, count, complete),
                (holds, reason),
                "row {number}"
            );
        }
    }

    #[test]
    fn a_difference_counts_as_soon_as_it_is_seen() {
        let early = step("RUNNING", 10);
        let tables = vec![table("a", "INCONSISTENT", 7)];
        assert_eq!(
            says(&early, tables, None, true),
            (Some(false), Reason::TablesDiffer)
        );
        assert_eq!(statement(&early, None).reason, Reason::InProgress);
    }

    #[test]
    fn the_tables_that_differ_most_come_first_and_each_once() {
        let mut tables: Vec<DifferingTable> = (0..30)
            .map(|n| table(&format!("t{n}"), "INCONSISTENT", n))
            .collect();
        tables.push(table("broken", "INDEX_CONFLICT", 0));
        tables.push(table("t29", "INCONSISTENT", 29));
        tables.extend((0..5).map(|n| table(&format!("same{n}"), "CONSISTENT", 0)));
        let result = summary(Result {
            tables,
            different_number: None,
            complete: true,
        });
        assert_eq!(
            (
                result.tables,
                result.differing,
                result.consistent,
                result.unclear
            ),
            (Some(36), Some(30), Some(5), Some(1))
        );
        let names: Vec<_> = result
            .top
            .iter()
            .map(|table| table.source.as_deref().unwrap())
            .collect();
        assert_eq!((names.len(), names[0], names[9]), (10, "t29", "t20"));
        let message = statement(&step("FINISHED", 100), Some(&result)).message;
        assert!(
            message.contains("t29 (INCONSISTENT: 29 rows only in the source)"),
            "{message}"
        );
    }
}
