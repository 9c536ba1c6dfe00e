//! From an error of OMS to what the resource says of it and when it is tried
//! again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher;

use crate::api::v1alpha1::{LastError, Reason};
use crate::decide::Verdict;
use crate::oms;

/// First wait where a quick repeat does harm (an account that gets locked) or
/// no good (an answer that only an administrator changes).
pub const SLOW: Duration = Duration::from_secs(60);

/// The reason for a failed call.
#[must_use]
pub fn reason(error: &oms::Error) -> Reason {
    match error.class() {
        oms::Class::Auth => Reason::AuthenticationFailed,
        oms::Class::Unsupported => Reason::ActionMissing,
        oms::Class::Transient if error.is_certificate() => Reason::CertificateInvalid,
        oms::Class::Transient if !error.was_answered() => Reason::OmsUnreachable,
        oms::Class::Throttled => Reason::Throttled,
        oms::Class::Unreadable => Reason::NotOms,
        oms::Class::Transient | oms::Class::Rejected | oms::Class::NotFound => Reason::OmsError,
    }
}

/// How long to wait at least before the call is tried again. Only OMS's own word
/// goes beyond `cap`, the longest wait between two tries.
#[must_use]
pub fn least_wait(error: &oms::Error, cap: Duration) -> Option<Duration> {
    let slow = match error.retry() {
        oms::Retry::BackOff => None,
        oms::Retry::Slowly | oms::Retry::OnChange => Some(SLOW.min(cap)),
    };
    slow.max(error.retry_after())
}

/// What a resource says while a call has to be repeated.
#[must_use]
pub fn verdict(error: &oms::Error) -> Verdict {
    Verdict::progressing(reason(error), text(error))
}

/// The error with its cause and what helps, in one line each.
#[must_use]
pub fn text(error: &oms::Error) -> String {
    let mut text = chain(error);
    if let Some(advice) = error.advice() {
        text.push_str(". ");
        text.push_str(advice);
    }
    text
}

/// An error with its causes. Ours say only their own layer; what a library's
/// error says of its cause already is not said again.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = said(error);
    let mut source = cause(error);
    while let Some(error) = source {
        let said = said(error);
        if said != LAYER && !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause(error);
    }
    text
}

/// Why it came to an error. Of a refusal by the API server all has been said.
fn cause<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(_)) => None,
        _ => error.source(),
    }
}

/// What an error says. That of a refusal by the API server would be a dump of
/// the whole answer.
fn said(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => refusal(status),
        _ => in_plain_words(without_manual(error.to_string())),
    }
}

/// All that reqwest says where it cannot make a client; its cause says why.
const LAYER: &str = "builder error";

/// rustls names the commonest trouble with a certificate by a word of its code.
fn in_plain_words(text: String) -> String {
    let stranger = "the certificate is from an authority that is not trusted";
    text.replace("invalid peer certificate: UnknownIssuer", stranger)
}

/// The text without the link to the manual of a library, as rustls gives: it
/// helps who writes programs with it, and nobody who reads a status.
fn without_manual(text: String) -> String {
    const LINK: &str = ": https://docs.rs/";
    let Some((before, link)) = text.split_once(LINK) else {
        return text;
    };
    let after = link
        .find(char::is_whitespace)
        .map_or("", |end| &link[end..]);
    format!("{before}{after}")
}

fn refusal(status: &kube::core::Status) -> String {
    format!("{} (HTTP {})", status.message, status.code)
}

/// Why a watch has failed.
#[must_use]
pub fn of_watch(error: &watcher::Error) -> String {
    let (what, cause) = match error {
        watcher::Error::InitialListFailed(cause) => ("the list failed", cause),
        watcher::Error::WatchStartFailed(cause) => ("it could not be started", cause),
        watcher::Error::WatchFailed(cause) => ("it broke", cause),
        watcher::Error::WatchError(status) => {
            return format!("the API server has ended it: {}", refusal(status));
        }
        watcher::Error::NoResourceVersion => return chain(error),
    };
    format!("{what}: {}", chain(cause))
}

