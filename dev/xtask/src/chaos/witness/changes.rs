//! Every change of OMS but a create, held against what its resource asked for at that time.

use oms_simulator::Call;

use super::{GRACE, LATE, Made, Witness};
use crate::chaos::chronicle::{Life, Version};

/// The actions that change a project.
pub const CHANGES: [&str; 5] = [
    "StartProject",
    "StopProject",
    "ResumeProject",
    "ReleaseProject",
    "DeleteProject",
];

impl Witness<'_> {
    pub(super) fn changes(&self, made: &[Made<'_>], wrong: &mut Vec<String>) {
        let all = self.calls.iter();
        for call in all.filter(|call| CHANGES.contains(&call.action.as_str())) {
            let id = call.project_id.as_deref().unwrap_or_default();
            if !self.is_asked_for(call, id) && !self.is_taken_back(call, id, made) {
                wrong.push(format!(
                    "{} of {id} at {}, for which nothing asked",
                    call.action, call.time
                ));
            }
        }
    }

    fn is_asked_for(&self, call: &Call, id: &str) -> bool {
        let (from, to) = (call.time - GRACE, call.time + LATE);
        self.chronicle.holders(id).any(|(_, life)| {
            let asks = |version: &Version| {
                version.project.as_deref() == Some(id) && asks(life, version, &call.action)
            };
            life.standing(from, to).any(asks)
                && !self.is_suspended(life.namespace(), from, call.time)
        })
    }

    /// The one case without a record: what was made a second time in a race is deleted again, because its
    /// resource has another one.
    fn is_taken_back(&self, call: &Call, id: &str, made: &[Made<'_>]) -> bool {
        let Some(second) = made.iter().find(|one| one.id == id) else {
            return false;
        };
        let mut makers = self.reservers(second.name, second.call.time);
        call.action == "DeleteProject"
            && self.chronicle.holders(id).next().is_none()
            && makers.any(|(_, _, life)| !life.ids().is_empty())
    }
}

/// Whether a spec asks for a change. Here is only what must never be; the whole table is the operator's.
fn asks(life: &Life, version: &Version, action: &str) -> bool {
    let Version {
        deleting,
        suspended,
        state,
        policy,
        ..
    } = version;
    if *suspended {
        return false;
    }
    match action {
        "StartProject" => !deleting && state == "Running",
        "ResumeProject" => !deleting && state == "Running" && may_resume(life, version),
        "StopProject" => (!deleting && state == "Paused") || (*deleting && policy != "Retain"),
        "ReleaseProject" => *deleting && policy != "Retain",
        "DeleteProject" => *deleting && policy == "Delete",
        _ => false,
    }
}

/// Whether it is known that a pause is not somebody else's, or that it is to be ended all the same: another
/// state was wanted before, or something allows it.
fn may_resume(life: &Life, version: &Version) -> bool {
    let mut until = life
        .versions
        .iter()
        .filter(|it| it.revision <= version.revision);
    until.any(|it| it.may_resume || it.state != "Running")
}
