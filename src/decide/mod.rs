//! The pure part of the operator: from what was read to what is to be done.
//!
//! Nothing here waits, reads a clock or calls anybody. What a decision rests
//! on is a value, and so is the decision.

pub mod body;
pub mod caught_up;
mod conditions;
pub mod connection;
pub mod create;
pub mod doubt;
pub mod drift;
pub mod lifecycle;
pub mod long_pause;
pub mod milestones;
mod mutation;
mod name;
mod observed;
pub mod precheck;
pub mod progress;
mod record;
pub mod recreate;
pub mod remove;
mod reservation;
pub mod stale;
mod suspension;
mod verdict;
pub mod verification;
pub mod words;

pub use conditions::{Unstated, conditions};
pub use connection::{Answer, HeldBack, Problem};
pub use mutation::Mutation;
pub use name::{MAX_CHARS as MAX_NAME_CHARS, Naming, project_name};
pub use observed::{Observed, ProjectStatus};
pub use progress::Progress;
pub use record::{Ending, FirstSeen, OpenAttempt, Record, Sources, Timing, Trace, later, record};
pub use reservation::{
    Identity, Provenance, RESERVATION_STALE_AFTER, RESERVATION_VALID_FOR, Reservation,
    ReservedConnection, Target, classify,
};
pub use suspension::Suspension;
pub use verdict::{Readiness, Statement, Verdict};
