//! The table as it is meant to be, written down a second time in `expected.txt`,
//! and the laws.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::decide::ProjectStatus;

const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

const WORDS: [&str; 14] = [
    "INIT",
    "RUNNING",
    "RUNNING_MODIFYING",
    "RUNNING_MERGING",
    "SUSPEND",
    "FAILED",
    "FINISHED",
    "RELEASING",
    "RELEASED",
    "DELETED",
    "absent",
    "SOMETHING_NEW",
    "not known",
    "not to be known",
];

fn seen(word: &str) -> Observed {
    match word {
        "absent" => Observed::Absent,
        "not known" => Observed::Unknown,
        "not to be known" => Observed::Unobservable {
            missing: "ListProjects",
        },
        word => Observed::Present(ProjectStatus::parse(word)),
    }
}

fn plain(policy: DeletionPolicy, word: &str) -> Departure {
    Departure {
        id: "np_1".into(),
        policy,
        refused_by: None,
        shared_with: None,
        others: Vec::new(),
        suspended: None,
        observed: seen(word),
        hindrance: None,
        deadline: NOON + SignedDuration::from_secs(1),
        on_timeout: OnDeletionTimeout::Abandon,
        namespace_goes: false,
        now: NOON,
    }
}

fn said(decision: &RemoveDecision) -> String {
    match decision {
        RemoveDecision::Look => "Look".to_owned(),
        RemoveDecision::Do(mutation) => format!("Do {mutation:?}"),
        RemoveDecision::Wait { verdict, .. } => format!("Wait {}", verdict.reason),
        RemoveDecision::End(End::Left(_)) => "End Left".to_owned(),
        RemoveDecision::End(end) => format!("End {end:?}"),
    }
}

/// Policy and row, to the six cells.
fn expected() -> BTreeMap<(String, String), Vec<String>> {
    let (mut policy, mut cells) = (String::new(), BTreeMap::new());
    for line in include_str!("expected.txt").lines() {
        if let Some(next) = line.strip_prefix("## deletionPolicy: ") {
            policy = next.to_owned();
        } else if !line.is_empty() && !line.starts_with('#') {
            let mut fields = line.split('|').map(|field| field.trim().to_owned());
            let row = fields.next().expect("a row");
            let before = cells.insert((policy.clone(), row), fields.collect());
            assert_eq!(before, None, "{line:?} is there twice");
        }
    }
    cells
}

#[test]
fn every_cell_of_the_table_is_as_listed() {
    let expected = expected();
    let mut met = BTreeSet::new();
    for policy in DeletionPolicy::ALL {
        for word in WORDS {
            let place = (format!("{policy:?}"), word.to_owned());
            let Some(cells) = expected.get(&place) else {
                panic!("{place:?} is not listed");
            };
            assert_eq!(cells.len(), 6, "{place:?}");
            let late = [false, true, true];
            let on_timeout = [
                OnDeletionTimeout::Abandon,
                OnDeletionTimeout::Abandon,
                OnDeletionTimeout::Block,
            ];
            for (pair, (late, on_timeout)) in cells.chunks(2).zip(late.into_iter().zip(on_timeout))
            {
                let mut departure = plain(policy, word);
                departure.on_timeout = on_timeout;
                if late {
                    departure.now = departure.deadline;
                }
                assert_eq!(said(&decide(&departure)), pair[0], "{place:?} {late}");
                for whose in [
                    Suspension::Resource,
                    Suspension::Connection("a/b".to_owned()),
                ] {
                    departure.suspended = Some(whose);
                    let said = said(&decide(&departure));
                    assert_eq!(said, pair[1], "{place:?} {late}, suspended");
                }
            }
            met.insert(place);
        }
    }
    let unused: Vec<_> = expected
        .keys()
        .filter(|place| !met.contains(place))
        .collect();
    assert!(unused.is_empty(), "listed and never met: {unused:?}");
}

#[test]
fn in_a_namespace_that_goes_nothing_is_held_up_for_ever() {
    for policy in DeletionPolicy::ALL {
        let mut departure = plain(policy, "RELEASING");
        departure.on_timeout = OnDeletionTimeout::Block;
        departure.namespace_goes = true;
        departure.now = departure.deadline;
        assert!(matches!(decide(&departure), RemoveDecision::End(_)));
    }
}

#[test]
fn other_finalizers_are_waited_for_before_anything_and_not_for_ever() {
    for policy in DeletionPolicy::ALL {
        let mut departure = plain(policy, "RUNNING");
        departure.others = vec!["example.com/backup".into()];
        let RemoveDecision::Wait { verdict, until } = decide(&departure) else {
            panic!("it is waited for");
        };
        assert!(verdict.message.contains("example.com/backup"));
        assert_eq!(
            (verdict.reason, until),
            (Reason::Deleting, Some(departure.deadline))
        );
        departure.now = departure.deadline;
        assert!(matches!(decide(&departure), RemoveDecision::End(_)));
    }
}

