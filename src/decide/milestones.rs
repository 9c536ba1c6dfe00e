//! What a project has reached, as conditions to wait for.

use super::observed::ProjectStatus;
use super::progress::{Progress, Step};
use super::verdict::Statement;
use crate::api::v1alpha1::{ConditionType as Type, Reason};

/// Whether the project has come to an end, and to which.
///
/// `Finished` is True on every end, because `kubectl wait` cannot wait for one
/// condition or another; `Succeeded` says which it was. A project that failed and
/// `goes_on` by itself has not ended.
#[must_use]
pub fn ending(status: Option<&ProjectStatus>, gone: bool, goes_on: bool) -> [Statement; 2] {
    let (finished, succeeded, reason) = match status {
        _ if gone => (true, Some(false), Reason::ProjectGone),
        Some(ProjectStatus::Finished) => (true, Some(true), Reason::Succeeded),
        Some(ProjectStatus::Failed) if !goes_on => (true, Some(false), Reason::Failed),
        Some(ProjectStatus::Released | ProjectStatus::Deleted) => {
            (true, Some(false), Reason::Released)
        }
        _ => (false, None, Reason::InProgress),
    };
    let word = status.map_or("not known", ProjectStatus::word);
    let message = format!("The project's status in OMS is {word}.");
    [
        Statement::new(Type::Finished, Some(finished), reason, message.clone()),
        Statement::new(Type::Succeeded, succeeded, reason, message),
    ]
}

/// What the steps tell: precheck and full copy. A project without such a step
/// gets no such condition.
#[must_use]
pub fn steps(progress: &Progress) -> Vec<Statement> {
    let find = |is: fn(&Step) -> bool| progress.steps.iter().find(|step| is(step));
    let precheck = find(Step::is_precheck).map(|step| match step.status.as_str() {
        "FINISHED" => Statement::new(
            Type::PrecheckPassed,
            Some(true),
            Reason::PrecheckPassed,
            "OMS's checks before the start have passed.".to_owned(),
        ),
        "FAILED" => Statement::new(
            Type::PrecheckPassed,
            Some(false),
            Reason::PrecheckFailed,
            step.problem.clone().unwrap_or_else(|| {
                "OMS's checks before the start have failed; its console names the item.".to_owned()
            }),
        ),
        _ => Statement::new(
            Type::PrecheckPassed,
            None,
            Reason::InProgress,
            "OMS's checks before the start are not done.".to_owned(),
        ),
    });
    let copy = find(Step::is_full_copy).map(|step| {
        let done = step.status == "FINISHED";
        let (reason, message) = if done {
            (Reason::FullCopied, "All existing rows are copied.")
        } else {
            (Reason::InProgress, "Existing rows are not all copied.")
        };
        Statement::new(Type::FullCopied, Some(done), reason, message.to_owned())
    });
    precheck.into_iter().chain(copy).collect()
}

/// Whether the project keeps up with its source.
#[must_use]
pub fn caught_up(is: bool, max_lag: u64) -> Statement {
    let (reason, message) = if is {
        (
            Reason::LagWithinLimit,
            format!("The lag stays within {max_lag} s (spec.readiness.maxLag)."),
        )
    } else {
        (
            Reason::LagAboveLimit,
            format!(
                "The lag has not stayed within {max_lag} s (spec.readiness.maxLag) for \
                 spec.readiness.stableFor."
            ),
        )
    };
    Statement::new(Type::CaughtUp, Some(is), reason, message)
}
