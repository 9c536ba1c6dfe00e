//! The create protocol's decisions: exactly one project for a resource.
//!
//! Pure: everything this looks at is gathered before, everything it asks for
//! is done after. `docs/safety.md` tells the protocol as a whole.

mod adopt;
mod situation;
mod words;

use jiff::{SignedDuration, Timestamp};

pub use self::situation::{
    Adopt, Adoptee, CreateDecision, CreateSituation, Look, Namesake, Origin, Walked,
};
pub use self::words::left_by;
use super::record::{OpenAttempt, Record};
use super::reservation::Reservation;
use crate::api::v1alpha1::Reason;

/// After so many attempts of unknown outcome a human is asked.
pub const MAX_UNKNOWN_ATTEMPTS: u32 = 3;

/// How far OMS's clock, read to the second, may run behind itself between the
/// look and the creation: both are cut to whole seconds.
pub const CLOCK_GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// The most namesakes that a reservation names, newest first as they come; the
/// schema of `status.create` allows 200. Older ones are told apart by their
/// time of creation.
const MAX_KNOWN_IDS: usize = 100;

/// How often the name is looked up again while an attempt is open.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Decides the next step of a resource that has no project id yet.
#[must_use]
pub fn decide(situation: &CreateSituation) -> CreateDecision {
    match &situation.record {
        Record::Fresh {
            next_attempt,
            spent,
        } => fresh(situation, *next_attempt, *spent),
        Record::Open(open) => self::open(situation, open),
        Record::Restored(reservation) => restored(situation, reservation),
        Record::Invalid(problem) => invalid(situation, problem),
    }
}

fn fresh(situation: &CreateSituation, attempt: u32, spent: u32) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo { left: None };
    }
    if let Some(Adopt::Id(id, adoptee)) = &situation.adopt {
        return adopt::by_id(situation, id, adoptee);
    }
    if let Some(rival) = &situation.rival {
        return stall(
            Reason::NameConflict,
            format!(
                "MigrationProject {rival} comes first for the project name \"{}\" on this OMS. \
                 Set another spec.project.name here, or delete one of the two.",
                situation.project_name
            ),
        );
    }
    let Look::Seen { namesakes, .. } = &situation.look else {
        if situation.adopt == Some(Adopt::ByName) {
            return stall(
                Reason::ActionMissing,
                "This OMS does not know ListProjects, so no project can be found by its name: \
                 set spec.adopt.projectId instead."
                    .to_owned(),
            );
        }
        return wait_for_others(situation).unwrap_or(CreateDecision::Reserve {
            attempt,
            spent,
            known_ids: Vec::new(),
        });
    };
    let living: Vec<&Namesake> = namesakes
        .iter()
        .filter(|one| !one.status.is_over())
        .collect();
    match (&situation.adopt, living.as_slice()) {
        (Some(Adopt::ByName), [one]) => adopt::namesake(situation, one),
        (Some(Adopt::ByName), []) => stall(
            Reason::AdoptNotFound,
            format!(
                "OMS has no project \"{}\" to take over. Correct spec.project.name, or remove \
                 spec.adopt to have it created.",
                situation.project_name
            ),
        ),
        (_, []) => wait_for_others(situation).unwrap_or_else(|| CreateDecision::Reserve {
            attempt,
            spent,
            known_ids: namesakes
                .iter()
                .take(MAX_KNOWN_IDS)
                .map(|one| one.id.clone())
                .collect(),
        }),
        (_, living) => stall(
            Reason::NameConflict,
            words::name_conflict(&situation.project_name, living),
        ),
    }
}

/// A project that was made for a resource which is gone by now, or may have
/// been, is waited for until OMS shows it or it cannot come any more.
fn wait_for_others(situation: &CreateSituation) -> Option<CreateDecision> {
    let until = situation
        .others_attempt_until
        .filter(|until| *until > situation.now)?;
    Some(CreateDecision::Wait {
        until: next_look(situation.now, until),
        message: format!(
            "A project \"{}\" was made, or may have been, for a resource that is gone; waiting \
             for OMS to show it, until {until:.0}.",
            situation.project_name
        ),
    })
}

