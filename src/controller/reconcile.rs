//! Reconciling a MigrationProject: gather → decide → act → publish.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::action::Action;
use super::claims::Key;
use super::context::Context;
use super::kept::{KeptProject, Watched};
use super::me::{self, Me};
use super::pass::{Error, Step};
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
        pass_on(&context, &project);
        return Ok(Action::defer(wait));
    }
    let _part = match Part::take(&context, &project) {
        Ok(part) => part,
        Err(wait) => return Ok(Action::defer(wait.mul_f64(1.0 + context.clock.chance()))),
    };
    let project = match context.memory.is_behind(&uid) {
        false => project,
        true => as_it_is(&context, project).await?,
    };
    // Thousands may be here at once; what a pass needs, only those that go on.
    let step = Box::pin(passes(&context, project)).await?;
    Ok(step.into_action(context.clock.chance()))
}

async fn passes(context: &Context, mut read: Arc<MigrationProject>) -> Result<Step, Error> {
    let mut step = Step::Again;
    for _ in 0..PASSES {
        let uid = read.uid().unwrap_or_default();
        let id = read
            .status
            .as_ref()
            .and_then(|status| status.project_id.clone());
        step = match id {
            // A project whose id is not written yet comes first: it is this
            // resource's, or else surplus.
            Some(id) if !context.memory.holds_unwritten_id(&uid) => {
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
    context.memory.went_through(&read.uid().unwrap_or_default());
    Ok(step)
}

/// The resource as the API server has it, where the watch is behind; if it is gone, the watch is
/// about to tell.
async fn as_it_is(
    context: &Context,
    told: Arc<MigrationProject>,
) -> Result<Arc<MigrationProject>, Error> {
    let Some(live) = context.kubernetes.live(&Key::of(&*told)).await? else {
        return Ok(told);
    };
    context.note(&live);
    Ok(Arc::new(live))
}

/// A part of what the project's OMS may have of this process.
struct Part<'a> {
    context: &'a Context,
    endpoint: String,
}

impl<'a> Part<'a> {
    /// Takes one. The error says how long to wait if all are taken; the resource is
    /// woken when one is free.
    fn take(context: &'a Context, project: &MigrationProject) -> Result<Self, Duration> {
        let endpoint = endpoint(context, project);
        // What was not taken must not come to be, as its end would give one back.
        context.shares.enter(&endpoint, &Key::of(project))?;
        Ok(Self { context, endpoint })
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if let Some(next) = self.context.shares.leave(&self.endpoint) {
            self.context.wake_project.wake(&next);
        }
    }
}

/// The resource may have been woken because a part was free, and has no use for it.
fn pass_on(context: &Context, project: &MigrationProject) {
    let endpoint = endpoint(context, project);
    if let Some(next) = context.shares.pass_on(&endpoint, &Key::of(project)) {
        context.wake_project.wake(&next);
    }
}

/// What stands for the project's OMS: its address, once that is known.
fn endpoint(context: &Context, project: &MigrationProject) -> String {
    let connection = context.claims.connection_of(project);
    let address = |connection: Key| {
        let url = context.registry.url_of(&connection);
        url.unwrap_or_else(|| connection.to_string())
    };
    connection.map(address).unwrap_or_default()
}

/// A reconcile failed. What is another by now is read again soon; everything else waits
/// the longer the more often it fails.
#[must_use]
pub fn error_policy(project: Arc<KeptProject>, error: &Error, context: Arc<Context>) -> Action {
    let chance = context.clock.chance();
    let me = Me::of(&context, &MigrationProject::restore(&project));
    let memory = &context.memory;
    if error.is_conflict() {
        return Action::requeue(memory.conflicted(&me.uid, &me.key, chance));
    }
    tracing::warn!(resource = %me.key, error = failure::chain(error), "reconcile failed");
    Action::requeue(memory.broken_off(&me.uid, &me.key, me.cause, chance))
}
