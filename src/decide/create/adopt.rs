//! Taking over a project that is there already.

use super::{Adopt, Adoptee, CreateDecision, CreateSituation, Namesake, Origin, stall};
use crate::api::v1alpha1::Reason;

/// `adopt.projectId` is a human's answer to a question the operator cannot
/// settle; without it, or by name, there is none.
pub(super) fn settles(situation: &CreateSituation) -> Option<CreateDecision> {
    match &situation.adopt {
        Some(Adopt::Id(id, adoptee)) if !situation.deleting => Some(by_id(situation, id, adoptee)),
        _ => None,
    }
}

pub(super) fn by_id(situation: &CreateSituation, id: &str, adoptee: &Adoptee) -> CreateDecision {
    if let Some(refused) = &situation.adoption_refused {
        return stall(
            Reason::AdoptRefused,
            format!("Project {id} is not taken over: {refused}."),
        );
    }
    match adoptee {
        Adoptee::Present {
            claimed_by: Some(other),
            ..
        }
        | Adoptee::Unobservable {
            claimed_by: Some(other),
        } => stall(
            Reason::ProjectClaimed,
            format!(
                "Project {id} belongs to MigrationProject {other}. Delete that resource first \
                 (with deletionPolicy: Retain the project stays)."
            ),
        ),
        Adoptee::Present { status, .. } if status.is_over() => stall(
            Reason::AdoptNotFound,
            format!("Project {id} is {status} and cannot be taken over. Correct spec.adopt."),
        ),
        Adoptee::Absent => stall(
            Reason::AdoptNotFound,
            format!("OMS knows no project {id}. Correct spec.adopt.projectId."),
        ),
        // Whoever gives the id of a project on a server that cannot be asked
        // has looked for himself.
        Adoptee::Present { .. } | Adoptee::Unobservable { .. } => CreateDecision::Record {
            id: id.to_owned(),
            why: Origin::Adopted,
        },
    }
}

pub(super) fn namesake(situation: &CreateSituation, one: &Namesake) -> CreateDecision {
    let adoptee = Adoptee::Present {
        status: one.status.clone(),
        claimed_by: one.claimed_by.clone(),
    };
    by_id(situation, &one.id, &adoptee)
}
