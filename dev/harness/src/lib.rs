//! A real Kubernetes control plane as child processes.

mod apply;
mod audit;
mod binaries;
mod build;
mod connection;
mod control_plane;
mod credentials;
mod entries;
mod ports;
mod process;
mod progress;
mod proxy;
mod scratch;
mod servers;
mod wait;

pub use audit::{Audit, Mark};
pub use binaries::{Binaries, kubernetes_version};
pub use control_plane::{ControlPlane, Options};
pub use entries::{Entries, Entry};
pub use process::{Exit, Process};
pub use proxy::{Fault, Gate, Match, Proxy, Refusal, Request};
pub use wait::{until, until_ok};
