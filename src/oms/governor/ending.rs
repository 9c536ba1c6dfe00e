//! What the end of a call tells of OMS as a whole.

use std::time::Duration;

use crate::oms::{Error, Problem};

/// Whether OMS was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It answered, whatever it said.
    Yes,
    /// It did not, or something before it answered in its place.
    No,
    /// What went wrong is no matter of OMS's: a certificate that this connection does not trust.
    Unclear,
}

/// The end of a call, as far as it concerns every other call to the same OMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whether OMS was heard.
    pub heard: Heard,
    /// It could not cope: fewer calls at a time.
    pub overloaded: bool,
    /// It asks for fewer calls.
    pub asks_for_fewer: bool,
    /// It asks for no call at all for so long.
    pub pause: Option<Duration>,
}

impl Ending {
    /// What `error` tells, or its absence.
    pub fn of(error: Option<&Error>) -> Ending {
        let answered = Ending {
            heard: Heard::Yes,
            overloaded: false,
            asks_for_fewer: false,
            pause: None,
        };
        let Some(error) = error else {
            return answered;
        };
        let silent = Ending {
            heard: Heard::No,
            ..answered
        };
        match (error.status(), error.problem()) {
            _ if error.is_certificate() => Ending {
                heard: Heard::Unclear,
                ..answered
            },
            (Some(429), _) => Ending {
                overloaded: true,
                asks_for_fewer: true,
                pause: error.retry_after(),
                ..answered
            },
            // By convention a gateway's word for "too much" as well.
            (Some(503), _) => Ending {
                overloaded: true,
                pause: error.retry_after(),
                ..silent
            },
            (Some(502 | 504), _) | (None, Problem::Unreachable | Problem::Broken) => silent,
            (None, Problem::TimedOut(_)) => Ending {
                overloaded: true,
                ..silent
            },
            _ => answered,
        }
    }
}
