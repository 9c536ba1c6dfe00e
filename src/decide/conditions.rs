//! From statements to the conditions of a status.
//!
//! One rule for what is not stated: a condition never keeps an answer that may
//! have become a lie. `Reconciling`, `Stalled`, `Throttled`, `IdentityDoubtful` and
//! `Insecure` stand there only while they are True (kstatus; they say that
//! something is abnormal). What has been reached stays reached. Everything else
//! becomes Unknown as soon as a status is written without a look at what it speaks of.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::verdict::Statement;
use crate::api::v1alpha1::{ConditionType, Reason};

/// Longest message written; the schema of a condition allows 32 KiB, and
/// nobody reads more than a few lines.
const MESSAGE_LIMIT: usize = 1024;

/// Says why a condition has become Unknown.
const NOT_OBSERVED: &str = "This cannot be told at present; the condition Ready says why.";

/// What becomes of conditions that are not stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstated {
    /// They stand: the object was looked at just now, and something else went
    /// wrong.
    Stands,
    /// They are not known any more, unless they were reached for good.
    Unknown,
}

/// The conditions that say `statements` for `generation`. `current` lends the
/// times of transition, which move only when the status of a condition flips,
/// and what is not stated now.
#[must_use]
pub fn conditions(
    current: &[Condition],
    statements: &[Statement],
    unstated: Unstated,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let stated = statements
        .iter()
        .map(|statement| condition(current, statement, generation, now));
    let rest = current
        .iter()
        .filter(|old| statements.iter().all(|one| one.type_.as_str() != old.type_))
        .filter_map(|old| match kind(old, current) {
            Kind::Passing => None,
            Kind::Reached | Kind::Foreign => Some(old.clone()),
            Kind::Now(_) if unstated == Unstated::Stands => Some(old.clone()),
            Kind::Now(type_) => {
                let message = NOT_OBSERVED.to_owned();
                let unknown = Statement::new(type_, None, Reason::NotObserved, message);
                Some(condition(current, &unknown, generation, now))
            }
        });
    let mut all: Vec<Condition> = stated.chain(rest).collect();
    // Whichever of them are stated this time: another order would be a write.
    all.sort_by_key(|condition| place(&condition.type_));
    all
}

fn place(type_: &str) -> usize {
    let known = ConditionType::ALL;
    let found = known.iter().position(|known| known.as_str() == type_);
    found.unwrap_or(known.len())
}

/// How a condition that is not stated is to be taken.
enum Kind {
    /// Only stands there while True.
    Passing,
    /// It happened, and cannot become untrue without a look that tells.
    Reached,
    /// It speaks of the moment.
    Now(ConditionType),
    /// Somebody else's.
    Foreign,
}

fn kind(condition: &Condition, all: &[Condition]) -> Kind {
    use ConditionType as Type;
    let type_ = Type::ALL
        .iter()
        .find(|type_| type_.as_str() == condition.type_);
    let is_true = |type_: Type| {
        let mut found = all.iter().filter(|one| one.type_ == type_.as_str());
        found.any(|one| one.status == "True")
    };
    match type_ {
        None => Kind::Foreign,
        Some(
            Type::Reconciling
            | Type::Stalled
            | Type::Throttled
            | Type::IdentityDoubtful
            | Type::Insecure
            | Type::DeletionPolicyRefused,
        ) => Kind::Passing,
        Some(type_ @ (Type::PrecheckPassed | Type::FullCopied)) if is_true(*type_) => Kind::Reached,
        // Both speak of the one end.
        Some(Type::Finished | Type::Succeeded) if is_true(Type::Finished) => Kind::Reached,
        Some(type_) => Kind::Now(*type_),
    }
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

    fn told(message: &str, before: &[Condition]) -> Vec<Condition> {
        let (type_, reason) = (ConditionType::Ready, Reason::OmsError);
        let statement = Statement::new(type_, Some(false), reason, message.to_owned());
        conditions(
            before,
            &[statement],
            Unstated::Unknown,
            1,
            Timestamp::UNIX_EPOCH,
        )
    }

    fn standing(conditions: &[(&str, &str)]) -> Vec<Condition> {
        let standing = conditions.iter().map(|(type_, status)| Condition {
            type_: (*type_).to_owned(),
            status: (*status).to_owned(),
            reason: "Before".to_owned(),
            message: String::new(),
            observed_generation: Some(1),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        });
        standing.collect()
    }

    fn after(before: &[(&str, &str)], unstated: Unstated) -> Vec<(String, String)> {
        let statement = Statement::new(
            ConditionType::Ready,
            Some(false),
            Reason::OmsError,
            String::new(),
        );
        let before = standing(before);
        let after = conditions(&before, &[statement], unstated, 2, Timestamp::UNIX_EPOCH);
        let words = after.into_iter().map(|one| (one.type_, one.status));
        words.skip(1).collect()
    }

    const RUNNING: [(&str, &str); 8] = [
        ("Ready", "True"),
        ("Reconciling", "True"),
        ("Finished", "False"),
        ("Succeeded", "Unknown"),
        ("PrecheckPassed", "True"),
        ("FullCopied", "False"),
        ("CaughtUp", "True"),
        ("example.com/Approved", "True"),
    ];

    fn words(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let words = expected.iter();
        words.map(|(a, b)| ((*a).into(), (*b).into())).collect()
    }

    #[test]
    fn what_is_not_seen_keeps_only_what_was_reached() {
        let expected = words(&[
            ("Finished", "Unknown"),
            ("Succeeded", "Unknown"),
            ("PrecheckPassed", "True"),
            ("FullCopied", "Unknown"),
            ("CaughtUp", "Unknown"),
            ("example.com/Approved", "True"),
        ]);
        assert_eq!(after(&RUNNING, Unstated::Unknown), expected);
    }

    #[test]
    fn an_end_stays_an_end() {
        let ended = [
            ("Finished", "True"),
            ("Succeeded", "False"),
            ("CaughtUp", "True"),
        ];
        let expected = words(&[
            ("Finished", "True"),
            ("Succeeded", "False"),
            ("CaughtUp", "Unknown"),
        ]);
        assert_eq!(after(&ended, Unstated::Unknown), expected);
    }

    #[test]
    fn what_was_seen_just_now_stands() {
        let kept: Vec<_> = RUNNING.iter().skip(2).copied().collect();
        assert_eq!(after(&RUNNING, Unstated::Stands), words(&kept));
    }

    #[test]
    fn what_is_stated_this_time_does_not_move_the_others() {
        let say = |type_| Statement::new(type_, Some(true), Reason::InSync, "so".to_owned());
        let all = [
            ConditionType::Ready,
            ConditionType::Verified,
            ConditionType::InSync,
        ]
        .map(say);
        let first = conditions(&[], &all, Unstated::Stands, 1, Timestamp::UNIX_EPOCH);
        for stated in [&all[..1], &all[1..], &all[2..]] {
            assert_eq!(
                conditions(&first, stated, Unstated::Stands, 1, Timestamp::UNIX_EPOCH),
                first
            );
        }
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
