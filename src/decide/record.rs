//! What is on record of earlier attempts to create, put together from the
//! annotation, the status and this process's memory.
//!
//! Each of the three may be missing: the annotation can be stripped by
//! `kubectl replace`, the status by a restore, the memory by a crash. As long
//! as one of them speaks of an attempt, the attempt counts.

use jiff::{SignedDuration, Timestamp};

use super::reservation::{Provenance, RESERVATION_STALE_AFTER, Reservation};

/// The times that bound how long a sent create may still take effect.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Longest time one CreateProject call is waited for.
    pub call: SignedDuration,
    /// Wait after a call that nobody answered.
    pub silent: SignedDuration,
    /// Wait after a call that OMS answered with a failure.
    pub replied: SignedDuration,
}

/// How an attempt ended, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// OMS has certainly done nothing.
    NotDone,
    /// It may have made a project.
    Unknown {
        /// OMS replied, although not with a usable answer.
        replied: bool,
    },
}

/// An attempt as the status or the memory tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What was reserved.
    pub reservation: Reservation,
    /// How it ended.
    pub ending: Ending,
    /// Attempts of unknown outcome since a human last asked, this one included.
    pub spent: u32,
}

/// An attempt that may have made a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    /// What was reserved.
    pub reservation: Reservation,
    /// OMS replied with a failure, so that its work on the call has ended.
    pub replied: bool,
    /// When this process first looked for its effect.
    pub first_look: Timestamp,
    /// Attempts of unknown outcome since a human last asked, this one included.
    pub spent: u32,
    /// Not on the word of the annotation alone: memory or status tell of the
    /// attempt too, or it is the one that this very spec asks for. Whoever may
    /// edit a resource may write an annotation, and must not come by another's
    /// project through it.
    pub vouched_for: bool,
}

/// `time` and `span`, or else the end of the calendar.
#[must_use]
pub fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

impl OpenAttempt {
    /// The end of the time in which the attempt may still take effect. It
    /// counts from the last moment at which the call can have been under way,
    /// and never from before this process began to look.
    #[must_use]
    pub fn quarantine(&self, timing: Timing) -> Timestamp {
        let wait = if self.replied {
            timing.replied
        } else {
            timing.silent
        };
        let sent = later(self.reservation.not_after, timing.call);
        later(sent.max(self.first_look), wait)
    }
}

/// What is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// No attempt is open: one may begin.
    Fresh {
        /// Its number.
        next_attempt: u32,
        /// Attempts of unknown outcome since a human last asked.
        spent: u32,
    },
    /// An attempt may have made a project.
    Open(OpenAttempt),
    /// The resource is a copy of one that is no more, or the reservation is so
    /// old that it has to be taken for one: never created unasked.
    Restored(Reservation),
    /// A reservation that cannot be relied on.
    Invalid(String),
}

/// An attempt, by what names it, and when this process first saw it. By the
/// clock of this process: the attempt's own times are those of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSeen {
    attempt: u32,
    at: Timestamp,
    /// When it was first seen.
    pub seen: Timestamp,
}

impl FirstSeen {
    /// `reservation` was first seen at `seen`.
    #[must_use]
    pub fn new(reservation: &Reservation, seen: Timestamp) -> Self {
        Self {
            attempt: reservation.attempt,
            at: reservation.at,
            seen,
        }
    }
}

/// The places where attempts are written down.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The annotation.
    pub annotation: Provenance,
    /// `status.create`.
    pub status: Option<Trace>,
    /// What this process remembers.
    pub memory: Option<Trace>,
    /// The attempt that this process saw last, and when it saw it first.
    pub first_seen: Option<FirstSeen>,
    /// When the resource was created.
    pub created: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
    /// The project name that the spec of today asks for.
    pub project_name: String,
    /// The hash of the spec of today.
    pub body_hash: String,
}

impl Sources {
    /// Whether the reservation is what the spec of today would have reserved,
    /// after the resource was there.
    fn is_asked_for(&self, reservation: &Reservation) -> bool {
        reservation.project_name == self.project_name
            && reservation.body_hash == self.body_hash
            // By two clocks.
            && self
                .created
                .is_none_or(|created| reservation.looked_at >= created - RESERVATION_STALE_AFTER)
    }

