//! The create protocol's decisions: exactly one project for a resource.
//!
//! Pure: everything this looks at is gathered before, everything it asks for
//! is done after. `docs/safety.md` tells the protocol as a whole.

use jiff::{SignedDuration, Timestamp};

use super::observed::ProjectStatus;
use super::record::{OpenAttempt, Record};
use super::reservation::Reservation;
use crate::api::v1alpha1::Reason;

/// After so many attempts of unknown outcome a human is asked.
pub const MAX_UNKNOWN_ATTEMPTS: u32 = 3;

/// How far OMS's clock, read to the second, may run behind itself between the
/// look and the creation: both are cut to whole seconds.
pub const CLOCK_GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// How often the name is looked up again while an attempt is open.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// The times that bound how long a sent create may still take effect.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Longest time one CreateProject call is waited for.
    pub call: SignedDuration,
    /// Wait after a call that nobody answered.
    pub silent: SignedDuration,
    /// Wait after a call that OMS answered with a failure.
    pub replied: SignedDuration,
}

/// What the resource wants to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// The project with this id, as found by asking OMS for it.
    Id(String, Adoptee),
    /// The one project with the resource's project name.
    ByName,
}

/// What OMS said of the project that `spec.adopt.projectId` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoptee {
    /// It is there.
    Present {
        /// Its status.
        status: ProjectStatus,
        /// The resource that has it already, as `namespace/name`.
        claimed_by: Option<String>,
    },
    /// OMS knows no such project.
    Absent,
    /// OMS has no action to ask with.
    Unobservable,
}

/// A project with exactly the wanted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: ProjectStatus,
    /// When OMS says it was made, by OMS's clock.
    pub created: Option<Timestamp>,
    /// The resource that has recorded it, as `namespace/name`.
    pub claimed_by: Option<String>,
    /// In what it differs from the body that was sent, where that was compared.
    pub differences: Vec<String>,
}

/// What looking for the name in OMS has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The server has no ListProjects: nothing can be seen.
    Unsupported,
    /// These have the name.
    Seen {
        /// Every project with exactly the name.
        namesakes: Vec<Namesake>,
        /// What a walk over all recent projects has shown besides, if one was
        /// made. Only then is "none" believed of an open attempt.
        walked: Option<Walked>,
    },
}

/// What a walk has shown that a search by name cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Projects of another name that nobody claims, made since the attempt and
    /// equal to its body: the attempt's project may have been renamed.
    pub lookalikes: Vec<String>,
}

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct CreateSituation {
    /// Now, by the operator's clock.
    pub now: Timestamp,
    /// The resource is being deleted.
    pub deleting: bool,
    /// What is on record of earlier attempts.
    pub record: Record,
    /// The project's name in OMS.
    pub project_name: String,
    /// What the resource wants to take over, if anything.
    pub adopt: Option<Adopt>,
    /// Why the connection does not let this resource take over a project.
    pub adoption_refused: Option<String>,
    /// A human has said "again" since the attempts were used up: a new retry
    /// annotation, or another spec.
    pub asked_again: bool,
    /// The resource that comes first for this name on this OMS.
    pub rival: Option<String>,
    /// Until when an attempt of a resource that is gone may still make a
    /// project with this name.
    pub others_attempt_until: Option<Timestamp>,
    /// What the look has shown.
    pub look: Look,
    /// The bounds.
    pub timing: Timing,
}

