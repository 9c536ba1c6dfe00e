//! The Helm chart under the real Helm, 3 and 4, and the plain manifests under the real kubectl.

mod defaults;
mod documented;
mod installed;
mod leaves;
mod notes;
mod plain;
mod policy;
mod rendered;
mod tools;
mod wrong;
