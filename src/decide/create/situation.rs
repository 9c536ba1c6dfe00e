//! What a decision about a create rests on, and what it can be.

use jiff::Timestamp;

use crate::api::v1alpha1::Reason;
use crate::decide::observed::ProjectStatus;
use crate::decide::record::{Record, Timing};

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
    Unobservable {
        /// The resource that has it already, as `namespace/name`.
        claimed_by: Option<String>,
    },
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
    /// A human has said "again" by a new retry annotation.
    pub retry_asked: bool,
    /// The resource says that projects may be its own although they have another name: only
    /// then is the human's word an answer to that.
    pub doubt_told: bool,
    /// The spec is another than the one the open attempt was made from.
    pub spec_changed: bool,
    /// The spec asks for another project name than `project_name`, which the open attempt
    /// was made with.
    pub renamed: bool,
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

impl CreateSituation {
    /// Whether a human has spoken since the attempts were used up.
    #[must_use]
    pub fn asked_again(&self) -> bool {
        self.retry_asked || self.spec_changed
    }
}

/// Why an id is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
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
    /// The open attempt is settled as without effect: decide anew, under the name of today.
    Close {
        /// Attempts of unknown outcome so far, since a human last asked.
        spent: u32,
    },
    /// Write this id into the resource.
    Record {
        /// The project.
        id: String,
        /// Why it is this one.
        why: Origin,
    },
    /// Look by the second way too, then decide again.
    LookThoroughly,
    /// Nothing but time can help: look again at `until`.
    Wait {
        /// When to look again.
        until: Timestamp,
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
