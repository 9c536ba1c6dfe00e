//! `fullTransferConfig`: the full copy and the full verification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

/// Settings of the full copy and of the full verification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FullTransferConfig {
    /// DESTROYS DATA. Empty the target of every table without a unique index
    /// before the copy. Left out: false is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_pk_uk_truncate_dst_table: Option<bool>,

    /// MAY DESTROY DATA. What to do when a target table has rows already. true:
    /// go on; OMS documents that rows in MySQL and OceanBase Community targets
    /// are overwritten, and that extra rows in the target go unnoticed by the
    /// verification. false: stop with an error. Left out: false is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_dest_table_not_empty: Option<bool>,

    /// Load that the copy may put on source and target: STEADY (least), NORMAL
    /// or FAST. Required when enableFullTransfer is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_transfer_speed_mode: Option<SpeedMode>,

    /// Load that the verification may put on source and target: STEADY (least),
    /// NORMAL or FAST. Required when enableFullVerify is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_verify_speed_mode: Option<SpeedMode>,
}

/// Load that a phase may cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum SpeedMode {
    /// Least load.
    Steady,
    /// Middle.
    Normal,
    /// Most load.
    Fast,
}
