//! What an OMSConnection says of itself, and what its projects say while it is
//! in trouble.

use std::time::Duration;

use super::verdict::{Readiness, Statement, Verdict};
use super::words::sentence;
use crate::api::keys::RECONCILE_REQUESTED_AT;
use crate::api::v1alpha1::{ConditionType as Type, Reason};

/// For so long a Secret or a certificate authority that is not there counts as
/// on its way. One that another controller makes out of the same commit comes
/// within seconds; that long it may take to find its store.
const MAY_COME_WITHIN: Duration = Duration::from_secs(5 * 60);

/// What is wrong with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As a word.
    pub reason: Reason,
    /// What happened, and what to do.
    pub message: String,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Whether only a human's act ends it. OMS in trouble, or a proxy before
    /// it, comes back by itself.
    fn needs_a_human(&self) -> bool {
        !matches!(
            self.reason,
            Reason::OmsUnreachable
                | Reason::NotOms
                | Reason::Throttled
                | Reason::OmsError
                | Reason::SecretUnreadable
        )
    }

    /// Whether something is missing that somebody else may be about to bring,
    /// rather than wrong.
    fn may_come(&self) -> bool {
        matches!(self.reason, Reason::SecretMissing | Reason::CaMissing)
    }

    /// Whether OMS answers nevertheless.
    fn is_reachable(&self) -> bool {
        matches!(
            self.reason,
            Reason::AuthenticationFailed | Reason::Throttled | Reason::OmsError
        )
    }
}

/// What the last call of a connection's client has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// There was none yet.
    #[default]
    Pending,
    /// OMS has answered as it should.
    Good,
    /// It has not.
    Failed(Problem),
}

/// Why calls to an OMS are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBack {
    /// It asks for fewer, or has done so a moment ago.
    AskedForFewer,
    /// It does not answer.
    CircuitOpen,
}

/// All that a connection's conditions rest on.
#[derive(Clone, Debug)]
pub struct ConnectionSituation<'a> {
    /// It is being deleted.
    pub deleting: bool,
    /// For how long it has been known not to be ready.
    pub not_ready_for: Duration,
    /// How many resources use it.
    pub users: usize,
    /// `spec.suspend` is set.
    pub suspended: bool,
    /// What of its address, Secret or certificate authority cannot be used.
    pub unusable: Option<&'a Problem>,
    /// Where its client leads, if it has one: one that was made before
    /// `unusable` came up stays in use.
    pub url: Option<&'a str>,
    /// The way there is encrypted.
    pub encrypted: bool,
    /// How OMS answers.
    pub answer: &'a Answer,
    /// The longest wait before it is asked again, unless it names a longer one itself.
    pub asked_within: Duration,
    /// OMS has no ListProjects.
    pub unlisted: bool,
    /// It may be another OMS than before.
    pub doubted: Option<&'a Problem>,
    /// Why calls are held back, if they are.
    pub held_back: Option<HeldBack>,
}

/// What the connection says as a whole; nothing before it was tried.
#[must_use]
pub fn verdict(situation: &ConnectionSituation<'_>) -> Option<Verdict> {
    if situation.deleting {
        return Some(Verdict::progressing(Reason::Deleting, deleting(situation)));
    }
    if let Some(problem) = situation.unusable {
        let message = match situation.url {
            Some(_) => format!(
                "{} Until then, and until the operator restarts, what was read before is used.",
                sentence(&problem.message)
            ),
            None => problem.message.clone(),
        };
        return Some(unusable(situation, problem, message));
    }
    let url = situation.url?;
    match situation.answer {
        Answer::Pending => None,
        Answer::Failed(problem) => {
            let verdict = match problem.needs_a_human() {
                true => Verdict::stalled,
                false => Verdict::progressing,
            };
            let said = verdict(problem.reason, sentence(&problem.message));
            Some(said.and(&asked_again(situation.asked_within)))
        }
        Answer::Good => Some(well(situation, url)),
    }
}

/// When it is tried again. Not a time: that would be a write for each attempt.
fn asked_again(within: Duration) -> String {
    let within = match within.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    format!(
        "OMS is asked again within {within} (later only if it asks for that), and at once when this \
         OMSConnection is given an annotation with a new text: {RECONCILE_REQUESTED_AT}=<any new text>"
    )
}

