//! `status.create` and back: how an attempt stands in the status.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::keys::CREATE_RESERVATION;
use crate::controller::context::Context;
use crate::controller::failure::to_second;
use crate::controller::me::{Me, annotation};

use crate::api::v1alpha1::{
    ConnectionIdentity, CreateOutcome, CreateStatus, MigrationProject, Reason,
};
use crate::decide::{
    Ending, Identity, OpenAttempt, Provenance, Record, Reservation, ReservedConnection, Sources,
    Target, Timing, Trace, body, classify, record,
};

/// The attempt that `status.create` tells of, if it tells enough to act on.
#[must_use]
pub fn from_status(project: &MigrationProject, identity: &Identity) -> Option<Trace> {
    let create = project.status.as_ref()?.create.as_ref()?;
    let connection = create.connection.clone().unwrap_or_default();
    let ending = match create.outcome? {
        CreateOutcome::NotDone => Ending::NotDone,
        CreateOutcome::Unknown => Ending::Unknown {
            replied: create.replied == Some(true),
        },
    };
    let spent = create
        .unknown_attempts
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(0);
    let target = Target {
        connection: ReservedConnection {
            uid: connection.uid.unwrap_or_default(),
            url: connection.url?,
        },
        project_name: create.project_name.clone()?,
        body_hash: create.body_hash.clone().unwrap_or_default(),
        known_ids: create.known_ids.clone().unwrap_or_default(),
        looked_at: create.looked_at?,
        retry: create.handled_retry.clone(),
        unknown_attempts: match ending {
            Ending::NotDone => spent,
            Ending::Unknown { .. } => spent.saturating_sub(1),
        },
    };
    let attempt = u32::try_from(create.attempt?).ok()?;
    let mut reservation = Reservation::new(identity, attempt, create.at?, target);
    reservation.not_after = create.not_after.unwrap_or(reservation.not_after);
    if !reservation.can_be_reckoned_with() {
        return None;
    }
    Some(Trace {
        reservation,
        ending,
        spent,
    })
}

/// An attempt as the status shows it. `since` is kept from `before` where that
/// tells of the same attempt and outcome.
#[must_use]
pub fn to_status(
    trace: &Trace,
    first_look: Timestamp,
    timing: Timing,
    before: Option<&CreateStatus>,
    now: Timestamp,
) -> CreateStatus {
    let reservation = &trace.reservation;
    let (outcome, replied, quarantine) = match trace.ending {
        Ending::NotDone => (CreateOutcome::NotDone, None, None),
        Ending::Unknown { replied } => {
            let open = OpenAttempt {
                reservation: reservation.clone(),
                replied,
                first_look,
                spent: trace.spent,
                vouched_for: true,
            };
            (
                CreateOutcome::Unknown,
                Some(replied),
                Some(open.quarantine(timing)),
            )
        }
    };
    let asked_with = before
        .filter(|before| before.at == Some(reservation.at))
        .and_then(|before| before.asked_with.clone());
    let same = before
        .filter(|before| before.at == Some(reservation.at) && before.outcome == Some(outcome));
    CreateStatus {
        attempt: i32::try_from(reservation.attempt).ok(),
        at: Some(reservation.at),
        outcome: Some(outcome),
        since: same.and_then(|same| same.since).or(Some(to_second(now))),
        unknown_attempts: i32::try_from(trace.spent).ok(),
        quarantine_until: quarantine.map(to_second),
        project_name: Some(reservation.project_name.clone()),
        body_hash: Some(reservation.body_hash.clone()),
        looked_at: Some(reservation.looked_at),
        not_after: Some(reservation.not_after),
        known_ids: (!reservation.known_ids.is_empty()).then(|| reservation.known_ids.clone()),
        connection: Some(ConnectionIdentity {
            uid: Some(reservation.connection.uid.clone()),
            url: Some(reservation.connection.url.clone()),
        }),
        replied,
        handled_retry: reservation.retry.clone(),
        asked_with,
        message: same.and_then(|same| same.message.clone()),
    }
}

/// What is on record of earlier attempts, as the resource tells it, and the `memory` of
/// a process that has made one. A reservation counts as of this `cluster` where that is
/// not known.
#[must_use]
pub fn on_record(
    project: &MigrationProject,
    memory: Option<Trace>,
    cluster: Option<&str>,
    now: Timestamp,
) -> Record {
    let text = annotation(project, CREATE_RESERVATION);
    let written = text.and_then(|text| serde_json::from_str::<Reservation>(text).ok());
    let written_in = written.map(|reservation| reservation.cluster);
    let identity = Identity {
        cluster: cluster
            .map(str::to_owned)
            .or(written_in)
            .unwrap_or_default(),
        namespace: project.namespace().unwrap_or_default(),
        name: project.name_any(),
        uid: project.uid().unwrap_or_default(),
    };
    let sources = Sources {
        annotation: classify(text, &identity),
        status: from_status(project, &identity),
        memory,
        first_seen: None,
        created: project.creation_timestamp().map(|time| time.0),
        now,
        // They only tell how far a reservation may be trusted.
        project_name: String::new(),
        body_hash: String::new(),
    };
    record(&sources).0
}

/// What is on record of earlier attempts for the resource.
pub async fn record_of(context: &Context, me: &Me, read: &MigrationProject) -> Record {
    let identity = context.identity(&me.key, &me.uid);
    let found = classify(annotation(read, CREATE_RESERVATION), &identity);
    let now = context.clock.now();
    let (memory, first_seen, told) = context.memory.remember(&me.uid, &me.key, |mine| {
        let is_foreign = matches!(found, Provenance::Foreign(_));
        let told = std::mem::replace(&mut mine.told_foreign, is_foreign);
        (mine.attempt.as_deref().cloned(), mine.first_seen, told)
    });
    if let (Provenance::Foreign(foreign), false) = (&found, told) {
        let note = format!(
            "The create reservation was written for {}/{} and is ignored here.",
            foreign.namespace, foreign.name
        );
        context
            .events
            .warning(read, Reason::ForeignReservation, &note)
            .await;
    }
    let sources = Sources {
        annotation: found,
        status: from_status(read, &identity),
        memory,
        first_seen,
        created: read.creation_timestamp().map(|time| time.0),
        now,
        project_name: context.claims.name_of(read),
        body_hash: body::spec_hash(&read.spec),
    };
    let (record, first_seen) = record(&sources);
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.first_seen = first_seen);
    record
}
