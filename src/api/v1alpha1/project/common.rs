//! `commonTransferConfig`: settings of all phases.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

/// Settings that hold for all phases, most of them for message queues.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommonTransferConfig {
    /// Tables to take, by their keys: ALL (OMS's default), WITH_UNIQUE_ROW_ID
    /// (with a primary key, or a unique index whose columns are all NOT NULL)
    /// or WITHOUT_UNIQUE_ROW_ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_category: Option<TableCategory>,

    /// Two-way synchronisation between two active sites. Left out: OMS decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_active: Option<bool>,

    /// Format of the messages: DEFAULT (OMS's own), DEFAULT_WITH_SCHEMA, CANAL,
    /// DATAWORKS_V2, SHAREPLEX, DEBEZIUM, DEBEZIUMFLATTEN or DEBEZIUMSMT. Matters
    /// for message queues (Kafka, RocketMQ, DataHub).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mq_serializer_type: Option<MqSerializerType>,

    /// How records are spread over the partitions of a message queue: ONE (all
    /// into mqPartition), HASH (by primary key or shardColumns) or TABLE (by
    /// database and table name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mq_partition_mode: Option<MqPartitionMode>,

    /// Number of the partition, counted from 0; matters when mqPartitionMode is
    /// ONE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub mq_partition: Option<i32>,

    /// Type of the DataHub topic: TUPLE or BLOB; matters for DataHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datahub_topic_type: Option<DatahubTopicType>,

    /// Producer group; matters for RocketMQ. OMS's default: OMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub rocket_mq_producer_group: Option<String>,

    /// Message tags; OMS appends `_tag`. Matters for RocketMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub rocket_mq_msg_tags: Option<String>,

    /// Message tracing; matters for RocketMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rocket_mq_enable_msg_trace: Option<bool>,

    /// Time-out for sending a message; matters for RocketMQ. OMS does not state
    /// the unit (RocketMQ's own setting is in milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub rocket_mq_send_msg_timeout: Option<i64>,

    /// Id of the business system; matters for the DATAWORKS_V2 format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub data_works_business_name: Option<String>,
}

/// Choice of tables by their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum TableCategory {
    /// All tables.
    All,
    /// Tables whose rows can be told apart by a key.
    WithUniqueRowId,
    /// The other tables.
    WithoutUniqueRowId,
}

/// Message format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum MqSerializerType {
    /// OMS's own format.
    Default,
    /// Canal.
    Canal,
    /// DataWorks, version 2.
    DataworksV2,
    /// SharePlex.
    Shareplex,
    /// OMS's own format with the schema.
    DefaultWithSchema,
    /// Debezium.
    Debezium,
    /// Debezium, flattened.
    Debeziumflatten,
    /// Debezium with single message transforms.
    Debeziumsmt,
}

/// Partitioning of a message queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum MqPartitionMode {
    /// All records into one partition.
    One,
    /// By hash of key or sharding columns.
    Hash,
    /// By table.
    Table,
}

/// Type of a DataHub topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(transform = describe_at_field)]
pub enum DatahubTopicType {
    /// Structured records.
    Tuple,
    /// Opaque bytes.
    Blob,
}
