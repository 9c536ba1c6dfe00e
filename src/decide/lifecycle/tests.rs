//! The table as it is meant to be, written down a second time in `expected.txt`,
//! and the laws.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);
const GENERATION: i64 = 5;

fn plain(wanted: WantedState, observed: Observed) -> LifeSituation {
    LifeSituation {
        id: "np_1".into(),
        generation: GENERATION,
        wanted,
        on_external_pause: OnExternalPause::Respect,
        retry: RetryPolicy::default(),
        word: None,
        suspended: None,
        observed,
        failed_step: None,
        gone: false,
        record: RunRecord::default(),
        now: NOON,
    }
}

// --- Every cell ------------------------------------------------------------------

/// What besides the status makes a row of its own.
const PAUSES: [&str; 9] = [
    "not on record",
    "recorded under Running",
    "recorded under Paused",
    "recorded under Created",
    "recorded under Paused, same spec",
    "recorded under Paused, later spec",
    "onExternalPause: Resume",
    "a new word",
    "the same word again",
];
const FAILURES: [&str; 6] = [
    "retried, first seen",
    "retried, not yet due",
    "retried, due",
    "retried, attempts spent",
    "a new word",
    "the same word again",
];
const WORDS: [&str; 11] = [
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
    "SOMETHING_NEW",
];

/// Every row there is, with its situation.
fn rows(wanted: WantedState) -> Vec<(String, LifeSituation)> {
    let mut rows = vec![
        ("absent".to_owned(), plain(wanted, Observed::Absent)),
        ("not known".to_owned(), plain(wanted, Observed::Unknown)),
    ];
    let missing = "ListProjects";
    let unobservable = plain(wanted, Observed::Unobservable { missing });
    rows.push(("not to be known".to_owned(), unobservable));
    for word in WORDS {
        let situation = plain(wanted, Observed::Present(ProjectStatus::parse(word)));
        let variants: &[&str] = match word {
            "SUSPEND" => &PAUSES,
            "FAILED" => &FAILURES,
            _ => &[],
        };
        if word != "SUSPEND" {
            rows.push((word.to_owned(), situation.clone()));
        }
        for variant in variants {
            let mut situation = situation.clone();
            vary(&mut situation, variant);
            rows.push((format!("{word}, {variant}"), situation));
        }
    }
    rows
}

fn vary(situation: &mut LifeSituation, variant: &str) {
    let paused = |state, generation| {
        Some(PauseStatus {
            state: Some(state),
            generation: Some(generation),
            since: Some(NOON),
        })
    };
    let retries = |count, failed_before: i64| {
        Some(RetriesStatus {
            count: Some(count),
            failure_time: Some(NOON - SignedDuration::from_secs(failed_before)),
            ..RetriesStatus::default()
        })
    };
    if variant.starts_with("retried") {
        situation.retry.max_attempts = Some(2);
    }
    match variant {
        "not on record" | "retried, first seen" => {}
        "recorded under Running" => situation.record.pause = paused(WantedState::Running, 4),
        "recorded under Paused" => situation.record.pause = paused(WantedState::Paused, 4),
        "recorded under Created" => situation.record.pause = paused(WantedState::Created, 4),
        "recorded under Paused, same spec" => {
            situation.record.pause = paused(WantedState::Paused, GENERATION);
        }
        "recorded under Paused, later spec" => {
            situation.record.pause = paused(WantedState::Paused, 9);
        }
        "onExternalPause: Resume" => situation.on_external_pause = OnExternalPause::Resume,
        "a new word" => {
            situation.word = Some("2".into());
            situation.record.handled_retry = Some("1".into());
        }
        "the same word again" => {
            situation.word = Some("1".into());
            situation.record.handled_retry = Some("1".into());
        }
        "retried, not yet due" => situation.record.retries = retries(0, 119),
        "retried, due" => situation.record.retries = retries(0, 120),
        "retried, attempts spent" => situation.record.retries = retries(2, 100_000),
        other => panic!("{other} is no variant"),
    }
}

