//! Runs OceanBase Migration Service (OMS) projects as Kubernetes resources.

pub mod oms;
