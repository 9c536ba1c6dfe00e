//! The three outcomes of a mutation, and the one rule that tells two of them apart.

use super::codes::{self, Effect};
use super::envelope::Envelope;
use super::{Action, Error};

/// How a mutation ended. There is deliberately no way to turn this into a `Result`: `Unknown` is neither.
#[derive(Clone, Debug)]
#[must_use = "a mutation whose outcome nobody looks at may have happened"]
pub enum Outcome<T> {
    /// OMS did it.
    Done(T, Receipt),
    /// OMS certainly did not do it and will not.
    NotDone(Error),
    /// OMS may have done it, may do it yet, or not; only looking tells.
    Unknown(Error),
}

impl<T> Outcome<T> {
    /// A word for metrics and logs: `done`, `not_done` or `unknown`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Outcome::Done(..) => "done",
            Outcome::NotDone(_) => "not_done",
            Outcome::Unknown(_) => "unknown",
        }
    }

    /// The id that finds the call in the log of OMS, however it ended; none without a readable reply.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Outcome::Done(_, receipt) => receipt.request_id.as_deref(),
            Outcome::NotDone(error) | Outcome::Unknown(error) => error.request_id(),
        }
    }

    /// What went wrong, if it is not done.
    pub const fn error(&self) -> Option<&Error> {
        match self {
            Outcome::Done(..) => None,
            Outcome::NotDone(error) | Outcome::Unknown(error) => Some(error),
        }
    }
}

/// What OMS said beside a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The id that finds the call in the log of OMS.
    pub request_id: Option<String>,
}

/// Whether a reply to a mutation, other than a plain success, proves that nothing was done.
///
/// 1. 408 and 5xx never do, whatever their body says: a handler or gateway that fails half-way may wrap any
///    code, `PARAM_ERROR` too. The price of doubt is a wait, that of a wrong answer a second project.
/// 2. A body that claims success never does, whatever the status.
/// 3. "Unsupported action" does.
/// 4. A code of the table that means "failed inside, perhaps after the work" outweighs the status.
/// 5. The statuses that turn a request away do.
/// 6. `success: false` does, if every code beside it is a listed refusal of this action.
pub fn certainly_not_done(action: Action, status: u16, envelope: Option<&Envelope>) -> bool {
    if !(200..500).contains(&status) || status == 408 {
        return false;
    }
    let Some(envelope) = envelope else {
        return codes::status_refuses(status);
    };
    if envelope.success == Some(true) {
        return false;
    }
    if envelope.is_unsupported(action) {
        return true;
    }
    // The texts beside a code pick the row; any of them may be the one that belongs to it.
    let effects: Vec<Option<Effect>> = envelope
        .codes
        .iter()
        .map(|code| {
            let message = envelope.messages.first().map(String::as_str);
            codes::find(code, message).map(|row| row.effect)
        })
        .collect();
    if effects.contains(&Some(Effect::MayHaveBegun)) {
        return false;
    }
    if codes::status_refuses(status) {
        return true;
    }
    envelope.success == Some(false)
        && !effects.is_empty()
        && effects.iter().all(|effect| match effect {
            Some(Effect::Refused) => true,
            Some(Effect::RefusedFor(actions)) => actions.contains(&action),
            Some(Effect::MayHaveBegun) | None => false,
        })
}