fn said(decision: &LifeDecision) -> String {
    let mutation = decision.mutation.map(|mutation| format!("{mutation:?}"));
    format!(
        "{} {:?} {}",
        mutation.as_deref().unwrap_or("-"),
        decision.verdict.readiness,
        decision.verdict.reason
    )
}

/// State and row, to the cells without and with suspension.
fn expected() -> BTreeMap<(String, String), [String; 2]> {
    let (mut state, mut cells) = (String::new(), BTreeMap::new());
    for line in include_str!("expected.txt").lines() {
        if let Some(next) = line.strip_prefix("## state: ") {
            state = next.to_owned();
        } else if !line.is_empty() && !line.starts_with('#') {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [row, plain, suspended] = fields[..] else {
                panic!("{line:?} has not three fields");
            };
            let cell = [plain.to_owned(), suspended.to_owned()];
            let before = cells.insert((state.clone(), row.to_owned()), cell);
            assert_eq!(before, None, "{line:?} is there twice");
        }
    }
    cells
}

#[test]
fn every_cell_of_the_table_is_as_listed() {
    let expected = expected();
    let mut seen = BTreeSet::new();
    for wanted in WantedState::ALL {
        for (row, situation) in rows(wanted) {
            let place = (format!("{wanted:?}"), row);
            let Some([plain, suspended]) = expected.get(&place) else {
                panic!("{place:?} is not listed");
            };
            assert_eq!(said(&decide(&situation)), *plain, "{place:?}");
            for whose in [
                Suspension::Resource,
                Suspension::Connection("a/b".to_owned()),
            ] {
                let situation = LifeSituation {
                    suspended: Some(whose),
                    ..situation.clone()
                };
                assert_eq!(
                    said(&decide(&situation)),
                    *suspended,
                    "{place:?}, suspended"
                );
            }
            seen.insert(place);
        }
    }
    let unused: Vec<_> = expected
        .keys()
        .filter(|place| !seen.contains(place))
        .collect();
    assert!(unused.is_empty(), "listed and never met: {unused:?}");
}

// --- What is put on record ---------------------------------------------------------

fn suspend(wanted: WantedState) -> LifeSituation {
    plain(wanted, Observed::Present(ProjectStatus::Suspend))
}

/// The next situation, after what was decided has been written down.
fn next(situation: &LifeSituation, record: RunRecord, wanted: WantedState) -> LifeSituation {
    LifeSituation {
        record,
        wanted,
        generation: situation.generation + 1,
        ..situation.clone()
    }
}

#[test]
fn an_unrelated_edit_does_not_resume_what_was_paused_in_the_console() {
    let first = suspend(WantedState::Running);
    let record = decide(&first).record;
    let edited = next(&first, record, WantedState::Running);
    assert_eq!(decide(&edited).mutation, None);
}

#[test]
fn a_pause_that_the_spec_agreed_to_ends_with_the_wish_to_run() {
    let outside = suspend(WantedState::Running);
    let agreed = next(&outside, decide(&outside).record, WantedState::Paused);
    let edited = next(&agreed, decide(&agreed).record, WantedState::Paused);
    let run = next(&edited, decide(&edited).record, WantedState::Running);
    let decision = decide(&run);
    assert_eq!(decision.mutation, Some(Mutation::Resume));
    // It stays due, whatever is written meanwhile, and over a suspension.
    let suspended = LifeSituation {
        suspended: Some(Suspension::Resource),
        ..run.clone()
    };
    let later = next(&run, decide(&suspended).record, WantedState::Running);
    assert_eq!(decide(&later).mutation, Some(Mutation::Resume));
    assert_eq!(later.record.pause.and_then(|pause| pause.since), Some(NOON));
}

#[test]
fn a_word_given_while_nothing_was_wrong_is_used_up() {
    let mut running = plain(
        WantedState::Running,
        Observed::Present(ProjectStatus::Running),
    );
    running.word = Some("1".into());
    let record = decide(&running).record;
    assert_eq!(record.handled_retry.as_deref(), Some("1"));
    let mut paused = next(&running, record, WantedState::Running);
    paused.observed = Observed::Present(ProjectStatus::Suspend);
    assert_eq!(decide(&paused).mutation, None);
}

