//! `spec.project`: the request body of OMS's `CreateProject`, with the vendor's
//! own field names and nesting, so that an existing request pastes unchanged.
//!
//! Every field is optional in Rust unless OMS cannot make sense of its parent
//! without it. Absent means "not sent", with the exceptions that
//! [`crate::decide::body`] lists. The doc comments are what `kubectl explain`
//! shows.

mod body;
mod common;
mod full;
mod incremental;
mod mapping;
mod structure;

pub use body::{Importance, ProjectBody, ProjectType};
pub use common::{
    CommonTransferConfig, DatahubTopicType, MqPartitionMode, MqSerializerType, TableCategory,
};
pub use full::{FullTransferConfig, SpeedMode};
pub use incremental::{IncrTransferConfig, RecordType};
pub use mapping::{DatabaseMapping, MappingMode, RoutineMapping, TableMapping, TransferMapping};
pub use structure::{ByteCharConvertStrategy, StructTransferConfig};
