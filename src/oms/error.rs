//! What is told about a call that did not succeed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::codes::{Class, Retry};
use super::{Action, NotSent, TransportError, Unreadable};

/// A failed call: which action, what happened, and what OMS said. Cheap to clone.
///
/// Its text is one line and never holds credentials or a raw body; the cause in the network, if any, is its
/// [`source`](std::error::Error::source).
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<Inner>);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It was not sent at all.
    #[error("not sent: {0}")]
    NotSent(NotSent),
    /// No connection was made, so nothing was sent.
    #[error("OMS could not be reached")]
    Unreachable,
    /// The connection broke, or the reply was not whole.
    #[error("the connection to OMS broke before a whole reply came")]
    Broken,
    /// The whole-call limit ran out.
    #[error("no reply from OMS within {0:?}")]
    TimedOut(Duration),
    /// OMS answered that it failed.
    #[error("OMS answered with an error")]
    Failed,
    /// The HTTP status says that it failed, and no readable body says more.
    #[error("answered with HTTP {0}")]
    Status(u16),
    /// The answer is not one of OMS's.
    #[error("the answer does not come from the OMS API: {0}")]
    Unreadable(#[from] Unreadable),
    /// Success by the body, failure by the HTTP status.
    #[error("the answer claims success under HTTP {0}")]
    Contradiction(u16),
    /// Success, but what came with it cannot be used.
    #[error("the answer cannot be used: {0}")]
    Unusable(&'static str),
    /// Success, but nothing has come of it.
    #[error("OMS answered with success, and shows nothing of it")]
    WithoutEffect,
}

#[derive(Debug, thiserror::Error)]
pub(super) struct Inner {
    pub action: Action,
    pub problem: Problem,
    pub status: Option<u16>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub advice: Option<String>,
    pub request_id: Option<String>,
    pub retry_after: Option<Duration>,
    pub class: Class,
    pub retry: Retry,
    #[source]
    pub source: Option<TransportError>,
}

impl Inner {
    /// An error about which OMS said nothing.
    pub fn new(action: Action, problem: Problem, class: Class, retry: Retry) -> Inner {
        Inner {
            action,
            problem,
            status: None,
            code: None,
            message: None,
            advice: None,
            request_id: None,
            retry_after: None,
            class,
            retry,
            source: None,
        }
    }

    /// A success that does not hold what it should.
    pub fn unusable(action: Action, why: &'static str) -> Inner {
        let mut inner = Inner::new(
            action,
            Problem::Unusable(why),
            Class::Unreadable,
            Retry::BackOff,
        );
        inner.advice = Some(
            "The answer has not the documented form; check the version of OMS and any proxy before it."
                .to_owned(),
        );
        inner
    }
}

impl From<Inner> for Error {
    fn from(inner: Inner) -> Error {
        Error(Arc::new(inner))
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.problem)?;
        for text in [&self.code, &self.message].into_iter().flatten() {
            write!(f, ": {text}")?;
        }
        // Status(_) and Contradiction(_) have said it already.
        let status = match self.problem {
            Problem::Status(_) | Problem::Contradiction(_) => None,
            _ => self
                .status
                .filter(|status| *status != 200)
                .map(|status| format!("HTTP {status}")),
        };
        let request_id = self
            .request_id
            .as_ref()
            .map(|id| format!("request id {id}"));
        let mut separator = " (";
        for text in [status, request_id].into_iter().flatten() {
            write!(f, "{separator}{text}")?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_str(")")
        } else {
            Ok(())
        }
    }
}

impl Error {
    /// A change that OMS has answered with success, and of which nothing shows although it had the time:
    /// `shown` is what its project is still said to be.
    pub fn without_effect(action: Action, shown: &str) -> Error {
        let mut inner = Inner::new(
            action,
            Problem::WithoutEffect,
            Class::Rejected,
            Retry::BackOff,
        );
        inner.message = Some(format!("the project is still {shown}"));
        inner.advice = Some("Look at the project in OMS's console.".to_owned());
        inner.into()
    }

    /// The action that failed.
    pub fn action(&self) -> Action {
        self.0.action
    }

    /// What happened.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The HTTP status, if there was a reply.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// OMS's code; of several the one that decided the class.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// OMS's message: one line of at most 200 characters.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What can be done: OMS's own advice, or else that of the [table](super::codes).
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The id that finds the call in the log of OMS.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the server asks to wait; at most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The kind of failure.
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// When to try again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Whether OMS says that the project does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.class == Class::NotFound
    }

    /// Whether this OMS does not know the action.
    pub fn is_unsupported(&self) -> bool {
        self.0.class == Class::Unsupported
    }

    /// Whether the account is the trouble.
    pub fn is_auth(&self) -> bool {
        self.0.class == Class::Auth
    }

    /// Whether the certificate of OMS is not trusted, expired, or of another name.
    pub fn is_certificate(&self) -> bool {
        matches!(self.0.source, Some(TransportError::Untrusted(_)))
    }

    /// Why the call was not even sent, if so.
    pub fn not_sent(&self) -> Option<NotSent> {
        match self.0.problem {
            Problem::NotSent(why) => Some(why),
            _ => None,
        }
    }

    /// Whether a reply came at all. Without one, a mutation may arrive much later.
    pub fn was_answered(&self) -> bool {
        self.0.status.is_some()
    }
}