/// One moment of Stalled fails a whole sync of Argo CD, so what may be on its
/// way is not that at once.
fn unusable(situation: &ConnectionSituation<'_>, problem: &Problem, message: String) -> Verdict {
    if problem.may_come() && situation.not_ready_for < MAY_COME_WITHIN {
        let minutes = MAY_COME_WITHIN.as_secs() / 60;
        let waits =
            format!("If it does not come within {minutes} minutes, this connection is Stalled.");
        return Verdict::progressing(problem.reason, message).and(&waits);
    }
    match problem.needs_a_human() {
        true => Verdict::stalled(problem.reason, message),
        false => Verdict::progressing(problem.reason, message),
    }
}

/// That it goes, and what keeps its projects from going first.
fn deleting(situation: &ConnectionSituation<'_>) -> String {
    let users = match situation.users {
        1 => "1 MigrationProject still uses".to_owned(),
        users => format!("{users} MigrationProjects still use"),
    };
    let goes = format!("{users} this connection; it goes with the last.");
    let failed = match situation.answer {
        Answer::Failed(problem) => Some(problem),
        Answer::Pending | Answer::Good => None,
    };
    match failed.or(situation.unusable) {
        Some(problem) => format!(
            "{goes} It is in trouble ({}): {}",
            problem.reason, problem.message
        ),
        None => goes,
    }
}

fn well(situation: &ConnectionSituation<'_>, url: &str) -> Verdict {
    if let Some(doubted) = situation.doubted {
        return Verdict::stalled(doubted.reason, doubted.message.clone());
    }
    if situation.suspended {
        let message = format!(
            "OMS answers at {url}. spec.suspend is set: projects are watched, and nothing is \
             changed there."
        );
        return Verdict::ready(Reason::Suspended, message);
    }
    if situation.unlisted {
        // A server without ListProjects can still create, but shows nothing.
        return Verdict::ready(
            Reason::ActionMissing,
            "This OMS does not know ListProjects: projects are created, but neither looked for, \
             nor watched, nor created again after an unanswered call.",
        );
    }
    if !situation.encrypted {
        let message =
            format!("OMS answers at {url}. It is http://: name and password travel readable.");
        return Verdict::ready(Reason::InsecureTransport, message);
    }
    Verdict::ready(Reason::Connected, format!("OMS answers at {url}."))
}

/// The conditions besides that of the verdict: how far the way to OMS goes.
#[must_use]
pub fn statements(situation: &ConnectionSituation<'_>) -> Vec<Statement> {
    let not_asked = || "OMS has not been asked.".to_owned();
    let (reachable, accepted) = match situation.answer {
        _ if situation.url.is_none() => unasked(not_asked()),
        Answer::Pending => unasked(not_asked()),
        Answer::Good => (
            (Some(true), Reason::Connected, "OMS answers.".to_owned()),
            (Some(true), Reason::Connected, "OMS takes them.".to_owned()),
        ),
        Answer::Failed(problem) => {
            let accepted = match problem.reason {
                Reason::AuthenticationFailed => Some(false),
                _ => None,
            };
            let words = || problem.message.clone();
            (
                (Some(problem.is_reachable()), problem.reason, words()),
                (accepted, problem.reason, words()),
            )
        }
    };
    let say = |type_, (holds, reason, message)| Statement::new(type_, holds, reason, message);
    let mut all = vec![
        say(Type::Reachable, reachable),
        say(Type::CredentialsAccepted, accepted),
    ];
    if let Some(doubted) = situation.doubted {
        all.push(Statement::new(
            Type::IdentityDoubtful,
            Some(true),
            doubted.reason,
            doubted.message.clone(),
        ));
    }
    all.extend(situation.held_back.map(throttled));
    if situation.url.is_some() && !situation.encrypted {
        all.push(Statement::new(
            Type::Insecure,
            Some(true),
            Reason::InsecureTransport,
            "spec.url is http://: name and password travel readable. Use https://.".to_owned(),
        ));
    }
    all
}

