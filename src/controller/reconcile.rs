//! Reconciling a MigrationProject: gather → decide → act → publish.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::action::Action;
use super::claims::Key;
use super::context::Context;
use super::kept::{KeptProject, Watched};
use super::pass::{Error, Step};
use super::{create, failure, life, me};
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
    let mut read = project;
    let mut step = Step::Again;
    for _ in 0..PASSES {
        let id = read
            .status
            .as_ref()
            .and_then(|status| status.project_id.clone());
        step = match id {
            // A project whose id is not written yet comes first: it is this
            // resource's, or else surplus.
            Some(id) if !context.memory.holds_unwritten_id(&uid) => {
                life::pass(&context, &read, &id).await?
            }
            _ => create::pass(&context, &read).await?,
        };
        match step {
            Step::Reread(live) => {
                read = Arc::new(*live);
                step = Step::Again;
            }
            _ => break,
        }
    }
    context.metrics.reconciled("ok");
    Ok(step.into_action(context.clock.chance()))
}

/// A reconcile failed. Conflicts are read again at once; everything else waits
/// a little, spread.
#[must_use]
pub fn error_policy(project: Arc<KeptProject>, error: &Error, context: Arc<Context>) -> Action {
    let chance = context.clock.chance();
    if error.is_conflict() {
        context.metrics.reconciled("conflict");
        return Action::requeue(Duration::from_millis(50).mul_f64(1.0 + 4.0 * chance));
    }
    context.metrics.reconciled("error");
    tracing::warn!(resource = %Key::of(&*project), error = failure::chain(error), "reconcile failed");
    Action::requeue(Duration::from_secs(2).mul_f64(0.5 + chance))
}
