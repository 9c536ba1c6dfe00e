//! Whether a project that failed is resumed: by itself as `spec.retry` says, or
//! because a human asks for it.

use jiff::{SignedDuration, Timestamp};

use super::table::Cell;
use super::{LifeSituation, Resolved, RunRecord};
use crate::api::v1alpha1::{Reason, RetriesStatus, RetryPolicy};
use crate::decide::mutation::Mutation;

/// What a project needs that has failed and is to run. An attempt is on record
/// before it is made: a crash may cost one, and never adds one.
pub(super) fn settle(situation: &LifeSituation) -> Resolved {
    let resume = Cell::Do(Mutation::Resume);
    let well = situation.record.seen_well(situation.word.as_deref());
    if situation.word_is_new() {
        return Resolved {
            rest: situation.record.clone(),
            first: Some(RunRecord {
                retries: None,
                ..well
            }),
            ..Resolved::of(resume, RunRecord::default())
        };
    }
    let policy = &situation.retry;
    let failed = failed(policy, situation.record.retries.as_ref(), situation.now);
    let record = RunRecord {
        retries: failed.clone(),
        ..well
    };
    let Some(failed) = failed else {
        return Resolved::of(Cell::Stuck(Reason::Failed), record);
    };
    match failed.next_attempt_time {
        None => Resolved::of(Cell::Stuck(Reason::Failed), record),
        Some(next) if next > situation.now => Resolved {
            again: Some(next),
            ..Resolved::of(Cell::Wait(Reason::Retrying), record)
        },
        Some(_) => {
            let attempted = RetriesStatus {
                count: Some(failed.count.unwrap_or_default().saturating_add(1)),
                last_attempt_time: Some(situation.now),
                ..RetriesStatus::default()
            };
            Resolved {
                first: Some(RunRecord {
                    retries: Some(attempted),
                    ..record.clone()
                }),
                ..Resolved::of(resume, record)
            }
        }
    }
}

/// The record of the failure that is seen now. The next attempt follows from
/// what is recorded, so that a change of the policy moves it.
fn failed(
    policy: &RetryPolicy,
    before: Option<&RetriesStatus>,
    now: Timestamp,
) -> Option<RetriesStatus> {
    let before = before.cloned().unwrap_or_default();
    let mut count = before.count.unwrap_or_default();
    if policy.max_attempts() == 0 {
        let plain = RetriesStatus {
            next_attempt_time: None,
            ..before
        };
        return (count > 0).then_some(plain);
    }
    let failure = before.failure_time.unwrap_or(now);
    let kept_running = before
        .last_attempt_time
        .is_some_and(|last| failure.duration_since(last) > span(policy.max_delay()));
    if before.failure_time.is_none() && kept_running {
        count = 0;
    }
    let made = u32::try_from(count).unwrap_or_default();
    let next = (made < policy.max_attempts())
        .then(|| failure.checked_add(delay(policy, made)).ok())
        .flatten();
    Some(RetriesStatus {
        count: Some(count),
        failure_time: Some(failure),
        next_attempt_time: next,
        ..before
    })
}

/// Time from a failure to the attempt after `made` others.
fn delay(policy: &RetryPolicy, made: u32) -> SignedDuration {
    let doubled = policy.initial_delay().saturating_mul(1 << made.min(16));
    span(doubled.min(policy.max_delay()))
}

fn span(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn policy(max_attempts: i32) -> RetryPolicy {
        RetryPolicy {
            max_attempts: Some(max_attempts),
            initial_delay: Some("30s".into()),
            max_delay: Some("100s".into()),
        }
    }

    fn attempted(count: i32) -> RetriesStatus {
        RetriesStatus {
            count: Some(count),
            last_attempt_time: Some(NOON),
            ..RetriesStatus::default()
        }
    }

    fn wait(policy: &RetryPolicy, before: Option<&RetriesStatus>, now: Timestamp) -> Option<i64> {
        let next = failed(policy, before, now)?.next_attempt_time?;
        Some(next.duration_since(now).as_secs())
    }

    #[test]
    fn each_attempt_waits_twice_as_long_up_to_the_limit_and_they_come_to_an_end() {
        let waits: Vec<_> = (0..5)
            .map(|made| wait(&policy(4), Some(&attempted(made)), NOON))
            .collect();
        assert_eq!(waits, [Some(30), Some(60), Some(100), Some(100), None]);
    }

    #[test]
    fn a_failure_that_stands_keeps_its_time_however_often_it_is_seen() {
        let first = failed(&policy(3), None, NOON);
        let later = failed(
            &policy(3),
            first.as_ref(),
            NOON + SignedDuration::from_secs(20),
        );
        assert_eq!(first, later);
        let shorter = RetryPolicy {
            initial_delay: Some("10s".into()),
            ..policy(3)
        };
        let next = failed(&shorter, first.as_ref(), NOON)
            .unwrap()
            .next_attempt_time;
        assert_eq!(next, Some(NOON + SignedDuration::from_secs(10)));
    }

    #[test]
    fn the_count_starts_anew_after_a_time_without_failure_and_not_before() {
        let at = |seconds| NOON + SignedDuration::from_secs(seconds);
        let count = |now| failed(&policy(2), Some(&attempted(2)), now).unwrap().count;
        assert_eq!(count(at(100)), Some(2));
        assert_eq!(count(at(101)), Some(0));
        // However long the last failure stands.
        let spent = failed(&policy(2), Some(&attempted(2)), at(50));
        let late = failed(&policy(2), spent.as_ref(), at(100_000)).unwrap();
        assert_eq!((late.count, late.next_attempt_time), (Some(2), None));
    }

    #[test]
    fn no_attempts_are_no_record() {
        assert_eq!(failed(&policy(0), None, NOON), None);
    }
}
