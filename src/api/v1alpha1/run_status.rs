//! What is on record of pauses and of retries: what decides whether a paused or
//! failed project may be resumed.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lifecycle::WantedState;

/// The pause that stands. It is from outside if the spec asked for Running when
/// the project was first seen paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseStatus {
    /// What spec.state asked for when the project was seen paused. Running: the
    /// pause comes from outside. Another: a later change to Running resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WantedState>,

    /// Generation of the spec that asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub generation: Option<i64>,

    /// When the project was first seen paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How often a project that keeps failing was resumed by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriesStatus {
    /// Attempts so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub count: Option<i32>,

    /// When the last one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt_time: Option<Timestamp>,

    /// When the failure that stands was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_time: Option<Timestamp>,

    /// When the next attempt is made, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_time: Option<Timestamp>,
}
