//! Whatever is lost of what was written down, an attempt is not forgotten.

use jiff::SignedDuration;

use super::{record as record_and_when, *};
use crate::decide::reservation::{Identity, ReservedConnection, Target};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn reservation(attempt: u32, minutes: i64) -> Reservation {
    let identity = Identity {
        cluster: "c".into(),
        namespace: "shop".into(),
        name: "orders".into(),
        uid: "u".into(),
    };
    let at = noon() + SignedDuration::from_mins(minutes);
    let target = Target {
        connection: ReservedConnection::default(),
        project_name: "shop.orders".into(),
        body_hash: "h".into(),
        known_ids: Vec::new(),
        looked_at: at,
        retry: None,
        unknown_attempts: 0,
    };
    Reservation::new(&identity, attempt, at, target)
}

fn trace(attempt: u32, minutes: i64, ending: Ending, spent: u32) -> Option<Trace> {
    Some(Trace {
        reservation: reservation(attempt, minutes),
        ending,
        spent,
    })
}

fn record(sources: Sources) -> Record {
    record_and_when(&sources).0
}

const UNKNOWN: Ending = Ending::Unknown { replied: false };

fn sources(annotation: Provenance, status: Option<Trace>, memory: Option<Trace>) -> Sources {
    Sources {
        annotation,
        status,
        memory,
        first_seen: None,
        created: Some(noon() - SignedDuration::from_mins(1)),
        now: noon() + SignedDuration::from_mins(5),
        project_name: "shop.orders".into(),
        body_hash: "h".into(),
    }
}

fn own(attempt: u32, minutes: i64) -> Provenance {
    Provenance::Own(reservation(attempt, minutes))
}

fn is_open(record: &Record, attempt: u32) -> bool {
    matches!(record, Record::Open(open) if open.reservation.attempt == attempt)
}

#[test]
fn nothing_on_record_is_a_fresh_start() {
    let found = record(sources(Provenance::None, None, None));
    assert_eq!(
        found,
        Record::Fresh {
            next_attempt: 1,
            spent: 0
        }
    );
}

#[test]
fn each_of_the_three_places_alone_keeps_an_attempt_open() {
    for sources in [
        sources(own(1, 0), None, None),
        sources(Provenance::None, trace(1, 0, UNKNOWN, 1), None),
        sources(Provenance::None, None, trace(1, 0, UNKNOWN, 1)),
        sources(
            Provenance::Invalid("x".into()),
            trace(1, 0, UNKNOWN, 1),
            None,
        ),
        sources(
            Provenance::Foreign(reservation(1, 0)),
            None,
            trace(1, 0, UNKNOWN, 1),
        ),
    ] {
        let found = record(sources.clone());
        assert!(is_open(&found, 1), "{sources:#?}\n{found:#?}");
    }
}

#[test]
fn what_the_annotation_alone_tells_of_counts_the_attempts_in_doubt_and_not_those_that_did_nothing()
{
    for (attempt, before, spent) in [(3, 0, 1), (3, 1, 2), (7, 2, 3)] {
        let mut written = reservation(attempt, 0);
        written.unknown_attempts = before;
        let found = record(sources(Provenance::Own(written), None, None));
        let Record::Open(open) = found else {
            panic!("{found:#?}");
        };
        assert_eq!(open.spent, spent);
    }
}

#[test]
fn an_attempt_that_certainly_failed_leaves_room_for_the_next() {
    let found = record(sources(own(1, 0), trace(1, 0, Ending::NotDone, 0), None));
    assert_eq!(
        found,
        Record::Fresh {
            next_attempt: 2,
            spent: 0
        }
    );
}

#[test]
fn a_later_annotation_outweighs_an_earlier_end() {
    let found = record(sources(own(2, 1), trace(1, 0, Ending::NotDone, 0), None));
    assert!(is_open(&found, 2), "{found:?}");
}

#[test]
fn a_reservation_this_process_never_called_under_is_no_attempt() {
    let found = record(sources(own(1, 0), None, trace(1, 0, Ending::NotDone, 0)));
    assert!(matches!(found, Record::Fresh { .. }), "{found:?}");
}

#[test]
fn an_old_reservation_is_taken_for_a_restore_unless_it_is_remembered() {
    let mut old = sources(own(1, -120), None, None);
    old.created = Some(noon() - SignedDuration::from_hours(3));
    assert!(matches!(record(old.clone()), Record::Restored(_)));
    old.memory = trace(1, -120, UNKNOWN, 1);
    assert!(is_open(&record(old), 1));
}

#[test]
fn a_restored_or_unreadable_reservation_alone_never_begins_anew() {
    let restored = record(sources(Provenance::Restored(reservation(1, 0)), None, None));
    assert!(matches!(restored, Record::Restored(_)));
    let invalid = record(sources(Provenance::Invalid("x".into()), None, None));
    assert!(matches!(invalid, Record::Invalid(_)));
}