/// Why an id is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// It is the project of this resource's own interrupted create.
    Recovered,
    /// The resource asked to take it over.
    Adopted,
    /// A restored resource found the project it had before.
    Restored,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateDecision {
    /// Reserve, then call.
    Reserve {
        /// Number of the attempt.
        attempt: u32,
        /// Attempts of unknown outcome so far, since a human last asked.
        spent: u32,
        /// Ids that have the name and are not ours.
        known_ids: Vec<String>,
    },
    /// Write this id into the resource.
    Record {
        /// The project.
        id: String,
        /// Why it is this one.
        why: Provenance,
    },
    /// Look by the second way too, then decide again.
    LookThoroughly,
    /// Nothing but time can help: look again at `until`.
    Wait {
        /// When to look again.
        until: Timestamp,
        /// Until when no new attempt is made.
        quarantine: Option<Timestamp>,
        /// What for.
        message: String,
    },
    /// A human has to act.
    Stall {
        /// Why, as a word.
        reason: Reason,
        /// Why, and what to do.
        message: String,
    },
    /// The resource is being deleted and nothing holds it any more.
    LetGo {
        /// What may be left in OMS.
        left: Option<String>,
    },
}

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
        return adopt_id(situation, id, adoptee);
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
    if let Some(until) = situation
        .others_attempt_until
        .filter(|until| *until > situation.now)
    {
        return CreateDecision::Wait {
            until: next_look(situation.now, until),
            quarantine: Some(until),
            message: format!(
                "An earlier create of \"{}\", for a resource that is gone, is not settled; \
                 waiting until {until}.",
                situation.project_name
            ),
        };
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
        return CreateDecision::Reserve {
            attempt,
            spent,
            known_ids: Vec::new(),
        };
    };
    let living: Vec<&Namesake> = namesakes
        .iter()
        .filter(|one| !one.status.is_over())
        .collect();
    match (&situation.adopt, living.as_slice()) {
        (Some(Adopt::ByName), [one]) => adopt_namesake(situation, one),
        (Some(Adopt::ByName), []) => stall(
            Reason::AdoptNotFound,
            format!(
                "OMS has no project \"{}\" to take over. Correct spec.project.name, or remove \
                 spec.adopt to have it created.",
                situation.project_name
            ),
        ),
        (_, []) => CreateDecision::Reserve {
            attempt,
            spent,
            known_ids: namesakes.iter().map(|one| one.id.clone()).collect(),
        },
        (_, living) => stall(
            Reason::NameConflict,
            name_conflict(&situation.project_name, living),
        ),
    }
}

fn open(situation: &CreateSituation, open: &OpenAttempt) -> CreateDecision {
    let reservation = &open.reservation;
    let quarantine = open.quarantine(situation.timing);
    let Look::Seen { namesakes, walked } = &situation.look else {
        return open_unseen(situation, reservation);
    };
    let candidates = candidates(namesakes, reservation);
    match candidates.as_slice() {
        [one] => {
            return CreateDecision::Record {
                id: one.id.clone(),
                why: Provenance::Recovered,
            };
        }
        [] => {}
        many => {
            if let Some(decision) = adopt_settles(situation) {
                return decision;
            }
            let message = ambiguous(&reservation.project_name, many);
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
            quarantine: Some(quarantine),
            message: format!(
                "Attempt {} to create \"{}\" may have had an effect that OMS does not show yet; \
                 looking again until {quarantine}, then trying anew.",
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
                "attempt {} to create \"{}\" was never answered; OMS showed no such project",
                reservation.attempt, reservation.project_name
            )),
        };
    }
    if let Some(decision) = adopt_settles(situation) {
        return decision;
    }
    if !walked.lookalikes.is_empty() && !situation.asked_again {
        return stall(
            Reason::CreateAmbiguous,
            renamed(&reservation.project_name, walked),
        );
    }
    // What has the name now is not ours. A new attempt has to respect it.
    if open.spent >= MAX_UNKNOWN_ATTEMPTS && !situation.asked_again {
        return stall(
            Reason::CreateUnknown,
            format!(
                "{} attempts to create \"{}\" had no known outcome, and OMS shows no such \
                 project. Look at OMS; then either take a project over with\n  spec:\n    adopt: \
                 {{projectId: <id>}}\nor try again with a new value of the annotation \
                 oms.oceanbase.com/retry.",
                open.spent, reservation.project_name
            ),
        );
    }
    let spent = if situation.asked_again { 0 } else { open.spent };
    fresh(situation, reservation.attempt + 1, spent)
}

