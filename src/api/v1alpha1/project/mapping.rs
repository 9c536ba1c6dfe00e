//! `transferMapping`: the objects to transfer.
//!
//! The bounds (500 databases, 10,000 objects in a list, 200 columns) are far
//! beyond what one OMS project carries; they exist because the API server
//! refuses validation rules over unbounded data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

/// The objects to transfer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferMapping {
    /// SPECIFIC: exactly the objects named in databases. WILDCARD: whatever
    /// matches the white list and not the black lists, objects made later
    /// included. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MappingMode>,

    /// The databases and their objects. SPECIFIC: all that is transferred, at
    /// least one. WILDCARD: explicit entries and settings of single objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub databases: Option<Vec<DatabaseMapping>>,

    /// Databases and objects to leave out, by name; matters in mode WILDCARD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub databases_black: Option<Vec<DatabaseMapping>>,

    /// Patterns of the tables and views to transfer; matters in mode WILDCARD.
    /// Passed to OMS as they are; OMS does not document their syntax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000), inner(length(max = 1024)))]
    pub table_and_view_white_list: Option<Vec<String>>,

    /// Patterns of the tables and views to leave out; matters in mode WILDCARD.
    /// Passed to OMS as they are; OMS does not document their syntax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000), inner(length(max = 1024)))]
    pub table_and_view_black_list: Option<Vec<String>>,
}

/// How objects are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum MappingMode {
    /// By name.
    Specific,
    /// By pattern.
    Wildcard,
}

/// One source database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseMapping {
    /// Name of the database in the source.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,

    /// Name of the database in the target. Left out: OMS decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub mapped_name: Option<String>,

    /// Id of the database in OMS, if you have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub id: Option<String>,

    /// Tables. SPECIFIC: those to transfer. WILDCARD: entries of the allow or
    /// block list, views included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub tables: Option<Vec<TableMapping>>,

    /// Views to transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub views: Option<Vec<TableMapping>>,

    /// WILDCARD only: rename or filter single tables among those that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub specific_tables: Option<Vec<TableMapping>>,

    /// WILDCARD only: rename single views among those that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub specific_views: Option<Vec<TableMapping>>,

    /// Stored procedures to transfer. Older OMS servers do not know this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub procedures: Option<Vec<RoutineMapping>>,

    /// Functions to transfer. Older OMS servers do not know this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub functions: Option<Vec<RoutineMapping>>,
}

/// One table or view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableMapping {
    /// Name in the source.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,

    /// Name in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub mapped_name: Option<String>,

    /// Id of the object in OMS, if you have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub id: Option<String>,

    /// SQL condition, without the word WHERE; only rows that meet it are
    /// transferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub where_clause: Option<String>,

    /// Columns to transfer. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200), inner(length(max = 256)))]
    pub filter_columns: Option<Vec<String>>,

    /// Columns whose values choose the partition of a message queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200), inner(length(max = 256)))]
    pub shard_columns: Option<Vec<String>>,
}

/// One stored procedure or function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutineMapping {
    /// Name in the source.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,

    /// Name in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub mapped_name: Option<String>,
}