#[test]
fn what_the_connection_forbids_or_another_has_is_left_alone() {
    for policy in [DeletionPolicy::Release, DeletionPolicy::Delete] {
        let mut refused = plain(policy, "SUSPEND");
        refused.refused_by = Some("a/oms".into());
        let RemoveDecision::End(End::Left(why)) = decide(&refused) else {
            panic!("it is left");
        };
        assert!(why.contains("allowedDeletionPolicies"), "{why}");
        let mut shared = plain(policy, "SUSPEND");
        shared.shared_with = Some("a/other".into());
        assert!(matches!(decide(&shared), RemoveDecision::End(End::Left(_))));
    }
}

#[test]
fn what_keeps_oms_from_being_asked_is_said_with_the_deadline() {
    let mut departure = plain(DeletionPolicy::Delete, "not known");
    departure.hindrance = Some(Verdict::stalled(Reason::EndpointChanged, "Another OMS."));
    let RemoveDecision::Wait { verdict, until } = decide(&departure) else {
        panic!("it is waited for");
    };
    assert_eq!(until, Some(departure.deadline));
    assert_eq!(verdict.readiness, Readiness::Progressing);
    let words = verdict.message;
    assert!(
        words.contains("Another OMS.") && words.contains("2027-01-15T08:00:01Z"),
        "{words}"
    );
}

fn departures() -> impl Strategy<Value = Departure> {
    let word = prop::sample::select(WORDS.to_vec());
    let policy = prop::sample::select(DeletionPolicy::ALL.to_vec());
    let suspended = prop::option::of(Just(Suspension::Resource));
    let hindrance = prop::option::of(Just(Verdict::progressing(Reason::OmsUnreachable, "No.")));
    let timeout = prop::sample::select(vec![OnDeletionTimeout::Abandon, OnDeletionTimeout::Block]);
    let other = || prop::option::of(Just("a/b".to_owned()));
    (
        (word, policy, suspended, hindrance, timeout),
        (other(), other(), any::<bool>(), any::<bool>(), -3_i64..3),
    )
        .prop_map(|((word, policy, suspended, hindrance, on_timeout), rest)| {
            let (refused_by, shared_with, others, namespace_goes, seconds) = rest;
            Departure {
                refused_by,
                shared_with,
                others: others
                    .then(|| "example.com/x".to_owned())
                    .into_iter()
                    .collect(),
                suspended,
                hindrance,
                on_timeout,
                namespace_goes,
                now: NOON + SignedDuration::from_secs(seconds),
                ..plain(policy, word)
            }
        })
}

proptest! {
    #[test]
    fn it_is_the_same_each_time_and_has_a_listed_reason(departure in departures()) {
        let decision = decide(&departure);
        prop_assert_eq!(&decision, &decide(&departure));
        if let RemoveDecision::Wait { verdict, .. } = decision {
            prop_assert!(Reason::ALL.contains(&verdict.reason));
            prop_assert!(!verdict.message.is_empty());
        }
    }

    /// Never under Retain, never unseen, never while suspended, never what the
    /// connection forbids or another has, never before other finalizers, and
    /// never anything that makes or runs a project.
    #[test]
    fn nothing_is_destroyed_that_was_not_asked_for(departure in departures()) {
        let RemoveDecision::Do(mutation) = decide(&departure) else { return Ok(()) };
        prop_assert!(departure.policy != DeletionPolicy::Retain);
        prop_assert!(matches!(departure.observed, Observed::Present(_)));
        prop_assert!(departure.suspended.is_none() && departure.hindrance.is_none());
        prop_assert!(departure.refused_by.is_none() && departure.shared_with.is_none());
        prop_assert!(departure.others.is_empty());
        prop_assert!(matches!(mutation, Mutation::Stop | Mutation::Release | Mutation::Delete));
        let deletes = mutation == Mutation::Delete;
        prop_assert!(!deletes || departure.policy == DeletionPolicy::Delete);
    }

    /// Under Abandon, and wherever the namespace goes, nothing is waited for
    /// after the deadline.
    #[test]
    fn a_deadline_is_the_end_of_waiting(departure in departures()) {
        let gives_up = departure.namespace_goes || departure.on_timeout == OnDeletionTimeout::Abandon;
        let waits = matches!(decide(&departure), RemoveDecision::Wait { .. });
        if departure.now >= departure.deadline && gives_up {
            prop_assert!(!waits);
        }
    }
}
