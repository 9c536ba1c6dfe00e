//! `structTransferConfig`: the schema migration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

/// Settings of the schema migration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StructTransferConfig {
    /// What to do with a character column whose length is counted in bytes:
    /// IGNORE_BYTE_IF_BYTE_USED, FORCE_CHAR_IF_BYTE_USED,
    /// EXPAND_LEN_IF_BYTE_USED or DO_NOTHING_IF_BYTE_USED (OMS's default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_char_convert_strategy: Option<ByteCharConvertStrategy>,

    /// Create the indexes after the full copy, which is faster. OMS's default:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defer_index_creation: Option<bool>,

    /// Number of shards of an index in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub shards_count: Option<i32>,

    /// Number of replicas of an index in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub replicas_count: Option<i32>,

    /// Format of dates in the target, such as `yyyy-MM-dd HH:mm:ss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub date_format: Option<String>,
}

/// Treatment of columns whose length is counted in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum ByteCharConvertStrategy {
    /// Drop the unit.
    IgnoreByteIfByteUsed,
    /// Count in characters.
    ForceCharIfByteUsed,
    /// Lengthen the column.
    ExpandLenIfByteUsed,
    /// Leave it.
    DoNothingIfByteUsed,
}
