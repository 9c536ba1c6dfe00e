//! The URL functions of Kubernetes' CEL, as far as our rules use them.
//!
//! They follow Go's `net/url`, which takes other texts for a URL than the
//! parsers of this language do: those find a host in `https:///api/v2`.

use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, DeclarationError, ExecutionError};

/// Makes `isURL`, `url`, `getScheme` and `getHost` known. A URL is carried as
/// its text: the API server has checked the types of our rules.
pub fn register(context: &mut Context) -> Result<(), DeclarationError> {
    context.add_function("isURL", |text: Arc<String>| parse(&text).is_some())?;
    context.add_function(
        "url",
        |text: Arc<String>| -> Result<Arc<String>, ExecutionError> {
            match parse(&text) {
                Some(_) => Ok(text),
                None => Err(ExecutionError::function_error("url", "not a URL")),
            }
        },
    )?;
    let part = |read: fn(Url) -> String| {
        move |This(text): This<Arc<String>>| parse(&text).map(read).unwrap_or_default()
    };
    context.add_function("getScheme", part(|url| url.scheme))?;
    context.add_function("getHost", part(|url| url.host))
}

#[derive(Default)]
struct Url {
    scheme: String,
    host: String,
}

/// As `url.ParseRequestURI`: an absolute URL or an absolute path.
fn parse(text: &str) -> Option<Url> {
    if text.is_empty() || text.contains(|letter: char| letter.is_ascii_control()) {
        return None;
    }
    let (scheme, rest) = match text.split_once(':') {
        Some(("", _)) => return None,
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text),
    };
    let rest = rest.split('?').next().unwrap_or_default();
    if !rest.starts_with('/') {
        let host = String::new();
        return (!scheme.is_empty()).then_some(Url { scheme, host });
    }
    // Without a scheme, two slashes begin a path.
    let authority = (!scheme.is_empty())
        .then(|| rest.strip_prefix("//"))
        .flatten();
    let (host, path) = match authority {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (is_host(host) && is_escaped(path)).then(|| Url {
        scheme,
        host: host.to_owned(),
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// A name or an address, with or without a port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) => (name, port),
            None => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let port_fits = (port.is_empty() || port.starts_with(':'))
        && digits.chars().all(|letter| letter.is_ascii_digit());
    // What Go leaves as it is in a host; beyond ASCII it is not particular.
    let fits = |letter: char| {
        !letter.is_ascii()
            || letter.is_ascii_alphanumeric()
            || "-_.~!$&'()*+,;=:[]<>\"".contains(letter)
    };
    port_fits && name.chars().all(fits)
}

/// Each per cent sign begins a byte in two hexadecimal digits.
fn is_escaped(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let mut digits = rest.chars().take(2);
        (0..2).all(|_| digits.next().is_some_and(|digit| digit.is_ascii_hexdigit()))
    })
}
