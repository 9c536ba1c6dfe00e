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
    let message = clip(&statement.message);
    // The same refusal again: the first id finds it in OMS's log as well, and to
    // show the latest would be a write for each repeat.
    let message = before
        .filter(|before| before.status == status && before.reason == statement.reason.as_str())
        .filter(|before| without_request_id(&before.message) == without_request_id(&message))
        .map_or(message, |before| before.message.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: statement.reason.as_str().to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time,
    }
}

/// What is said before and after the id of a call, as an error of OMS words
/// it; each call has another one.
fn without_request_id(message: &str) -> (&str, &str) {
    const WORDS: &str = "request id ";
    let Some((before, rest)) = message.split_once(WORDS) else {
        return (message, "");
    };
    let after = rest.find(')').map_or("", |end| &rest[end..]);
    (before, after)
}

fn clip(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::Reason;

    fn told(message: &str, before: &[Condition]) -> Vec<Condition> {
        let (type_, reason) = (ConditionType::Ready, Reason::OmsError);
        let statement = Statement::new(type_, Some(false), reason, message.to_owned());
        conditions(before, &[statement], 1, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_same_error_of_another_call_changes_nothing() {
        let first = told("INNER_ERROR: down (HTTP 500, request id a-1). Look.", &[]);
        let again = told(
            "INNER_ERROR: down (HTTP 500, request id b-2). Look.",
            &first,
        );
        assert_eq!(again, first);
        for other in [
            "INNER_ERROR: up (HTTP 500, request id a-1). Look.",
            "INNER_ERROR: down (HTTP 500, request id a-1). Wait.",
            "INNER_ERROR: down",
        ] {
            assert_eq!(told(other, &first)[0].message, other);
        }
    }
}
