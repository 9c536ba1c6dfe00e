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
        (self.reservation.not_after + timing.call).max(self.first_look) + wait
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

/// The places where attempts are written down.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The annotation.
    pub annotation: Provenance,
    /// `status.create`.
    pub status: Option<Trace>,
    /// What this process remembers.
    pub memory: Option<Trace>,
    /// When this process first looked for the effect of the attempt in question.
    pub first_look: Timestamp,
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

/// Puts the record together.
#[must_use]
pub fn record(sources: Sources) -> Record {
    let Sources {
        annotation,
        status,
        memory,
        ..
    } = &sources;
    let remembered = memory.is_some();
    let known = [memory, status]
        .into_iter()
        .flatten()
        .max_by_key(|trace| trace.reservation.at)
        .cloned();
    let told = known.as_ref().map(|trace| trace.reservation.at);
    let annotation = match annotation {
        Provenance::Own(reservation) if told != Some(reservation.at) => sources
            .is_impossible(reservation)
            .map_or_else(|| annotation.clone(), Provenance::Invalid),
        _ => annotation.clone(),
    };
    let annotated = match annotation {
        // Memory and status outlive a damaged annotation; without them
        // nothing at all can be concluded.
        Provenance::Invalid(problem) if known.is_none() => {
            return Record::Invalid(problem);
        }
        Provenance::Restored(reservation) if memory.is_none() => {
            return Record::Restored(reservation);
        }
        Provenance::Own(reservation) => Some(reservation),
        _ => None,
    };
    let attempt = match (known, annotated) {
        (Some(trace), Some(reservation)) if reservation.at > trace.reservation.at => {
            // The annotation is of a later attempt, of which nobody wrote down
            // the end.
            let spent = trace.spent.saturating_add(1);
            Trace {
                reservation,
                ending: Ending::Unknown { replied: false },
                spent,
            }
        }
        (Some(trace), _) => trace,
        (None, Some(reservation)) => {
            let spent = reservation.attempt;
            Trace {
                reservation,
                ending: Ending::Unknown { replied: false },
                spent,
            }
        }
        (None, None) => {
            return Record::Fresh {
                next_attempt: 1,
                spent: 0,
            };
        }
    };
    let Trace {
        reservation,
        ending,
        spent,
    } = attempt;
    match ending {
        Ending::NotDone => Record::Fresh {
            next_attempt: reservation.attempt.saturating_add(1),
            spent,
        },
        Ending::Unknown { .. }
            if !remembered && sources.first_look > reservation.at + RESERVATION_STALE_AFTER =>
        {
            Record::Restored(reservation)
        }
        Ending::Unknown { replied } => Record::Open(OpenAttempt {
            vouched_for: told == Some(reservation.at) || sources.is_asked_for(&reservation),
            reservation,
            replied,
            first_look: sources.first_look,
            spent,
        }),
    }
}

#[cfg(test)]
mod tests;
