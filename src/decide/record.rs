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
}

/// Puts the record together.
#[must_use]
pub fn record(sources: Sources) -> Record {
    let Sources {
        annotation,
        status,
        memory,
        first_look,
        created,
    } = sources;
    let remembered = memory.is_some();
    let annotated = match annotation {
        // Memory and status outlive a damaged annotation; without them
        // nothing at all can be concluded.
        Provenance::Invalid(problem) if memory.is_none() && status.is_none() => {
            return Record::Invalid(problem);
        }
        Provenance::Restored(reservation) if memory.is_none() => {
            return Record::Restored(reservation);
        }
        Provenance::Own(reservation) => Some(reservation),
        _ => None,
    };
    if let (Some(reservation), Some(created), false) = (&annotated, created, remembered)
        && reservation.at < created - RESERVATION_STALE_AFTER
    {
        return Record::Invalid("it is older than the resource itself".to_owned());
    }
    let traces = [memory, status];
    let known = traces
        .into_iter()
        .flatten()
        .max_by_key(|trace| trace.reservation.at);
    let attempt = match (known, annotated) {
        (Some(trace), Some(reservation)) if reservation.at > trace.reservation.at => {
            // The annotation is of a later attempt, of which nobody wrote down
            // the end.
            let spent = trace.spent + 1;
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
            next_attempt: reservation.attempt + 1,
            spent,
        },
        Ending::Unknown { .. }
            if !remembered && first_look > reservation.at + RESERVATION_STALE_AFTER =>
        {
            Record::Restored(reservation)
        }
        Ending::Unknown { replied } => Record::Open(OpenAttempt {
            reservation,
            replied,
            first_look,
            spent,
        }),
    }
}

#[cfg(test)]
mod tests;
