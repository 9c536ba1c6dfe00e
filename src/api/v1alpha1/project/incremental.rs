//! `incrTransferConfig`: following the changes of the source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

/// Settings of the incremental synchronisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncrTransferConfig {
    /// Where to begin in the source's log, in seconds since 1970-01-01 UTC.
    /// Matters when enableIncrTransfer is true and enableFullTransfer is false;
    /// the log must still hold that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub start_timestamp: Option<i64>,

    /// Kinds of records to transfer: HEARTBEAT, INSERT, UPDATE, DELETE, BEGIN,
    /// COMMIT, ROLLBACK, DDL, ROW. Left out: OMS decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub record_type_white_list: Option<Vec<RecordType>>,

    /// Hours that OMS keeps the source's log, 1 to 8760 (365 days). OMS's
    /// default: 168 (7 days). Matters when the project has a Store component.
    // The upper end is CEL, so that it can be relaxed for an adopted project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub store_log_kept_hour: Option<i32>,

    /// Keep the order of the changes within a transaction. Matters when the
    /// project has a Store component. Left out: OMS decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_sequencing_within_txn: Option<bool>,

    /// Threads that write to the target, 1 to 1024. OMS's default: 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub incr_sync_concurrency: Option<i32>,

    /// Count the DML and DDL statements. Left out: OMS decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_incr_sync_statistics: Option<bool>,
}

/// Kind of a change record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum RecordType {
    /// Heartbeat.
    Heartbeat,
    /// Inserted row.
    Insert,
    /// Updated row.
    Update,
    /// Deleted row.
    Delete,
    /// Begin of a transaction.
    Begin,
    /// Commit.
    Commit,
    /// Rollback.
    Rollback,
    /// Schema change.
    Ddl,
    /// Row.
    Row,
}
