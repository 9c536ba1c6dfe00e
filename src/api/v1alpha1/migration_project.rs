//! The `MigrationProject` resource: what a user declares.

use std::time::Duration;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lifecycle::{
    DeletionPolicy, OnDeletionTimeout, OnExternalPause, RetryPolicy, WantedState, duration,
};
use super::project::ProjectBody;
use super::status::MigrationProjectStatus;

/// What the project is to be, and how the operator treats it.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "oms.oceanbase.com",
    version = "v1alpha1",
    kind = "MigrationProject",
    plural = "migrationprojects",
    shortname = "mp",
    category = "oms",
    namespaced,
    status = "MigrationProjectStatus",
    derive = "PartialEq",
    doc = "One project of OceanBase Migration Service (OMS): the operator creates it exactly once and reports how it goes.",
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.projectStatus", "description": "Status of the project in OMS's own word."}"#,
    printcolumn = r#"{"name": "Step", "type": "string", "jsonPath": ".status.currentStep", "description": "The step that the project is at."}"#,
    printcolumn = r#"{"name": "Progress", "type": "integer", "jsonPath": ".status.progress", "description": "How far that step is, in percent."}"#,
    printcolumn = r#"{"name": "Lag", "type": "integer", "jsonPath": ".status.lagSeconds", "description": "Seconds behind the source, rounded up to a range."}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "description": "Whether the project is as declared."}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Project ID", "type": "string", "jsonPath": ".status.projectId", "priority": 1, "description": "Id of the project in OMS."}"#,
    printcolumn = r#"{"name": "Connection", "type": "string", "jsonPath": ".status.connection.name", "priority": 1, "description": "OMSConnection in use."}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message", "priority": 1, "description": "Why the project is ready, or not."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct MigrationProjectSpec {
    /// The OMSConnection to use. Left out: the one that the operator was
    /// started with (--default-connection). Immutable once the project exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_ref: Option<ConnectionRef>,

    /// Wanted run state. Running: create and start; resume what this field has
    /// paused. Paused: pause what runs, and start nothing. Created: create and do
    /// not start; what was started elsewhere is left running. Default: Running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WantedState>,

    /// What is done when somebody pauses the project in OMS while `state` is
    /// Running. Respect: it is said, and nothing is done until the annotation
    /// oms.oceanbase.com/retry gets a new text, somebody resumes it in OMS, or
    /// `state` is changed. Resume: it is resumed. Default: Respect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_external_pause: Option<OnExternalPause>,

    /// true: nothing is changed in OMS for this resource, whatever else it asks
    /// for; it is still watched. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// How often and how soon a project that OMS calls FAILED is resumed by
    /// itself, while `state` is Running. Left out: never; the annotation
    /// oms.oceanbase.com/retry resumes it once for each new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,

    /// What happens to the OMS project when this resource is deleted. Retain:
    /// it stays in OMS, untouched. Release: it is paused and released, which ends
    /// it for good and keeps its record. Delete: it is released, and its record is
    /// deleted. The connection's allowedDeletionPolicies must allow it. May be
    /// changed at any time, also while the resource is being deleted. Default:
    /// Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// How long deleting this resource may wait for its deletionPolicy, and for
    /// finalizers of others, such as `10m`. Default: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub deletion_timeout: Option<String>,

    /// What happens after deletionTimeout. Abandon: the resource goes, and an
    /// Event says what may be left in OMS. Block: it stays, and the policy is
    /// still tried; in a namespace that is being deleted it goes all the same.
    /// Default: Abandon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_deletion_timeout: Option<OnDeletionTimeout>,

    /// Take over a project that exists in OMS already, instead of creating one.
    /// Exactly one of projectId and byName. The connection's `adoption` must
    /// allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,

    /// When an incremental project counts as caught up (condition CaughtUp).
    /// Left out: as soon as its lag has stayed within 60s for 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Readiness>,

    /// Source data source by its name in OMS, instead of
    /// project.sourceEndpointId. Immutable once the project exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_endpoint_ref: Option<NameRef>,

    /// Target data source by its name in OMS, instead of
    /// project.sinkEndpointId. Immutable once the project exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_endpoint_ref: Option<NameRef>,

    /// The body of OMS's CreateProject request, with OMS's own field names. An
    /// existing request can be pasted here; null means the same as leaving the
    /// field out. Immutable once the project exists. Required, unless
    /// adopt.projectId names an existing project.
    // Absent and empty are one and the same, so that no caller needs to unwrap.
    #[serde(default, skip_serializing_if = "ProjectBody::is_empty")]
    pub project: ProjectBody,

    /// Request fields that this version of the operator does not know, in OMS's
    /// own nesting, such as `fullTransferConfig: {throttleRps: 1000}`. They are
    /// merged into the request. Fields that `project` knows are refused here.
    /// Immutable once the project exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_properties: Option<Map<String, Value>>,

    /// Set in a copy that is kept in memory without `project.transferMapping`
    /// and `extraProperties`, which may be hundreds of kilobytes: the hash of the
    /// whole. No part of the resource.
    #[serde(skip)]
    pub hash_of_whole: Option<Box<str>>,
}

