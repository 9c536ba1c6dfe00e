//! Runs OceanBase Migration Service (OMS) projects as Kubernetes resources.

pub mod api;
pub mod controller;
pub mod decide;
pub mod observe;
pub mod oms;
pub mod telemetry;
