//! The create protocol at work: look, reserve, call, record; one pass of it.
//!
//! What is decided is decided in [`crate::decide::create`]; here it is
//! gathered and done. `docs/safety.md` tells the protocol as a whole.

mod call;
mod endpoints;
mod held;
mod id;
mod look;
mod trace;

use kube::ResourceExt;

use self::held::Held;
pub use self::id::finish;
use self::trace::record_of;
pub use self::trace::{on_record, to_status};
use super::claims::Key;
use super::context::Context;
use super::farewell::let_go;
use super::life::gives_up_at;
use super::link::{Blocked, Link, link};
use super::me::{Me, annotation, is_held};
use super::pass::{Error, MOMENT, STALLED_RECHECK, Step, wait_until};
use super::publish::publish;
use super::waits;
use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::{MigrationProject, Reason};
use crate::decide::remove::End;
use crate::decide::{Record, Reservation, Verdict, create};
use crate::oms;

/// One pass over a resource that has no project id yet. `read` may be old: it
/// is read again before anything rests on it.
pub async fn pass(context: &Context, read: &MigrationProject) -> Result<Step, Error> {
    let me = Me::of(context, read);
    if let Some(id) = context
        .memory
        .recall(&me.uid)
        .and_then(|remembered| remembered.made)
    {
        return id::record(context, &me, &id, None).await;
    }
    let record = record_of(context, &me, read).await;
    let deleting = read.metadata.deletion_timestamp.is_some();
    if deleting && !matches!(record, Record::Open(_)) {
        let end = create::left_by(&record).map_or(End::Nothing, End::Left);
        return let_go(context, &me, read, None, end).await;
    }
    if deleting {
        // Whatever is said from here on.
        context.namespace_goes(read).await?;
    }
    let link = match link(context, read).await? {
        Ok(link) => link,
        Err(Blocked::NotYet(wait)) => return Ok(Step::After(wait)),
        Err(Blocked::Because(verdict)) => {
            return blocked(context, &me, read, &record, verdict).await;
        }
    };
    if !link.held && !deleting {
        context.wake_connection.wake(&link.key);
        return Ok(Step::After(MOMENT));
    }
    let (url, name) = target(context, read, &record, &link);
    if !link.live.is_same_oms(&url) {
        let verdict = elsewhere(&url, &name, &link);
        return blocked(context, &me, read, &record, verdict).await;
    }

    let _lock = context.locks.lock(link.live.url.as_str(), &name).await;
    // One place among the calls under way, from the look to the create: what was
    // looked at does not grow old in a queue, nor does the reservation.
    let create = oms::Action::CreateProject;
    let placed = link.live.client.in_a_place(create);
    let Some(placed) = context.unless_stopped(placed).await else {
        return Ok(Step::After(MOMENT));
    };
    // What was read before the lock was got may be old by now.
    let Some(live) = context.kubernetes.live(&me.key).await? else {
        context.memory.forget(&me.uid);
        return Ok(Step::Gone);
    };
    if live.resource_version() != read.resource_version() {
        return Ok(Step::Reread(Box::new(live)));
    }
    let mut held = Held {
        context,
        me,
        read: live,
        record,
        link,
        name,
    };
    match placed {
        Ok(client) => {
            held.link.take_place_of(&client);
            // The link has the place now, and with the link it is given back.
            drop(client);
            held.run().await
        }
        Err(error) => held.oms_failed(&error).await,
    }
}

/// What stands in the way of a connection stands in the way of the pass; but a
/// deletion is not held up for longer than an attempt may take effect.
async fn blocked(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    record: &Record,
    verdict: Verdict,
) -> Result<Step, Error> {
    if let (Record::Open(open), true) = (record, read.metadata.deletion_timestamp.is_some()) {
        let quarantine = open.quarantine(context.settings.timing);
        let until = gives_up_at(context, read, quarantine).await?;
        if until.is_none_or(|until| context.clock.now() < until) {
            publish(context, read, Some(&verdict), |_| {}).await?;
            return Ok(until.map_or(Step::After(STALLED_RECHECK), |until| {
                wait_until(context, until)
            }));
        }
        let left = format!(
            "the create of \"{}\" was not settled, and OMS could not be asked: a project of that \
             name may be left",
            open.reservation.project_name
        );
        return let_go(context, me, read, None, End::Left(left)).await;
    }
    // Deleted without its finalizer, it would be gone with all that tells of the attempt.
    if !context.claims.knows_newer(read)
        && let Some(step) = put_back(context, read, record).await?
    {
        return Ok(step);
    }
    waits::blocked(context, read, &verdict).await
}

/// A reservation or finalizer that was stripped while an attempt is open is put back
/// from what the status or the memory knows.
async fn put_back(
    context: &Context,
    read: &MigrationProject,
    record: &Record,
) -> Result<Option<Step>, Error> {
    let Record::Open(open) = record else {
        return Ok(None);
    };
    let text = open.reservation.to_annotation();
    let stands = annotation(read, CREATE_RESERVATION) == Some(text.as_str());
    if (is_held(read) && stands) || read.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    tracing::info!(resource = %Key::of(read), "putting back the reservation of an open create");
    let turn = context.kubernetes.turn().await;
    let reserved = context.kubernetes.reserve(read, &text, turn).await?;
    context.note(&reserved);
    Ok(Some(Step::Again))
}

/// Where and under which name to look: an attempt that was made is looked for
/// where it was made, whatever the spec says by now.
fn target(
    context: &Context,
    read: &MigrationProject,
    record: &Record,
    link: &Link,
) -> (String, String) {
    match record {
        Record::Open(open) => of_reservation(&open.reservation),
        Record::Restored(reservation) => of_reservation(reservation),
        Record::Fresh { .. } | Record::Invalid(_) => {
            (link.live.url.to_string(), context.claims.name_of(read))
        }
    }
}

fn of_reservation(reservation: &Reservation) -> (String, String) {
    (
        reservation.connection.url.clone(),
        reservation.project_name.clone(),
    )
}

fn elsewhere(url: &str, name: &str, link: &Link) -> Verdict {
    Verdict::stalled(
        Reason::EndpointChanged,
        format!(
            "A create of \"{name}\" was begun in the OMS at {url}, but OMSConnection {} now leads \
             to {}. If it is the same OMS under a new address, add the old one to the \
             connection's spec.formerUrls; otherwise point it back until this is settled.",
            link.key, link.live.url
        ),
    )
}