/// Names an OMSConnection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRef {
    /// Name of the OMSConnection.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]+([-.]+[a-z0-9]+)*$")
    )]
    pub name: String,

    /// Namespace of the OMSConnection; it must allow this namespace
    /// (allowedNamespaces). Default: the namespace of this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]+(-+[a-z0-9]+)*$")
    )]
    pub namespace: Option<String>,
}

/// Names a data source in OMS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NameRef {
    /// Name of the data source in OMS, which is unique there.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
}

/// Which existing project to take over; exactly one of the two fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adopt {
    /// Id of the project in OMS, such as `np_4w0example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub project_id: Option<String>,

    /// true: take over the project that has the name which this one would get.
    /// None is created while this is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_name: Option<bool>,
}

/// When an incremental project counts as caught up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// The lag that still counts as caught up, such as `60s` or `5m`. OMS takes
    /// its checkpoints every 10 s, so less than 30s is never reliable. Default:
    /// 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub max_lag: Option<String>,

    /// How long the lag has to stay within maxLag before CaughtUp turns True,
    /// and beyond it before CaughtUp turns False, such as `30s` or `10m`.
    /// Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub stable_for: Option<String>,
}

/// `readiness.maxLag` where it is not set: twice what OMS's own checkpoints
/// may be behind, with some room.
pub const DEFAULT_MAX_LAG: Duration = Duration::from_secs(60);

/// `readiness.stableFor` where it is not set.
pub const DEFAULT_STABLE_FOR: Duration = Duration::from_secs(30);

impl MigrationProjectSpec {
    /// The lag that counts as caught up, the default applied.
    #[must_use]
    pub fn max_lag(&self) -> Duration {
        let readiness = self.readiness.as_ref();
        duration(readiness.and_then(|readiness| readiness.max_lag.as_deref()))
            .unwrap_or(DEFAULT_MAX_LAG)
    }

    /// How long the lag has to stay on one side, the default applied.
    #[must_use]
    pub fn stable_for(&self) -> Duration {
        let readiness = self.readiness.as_ref();
        duration(readiness.and_then(|readiness| readiness.stable_for.as_deref()))
            .unwrap_or(DEFAULT_STABLE_FOR)
    }

    /// The id that `adopt` names.
    #[must_use]
    pub fn adopt_project_id(&self) -> Option<&str> {
        self.adopt.as_ref()?.project_id.as_deref()
    }

    /// Whether `adopt` allows taking over a namesake.
    #[must_use]
    pub fn adopt_by_name(&self) -> bool {
        self.adopt
            .as_ref()
            .is_some_and(|adopt| adopt.by_name == Some(true))
    }
}
