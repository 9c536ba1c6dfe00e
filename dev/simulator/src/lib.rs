//! An OceanBase Migration Service to talk to.
mod actions;
mod admin;
mod calls;
mod clock;
mod config;
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
pub use fault::{Fault, Kind, When};
pub use gate::Gate;
pub use handles::{HandleError, ProjectView};
pub use oms::{Exchange, Oms};
pub use project::StepError;
pub use reply::{Delivery, Reply};
pub use seed::DataSource;
pub use server::Simulator;
pub use tls::Tls;
