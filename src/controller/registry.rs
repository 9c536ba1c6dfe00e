//! The connections in use: for each OMSConnection the client that its Secret
//! makes, and what its last sweep has shown.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;

use super::claims::Key;
use super::strangers::Strangers;
use crate::api::v1alpha1::OMSConnection;
use crate::decide::doubt::Vanished;
use crate::decide::{Answer, Problem};
use crate::observe::Snapshot;
use crate::oms;

/// A connection that can be used.
#[derive(Clone)]
pub struct Live {
    /// UID of the OMSConnection.
    pub uid: String,
    /// Where it leads.
    pub url: oms::BaseUrl,
    /// Older addresses of the same OMS.
    pub former_urls: Vec<oms::BaseUrl>,
    /// The client.
    pub client: oms::Client,
    /// What the last complete walk has shown. Older ones stand while OMS
    /// cannot be reached, and none does while the connection has no users.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What that snapshot holds of nobody's, and lacks.
    pub strangers: Strangers,
    /// What is recorded and not in that snapshot, although it was there.
    pub vanished: Arc<Vanished>,
    /// The server has no ListProjects.
    pub unlisted: bool,
    /// The resource it was made from.
    pub resource: Arc<OMSConnection>,
}

impl Live {
    /// Whether `url` is an address of the same OMS.
    #[must_use]
    pub fn is_same_oms(&self, url: &str) -> bool {
        self.url.as_str() == url || self.former_urls.iter().any(|former| former.as_str() == url)
    }
}

/// What is known of one connection.
#[derive(Clone, Default)]
pub struct Entry {
    /// The client and its snapshot. It outlives a Secret that was deleted: the
    /// last good credentials are kept.
    pub live: Option<Arc<Live>>,
    /// What of its address, Secret or certificate authority cannot be used.
    pub unusable: Option<Problem>,
    /// How OMS answers this client.
    pub answer: Answer,
    /// When its projects were seen last. It outlives the client and the
    /// resource.
    pub seen: Option<Timestamp>,
    /// Counts the clients it has had, and its recoveries: a new one may succeed
    /// where an old one failed.
    pub revision: u64,
}

impl Entry {
    /// Why nothing can be asked of OMS through it, if it is so.
    #[must_use]
    pub fn trouble(&self) -> Option<&Problem> {
        match (&self.live, &self.answer) {
            (None, _) => self.unusable.as_ref(),
            (Some(_), Answer::Failed(problem)) => Some(problem),
            (Some(_), Answer::Pending | Answer::Good) => None,
        }
    }
}

/// All connections.
#[derive(Default)]
pub struct Registry {
    entries: RwLock<HashMap<Key, Entry>>,
}

impl Registry {
    /// What is known of a connection.
    #[must_use]
    pub fn get(&self, key: &Key) -> Entry {
        self.entries.read().get(key).cloned().unwrap_or_default()
    }

    /// The address a connection leads to.
    #[must_use]
    pub fn url_of(&self, key: &Key) -> Option<String> {
        let entries = self.entries.read();
        Some(entries.get(key)?.live.as_ref()?.url.to_string())
    }

    /// Whether both are addresses of one OMS, as far as any connection tells.
    #[must_use]
    pub fn is_same_oms(&self, one: &str, other: &str) -> bool {
        let entries = self.entries.read();
        let mut lives = entries.values().filter_map(|entry| entry.live.as_ref());
        one == other || lives.any(|live| live.is_same_oms(one) && live.is_same_oms(other))
    }

    /// Which of its clients the connection has now.
    #[must_use]
    pub fn revision(&self, key: &Key) -> u64 {
        self.entries
            .read()
            .get(key)
            .map(|entry| entry.revision)
            .unwrap_or_default()
    }

    /// The connections of which anything is known.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.entries.read().keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// Replaces what is known of a connection, unless it was lost since
    /// `before` was read.
    pub fn set(&self, key: &Key, before: u64, entry: Entry) {
        let mut entries = self.entries.write();
        let now = entries.get(key).map_or(0, |entry| entry.revision);
        if now == before {
            entries.insert(key.clone(), entry);
        }
    }

    /// The connection was taken away from those who use it.
    pub fn lose(&self, key: &Key) {
        if let Some(entry) = self.entries.write().get_mut(key) {
            *entry = Entry {
                seen: entry.seen,
                revision: entry.revision + 1,
                ..Entry::default()
            };
        }
    }

    /// The connection is gone.
    pub fn remove(&self, key: &Key) {
        self.entries.write().remove(key);
    }
}