/// An open attempt on a server that shows nothing: never repeated unasked.
fn open_unseen(situation: &CreateSituation, reservation: &Reservation) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo {
            left: Some(format!(
                "the create of \"{}\" was not answered, and this OMS has no ListProjects to look \
                 with: a project of that name may be left",
                reservation.project_name
            )),
        };
    }
    if let Some(decision) = adopt_settles(situation) {
        return decision;
    }
    if situation.asked_again {
        return fresh(situation, reservation.attempt + 1, 0);
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
        return CreateDecision::LetGo { left: None };
    }
    if let Some(decision) = adopt_settles(situation) {
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
            why: Provenance::Restored,
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
        (many, _) => stall(Reason::RestoreAmbiguous, ambiguous(name, many)),
    }
}

fn invalid(situation: &CreateSituation, problem: &str) -> CreateDecision {
    if situation.deleting {
        return CreateDecision::LetGo {
            left: Some("the record of the create could not be read".to_owned()),
        };
    }
    if let Some(decision) = adopt_settles(situation) {
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

/// `adopt.projectId` is a human's answer to a question the operator cannot
/// settle; without it, or by name, there is none.
fn adopt_settles(situation: &CreateSituation) -> Option<CreateDecision> {
    match &situation.adopt {
        Some(Adopt::Id(id, adoptee)) if !situation.deleting => {
            Some(adopt_id(situation, id, adoptee))
        }
        _ => None,
    }
}

fn adopt_id(situation: &CreateSituation, id: &str, adoptee: &Adoptee) -> CreateDecision {
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
        Adoptee::Present { .. } | Adoptee::Unobservable => CreateDecision::Record {
            id: id.to_owned(),
            why: Provenance::Adopted,
        },
    }
}

fn adopt_namesake(situation: &CreateSituation, one: &Namesake) -> CreateDecision {
    let adoptee = Adoptee::Present {
        status: one.status.clone(),
        claimed_by: one.claimed_by.clone(),
    };
    adopt_id(situation, &one.id, &adoptee)
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

fn name_conflict(name: &str, living: &[&Namesake]) -> String {
    let one = living[0];
    match (living.len(), &one.claimed_by) {
        (1, Some(other)) => format!(
            "OMS has a project \"{name}\" already: {} ({}), which belongs to MigrationProject \
             {other}. Set another spec.project.name.",
            one.id, one.status
        ),
        (1, None) => format!(
            "OMS has a project \"{name}\" already: {} ({}). Set another spec.project.name, or \
             take it over:\n  spec:\n    adopt: {{projectId: {}}}",
            one.id, one.status, one.id
        ),
        _ => format!(
            "OMS has {} projects \"{name}\" already: {}. Set another spec.project.name, or take \
             one over with spec.adopt.projectId.",
            living.len(),
            list(living)
        ),
    }
}

fn ambiguous(name: &str, many: &[&Namesake]) -> String {
    format!(
        "More than one project \"{name}\" in OMS may be this resource's: {}. Look at them, then \
         choose one with spec.adopt.projectId.",
        list(many)
    )
}

fn renamed(name: &str, walked: &Walked) -> String {
    format!(
        "The create of \"{name}\" was not answered, and OMS has no project of that name, but {} \
         was made since, is equal to it, and belongs to nobody: was it renamed? If it is this \
         resource's, set spec.adopt.projectId; if not, a new value of the annotation \
         oms.oceanbase.com/retry creates the project.",
        walked
            .lookalikes
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn list(many: &[&Namesake]) -> String {
    let shown: Vec<String> = many
        .iter()
        .take(5)
        .map(|one| format!("{} ({})", one.id, one.status))
        .collect();
    shown.join(", ")
}
