//! Reconciling a MigrationProject: gather → decide → act → publish.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::action::Action;
use super::claims::Key;
use super::context::Context;
use super::kept::{KeptProject, Watched};
use super::me::{self, Me};
use super::pass::{Error, SOON, Step};
use super::{create, failure, life};
use crate::api::v1alpha1::MigrationProject;

/// How often one reconcile follows its own writes before it gives its slot
/// back: create, record, start and publish are four.
const PASSES: usize = 8;

/// One reconcile: passes over the resource until nothing more is to be done
/// now. A resource without a project goes through the create protocol, one with
/// a project through its life.
#[tracing::instrument(name = "reconcile", skip_all, fields(resource = %Key::of(&*kept)))]
pub async fn reconcile(kept: Arc<KeptProject>, context: Arc<Context>) -> Result<Action, Error> {
    let project = Arc::new(MigrationProject::restore(&kept));
    let uid = project.uid().unwrap_or_default();
    if let Some(wait) = context
        .memory
        .hold_back(&uid, me::cause(&context, &project))
    {
        return Ok(Action::requeue(wait));
    }
    let Some(_part) = Part::take(&context, &project) else {
        return Ok(Action::requeue(SOON.mul_f64(1.0 + context.clock.chance())));
    };
    // Thousands may be here at once; what a pass needs, only those that go on.
    let step = Box::pin(passes(&context, project, &uid)).await?;
    Ok(step.into_action(context.clock.chance()))
}

async fn passes(
    context: &Context,
    mut read: Arc<MigrationProject>,
    uid: &str,
) -> Result<Step, Error> {
    let mut step = Step::Again;
    for _ in 0..PASSES {
        let id = read
            .status
            .as_ref()
            .and_then(|status| status.project_id.clone());
        step = match id {
            // A project whose id is not written yet comes first: it is this
            // resource's, or else surplus.
            Some(id) if !context.memory.holds_unwritten_id(uid) => {
                life::pass(context, &read, &id).await?
            }
            _ => create::pass(context, &read).await?,
        };
        match step {
            Step::Reread(live) => {
                read = Arc::new(*live);
                step = Step::Again;
            }
            _ => break,
        }
    }
    context.memory.went_through(uid);
    Ok(step)
}

/// A part of what the project's OMS may have of this process.
struct Part<'a> {
    context: &'a Context,
    endpoint: String,
}

impl<'a> Part<'a> {
    /// Takes one. `None`: all are taken; the resource is woken when one is free.
    fn take(context: &'a Context, project: &MigrationProject) -> Option<Self> {
        let connection = context.claims.connection_of(project);
        let address = |connection: Key| {
            let url = context.registry.url_of(&connection);
            url.unwrap_or_else(|| connection.to_string())
        };
        let endpoint = connection.map(address).unwrap_or_default();
        let free = context.shares.enter(&endpoint, &Key::of(project));
        // Not `then_some`: a part that was not taken must not come to be, as its end
        // would give one back.
        free.then(|| Self { context, endpoint })
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if let Some(next) = self.context.shares.leave(&self.endpoint) {
            self.context.wake_project.wake(&next);
        }
    }
}

/// A reconcile failed. Conflicts are read again at once; everything else waits
/// the longer the more often it fails.
#[must_use]
pub fn error_policy(project: Arc<KeptProject>, error: &Error, context: Arc<Context>) -> Action {
    let chance = context.clock.chance();
    if error.is_conflict() {
        return Action::requeue(Duration::from_millis(50).mul_f64(1.0 + 4.0 * chance));
    }
    tracing::warn!(resource = %Key::of(&*project), error = failure::chain(error), "reconcile failed");
    let me = Me::of(&context, &MigrationProject::restore(&project));
    let wait = context
        .memory
        .broken_off(&me.uid, &me.key, me.cause, chance);
    Action::requeue(wait)
}
