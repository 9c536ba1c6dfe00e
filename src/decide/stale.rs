//! What a resource says while nothing can be asked of OMS, because its
//! connection is in trouble.
//!
//! It says so once. A project that was as declared when it was last seen counts
//! as that for a while, and then as not known: no older knowledge is passed off
//! as today's, and no short outage alarms anybody.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::record::later;
use super::verdict::{Readiness, Verdict};
use crate::api::v1alpha1::{ConditionType as Type, MigrationProjectStatus, Reason};

/// What the decision rests on, besides the trouble itself.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// What the resource says now.
    pub status: Option<&'a MigrationProjectStatus>,
    /// The generation of its spec.
    pub generation: i64,
    /// When the projects of the connection were seen last, if this process has
    /// seen them.
    pub seen: Option<Timestamp>,
    /// When this process began.
    pub started: Timestamp,
    /// How long what was seen counts.
    pub stale_after: SignedDuration,
    /// The time of day.
    pub now: Timestamp,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// What stands.
    Keep,
    /// What stands, until this time.
    KeepUntil(Timestamp),
    /// This.
    Say(Verdict),
    /// This, which is what stands and that it could not be looked at since.
    Add(Verdict),
}

/// Begins what is added to what stands.
const SINCE: &str = " So it was when OMS was last asked";

/// What the resource says while `trouble` lasts.
#[must_use]
pub fn word(waiting: &Waiting<'_>, trouble: &Verdict) -> Word {
    let Some(status) = waiting.status else {
        return Word::Say(trouble.clone());
    };
    let find = |type_: Type| find(&status.conditions, type_);
    let is_true = |type_: Type| find(type_).is_some_and(|one| one.status == "True");
    let seen_as = status.project_status.as_deref();
    // What waits for a human still does, unless the human has done something.
    let same_spec = status.observed_generation == Some(waiting.generation);
    let stalled = find(Type::Stalled).filter(|one| one.status == "True");
    let stalled = stalled.filter(|one| !is_about_the_connection(one));
    if let Some(stalled) = stalled.filter(|_| same_spec || seen_as.is_some()) {
        return match is_true(Type::Finished) {
            true => Word::Keep,
            false => in_doubt(stalled, waiting, trouble),
        };
    }
    let (Some(seen_as), Some(ready)) = (seen_as, find(Type::Ready)) else {
        return Word::Say(trouble.clone());
    };
    if is_true(Type::Finished) {
        return Word::Keep;
    }
    if ready.reason == Reason::StatusStale.as_str() {
        return of_another_cause(ready, trouble).map_or(Word::Keep, Word::Say);
    }
    if ready.status == "False" {
        return Word::Say(trouble.clone());
    }
    let vouched_until = waiting.vouched_until();
    if waiting.now < vouched_until {
        return Word::KeepUntil(vouched_until);
    }
    Word::Say(stale(seen_as, waiting, trouble))
}

impl Waiting<'_> {
    fn vouched_until(&self) -> Timestamp {
        later(self.seen.unwrap_or(self.started), self.stale_after)
    }

    fn when(&self) -> String {
        match self.seen {
            Some(seen) => format!("at {seen:.0}"),
            None => format!("before {:.0}", self.started),
        }
    }
}

fn stale(seen_as: &str, waiting: &Waiting<'_>, trouble: &Verdict) -> Verdict {
    Verdict {
        readiness: Readiness::Stale,
        reason: Reason::StatusStale,
        message: format!(
            "Last seen {seen_as} {}. {}",
            waiting.when(),
            trouble.message
        ),
    }
}

/// What waits for a human may have changed in OMS meanwhile: it goes on waiting, and
/// does not go on claiming that it is so today.
fn in_doubt(stalled: &Condition, waiting: &Waiting<'_>, trouble: &Verdict) -> Word {
    let reason = Reason::ALL
        .iter()
        .find(|one| one.as_str() == stalled.reason);
    let Some(reason) = reason else {
        return Word::Keep;
    };
    let (said, told) = match stalled.message.split_once(SINCE) {
        Some((said, told)) => (said, Some(told)),
        None => (stalled.message.as_str(), None),
    };
    let when = match told.and_then(|told| told.split_once(". ")) {
        Some((_, told)) if is_told(told, trouble) => return Word::Keep,
        // When OMS was asked last stays as it was said.
        Some((when, _)) => when.to_owned(),
        None if waiting.now < waiting.vouched_until() => {
            return Word::KeepUntil(waiting.vouched_until());
        }
        None => format!(" ({})", waiting.when()),
    };
    let message = format!("{said}{SINCE}{when}. {}", trouble.message);
    Word::Add(Verdict::stalled(*reason, message))
}

