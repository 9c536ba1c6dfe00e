//! The HTTP client of OMS: one method per action, the vendor's names, and three outcomes for a mutation.
//!
//! The main flow: [`Settings`] make a [`Client`]; a call becomes one `POST /api/v2?Action=…` on the
//! [`Transport`]; the reply's envelope is read whatever its HTTP status; [`codes`] says what its
//! code means; a read ends in `Result`, a mutation in [`Outcome`], whose third value says that nobody knows
//! whether OMS did the work. Nothing here retries, follows redirects or decides policy.
//!
//! | file | reason to exist |
//! | --- | --- |
//! | `action.rs` | the actions and which of them change something |
//! | `url.rs`, `settings.rs`, `credentials.rs` | what a client is made from |
//! | `transport.rs` | the replaceable network, and what "never connected" means |
//! | `governor/` | whether a call goes out now, later, or not at all |
//! | `json.rs` | the JSON of a reply, in both key cases, without what nobody reads |
//! | `envelope.rs` | the shape that every reply has |
//! | `codes.rs` | the table from codes and HTTP statuses to their meaning |
//! | `outcome.rs` | the one place that may say that a mutation was not done |
//! | `reply.rs`, `error.rs`, `redact.rs` | what is told about a failure, and what never is |
//! | `list.rs`, `walk.rs` | list requests, and all pages of them |
//! | `detail.rs` | what is asked of one project only: configuration, precheck, verification |
//! | `wire.rs`, `fields.rs` | what comes back, decoded with tolerance |

mod action;
mod client;
pub mod codes;
mod credentials;
mod detail;
mod envelope;
mod error;
mod fields;
mod governor;
mod json;
mod list;
mod outcome;
mod redact;
mod reply;
mod settings;
mod transport;
mod url;
mod walk;
mod wire;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use client::Client;
pub use codes::{Class, Retry};
pub use credentials::{Credentials, CredentialsError};
pub use detail::{Described, FullVerification, PreCheckItem, VerifiedTable};
pub use envelope::Unreadable;
pub use error::{Error, Problem};
pub use governor::{Circuit, Governor, Governors, Lane, Limits, NotSent, Standing};
pub use list::{ListDataSources, ListProjects, Order, Page, SortField};
pub use outcome::{Outcome, Receipt};
pub use settings::{Observe, Settings, Timeouts};
pub use transport::{BODY_LIMIT, BuildError, Transport, TransportError};
pub use url::{BaseUrl, UrlError};
pub use walk::Walk;
pub use wire::{DataSource, Endpoint, ErrorDetail, Project, Step, StepInfo};
