//! The top level of the request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

use super::{
    CommonTransferConfig, FullTransferConfig, IncrTransferConfig, StructTransferConfig,
    TransferMapping,
};

/// The body of OMS's CreateProject request, with OMS's own field names. An
/// existing request can be pasted here; null means the same as leaving the
/// field out. Immutable once the project exists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectBody {
    /// Name of the project in OMS, without spaces; the OMS console allows 64
    /// characters. Left out: the namespace and name of this resource, as in
    /// `shop.orders` (--name-pattern), cut at 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,

    /// Kind of project: MIGRATION (move data once, then optionally follow
    /// changes) or SYNC (lasting synchronisation, also into message queues).
    /// Required.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<ProjectType>,

    /// Ids of OMS tags to put on the project, such as `l_4w0example`; at most 5.
    // The rule "at most 5" is CEL, so that it can be relaxed for an adopted
    // project; 64 only bounds its cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub label_ids: Option<Vec<String>>,

    /// Level at which OMS raises alerts for the project: IGNORE, LOW, MEDIUM or
    /// HIGH. Left out: OMS decides. Older OMS servers do not know this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,

    /// Id of the source data source in OMS, such as `e_4wg07example`. Give
    /// either this or `spec.sourceEndpointRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub source_endpoint_id: Option<String>,

    /// Id of the target data source in OMS, such as `e_4wfy2example`. Give
    /// either this or `spec.sinkEndpointRef`. May equal the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub sink_endpoint_id: Option<String>,

    /// Id of a precheck that was already made, such as `t_7diexample`; the
    /// project uses its result. Left out: OMS makes a new precheck when the
    /// project starts. Older OMS servers do not know this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub pre_check_id: Option<String>,

    /// What is transferred, and under which names it arrives. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_mapping: Option<TransferMapping>,

    /// Settings that hold for all phases; most of them matter for message
    /// queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_transfer_config: Option<CommonTransferConfig>,

    /// Create the schema objects in the target. Left out: false is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_struct_transfer: Option<bool>,

    /// Settings of the schema migration; they matter when
    /// enableStructTransfer is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struct_transfer_config: Option<StructTransferConfig>,

    /// Copy the existing rows. Left out: false is sent. When true,
    /// fullTransferConfig.fullTransferSpeedMode is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_full_transfer: Option<bool>,

    /// Compare the rows of source and target after the copy. Left out: false is
    /// sent. When true, fullTransferConfig.fullVerifySpeedMode is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_full_verify: Option<bool>,

    /// Settings of the full copy and of the full verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_transfer_config: Option<FullTransferConfig>,

    /// Follow the changes of the source after the copy. Left out: false is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_incr_transfer: Option<bool>,

    /// Prepare the way back, from target to source, for use after the
    /// switchover. Left out: false is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_reverse_incr_transfer: Option<bool>,

    /// Settings of the incremental synchronisation; they matter when
    /// enableIncrTransfer is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incr_transfer_config: Option<IncrTransferConfig>,
}

/// Kind of an OMS project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum ProjectType {
    /// Data migration.
    Migration,
    /// Data synchronisation.
    Sync,
}

/// Alert level of an OMS project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum Importance {
    /// No alerts.
    Ignore,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

impl ProjectBody {
    /// Whether nothing at all is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