/// What stood in the way was the way itself, and that has changed: with it in
/// order, the trouble would not have been come upon.
fn is_about_the_connection(stalled: &Condition) -> bool {
    let reasons = [
        Reason::ConnectionNotAllowed,
        Reason::EndpointChanged,
        Reason::NoConnection,
    ];
    reasons
        .iter()
        .any(|reason| reason.as_str() == stalled.reason)
}

/// The trouble that is told is over, and another one is in its place; when the
/// project was seen last stays as it was said. The same trouble in other words
/// is not told again.
fn of_another_cause(ready: &Condition, trouble: &Verdict) -> Option<Verdict> {
    let (seen, told) = ready.message.split_once(". ")?;
    (!is_told(told, trouble)).then(|| Verdict {
        readiness: Readiness::Stale,
        reason: Reason::StatusStale,
        message: format!("{seen}. {}", trouble.message),
    })
}

fn is_told(told: &str, trouble: &Verdict) -> bool {
    let named = format!("({})", trouble.reason);
    told == trouble.message || told.contains(&named)
}

fn find(conditions: &[Condition], type_: Type) -> Option<&Condition> {
    conditions.iter().find(|one| one.type_ == type_.as_str())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);
    const GRACE: SignedDuration = SignedDuration::from_mins(5);

    fn trouble() -> Verdict {
        Verdict::progressing(Reason::OmsUnreachable, "Waiting for OMSConnection a/b.")
    }

    fn status(
        word: Option<&str>,
        conditions: &[(Type, &str, Reason)],
    ) -> Option<MigrationProjectStatus> {
        let conditions = conditions.iter().map(|(type_, status, reason)| Condition {
            type_: type_.as_str().to_owned(),
            status: (*status).to_owned(),
            reason: reason.as_str().to_owned(),
            message: String::new(),
            observed_generation: Some(1),
            last_transition_time: Time(NOON),
        });
        Some(MigrationProjectStatus {
            observed_generation: Some(1),
            project_status: word.map(str::to_owned),
            conditions: conditions.collect(),
            ..MigrationProjectStatus::default()
        })
    }

    fn word_at(
        status: Option<&MigrationProjectStatus>,
        generation: i64,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Word {
        let waiting = Waiting {
            status,
            generation,
            seen,
            started: NOON,
            stale_after: GRACE,
            now,
        };
        word(&waiting, &trouble())
    }

    #[test]
    fn what_runs_is_vouched_for_until_the_grace_is_over() {
        let running = status(Some("RUNNING"), &[(Type::Ready, "True", Reason::Running)]);
        let seen = NOON + SignedDuration::from_secs(60);
        let at = |now| word_at(running.as_ref(), 1, Some(seen), now);
        assert_eq!(at(seen), Word::KeepUntil(seen + GRACE));
        let Word::Say(verdict) = at(seen + GRACE) else {
            panic!("it is stale");
        };
        assert_eq!(
            (verdict.readiness, verdict.reason),
            (Readiness::Stale, Reason::StatusStale)
        );
        assert_eq!(
            verdict.message,
            "Last seen RUNNING at 2027-01-15T08:01:00Z. Waiting for OMSConnection a/b."
        );
    }

    #[test]
    fn a_process_that_has_seen_nothing_counts_from_its_own_beginning() {
        let running = status(Some("RUNNING"), &[(Type::Ready, "True", Reason::Running)]);
        let at = |now| word_at(running.as_ref(), 1, None, now);
        assert_eq!(at(NOON), Word::KeepUntil(NOON + GRACE));
        let Word::Say(verdict) = at(NOON + GRACE) else {
            panic!("it is stale");
        };
        assert!(verdict.message.contains("before 2027-01-15T08:00:00Z"));
    }

    #[test]
    fn what_is_said_once_and_what_does_not_change_by_itself_is_kept() {
        let late = NOON + SignedDuration::from_hours(100);
        for (word, conditions) in [
            (
                Some("RUNNING"),
                vec![(Type::Ready, "Unknown", Reason::StatusStale)],
            ),
            (
                Some("FINISHED"),
                vec![
                    (Type::Ready, "True", Reason::Finished),
                    (Type::Finished, "True", Reason::Succeeded),
                ],
            ),
            (
                Some("FAILED"),
                vec![
                    (Type::Ready, "False", Reason::Failed),
                    (Type::Stalled, "True", Reason::Failed),
                    (Type::Finished, "True", Reason::Failed),
                ],
            ),
        ] {
            let status = status(word, &conditions);
            let said = word_at(status.as_ref(), 1, Some(NOON), late);
            assert_eq!(said, Word::Keep, "{word:?}");
        }
    }

    #[test]
    fn what_waits_for_a_human_does_not_go_on_claiming_what_nobody_can_see() {
        for (word, reason) in [
            (None, Reason::NameConflict),
            (Some("SUSPEND"), Reason::PausedOutside),
        ] {
            let stalled = [
                (Type::Ready, "False", reason),
                (Type::Stalled, "True", reason),
            ];
            let mut status = status(word, &stalled);
            let say = |status: &mut Option<MigrationProjectStatus>, message: &str| {
                for condition in &mut status.as_mut().unwrap().conditions {
                    condition.message = message.to_owned();
                }
            };
            say(&mut status, "So and so.");
            let at = |status: &Option<MigrationProjectStatus>, trouble: &Verdict, now| {
                let waiting = Waiting {
                    status: status.as_ref(),
                    generation: 1,
                    seen: Some(NOON),
                    started: NOON,
                    stale_after: GRACE,
                    now,
                };
                super::word(&waiting, trouble)
            };
            let about = |reason| {
                let message = format!("Waiting for OMSConnection a/b ({reason}): so.");
                Verdict::progressing(reason, message)
            };
            let dead = about(Reason::OmsUnreachable);
            assert_eq!(at(&status, &dead, NOON), Word::KeepUntil(NOON + GRACE));
            let Word::Add(verdict) = at(&status, &dead, NOON + GRACE) else {
                panic!("it is told");
            };
            assert_eq!(
                (verdict.readiness, verdict.reason),
                (Readiness::Stalled, reason)
            );
            let told = "So and so. So it was when OMS was last asked (at 2027-01-15T08:00:00Z). \
                        Waiting for OMSConnection a/b";
            assert_eq!(verdict.message, format!("{told} (OmsUnreachable): so."));
            // Once; another cause takes the place of the first.
            say(&mut status, &verdict.message);
            assert_eq!(at(&status, &dead, NOON + GRACE * 2), Word::Keep);
            let refused = about(Reason::AuthenticationFailed);
            let Word::Add(verdict) = at(&status, &refused, NOON) else {
                panic!("the cause is another");
            };
            assert_eq!(
                verdict.message,
                format!("{told} (AuthenticationFailed): so.")
            );
        }
    }

    #[test]
    fn a_connection_that_was_mended_is_not_blamed_any_more() {
        for reason in [
            Reason::ConnectionNotAllowed,
            Reason::EndpointChanged,
            Reason::NoConnection,
        ] {
            for word in [None, Some("RUNNING")] {
                let status = status(
                    word,
                    &[
                        (Type::Ready, "False", reason),
                        (Type::Stalled, "True", reason),
                    ],
                );
                let said = word_at(status.as_ref(), 1, Some(NOON), NOON);
                assert_eq!(said, Word::Say(trouble()), "{reason} {word:?}");
            }
        }
    }

    #[test]
    fn another_cause_is_told_and_the_same_in_other_words_is_not() {
        let mut stale = status(
            Some("RUNNING"),
            &[(Type::Ready, "Unknown", Reason::StatusStale)],
        );
        let told = "Last seen RUNNING at 2027-01-15T08:01:00Z. Waiting for OMSConnection a/b \
                    (OmsUnreachable): refused";
        let conditions = &mut stale.as_mut().unwrap().conditions;
        conditions[0].message = told.to_owned();
        let waiting = Waiting {
            status: stale.as_ref(),
            generation: 1,
            seen: None,
            started: NOON,
            stale_after: GRACE,
            now: NOON + GRACE * 9,
        };
        let about = |reason, text| {
            let message = format!("Waiting for OMSConnection a/b ({reason}): {text}");
            word(&waiting, &Verdict::progressing(reason, message))
        };
        assert_eq!(about(Reason::OmsUnreachable, "timed out"), Word::Keep);
        let Word::Say(verdict) = about(Reason::AuthenticationFailed, "password") else {
            panic!("the cause is another");
        };
        assert_eq!(verdict.reason, Reason::StatusStale);
        assert_eq!(
            verdict.message,
            "Last seen RUNNING at 2027-01-15T08:01:00Z. Waiting for OMSConnection a/b \
             (AuthenticationFailed): password"
        );
    }

    #[test]
    fn what_waits_anyway_says_what_for() {
        let new = None;
        let starting = status(
            Some("INIT"),
            &[
                (Type::Ready, "False", Reason::Starting),
                (Type::Reconciling, "True", Reason::Starting),
            ],
        );
        for status in [new, starting] {
            let said = word_at(status.as_ref(), 1, Some(NOON), NOON);
            assert_eq!(said, Word::Say(trouble()));
        }
        // The spec was corrected; whether that helps is not known.
        let corrected = status(None, &[(Type::Stalled, "True", Reason::CreateRejected)]);
        let said = word_at(corrected.as_ref(), 2, Some(NOON), NOON);
        assert_eq!(said, Word::Say(trouble()));
    }
}
