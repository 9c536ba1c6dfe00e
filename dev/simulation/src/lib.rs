//! The operator in a world of its own: what it does when everything that can go
//! wrong goes wrong, at every point at which it can.
//!
//! Production's `reconcile`, its `Context`, its Kubernetes client and its OMS
//! client run on one thread, under a paused clock, against a Kubernetes and an
//! OMS in memory. Every choice that is left to chance comes from one seed, so
//! that a failure can be had again: it is printed with the line that repeats it.
//!
//! `docs/simulation.md` tells how to run it, to repeat a failure, and to add a
//! scenario.
//!
//! # Two ways
//!
//! *Exhaustive*: each scenario ([`scenarios`]) runs whole; its calls are counted;
//! then it runs again with the process ended before and after each of them, and
//! with each fault at each of them ([`exhaustive`]).
//! *Random*: a seed makes one scenario with users, faults and ends of the
//! process ([`random`]).
//!
//! # Map
//!
//! | file | reason to exist |
//! | --- | --- |
//! | `kubernetes/` | the API server in memory |
//! | `transports.rs`, `bus.rs` | what the clients get instead of sockets; each call is counted and meets its mishap |
//! | `faults.rs` | what goes wrong, and where |
//! | `process.rs`, `controller.rs`, `clock.rs` | one life of the operator |
//! | `world.rs`, `acts.rs` | what is around it, and what users do |
//! | `witness.rs` | what must not happen on the way |
//! | `verdict.rs` | what must be in the end |
//! | `scenario.rs`, `scenarios.rs` | scenarios as data |
//! | `run.rs`, `many.rs`, `exhaustive.rs`, `random.rs` | one run, and many |

mod acts;
mod bus;
mod clock;
mod controller;
pub mod exhaustive;
mod faults;
mod kubernetes;
mod many;
mod process;
pub mod random;
mod run;
mod scenario;
pub mod scenarios;
mod transports;
mod verdict;
mod witness;
mod world;

pub use acts::{Act, Manifest};
pub use faults::{Mishap, Mishaps};
pub use many::each;
pub use run::{Outcome, run};
pub use scenario::{Ending, Scenario};
pub use world::Circumstances;
