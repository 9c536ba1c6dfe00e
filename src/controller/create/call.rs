//! The dangerous part of the create protocol: from the reservation to the id
//! on the resource. Once begun it is not cancelled.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::trace::to_status;
use crate::api::v1alpha1::{CreateStatus, MigrationProject, Reason};
use crate::controller::audit::{Asker, audit};
use crate::controller::context::Context;
use crate::controller::failure;
use crate::controller::kubernetes::{self, Turn};
use crate::controller::link::Link;
use crate::controller::me::Me;
use crate::controller::memory::{Guard, LastMutation};
use crate::controller::pass::{Error, MOMENT, Step, refused_or_wait};
use crate::controller::publish::publish;
use crate::decide::create::MAX_UNKNOWN_ATTEMPTS;
use crate::decide::words::sentence;
use crate::decide::{Ending, FirstSeen, Trace, Verdict, later};
use crate::oms::{self, Outcome};

/// What is attempted.
pub struct Attempt {
    /// The reservation, and what went before.
    pub trace: Trace,
    /// The request.
    pub body: Map<String, Value>,
    /// For the reservation: what it waited for is over before its ten seconds begin.
    pub turn: Turn,
}

/// Reserves on the resource as it was `read`, then calls CreateProject, in the
/// place that `link` holds.
pub async fn reserve_and_call(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: Link,
    attempt: Attempt,
) -> Result<Step, Error> {
    let Attempt { trace, body, turn } = attempt;
    if !context.may_begin_a_change() {
        return Ok(Step::After(MOMENT));
    }
    let text = trace.reservation.to_annotation();
    // Remembered before it is written: when the answer to the write is lost,
    // the reservation is known to be one that no call was made under.
    let before = context.memory.remember(&me.uid, &me.key, |mine| {
        mine.attempt.replace(Box::new(trace.clone()))
    });
    let reserved = match context.kubernetes.reserve(read, &text, turn).await {
        Ok(reserved) => reserved,
        Err(error) => {
            // Certainly not written: there never was such an attempt.
            if error.is_conflict() {
                context
                    .memory
                    .remember(&me.uid, &me.key, |mine| mine.attempt = before);
            }
            return Err(error.into());
        }
    };
    context.note(&reserved);
    // What was asked before is answered.
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.asked_with = None);
    if reserved.metadata.deletion_timestamp.is_some() {
        return Ok(Step::Again);
    }
    let unlisted = link.live.unlisted;
    let outcome = call(context, me, &link, &trace, body).await;
    // What comes now may need a place of its own.
    drop(link);
    match outcome {
        None => Ok(Step::Again),
        Some(Outcome::Done(id, _)) => {
            super::id::record(context, me, &id, reserved.metadata.generation).await
        }
        Some(Outcome::NotDone(error)) => not_done(context, me, &reserved, &trace, &error).await,
        Some(Outcome::Unknown(error)) => {
            unknown(context, me, &reserved, &trace, &error, unlisted).await
        }
    }
}

