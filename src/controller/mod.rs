//! The loop: gather → decide → act → publish.
//!
//! | file | what it is there for |
//! | --- | --- |
//! | `reconcile.rs` | one reconcile of a MigrationProject, and its error policy |
//! | `create/` | the create protocol: look, reserve, call, record |
//! | `life/`, `farewell.rs` | a project with an id: observe, gather, act, depart; and the last word |
//! | `show.rs`, `details.rs`, `recreate.rs` | what is published of it, what lists do not show, and how it is made anew |
//! | `connection.rs`, `credentials.rs`, `sweeps.rs` | one reconcile of an OMSConnection: client, sweep, status |
//! | `link.rs`, `registry.rs`, `waits.rs` | which connection a resource uses, what is known of it, and what is said while it is in trouble |
//! | `claims.rs`, `locks.rs`, `memory.rs` | who wants what; one at a time; what this process remembers |
//! | `watch.rs`, `listing.rs`, `kept.rs`, `merge.rs` | the watches, and what is kept of what they see |
//! | `kubernetes.rs`, `publish.rs`, `events.rs` | every request to the API server |
//! | `context.rs`, `clock.rs`, `wake.rs`, `action.rs` | what a simulation replaces, or has to know |

mod action;
mod audit;
mod claims;
mod clock;
pub mod connection;
mod context;
mod create;
mod credentials;
mod details;
mod events;
mod failure;
mod farewell;
mod kept;
mod kubernetes;
mod life;
mod link;
mod listing;
mod locks;
mod me;
mod memory;
mod merge;
mod pass;
mod publish;
mod reconcile;
mod recreate;
mod registry;
mod show;
mod sweeps;
mod waits;
mod wake;
mod watch;

pub use action::Action;
pub use claims::{Claims, Key};
pub use clock::{Clock, SystemClock};
pub use context::{Connect, ConnectByNetwork, Context, SENDING, Settings};
pub use create::finish;
pub use events::Events;
pub use failure::chain;
pub use kept::KeptProject;
pub use kubernetes::Kubernetes;
pub use locks::NameLocks;
pub use memory::Memory;
pub use pass::Error;
pub use reconcile::{error_policy, reconcile};
pub use registry::Registry;
pub use sweeps::Sweeps;
pub use wake::Waker;
pub use watch::{Wakes, Watch, run};
