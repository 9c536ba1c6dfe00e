//! Publish: the status as it has to be, written only where it differs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Map, Value};

use super::claims::Key;
use super::context::Context;
use super::events::Events;
use super::kubernetes;
use crate::api::keys::RECONCILE_REQUESTED_AT;
use crate::api::v1alpha1::{MigrationProject, MigrationProjectStatus, PinnedConnection, Reason};
use crate::decide::{Statement, Unstated, Verdict, conditions, remove};

/// What a resource says: its verdict, and what it has reached besides.
pub struct Say<'a> {
    /// Whether it is as declared.
    pub verdict: &'a Verdict,
    /// Further conditions.
    pub more: &'a [Statement],
    /// What becomes of those that are not named.
    pub unstated: Unstated,
}

impl<'a> Say<'a> {
    /// The verdict of a pass that has not looked at the project.
    #[must_use]
    pub fn only(verdict: &'a Verdict) -> Self {
        Self {
            verdict,
            more: &[],
            unstated: Unstated::Unknown,
        }
    }

    /// All that is said, with what holds of the spec whatever the project is at.
    fn statements(&self, context: &Context, read: &MigrationProject) -> Vec<Statement> {
        let mut statements = self.verdict.statements();
        statements.extend_from_slice(self.more);
        let policy = read.spec.deletion_policy();
        let refused = context.refuses(read, policy);
        statements.extend(refused.map(|connection| remove::refused(&connection, policy)));
        statements
    }

    /// What is said of `read`, as conditions; its own ones lend the times.
    #[must_use]
    pub fn conditions(&self, context: &Context, read: &MigrationProject) -> Vec<Condition> {
        let before = conditions_of(read);
        let generation = read.metadata.generation.unwrap_or_default();
        let statements = self.statements(context, read);
        let now = context.clock.now();
        conditions(before, &statements, self.unstated, generation, now)
    }
}

fn conditions_of(read: &MigrationProject) -> &[Condition] {
    let status = read.status.as_ref();
    status.map_or(&[], |status| status.conditions.as_slice())
}

/// Longest echo of an annotation that the schema of the status takes; the
/// annotation itself may be longer, and must not make the status unwritable.
const ECHO_LIMIT: usize = 1024;

/// Publishes `verdict`, and what `change` makes of the rest of the status.
/// `read` is the resource that the verdict was reached on; if it has changed
/// since, nothing is written and the caller is told of the conflict.
pub async fn publish(
    context: &Context,
    read: &MigrationProject,
    verdict: Option<&Verdict>,
    change: impl FnOnce(&mut MigrationProjectStatus),
) -> Result<Option<MigrationProject>, kubernetes::Error> {
    let mut after = read.status.clone().unwrap_or_default();
    change(&mut after);
    match verdict {
        Some(verdict) => publish_all(context, read, &Say::only(verdict), after).await,
        None => write(context, read, &after).await,
    }
}

/// Publishes the status `after` with the conditions that say `say`.
pub async fn publish_all(
    context: &Context,
    read: &MigrationProject,
    say: &Say<'_>,
    mut after: MigrationProjectStatus,
) -> Result<Option<MigrationProject>, kubernetes::Error> {
    let before = conditions_of(read);
    after.observed_generation = Some(read.metadata.generation.unwrap_or_default());
    after.conditions = say.conditions(context, read);
    after.last_handled_reconcile_at = requested(read);
    if after.project_id.is_none() {
        after.connection = used(context, read);
    }
    let written = write(context, read, &after).await?;
    if written.is_some() {
        announce(&context.events, read, before, say.verdict).await;
        let refused = Reason::PolicyNotAllowed;
        let statements = say.statements(context, read);
        let said = statements.iter().find(|one| one.reason == refused);
        if let Some(news) = said.filter(|one| !stands(before, one)) {
            context.events.warning(read, refused, &news.message).await;
        }
    }
    Ok(written)
}

/// The connection of a resource without a project, which is not pinned to any OMS yet.
fn used(context: &Context, read: &MigrationProject) -> Option<PinnedConnection> {
    let key = context.claims.connection_of(read)?;
    Some(PinnedConnection {
        namespace: Some(key.namespace),
        name: Some(key.name),
        ..PinnedConnection::default()
    })
}

/// Whether the condition says so already.
fn stands(before: &[Condition], statement: &Statement) -> bool {
    let mut same = before
        .iter()
        .filter(|condition| condition.type_ == statement.type_.as_str());
    same.any(|condition| condition.message == statement.message)
}

/// Writes what differs, if anything does. Where nothing does from a version that is
/// not the last one, that says nothing of the last one, and no status wakes anybody.
async fn write(
    context: &Context,
    read: &MigrationProject,
    after: &MigrationProjectStatus,
) -> Result<Option<MigrationProject>, kubernetes::Error> {
    let before = read.status.clone().unwrap_or_default();
    let Some(difference) = difference(&before, after) else {
        return match context.claims.knows_newer(read) {
            true => Err(kubernetes::Error::Outdated),
            false => Ok(None),
        };
    };
    match context.kubernetes.publish(read, difference).await {
        Ok(written) => {
            context.note(&written);
            Ok(Some(written))
        }
        Err(error) => {
            // What may stand there now is newer than what the watch has told.
            if error.may_be_done()
                && let Ok(Some(live)) = context.kubernetes.live(&Key::of(read)).await
            {
                context.note(&live);
            }
            Err(error)
        }
    }
}

/// The human's word to look at once, as far as it goes into a status.
#[must_use]
pub fn requested(object: &impl ResourceExt) -> Option<String> {
    let text = object.annotations().get(RECONCILE_REQUESTED_AT)?;
    Some(text.chars().take(ECHO_LIMIT).collect())
}

/// An Event where the reason has changed.
pub async fn announce<K: Resource<DynamicType = ()>>(
    events: &Events,
    about: &K,
    before: &[Condition],
    verdict: &Verdict,
) {
    let ready = before.iter().find(|condition| condition.type_ == "Ready");
    if ready.is_some_and(|ready| ready.reason == verdict.reason.as_str()) {
        return;
    }
    let (reason, note) = (verdict.reason, &verdict.message);
    match verdict.is_warning() {
        true => events.warning(about, reason, note).await,
        false => events.normal(about, reason, note).await,
    }
}

/// The merge patch (RFC 7386) that makes `after` of `before`; `None` where
/// they are equal, which they mostly are.
pub fn difference<T: Serialize + PartialEq>(before: &T, after: &T) -> Option<Value> {
    if before == after {
        return None;
    }
    let before = serde_json::to_value(before).ok()?;
    let after = serde_json::to_value(after).ok()?;
    let patch = merge_patch(&before, &after);
    let is_empty = patch.as_object().is_some_and(Map::is_empty);
    (!is_empty).then_some(patch)
}

fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        match before.get(key) {
            Some(old) if old == value => {}
            Some(old) => {
                patch.insert(key.clone(), merge_patch(old, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_need_no_patch() {
        assert_eq!(
            difference(&json!({"a": {"b": 1}}), &json!({"a": {"b": 1}})),
            None
        );
    }

    #[test]
    fn what_is_gone_is_nulled_and_what_is_nested_is_merged() {
        let before = json!({"a": {"b": 1, "c": 2}, "gone": 1, "list": [1]});
        let after = json!({"a": {"b": 1, "c": 3}, "list": [1, 2], "new": {"x": 1}});
        let expected = json!({"a": {"c": 3}, "gone": null, "list": [1, 2], "new": {"x": 1}});
        assert_eq!(difference(&before, &after), Some(expected));
    }
}
