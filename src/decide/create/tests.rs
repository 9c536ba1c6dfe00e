//! What every decision about a create keeps to, whatever the situation.

use proptest::prelude::*;

use super::*;
use crate::decide::reservation::{Identity, ReservedConnection, Target};
use crate::decide::{ProjectStatus, Timing};

const TIMING: Timing = Timing {
    call: SignedDuration::from_secs(60),
    silent: SignedDuration::from_mins(10),
    replied: SignedDuration::from_secs(60),
};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn reservation(known_ids: &[&str]) -> Reservation {
    let identity = Identity {
        cluster: "c".into(),
        namespace: "shop".into(),
        name: "orders".into(),
        uid: "u".into(),
    };
    let target = Target {
        connection: ReservedConnection::default(),
        project_name: "shop.orders".into(),
        body_hash: "h".into(),
        known_ids: known_ids.iter().map(|id| (*id).to_owned()).collect(),
        looked_at: noon(),
        retry: None,
        unknown_attempts: 0,
    };
    Reservation::new(&identity, 1, noon(), target)
}

fn open_attempt(replied: bool, spent: u32) -> Record {
    let reservation = reservation(&["np_known"]);
    Record::Open(OpenAttempt {
        reservation,
        replied,
        first_look: noon(),
        spent,
        vouched_for: true,
    })
}

fn namesake(id: &str, status: &str) -> Namesake {
    Namesake {
        id: id.into(),
        status: ProjectStatus::parse(status),
        created: Some(noon() + SignedDuration::from_secs(1)),
        claimed_by: None,
        differences: Vec::new(),
    }
}

fn seen(namesakes: Vec<Namesake>) -> Look {
    Look::Seen {
        namesakes,
        walked: Some(Walked::default()),
    }
}

fn situation(record: Record, look: Look) -> CreateSituation {
    CreateSituation {
        now: noon() + SignedDuration::from_secs(30),
        deleting: false,
        record,
        project_name: "shop.orders".into(),
        adopt: None,
        adoption_refused: None,
        retry_asked: false,
        doubt_told: false,
        spec_changed: false,
        renamed: false,
        rival: None,
        others_attempt_until: None,
        look,
        timing: TIMING,
    }
}

fn fresh() -> Record {
    Record::Fresh {
        next_attempt: 1,
        spent: 0,
    }
}