fn open(situation: &CreateSituation, open: &OpenAttempt) -> CreateDecision {
    let reservation = &open.reservation;
    let quarantine = open.quarantine(situation.timing);
    let Look::Seen { namesakes, walked } = &situation.look else {
        return open_unseen(situation, reservation, quarantine);
    };
    let candidates = candidates(namesakes, reservation);
    match candidates.as_slice() {
        [one] => return recovered(situation, open, one),
        [] => {}
        many => {
            if let Some(decision) = adopt::settles(situation) {
                return decision;
            }
            let message = words::ambiguous(&reservation.project_name, many);
            if situation.deleting {
                return CreateDecision::LetGo {
                    left: Some(message),
                };
            }
            return stall(Reason::CreateAmbiguous, message);
        }
    }
    if situation.now < quarantine {
        return CreateDecision::Wait {
            until: next_look(situation.now, quarantine),
            message: format!(
                "Attempt {} to create \"{}\" may have had an effect that OMS does not show yet; \
                 looking again until {quarantine:.0}, then trying anew.",
                reservation.attempt, reservation.project_name
            ),
        };
    }
    let Some(walked) = walked else {
        return CreateDecision::LookThoroughly;
    };
    if situation.deleting {
        return CreateDecision::LetGo {
            left: Some(format!(
                "attempt {} to create \"{}\" was never answered; OMS showed no such project{}",
                reservation.attempt,
                reservation.project_name,
                words::but_lookalikes(walked)
            )),
        };
    }
    if let Some(decision) = adopt::settles(situation) {
        return decision;
    }
    let is_answered = situation.retry_asked && situation.doubt_told;
    if !walked.lookalikes.is_empty() && !is_answered {
        return stall(
            Reason::CreateAmbiguous,
            words::renamed(&reservation.project_name, walked),
        );
    }
    // What has the name now is not ours. A new attempt has to respect it.
    if open.spent >= MAX_UNKNOWN_ATTEMPTS && !situation.asked_again() {
        return stall(
            Reason::CreateUnknown,
            format!(
                "{} attempts to create \"{}\" had no known outcome, and OMS shows no such \
                 project. Look at OMS; then either take a project over (in spec: adopt: \
                 {{projectId: <id>}}), or try again with a new text of the annotation: \
                 oms.oceanbase.com/retry=<any new text>",
                open.spent, reservation.project_name
            ),
        );
    }
    let spent = if situation.asked_again() {
        0
    } else {
        open.spent
    };
    anew(situation, reservation, spent)
}

/// The attempt is settled as without effect. The next goes by the spec of today, and where that
/// gives another name, who has the old one does not matter any more.
fn anew(situation: &CreateSituation, reservation: &Reservation, spent: u32) -> CreateDecision {
    if situation.renamed {
        return CreateDecision::Close { spent };
    }
    fresh(situation, reservation.attempt.saturating_add(1), spent)
}

/// The project of an open attempt. Where nothing but the annotation says so, to
/// take it is to adopt it.
fn recovered(situation: &CreateSituation, open: &OpenAttempt, one: &Namesake) -> CreateDecision {
    let refused = situation.adoption_refused.as_ref();
    let Some(refused) = refused.filter(|_| !open.vouched_for) else {
        return CreateDecision::Record {
            id: one.id.clone(),
            why: Origin::Recovered,
        };
    };
    let message = format!(
        "The annotation oms.oceanbase.com/create-reservation tells of project {} (\"{}\"), which \
         the spec does not ask for, and {refused}.",
        one.id, open.reservation.project_name
    );
    if situation.deleting {
        return CreateDecision::LetGo {
            left: Some(message),
        };
    }
    stall(Reason::AdoptRefused, message)
}