fn throttled(why: HeldBack) -> Statement {
    let (reason, message) = match why {
        HeldBack::AskedForFewer => (
            Reason::Throttled,
            "OMS has asked for fewer calls (HTTP 429) or for a pause (Retry-After): fewer are made at a \
             time, and none before the end of the pause. If it goes on, set spec.limits, or a longer \
             spec.sweepInterval.",
        ),
        HeldBack::CircuitOpen => (
            Reason::CircuitOpen,
            "OMS has left several calls in a row unanswered. Until it answers again, only the sweep \
             asks it; everything else waits.",
        ),
    };
    Statement::new(Type::Throttled, Some(true), reason, message.to_owned())
}

type Said = (Option<bool>, Reason, String);

fn unasked(message: String) -> (Said, Said) {
    let said = (None, Reason::NotObserved, message);
    (said.clone(), said)
}

/// What a project says that waits for a connection in trouble: it has to do
/// nothing itself, and nobody has to do anything to it.
#[must_use]
pub fn waits_for(connection: &str, problem: &Problem) -> Verdict {
    Verdict {
        readiness: Readiness::Progressing,
        reason: problem.reason,
        message: format!(
            "Waiting for OMSConnection {connection} ({}), and going on by itself as soon as that \
             works. It says: {}",
            problem.reason, problem.message
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation<'a>(url: Option<&'a str>, answer: &'a Answer) -> ConnectionSituation<'a> {
        ConnectionSituation {
            deleting: false,
            not_ready_for: Duration::ZERO,
            users: 1,
            suspended: false,
            unusable: None,
            url,
            encrypted: true,
            answer,
            asked_within: Duration::from_secs(300),
            unlisted: false,
            doubted: None,
            held_back: None,
        }
    }

    fn holds(statements: &[Statement], type_: Type) -> Option<Option<bool>> {
        let mut found = statements.iter().filter(|one| one.type_ == type_);
        found.next().map(|one| one.holds)
    }

    #[test]
    fn how_far_the_way_goes_follows_from_the_answer() {
        for (reason, reachable, accepted, readiness) in [
            (Reason::OmsUnreachable, false, None, Readiness::Progressing),
            (Reason::CertificateInvalid, false, None, Readiness::Stalled),
            (Reason::NotOms, false, None, Readiness::Progressing),
            (Reason::Throttled, true, None, Readiness::Progressing),
            (Reason::OmsError, true, None, Readiness::Progressing),
            (
                Reason::AuthenticationFailed,
                true,
                Some(false),
                Readiness::Stalled,
            ),
        ] {
            let answer = Answer::Failed(Problem::new(reason, "no"));
            let situation = situation(Some("https://oms"), &answer);
            let said = statements(&situation);
            assert_eq!(holds(&said, Type::Reachable), Some(Some(reachable)));
            assert_eq!(holds(&said, Type::CredentialsAccepted), Some(accepted));
            let verdict = verdict(&situation).unwrap();
            assert_eq!((verdict.readiness, verdict.reason), (readiness, reason));
            let next = "no. OMS is asked again within 5 min ";
            assert!(verdict.message.starts_with(next), "{}", verdict.message);
        }
    }

    #[test]
    fn before_the_first_answer_nothing_is_claimed() {
        for url in [None, Some("https://oms")] {
            let situation = situation(url, &Answer::Pending);
            assert_eq!(verdict(&situation), None);
            let said = statements(&situation);
            assert_eq!(holds(&said, Type::Reachable), Some(None));
            assert_eq!(holds(&said, Type::CredentialsAccepted), Some(None));
        }
    }

    #[test]
    fn a_lost_secret_is_told_although_what_was_read_before_still_works() {
        let problem = Problem::new(Reason::SecretMissing, "There is no Secret");
        let mut situation = situation(Some("https://oms"), &Answer::Good);
        situation.unusable = Some(&problem);
        situation.not_ready_for = MAY_COME_WITHIN;
        let verdict = verdict(&situation).unwrap();
        assert_eq!(
            (verdict.readiness, verdict.reason),
            (Readiness::Stalled, Reason::SecretMissing)
        );
        assert!(verdict.message.contains("what was read before"));
        let said = statements(&situation);
        assert_eq!(holds(&said, Type::CredentialsAccepted), Some(Some(true)));
    }

    #[test]
    fn what_is_missing_may_be_on_its_way_and_what_is_wrong_is_not() {
        let almost = MAY_COME_WITHIN - Duration::from_millis(1);
        for (reason, at_first) in [
            (Reason::SecretMissing, Readiness::Progressing),
            (Reason::CaMissing, Readiness::Progressing),
            (Reason::SecretInvalid, Readiness::Stalled),
            (Reason::AccessDenied, Readiness::Stalled),
            (Reason::CaInvalid, Readiness::Stalled),
            (Reason::UrlInvalid, Readiness::Stalled),
        ] {
            let problem = Problem::new(reason, "no");
            for url in [None, Some("https://oms")] {
                for (not_ready_for, readiness) in [
                    (Duration::ZERO, at_first),
                    (almost, at_first),
                    (MAY_COME_WITHIN, Readiness::Stalled),
                ] {
                    let mut situation = situation(url, &Answer::Pending);
                    situation.unusable = Some(&problem);
                    situation.not_ready_for = not_ready_for;
                    let said = verdict(&situation).unwrap();
                    assert_eq!((said.readiness, said.reason), (readiness, reason));
                    let waits = said.message.contains("5 minutes");
                    assert_eq!(waits, readiness == Readiness::Progressing);
                }
            }
        }
    }

    #[test]
    fn a_doubtful_oms_answers_and_needs_a_human() {
        let doubted = Problem::new(Reason::IdentityDoubtful, "Many are gone.");
        let mut situation = situation(Some("https://oms"), &Answer::Good);
        situation.suspended = true;
        situation.doubted = Some(&doubted);
        let verdict = verdict(&situation).unwrap();
        assert_eq!(
            (verdict.readiness, verdict.reason),
            (Readiness::Stalled, Reason::IdentityDoubtful)
        );
        let said = statements(&situation);
        assert_eq!(holds(&said, Type::Reachable), Some(Some(true)));
        assert_eq!(holds(&said, Type::IdentityDoubtful), Some(Some(true)));
    }

    #[test]
    fn a_connection_that_goes_does_not_hide_its_trouble() {
        let answer = Answer::Failed(Problem::new(Reason::OmsUnreachable, "nobody there"));
        let mut situation = situation(Some("https://oms"), &answer);
        situation.deleting = true;
        let said = verdict(&situation).unwrap();
        assert_eq!(said.reason, Reason::Deleting);
        assert_eq!(
            said.message,
            "1 MigrationProject still uses this connection; it goes with the last. It is in \
             trouble (OmsUnreachable): nobody there"
        );
        situation.answer = &Answer::Good;
        assert!(!verdict(&situation).unwrap().message.contains("trouble"));
    }

    #[test]
    fn what_holds_calls_back_is_told_while_it_does() {
        for (held_back, reason) in [
            (HeldBack::AskedForFewer, Reason::Throttled),
            (HeldBack::CircuitOpen, Reason::CircuitOpen),
        ] {
            let mut situation = situation(Some("https://oms"), &Answer::Good);
            assert_eq!(holds(&statements(&situation), Type::Throttled), None);
            situation.held_back = Some(held_back);
            let said = statements(&situation);
            let mut found = said.iter().filter(|one| one.type_ == Type::Throttled);
            let found = found.next().unwrap();
            assert_eq!((found.holds, found.reason), (Some(true), reason));
        }
    }

    #[test]
    fn what_is_not_encrypted_is_insecure_whether_it_works_or_not() {
        for answer in [
            Answer::Good,
            Answer::Failed(Problem::new(Reason::OmsError, "no")),
        ] {
            let mut situation = situation(Some("http://oms"), &answer);
            situation.encrypted = false;
            assert_eq!(
                holds(&statements(&situation), Type::Insecure),
                Some(Some(true))
            );
            situation.encrypted = true;
            assert_eq!(holds(&statements(&situation), Type::Insecure), None);
        }
    }
}
