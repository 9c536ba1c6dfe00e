//! Gather: from the resource, its connection and what was seen to the situation
//! that is decided on.

use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::{MigrationProject, PauseStatus, WantedState};
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::controller::me::{Me, annotation, retry_word};
use crate::decide::lifecycle::{LifeSituation, RunRecord};
use crate::decide::{Observed, Provenance, classify};
use crate::observe::Seen;

/// All that the decision rests on.
pub fn situation(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: &str,
    link: &Link,
    (observed, seen): (Observed, Option<&Seen>),
) -> LifeSituation {
    let status = read.status.as_ref();
    LifeSituation {
        id: id.to_owned(),
        generation: me.generation,
        wanted: read.spec.state(),
        on_external_pause: read.spec.on_external_pause(),
        retry: read.spec.retry(),
        word: retry_word(read),
        suspended: link.suspension(read),
        observed,
        failed_step: seen.and_then(|seen| seen.progress.failed()).cloned(),
        gone: status.is_some_and(|status| status.gone == Some(true)),
        record: record(context, me, read),
        now: context.clock.now(),
    }
}

/// Whether a human asks to try again, and was not heard yet.
pub fn retry_is_asked(context: &Context, me: &Me, read: &MigrationProject) -> bool {
    let word = retry_word(read);
    word.is_some() && word != record(context, me, read).handled_retry
}

/// What is on record, from the status and from this process's memory.
fn record(context: &Context, me: &Me, read: &MigrationProject) -> RunRecord {
    let status = read.status.clone().unwrap_or_default();
    let memory = context.memory.recall(&me.uid);
    let paused_for = memory.as_ref().and_then(|mine| mine.paused_for);
    let (unheard, unmade) =
        memory.map_or((None, None), |mine| (mine.unheard_retry, mine.unmade_retry));
    // The word that the create protocol has obeyed is used up as well.
    let identity = context.identity(&me.key, &me.uid);
    let by_create = match classify(annotation(read, CREATE_RESERVATION), &identity) {
        Provenance::Own(reservation) => reservation.retry,
        _ => None,
    };
    let word = retry_word(read);
    let handled = match word {
        // Of several words that were obeyed the one that stands counts.
        Some(word) if by_create.as_ref() == Some(&word) => Some(word),
        _ => status.last_handled_retry,
    };
    RunRecord {
        pause: paused_for.map(by_us).or(status.pause),
        retries: match unmade {
            Some(unmade) if unmade.recorded == status.retries => unmade.before,
            _ => status.retries,
        },
        handled_retry: handled.filter(|handled| unheard.as_ref() != Some(handled)),
    }
}

fn by_us(generation: i64) -> PauseStatus {
    PauseStatus {
        state: Some(WantedState::Paused),
        generation: Some(generation),
        since: None,
    }
}
