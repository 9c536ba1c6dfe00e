//! Whose pause it is. A pause counts as from outside unless it is on record that
//! the spec asked for something else than Running when the project was seen
//! paused: nothing is resumed on a guess. docs/decisions/0017 tells why so.

use super::table::Cell;
use super::{LifeSituation, Resolved, RunRecord};
use crate::api::v1alpha1::{OnExternalPause, PauseStatus, Reason, WantedState};
use crate::decide::mutation::Mutation::Resume;

/// What a project needs that is paused and is to run.
pub(super) fn settle(situation: &LifeSituation) -> Resolved {
    let record = RunRecord {
        pause: Some(seen(situation)),
        ..situation.record.seen_well(situation.word.as_deref())
    };
    if wish_is_newer(situation) || situation.on_external_pause == OnExternalPause::Resume {
        return Resolved::of(Cell::Do(Resume), record);
    }
    if situation.word_is_new() {
        return Resolved {
            rest: RunRecord {
                handled_retry: situation.record.handled_retry.clone(),
                ..record.clone()
            },
            first: Some(record),
            ..Resolved::of(Cell::Do(Resume), RunRecord::default())
        };
    }
    Resolved::of(Cell::Stuck(Reason::PausedOutside), record)
}

/// Whether `state` was changed to Running after the project was seen paused.
pub(super) fn wish_is_newer(situation: &LifeSituation) -> bool {
    let Some(pause) = &situation.record.pause else {
        return false;
    };
    let asked_for_it = pause
        .state
        .is_some_and(|state| state != WantedState::Running);
    let older = pause
        .generation
        .is_some_and(|generation| generation < situation.generation);
    situation.wanted == WantedState::Running && asked_for_it && older
}

/// The record of the pause that is seen now. It stays as it is until the spec
/// asks for another state, and while the resumption that it allows is due.
pub(super) fn seen(situation: &LifeSituation) -> PauseStatus {
    let before = situation.record.pause.as_ref();
    let since = before
        .and_then(|before| before.since)
        .or(Some(situation.now));
    match before {
        Some(before) if before.state == Some(situation.wanted) || wish_is_newer(situation) => {
            PauseStatus {
                since,
                ..before.clone()
            }
        }
        _ => PauseStatus {
            state: Some(situation.wanted),
            generation: Some(situation.generation),
            since,
        },
    }
}
