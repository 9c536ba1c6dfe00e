//! The longer sentences: what stands in the way, and the very line that helps.

use super::{Namesake, Walked};
use crate::decide::Record;

pub(super) fn name_conflict(name: &str, living: &[&Namesake]) -> String {
    let one = living[0];
    match (living.len(), &one.claimed_by) {
        (1, Some(other)) => format!(
            "OMS has a project \"{name}\" already: {} ({}), which belongs to MigrationProject \
             {other}. Set another spec.project.name.",
            one.id, one.status
        ),
        (1, None) => format!(
            "OMS has a project \"{name}\" already: {} ({}). Set another spec.project.name, or \
             take it over with this line in spec: adopt: {{projectId: {}}}",
            one.id, one.status, one.id
        ),
        _ => format!(
            "OMS has {} projects \"{name}\" already: {}. Set another spec.project.name, or take \
             one over with this line in spec: adopt: {{projectId: <id>}}",
            living.len(),
            list(living)
        ),
    }
}

pub(super) fn ambiguous(name: &str, many: &[&Namesake]) -> String {
    format!(
        "More than one project \"{name}\" in OMS may be this resource's: {}. Look at them, then \
         choose one with this line in spec: adopt: {{projectId: <id>}}",
        list(many)
    )
}

pub(super) fn renamed(name: &str, walked: &Walked) -> String {
    format!(
        "The create of \"{name}\" was not answered, and OMS has no project of that name, but {} \
         was made since, is equal to it, and belongs to nobody: was it renamed? If it is this \
         resource's, set in spec: adopt: {{projectId: <id>}}; if not, a new value of the annotation \
         oms.oceanbase.com/retry creates the project.",
        lookalikes(walked)
    )
}

/// For the last word about an attempt that nothing has come of: what may be its project.
pub(super) fn but_lookalikes(walked: &Walked) -> String {
    if walked.lookalikes.is_empty() {
        return String::new();
    }
    format!(
        ", but {} was made since, is equal to it, and belongs to nobody: was it renamed?",
        lookalikes(walked)
    )
}

fn lookalikes(walked: &Walked) -> String {
    let shown = walked.lookalikes.iter().take(5).cloned();
    shown.collect::<Vec<_>>().join(", ")
}

fn list(many: &[&Namesake]) -> String {
    let shown: Vec<String> = many
        .iter()
        .take(5)
        .map(|one| format!("{} ({})", one.id, one.status))
        .collect();
    shown.join(", ")
}

/// What a resource that is deleted without an open attempt may leave in OMS.
#[must_use]
pub fn left_by(record: &Record) -> Option<String> {
    match record {
        Record::Fresh { .. } | Record::Open(_) => None,
        Record::Restored(reservation) => Some(format!(
            "a create of \"{}\" was reserved at {:.0} and never recorded: a project of that name may \
             be left",
            reservation.project_name, reservation.at
        )),
        Record::Invalid(problem) => Some(format!(
            "the record of its create cannot be relied on ({problem}): a project may be left"
        )),
    }
}