/// An open attempt on a server that shows nothing: never repeated unasked.
fn open_unseen(
    situation: &CreateSituation,
    reservation: &Reservation,
    quarantine: Timestamp,
) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo {
            left: Some(format!(
                "the create of \"{}\" was not answered, and this OMS has no ListProjects to look \
                 with: a project of that name may be left",
                reservation.project_name
            )),
        };
    }
    if let Some(decision) = adopt::settles(situation) {
        return decision;
    }
    // An edit is no answer to a question that only a look can settle.
    if situation.retry_asked {
        if situation.now < quarantine {
            return CreateDecision::Wait {
                until: quarantine,
                message: format!(
                    "Attempt {} to create \"{}\" may still have an effect; trying anew at \
                     {quarantine:.0}.",
                    reservation.attempt, reservation.project_name
                ),
            };
        }
        return anew(situation, reservation, 0);
    }
    stall(
        Reason::CreateUnknown,
        format!(
            "The create of \"{}\" was not answered, and this OMS has no ListProjects to look \
             with. Look in its console; then set spec.adopt.projectId to the project's id, or, \
             if there is none, a new value of the annotation oms.oceanbase.com/retry.",
            reservation.project_name
        ),
    )
}

/// A resource that came back from a backup finds its project, or stalls.
fn restored(situation: &CreateSituation, reservation: &Reservation) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo {
            left: left_by(&situation.record),
        };
    }
    if let Some(decision) = adopt::settles(situation) {
        return decision;
    }
    let Look::Seen { namesakes, .. } = &situation.look else {
        return stall(
            Reason::ActionMissing,
            "This resource was restored, and this OMS has no ListProjects to find its project \
             with: set spec.adopt.projectId."
                .to_owned(),
        );
    };
    let name = &reservation.project_name;
    let candidates: Vec<&Namesake> = candidates(namesakes, reservation)
        .into_iter()
        .filter(|one| !one.status.is_over())
        .collect();
    match (candidates.as_slice(), &situation.adoption_refused) {
        ([one], None) => CreateDecision::Record {
            id: one.id.clone(),
            why: Origin::Restored,
        },
        ([one], Some(refused)) => stall(
            Reason::AdoptRefused,
            format!(
                "This resource was restored, and OMS has its project {} (\"{name}\"), but \
                 {refused}.",
                one.id
            ),
        ),
        ([], _) => stall(
            Reason::RestoredWithoutProject,
            format!(
                "This resource was restored from a copy, and OMS shows no project \"{name}\" that \
                 was made for it. It is not created anew unasked: remove the annotation \
                 oms.oceanbase.com/create-reservation to create it, or set spec.adopt.projectId."
            ),
        ),
        (many, _) => stall(Reason::RestoreAmbiguous, words::ambiguous(name, many)),
    }
}

fn invalid(situation: &CreateSituation, problem: &str) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo {
            left: left_by(&situation.record),
        };
    }
    if let Some(decision) = adopt::settles(situation) {
        return decision;
    }
    stall(
        Reason::ReservationInvalid,
        format!(
            "The annotation oms.oceanbase.com/create-reservation cannot be relied on ({problem}), \
             so it is not known whether a project was created. Look in OMS for \"{}\"; then set \
             spec.adopt.projectId, or remove the annotation if there is none.",
            situation.project_name
        ),
    )
}

/// The projects that this reservation's call may have made.
fn candidates<'a>(namesakes: &'a [Namesake], reservation: &Reservation) -> Vec<&'a Namesake> {
    namesakes
        .iter()
        .filter(|one| !reservation.known_ids.contains(&one.id))
        .filter(|one| one.claimed_by.is_none())
        .filter(|one| one.differences.is_empty())
        .filter(|one| {
            one.created
                .is_none_or(|created| created >= reservation.looked_at - CLOCK_GRAIN)
        })
        .collect()
}

fn next_look(now: Timestamp, quarantine: Timestamp) -> Timestamp {
    quarantine.min(now + LOOK_AGAIN)
}

fn stall(reason: Reason, message: String) -> CreateDecision {
    CreateDecision::Stall { reason, message }
}

#[cfg(test)]
mod tests;
