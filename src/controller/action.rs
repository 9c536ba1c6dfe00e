//! When to come again.

use std::time::Duration;

use kube::runtime::controller;

/// What comes after a reconcile. kube's own `Action` tells nobody what it
/// holds, and who drives reconciles without kube's controller has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    after: Option<Duration>,
}

impl Action {
    /// Come again after this time, or when something changes.
    #[must_use]
    pub const fn requeue(after: Duration) -> Self {
        Self { after: Some(after) }
    }

    /// Come again when something changes.
    #[must_use]
    pub const fn await_change() -> Self {
        Self { after: None }
    }

    /// After which time to come again; `None`: only when something changes.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        self.after
    }
}

impl From<Action> for controller::Action {
    fn from(action: Action) -> Self {
        action.after.map_or_else(Self::await_change, Self::requeue)
    }
}
