//! What the operator tells of itself: figures, health, log.

mod health;
mod log;
mod metrics;
mod server;

pub use health::Health;
pub use log::{LogFormat, install};
pub use metrics::Metrics;
pub use server::serve;