#[test]
fn a_word_waits_for_the_end_of_a_suspension_and_is_then_obeyed() {
    let mut failed = plain(
        WantedState::Running,
        Observed::Present(ProjectStatus::Failed),
    );
    failed.word = Some("1".into());
    failed.suspended = Some(Suspension::Resource);
    let decision = decide(&failed);
    assert_eq!(decision.mutation, None);
    let mut freed = next(&failed, decision.record, WantedState::Running);
    freed.suspended = None;
    assert_eq!(decide(&freed).mutation, Some(Mutation::Resume));
}

#[test]
fn an_attempt_is_counted_before_it_is_made_and_so_its_failure_waits_longer() {
    let mut failed = plain(
        WantedState::Running,
        Observed::Present(ProjectStatus::Failed),
    );
    failed.retry.max_attempts = Some(5);
    failed.record = decide(&failed).record;
    failed.now = decide(&failed).again.unwrap();
    let first = decide(&failed).first.expect("on record before the call");
    let retries = first.retries.clone().unwrap();
    assert_eq!(
        (retries.count, retries.last_attempt_time),
        (Some(1), Some(failed.now))
    );
    failed.record = first;
    let again = decide(&failed).again.unwrap();
    assert_eq!(
        again.duration_since(failed.now),
        SignedDuration::from_secs(240)
    );
}

#[test]
fn absence_is_said_and_nothing_is_made_anew() {
    let decision = decide(&plain(WantedState::Running, Observed::Absent));
    assert_eq!((decision.mutation, decision.gone), (None, true));
}

// --- Laws ------------------------------------------------------------------------

fn observed() -> impl Strategy<Value = Observed> {
    let word = prop::sample::select(WORDS.to_vec());
    prop_oneof![
        8 => word.prop_map(|word| Observed::Present(ProjectStatus::parse(word))),
        1 => Just(Observed::Absent),
        1 => Just(Observed::Unknown),
        1 => Just(Observed::Unobservable { missing: "ListProjects" }),
    ]
}

fn state() -> impl Strategy<Value = WantedState> {
    prop::sample::select(WantedState::ALL.to_vec())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (-10_000_i64..10_000).prop_map(|seconds| NOON + SignedDuration::from_secs(seconds))
}

fn records() -> impl Strategy<Value = RunRecord> {
    let word = prop::option::of("[ab]");
    let pause = (
        prop::option::of(state()),
        prop::option::of(0_i64..10),
        prop::option::of(moment()),
    );
    let pause = pause.prop_map(|(state, generation, since)| PauseStatus {
        state,
        generation,
        since,
    });
    let retries = (
        prop::option::of(-1_i32..5),
        prop::option::of(moment()),
        prop::option::of(moment()),
        prop::option::of(moment()),
    );
    let retries = retries.prop_map(|(count, last, failure, next)| RetriesStatus {
        count,
        last_attempt_time: last,
        failure_time: failure,
        next_attempt_time: next,
    });
    (prop::option::of(pause), prop::option::of(retries), word).prop_map(
        |(pause, retries, handled_retry)| RunRecord {
            pause,
            retries,
            handled_retry,
        },
    )
}

fn situations() -> impl Strategy<Value = LifeSituation> {
    let suspended = prop::option::of(prop::sample::select(vec![
        Suspension::Resource,
        Suspension::Connection("a/b".to_owned()),
    ]));
    let on_external_pause =
        prop::sample::select(vec![OnExternalPause::Respect, OnExternalPause::Resume]);
    (
        (state(), observed(), records(), suspended, on_external_pause),
        (
            prop::option::of("[ab]"),
            prop::option::of(0_i32..4),
            any::<bool>(),
            0_i64..10,
        ),
    )
        .prop_map(
            |((wanted, observed, record, suspended, on_external_pause), rest)| {
                let (word, max_attempts, gone, generation) = rest;
                LifeSituation {
                    generation,
                    on_external_pause,
                    retry: RetryPolicy {
                        max_attempts,
                        ..RetryPolicy::default()
                    },
                    word,
                    suspended,
                    gone,
                    record,
                    ..plain(wanted, observed)
                }
            },
        )
}

