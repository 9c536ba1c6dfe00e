//! Which kind a document is, or is meant to be.

use serde_json::Value;

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
}

/// What a document is meant to be.
pub fn of(document: &Value) -> Meant {
    let api_version = document["apiVersion"].as_str().unwrap_or_default();
    let name = document["kind"].as_str().unwrap_or_default();
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
