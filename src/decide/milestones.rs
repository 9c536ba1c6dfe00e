//! What a project has reached, as conditions to wait for.

use super::observed::ProjectStatus;
use super::progress::{Progress, Step};
use super::verdict::Statement;
use super::words::sentence;
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
/// gets no such condition. What was not reached when the project `ended` is
/// not on its way any more.
#[must_use]
pub fn steps(progress: &Progress, ended: Option<Reason>) -> Vec<Statement> {
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
            step.problem.as_deref().map_or_else(
                || {
                    "OMS's checks before the start have failed; its console names the item."
                        .to_owned()
                },
                sentence,
            ),
        ),
        _ => not_reached(
            Type::PrecheckPassed,
            None,
            "OMS's checks before the start are not done.",
            ended,
        ),
    });
    let copy = find(Step::is_full_copy).map(|step| match step.status.as_str() {
        "FINISHED" => Statement::new(
            Type::FullCopied,
            Some(true),
            Reason::FullCopied,
            "All existing rows are copied.".to_owned(),
        ),
        _ => not_reached(
            Type::FullCopied,
            Some(false),
            "Existing rows are not all copied.",
            ended,
        ),
    });
    precheck.into_iter().chain(copy).collect()
}

/// A step that is not done: on its way, for which `holds` stands, or never to be
/// done by this project.
fn not_reached(
    type_: Type,
    holds: Option<bool>,
    message: &str,
    ended: Option<Reason>,
) -> Statement {
    let (holds, reason, more) = match ended {
        None => (holds, Reason::InProgress, ""),
        // OMS contradicts itself.
        Some(Reason::Succeeded) => (
            None,
            Reason::NotObserved,
            " So the step says, but OMS says that the project has finished.",
        ),
        Some(end) => (Some(false), end, " The project has ended."),
    };
    Statement::new(type_, holds, reason, format!("{message}{more}"))
}

/// What is said of a project that is gone: what it had reached went with it.
/// Speaks of those of the conditions that `stand`.
#[must_use]
pub fn gone(stand: impl Fn(Type) -> bool) -> Vec<Statement> {
    let say = |type_| {
        let message = "The project is gone.".to_owned();
        Statement::new(type_, None, Reason::ProjectGone, message)
    };
    let of_the_project = [
        Type::PrecheckPassed,
        Type::FullCopied,
        Type::Verified,
        Type::CaughtUp,
        Type::InSync,
    ];
    let standing = of_the_project.into_iter().filter(|type_| stand(*type_));
    standing.map(say).collect()
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

    fn at(precheck: &str, copy: &str) -> Progress {
        let step = |name: &str, status: &str| Step {
            name: name.into(),
            status: status.into(),
            ..Step::default()
        };
        Progress {
            steps: [
                step("TRANSFER_PRECHECK", precheck),
                step("FULL_TRANSFER", copy),
            ]
            .into(),
            ..Progress::default()
        }
    }

    #[test]
    fn no_milestone_is_on_its_way_in_a_project_that_has_ended() {
        use Reason::*;
        const YES: Option<bool> = Some(true);
        const NO: Option<bool> = Some(false);
        #[rustfmt::skip]
        let table = [
            // status,    goes on, precheck,   copy        PrecheckPassed          FullCopied
            ("RUNNING",   false,   "RUNNING",  "INIT",     (None, InProgress),     (NO, InProgress)),
            ("RUNNING",   false,   "FINISHED", "RUNNING",  (YES, PrecheckPassed),  (NO, InProgress)),
            ("RUNNING",   false,   "FINISHED", "FINISHED", (YES, PrecheckPassed),  (YES, FullCopied)),
            ("SUSPEND",   false,   "FINISHED", "SUSPEND",  (YES, PrecheckPassed),  (NO, InProgress)),
            ("FAILED",    false,   "FAILED",   "INIT",     (NO, PrecheckFailed),   (NO, Failed)),
            ("FAILED",    false,   "FINISHED", "FAILED",   (YES, PrecheckPassed),  (NO, Failed)),
            ("FAILED",    false,   "FINISHED", "FINISHED", (YES, PrecheckPassed),  (YES, FullCopied)),
            ("FAILED",    true,    "FINISHED", "FAILED",   (YES, PrecheckPassed),  (NO, InProgress)),
            ("RELEASING", false,   "FINISHED", "RUNNING",  (YES, PrecheckPassed),  (NO, InProgress)),
            ("RELEASED",  false,   "INIT",     "INIT",     (NO, Released),         (NO, Released)),
            ("RELEASED",  false,   "FINISHED", "FINISHED", (YES, PrecheckPassed),  (YES, FullCopied)),
            ("FINISHED",  false,   "FINISHED", "FINISHED", (YES, PrecheckPassed),  (YES, FullCopied)),
            ("FINISHED",  false,   "FINISHED", "INIT",     (YES, PrecheckPassed),  (None, NotObserved)),
        ];
        for (word, goes_on, precheck, copy, passed, copied) in table {
            let [finished, _] = ending(Some(&ProjectStatus::parse(word)), false, goes_on);
            let said = steps(&at(precheck, copy), finished.end());
            let said: Vec<_> = said.iter().map(|one| (one.holds, one.reason)).collect();
            assert_eq!(said, [passed, copied], "{word}, {precheck}, {copy}");
        }
    }

    #[test]
    fn what_is_gone_has_reached_nothing() {
        let had = [Type::FullCopied, Type::InSync];
        let said = gone(|type_| had.contains(&type_));
        let said: Vec<_> = said
            .iter()
            .map(|one| (one.type_, one.holds, one.reason))
            .collect();
        assert_eq!(said, had.map(|type_| (type_, None, Reason::ProjectGone)));
    }
}
