//! What each decision says.

use super::table::Cell;
use super::{LifeSituation, RunRecord};
use crate::api::v1alpha1::{Reason, WantedState};
use crate::decide::mutation::Mutation;
use crate::decide::observed::{Observed, ProjectStatus};
use crate::decide::progress::Step;
use crate::decide::verdict::{Readiness, Verdict};
use crate::decide::words::sentence;

/// What the resource says in this cell.
pub(super) fn verdict(situation: &LifeSituation, cell: Cell, record: &RunRecord) -> Verdict {
    let (readiness, reason) = match cell {
        Cell::Do(mutation) => (Readiness::Progressing, mutation.doing()),
        Cell::Good(reason) => (Readiness::Ready, reason),
        Cell::Wait(reason) => (Readiness::Progressing, reason),
        Cell::Stuck(reason) => (Readiness::Stalled, reason),
        Cell::Strange => (Readiness::Unknown, Reason::StatusUnknown),
        Cell::Unseeable => (Readiness::Stalled, Reason::ActionMissing),
        // What the last two depend on has made another cell of them by now.
        Cell::Unseen | Cell::Pause | Cell::Retry => (Readiness::Progressing, Reason::StatusUnknown),
    };
    Verdict {
        readiness,
        reason,
        message: message(situation, cell, reason, record),
    }
}

/// That a change is due, as a clause.
pub(super) fn due(situation: &LifeSituation, mutation: Mutation) -> String {
    format!(
        "Project {} is to be {}",
        situation.id,
        mutation.participle()
    )
}

fn message(situation: &LifeSituation, cell: Cell, reason: Reason, record: &RunRecord) -> String {
    let id = &situation.id;
    let word = match &situation.observed {
        Observed::Present(status) => status.word(),
        _ => "",
    };
    match reason {
        Reason::Starting => format!("Project {id} is being started."),
        Reason::Pausing if cell == Cell::Wait(reason) => format!(
            "OMS is changing the objects of project {id} ({word}); it is paused once that is done."
        ),
        Reason::Pausing => format!("Project {id} is being paused."),
        Reason::Resuming => format!("Project {id} is being resumed."),
        Reason::Created if situation.wanted == WantedState::Paused => format!(
            "Project {id} is created and not started, as state is Paused; state: Running starts it."
        ),
        Reason::Created => format!("Project {id} is created and, as asked, not started."),
        Reason::Running if situation.wanted == WantedState::Created => format!(
            "Project {id} has been started and is running, while state is Created, which starts \
             nothing and pauses nothing. state: Paused would pause it."
        ),
        Reason::Running => format!("Project {id} is running."),
        Reason::Paused => format!("Project {id} is paused, as asked."),
        Reason::PausedOutside if situation.wanted == WantedState::Created => format!(
            "Project {id} has been started and is paused, while state is Created, which resumes \
             nothing. Set state to Running to resume it, or to Paused to leave it so."
        ),
        Reason::PausedOutside => format!(
            "Project {id} was paused in OMS, not from here, and stays so until somebody wants \
             otherwise. To resume it, resume it in OMS, or give this resource an annotation with \
             a new text: oms.oceanbase.com/retry=<any new text>. To leave it paused, set state to \
             Paused."
        ),
        Reason::Failed => failed(situation, record),
        Reason::Retrying => retrying(situation, record),
        Reason::Finished => format!("Project {id} has finished."),
        Reason::Releasing => {
            format!("Project {id} is being released in OMS; it ends for good.")
        }
        Reason::Released => {
            format!("Project {id} was released in OMS: it has ended for good.")
        }
        Reason::ProjectGone => gone(id),
        Reason::ActionMissing => format!(
            "Project {id} is recorded, but this OMS does not know the action {}: its status \
             cannot be read, and it is neither watched nor changed from here.",
            missing(situation)
        ),
        _ if cell == Cell::Strange => format!(
            "OMS says that project {id} is \"{word}\", which this version does not know; nothing \
             is done."
        ),
        _ => format!("Project {id} is recorded; its status is being asked of OMS."),
    }
}

/// That the project is gone, and what helps.
pub(super) fn gone(id: &str) -> String {
    format!(
        "OMS no longer knows project {id}. It is not made anew unasked. To have another one in its \
         place, annotate this resource: oms.oceanbase.com/recreate={id}"
    )
}

/// That the project was made from another spec than that of today, and what
/// comes of it.
pub(super) fn another_spec(id: &str, observed: &Observed) -> String {
    let edited =
        format!("The spec was edited while project {id} was being created from its earlier text");
    let so = match observed {
        Observed::Present(ProjectStatus::Init) => "so the project is not started".to_owned(),
        Observed::Present(status) => format!(
            "so nothing is done to the project from here; in OMS it is {status} by now, by \
             somebody else's hand"
        ),
        _ => "so nothing is done to the project from here".to_owned(),
    };
    format!(
        "{edited}, {so}. Set spec back to that text, or correct it (spec may be edited now) and \
         create the project anew under another name."
    )
}

fn missing(situation: &LifeSituation) -> &'static str {
    match situation.observed {
        Observed::Unobservable { missing } => missing,
        _ => "DescribeProject",
    }
}

fn failed(situation: &LifeSituation, record: &RunRecord) -> String {
    let happened = failure(&situation.id, situation.failed_step.as_ref());
    if situation.wanted != WantedState::Running {
        let state = match situation.wanted {
            WantedState::Paused => "Paused",
            _ => "Created",
        };
        return format!("{happened} It is not resumed, because state is {state}.");
    }
    let made = count(record);
    let tried = match made {
        0 => String::new(),
        made => format!(" It was resumed by itself so many times: {made} (spec.retry)."),
    };
    format!(
        "{happened}{tried} Once the cause is mended, resume it in OMS, or give this resource an \
         annotation with a new text: oms.oceanbase.com/retry=<any new text>"
    )
}

fn retrying(situation: &LifeSituation, record: &RunRecord) -> String {
    let happened = failure(&situation.id, situation.failed_step.as_ref());
    let attempt = count(record).saturating_add(1);
    let of = situation.retry.max_attempts();
    let next = record
        .retries
        .as_ref()
        .and_then(|retries| retries.next_attempt_time);
    let when = next.map_or_else(String::new, |next| format!(" at {next:.0}"));
    format!("{happened} It is resumed by itself{when} (attempt {attempt} of {of}).")
}

fn count(record: &RunRecord) -> i32 {
    let retries = record.retries.as_ref();
    retries
        .and_then(|retries| retries.count)
        .unwrap_or_default()
}

fn failure(id: &str, step: Option<&Step>) -> String {
    match step {
        Some(Step {
            name,
            problem: Some(problem),
            ..
        }) => format!(
            "Project {id} failed in the step {name}: {}",
            sentence(problem)
        ),
        Some(Step { name, .. }) => {
            format!("Project {id} failed in the step {name}. OMS's console names the cause.")
        }
        None => format!("Project {id} failed. OMS's console names the step and the cause."),
    }
}
