//! From statements to the conditions of a status, after the rules of kstatus:
//! `Reconciling` and `Stalled` stand there only while they are True.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::verdict::Statement;
use crate::api::v1alpha1::ConditionType;

/// Longest message written; the schema of a condition allows 32 KiB, and
/// nobody reads more than a few lines.
const MESSAGE_LIMIT: usize = 1024;

/// The conditions that say `statements` for `generation`. `current` lends the
/// times of transition, which move only when the status of a condition flips;
/// what it says of types that are not stated now stays as it is, but for
/// `Reconciling` and `Stalled`.
#[must_use]
pub fn conditions(
    current: &[Condition],
    statements: &[Statement],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let passing = [ConditionType::Reconciling, ConditionType::Stalled].map(ConditionType::as_str);
    let kept = current.iter().filter(|condition| {
        let type_ = condition.type_.as_str();
        !passing.contains(&type_) && statements.iter().all(|one| one.type_.as_str() != type_)
    });
    let stated = statements
        .iter()
        .map(|statement| condition(current, statement, generation, now));
    stated.chain(kept.cloned()).collect()
}

fn condition(
    current: &[Condition],
    statement: &Statement,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let type_ = statement.type_.as_str();
    let status = match statement.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let before = current.iter().find(|condition| condition.type_ == type_);
    let last_transition_time = before
        .filter(|before| before.status == status)
        .map_or(Time(now), |before| before.last_transition_time.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: statement.reason.as_str().to_owned(),
        message: clip(&statement.message),
        observed_generation: Some(generation),
        last_transition_time,
    }
}

fn clip(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
