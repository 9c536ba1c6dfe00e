//! What each decision says.

use super::Departure;
use crate::api::v1alpha1::{ConditionType, DeletionPolicy, Reason};
use crate::decide::mutation::Mutation;
use crate::decide::observed::Observed;
use crate::decide::verdict::{Readiness, Statement, Verdict};

/// Other finalizers are waited for: whoever set them may still need the project.
pub(super) fn others(departure: &Departure) -> Verdict {
    Verdict::progressing(
        Reason::Deleting,
        format!(
            "The resource is being deleted. Waiting for its other finalizers first: {}.",
            departure.others.join(", ")
        ),
    )
}

/// Why the project is left alone for good, if it is.
pub(super) fn not_to_be_touched(departure: &Departure) -> Option<String> {
    let (id, policy) = (&departure.id, policy(departure));
    if let Some(connection) = &departure.refused_by {
        return Some(format!(
            "project {id} stays in OMS, because OMSConnection {connection} does not allow \
             deletionPolicy {policy} (its spec.allowedDeletionPolicies)"
        ));
    }
    let other = departure.shared_with.as_ref()?;
    Some(format!(
        "project {id} stays in OMS, because MigrationProject {other} has it too"
    ))
}

/// That a change is due, as a clause.
pub(super) fn due(departure: &Departure, mutation: Mutation) -> String {
    let id = &departure.id;
    format!("Project {id} is to be {}", mutation.participle())
}

/// What a resource says that stays, as long as its connection would not let its
/// policy be carried out.
#[must_use]
pub fn refused(connection: &str, policy: DeletionPolicy) -> Statement {
    let policy = policy.as_str();
    let message = format!(
        "OMSConnection {connection} does not allow deletionPolicy {policy} (its \
         spec.allowedDeletionPolicies): deleting this resource would leave the project in OMS."
    );
    Statement::new(
        ConditionType::DeletionPolicyRefused,
        Some(true),
        Reason::PolicyNotAllowed,
        message,
    )
}

/// OMS is at work.
pub(super) fn waits(departure: &Departure) -> Verdict {
    let (id, word) = (&departure.id, word(departure));
    Verdict::progressing(
        Reason::Deleting,
        format!("The resource is being deleted. Waiting for OMS, where project {id} is {word}."),
    )
}

/// OMS uses a word that this version does not know.
pub(super) fn strange(departure: &Departure) -> Verdict {
    let (id, word) = (&departure.id, word(departure));
    Verdict::progressing(
        Reason::StatusUnknown,
        format!(
            "OMS says that project {id} is \"{word}\", which this version does not know; nothing \
             is done."
        ),
    )
}

/// OMS cannot tell.
pub(super) fn unseeable(departure: &Departure) -> Verdict {
    let missing = match departure.observed {
        Observed::Unobservable { missing } => missing,
        _ => "DescribeProject",
    };
    Verdict::progressing(
        Reason::ActionMissing,
        format!(
            "This OMS does not know the action {missing}: the status of project {} cannot be read, \
             and nothing is done.",
            departure.id
        ),
    )
}

/// There is nothing to release.
pub(super) fn never_started(departure: &Departure) -> String {
    format!(
        "project {} was never started, so there is nothing to release: it stays in OMS as INIT \
         (deletionPolicy: Delete would take it away)",
        departure.id
    )
}

/// `why` something is waited for, and until when. It may be the word of a
/// connection that a person has to mend; the resource goes by itself in the end.
pub(super) fn until(departure: &Departure, why: Verdict) -> Verdict {
    let deadline = departure.deadline;
    let then = match (departure.gives_up(), departure.policy) {
        (true, DeletionPolicy::Retain) => "the resource goes".to_owned(),
        (true, _) => format!(
            "the resource goes and project {} stays in OMS",
            departure.id
        ),
        (false, _) => "a person is asked".to_owned(),
    };
    let sentence = format!(
        "deletionPolicy is {}; if it cannot be done by {deadline:.0} (spec.deletionTimeout), {then}.",
        policy(departure)
    );
    Verdict {
        readiness: Readiness::Progressing,
        ..why.and(&sentence)
    }
}

/// The time is over, and the resource goes.
pub(super) fn left(departure: &Departure, why: &Verdict) -> String {
    let (id, policy) = (&departure.id, policy(departure));
    let seen = match word(departure) {
        "" => String::new(),
        word => format!(", where it is {word}"),
    };
    format!(
        "project {id} stays in OMS{seen}: deletionPolicy {policy} could not be carried out within \
         spec.deletionTimeout. {}",
        why.message
    )
}

/// The time is over, and the resource stays.
pub(super) fn blocked(departure: &Departure, why: &Verdict) -> String {
    format!(
        "The resource is being deleted, and deletionPolicy {} could not be carried out within \
         spec.deletionTimeout. It is still tried (onDeletionTimeout: Block). {} To let the resource \
         go and leave the project in OMS:\n  spec:\n    deletionPolicy: Retain",
        policy(departure),
        why.message
    )
}

fn policy(departure: &Departure) -> &'static str {
    departure.policy.as_str()
}

fn word(departure: &Departure) -> &str {
    match &departure.observed {
        Observed::Present(status) => status.word(),
        _ => "",
    }
}
