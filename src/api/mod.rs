//! The resource types, and everything that follows from them alone: the custom
//! resource definitions, and resources written from existing requests.

pub mod keys;
pub mod v1alpha1;
