//! What may be believed about the project. The sweep answers for a resource at
//! rest; OMS is asked directly only where the sweep cannot have the answer.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::MigrationProject;
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::controller::me::{Me, annotation, is_observed};
use crate::controller::memory::LastMutation;
use crate::decide::{Mutation, Observed, ProjectStatus, Provenance, classify, later};
use crate::observe::{Seen, Snapshot, translate};
use crate::oms;

/// How long a project is taken to be as its own creation left it.
const RECENT: Duration = Duration::from_secs(5);

/// What is known of the project `id`. `at_once`: what a sweep has shown is not
/// new enough.
pub async fn observe(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: &Link,
    id: &str,
    at_once: bool,
) -> Result<(Observed, Option<Seen>), oms::Error> {
    if at_once {
        match ask(context, link, id).await {
            // The sweep has to do.
            Err(error) if error.is_unsupported() => {}
            answer => return answer.map(|answer| settled(context, me, read, link, id, answer)),
        }
    }
    let mutated = context.memory.recall(&me.uid).and_then(|mine| mine.mutated);
    let fresh = fresh(link, mutated.map(|(_, at)| at));
    let swept = !link.live.unlisted;
    match (fresh, mutated) {
        (Some(snapshot), _) => {
            if let Some(seen) = snapshot.projects.get(id) {
                return Ok((Observed::Present(seen.status.clone()), Some(seen.clone())));
            }
            // Not in the list: gone, or only missed by the walk. Asked below.
        }
        // The sweep that the change has brought forward is on its way.
        (None, Some((LastMutation::Changed, _))) if swept => return Ok((Observed::Unknown, None)),
        // Made by this process a moment ago, and CreateProject does not start.
        (None, Some((LastMutation::Created, at))) if at.elapsed() < RECENT => {
            return Ok((Observed::Present(ProjectStatus::Init), None));
        }
        (None, None) if swept => {
            context.wake_connection.wake(&link.key);
            return Ok((Observed::Unknown, None));
        }
        (None, _) => {}
    }
    let answer = ask(context, link, id).await?;
    Ok(settled(context, me, read, link, id, answer))
}

fn settled(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: &Link,
    id: &str,
    answer: (Observed, Option<Seen>),
) -> (Observed, Option<Seen>) {
    match unsettled(context, me, read, link, id, &answer.0) {
        None => answer,
        Some(_) => (Observed::Unknown, None),
    }
}

/// Why it is not believed yet that a project is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// No list has shown that.
    NotListed,
    /// OMS may only not show it yet.
    JustMade,
}

/// Why the answer to a direct question is not to be believed, if so. That a project is
/// gone takes a sweep as well which does not show it: only that tells whether many
/// others are gone, too, and this may not be the OMS that it was. If none is there
/// it is brought forward. Nor is it believed of what OMS may only not show yet.
pub fn unsettled(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: &Link,
    id: &str,
    observed: &Observed,
) -> Option<Unsettled> {
    if *observed != Observed::Absent {
        return None;
    }
    if may_not_show_yet(context, me, read) {
        return Some(Unsettled::JustMade);
    }
    if link.live.unlisted {
        return None;
    }
    let mutated = context.memory.recall(&me.uid).and_then(|mine| mine.mutated);
    let fresh = fresh(link, mutated.map(|(_, at)| at));
    let settled = fresh
        .is_some_and(|snapshot| snapshot.would_show(id) && !snapshot.projects.contains_key(id));
    if settled {
        return None;
    }
    context.bring_sweep_forward(&link.key);
    Some(Unsettled::NotListed)
}

/// Whether the project was made so short a time ago that OMS, which has never shown it, may
/// not do so yet: as long as an answered create may take effect. A deletion takes that it was
/// shown for no proof, but only that OMS has deleted it: what was wrong is set right by nothing
/// that comes after.
fn may_not_show_yet(context: &Context, me: &Me, read: &MigrationProject) -> bool {
    let mine = context.memory.recall(&me.uid);
    let accepted = mine.as_ref().and_then(|mine| mine.accepted);
    let is_known = match read.metadata.deletion_timestamp {
        None => is_observed(read),
        Some(_) => matches!(accepted, Some((Mutation::Delete, _))),
    };
    if is_known {
        return false;
    }
    let timing = context.settings.timing;
    let identity = context.identity(&me.key, &me.uid);
    let answered = match classify(annotation(read, CREATE_RESERVATION), &identity) {
        Provenance::Own(made) => Some(later(made.not_after, timing.call)),
        // Somebody has stripped it: the process that has made the project knows all the same.
        _ => mine.and_then(|mine| mine.guard).map(|guard| guard.since),
    };
    answered.is_some_and(|answered| context.clock.now() < later(answered, timing.replied))
}

/// A sweep that began before our own last change says nothing about it.
fn fresh(link: &Link, mutated: Option<Instant>) -> Option<&Snapshot> {
    let snapshot = link.live.snapshot.as_deref();
    snapshot.filter(|snapshot| mutated.is_none_or(|at| snapshot.begun > at))
}

/// What a sweep has shown of the project, if it can be relied on.
pub fn swept(context: &Context, me: &Me, link: &Link, id: &str) -> Option<Seen> {
    let mutated = context.memory.recall(&me.uid).and_then(|mine| mine.mutated);
    let fresh = fresh(link, mutated.map(|(_, at)| at))?;
    fresh.projects.get(id).cloned()
}

/// What OMS says to a direct question.
pub async fn ask(
    context: &Context,
    link: &Link,
    id: &str,
) -> Result<(Observed, Option<Seen>), oms::Error> {
    match link.live.client.describe_project(id).await {
        Ok(project) => {
            let seen = translate(project, context.clock.now(), None);
            Ok((Observed::Present(seen.status.clone()), Some(seen)))
        }
        Err(error) if error.is_not_found() => Ok((Observed::Absent, None)),
        Err(error) if error.is_unsupported() && link.live.unlisted => {
            let missing = "ListProjects";
            Ok((Observed::Unobservable { missing }, None))
        }
        Err(error) => Err(error),
    }
}
