//! The name of a project in OMS.
//!
//! It must be found again after everything but OMS is lost, so it follows from
//! the resource's namespace and name alone. Never from its UID: a restored
//! resource has another one.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Most characters that OMS's console accepts in a name.
pub const MAX_CHARS: usize = 64;

/// Hexadecimal digits of the hash that ends a name which had to be cut: with 32
/// bits, 10,000 names that agree in their first 55 characters hold two equal
/// ones with a chance of one in a hundred, and those would be refused, not mixed.
const HASH_CHARS: usize = 8;

const NAMESPACE: &str = "{namespace}";
const NAME: &str = "{name}";

/// How a name is made for a resource that gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    pattern: String,
}

/// A pattern that makes no usable names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamingError {
    /// Without the resource's name all projects of a namespace would share one.
    #[error(
        "the name pattern {0:?} lacks {{name}}; an example that works is {{namespace}}.{{name}}"
    )]
    NoName(String),
    /// OMS refuses names with spaces.
    #[error("the name pattern {0:?} holds white space, which OMS refuses in a name")]
    Space(String),
    /// A brace that begins or ends no known placeholder.
    #[error(
        "the name pattern {0:?} holds a brace that belongs to neither {{namespace}} nor {{name}}"
    )]
    Brace(String),
}

impl Default for Naming {
    /// `{namespace}.{name}`: a namespace holds no dot, so two resources cannot
    /// come to the same name.
    fn default() -> Self {
        Self {
            pattern: format!("{NAMESPACE}.{NAME}"),
        }
    }
}

impl FromStr for Naming {
    type Err = NamingError;

    fn from_str(pattern: &str) -> Result<Self, NamingError> {
        let literal = pattern.replace(NAMESPACE, "").replace(NAME, "");
        if !pattern.contains(NAME) {
            return Err(NamingError::NoName(pattern.into()));
        }
        if pattern.contains(char::is_whitespace) {
            return Err(NamingError::Space(pattern.into()));
        }
        if literal.contains(['{', '}']) {
            return Err(NamingError::Brace(pattern.into()));
        }
        Ok(Self {
            pattern: pattern.into(),
        })
    }
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

/// The name in OMS of the project of a resource: the explicit one as it is, or
/// else one by the pattern, cut to 64 characters.
#[must_use]
pub fn project_name(
    namespace: &str,
    name: &str,
    explicit: Option<&str>,
    naming: &Naming,
) -> String {
    if let Some(explicit) = explicit {
        return explicit.into();
    }
    // The name of an object cannot hold a brace, so the order is of no matter.
    let whole = naming
        .pattern
        .replace(NAMESPACE, namespace)
        .replace(NAME, name);
    if whole.chars().count() <= MAX_CHARS {
        return whole;
    }
    let hash = hex::encode(Sha256::digest(whole.as_bytes()));
    let kept: String = whole.chars().take(MAX_CHARS - HASH_CHARS - 1).collect();
    format!("{kept}-{}", &hash[..HASH_CHARS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_default(namespace: &str, name: &str) -> String {
        project_name(namespace, name, None, &Naming::default())
    }

    #[test]
    fn a_name_comes_from_namespace_and_name() {
        assert_eq!(by_default("shop", "orders"), "shop.orders");
    }

    #[test]
    fn an_explicit_name_is_taken_as_it_is() {
        let long = "x".repeat(100);
        assert_eq!(
            project_name("shop", "orders", Some(&long), &Naming::default()),
            long
        );
    }

    #[test]
    fn sixty_four_characters_are_kept_and_sixty_five_are_cut_with_a_hash() {
        let fits = by_default("shop", &"x".repeat(59));
        assert_eq!(fits, format!("shop.{}", "x".repeat(59)));
        let cut = by_default("shop", &"x".repeat(60));
        assert_eq!(cut.len(), MAX_CHARS);
        assert!(cut.starts_with(&format!("shop.{}-", "x".repeat(50))));
        assert_ne!(cut, by_default("shop", &format!("{}y", "x".repeat(59))));
    }

    #[test]
    fn a_cut_name_never_changes_between_versions() {
        assert_eq!(
            by_default(&"n".repeat(63), "orders"),
            "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-f0501ebc"
        );
    }

    #[test]
    fn a_pattern_can_be_chosen() {
        let naming: Naming = "k8s-{namespace}-{name}".parse().unwrap();
        assert_eq!(
            project_name("shop", "orders", None, &naming),
            "k8s-shop-orders"
        );
        assert_eq!(naming.to_string(), "k8s-{namespace}-{name}");
    }

    #[test]
    fn a_pattern_that_makes_no_usable_names_is_refused() {
        let refused = |pattern: &str| pattern.parse::<Naming>().unwrap_err();
        assert_eq!(
            refused("{namespace}"),
            NamingError::NoName("{namespace}".into())
        );
        assert_eq!(refused("a {name}"), NamingError::Space("a {name}".into()));
        assert_eq!(
            refused("{uid}{name}"),
            NamingError::Brace("{uid}{name}".into())
        );
    }
}
