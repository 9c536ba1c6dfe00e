//! `MigrationProject.status`: what the operator reports.
//!
//! Nothing here moves by itself: a value that changes without cause would be a
//! write for every project and sweep.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detail_status::{DriftStatus, PrecheckStatus, VerificationStatus};
use super::run_status::{PauseStatus, RetriesStatus};
use crate::api::schema::describe_at_field;

/// What the operator knows about the project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationProjectStatus {
    /// Generation of the spec that this status speaks of; -1 before the first
    /// look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 9_007_199_254_740_991_i64))]
    pub observed_generation: Option<i64>,

    /// Id of the project in OMS. Written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub project_id: Option<String>,

    /// Name of the project in OMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub project_name: Option<String>,

    /// The OMSConnection in use. Once there is a project: the OMS that it lives in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<PinnedConnection>,

    /// Status of the project in OMS's own word, such as INIT, RUNNING, SUSPEND,
    /// FAILED or FINISHED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub project_status: Option<String>,

    /// The steps of the project, in OMS's order and words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub steps: Vec<StepStatus>,

    /// The step that the project is at, in OMS's own word, such as
    /// FULL_TRANSFER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub current_step: Option<String>,

    /// How far the current step is, in whole percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub progress: Option<i32>,

    /// How far the project is behind its source, in seconds: the upper end of
    /// the range that the lag falls in (30, 60, 120, 300, 600, 1800, 3600, …).
    /// The exact figure moves all the time; it is a metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub lag_seconds: Option<i64>,

    /// Why OMS's checks before the start have failed, while they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precheck: Option<PrecheckStatus>,

    /// What the comparison of source and target has found, where the project
    /// has such a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationStatus>,

    /// In what the project differs from the spec, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,

    /// When OMS last changed the project (gmtModified, in UTC), as of the last
    /// comparison with the spec. Written together with other changes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<Timestamp>,

    /// When the project was started, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,

    /// When the project ended, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Timestamp>,

    /// The pause, while the project is paused, and whether it is from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,

    /// How often a failed project was resumed by itself (spec.retry), and when
    /// it is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetriesStatus>,

    /// The creation, while it is not settled: what was tried, and what is waited
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateStatus>,

    /// true: the spec was changed while the project was being created, so the
    /// project in OMS differs from it. The project is not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_mismatch: Option<bool>,

    /// true: the project no longer exists in OMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<bool>,

    /// The last error of a call to OMS, while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,

    /// Value of the annotation oms.oceanbase.com/reconcile-requested-at that
    /// was obeyed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_handled_reconcile_at: Option<String>,

    /// Value of the annotation oms.oceanbase.com/retry that was seen last: it is
    /// obeyed once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_handled_retry: Option<String>,

    /// State in Kubernetes' own form: Ready, Reconciling, Stalled, Finished,
    /// Succeeded, PrecheckPassed, FullCopied, Verified, CaughtUp, InSync. Each
    /// can be waited for, as in `kubectl wait --for=condition=Ready`.
    /// Reconciling and Stalled are there only while True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// One step of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// OMS's name, such as FULL_TRANSFER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub name: Option<String>,

    /// OMS's word, such as RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub status: Option<String>,

    /// In whole percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub progress: Option<i32>,

    /// What went wrong, in OMS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub message: Option<String>,
}

/// The OMSConnection that a project was created through, and the address of the
/// OMS that it named then. Before there is a project, only its namespace and name:
/// nothing is pinned yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinnedConnection {
    /// Namespace of the OMSConnection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,

    /// Name of the OMSConnection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,

    /// UID of the OMSConnection, once there is a project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uid: Option<String>,

    /// Normalised URL of the OMS that the project is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
}

/// An OMSConnection and the address that it named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionIdentity {
    /// UID of the OMSConnection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uid: Option<String>,

    /// Normalised URL of the OMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
}

/// A creation that is not settled: what was tried, and what is waited for. A
/// copy of the reservation, which `kubectl replace` can strip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateStatus {
    /// Number of the attempt, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub attempt: Option<i32>,

    /// When the attempt was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,

    /// NotDone: OMS certainly made no project. Unknown: it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CreateOutcome>,

    /// Since when the outcome stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,

    /// Attempts whose outcome stayed unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub unknown_attempts: Option<i32>,

    /// No further attempt before this time; OMS may still list the project of
    /// the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine_until: Option<Timestamp>,

    /// Name of the project in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub project_name: Option<String>,

    /// Hash of the spec that the request was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub body_hash: Option<String>,

    /// When OMS was searched for the name before the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,

    /// The request was not sent after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,

    /// Ids of projects that had the name before the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200), inner(length(max = 256)))]
    pub known_ids: Option<Vec<String>>,

    /// Connection of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionIdentity>,

    /// Whether OMS replied to the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replied: Option<bool>,

    /// Value of the annotation oms.oceanbase.com/retry that was obeyed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub handled_retry: Option<String>,

    /// What the annotation oms.oceanbase.com/retry said, if anything, when the resource
    /// began to ask whether a project of another name is its own. A text given since is the
    /// answer: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub asked_with: Option<String>,

    /// What the call has come to, in OMS's words where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub message: Option<String>,
}

/// Outcome of a CreateProject call that gave no id. (One that gave an id leaves
/// `status.projectId`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum CreateOutcome {
    /// OMS certainly made no project.
    NotDone,
    /// OMS may have made a project.
    Unknown,
}

/// What failed last, in OMS's words where it has any, and when it is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// The OMS action that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub action: Option<String>,

    /// OMS's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub code: Option<String>,

    /// OMS's message, or what its answer lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub message: Option<String>,

    /// What helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub advice: Option<String>,

    /// OMS's id of the call at `time`, for its support and its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub request_id: Option<String>,

    /// When it happened first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,

    /// When the operator tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_time: Option<Timestamp>,
}