#[test]
fn a_project_of_an_earlier_spec_is_told_of_as_it_is() {
    let said = |observed, was_gone| {
        let verdict = made_from_another_spec("np_1", &observed, was_gone);
        assert_eq!(verdict.readiness, crate::decide::Readiness::Stalled);
        (verdict.reason, verdict.message)
    };
    let present = |word| Observed::Present(ProjectStatus::parse(word));
    for (observed, told) in [
        (present("INIT"), "is not started"),
        (present("RUNNING"), "in OMS it is RUNNING by now"),
        (Observed::Unknown, "nothing is done to the project"),
    ] {
        let (reason, message) = said(observed, false);
        assert_eq!(reason, Reason::SpecChangedDuringCreate);
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(said(Observed::Absent, false).0, Reason::ProjectGone);
    // What was found out does not become less certain, but may turn out wrong.
    assert_eq!(said(Observed::Unknown, true).0, Reason::ProjectGone);
    assert_eq!(
        said(present("INIT"), true).0,
        Reason::SpecChangedDuringCreate
    );
}

proptest! {
    #[test]
    fn it_is_the_same_each_time_and_has_a_listed_reason(situation in situations()) {
        let decision = decide(&situation);
        prop_assert_eq!(&decision, &decide(&situation));
        prop_assert!(Reason::ALL.contains(&decision.verdict.reason));
        prop_assert!(!decision.verdict.message.is_empty());
    }

    #[test]
    fn nothing_is_changed_that_was_not_seen_or_while_suspended(situation in situations()) {
        let decision = decide(&situation);
        let is_seen = matches!(situation.observed, Observed::Present(_));
        if !is_seen || situation.suspended.is_some() {
            prop_assert_eq!(decision.mutation, None);
            prop_assert_eq!(decision.first, None);
        }
        if matches!(situation.observed, Observed::Unknown | Observed::Unobservable { .. }) {
            prop_assert_eq!(decision.record, situation.record);
        }
    }

    #[test]
    fn each_change_is_one_that_somebody_asked_for(situation in situations()) {
        let run = situation.wanted == WantedState::Running;
        match decide(&situation).mutation {
            Some(Mutation::Start) => prop_assert!(run),
            Some(Mutation::Stop) => prop_assert_eq!(situation.wanted, WantedState::Paused),
            Some(Mutation::Resume) => {
                let new_word = situation.word.is_some()
                    && situation.word != situation.record.handled_retry;
                let pause = situation.record.pause.clone().unwrap_or_default();
                let changed = pause.state.is_some_and(|state| state != WantedState::Running)
                    && pause.generation.is_some_and(|then| then < situation.generation);
                let told = match situation.observed {
                    Observed::Present(ProjectStatus::Failed) => {
                        new_word || situation.retry.max_attempts() > 0
                    }
                    _ => {
                        new_word || changed || situation.on_external_pause == OnExternalPause::Resume
                    }
                };
                prop_assert!(run && told);
            }
            Some(other) => prop_assert!(false, "{other:?}"),
            None => {}
        }
    }

    /// Once what comes before the call is written, neither the word nor the
    /// attempt counts again: whatever happens to the call.
    #[test]
    fn what_is_on_record_is_not_done_again(situation in situations()) {
        let decision = decide(&situation);
        let Some(first) = decision.first else { return Ok(()) };
        let mut later = situation.clone();
        later.record = first.clone();
        later.on_external_pause = OnExternalPause::Respect;
        later.record.pause = None;
        let later = decide(&later);
        prop_assert_eq!(later.mutation, None);
        let count = |record: &RunRecord| record.retries.clone().and_then(|it| it.count).unwrap_or(0);
        // More than allowed were only made if more were allowed then.
        let (made, before) = (count(&first), count(&situation.record));
        let allowed = i32::try_from(situation.retry.max_attempts()).unwrap();
        prop_assert!(made <= before || made <= allowed.min(before + 1));
    }

    /// A resource at rest is not written again: what is on record is seen as it is.
    #[test]
    fn the_record_comes_to_rest(situation in situations()) {
        let record = decide(&situation).record;
        let again = LifeSituation { record: record.clone(), ..situation };
        prop_assert_eq!(decide(&again).record, record);
    }
}