#[test]
fn a_reservation_from_before_its_resource_is_not_believed() {
    let mut early = sources(own(1, -120), None, None);
    early.created = Some(noon());
    assert!(matches!(record(early), Record::Invalid(_)));
}

fn is_vouched_for(record: &Record) -> bool {
    matches!(record, Record::Open(open) if open.vouched_for)
}

#[test]
fn the_annotation_alone_vouches_for_nothing_that_the_spec_does_not_ask_for() {
    let asked_for = sources(own(1, 0), None, None);
    assert!(is_vouched_for(&record(asked_for.clone())));
    let edited = |change: fn(&mut Sources)| {
        let mut sources = asked_for.clone();
        change(&mut sources);
        sources
    };
    for sources in [
        edited(|sources| sources.project_name = "shop.other".into()),
        edited(|sources| sources.body_hash = "i".into()),
        // Looked up hours before the resource was there.
        edited(|sources| {
            let Provenance::Own(reservation) = &mut sources.annotation else {
                unreachable!()
            };
            reservation.looked_at = noon() - SignedDuration::from_hours(3);
        }),
    ] {
        let found = record(sources.clone());
        assert!(is_open(&found, 1) && !is_vouched_for(&found), "{found:?}");
        // What this process or the status knows of is no forgery.
        let mut told = sources.clone();
        told.status = trace(1, 0, UNKNOWN, 1);
        assert!(is_vouched_for(&record(told)));
        let mut told = sources.clone();
        told.memory = trace(1, 0, UNKNOWN, 1);
        assert!(is_vouched_for(&record(told)));
    }
}

#[test]
fn times_that_cannot_be_true_are_not_believed_and_do_not_hide_what_is_known() {
    let mut endless = reservation(1, 0);
    endless.not_after = noon() + SignedDuration::from_hours(1000);
    for annotation in [own(1, 60 * 24 * 365), Provenance::Own(endless)] {
        let alone = record(sources(annotation.clone(), None, None));
        assert!(matches!(alone, Record::Invalid(_)), "{alone:?}");
        let known = trace(1, 1, UNKNOWN, 1);
        let beside = record(sources(annotation.clone(), None, known.clone()));
        assert!(is_open(&beside, 1), "{beside:?}");
        let Record::Open(open) = beside else {
            unreachable!()
        };
        assert_eq!(Some(open.reservation), known.map(|trace| trace.reservation));
    }
}

/// Two processes without a lease: each remembers its own reservation from before
/// it was written, and only one of them was written.
#[test]
fn a_reservation_of_another_process_is_open_whatever_this_one_remembers_and_when() {
    for minutes in [-2, -1, 1, 2] {
        let mine = trace(1, 0, Ending::NotDone, 0);
        let found = record(sources(own(1, minutes), None, mine));
        assert!(is_open(&found, 1), "{minutes}: {found:?}");
    }
}

/// The clock of the host that failed before ran ahead.
#[test]
fn a_later_attempt_is_open_although_its_writers_clock_runs_behind() {
    for memory in [false, true] {
        let before = trace(1, 3, Ending::NotDone, 0);
        let (status, memory) = if memory {
            (None, before)
        } else {
            (before, None)
        };
        let found = record(sources(own(2, 1), status, memory));
        assert!(is_open(&found, 2), "{found:?}");
    }
}

#[test]
fn an_older_annotation_put_back_closes_nothing() {
    let mut rolled_back = sources(own(1, 0), trace(2, 1, UNKNOWN, 2), None);
    assert!(is_open(&record(rolled_back.clone()), 2));
    rolled_back.memory = trace(1, 0, Ending::NotDone, 0);
    assert!(is_open(&record(rolled_back), 2));
}

#[test]
fn the_wait_counts_from_when_this_process_first_saw_the_attempt() {
    let seen = FirstSeen::new(&reservation(1, 0), noon() + SignedDuration::from_mins(3));
    let mut known = sources(own(1, 0), None, None);
    known.first_seen = Some(seen);
    let (Record::Open(open), Some(first)) = record_and_when(&known) else {
        panic!("not open");
    };
    assert_eq!((open.first_look, first), (seen.seen, seen));
    // Another attempt than the one seen before begins to count now.
    let mut other = sources(own(2, 1), None, None);
    other.first_seen = Some(seen);
    let (Record::Open(open), _) = record_and_when(&other) else {
        panic!("not open");
    };
    assert_eq!(open.first_look, other.now);
}

#[test]
fn a_span_of_any_length_can_be_counted_with() {
    let timing = Timing {
        call: SignedDuration::MAX,
        silent: SignedDuration::MAX,
        replied: SignedDuration::MAX,
    };
    for replied in [false, true] {
        let open = OpenAttempt {
            reservation: reservation(1, 0),
            replied,
            first_look: noon(),
            spent: 1,
            vouched_for: true,
        };
        assert_eq!(open.quarantine(timing), Timestamp::MAX);
    }
}
