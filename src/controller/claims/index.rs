//! The claims by everything they are asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Claim, GivenUp, Key};

/// In order, and mostly a single one, of which every index has the same.
pub(super) type Few = Vec<Arc<Key>>;

/// In order, and as many as there are.
pub(super) type Many = BTreeSet<Arc<Key>>;

#[derive(Default)]
pub(super) struct Index {
    /// Boxed: nodes of a tree that grows at its end are only half full.
    pub(super) by_key: BTreeMap<Arc<Key>, Box<Claim>>,
    pub(super) by_name: HashMap<String, Few>,
    pub(super) by_id: HashMap<String, Few>,
    pub(super) by_adopted: HashMap<String, Few>,
    pub(super) by_connection: HashMap<Arc<Key>, Many>,
    /// A list that is not complete yet.
    pub(super) list: Option<List>,
}

#[derive(Default)]
pub(super) struct List {
    /// The resources that it has named.
    pub(super) named: BTreeSet<Key>,
    /// Those that were written since it was asked for, and may be older in it.
    pub(super) written: BTreeSet<Key>,
}

impl Index {
    /// Whether what is known under a name is a later version than `claim`, of whichever object:
    /// versions number the changes of all objects of a kind.
    pub(super) fn knows_newer(&self, key: &Key, claim: &Claim) -> bool {
        let known = self.by_key.get(key);
        known.is_some_and(|known| known.version > claim.version)
    }

    /// Takes in a claim, in the place of the one before.
    pub(super) fn follow(&mut self, key: Key, claim: Claim) -> Option<GivenUp> {
        let before = self.insert(key.clone(), claim)?;
        let after = self.by_key.get(&key)?;
        let is_gone = before.uid != after.uid;
        let keeps = |name| after.names().any(|kept| kept == name);
        let keeps_all = before.connection == after.connection && before.names().all(keeps);
        (is_gone || !keeps_all).then_some(GivenUp {
            key,
            claim: before,
            is_gone,
        })
    }

    fn insert(&mut self, key: Key, mut claim: Claim) -> Option<Claim> {
        self.share(&mut claim);
        let before = self.remove(&key);
        let key = Arc::new(key);
        for name in claim.names() {
            put(&mut self.by_name, name, &key);
        }
        if let Some(id) = &claim.project_id {
            put(&mut self.by_id, id, &key);
        }
        if let Some(id) = &claim.adopts {
            put(&mut self.by_adopted, id, &key);
        }
        if let Some(connection) = &claim.connection {
            self.by_connection
                .entry(connection.clone())
                .or_default()
                .insert(key.clone());
        }
        self.by_key.insert(key, Box::new(claim));
        before
    }

    /// What ten thousand claims have in common is there once.
    fn share(&self, claim: &mut Claim) {
        let Some(connection) = &mut claim.connection else {
            return;
        };
        let Some((known, users)) = self.by_connection.get_key_value(connection) else {
            return;
        };
        connection.clone_from(known);
        let another = users.first().and_then(|user| self.by_key.get(user));
        if let Some(another) = another
            && another.pinned_url == claim.pinned_url
        {
            claim.pinned_url.clone_from(&another.pinned_url);
        }
    }

    pub(super) fn lose(&mut self, key: &Key) -> Option<GivenUp> {
        let claim = self.remove(key)?;
        Some(GivenUp::by_who_is_gone(key.clone(), claim))
    }

    fn remove(&mut self, key: &Key) -> Option<Claim> {
        let claim = *self.by_key.remove(key)?;
        for name in claim.names() {
            take(&mut self.by_name, name, key);
        }
        if let Some(id) = &claim.project_id {
            take(&mut self.by_id, id, key);
        }
        if let Some(id) = &claim.adopts {
            take(&mut self.by_adopted, id, key);
        }
        if let Some(connection) = &claim.connection
            && let Some(users) = self.by_connection.get_mut(connection)
        {
            users.remove(key);
            if users.is_empty() {
                self.by_connection.remove(connection);
            }
        }
        Some(claim)
    }
}

fn put(map: &mut HashMap<String, Few>, entry: &str, key: &Arc<Key>) {
    match map.get_mut(entry) {
        Some(keys) => {
            if let Err(place) = keys.binary_search(key) {
                keys.insert(place, key.clone());
            }
        }
        None => {
            map.insert(entry.to_owned(), vec![key.clone()]);
        }
    }
}

fn take(map: &mut HashMap<String, Few>, entry: &str, key: &Key) {
    if let Some(keys) = map.get_mut(entry) {
        if let Ok(place) = keys.binary_search_by(|one| (**one).cmp(key)) {
            keys.remove(place);
        }
        if keys.is_empty() {
            map.remove(entry);
        }
    }
}
