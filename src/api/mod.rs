//! The resource types, and everything that follows from them alone: the custom
//! resource definitions, and resources written from existing requests.

mod definitions;
pub mod json;
pub mod keys;
pub mod known;
pub mod manifest;
mod schema;
pub mod v1alpha1;

pub use definitions::{Kind, crds, crds_yaml};