    /// Why its times cannot be true, if so.
    fn is_impossible(&self, reservation: &Reservation) -> Option<String> {
        let Reservation { at, not_after, .. } = *reservation;
        if self
            .created
            .is_some_and(|created| at < created - RESERVATION_STALE_AFTER)
        {
            return Some("it is older than the resource itself".to_owned());
        }
        if at > self.now + RESERVATION_STALE_AFTER {
            return Some("it was written in the future".to_owned());
        }
        (not_after > at + RESERVATION_STALE_AFTER)
            .then(|| "it is valid for longer than any is".to_owned())
    }
}

/// Puts the record together, and says when its attempt was first seen.
///
/// Of two attempts the one with the greater number is the later; their times
/// come from the clocks of two writers and are never compared. What status or
/// memory tell of an end counts for exactly the attempt they name: an
/// annotation that another process wrote meanwhile is open.
#[must_use]
pub fn record(sources: &Sources) -> (Record, Option<FirstSeen>) {
    let traces: Vec<&Trace> = [&sources.memory, &sources.status]
        .into_iter()
        .flatten()
        .collect();
    let is_told = |reservation: &Reservation| {
        traces
            .iter()
            .any(|trace| trace.reservation.is_same_attempt(reservation))
    };
    let annotation = match &sources.annotation {
        Provenance::Own(reservation) if !is_told(reservation) => sources
            .is_impossible(reservation)
            .map_or_else(|| sources.annotation.clone(), Provenance::Invalid),
        annotation => annotation.clone(),
    };
    let annotated = match annotation {
        // Memory and status outlive a damaged annotation; without them
        // nothing at all can be concluded.
        Provenance::Invalid(problem) if traces.is_empty() => {
            return (Record::Invalid(problem), None);
        }
        Provenance::Restored(reservation) if sources.memory.is_none() => {
            return (Record::Restored(reservation), None);
        }
        Provenance::Own(reservation) => Some(reservation),
        _ => None,
    };
    let greatest = traces.iter().map(|trace| trace.reservation.attempt);
    let greatest = greatest
        .chain(annotated.as_ref().map(|annotated| annotated.attempt))
        .max();
    let Some(Trace {
        reservation,
        ending,
        spent,
    }) = latest(&traces, annotated)
    else {
        return (
            Record::Fresh {
                next_attempt: 1,
                spent: 0,
            },
            None,
        );
    };
    let first_seen = sources
        .first_seen
        .filter(|first| first.attempt == reservation.attempt && first.at == reservation.at)
        .unwrap_or_else(|| FirstSeen::new(&reservation, sources.now));
    let is_old = first_seen.seen > reservation.at + RESERVATION_STALE_AFTER;
    let record = match ending {
        Ending::NotDone => Record::Fresh {
            next_attempt: greatest.unwrap_or(reservation.attempt).saturating_add(1),
            spent,
        },
        Ending::Unknown { .. } if sources.memory.is_none() && is_old => {
            Record::Restored(reservation)
        }
        Ending::Unknown { replied } => Record::Open(OpenAttempt {
            vouched_for: is_told(&reservation) || sources.is_asked_for(&reservation),
            reservation,
            replied,
            first_look: first_seen.seen,
            spent,
        }),
    };
    (record, Some(first_seen))
}

/// The attempt that counts.
fn latest(traces: &[&Trace], annotated: Option<Reservation>) -> Option<Trace> {
    let number = |trace: &Trace| trace.reservation.attempt;
    let is_open = |trace: &Trace| matches!(trace.ending, Ending::Unknown { .. });
    let told = |keep: &dyn Fn(&Trace) -> bool| {
        let kept = traces.iter().copied().filter(|trace| keep(trace));
        kept.max_by_key(|trace| (number(trace), is_open(trace)))
            .cloned()
    };
    let Some(annotated) = annotated else {
        return told(&|_| true);
    };
    let exact = traces
        .iter()
        .find(|trace| trace.reservation.is_same_attempt(&annotated));
    if let Some(exact) = exact {
        // An older annotation that somebody put back does not close a later
        // attempt.
        let later = told(&|trace| is_open(trace) && number(trace) > annotated.attempt);
        return Some(later.unwrap_or_else(|| (*exact).clone()));
    }
    // Nobody has written down how the annotated attempt ended.
    let open = told(&|trace| is_open(trace) && number(trace) >= annotated.attempt);
    Some(open.unwrap_or_else(|| Trace {
        spent: annotated.unknown_attempts.saturating_add(1),
        reservation: annotated,
        ending: Ending::Unknown { replied: false },
    }))
}

#[cfg(test)]
mod tests;
