use serde_json::{Value, json};

use super::*;
use crate::decide::{Progress, ProjectStatus};

fn at(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_700_000_000 + seconds).ok()
}

fn seen(seconds: i64) -> Seen {
    Seen {
        name: "shop.orders".into(),
        status: ProjectStatus::Running,
        modified: at(seconds),
        progress: Progress::default(),
    }
}

fn read(generation: i64, status: Value, annotation: Option<&str>) -> MigrationProject {
    let annotations = annotation.map(|text| json!({RECONCILE_REQUESTED_AT: text}));
    serde_json::from_value(json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "MigrationProject",
        "metadata": {"name": "orders", "generation": generation, "annotations": annotations},
        "spec": {}, "status": status,
    }))
    .unwrap()
}

fn verifier(status: &str, progress: u8) -> Step {
    Step {
        name: "FULL_VERIFIER".into(),
        status: status.into(),
        progress: Some(progress),
        problem: None,
    }
}

/// A status that was written after a comparison of what was changed at
/// `seconds`.
fn compared_at(seconds: i64) -> Value {
    json!({
        "lastModified": at(seconds), "observedGeneration": 1,
        "conditions": [{"type": "InSync", "status": "True", "reason": "InSync", "message": "", "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "steps": [{"name": "FULL_VERIFIER", "status": "RUNNING", "progress": 100}],
        "verification": {"tables": 3},
    })
}

#[tokio::test(start_paused = true)]
async fn a_fresh_process_asks_only_for_what_moved_since_the_status_was_written() {
    let due = |generation, seconds, annotation| {
        let read = read(generation, compared_at(10), annotation);
        Due::new(Marks::default(), &read, &seen(seconds)).configuration()
    };
    assert!(!due(1, 10, None));
    assert!(due(1, 11, None), "OMS has changed it");
    assert!(due(2, 10, None), "the spec was edited");
    assert!(due(1, 10, Some("now")), "somebody asks for it");
    let new = read(1, json!({}), None);
    assert!(Due::new(Marks::default(), &new, &seen(10)).configuration());

    // Nobody could tell what this process should rely on.
    let mut status = compared_at(10);
    status["conditions"][0]["reason"] = json!("NotObserved");
    let unseen = read(1, status, None);
    assert!(Due::new(Marks::default(), &unseen, &seen(10)).configuration());

    let read = read(1, compared_at(10), None);
    let mut due = Due::new(Marks::default(), &read, &seen(10));
    assert_eq!(due.comparison(), Comparison::Made);
    assert!(!due.verification(&verifier("RUNNING", 100)));
    assert!(due.verification(&verifier("RUNNING", 40)), "verified again");
}

#[tokio::test(start_paused = true)]
async fn a_comparison_in_the_second_of_a_change_is_repeated_once() {
    let read = read(1, compared_at(0), None);
    let mut due = Due::new(Marks::default(), &read, &seen(10));
    assert!(due.configuration());
    due.compared(at(10), at(10), true);
    assert!(due.again().is_some());
    let mut due = Due::new(due.into_marks(), &read, &seen(10));
    assert!(!due.configuration(), "not at once");
    assert!(due.again().is_some());
    let marks = due.into_marks();
    tokio::time::advance(Duration::from_secs(3)).await;
    let mut due = Due::new(marks, &read, &seen(10));
    assert!(due.configuration());
    due.compared(at(10), at(13), true);
    assert_eq!(due.again(), None);
    let mut due = Due::new(due.into_marks(), &read, &seen(10));
    assert!(!due.configuration());
    assert_eq!(due.again(), None);
}

/// How often an OMS that touches gmtModified in every sweep is asked in a day.
#[tokio::test(start_paused = true)]
async fn a_mark_that_moves_by_itself_does_not_cost_a_call_for_each_sweep() {
    let read = read(1, compared_at(0), None);
    let (mut marks, mut calls) = (Marks::default(), 0);
    for sweep in 1..2880 {
        let mut due = Due::new(marks, &read, &seen(30 * sweep));
        if due.configuration() {
            calls += 1;
            due.compared(at(30 * sweep), at(30 * sweep + 5), true);
        }
        marks = due.into_marks();
        tokio::time::advance(Duration::from_secs(30)).await;
    }
    assert!((20..400).contains(&calls), "{calls} calls in 2880 sweeps");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_is_repeated_ever_more_rarely() {
    let read = read(1, json!({}), None);
    let (mut marks, mut calls) = (Marks::default(), 0);
    for _ in 0..3600 {
        let mut due = Due::new(marks, &read, &seen(10));
        if due.configuration() {
            calls += 1;
            due.failed();
        }
        assert!(due.again().is_some(), "it is asked again by itself");
        marks = due.into_marks();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!((6..15).contains(&calls), "{calls} calls in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_verification_is_asked_for_at_most_once_for_each_tenth() {
    let read = read(1, json!({}), None);
    let (mut marks, mut calls) = (Marks::default(), 0);
    for percent in 0..=100 {
        for _ in 0..3 {
            let step = verifier("RUNNING", percent);
            let mut due = Due::new(marks, &read, &seen(10));
            if due.verification(&step) {
                calls += 1;
                due.verified(&step);
            }
            marks = due.into_marks();
        }
    }
    assert_eq!(calls, 11);
}

#[tokio::test(start_paused = true)]
async fn a_precheck_that_fails_again_is_asked_about_again() {
    let step = Step {
        name: "TRANSFER_PRECHECK".into(),
        status: "FAILED".into(),
        progress: None,
        problem: Some("No SELECT.".into()),
    };
    let read = read(1, json!({}), None);
    let mut due = Due::new(Marks::default(), &read, &seen(10));
    assert!(due.precheck(&step));
    due.prechecked(&step);
    let mut due = Due::new(due.into_marks(), &read, &seen(10));
    assert!(!due.precheck(&step));
    let mut due = Due::new(due.into_marks(), &read, &seen(99));
    assert!(due.precheck(&step), "resumed, and failed the same way");
}

#[tokio::test(start_paused = true)]
async fn what_was_just_made_is_compared_when_it_moves_or_after_a_while() {
    let new = read(1, json!({}), None);
    let mut due = Due::new(Marks::default(), &new, &seen(10));
    due.just_made();
    assert!(
        !due.configuration(),
        "it was made from what it would be compared with"
    );
    assert_eq!(due.comparison(), Comparison::None);
    assert_eq!(due.again(), Some(FIRST_AFTER));
    let marks = due.into_marks();

    let mut moved = Due::new(marks.clone(), &new, &seen(11));
    moved.just_made();
    assert!(moved.configuration(), "OMS has changed it");
    let edited = read(2, json!({}), None);
    assert!(Due::new(marks.clone(), &edited, &seen(10)).configuration());
    let asked = read(1, json!({}), Some("now"));
    assert!(Due::new(marks.clone(), &asked, &seen(10)).configuration());

    tokio::time::advance(FIRST_AFTER).await;
    let mut late = Due::new(marks, &new, &seen(10));
    assert!(
        late.configuration(),
        "a server that never touches gmtModified"
    );
    late.compared(at(10), at(100), false);
    assert_eq!(late.comparison(), Comparison::Made);
    assert!(late.into_marks().made.is_none(), "of no use any more");
}
