use super::*;

const UP_TO: Bounds = Bounds::up_to(Duration::from_secs(60));

fn key() -> Key {
    Key {
        namespace: "shop".into(),
        name: "orders".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_wait_longer_and_a_new_cause_starts_over() {
    let memory = Memory::default();
    let waits: Vec<u64> = (0..7)
        .map(|_| memory.failed("u", &key(), 1, UP_TO, 0.5).as_secs())
        .collect();
    assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    assert!(memory.hold_back("u", 1).is_some());
    assert_eq!(memory.hold_back("u", 2), None, "something has changed");
    assert_eq!(memory.failed("u", &key(), 2, UP_TO, 0.5).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_failure_doubles_from_its_own_beginning() {
    let memory = Memory::default();
    let slow = Bounds {
        least: Duration::from_secs(60),
        ..Bounds::up_to(Duration::from_secs(300))
    };
    let waits: Vec<u64> = (0..4)
        .map(|_| memory.failed("u", &key(), 1, slow, 0.5).as_secs())
        .collect();
    assert_eq!(waits, [60, 120, 240, 300]);
    // What OMS itself asks for goes beyond the cap, and is never shortened.
    let hour = Bounds {
        least: Duration::from_secs(3600),
        ..slow
    };
    let wait = memory.failed("u", &key(), 1, hour, 0.0);
    assert!(wait >= Duration::from_secs(3600), "{wait:?}");
    // What is due by then is done then all the same.
    let due = Bounds {
        most: Duration::from_secs(7),
        ..hour
    };
    assert_eq!(memory.failed("u", &key(), 1, due, 1.0).as_secs(), 7);
    assert_eq!(memory.hold_back("u", 1), Some(Duration::from_secs(7)));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_is_broken_off_again_and_again_is_made_less_and_less() {
    let memory = Memory::default();
    let waits: Vec<u64> = (0..7)
        .map(|_| memory.broken_off("u", &key(), 1, 0.5).as_secs())
        .collect();
    assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
    assert!(memory.hold_back("u", 1).is_some());
    assert_eq!(memory.hold_back("u", 2), None, "something has changed");
    // What OMS refuses has a count of its own.
    assert_eq!(memory.failed("u", &key(), 1, UP_TO, 0.5).as_secs(), 2);
    memory.succeeded("u");
    memory.went_through("u");
    assert_eq!(memory.hold_back("u", 1), None);
    assert_eq!(memory.broken_off("u", &key(), 1, 0.5).as_secs(), 2);
}

#[test]
fn a_resource_that_is_another_each_time_is_read_less_and_less_but_never_held_back() {
    let memory = Memory::default();
    let waits: Vec<u128> = (0..6)
        .map(|_| memory.conflicted("u", &key(), 0.0).as_millis())
        .collect();
    assert_eq!(waits, [50, 100, 200, 400, 800, 1000]);
    assert_eq!(memory.hold_back("u", 0), None, "the watch may tell of it");
    assert!(memory.is_behind("u"));
    memory.went_through("u");
    assert!(!memory.is_behind("u"));
    assert_eq!(memory.conflicted("u", &key(), 1.0).as_millis(), 100);
    assert!(!memory.is_behind("u"), "the watch may tell of it");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_held_back_after_the_wait_or_a_success() {
    let memory = Memory::default();
    let half_a_minute = Bounds {
        least: Duration::from_secs(30),
        ..UP_TO
    };
    memory.failed("u", &key(), 1, half_a_minute, 0.5);
    tokio::time::advance(Duration::from_secs(29)).await;
    assert!(memory.hold_back("u", 1).is_some());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(memory.hold_back("u", 1), None);
    memory.failed("u", &key(), 1, UP_TO, 0.5);
    memory.succeeded("u");
    assert_eq!(memory.hold_back("u", 1), None);
}

fn timing() -> Timing {
    Timing {
        call: SignedDuration::from_secs(60),
        silent: SignedDuration::from_mins(10),
        replied: SignedDuration::from_secs(60),
    }
}

#[test]
fn the_name_of_a_project_just_made_is_guarded_for_who_has_another_uid() {
    let memory = Memory::default();
    let now = Timestamp::UNIX_EPOCH;
    let until = now + SignedDuration::from_mins(10);
    let others = |memory: &Memory, name: &str, now, alive: bool| {
        memory.others_attempt(|url| url == "here", name, now, timing(), |_, _| alive)
    };
    // Looked at before anything is there: what comes later is found all the same.
    assert_eq!(others(&memory, "a", now, false), None);
    memory.remember("u", &key(), |mine| {
        mine.guard = Some(Box::new(Guard {
            url: "here".into(),
            name: "a".into(),
            since: now,
            until,
        }));
    });
    assert_eq!(others(&memory, "a", now, false), Some(until));
    assert_eq!(others(&memory, "b", now, false), None);
    assert_eq!(others(&memory, "a", now, true), None, "it guards itself");
    assert_eq!(others(&memory, "a", until, false), None);
    assert!(
        memory.recall("u").is_none(),
        "settled, and of nobody who is there"
    );
}

#[tokio::test(start_paused = true)]
async fn how_long_a_deletion_waits_for_its_connection_counts_from_when_it_began_to() {
    let memory = Memory::default();
    let minute = Duration::from_secs(60);
    let waited = |waits: bool| memory.unlinked("u", &key(), waits);
    assert_eq!(waited(false), Duration::ZERO);
    assert!(memory.recall("u").is_none(), "nothing to remember");
    assert_eq!(waited(true), Duration::ZERO);
    tokio::time::advance(minute).await;
    assert_eq!(waited(true), minute);
    assert_eq!(waited(false), Duration::ZERO, "it was there");
    tokio::time::advance(minute).await;
    assert_eq!(waited(true), Duration::ZERO);
}

#[test]
fn what_is_settled_goes_also_where_nobody_creates_another() {
    let memory = Memory::default();
    let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
    let until = now + SignedDuration::from_mins(10);
    for uid in ["alive", "gone"] {
        memory.remember(uid, &key(), |mine| {
            mine.guard = Some(Box::new(Guard {
                url: "here".into(),
                name: uid.into(),
                since: now,
                until,
            }));
        });
    }
    let tidy = |now| memory.tidy(now, timing(), |_, uid| uid == "alive");
    tidy(now);
    assert!(memory.recall("gone").is_some(), "its name is not free yet");
    tidy(until + SignedDuration::from_secs(1));
    assert!(memory.recall("gone").is_none());
    let alive = memory.recall("alive").unwrap();
    assert!(alive.guard.is_none(), "it guards nothing any more");
    assert!(memory.open.lock().uids.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_has_changed_something_between_two_sweeps_is_known() {
    let memory = Memory::default();
    let begun = Instant::now();
    let named = |name: &str| Key {
        name: name.into(),
        ..key()
    };
    for name in ["first", "second", "third"] {
        memory.remember(name, &named(name), |mine| {
            mine.mutated = Some((LastMutation::Changed, Instant::now()));
        });
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    memory.remember("idle", &named("idle"), |_| {});
    let after = |seconds| begun + Duration::from_secs(seconds);
    assert_eq!(memory.mutated(begun, begun), []);
    // A change of the very moment at which a sweep begins is not in it.
    assert_eq!(memory.mutated(begun, after(1)), [named("first")]);
    let later = [named("second"), named("third")];
    assert_eq!(memory.mutated(after(1), after(9)), later);
}
