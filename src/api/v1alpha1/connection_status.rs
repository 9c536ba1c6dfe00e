//! `OMSConnection.status`: what the operator reports.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator knows about the connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OMSConnectionStatus {
    /// Generation of the spec that this status speaks of; -1 before the first
    /// look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 9_007_199_254_740_991_i64))]
    pub observed_generation: Option<i64>,

    /// Number of MigrationProjects that use this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub projects: Option<i32>,

    /// Number of projects in this OMS that no MigrationProject which this operator
    /// watches has recorded, without those that were released. They are left
    /// alone; spec.adopt takes one over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub unclaimed: Option<i32>,

    /// Projects that OMS does not list although MigrationProjects have recorded
    /// them, while it is doubted that this is still the same OMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vanished: Option<VanishedStatus>,

    /// Value of the annotation oms.oceanbase.com/reconcile-requested-at that
    /// was obeyed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_handled_reconcile_at: Option<String>,

    /// State in Kubernetes' own form: Ready, Reconciling, Stalled, Reachable,
    /// CredentialsAccepted, Throttled, IdentityDoubtful, Insecure. Ready True means
    /// that OMS answers and
    /// accepts the credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Projects that have vanished, and since when it is doubted that they are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VanishedStatus {
    /// Since when. The annotation oms.oceanbase.com/confirm-gone with this time
    /// says that they are gone; it holds for these projects and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,

    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub projects: Option<i32>,
}
