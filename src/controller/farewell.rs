//! The end of a resource: the finalizer, and the last word about its project.

use kube::runtime::events::EventType;

use super::context::Context;
use super::me::{Me, is_held, is_observed};
use super::pass::{Error, Step};
use crate::api::v1alpha1::{MigrationProject, Reason};
use crate::decide::remove::End;

/// Takes the finalizer off, and says what has become of the project, or may have.
pub async fn let_go(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: Option<&str>,
    end: End,
) -> Result<Step, Error> {
    let project = id.unwrap_or("-");
    match &end {
        End::Nothing => {}
        End::Retained => {
            tracing::info!(resource = %me.key, project, "deleted; the project stays in OMS");
        }
        End::Released => {
            let note = format!("Project {project} was released; its record stays in OMS.");
            tell(context, me, read, Reason::ProjectReleased, &note).await;
        }
        End::Deleted => {
            let note = format!("Project {project} is gone from OMS.");
            tell(context, me, read, Reason::ProjectDeleted, &note).await;
        }
        End::Left(left) => {
            tracing::warn!(resource = %me.key, uid = me.uid, "deleted: {left}");
            say(context, read, EventType::Warning, Reason::LeftInOms, left).await;
        }
    }
    if is_held(read) {
        context.kubernetes.let_go(read).await?;
    }
    context.metrics.projects().departed(outcome(&end));
    // What was seen, and has gone as it was to, keeps its name from nobody: OMS shows it late no more.
    let is_over = matches!(end, End::Released | End::Deleted) && is_observed(read);
    context.memory.remember(&me.uid, &me.key, |mine| {
        mine.attempt = None;
        mine.guard = mine.guard.take().filter(|_| !is_over);
    });
    context.memory.forget(&me.uid);
    Ok(Step::Gone)
}

async fn tell(context: &Context, me: &Me, read: &MigrationProject, reason: Reason, note: &str) {
    tracing::info!(resource = %me.key, uid = me.uid, "deleted: {note}");
    say(context, read, EventType::Normal, reason, note).await;
}

/// Beside the resource where that is possible still.
async fn say(
    context: &Context,
    read: &MigrationProject,
    type_: EventType,
    reason: Reason,
    note: &str,
) {
    // If it cannot be found out, the Event is tried there.
    let _ = context.namespace_goes(read).await;
    context.events.last_word(read, type_, reason, note).await;
}

/// A word for metrics.
fn outcome(end: &End) -> &'static str {
    match end {
        End::Nothing => "nothing",
        End::Retained => "retained",
        End::Released => "released",
        End::Deleted => "deleted",
        End::Left(_) => "left",
    }
}
