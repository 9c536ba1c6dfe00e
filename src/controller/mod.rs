//! The loop: gather → decide → act → publish.
//!
//! | file | what it is there for |
//! | --- | --- |
//! | `reconcile.rs` | one reconcile of a MigrationProject, and its error policy |
//! | `create/` | the create protocol: look, reserve, call, record |
//! | `life/`, `farewell.rs` | a project with an id: observe, gather, act, depart; and the last word |
//! | `show.rs`, `details.rs`, `recreate.rs` | what is published of it, what lists do not show, and how it is made anew |
//! | `connection.rs`, `credentials.rs`, `sweeps.rs`, `strangers.rs` | one reconcile of an OMSConnection: client, sweep, status |
//! | `limits.rs`, `shares.rs` | what an OMS is asked for at most, and what it may have of this process |
//! | `doubt.rs` | what of the recorded projects a sweep does not show any more |
//! | `link.rs`, `registry.rs`, `waits.rs` | which connection a resource uses, what is known of it, and what is said while it is in trouble |
//! | `claims.rs`, `locks.rs`, `memory.rs` | who wants what; one at a time; what this process remembers |
//! | `watch.rs`, `listing.rs`, `kept.rs`, `packed.rs`, `merge.rs` | the watches, and what is kept of what they see |
//! | `kubernetes.rs`, `publish.rs`, `events.rs` | every request to the API server |
//! | `work.rs`, `census.rs` | what is counted of the work, and of what there is |
//! | `context.rs`, `clock.rs`, `wake.rs`, `action.rs` | what a simulation replaces, or has to know |

mod action;
mod audit;
mod census;
mod claims;
mod clock;
pub mod connection;
mod context;
mod create;
mod credentials;
mod details;
mod doubt;
mod events;
mod failure;
mod farewell;
mod kept;
mod kubernetes;
mod life;
mod limits;
mod link;
mod listing;
mod locks;
mod me;
mod memory;
mod merge;
mod packed;
mod pass;
mod publish;
mod reconcile;
mod recreate;
mod registry;
mod shares;
mod show;
mod strangers;
mod sweeps;
mod waits;
mod wake;
mod watch;
mod work;

pub use action::Action;
pub use census::census;
pub use claims::{Claims, Key};
pub use clock::{Clock, SystemClock};
pub use context::{Connect, ConnectByNetwork, Context, SENDING, Settings};
pub use create::{finish, on_record};
pub use events::Events;
pub use failure::chain;
pub use kept::KeptProject;
pub use kubernetes::{Kubernetes, Ours};
pub use locks::NameLocks;
pub use me::is_held;
pub use memory::Memory;
pub use pass::Error;
pub use reconcile::{error_policy, reconcile};
pub use registry::Registry;
pub use shares::Shares;
pub use sweeps::Sweeps;
pub use wake::Waker;
pub use watch::{Scope, Wakes, Watch, run};
