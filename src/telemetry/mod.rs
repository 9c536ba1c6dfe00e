//! What the operator tells of itself: figures, health, log.

mod health;
mod log;
mod metrics;
mod queue;
mod server;

pub use health::Health;
pub use log::{LogFormat, install};
pub use metrics::{CountRequests, Group, Metrics, ProjectFigures, Row, WorkFigures};
pub use queue::{Backlog, Queue};
pub use server::serve;
