//! Runs OceanBase Migration Service (OMS) projects as Kubernetes resources: for
//! each `MigrationProject` exactly one project, whatever crashes.
//!
//! The main flow, a file for each step:
//! 1. [`run`] puts the parts together; `controller/watch.rs` watches the
//!    resources and wakes `controller/reconcile.rs` for each that changed.
//! 2. *Gather*: the resource, its connection, what the last sweep of OMS has
//!    shown ([`observe`]), what is on record of earlier attempts.
//! 3. *Decide*: pure functions from what was gathered to what is to be done.
//!    [`decide::create`] for a resource without a project, which is the part
//!    that must not go wrong; [`decide::lifecycle`] for one with a project.
//! 4. *Act*: at most one change in OMS ([`oms`]) in one pass.
//! 5. *Publish*: status, conditions and Events, where they differ.
//!
//! | module | may use of ours | never |
//! | --- | --- | --- |
//! | [`api`] | – | clients, async |
//! | [`oms`] | – | kube, api |
//! | [`decide`] | api | async, clock, random, environment, logging, any client |
//! | [`observe`] | oms, decide, telemetry | Kubernetes writes, OMS mutations |
//! | [`controller`] | api, decide, lease, oms, observe, telemetry | policy choices of its own |
//! | [`lease`] | – | OMS, the resources |
//! | [`telemetry`] | oms | – |
//! | [`check`] | api, decide, oms | async, clients, environment |
//! | [`release`] | api, cli, controller, decide, lease, run | any OMS, deletions |
//! | [`run`], [`preflight`], [`cli`], `main` | everything | decisions |
//!
//! `tests/it/layering.rs` holds the code to this table.

pub mod api;
pub mod check;
pub mod cli;
pub mod controller;
pub mod decide;
pub mod lease;
pub mod observe;
pub mod oms;
pub mod preflight;
pub mod release;
pub mod run;
pub mod telemetry;
