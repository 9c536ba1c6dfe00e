//! A resource that cannot go on because of its connection: it makes no attempts
//! of its own, says so once, and is woken when the connection has changed.

use super::context::Context;
use super::link::has_something_in_oms;
use super::pass::{Error, Step, rest_stalled, wait_until};
use super::publish::{Say, publish, publish_all, requested};
use crate::api::v1alpha1::{MigrationProject, MigrationProjectStatus};
use crate::decide::stale::{self, Waiting, Word};
use crate::decide::{Readiness, Verdict};

/// Says `verdict`, where it has to be said.
pub async fn blocked(
    context: &Context,
    read: &MigrationProject,
    verdict: &Verdict,
) -> Result<Step, Error> {
    match verdict.readiness {
        Readiness::Progressing if is_left_behind(context, read) => {
            return say(context, read, verdict).await;
        }
        Readiness::Progressing => {}
        Readiness::Stale => {
            ask_connection(context, read);
            return say(context, read, verdict).await;
        }
        _ => return rest_stalled(context, read, verdict).await,
    }
    let connection = context.claims.connection_of(read);
    let seen = connection.and_then(|key| context.registry.get(&key).seen);
    let waiting = Waiting {
        status: read.status.as_ref(),
        generation: read.metadata.generation.unwrap_or_default(),
        seen,
        started: context.settings.started,
        stale_after: context.settings.stale_after(),
        now: context.clock.now(),
    };
    ask_connection(context, read);
    match stale::word(&waiting, verdict) {
        Word::Say(verdict) => say(context, read, &verdict).await,
        Word::Add(verdict) => {
            publish(context, read, Some(&verdict), without_attempt).await?;
            Ok(Step::Rest)
        }
        Word::Keep => {
            keep(context, read).await?;
            Ok(Step::Rest)
        }
        Word::KeepUntil(until) => {
            keep(context, read).await?;
            Ok(wait_until(context, until))
        }
    }
}

/// Whether the resource has, and may have, no project, and its connection is being deleted: that does not come
/// back by itself, and what was found through it before is not what the resource waits for. For one that may
/// have a project the connection stays, and what waits for a human still does.
fn is_left_behind(context: &Context, read: &MigrationProject) -> bool {
    let may_have_one = has_something_in_oms(context, read);
    let key = context.claims.connection_of(read).filter(|_| !may_have_one);
    let connection = key.and_then(|key| context.connection(&key));
    connection.is_some_and(|connection| connection.metadata.deletion_timestamp.is_some())
}

async fn say(context: &Context, read: &MigrationProject, verdict: &Verdict) -> Result<Step, Error> {
    let mut after = read.status.clone().unwrap_or_default();
    // The next attempt is the connection's.
    after.last_error = None;
    // It would be a measure of now.
    after.lag_seconds = None;
    publish_all(context, read, &Say::only(verdict), after).await?;
    Ok(Step::Rest)
}

/// What stands is kept, but for the time of an attempt that is not made.
async fn keep(context: &Context, read: &MigrationProject) -> Result<(), Error> {
    publish(context, read, None, |status| {
        without_attempt(status);
        status.last_handled_reconcile_at = requested(read);
    })
    .await?;
    Ok(())
}

fn without_attempt(status: &mut MigrationProjectStatus) {
    if let Some(error) = &mut status.last_error {
        error.next_attempt_time = None;
    }
}

/// A look that a human asks for is one of the connection.
fn ask_connection(context: &Context, read: &MigrationProject) {
    let handled = read
        .status
        .as_ref()
        .and_then(|status| status.last_handled_reconcile_at.clone());
    let requested = requested(read);
    if requested.is_none() || requested == handled {
        return;
    }
    let Some(key) = context.claims.connection_of(read) else {
        return;
    };
    if context.connection(&key).is_some() {
        context.look_soon(&key);
    }
}
