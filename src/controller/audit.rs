//! The audit log: one line for each change that was asked of OMS.

use super::claims::Key;
use crate::oms::{self, Outcome};

/// Who asked for a change.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// The resource.
    pub key: &'a Key,
    /// Its UID.
    pub uid: &'a str,
    /// The generation of the spec that asked for it.
    pub generation: i64,
}

/// Writes the line. Target `audit`, so that it can be filtered and kept apart.
pub fn audit<T>(
    asker: &Asker<'_>,
    action: oms::Action,
    name: Option<&str>,
    project: Option<&str>,
    outcome: &Outcome<T>,
) {
    let error = outcome.error();
    // Nothing was asked of OMS.
    if error.is_some_and(|error| error.not_sent().is_some()) {
        return;
    }
    tracing::info!(
        target: "audit",
        action = action.as_str(),
        outcome = outcome.as_str(),
        name,
        project,
        resource = %asker.key,
        uid = asker.uid,
        generation = asker.generation,
        request_id = outcome.request_id(),
        code = error.and_then(oms::Error::code),
        error = error.map(tracing::field::display),
        "OMS was asked for a change"
    );
}
