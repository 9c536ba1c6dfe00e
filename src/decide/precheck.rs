//! Why OMS's checks before the start have failed, as a status tells it.

use super::verdict::Statement;
use super::words::{self, in_one};
pub use crate::api::v1alpha1::FailedCheck;
use crate::api::v1alpha1::{ConditionType, PrecheckStatus, Reason};

/// So many failed checks are told one by one.
pub const TOLD: usize = 10;

/// So many of them stand in the message of the condition.
const IN_MESSAGE: usize = 3;

/// Whether a check's word says that it has failed. The words are documented for
/// the precheck as a whole only: FAILED and FINISHED among them.
#[must_use]
pub fn is_failed(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    ["FAIL", "ERROR"].iter().any(|part| word.contains(part))
}

/// The failed checks as the status shows them; `None` where there are none.
#[must_use]
pub fn summary(mut failed: Vec<FailedCheck>) -> Option<PrecheckStatus> {
    let count = failed.len();
    failed.truncate(TOLD);
    (count > 0).then(|| PrecheckStatus {
        failed: i32::try_from(count).ok(),
        items: failed,
    })
}

/// What they make of the condition.
#[must_use]
pub fn statement(precheck: &PrecheckStatus) -> Statement {
    let told: Vec<String> = precheck.items.iter().take(IN_MESSAGE).map(tell).collect();
    let count = usize::try_from(precheck.failed.unwrap_or_default()).unwrap_or_default();
    let more = words::and_more(count, told.len(), precheck.items.len(), "status.precheck");
    let message = format!(
        "OMS's checks before the start have failed: {}{more}",
        told.join(" | ")
    );
    Statement::new(
        ConditionType::PrecheckPassed,
        Some(false),
        Reason::PrecheckFailed,
        message,
    )
}

fn tell(check: &FailedCheck) -> String {
    let name = match (&check.name, &check.side) {
        (Some(name), Some(side)) => Some(format!("{name} ({side})")),
        (Some(name), None) => Some(name.clone()),
        (None, side) => side.clone(),
    };
    let parts = [
        name.as_deref(),
        check.message.as_deref(),
        check.advice.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    in_one(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: usize) -> FailedCheck {
        FailedCheck {
            name: Some(format!("check {number}")),
            side: Some("SOURCE".into()),
            message: Some("No SELECT.".into()),
            advice: Some("Grant it.".into()),
        }
    }

    #[test]
    fn the_first_ones_are_told_and_the_others_counted() {
        let precheck = summary((0..25).map(check).collect()).unwrap();
        assert_eq!((precheck.failed, precheck.items.len()), (Some(25), TOLD));
        let statement = statement(&precheck);
        assert_eq!(statement.holds, Some(false));
        let message = statement.message;
        assert!(
            message.contains("check 0 (SOURCE): No SELECT. Grant it."),
            "{message}"
        );
        assert!(
            message.contains("check 2") && !message.contains("check 3"),
            "{message}"
        );
        assert!(message.contains("22 more"), "{message}");
        assert_eq!(summary(Vec::new()), None);
    }

    #[test]
    fn only_words_of_failure_are_failures() {
        for word in ["FAILED", "Failed", "CHECK_FAIL", "ERROR"] {
            assert!(is_failed(word), "{word}");
        }
        for word in [
            "FINISHED", "RUNNING", "INIT", "PENDING", "SKIPPED", "WARN", "",
        ] {
            assert!(!is_failed(word), "{word}");
        }
    }
}
