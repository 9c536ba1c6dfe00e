//! A project that is gone, made anew because a human names it: lets go of the
//! id, after which the create protocol does the rest.
//!
//! All of it is one write, so that no crash can leave a half: with the id goes
//! everything that was said of the old project, and the attempt that made it is
//! written down as settled. Until that write the resource is as it was; from
//! then on it is one without a project, and its next attempt is a fresh one. The
//! annotation may stay: it names the old id.

use super::context::Context;
use super::create::to_status;
use super::me::{Me, annotation};
use super::pass::{Error, Step};
use super::publish::{Say, publish_all};
use crate::api::keys::{CREATE_RESERVATION, RECREATE};
use crate::api::v1alpha1::{ConditionType, MigrationProject, MigrationProjectStatus, Reason};
use crate::decide::recreate::{Recreate, Vanished, recreate};
use crate::decide::{Ending, Reservation, Trace, Verdict, classify};

/// Begins anew if that was asked for. OMS has said in this very pass that the
/// project is gone. `None`: nothing was done.
pub async fn begin_anew(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
) -> Result<Option<Step>, Error> {
    let Some(decision) = decision(context, me, read) else {
        return Ok(None);
    };
    if !matches!(decision, Recreate::DropReservation | Recreate::Begin { .. }) {
        return Ok(None);
    }
    // Nothing irrevocable is done on the word of a cache.
    let Some(live) = context.kubernetes.live(&me.key).await? else {
        return Ok(Some(Step::Gone));
    };
    if live.metadata.resource_version != read.metadata.resource_version {
        return Ok(Some(Step::Reread(Box::new(live))));
    }
    let written = match decision {
        Recreate::Begin { settled } => let_go_of_the_id(context, me, live, settled).await?,
        _ => context.kubernetes.drop_reservation(&live).await?,
    };
    Ok(Some(Step::Reread(Box::new(written))))
}

/// What keeps the project from being made anew although it was asked for.
#[must_use]
pub fn hindrance(context: &Context, me: &Me, read: &MigrationProject) -> Option<&'static str> {
    (decision(context, me, read)? == Recreate::AdoptStands).then_some(
        "It is not made anew as long as spec.adopt asks for the one that is gone: remove spec.adopt.",
    )
}

fn decision(context: &Context, me: &Me, read: &MigrationProject) -> Option<Recreate> {
    let status = read.status.as_ref()?;
    let identity = context.identity(&me.key, &me.uid);
    Some(recreate(&Vanished {
        id: status.project_id.as_deref()?,
        recorded: status.gone == Some(true),
        asked: annotation(read, RECREATE),
        adopts: read.spec.adopt.is_some(),
        reservation: classify(annotation(read, CREATE_RESERVATION), &identity),
    }))
}

async fn let_go_of_the_id(
    context: &Context,
    me: &Me,
    mut live: MigrationProject,
    settled: Option<Box<Reservation>>,
) -> Result<MigrationProject, Error> {
    let status = live.status.get_or_insert_default();
    let id = status.project_id.clone().unwrap_or_default();
    // What else was said, was said of the project that is gone.
    status
        .conditions
        .retain(|condition| condition.type_ == ConditionType::Ready.as_str());
    let now = context.clock.now();
    let timing = context.settings.timing;
    let after = MigrationProjectStatus {
        create: settled.map(|reservation| {
            let trace = Trace {
                reservation: *reservation,
                ending: Ending::NotDone,
                spent: 0,
            };
            to_status(&trace, now, timing, None, now)
        }),
        ..MigrationProjectStatus::default()
    };
    let verdict = Verdict::progressing(
        Reason::Recreating,
        format!("Project {id} is gone from OMS; as asked, another one is made in its place."),
    );
    let say = Say::only(&verdict);
    let written = publish_all(context, &live, &say, after).await?;
    context.memory.begin_anew(&me.uid);
    tracing::info!(
        target: "audit",
        resource = %me.key, uid = me.uid, generation = me.generation, project = id,
        "the project is gone and is to be made anew"
    );
    Ok(written.unwrap_or(live))
}
