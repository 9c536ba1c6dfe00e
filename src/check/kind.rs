//! Which kind a document is, or is meant to be.

use serde_json::{Map, Value};

use super::problem::Problem;
use super::similar;
use crate::api::Kind;

/// The group that both kinds are of.
const GROUP: &str = "oms.oceanbase.com";

/// Group and version.
const API_VERSION: &str = "oms.oceanbase.com/v1alpha1";

/// What a document says that it is.
pub enum Meant {
    /// One of our kinds.
    Ours(Kind),
    /// One of our kinds, with what is wrong about how it says so.
    Nearly(Kind, Problem),
    /// Of our group, and none of its kinds.
    Unknown(Problem),
    /// Somebody else's.
    Other,
    /// No resource, for all that can be seen: it says neither.
    None(Problem),
}

/// What a document is meant to be.
pub fn of(document: &Value) -> Meant {
    let Some(object) = document.as_object() else {
        return of_no_object(document);
    };
    let (api_version_key, api_version) = said(object, "apiVersion");
    let (kind_key, name) = said(object, "kind");
    let slips: Vec<String> = [(api_version_key, "apiVersion"), (kind_key, "kind")]
        .into_iter()
        .filter(|(key, right)| !key.is_empty() && key != right)
        .map(|(key, right)| format!("\"{right}\" instead of \"{key}\""))
        .collect();
    let meant = by_words(api_version, name);
    let nothing_said = ["apiVersion", "kind"]
        .iter()
        .all(|key| !object.contains_key(*key));
    if slips.is_empty() && !nothing_said {
        return meant;
    }
    let hint = match slips.as_slice() {
        [] => String::new(),
        slips => format!("; did you mean {}?", slips.join(" and ")),
    };
    let problem = Problem::document(if nothing_said {
        format!("no resource: it has neither apiVersion nor kind{hint}")
    } else {
        format!("no resource{hint}")
    });
    match meant {
        Meant::Ours(kind) | Meant::Nearly(kind, _) => Meant::Nearly(kind, problem),
        Meant::Unknown(_) => Meant::Unknown(problem),
        Meant::Other | Meant::None(_) if nothing_said => Meant::None(problem),
        meant => meant,
    }
}

/// The key of the document that stands for this one, in whatever case, and what
/// it says; both empty where there is none.
fn said<'a>(object: &'a Map<String, Value>, key: &str) -> (&'a str, &'a str) {
    let exact = object.get_key_value(key);
    let found = exact.or_else(|| {
        object
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(key))
    });
    found.map_or(("", ""), |(key, value)| {
        (key, value.as_str().unwrap_or_default())
    })
}

/// A list of our kinds without a `List` around it is meant to be ours.
fn of_no_object(document: &Value) -> Meant {
    let what = match document {
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        _ => "a single value",
    };
    let problem = Problem::document(format!("no resource: the document is {what}"));
    let ours = |item: &Value| !matches!(of(item), Meant::Other | Meant::None(_));
    match document {
        Value::Array(items) if items.iter().any(ours) => {
            Meant::Unknown(Problem::document(format!(
                "{}; put its items into documents of their own, or under items of a List",
                problem.message
            )))
        }
        _ => Meant::None(problem),
    }
}

fn by_words(api_version: &str, name: &str) -> Meant {
    let group = api_version.split('/').next().unwrap_or_default();
    let exact = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    if let Some(kind) = exact
        && api_version == API_VERSION
    {
        return Meant::Ours(kind);
    }
    let ours = group == GROUP;
    // A group or a kind that is only like ours may be somebody else's; both
    // together are a slip.
    let near = ours || similar::to(group, [GROUP]).is_some();
    match exact.or_else(|| near.then(|| nearest(name)).flatten()) {
        Some(kind) => Meant::Nearly(kind, mismatch(api_version, name, kind)),
        None if ours => Meant::Unknown(no_kind(name)),
        None => Meant::Other,
    }
}

fn nearest(name: &str) -> Option<Kind> {
    let alias = Kind::ALL.into_iter().find(|kind| {
        let plural = kind.definition_name().split('.').next();
        let lower = name.to_lowercase();
        plural == Some(&lower) || kind.name().to_lowercase() == lower
    });
    alias.or_else(|| {
        let found = similar::to(name, Kind::ALL.map(Kind::name))?;
        Kind::ALL.into_iter().find(|kind| kind.name() == found)
    })
}

fn mismatch(api_version: &str, name: &str, kind: Kind) -> Problem {
    if api_version.is_empty() {
        return Problem::required("apiVersion", &format!("did you mean {API_VERSION}?"));
    }
    if name == kind.name() {
        let words = format!(
            "no matches for kind \"{name}\" in version \"{api_version}\"; did you mean {API_VERSION}?"
        );
        return Problem::operator("apiVersion", words);
    }
    let right = kind.name();
    let words = format!(
        "no matches for kind \"{name}\" in version \"{api_version}\"; did you mean {right} in {API_VERSION}?"
    );
    Problem::operator("kind", words)
}

fn no_kind(name: &str) -> Problem {
    let kinds = Kind::ALL.map(Kind::name).join(" or ");
    if name.is_empty() {
        return Problem::required("kind", &format!("it is {kinds}"));
    }
    let words = format!(
        "no matches for kind \"{name}\" in version \"{API_VERSION}\"; the kinds are {kinds}"
    );
    Problem::operator("kind", words)
}
