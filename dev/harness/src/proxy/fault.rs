//! What is done to chosen requests, and how often it was.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Response, StatusCode};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use super::Shared;
use super::gate::Hold;
use super::matching::Match;
use super::request::Request;

#[derive(Clone)]
pub(super) enum Action {
    Refuse(Refusal),
    CutBefore,
    CutAfter,
    HoldBefore(Arc<Hold>),
    HoldAfter(Arc<Hold>),
}

impl Action {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Action::Refuse(_) => "refused",
            Action::CutBefore => "cut before",
            Action::CutAfter => "cut after",
            Action::HoldBefore(_) => "held before",
            Action::HoldAfter(_) => "held after",
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Action::HoldBefore(hold) | Action::HoldAfter(hold) => hold.is_open(),
            Action::Refuse(_) | Action::CutBefore | Action::CutAfter => false,
        }
    }
}

/// An error answer with a Kubernetes `Status` as its body.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: u16,
    reason: String,
    message: String,
    retry_after: Option<u32>,
}

impl Refusal {
    /// This HTTP status, with the reason that Kubernetes gives with it.
    pub fn new(code: u16) -> Refusal {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            405 => "MethodNotAllowed",
            409 => "Conflict",
            410 => "Expired",
            413 => "RequestEntityTooLarge",
            415 => "UnsupportedMediaType",
            422 => "Invalid",
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "",
        };
        let message = format!("refused by the fault proxy with {code}");
        Refusal {
            code,
            reason: reason.to_owned(),
            message,
            retry_after: None,
        }
    }

    /// Another reason, such as `AlreadyExists` with 409.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Refusal {
        self.reason = reason.to_owned();
        self
    }

    /// Another message.
    #[must_use]
    pub fn message(mut self, message: &str) -> Refusal {
        self.message = message.to_owned();
        self
    }

    /// Asks the client to come back in so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Refusal {
        self.retry_after = Some(seconds);
        self
    }

    pub(super) fn response(&self) -> http::Result<Response<Vec<u8>>> {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.code)?)
            .header("content-type", "application/json");
        if let Some(seconds) = self.retry_after {
            status["details"] = json!({ "retryAfterSeconds": seconds });
            response = response.header("retry-after", seconds);
        }
        response.body(status.to_string().into_bytes())
    }
}

impl From<u16> for Refusal {
    fn from(code: u16) -> Refusal {
        Refusal::new(code)
    }
}

pub(super) struct Rule {
    which: Match,
    action: Action,
    matched: Mutex<usize>,
    fired: watch::Sender<usize>,
}

impl Rule {
    pub(super) fn new(which: Match, action: Action) -> Rule {
        Rule {
            which,
            action,
            matched: Mutex::default(),
            fired: watch::Sender::new(0),
        }
    }

    /// What to do to `request`, if anything; counts it.
    pub(super) fn try_fire(&self, request: &Request) -> Option<Action> {
        if self.action.is_over() || !self.which.fits(request) {
            return None;
        }
        let mut matched = self.matched.lock();
        let number = *matched;
        *matched += 1;
        self.which.is_due(number).then(|| {
            self.fired.send_modify(|fired| *fired += 1);
            self.action.clone()
        })
    }
}

/// A fault that was added to a proxy. It stays when this handle is dropped.
pub struct Fault {
    rule: Arc<Rule>,
    proxy: Weak<Shared>,
}

impl Fault {
    pub(super) fn new(rule: Arc<Rule>, proxy: Weak<Shared>) -> Fault {
        Fault { rule, proxy }
    }

    /// How many requests it has hit: a test that means to prove something has to ask.
    pub fn fired(&self) -> usize {
        *self.rule.fired.borrow()
    }

    /// Waits until it has hit so many requests.
    pub async fn wait_fired(&self, times: usize, deadline: Duration) -> anyhow::Result<()> {
        let mut fired = self.rule.fired.subscribe();
        match tokio::time::timeout(deadline, fired.wait_for(|fired| *fired >= times)).await {
            Ok(_) => Ok(()),
            Err(_) => anyhow::bail!(
                "a fault of the proxy ({}) was to fire {times} times within {} s and has {} times",
                self.rule.action.name(),
                deadline.as_secs_f32(),
                self.fired()
            ),
        }
    }

    /// Takes it away.
    pub fn remove(&self) {
        if let Some(proxy) = self.proxy.upgrade() {
            proxy
                .rules
                .lock()
                .retain(|rule| !Arc::ptr_eq(rule, &self.rule));
        }
    }
}