/// The call itself, in a task of its own: neither the end of this reconcile nor
/// that of the controller cancels it. `None`: too late to call, the lease ends too
/// soon, or the connection asks for something else by now.
async fn call(
    context: &Context,
    me: &Me,
    link: &Link,
    trace: &Trace,
    body: Map<String, Value>,
) -> Option<Outcome<String>> {
    if context.clock.now() > trace.reservation.not_after
        || !context.may_finish_a_change()
        || !link.says_the_same(context)
    {
        return None;
    }
    let mut begun = trace.clone();
    begun.ending = Ending::Unknown { replied: false };
    begun.spent = begun.spent.saturating_add(1);
    context.memory.remember(&me.uid, &me.key, |mine| {
        mine.attempt = Some(Box::new(begun))
    });
    let client = link.live.client.clone();
    let call = async move { client.create_project(&body).await };
    let outcome = match context.tasks.spawn(call).await {
        Ok(outcome) => outcome,
        // A panic in the client: what it did is not known, and the memory says
        // so already. The next pass looks.
        Err(_) => return None,
    };
    let asker = Asker {
        key: &me.key,
        uid: &me.uid,
        generation: me.generation,
    };
    let made = match &outcome {
        Outcome::Done(id, _) => Some(id.as_str()),
        Outcome::NotDone(_) | Outcome::Unknown(_) => None,
    };
    let name = trace.reservation.project_name.as_str();
    audit(
        &asker,
        oms::Action::CreateProject,
        Some(name),
        made,
        &outcome,
    );
    let (now, timing) = (context.clock.now(), context.settings.timing);
    context
        .memory
        .remember(&me.uid, &me.key, |mine| match &outcome {
            Outcome::Done(id, _) => {
                mine.made = Some(id.clone());
                mine.guard = Some(Box::new(Guard {
                    url: trace.reservation.connection.url.clone(),
                    name: trace.reservation.project_name.clone(),
                    since: now,
                    until: later(now, timing.silent.max(timing.replied)),
                }));
                mine.mutated = Some((LastMutation::Created, Instant::now()));
            }
            Outcome::NotDone(_) => mine.attempt = Some(Box::new(trace.clone())),
            Outcome::Unknown(error) => {
                mine.first_seen = Some(FirstSeen::new(&trace.reservation, now));
                if let Some(attempt) = &mut mine.attempt {
                    attempt.ending = Ending::Unknown {
                        replied: error.was_answered(),
                    };
                }
            }
        });
    Some(outcome)
}

async fn not_done(
    context: &Context,
    me: &Me,
    reserved: &MigrationProject,
    trace: &Trace,
    error: &oms::Error,
) -> Result<Step, Error> {
    let (verdict, wait) = refused_or_wait(context, me, error, Reason::CreateRejected);
    write_outcome(context, reserved, trace, error, &verdict, wait).await?;
    Ok(Step::At(wait))
}

/// It is said that the project is looked for, and until when; where OMS cannot
/// list (`unlisted`) nobody can look, and the next pass says what is to be done.
async fn unknown(
    context: &Context,
    me: &Me,
    reserved: &MigrationProject,
    trace: &Trace,
    error: &oms::Error,
    unlisted: bool,
) -> Result<Step, Error> {
    context.metrics.projects().unknown();
    let attempt = context.memory.recall(&me.uid).and_then(|mine| mine.attempt);
    let trace = attempt.map_or_else(|| trace.clone(), |attempt| *attempt);
    let now = context.clock.now();
    let until = to_status(&trace, now, context.settings.timing, None, now).quarantine_until;
    let until = until.map_or_else(String::new, |until| format!(" until {until:.0}"));
    let name = &trace.reservation.project_name;
    let verdict = Verdict::progressing(
        Reason::Creating,
        format!(
            "It is not known whether OMS has created \"{name}\" ({error}); looking for it{until}."
        ),
    );
    write_outcome(context, reserved, &trace, error, &verdict, Duration::ZERO).await?;
    if !unlisted {
        // Events of one reason are counted up, with the note of the first: it has to
        // hold for the next attempts, too.
        let failure = failure::text(error);
        let note = format!(
            "It is not known whether OMS has created \"{name}\": {} It is looked for{until} (for a \
             later attempt: status.create.quarantineUntil). What shows by then is taken; if nothing \
             does, it is created anew, and after {MAX_UNKNOWN_ATTEMPTS} such attempts a person is \
             asked.",
            sentence(&failure)
        );
        let reason = Reason::CreateUnsettled;
        context.events.warning(reserved, reason, &note).await;
    }
    Ok(Step::Again)
}

async fn write_outcome(
    context: &Context,
    reserved: &MigrationProject,
    trace: &Trace,
    error: &oms::Error,
    verdict: &Verdict,
    wait: Duration,
) -> Result<(), kubernetes::Error> {
    let now = context.clock.now();
    publish(context, reserved, Some(verdict), |status| {
        let before = status.create.take();
        let timing = context.settings.timing;
        let create = to_status(trace, now, timing, before.as_ref(), now);
        status.create = Some(CreateStatus {
            message: Some(failure::text(error)),
            ..create
        });
        let before = status.last_error.take();
        status.last_error = Some(failure::last_error(error, before.as_ref(), now, wait));
    })
    .await?;
    Ok(())
}
