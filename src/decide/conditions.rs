//! From a verdict to the conditions of a status, after the rules of kstatus:
//! `Reconciling` and `Stalled` stand there only while they are True.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::verdict::{Readiness, Verdict};
use crate::api::v1alpha1::ConditionType;

/// Longest message written; the schema of a condition allows 32 KiB, and
/// nobody reads more than a few lines.
const MESSAGE_LIMIT: usize = 1024;

/// The conditions that say `verdict` for `generation`. `current` lends the
/// times of transition, which move only when the status of a condition flips,
/// and keeps the conditions of other types.
#[must_use]
pub fn conditions(
    current: &[Condition],
    verdict: &Verdict,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let (ready, extra) = match verdict.readiness {
        Readiness::Ready => ("True", None),
        Readiness::Progressing => ("False", Some(ConditionType::Reconciling)),
        Readiness::Stalled => ("False", Some(ConditionType::Stalled)),
        Readiness::Unknown => ("Unknown", None),
    };
    let mut wanted = vec![(ConditionType::Ready, ready)];
    wanted.extend(extra.map(|type_| (type_, "True")));

    let ours = [
        ConditionType::Ready,
        ConditionType::Reconciling,
        ConditionType::Stalled,
    ];
    let others = current
        .iter()
        .filter(|condition| ours.iter().all(|type_| type_.as_str() != condition.type_))
        .cloned();
    wanted
        .into_iter()
        .map(|(type_, status)| {
            let before = current
                .iter()
                .find(|condition| condition.type_ == type_.as_str());
            let last_transition_time = before
                .filter(|before| before.status == status)
                .map_or(Time(now), |before| before.last_transition_time.clone());
            Condition {
                type_: type_.as_str().to_owned(),
                status: status.to_owned(),
                reason: verdict.reason.as_str().to_owned(),
                message: clip(&verdict.message),
                observed_generation: Some(generation),
                last_transition_time,
            }
        })
        .chain(others)
        .collect()
}

fn clip(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
