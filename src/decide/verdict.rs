//! What a resource says of itself, before it becomes conditions.

use crate::api::v1alpha1::{ConditionType, Reason};

/// Whether the resource is as declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// As declared.
    Ready,
    /// Not yet, but it heals or goes on by itself.
    Progressing,
    /// Not, and nothing but a human's act changes that.
    Stalled,
    /// It cannot be told.
    Unknown,
    /// It cannot be told for now, and will be again by itself.
    Stale,
}

/// One sentence about the resource, with its reason from the one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it stands.
    pub readiness: Readiness,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, and what comes next.
    pub message: String,
}

impl Verdict {
    /// As declared.
    #[must_use]
    pub fn ready(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            readiness: Readiness::Ready,
            reason,
            message: message.into(),
        }
    }

    /// On the way, or waiting for something that comes by itself.
    #[must_use]
    pub fn progressing(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            readiness: Readiness::Progressing,
            reason,
            message: message.into(),
        }
    }

    /// Waiting for a human.
    #[must_use]
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            readiness: Readiness::Stalled,
            reason,
            message: message.into(),
        }
    }

    /// Not to be told.
    #[must_use]
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            readiness: Readiness::Unknown,
            reason,
            message: message.into(),
        }
    }
}

impl Verdict {
    /// Whether it is worth a user's attention: not what goes its way.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        match self.readiness {
            Readiness::Ready => self.reason == Reason::InsecureTransport,
            Readiness::Progressing => matches!(
                self.reason,
                Reason::OmsUnreachable
                    | Reason::CertificateInvalid
                    | Reason::NotOms
                    | Reason::Throttled
                    | Reason::OmsError
                    | Reason::AuthenticationFailed
                    | Reason::ActionMissing
                    | Reason::AccessDenied
                    | Reason::SecretMissing
                    | Reason::SecretInvalid
                    | Reason::SecretUnreadable
                    | Reason::CaMissing
                    | Reason::CaInvalid
                    | Reason::UrlInvalid
                    | Reason::ConnectionNotFound
                    | Reason::EndpointNotFound
                    | Reason::IdentityDoubtful
                    | Reason::Retrying
            ),
            Readiness::Stalled | Readiness::Unknown | Readiness::Stale => true,
        }
    }

    /// The same with another sentence.
    #[must_use]
    pub fn and(mut self, sentence: &str) -> Self {
        self.message.push(' ');
        self.message.push_str(sentence);
        self
    }
}

/// One condition, before it gets its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which.
    pub type_: ConditionType,
    /// True, False, or not known.
    pub holds: Option<bool>,
    /// Why, as a word.
    pub reason: Reason,
    /// Why.
    pub message: String,
}

impl Statement {
    /// A statement.
    #[must_use]
    pub fn new(type_: ConditionType, holds: Option<bool>, reason: Reason, message: String) -> Self {
        Self {
            type_,
            holds,
            reason,
            message,
        }
    }
}

impl Statement {
    /// Why the project has ended, if this is `Finished` and says so.
    #[must_use]
    pub fn end(&self) -> Option<Reason> {
        let is_end = self.type_ == ConditionType::Finished && self.holds == Some(true);
        is_end.then_some(self.reason)
    }
}

impl Verdict {
    /// The verdict as conditions: `Reconciling` and `Stalled` only while True.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let (ready, extra) = match self.readiness {
            Readiness::Ready => (Some(true), None),
            Readiness::Progressing => (Some(false), Some(ConditionType::Reconciling)),
            Readiness::Stalled => (Some(false), Some(ConditionType::Stalled)),
            Readiness::Unknown => (None, None),
            Readiness::Stale => (None, Some(ConditionType::Reconciling)),
        };
        let say = |type_, holds| Statement::new(type_, holds, self.reason, self.message.clone());
        let mut statements = vec![say(ConditionType::Ready, ready)];
        statements.extend(extra.map(|type_| say(type_, Some(true))));
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_a_warning_although_it_is_waited_for() {
        let is_warning = |reason| Verdict::progressing(reason, "").is_warning();
        assert!(is_warning(Reason::ConnectionNotFound));
        assert!(is_warning(Reason::EndpointNotFound));
        assert!(!is_warning(Reason::Creating));
    }
}
