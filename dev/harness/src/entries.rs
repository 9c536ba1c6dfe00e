//! Entries of the audit log, and filters over them.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;

/// One request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Such as `admin` or `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// Kubernetes' verb: get, list, watch, create, update, patch, delete, deletecollection, …
    pub verb: String,
    /// API group; empty for the core group, and for paths that are no resources.
    pub group: String,
    /// Plural name; empty for paths that are no resources, such as `/readyz`.
    pub resource: String,
    /// Such as `status`.
    pub subresource: Option<String>,
    /// Namespace of the object.
    pub namespace: Option<String>,
    /// Name of the object; a refused `create` has none.
    pub name: Option<String>,
    /// HTTP status of the answer.
    pub code: u16,
    /// `ResponseStarted` for a watch that still runs, `ResponseComplete` for everything that has ended, `Panic`.
    pub stage: String,
    /// Path and query as asked for.
    pub uri: String,
    /// When the request came in.
    pub timestamp: Timestamp,
    /// The client's own name for itself.
    pub user_agent: String,
}

impl Entry {
    /// Whether the request asked for a change, granted or not. A TokenRequest or a review asks for none.
    pub fn is_write(&self) -> bool {
        let asks =
            self.resource.ends_with("reviews") || self.subresource.as_deref() == Some("token");
        !asks
            && matches!(
                self.verb.as_str(),
                "create" | "update" | "patch" | "delete" | "deletecollection"
            )
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} by {}",
            self.timestamp, self.code, self.verb, self.uri, self.user
        )
    }
}

/// Some requests, in the order of the log; prints one line for each, for the messages of assertions.
#[derive(Clone, Debug, Default)]
pub struct Entries(Vec<Entry>);

impl Entries {
    pub(crate) fn new(entries: Vec<Entry>) -> Entries {
        Entries(entries)
    }

    /// Those that `keep` accepts.
    pub fn filter(&self, keep: impl Fn(&Entry) -> bool) -> Entries {
        Entries(self.0.iter().filter(|entry| keep(entry)).cloned().collect())
    }

    /// Those by this user.
    pub fn user(&self, user: &str) -> Entries {
        self.filter(|entry| entry.user == user)
    }

    /// Those by this ServiceAccount.
    pub fn service_account(&self, namespace: &str, name: &str) -> Entries {
        self.user(&format!("system:serviceaccount:{namespace}:{name}"))
    }

    /// Those with this verb.
    pub fn verb(&self, verb: &str) -> Entries {
        self.filter(|entry| entry.verb == verb)
    }

    /// Those for this resource (plural name), its subresources included.
    pub fn resource(&self, resource: &str) -> Entries {
        self.filter(|entry| entry.resource == resource)
    }

    /// Those for this subresource.
    pub fn subresource(&self, subresource: &str) -> Entries {
        self.filter(|entry| entry.subresource.as_deref() == Some(subresource))
    }

    /// Those for objects in this namespace.
    pub fn namespace(&self, namespace: &str) -> Entries {
        self.filter(|entry| entry.namespace.as_deref() == Some(namespace))
    }

    /// Those for objects of this name.
    pub fn name(&self, name: &str) -> Entries {
        self.filter(|entry| entry.name.as_deref() == Some(name))
    }

    /// Those that were answered with this HTTP status.
    pub fn code(&self, code: u16) -> Entries {
        self.filter(|entry| entry.code == code)
    }

    /// Those that asked for a change.
    pub fn writes(&self) -> Entries {
        self.filter(Entry::is_write)
    }

    /// Those refused for want of rights (403).
    pub fn forbidden(&self) -> Entries {
        self.code(403)
    }

    /// The different verbs.
    pub fn verbs(&self) -> BTreeSet<&str> {
        self.0.iter().map(|entry| entry.verb.as_str()).collect()
    }
}

impl Deref for Entries {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.0
    }
}

impl IntoIterator for Entries {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests", self.0.len())?;
        self.0.iter().try_for_each(|entry| write!(f, "\n  {entry}"))
    }
}
