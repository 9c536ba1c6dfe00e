//! When to come again.

use std::time::Duration;

use kube::runtime::controller;

/// What comes after a reconcile. kube's own `Action` tells nobody what it
/// holds, and who drives reconciles without kube's controller has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    after: Option<Duration>,
    deferred: bool,
}

impl Action {
    /// Come again after this time, or when something changes.
    #[must_use]
    pub const fn requeue(after: Duration) -> Self {
        Self {
            after: Some(after),
            deferred: false,
        }
    }

    /// Nothing was looked at, because its turn has not come: come again after this time, or when
    /// it is woken.
    #[must_use]
    pub const fn defer(after: Duration) -> Self {
        Self {
            after: Some(after),
            deferred: true,
        }
    }

    /// Come again when something changes.
    #[must_use]
    pub const fn await_change() -> Self {
        Self {
            after: None,
            deferred: false,
        }
    }

    /// After which time to come again; `None`: only when something changes.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        self.after
    }

    /// Nothing was looked at.
    #[must_use]
    pub const fn is_deferred(self) -> bool {
        self.deferred
    }
}

impl From<Action> for controller::Action {
    fn from(action: Action) -> Self {
        action.after.map_or_else(Self::await_change, Self::requeue)
    }
}
