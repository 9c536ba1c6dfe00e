//! An OceanBase Migration Service (OMS) to talk to, for tests and demos.
//!
//! It answers OMS's own API, `POST /api/v2?Action=…` with HTTP Basic
//! credentials, refuses what OMS would refuse, takes projects through their
//! steps, and can be made to fail in every way that a client must survive. It
//! migrates nothing. It shares no code with the operator that is tested against
//! it: both are written from the vendor's documentation alone.
//!
//! # Use
//!
//! ```
//! use oms_simulator::{Config, Fault, Kind, Simulator, When};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> anyhow::Result<()> {
//! let oms = Simulator::start(Config::default()).await?;
//! println!("{}", oms.url());
//!
//! // The reply of the next CreateProject is lost after the work is done.
//! oms.fault(Fault::new("CreateProject", Kind::Drop).after_work().times(1));
//! // Every StartProject stands still before the work until it is released.
//! let gate = oms.hold("StartProject", When::BeforeWork);
//! // … the client calls; `gate.arrived().await`; the client is killed …
//! gate.release();
//! assert!(oms.projects().is_empty());
//! assert_eq!(oms.count("CreateProject"), 0);
//! oms.stop().await;
//! # Ok(()) }
//! ```
//!
//! Without a network, on a clock of the caller's, [`Oms::handle`] does the same:
//!
//! ```
//! use std::time::Duration;
//! use oms_simulator::{Clock, Config, Oms};
//!
//! let config = Config { seed: 7, ..Config::default() };
//! let oms = Oms::with_clock(config, Clock::manual(Duration::from_secs(1_700_000_000)));
//! let reply = oms.handle("ListProjects", Some("Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ="), b"{}");
//! assert_eq!(reply.json().unwrap()["success"], true);
//! oms.clock().advance(Duration::from_secs(60));
//! ```
//!
//! # What is documented, and what is ours
//!
//! | matter | here |
//! | --- | --- |
//! | code of a wrong state | `GHANA-OPERAT000002` is ours, under the documented prefix |
//! | code of an unknown action | `INNER_ERROR` is ours; clients know it by its message |
//! | wrong credentials | HTTP 401 and code `UNAUTHORIZED` are ours; see [`Unauthorized`] |
//! | unknown request keys | refused, see [`UnknownKeys`]; keys that other known clients send are known |
//! | project names | not unique |
//! | `searchKey` | loose: any part of name or id, whatever the case |
//! | RELEASED projects | stay in lists until they are deleted |
//! | DeleteProject | allowed in INIT and RELEASED only (the console's rule), done at once |
//! | `startTimestamp` beside a full transfer | accepted, as in the vendor's example |
//! | precheck items | the words of their `status`, and their text fields, are ours |
//! | `Date` header | the simulator's clock, which is that of `gmtCreate` too |
//!
//! # Time
//!
//! OMS's dates follow the machine's clock. How fast projects work is another
//! matter: [`Oms::set_speed`] and [`Oms::step`] leave the dates alone; see
//! [`Clock`].
//!
//! # Map
//!
//! A call goes `server` → `oms` (faults, credentials, log) → `actions` →
//! `validate` and `schema` (what is refused), `project` and `plan` (its life),
//! `list` and `render` (its words) → `reply` (the envelope). `handles` and
//! `admin` steer from the side.
//!
//! # Admin API
//!
#![doc = include_str!("admin.md")]

mod actions;
mod admin;
mod calls;
mod clock;
mod config;
mod configuration;
mod details;
mod fault;
mod gate;
mod handles;
mod list;
mod oms;
mod plan;
mod project;
mod render;
mod reply;
mod schema;
mod seed;
mod server;
mod state;
mod time;
mod tls;
mod validate;

pub use actions::ACTIONS;
pub use calls::{Call, Outcome};
pub use clock::{Clock, Now};
pub use config::{
    Admin, Casing, CheckpointForm, CodeForm, Config, CostForm, Durations, ReplyForm, Unauthorized,
    UnknownKeys,
};
pub use details::TableDifference;
pub use fault::{Fault, Kind, When};
pub use gate::Gate;
pub use handles::{HandleError, ProjectView};
pub use oms::{Exchange, Oms};
pub use project::StepError;
pub use reply::{Delivery, Reply};
pub use seed::DataSource;
pub use server::Simulator;
pub use tls::Tls;
