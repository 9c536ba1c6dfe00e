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
        _ if gone => (Some(true), Some(false), Reason::ProjectGone),
        Some(ProjectStatus::Finished) => (Some(true), Some(true), Reason::Succeeded),
        Some(ProjectStatus::Failed) if !goes_on => (Some(true), Some(false), Reason::Failed),
        Some(ProjectStatus::Released | ProjectStatus::Deleted) => {
            (Some(true), Some(false), Reason::Released)
        }
        // A word that is not known may be one for an end.
        None | Some(ProjectStatus::Other(_)) => (None, None, Reason::NotObserved),
        Some(_) => (Some(false), None, Reason::InProgress),
    };
    let message = match status {
        _ if gone => "OMS no longer knows the project.".to_owned(),
        Some(status) => format!("The project's status in OMS is {status}."),
        None => "The project's status in OMS is not known.".to_owned(),
    };
    [
        Statement::new(Type::Finished, finished, reason, message.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_only_claimed_or_denied_where_the_status_is_known() {
        let ended = |word: Option<&str>, gone| {
            let status = word.map(ProjectStatus::parse);
            let [finished, succeeded] = ending(status.as_ref(), gone, false);
            (finished.holds, succeeded.holds)
        };
        for word in ["INIT", "RUNNING", "SUSPEND", "RELEASING"] {
            assert_eq!(ended(Some(word), false), (Some(false), None), "{word}");
        }
        assert_eq!(ended(Some("FINISHED"), false), (Some(true), Some(true)));
        for word in ["FAILED", "RELEASED", "DELETED"] {
            assert_eq!(ended(Some(word), false), (Some(true), Some(false)));
        }
        assert_eq!(ended(None, true), (Some(true), Some(false)));
        for word in [None, Some("ARCHIVED")] {
            assert_eq!(ended(word, false), (None, None), "{word:?}");
        }
    }
}
