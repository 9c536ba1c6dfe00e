//! The table as it is meant to be, written down a second time.

use super::*;
use crate::decide::Readiness;

fn decision(wanted: WantedState, observed: Observed) -> LifeDecision {
    decide(&LifeSituation {
        id: "np_1".into(),
        wanted,
        observed,
        spec_mismatch: false,
        gone: false,
    })
}

#[test]
fn every_cell_of_the_table_is_as_listed() {
    use Readiness::{Progressing, Ready, Stalled, Unknown};
    use WantedState::{Created, Running};
    let table = [
        ("INIT", Running, true, Progressing),
        ("INIT", Created, false, Ready),
        ("RUNNING", Running, false, Ready),
        ("RUNNING", Created, false, Ready),
        ("RUNNING_MODIFYING", Running, false, Ready),
        ("RUNNING_MERGING", Running, false, Ready),
        ("SUSPEND", Running, false, Stalled),
        ("SUSPEND", Created, false, Stalled),
        ("FAILED", Running, false, Stalled),
        ("FAILED", Created, false, Stalled),
        ("FINISHED", Running, false, Ready),
        ("FINISHED", Created, false, Ready),
        ("RELEASING", Running, false, Progressing),
        ("RELEASED", Running, false, Stalled),
        ("RELEASED", Created, false, Stalled),
        ("DELETED", Running, false, Stalled),
        ("SOMETHING_NEW", Running, false, Unknown),
    ];
    for (word, wanted, starts, readiness) in table {
        let decision = decision(wanted, Observed::Present(ProjectStatus::parse(word)));
        let name = format!("{word} × {wanted:?}");
        assert_eq!(decision.mutation.is_some(), starts, "{name}");
        assert_eq!(decision.verdict.readiness, readiness, "{name}");
    }
}

#[test]
fn what_is_unknown_is_neither_gone_nor_touched() {
    for observed in [
        Observed::Unknown,
        Observed::Unobservable {
            missing: "ListProjects",
        },
    ] {
        let decision = decision(WantedState::Running, observed);
        assert_eq!((decision.mutation, decision.gone), (None, false));
    }
}

#[test]
fn absence_is_said_and_nothing_is_made_anew() {
    let decision = decision(WantedState::Running, Observed::Absent);
    assert_eq!((decision.mutation, decision.gone), (None, true));
    assert_eq!(decision.verdict.reason, Reason::ProjectGone);
}

#[test]
fn a_project_made_from_another_spec_is_not_started() {
    let decision = decide(&LifeSituation {
        id: "np_1".into(),
        wanted: WantedState::Running,
        observed: Observed::Present(ProjectStatus::Init),
        spec_mismatch: true,
        gone: false,
    });
    assert_eq!(decision.mutation, None);
    assert_eq!(decision.verdict.reason, Reason::SpecChangedDuringCreate);
}
