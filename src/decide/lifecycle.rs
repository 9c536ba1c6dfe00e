//! What a project with a known id needs: the table of wanted run state by
//! observed status.
//!
//! Pure and total. At most one mutation comes out of one decision, and none
//! where nothing fresh is known.

use super::observed::{Observed, ProjectStatus};
use super::progress::Step;
use super::verdict::Verdict;
use crate::api::v1alpha1::{Reason, WantedState};

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct LifeSituation {
    /// The project.
    pub id: String,
    /// The wanted run state.
    pub wanted: WantedState,
    /// What may be believed about it.
    pub observed: Observed,
    /// The step that failed, if one did.
    pub failed_step: Option<Step>,
    /// The spec was edited while the project was being created from its
    /// earlier text.
    pub spec_mismatch: bool,
    /// The id was found gone before.
    pub gone: bool,
}

/// A change to the project in OMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// StartProject.
    Start,
}

/// What to do, and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeDecision {
    /// The one change to make now, if any.
    pub mutation: Option<Mutation>,
    /// What the resource says of itself.
    pub verdict: Verdict,
    /// The id is known to be gone.
    pub gone: bool,
}

/// Decides what a project with a known id needs.
#[must_use]
pub fn decide(situation: &LifeSituation) -> LifeDecision {
    let id = &situation.id;
    let status = match &situation.observed {
        Observed::Unknown => {
            let gone = situation.gone;
            let verdict = Verdict::progressing(
                Reason::StatusUnknown,
                format!("Project {id} is recorded; its status is being asked of OMS."),
            );
            return LifeDecision {
                mutation: None,
                verdict,
                gone,
            };
        }
        Observed::Unobservable { missing } => {
            let verdict = Verdict::stalled(
                Reason::ActionMissing,
                format!(
                    "Project {id} is recorded, but this OMS does not know the action {missing}: \
                     its status cannot be read, and it is neither watched nor started from here."
                ),
            );
            return LifeDecision {
                mutation: None,
                verdict,
                gone: false,
            };
        }
        Observed::Absent => return gone(id),
        Observed::Present(ProjectStatus::Deleted) => return gone(id),
        Observed::Present(status) => status,
    };
    if situation.spec_mismatch {
        let message = format!(
            "The spec was edited while project {id} was being created from its earlier text, so \
             the project is not started. Set spec back to that text, or correct it (spec may be \
             edited now) and create the project anew under another name."
        );
        let verdict = Verdict::stalled(Reason::SpecChangedDuringCreate, message);
        return LifeDecision {
            mutation: None,
            verdict,
            gone: false,
        };
    }
    let (mutation, verdict) = by_table(situation, status);
    LifeDecision {
        mutation,
        verdict,
        gone: false,
    }
}

fn gone(id: &str) -> LifeDecision {
    let verdict = Verdict::stalled(
        Reason::ProjectGone,
        format!(
            "OMS no longer knows project {id}. It is not made anew unasked. To have another one \
             in its place, annotate this resource with\n  oms.oceanbase.com/recreate: {id}"
        ),
    );
    LifeDecision {
        mutation: None,
        verdict,
        gone: true,
    }
}

fn failed(id: &str, step: Option<&Step>) -> String {
    match step {
        Some(Step {
            name,
            problem: Some(problem),
            ..
        }) => {
            format!("Project {id} failed in the step {name}: {problem}")
        }
        Some(Step { name, .. }) => {
            format!("Project {id} failed in the step {name}. OMS's console names the cause.")
        }
        None => format!("Project {id} failed. OMS's console names the step and the cause."),
    }
}

fn by_table(situation: &LifeSituation, status: &ProjectStatus) -> (Option<Mutation>, Verdict) {
    let id = &situation.id;
    let wanted = situation.wanted;
    use ProjectStatus as S;
    use WantedState::{Created, Running};

    match (status, wanted) {
        (S::Init, Running) => (
            Some(Mutation::Start),
            Verdict::progressing(Reason::Starting, format!("Project {id} is being started.")),
        ),
        (S::Init, Created) => (
            None,
            Verdict::ready(
                Reason::Created,
                format!("Project {id} is created and, as asked, not started."),
            ),
        ),
        (S::Running | S::RunningModifying | S::RunningMerging, Running) => (
            None,
            Verdict::ready(Reason::Running, format!("Project {id} is running.")),
        ),
        (S::Running | S::RunningModifying | S::RunningMerging, Created) => (
            None,
            Verdict::ready(
                Reason::Running,
                format!(
                    "Project {id} is running although state is Created: somebody else started \
                     it, and it is not stopped from here."
                ),
            ),
        ),
        (S::Suspend, _) => (
            None,
            Verdict::stalled(
                Reason::Paused,
                format!(
                    "Project {id} was paused in OMS. It stays so until somebody resumes it there."
                ),
            ),
        ),
        (S::Failed, _) => (
            None,
            Verdict::stalled(Reason::Failed, failed(id, situation.failed_step.as_ref())),
        ),
        (S::Finished, _) => (
            None,
            Verdict::ready(Reason::Finished, format!("Project {id} has finished.")),
        ),
        (S::Releasing, _) => (
            None,
            Verdict::progressing(
                Reason::Releasing,
                format!("Project {id} is being released in OMS; it ends for good."),
            ),
        ),
        (S::Released | S::Deleted, _) => (
            None,
            Verdict::stalled(
                Reason::Released,
                format!("Project {id} was released in OMS: it has ended for good."),
            ),
        ),
        (S::Other(word), _) => (
            None,
            Verdict::unknown(
                Reason::StatusUnknown,
                format!(
                    "OMS says that project {id} is \"{word}\", which this version does not know; \
                     nothing is done."
                ),
            ),
        ),
    }
}

#[cfg(test)]
mod tests;