fn reason(decision: &CreateDecision) -> Option<Reason> {
    match decision {
        CreateDecision::Stall { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[test]
fn a_free_name_is_reserved_and_dead_namesakes_are_remembered() {
    let look = seen(vec![namesake("np_old", "RELEASED")]);
    let decision = decide(&situation(fresh(), look));
    let known_ids = vec!["np_old".to_owned()];
    assert_eq!(
        decision,
        CreateDecision::Reserve {
            attempt: 1,
            spent: 0,
            known_ids
        }
    );
}

#[test]
fn a_name_conflict_prints_the_lines_that_adopt() {
    let decision = decide(&situation(fresh(), seen(vec![namesake("np_1", "RUNNING")])));
    let CreateDecision::Stall {
        reason: Reason::NameConflict,
        message,
    } = decision
    else {
        panic!("{decision:?}");
    };
    assert!(
        message.contains("in spec: adopt: {projectId: np_1}"),
        "{message}"
    );
}

#[test]
fn an_open_attempt_is_waited_for_until_its_quarantine_ends() {
    let mut now = situation(open_attempt(false, 1), seen(Vec::new()));
    let end = noon() + SignedDuration::from_secs(10 + 60) + SignedDuration::from_mins(10);
    now.now = end - SignedDuration::from_secs(1);
    let CreateDecision::Wait { until, .. } = decide(&now) else {
        panic!("{:?}", decide(&now));
    };
    assert_eq!(until, end);
    now.now = end;
    assert!(matches!(
        decide(&now),
        CreateDecision::Reserve {
            attempt: 2,
            spent: 1,
            ..
        }
    ));
}

#[test]
fn none_is_believed_only_of_two_ways() {
    let look = Look::Seen {
        namesakes: Vec::new(),
        walked: None,
    };
    let mut later = situation(open_attempt(true, 1), look);
    later.now = noon() + SignedDuration::from_hours(1);
    assert_eq!(decide(&later), CreateDecision::LookThoroughly);
}

#[test]
fn an_attempt_without_effect_does_not_hold_a_renamed_resource_to_the_old_name() {
    let mut stranger = namesake("np_1", "RUNNING");
    stranger.differences = vec!["type".to_owned()];
    let mut later = situation(open_attempt(false, 1), seen(vec![stranger]));
    later.rival = Some("shop/older".to_owned());
    assert!(matches!(decide(&later), CreateDecision::Wait { .. }));
    later.now = noon() + SignedDuration::from_hours(1);
    assert_eq!(reason(&decide(&later)), Some(Reason::NameConflict));
    later.renamed = true;
    assert_eq!(decide(&later), CreateDecision::Close { spent: 1 });
}

#[test]
fn after_the_last_attempt_only_a_human_begins_another() {
    let mut spent = situation(open_attempt(true, MAX_UNKNOWN_ATTEMPTS), seen(Vec::new()));
    spent.now = noon() + SignedDuration::from_hours(1);
    assert_eq!(reason(&decide(&spent)), Some(Reason::CreateUnknown));
    spent.retry_asked = true;
    assert!(matches!(
        decide(&spent),
        CreateDecision::Reserve { spent: 0, .. }
    ));
}

#[test]
fn a_project_that_may_have_been_renamed_is_asked_about() {
    let walked = Some(Walked {
        lookalikes: vec!["np_renamed".into()],
    });
    let mut later = situation(
        open_attempt(false, 1),
        Look::Seen {
            namesakes: Vec::new(),
            walked,
        },
    );
    later.now = noon() + SignedDuration::from_hours(1);
    let CreateDecision::Stall {
        reason: Reason::CreateAmbiguous,
        message,
    } = decide(&later)
    else {
        panic!("{:?}", decide(&later));
    };
    assert!(message.contains("np_renamed"), "{message}");
}

prop_compose! {
    fn any_namesake()(
        id in prop::sample::select(vec!["np_known", "np_a", "np_b"]),
        status in prop::sample::select(vec!["INIT", "RUNNING", "FAILED", "RELEASED", "DELETED", "NEW_WORD"]),
        created in prop::option::of(-100i64..100),
        claimed in any::<bool>(),
        differs in any::<bool>(),
    ) -> Namesake {
        Namesake {
            created: created.map(|seconds| noon() + SignedDuration::from_secs(seconds)),
            claimed_by: claimed.then(|| "other/one".to_owned()),
            differences: if differs { vec!["type".to_owned()] } else { Vec::new() },
            ..namesake(id, status)
        }
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (1u32..5, 0u32..4).prop_map(|(next_attempt, spent)| Record::Fresh {
            next_attempt,
            spent
        }),
        (any::<bool>(), 1u32..5).prop_map(|(replied, spent)| open_attempt(replied, spent)),
        Just(Record::Restored(reservation(&["np_known"]))),
        Just(Record::Invalid("broken".into())),
    ]
}

fn any_look() -> impl Strategy<Value = Look> {
    let walked = prop::option::of(
        prop::collection::vec(Just("np_like".to_owned()), 0..2)
            .prop_map(|lookalikes| Walked { lookalikes }),
    );
    prop_oneof![
        Just(Look::Unsupported),
        (prop::collection::vec(any_namesake(), 0..4), walked)
            .prop_map(|(namesakes, walked)| Look::Seen { namesakes, walked }),
    ]
}

fn any_adopt() -> impl Strategy<Value = Option<Adopt>> {
    let adoptee = prop_oneof![
        Just(Adoptee::Absent),
        prop::option::of(Just("other/one".to_owned()))
            .prop_map(|claimed_by| Adoptee::Unobservable { claimed_by }),
        (
            prop::sample::select(vec!["INIT", "RUNNING", "RELEASED"]),
            any::<bool>()
        )
            .prop_map(|(status, claimed)| Adoptee::Present {
                status: ProjectStatus::parse(status),
                claimed_by: claimed.then(|| "other/one".to_owned()),
            }),
    ];
    prop_oneof![
        Just(None),
        Just(Some(Adopt::ByName)),
        adoptee.prop_map(|adoptee| Some(Adopt::Id("np_adopt".into(), adoptee))),
    ]
}

prop_compose! {
    fn any_situation()(
        seconds in 0i64..2000,
        deleting in any::<bool>(),
        record in any_record(),
        adopt in any_adopt(),
        refused in any::<bool>(),
        (retry_asked, doubt_told) in any::<(bool, bool)>(),
        spec_changed in any::<bool>(),
        renamed in any::<bool>(),
        rival in any::<bool>(),
        others in prop::option::of(0i64..2000),
        look in any_look(),
    ) -> CreateSituation {
        CreateSituation {
            now: noon() + SignedDuration::from_secs(seconds),
            deleting,
            adopt,
            adoption_refused: refused.then(|| "not allowed".to_owned()),
            retry_asked,
            doubt_told,
            spec_changed,
            renamed: renamed && matches!(record, Record::Open(_)),
            rival: rival.then(|| "shop/older".to_owned()),
            others_attempt_until: others.map(|seconds| noon() + SignedDuration::from_secs(seconds)),
            ..situation(record, look)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_resource_that_is_deleted_never_creates_and_takes_nothing_over(mut now in any_situation()) {
        now.deleting = true;
        let decision = decide(&now);
        let takes = matches!(
            &decision,
            CreateDecision::Record { why: Origin::Adopted | Origin::Restored, .. }
        );
        let creates = matches!(
            decision,
            CreateDecision::Reserve { .. } | CreateDecision::Close { .. }
        );
        prop_assert!(!takes && !creates, "{decision:?}");
    }

    #[test]
    fn what_may_have_had_an_effect_is_not_repeated_before_it_is_settled(now in any_situation()) {
        let (CreateDecision::Reserve { .. } | CreateDecision::Close { .. }) = decide(&now) else {
            return Ok(());
        };
        match &now.record {
            Record::Fresh { .. } => {}
            Record::Open(open) => match &now.look {
                Look::Unsupported => {
                    prop_assert!(now.retry_asked);
                    prop_assert!(now.now >= open.quarantine(TIMING));
                }
                Look::Seen { walked, .. } => {
                    prop_assert!(now.now >= open.quarantine(TIMING));
                    prop_assert!(walked.is_some());
                    prop_assert!(open.spent < MAX_UNKNOWN_ATTEMPTS || now.asked_again());
                }
            },
            Record::Restored(_) | Record::Invalid(_) => prop_assert!(false, "created unasked"),
        }
    }

    #[test]
    fn nothing_is_created_beside_a_living_namesake_or_before_a_rival(now in any_situation()) {
        let CreateDecision::Reserve { known_ids, .. } = decide(&now) else { return Ok(()) };
        prop_assert!(!now.renamed, "the name of today was not looked up");
        prop_assert!(now.rival.is_none());
        prop_assert!(now.adopt != Some(Adopt::ByName), "adopt never creates");
        if let Look::Seen { namesakes, .. } = &now.look {
            prop_assert!(namesakes.iter().all(|one| one.status.is_over()));
            prop_assert!(namesakes.iter().all(|one| known_ids.contains(&one.id)));
        }
    }

    #[test]
    fn a_project_found_again_is_unclaimed_equal_and_was_not_there_before(now in any_situation()) {
        let CreateDecision::Record { id, why } = decide(&now) else { return Ok(()) };
        if why == Origin::Adopted {
            prop_assert!(now.adoption_refused.is_none());
            return Ok(());
        }
        prop_assert!(id != "np_known");
        let Look::Seen { namesakes, .. } = &now.look else { panic!("seen nothing") };
        prop_assert!(namesakes.iter().any(|one| one.id == id
            && one.claimed_by.is_none()
            && one.differences.is_empty()
            && one.created.is_none_or(|created| created >= noon() - CLOCK_GRAIN)));
        prop_assert!(why == Origin::Recovered || now.adoption_refused.is_none());
    }

    #[test]
    fn equal_situations_get_equal_decisions(now in any_situation()) {
        prop_assert_eq!(decide(&now), decide(&now.clone()));
    }
}

#[test]
fn what_nothing_vouches_for_is_taken_only_where_adoption_is_allowed() {
    let forged = |refused: Option<&str>| {
        let mut record = open_attempt(false, 1);
        if let Record::Open(open) = &mut record {
            open.vouched_for = false;
        }
        let mut situation = situation(record, seen(vec![namesake("np_1", "INIT")]));
        situation.adoption_refused = refused.map(str::to_owned);
        situation
    };
    let refused = decide(&forged(Some("nobody may")));
    assert_eq!(reason(&refused), Some(Reason::AdoptRefused));
    let allowed = decide(&forged(None));
    assert!(matches!(allowed, CreateDecision::Record { .. }));
    let mut leaving = forged(Some("nobody may"));
    leaving.deleting = true;
    let left = decide(&leaving);
    assert!(matches!(left, CreateDecision::LetGo { left: Some(_) }));
}

#[test]
fn a_spec_edit_is_no_answer_to_the_question_about_a_renamed_project() {
    let walked = Some(Walked {
        lookalikes: vec!["np_renamed".into()],
    });
    let look = Look::Seen {
        namesakes: Vec::new(),
        walked,
    };
    let mut later = situation(open_attempt(false, 1), look);
    later.now = noon() + SignedDuration::from_hours(1);
    later.spec_changed = true;
    assert_eq!(reason(&decide(&later)), Some(Reason::CreateAmbiguous));
    // Nor is a word that was given before the question was put.
    later.retry_asked = true;
    assert_eq!(reason(&decide(&later)), Some(Reason::CreateAmbiguous));
    later.doubt_told = true;
    assert!(matches!(decide(&later), CreateDecision::Reserve { .. }));
}

#[test]
fn the_project_of_a_resource_that_is_gone_is_waited_for_until_it_shows() {
    let mut next = situation(fresh(), seen(Vec::new()));
    next.others_attempt_until = Some(next.now + SignedDuration::from_secs(3));
    assert!(matches!(decide(&next), CreateDecision::Wait { .. }));
    next.look = seen(vec![namesake("np_1", "INIT")]);
    assert_eq!(reason(&decide(&next)), Some(Reason::NameConflict));
    next.look = seen(Vec::new());
    next.now += SignedDuration::from_secs(3);
    assert!(matches!(decide(&next), CreateDecision::Reserve { .. }));
}
