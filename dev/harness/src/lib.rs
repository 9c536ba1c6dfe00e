//! A real Kubernetes control plane as child processes, for tests and the demo.
//!
//! etcd, kube-apiserver and, of the controllers, namespaces and garbage collection: what is applied
//! is validated, defaulted, pruned, authorised and audited as in any cluster; no Pod ever starts.
//! Beside it stands what tests of an operator need:
//!
//! - [`ControlPlane`]: start (or [share](ControlPlane::shared)) one, clients, kubeconfigs, tokens, YAML
//! - [`Audit`]: who asked for what, as an oracle
//! - [`History`]: every version of every object that ever was
//! - [`Proxy`]: holds, cuts or refuses a named request
//! - [`Process`]: a program that cannot outlive its owner, such as the operator under test
//! - [`Tools`]: Helm and kubectl, as users have them
//! - [`until`]: waiting with a deadline
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use std::time::Duration;
//! use oms_harness::{ControlPlane, Match, Process, Proxy};
//!
//! let control_plane = ControlPlane::shared();
//! let namespace = control_plane.namespace("crash").await?;
//! control_plane.apply_yaml_in(&namespace, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: me}}").await?;
//! let token = control_plane.service_account_token(&namespace, "me").await?;
//! let proxy = Proxy::start(control_plane).await?;
//! let kubeconfig = proxy.kubeconfig(control_plane, &token)?;
//! let mark = control_plane.audit().mark().await?;
//!
//! let gate = proxy.hold_before(Match::writes().path_ends_with("/status"));
//! let env = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
//! let operator = Process::spawn("operator", "target/debug/oms-operator", &["run"], &env)?;
//! gate.arrived(Duration::from_secs(30)).await?;
//! operator.kill().await;
//!
//! let seen = control_plane.audit().since(mark).await?.service_account(&namespace, "me");
//! assert!(seen.forbidden().is_empty(), "{seen}");
//! # Ok(())
//! # }
//! ```

mod apply;
mod audit;
mod binaries;
mod build;
mod connection;
mod control_plane;
mod credentials;
mod entries;
mod history;
mod ports;
mod process;
mod progress;
mod proxy;
mod scratch;
mod servers;
mod tools;
mod wait;

pub use apply::{apply_yaml, served, service_account_token};
pub use audit::{Audit, Mark};
pub use binaries::{Binaries, kubernetes_version};
pub use control_plane::{ControlPlane, Options};
pub use entries::{Entries, Entry};
pub use history::{History, Write};
pub use process::{Exit, Process};
pub use proxy::{Fault, Gate, Match, Proxy, Refusal, Request};
pub use tools::Tools;
pub use wait::{until, until_ok};