/// The error as the status shows it after an attempt, `wait` before the next.
/// The same error again keeps the time when it came up, and the id of that call.
#[must_use]
pub fn last_error(
    error: &oms::Error,
    before: Option<&LastError>,
    now: Timestamp,
    wait: Duration,
) -> LastError {
    timed(in_words(error), before, now, wait)
}

/// The error without its times.
#[must_use]
pub fn in_words(error: &oms::Error) -> LastError {
    LastError {
        action: Some(error.action().as_str().to_owned()),
        code: error.code().map(str::to_owned),
        message: error
            .message()
            .map_or_else(|| Some(error.to_string()), |text| Some(text.to_owned())),
        advice: error.advice().map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
        time: None,
        next_attempt_time: None,
    }
}

/// `fresh` as it stands after an attempt at `now`, `wait` before the next.
#[must_use]
pub fn timed(
    fresh: LastError,
    before: Option<&LastError>,
    now: Timestamp,
    wait: Duration,
) -> LastError {
    let next = SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok());
    let same = before.filter(|before| {
        before.action == fresh.action
            && before.code == fresh.code
            && before.message == fresh.message
    });
    // Time and id are of one call.
    let (time, request_id) = match same {
        Some(first) if first.time.is_some() => (first.time, first.request_id.clone()),
        _ => (Some(to_second(now)), fresh.request_id),
    };
    LastError {
        time,
        request_id,
        next_attempt_time: next.map(to_second),
        ..fresh
    }
}

/// The time as people read it.
#[must_use]
pub fn to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden() -> Box<kube::core::Status> {
        let status = kube::core::Status::failure("secrets is forbidden", "Forbidden");
        Box::new(status.with_code(403))
    }

    #[test]
    fn a_refusal_of_the_api_server_is_told_in_its_words() {
        let told = "secrets is forbidden (HTTP 403)";
        assert_eq!(chain(&kube::Error::Api(forbidden())), told);
        let watch = watcher::Error::WatchStartFailed(kube::Error::Api(forbidden()));
        assert_eq!(of_watch(&watch), format!("it could not be started: {told}"));
        let watch = watcher::Error::WatchError(forbidden());
        assert_eq!(
            of_watch(&watch),
            format!("the API server has ended it: {told}")
        );
    }

    #[test]
    fn the_manual_of_a_library_is_not_told() {
        let cut = "peer closed connection without sending TLS close_notify";
        let manual =
            "https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";
        let error = std::io::Error::other(format!("{cut}: {manual}"));
        assert_eq!(chain(&error), cut);
        let more = std::io::Error::other(format!("{cut}: {manual} (after 3 s)"));
        assert_eq!(chain(&more), format!("{cut} (after 3 s)"));
        let stranger = std::io::Error::other("invalid peer certificate: UnknownIssuer");
        assert!(chain(&stranger).ends_with("an authority that is not trusted"));
        let ours = std::io::Error::other("not there: https://oms.example.com/");
        assert_eq!(chain(&ours), "not there: https://oms.example.com/");
    }

    #[test]
    fn time_and_id_are_those_of_the_first_of_equal_failures() {
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let later = noon + SignedDuration::from_mins(5);
        let failed = |code: &str, id: &str| LastError {
            code: Some(code.to_owned()),
            request_id: Some(id.to_owned()),
            ..LastError::default()
        };
        let told = |error: &LastError| (error.time, error.request_id.clone());
        let first = timed(failed("A", "one"), None, noon, SLOW);
        let again = timed(failed("A", "two"), Some(&first), later, SLOW);
        assert_eq!(told(&again), (Some(noon), Some("one".into())));
        assert_eq!(again.next_attempt_time, Some(later + SLOW));
        let other = timed(failed("B", "three"), Some(&again), later, SLOW);
        assert_eq!(told(&other), (Some(later), Some("three".into())));
    }

    #[test]
    fn times_are_told_to_the_second() {
        let now: Timestamp = "2026-11-24T20:00:00.123456789Z".parse().unwrap();
        let error = timed(
            LastError::default(),
            None,
            now,
            Duration::from_millis(2_500),
        );
        let told = [error.time, error.next_attempt_time].map(|time| time.unwrap().to_string());
        assert_eq!(told, ["2026-11-24T20:00:00Z", "2026-11-24T20:00:02Z"]);
    }
}
