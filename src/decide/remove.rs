//! What becomes of the project when its resource is deleted: the table of
//! deletion policy by observed status, and how long it is waited for.
//!
//! Pure and total. Nothing is ever made here, nothing is changed under `Retain`,
//! and whatever is in doubt stays in OMS.

mod table;
mod words;

use jiff::Timestamp;

use self::table::{Cell, Done};
pub use self::words::refused;
use super::mutation::Mutation;
use super::observed::Observed;
use super::suspension::Suspension;
use super::verdict::{Readiness, Verdict};
use crate::api::v1alpha1::{DeletionPolicy, OnDeletionTimeout, Reason};

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct Departure {
    /// The project.
    pub id: String,
    /// What is to become of it.
    pub policy: DeletionPolicy,
    /// The connection that does not allow this policy, if it does not.
    pub refused_by: Option<String>,
    /// Another resource that has recorded the same project.
    pub shared_with: Option<String>,
    /// Finalizers on the resource that are not ours.
    pub others: Vec<String>,
    /// Who keeps the operator from changing anything.
    pub suspended: Option<Suspension>,
    /// What may be believed about the project. Unknown: it was not looked at yet.
    pub observed: Observed,
    /// What keeps OMS from being asked.
    pub hindrance: Option<Verdict>,
    /// So long it is waited for.
    pub deadline: Timestamp,
    /// What is done then.
    pub on_timeout: OnDeletionTimeout,
    /// The namespace is being deleted: then nothing is held up for ever.
    pub namespace_goes: bool,
    /// The time of day.
    pub now: Timestamp,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoveDecision {
    /// OMS has to be looked at.
    Look,
    /// This change is due.
    Do(Mutation),
    /// Nothing for now, and this is said.
    Wait {
        /// What the resource says.
        verdict: Verdict,
        /// When it has to be decided anew although nothing has changed.
        until: Option<Timestamp>,
    },
    /// The resource goes.
    End(End),
}

/// How a resource goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It never had a project.
    Nothing,
    /// Its project stays, as it asked.
    Retained,
    /// Its project was released, and the record stays.
    Released,
    /// Its project is gone.
    Deleted,
    /// Its project stays, or may, although that was not asked for: why, as a
    /// clause.
    Left(String),
}

/// Decides the next step of a resource that is being deleted and has recorded a
/// project.
#[must_use]
pub fn decide(departure: &Departure) -> RemoveDecision {
    if !departure.others.is_empty() {
        return hold_up(departure, words::others(departure));
    }
    if departure.policy == DeletionPolicy::Retain {
        return RemoveDecision::End(End::Retained);
    }
    if let Some(left) = words::not_to_be_touched(departure) {
        return RemoveDecision::End(End::Left(left));
    }
    if let Some(hindrance) = &departure.hindrance {
        return hold_up(departure, hindrance.clone());
    }
    match (
        table::cell(&departure.observed, departure.policy),
        &departure.suspended,
    ) {
        (Cell::Unseen, _) => RemoveDecision::Look,
        (Cell::Do(mutation), Some(suspension)) => hold_up(
            departure,
            suspension.verdict(&words::due(departure, mutation)),
        ),
        (Cell::Do(mutation), None) => RemoveDecision::Do(mutation),
        (Cell::Wait, _) => hold_up(departure, words::waits(departure)),
        (Cell::Strange, _) => hold_up(departure, words::strange(departure)),
        (Cell::Unseeable, _) => hold_up(departure, words::unseeable(departure)),
        (Cell::Done(Done::Retained), _) => RemoveDecision::End(End::Retained),
        (Cell::Done(Done::Released), _) => RemoveDecision::End(End::Released),
        (Cell::Done(Done::Gone), _) => RemoveDecision::End(End::Deleted),
        (Cell::Done(Done::NeverStarted), _) => {
            RemoveDecision::End(End::Left(words::never_started(departure)))
        }
    }
}

/// Something is waited for, for so long and not longer.
fn hold_up(departure: &Departure, why: Verdict) -> RemoveDecision {
    let gives_up = departure.gives_up();
    if departure.now < departure.deadline {
        return RemoveDecision::Wait {
            verdict: words::until(departure, why),
            until: Some(departure.deadline),
        };
    }
    match (gives_up, departure.policy) {
        (true, DeletionPolicy::Retain) => RemoveDecision::End(End::Retained),
        (true, _) => RemoveDecision::End(End::Left(words::left(departure, &why))),
        (false, _) => RemoveDecision::Wait {
            verdict: Verdict {
                readiness: Readiness::Stalled,
                reason: Reason::DeletionTimedOut,
                message: words::blocked(departure, &why),
            },
            until: None,
        },
    }
}

impl Departure {
    /// Whether the resource goes at the deadline.
    fn gives_up(&self) -> bool {
        self.namespace_goes || self.on_timeout == OnDeletionTimeout::Abandon
    }
}

#[cfg(test)]
mod tests;
