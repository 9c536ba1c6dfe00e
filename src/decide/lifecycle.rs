//! What a project with a known id needs, as long as its resource is to stay: the
//! table of wanted run state by observed status, and what two of its cells
//! depend on besides.
//!
//! Pure and total. At most one mutation comes out of one decision, and none
//! where nothing fresh is known.

mod pause;
mod retry;
mod table;
mod words;

use jiff::Timestamp;

use self::table::Cell;
use super::mutation::Mutation;
use super::observed::{Observed, ProjectStatus};
use super::progress::Step;
use super::suspension::Suspension;
use super::verdict::Verdict;
use crate::api::v1alpha1::{
    OnExternalPause, PauseStatus, Reason, RetriesStatus, RetryPolicy, WantedState,
};

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct LifeSituation {
    /// The project.
    pub id: String,
    /// The generation of the spec.
    pub generation: i64,
    /// The wanted run state.
    pub wanted: WantedState,
    /// What is done about a pause from outside.
    pub on_external_pause: OnExternalPause,
    /// How a failed project is resumed by itself.
    pub retry: RetryPolicy,
    /// The human's word to try again: the text of the annotation.
    pub word: Option<String>,
    /// Who keeps the operator from changing anything.
    pub suspended: Option<Suspension>,
    /// What may be believed about the project.
    pub observed: Observed,
    /// The step that failed, if one did.
    pub failed_step: Option<Step>,
    /// The id was found gone before.
    pub gone: bool,
    /// What is on record of pauses and retries.
    pub record: RunRecord,
    /// The time of day.
    pub now: Timestamp,
}

impl LifeSituation {
    /// Whether the human's word is one that was not seen before.
    #[must_use]
    pub fn word_is_new(&self) -> bool {
        self.word.is_some() && self.word != self.record.handled_retry
    }
}

/// What is on record of pauses and retries: it decides whether a project that
/// does not run may be resumed, and stands in the status for that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRecord {
    /// The pause that stands.
    pub pause: Option<PauseStatus>,
    /// How often the project was resumed by itself.
    pub retries: Option<RetriesStatus>,
    /// The human's word that was seen last.
    pub handled_retry: Option<String>,
}

impl RunRecord {
    /// The record once the project is seen neither paused nor failed. A word to
    /// try again is used up then, although there was nothing to try: it was
    /// given before whatever comes next.
    fn seen_well(&self, word: Option<&str>) -> Self {
        let retries = self.retries.clone().map(|before| RetriesStatus {
            failure_time: None,
            next_attempt_time: None,
            ..before
        });
        Self {
            pause: None,
            retries: retries.filter(|retries| retries.count.unwrap_or_default() > 0),
            handled_retry: word.map(str::to_owned).or(self.handled_retry.clone()),
        }
    }
}

/// What to do, and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeDecision {
    /// The one change to make now, if any.
    pub mutation: Option<Mutation>,
    /// What has to be on record before that change is asked for.
    pub first: Option<RunRecord>,
    /// What is to be on record when no change is made.
    pub record: RunRecord,
    /// What the resource says of itself.
    pub verdict: Verdict,
    /// The id is known to be gone.
    pub gone: bool,
    /// When it has to be decided anew although nothing has changed.
    pub again: Option<Timestamp>,
}

/// A cell of the table, after what it depends on was looked at.
struct Resolved {
    cell: Cell,
    /// What is on record if nothing is done.
    rest: RunRecord,
    /// What has to be on record before something is done.
    first: Option<RunRecord>,
    again: Option<Timestamp>,
}

impl Resolved {
    fn of(cell: Cell, rest: RunRecord) -> Self {
        Self {
            cell,
            rest,
            first: None,
            again: None,
        }
    }
}

/// Decides what a project with a known id needs.
#[must_use]
pub fn decide(situation: &LifeSituation) -> LifeDecision {
    let Resolved {
        cell,
        rest,
        first,
        again,
    } = resolve(situation);
    let mut decision = LifeDecision {
        mutation: None,
        first: None,
        verdict: words::verdict(situation, cell, &rest),
        record: rest,
        gone: is_gone(situation, cell),
        again,
    };
    match (cell, &situation.suspended) {
        (Cell::Do(mutation), Some(suspension)) => {
            decision.verdict = suspension.verdict(&words::due(situation, mutation));
        }
        (Cell::Do(mutation), None) => {
            decision.mutation = Some(mutation);
            decision.first = first;
        }
        _ => {}
    }
    decision
}

/// What a resource says whose spec was edited while its project was being
/// created from the earlier text: nothing is done to that project.
#[must_use]
pub fn made_from_another_spec(id: &str) -> Verdict {
    Verdict::stalled(
        Reason::SpecChangedDuringCreate,
        format!(
            "The spec was edited while project {id} was being created from its earlier text, so \
             the project is not started. Set spec back to that text, or correct it (spec may be \
             edited now) and create the project anew under another name."
        ),
    )
}

fn resolve(situation: &LifeSituation) -> Resolved {
    let cell = table::cell(&situation.observed, situation.wanted);
    match cell {
        Cell::Pause => pause::settle(situation),
        Cell::Retry => retry::settle(situation),
        Cell::Unseen | Cell::Unseeable => Resolved::of(cell, situation.record.clone()),
        cell => {
            let well = situation.record.seen_well(situation.word.as_deref());
            let paused = situation.observed == Observed::Present(ProjectStatus::Suspend);
            let record = RunRecord {
                pause: paused.then(|| pause::seen(situation)),
                ..well
            };
            Resolved::of(cell, record)
        }
    }
}

fn is_gone(situation: &LifeSituation, cell: Cell) -> bool {
    match cell {
        Cell::Stuck(Reason::ProjectGone) => true,
        // What was found out does not become less certain.
        Cell::Unseen => situation.gone,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
