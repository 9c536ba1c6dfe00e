//! What a client is made from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Action, BaseUrl, Credentials, Governor};

/// Everything that a [`Client`](super::Client) needs to know.
#[derive(Clone)]
pub struct Settings {
    /// Where OMS is.
    pub base: BaseUrl,
    /// The account.
    pub credentials: Credentials,
    /// Certificates (PEM) that are trusted in addition to the platform's.
    pub ca_pem: Option<Vec<u8>>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Whether to go through the proxy that the environment names. Off: a proxy that somebody set for
    /// other traffic must not see the account.
    pub proxy: bool,
    /// Told of every call that ended.
    pub observer: Option<Arc<dyn Observe>>,
    /// Says when calls go out, to all clients of this OMS. None: at once.
    pub governor: Option<Arc<Governor>>,
}

impl Settings {
    /// The defaults: no own CA, no proxy, the usual time-outs.
    pub fn new(base: BaseUrl, credentials: Credentials) -> Settings {
        Settings {
            base,
            credentials,
            ca_pem: None,
            timeouts: Timeouts::default(),
            proxy: false,
            observer: None,
            governor: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base)
            .field("credentials", &self.credentials)
            .field(
                "ca_pem",
                &self
                    .ca_pem
                    .as_ref()
                    .map(|pem| format!("{} bytes", pem.len())),
            )
            .field("timeouts", &self.timeouts)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For TCP and TLS together. Only a connect that runs into this one is surely not sent; it should
    /// therefore be shorter than the other two.
    pub connect: Duration,
    /// For a whole read, its reply included.
    pub read: Duration,
    /// For a whole mutation, its reply included.
    pub mutation: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(20),
            // The read time-out of the one client known to run against OMS in production.
            mutation: Duration::from_secs(60),
        }
    }
}

impl Timeouts {
    /// The whole-call limit of an action.
    pub(super) fn of(&self, action: Action) -> Duration {
        if action.is_mutation() {
            self.mutation
        } else {
            self.read
        }
    }
}

/// Told of every call when it ends; for metrics.
pub trait Observe: Send + Sync {
    /// `outcome` is one of a fixed set: `done`, `not_done`, `unknown` for a mutation; `ok` or the
    /// [`Class`](super::Class) of the error, in its `as_str` form, for a read.
    fn call(&self, action: Action, outcome: &'static str, seconds: f64);
}
