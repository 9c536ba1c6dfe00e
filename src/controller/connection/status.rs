//! Publish for a connection: how it is, and how many use it.

use std::time::Duration;

use crate::api::v1alpha1::{ConditionType, OMSConnection, OMSConnectionStatus};
use crate::controller::claims::Key;
use crate::controller::context::Context;
use crate::controller::doubt;
use crate::controller::limits::held_back;
use crate::controller::pass::Error;
use crate::controller::publish::{announce, difference, requested};
use crate::decide::connection::{self, ConnectionSituation};
use crate::decide::{Unstated, conditions};

/// Publishes how the connection is. Numbers alone are written once in a while, or
/// with the next other news: while a fleet is created they move with each project.
/// Returns how long they are held back, if they are.
pub async fn publish(
    context: &Context,
    key: &Key,
    connection: &OMSConnection,
    users: usize,
) -> Result<Option<Duration>, Error> {
    let entry = context.registry.get(key);
    let url = entry.live.as_ref().map(|live| live.url.to_string());
    let doubted = entry.live.as_ref().and_then(|live| {
        let vanished = &live.vanished;
        vanished.problem(live.url.as_str(), &key.namespace, &key.name)
    });
    let standing = entry.live.as_ref().and_then(|live| live.client.standing());
    let situation = ConnectionSituation {
        deleting: connection.metadata.deletion_timestamp.is_some(),
        not_ready_for: not_ready_for(context, connection),
        users,
        suspended: connection.spec.is_suspended(),
        unusable: entry.unusable.as_ref(),
        url: url.as_deref(),
        encrypted: entry.live.as_ref().is_some_and(|live| live.url.is_https()),
        answer: &entry.answer,
        asked_within: context.settings.max_backoff,
        unlisted: entry.live.as_ref().is_some_and(|live| live.unlisted),
        doubted: doubted.as_ref(),
        held_back: standing.as_ref().and_then(held_back),
    };
    let Some(verdict) = connection::verdict(&situation) else {
        return Ok(None);
    };
    let mut statements = verdict.statements();
    statements.extend(connection::statements(&situation));
    let before = connection.status.clone().unwrap_or_default();
    let generation = connection.metadata.generation.unwrap_or_default();
    let mut after = before.clone();
    after.observed_generation = Some(generation);
    after.projects = i32::try_from(users).ok();
    after.vanished = match users {
        0 => None,
        _ => doubt::to_status(connection, entry.live.as_deref()),
    };
    after.unclaimed = match &entry.live {
        Some(live) if live.snapshot.is_some() => i32::try_from(live.strangers.unclaimed).ok(),
        // What was counted last stands until it is counted again.
        _ => before.unclaimed,
    };
    after.last_handled_reconcile_at = requested(connection);
    after.conditions = conditions(
        &before.conditions,
        &statements,
        Unstated::Unknown,
        generation,
        context.clock.now(),
    );
    let Some(difference) = difference(&before, &after) else {
        return Ok(None);
    };
    if moves_figures_only(&before, &after) {
        let interval = context.settings.figures_interval;
        let wait = context.sweeps.figures_wait(key, interval);
        if wait.is_some() {
            return Ok(wait);
        }
    }
    context.kubernetes.publish(connection, difference).await?;
    context.sweeps.figures_written(key);
    announce(&context.events, connection, &before.conditions, &verdict).await;
    Ok(None)
}

/// Whether nothing but numbers of projects would change.
fn moves_figures_only(before: &OMSConnectionStatus, after: &OMSConnectionStatus) -> bool {
    let calm = OMSConnectionStatus {
        projects: before.projects,
        unclaimed: before.unclaimed,
        ..after.clone()
    };
    calm == *before
}

/// By its own status, so that a restart does not begin the count anew.
fn not_ready_for(context: &Context, connection: &OMSConnection) -> Duration {
    let status = connection.status.iter();
    let mut conditions = status.flat_map(|status| &status.conditions);
    let ready = conditions.find(|one| one.type_ == ConditionType::Ready.as_str());
    let since = ready.filter(|ready| ready.status == "False");
    let age = since.map(|ready| {
        context
            .clock
            .now()
            .duration_since(ready.last_transition_time.0)
    });
    age.and_then(|age| age.try_into().ok()).unwrap_or_default()
}
