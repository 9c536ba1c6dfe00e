//! A project that is recorded, through its life: gather → decide → act →
//! publish; one pass of it.
//!
//! What is decided is decided in [`crate::decide::lifecycle`], and for a resource
//! that is being deleted in [`crate::decide::remove`]; here it is gathered and
//! done.

mod act;
mod depart;
mod gather;
mod mismatch;
mod observe;

pub use self::depart::gives_up_at;
use super::context::Context;
use super::link::{Blocked, Link, link};
use super::me::{Me, is_held};
use super::pass::{Error, STALLED_RECHECK, SWEEP_WAIT, Step, give_up_for_now};
use super::show::show;
use super::waits;
use crate::api::v1alpha1::MigrationProject;
use crate::decide::Observed;
use crate::decide::lifecycle::{self, LifeDecision, LifeSituation};
use crate::observe::Seen;
use crate::oms;

/// One pass over a resource that has recorded the project `id`.
pub async fn pass(context: &Context, read: &MigrationProject, id: &str) -> Result<Step, Error> {
    let me = Me::of(context, read);
    if read.metadata.deletion_timestamp.is_some() {
        return depart::pass(context, &me, read, id).await;
    }
    let stripped = mismatch::stripped_reservation(context, &me, read);
    if !is_held(read) || stripped.is_some() {
        let held = match stripped {
            Some(text) => {
                let turn = context.kubernetes.turn().await;
                context.kubernetes.reserve(read, &text, turn).await?
            }
            None => context.kubernetes.hold(read).await?,
        };
        return Ok(Step::Reread(Box::new(held)));
    }

    let mut turn = None;
    loop {
        let looked = match look(context, &me, read, id, turn).await? {
            Ok(looked) => looked,
            Err(step) => return Ok(step),
        };
        let Some(mutation) = looked.decision.mutation else {
            return say(context, &me, read, id, looked).await;
        };
        if looked.has_turn {
            return act::act(context, &me, read, looked, mutation).await;
        }
        // Its turn comes first, and then it is decided anew: what is done at last is what
        // is right then, and not what was when it joined the queue.
        turn = match act::turn(context, &me, read, &looked, mutation).await? {
            Ok(turn) => Some(turn),
            Err(step) => return Ok(step),
        };
    }
}

/// What was gathered, and what is to be done by it.
struct Looked {
    link: Link,
    situation: LifeSituation,
    seen: Option<Seen>,
    decision: LifeDecision,
    /// The link holds a place among the calls under way.
    has_turn: bool,
}

/// Gathers and decides, in the place that `turn` holds if it has come; or says how the pass
/// ends without that.
async fn look(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: &str,
    turn: Option<oms::Client>,
) -> Result<Result<Looked, Step>, Error> {
    let link = link(context, read).await?;
    if mismatch::spec_mismatch(context, me, read, id) {
        // No change is made, and what is asked takes a turn of its own.
        drop(turn);
        let link = link.ok();
        let published = mismatch::publish(context, me, read, link.as_ref(), id).await;
        return published.map(Err);
    }
    let mut link = match link {
        Ok(link) => link,
        Err(Blocked::NotYet(wait)) => return Ok(Err(Step::After(wait))),
        Err(Blocked::Because(verdict)) => {
            return waits::blocked(context, read, &verdict).await.map(Err);
        }
    };
    let has_turn = turn.is_some_and(|turn| link.take_place_of(&turn));
    let at_once = gather::retry_is_asked(context, me, read);
    let (observed, seen) = match observe::observe(context, me, read, &link, id, at_once).await {
        Ok(observed) => observed,
        Err(error) => return give_up_for_now(context, me, read, &error).await.map(Err),
    };
    let situation = gather::situation(context, me, read, id, &link, (observed, seen.as_ref()));
    let decision = lifecycle::decide(&situation);
    Ok(Ok(Looked {
        link,
        situation,
        seen,
        decision,
        has_turn,
    }))
}

/// Publishes, where no change is due.
async fn say(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: &str,
    looked: Looked,
) -> Result<Step, Error> {
    let Looked {
        link,
        situation,
        seen,
        decision,
        ..
    } = looked;
    // Nothing to say yet, or nothing that was seen: the sweep is waited for.
    let observed = situation.observed;
    let assumed = seen.is_none() && matches!(observed, Observed::Present(_));
    if assumed {
        context.bring_sweep_forward(&link.key);
    }
    if assumed || observed == Observed::Unknown {
        return Ok(Step::After(SWEEP_WAIT));
    }
    // A project that no list holds yet can go without any list telling.
    let snapshot = link.live.snapshot.as_ref();
    let unlisted = snapshot.is_some_and(|snapshot| !snapshot.projects.contains_key(id));
    let pin = link.pin();
    // What is asked for the details takes a turn of its own: to wait for it in the place of
    // one that is not needed any more would be for ever, where there is only one.
    drop(link);
    let step = show(context, me, read, &decision, seen.as_ref(), pin).await?;
    context.memory.remember(&me.uid, &me.key, |mine| {
        mine.made_by = None;
        mine.paused_for = None;
        mine.unheard_retry = None;
        mine.unmade_retry = None;
        mine.unseen_since = None;
        mine.accepted = None;
    });
    Ok(match step {
        Step::Rest if unlisted && matches!(observed, Observed::Present(_)) => {
            Step::After(STALLED_RECHECK)
        }
        step => step,
    })
}
