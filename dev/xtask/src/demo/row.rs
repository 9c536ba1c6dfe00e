//! What the show tells of one project, read off its resource.

use kube::ResourceExt;
use oms_operator::api::v1alpha1::{
    ConditionType, CreateOutcome, MigrationProject, MigrationProjectStatus,
};

/// How a project is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It has got where it was to get.
    Good,
    /// On its way.
    Busy,
    /// It may exist or not.
    Doubt,
    /// Nothing heals by itself.
    Bad,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name of the resource.
    pub name: String,
    /// Id in OMS.
    pub id: Option<String>,
    /// OMS's word.
    pub status: Option<String>,
    /// The step it is at.
    pub step: Option<String>,
    /// Percent of that step.
    pub progress: Option<i32>,
    /// Seconds behind the source, as the status has them.
    pub lag: Option<i64>,
    /// How it is doing.
    pub mark: Mark,
    /// The reason that says most.
    pub reason: String,
    /// The words of the condition with that reason, in one line.
    pub message: String,
}

impl Row {
    /// What the status of `project` says.
    pub fn of(project: &MigrationProject) -> Row {
        let status = project.status.clone().unwrap_or_default();
        let (mark, reason, message) = condition(&status);
        Row {
            name: project.name_any(),
            id: status.project_id,
            status: status.project_status,
            step: status.current_step,
            progress: status.progress,
            lag: status.lag_seconds,
            mark,
            reason,
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// Of all conditions the one that says most.
fn condition(status: &MigrationProjectStatus) -> (Mark, String, String) {
    let find = |type_: ConditionType, wanted: &str| {
        let mut conditions = status.conditions.iter();
        conditions.find(|one| one.type_ == type_.as_str() && one.status == wanted)
    };
    let created = status.create.as_ref().and_then(|create| create.outcome);
    let doubtful = status.project_id.is_none() && created == Some(CreateOutcome::Unknown);
    let busy = if doubtful { Mark::Doubt } else { Mark::Busy };
    let ready = status
        .conditions
        .iter()
        .find(|one| one.type_ == ConditionType::Ready.as_str());
    let found = [
        (Mark::Bad, find(ConditionType::PrecheckPassed, "False")),
        (Mark::Bad, find(ConditionType::Stalled, "True")),
        (Mark::Good, find(ConditionType::Succeeded, "True")),
        (Mark::Good, find(ConditionType::CaughtUp, "True")),
        (busy, ready),
    ];
    let found = found.into_iter().find_map(|(mark, one)| Some((mark, one?)));
    match found {
        // The condition's own name says more than "LagWithinLimit".
        Some((mark, one)) if one.type_ == ConditionType::CaughtUp.as_str() => {
            (mark, one.type_.clone(), one.message.clone())
        }
        Some((mark, one)) => (mark, one.reason.clone(), one.message.clone()),
        None => (Mark::Busy, "Pending".to_owned(), String::new()),
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The row of a project with that status.
    pub fn row(name: &str, status: Value) -> Row {
        let project = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "MigrationProject",
            "metadata": {"name": name},
            "spec": {},
            "status": status,
        });
        Row::of(&serde_json::from_value(project).expect("a MigrationProject"))
    }

    fn one(type_: &str, status: &str, reason: &str) -> Value {
        json!({"type": type_, "status": status, "reason": reason, "message": format!("{reason}\nindeed"),
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    }

    fn said(status: Value) -> (Mark, String) {
        let row = row("shop", status);
        (row.mark, row.reason)
    }

    #[test]
    fn a_resource_that_nobody_has_looked_at_is_pending() {
        assert_eq!(
            said(json!({"observedGeneration": -1})),
            (Mark::Busy, "Pending".to_owned())
        );
    }

    #[test]
    fn what_says_most_comes_first() {
        let ready = one("Ready", "True", "Running");
        let running = json!({"conditions": [ready, one("CaughtUp", "False", "LagAboveLimit")]});
        assert_eq!(said(running), (Mark::Busy, "Running".to_owned()));
        let caught_up = json!({"conditions": [ready, one("CaughtUp", "True", "LagWithinLimit")]});
        assert_eq!(said(caught_up), (Mark::Good, "CaughtUp".to_owned()));
        let failed = json!({"conditions": [
            one("Ready", "False", "Failed"), one("Stalled", "True", "Failed"),
            one("PrecheckPassed", "False", "PrecheckFailed"),
        ]});
        assert_eq!(said(failed), (Mark::Bad, "PrecheckFailed".to_owned()));
    }

    #[test]
    fn an_unknown_outcome_is_a_doubt_until_there_is_an_id() {
        let conditions = json!([one("Ready", "False", "Creating")]);
        let doubt = json!({"create": {"outcome": "Unknown"}, "conditions": conditions});
        assert_eq!(said(doubt), (Mark::Doubt, "Creating".to_owned()));
        let found = json!({"create": {"outcome": "Unknown"}, "projectId": "np_1", "conditions": conditions});
        assert_eq!(said(found), (Mark::Busy, "Creating".to_owned()));
    }

    #[test]
    fn a_message_is_one_line() {
        let row = row(
            "shop",
            json!({"conditions": [one("Ready", "True", "Running")]}),
        );
        assert_eq!(row.message, "Running indeed");
    }
}
