//! From what the transport brings to a success or a failure that says all there is to say.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::codes::{self, Class, Retry};
use super::envelope::Envelope;
use super::error::Inner;
use super::outcome::certainly_not_done;
use super::redact::{MAX_ID, MAX_MESSAGE, clean};
use super::{Action, Credentials, Error, NotSent, Problem, TransportError, Unreadable, wire};

/// Nobody asks for more in earnest, and callers may add this to a clock.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A reply that claims success under a status of success.
pub struct Success {
    pub envelope: Envelope,
    pub date: Option<Timestamp>,
    pub told: Told,
}

/// A failure, and whether it proves that a mutation was not done.
pub struct Failure {
    pub error: Error,
    pub not_done: bool,
}

/// What a reply says about itself, fit for an error.
#[derive(Clone)]
pub struct Told {
    status: u16,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl Told {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The id that finds the call in the log of OMS.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Writes it into an error.
    pub fn tell(self, mut inner: Inner) -> Inner {
        inner.status = Some(self.status);
        inner.request_id = self.request_id;
        inner.retry_after = self.retry_after;
        inner
    }
}

/// The failure of a call that the governor did not let out.
pub fn not_sent(action: Action, why: NotSent) -> Failure {
    let (class, pause) = match why {
        NotSent::Open => (Class::Transient, None),
        NotSent::Paused(left) => (Class::Throttled, Some(left)),
    };
    let mut inner = Inner::new(action, Problem::NotSent(why), class, Retry::BackOff);
    inner.retry_after = pause;
    inner.advice = Some("It is sent as soon as OMS can be asked again.".to_owned());
    Failure {
        error: inner.into(),
        not_done: true,
    }
}

/// The failure of a call that ran out of time: whatever it was doing, the request may arrive yet.
pub fn timed_out(action: Action, limit: Duration) -> Failure {
    let mut inner = Inner::new(
        action,
        Problem::TimedOut(limit),
        Class::Transient,
        Retry::BackOff,
    );
    inner.advice = Some(
        "OMS is slow or out of reach; check that it runs and that the network lets this through."
            .into(),
    );
    Failure {
        error: inner.into(),
        not_done: false,
    }
}

/// The failure of a call that brought no whole reply.
pub fn failure_of_transport(action: Action, cause: TransportError) -> Failure {
    let (problem, advice, not_done) = match &cause {
        TransportError::NeverConnected(_) => (
            Problem::Unreachable,
            "Check the connection's URL and the network.",
            true,
        ),
        TransportError::Untrusted(_) => (
            Problem::Unreachable,
            "Renew the certificate of OMS, or name its authority in the connection's spec.tls.caRef.",
            true,
        ),
        TransportError::Broken(_) => (
            Problem::Broken,
            "OMS or a proxy before it ended the connection; check that OMS runs.",
            false,
        ),
        TransportError::TooLong => (
            Problem::Unusable("it is too long"),
            "What answered is probably not OMS; check the connection's URL.",
            false,
        ),
    };
    let mut inner = Inner::new(action, problem, Class::Transient, Retry::BackOff);
    inner.advice = Some(advice.to_owned());
    inner.source = Some(cause);
    Failure {
        error: inner.into(),
        not_done,
    }
}

/// Reads a reply, whatever its status.
pub fn read(
    action: Action,
    response: &Response<Bytes>,
    credentials: &Credentials,
) -> Result<Success, Failure> {
    let status = response.status().as_u16();
    let date = header(response.headers(), DATE).and_then(http_date);
    let parsed = Envelope::parse(response.body(), wire::fields(action));
    let request_id = parsed
        .as_ref()
        .ok()
        .and_then(|envelope| envelope.request_id.as_deref());
    let told = Told {
        status,
        request_id: request_id.and_then(|id| clean(id, credentials, MAX_ID)),
        retry_after: header(response.headers(), RETRY_AFTER).and_then(|t| retry_after(t, date)),
    };
    let not_done = certainly_not_done(action, status, parsed.as_ref().ok());
    let ok = response.status().is_success();
    let error = match parsed {
        Ok(envelope) if ok && envelope.success == Some(true) => {
            return Ok(Success {
                envelope,
                date,
                told,
            });
        }
        Ok(envelope) => {
            let problem = match envelope.success {
                Some(true) => Problem::Contradiction(status),
                Some(false) => Problem::Failed,
                None if ok => Problem::Unreadable(Unreadable::NoVerdict),
                None => Problem::Status(status),
            };
            told.tell(explained(action, problem, status, &envelope, credentials))
        }
        Err(why) => {
            let (class, retry, advice) = codes::by_status(status);
            let problem = if ok {
                Problem::Unreadable(why)
            } else {
                Problem::Status(status)
            };
            let mut inner = told.tell(Inner::new(action, problem, class, retry));
            inner.advice = Some(advice.to_owned());
            inner
        }
    };
    Err(Failure {
        error: error.into(),
        not_done,
    })
}

/// An error with what OMS says about it.
fn explained(
    action: Action,
    problem: Problem,
    status: u16,
    envelope: &Envelope,
    credentials: &Credentials,
) -> Inner {
    let ((class, retry, advice), code) = match envelope.success {
        Some(false) => meaning(action, status, envelope),
        _ => (
            codes::by_status(status),
            envelope.codes.first().map(String::as_str),
        ),
    };
    let fit = |text: Option<&str>, max| text.and_then(|text| clean(text, credentials, max));
    let mut inner = Inner::new(action, problem, class, retry);
    inner.code = fit(code, MAX_ID);
    inner.message = fit(envelope.messages.first().map(String::as_str), MAX_MESSAGE);
    inner.advice = fit(envelope.advice.as_deref(), MAX_MESSAGE).or_else(|| Some(advice.to_owned()));
    inner
}

type Meaning = (Class, Retry, &'static str);

/// What a reply with `success: false` means, and the code that decided it. The account and the number of
/// calls are matters of HTTP; for the rest, OMS's own words come first.
fn meaning(action: Action, status: u16, envelope: &Envelope) -> (Meaning, Option<&str>) {
    let first = envelope.codes.first().map(String::as_str);
    if envelope.is_unsupported(action) {
        return (codes::UNSUPPORTED, first);
    }
    let by_status = codes::by_status(status);
    if matches!(by_status.0, Class::Auth | Class::Throttled) {
        return (by_status, first);
    }
    let message = envelope.messages.first().map(String::as_str);
    let listed: Vec<_> = envelope
        .codes
        .iter()
        .filter_map(|code| Some((codes::find(code, message)?, code.as_str())))
        .collect();
    // Where one of several codes says that the project is gone, that is the news.
    let gone = listed.iter().find(|(row, _)| row.class == Class::NotFound);
    match gone.or(listed.first()) {
        Some((row, code)) => ((row.class, row.retry, row.advice), Some(code)),
        None if (200..300).contains(&status) => (codes::UNLISTED, first),
        None => (by_status, first),
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn http_date(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text).ok()
}

/// Seconds, or a date; a date is measured by the server's own clock, so that no other one matters.
fn retry_after(text: &str, now: Option<Timestamp>) -> Option<Duration> {
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => MAX_RETRY_AFTER,
        Err(_) => {
            let wait = http_date(text)?.duration_since(now?);
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}
