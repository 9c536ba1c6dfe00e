//! What a user says about the life of a project: its run state, who may pause
//! it, and what is done when it fails.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::migration_project::MigrationProjectSpec;
use crate::api::schema::describe_at_field;

/// Wanted run state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum WantedState {
    /// Created and started.
    #[default]
    Running,
    /// Not at work: paused if it runs, not started if it does not.
    Paused,
    /// Created and not started.
    Created,
}

impl WantedState {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Running, Self::Paused, Self::Created];
}

/// What is done about a pause that the spec did not ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum OnExternalPause {
    /// Nothing, until somebody asks for it.
    #[default]
    Respect,
    /// The project is resumed.
    Resume,
}

/// What deleting the resource does to the OMS project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum DeletionPolicy {
    /// Nothing.
    #[default]
    Retain,
    /// It is paused and released: it has ended for good, and its record stays.
    Release,
    /// It is paused, released and deleted.
    Delete,
}

impl DeletionPolicy {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Retain, Self::Release, Self::Delete];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Release => "Release",
            Self::Delete => "Delete",
        }
    }
}

/// What becomes of a deleted resource whose deletion policy takes too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum OnDeletionTimeout {
    /// It goes, and what may be left in OMS is said.
    #[default]
    Abandon,
    /// It stays until the policy could be carried out.
    Block,
}

/// How a failed project is resumed by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// How often a project that keeps failing is resumed. Once it has kept
    /// running for longer than maxDelay after the last time, the count starts
    /// anew. 0: never. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub max_attempts: Option<i32>,

    /// Time from a failure to the first attempt, such as `30s` or `2m`; each
    /// further one waits twice as long. OMS heals some failures by itself within
    /// two minutes. Default: 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub initial_delay: Option<String>,

    /// Longest time from a failure to an attempt, such as `1h`. Default: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub max_delay: Option<String>,
}

/// `deletionTimeout` where it is not set.
pub const DEFAULT_DELETION_TIMEOUT: Duration = Duration::from_secs(3600);

/// `retry.initialDelay` where it is not set: a step that fails may recover by
/// itself, for which OceanBase's own client waits 120 s.
pub const DEFAULT_INITIAL_DELAY: Duration = Duration::from_secs(120);

/// `retry.maxDelay` where it is not set.
pub const DEFAULT_MAX_DELAY: Duration = Duration::from_secs(3600);

impl RetryPolicy {
    /// How often a project that keeps failing is resumed, the default applied.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        let wanted = self.max_attempts.unwrap_or_default();
        u32::try_from(wanted).unwrap_or_default()
    }

    /// Time to the first attempt, the default applied.
    #[must_use]
    pub fn initial_delay(&self) -> Duration {
        duration(self.initial_delay.as_deref()).unwrap_or(DEFAULT_INITIAL_DELAY)
    }

    /// Longest time to an attempt, the default applied.
    #[must_use]
    pub fn max_delay(&self) -> Duration {
        duration(self.max_delay.as_deref()).unwrap_or(DEFAULT_MAX_DELAY)
    }
}

impl MigrationProjectSpec {
    /// The wanted run state, the default applied.
    #[must_use]
    pub fn state(&self) -> WantedState {
        self.state.unwrap_or_default()
    }

    /// What is done about a pause from outside, the default applied.
    #[must_use]
    pub fn on_external_pause(&self) -> OnExternalPause {
        self.on_external_pause.unwrap_or_default()
    }

    /// Whether the operator keeps its hands off.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspend == Some(true)
    }

    /// How a failed project is resumed by itself, the default applied.
    #[must_use]
    pub fn retry(&self) -> RetryPolicy {
        self.retry.clone().unwrap_or_default()
    }

    /// The deletion policy, the default applied.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }

    /// How long the deletion policy may take, the default applied.
    #[must_use]
    pub fn deletion_timeout(&self) -> Duration {
        duration(self.deletion_timeout.as_deref()).unwrap_or(DEFAULT_DELETION_TIMEOUT)
    }

    /// What becomes of the resource then, the default applied.
    #[must_use]
    pub fn on_deletion_timeout(&self) -> OnDeletionTimeout {
        self.on_deletion_timeout.unwrap_or_default()
    }
}

/// A duration as the schema lets it through; anything else counts as unset.
pub(super) fn duration(text: Option<&str>) -> Option<Duration> {
    text?
        .parse::<kube::core::Duration>()
        .ok()
        .map(Duration::from)
}
