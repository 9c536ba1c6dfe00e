//! Who claims which project name and which project id.
//!
//! Kept up to date by the watch itself, so that asking is cheap at 10,000
//! resources. It is advice, not the lock: the reservation is.

mod claim;
mod index;
mod key;

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt;
use kube::runtime::watcher;
use parking_lot::RwLock;

use self::claim::version_of;
pub use self::claim::{Claim, GivenUp};
use self::index::{Index, List};
pub use self::key::Key;
use crate::api::v1alpha1::MigrationProject;
use crate::decide::{Naming, project_name};

/// The index of all claims.
pub struct Claims {
    naming: Naming,
    default_connection: Option<Key>,
    index: RwLock<Index>,
}

impl Claims {
    /// An empty index. `naming` and `default_connection` say what a resource
    /// claims that does not say it itself.
    #[must_use]
    pub fn new(naming: Naming, default_connection: Option<Key>) -> Self {
        Self {
            naming,
            default_connection,
            index: RwLock::default(),
        }
    }

    /// Takes in what the watch saw. Returns the claims that are given up.
    pub fn follow(&self, event: &watcher::Event<MigrationProject>) -> Vec<GivenUp> {
        let mut index = self.index.write();
        match event {
            watcher::Event::Init => index.list = Some(List::default()),
            watcher::Event::InitApply(project) => {
                let (key, claim) = (Key::of(project), self.claim(project));
                let known = index.knows_newer(&key, &claim);
                if let Some(list) = &mut index.list {
                    list.named.insert(key.clone());
                    if known && list.written.contains(&key) {
                        return Vec::new();
                    }
                }
                return Vec::from_iter(index.follow(key, claim));
            }
            watcher::Event::InitDone => {
                let list = index.list.take().unwrap_or_default();
                let gone: Vec<Key> = index
                    .by_key
                    .keys()
                    .filter(|key| !list.named.contains(&***key))
                    .map(|key| Key::clone(key))
                    .collect();
                return gone.iter().filter_map(|key| index.lose(key)).collect();
            }
            watcher::Event::Apply(project) => {
                let (key, claim) = (Key::of(project), self.claim(project));
                // The watch may lag behind what our own writes have returned. (A new list
                // does so only behind what was written since it was asked for: what else
                // is older in it tells of a restored etcd.)
                if !index.knows_newer(&key, &claim) {
                    return Vec::from_iter(index.follow(key, claim));
                }
            }
            watcher::Event::Delete(project) => {
                let (key, claim) = (Key::of(project), self.claim(project));
                // Another of its name may be there by now, and have been written already.
                let replaced = index
                    .by_key
                    .get(&key)
                    .is_some_and(|known| known.uid != claim.uid)
                    && index.knows_newer(&key, &claim);
                return Vec::from_iter(match replaced {
                    true => Some(GivenUp::by_who_is_gone(key, claim)),
                    false => index.lose(&key),
                });
            }
        }
        Vec::new()
    }

    /// Takes in what a write of our own has returned, before the watch tells it:
    /// of a name that the watch knows, and not over what it knows better. It may be
    /// that of a resource which has come in the place of the one that the watch knows.
    /// Returns the claim that is given up by it: the watch will not tell of that any more.
    #[must_use]
    pub fn note(&self, project: &MigrationProject) -> Option<GivenUp> {
        let (key, claim) = (Key::of(project), self.claim(project));
        let mut index = self.index.write();
        if !index.by_key.contains_key(&key) || index.knows_newer(&key, &claim) {
            return None;
        }
        if let Some(list) = &mut index.list {
            list.written.insert(key.clone());
        }
        index.follow(key, claim)
    }

    /// Whether a later version of this very object has been seen or written.
    #[must_use]
    pub fn knows_newer(&self, project: &MigrationProject) -> bool {
        let index = self.index.read();
        let known = index.by_key.get(&Key::of(project));
        known.is_some_and(|known| {
            Some(&known.uid) == project.metadata.uid.as_ref() && known.version > version_of(project)
        })
    }

    /// The same, of whichever object has its name: it may be in the place of this one.
    #[must_use]
    pub fn knows_newer_of_the_name(&self, project: &MigrationProject) -> bool {
        let index = self.index.read();
        let known = index.by_key.get(&Key::of(project));
        known.is_some_and(|known| known.version > version_of(project))
    }

    /// The project name a resource has or wants.
    #[must_use]
    pub fn name_of(&self, project: &MigrationProject) -> String {
        let namespace = project.namespace().unwrap_or_default();
        let explicit = project.spec.project.name.as_deref();
        project_name(&namespace, &project.name_any(), explicit, &self.naming)
    }

    /// The connection a resource uses.
    #[must_use]
    pub fn connection_of(&self, project: &MigrationProject) -> Option<Key> {
        match &project.spec.connection_ref {
            Some(reference) => Some(Key {
                namespace: reference
                    .namespace
                    .clone()
                    .or_else(|| project.namespace())
                    .unwrap_or_default(),
                name: reference.name.clone(),
            }),
            None => self.default_connection.clone(),
        }
    }

    /// The connection that the resource `key` uses, as far as the watch has told.
    #[must_use]
    pub fn connection_at(&self, key: &Key) -> Option<Key> {
        let index = self.index.read();
        index.by_key.get(key)?.connection.as_deref().cloned()
    }

    /// The resource that has recorded `id`, other than `me`, and of whose claim `is_here`
    /// says that it is to the OMS in question.
    pub fn claimant_of(&self, id: &str, me: &Key, is_here: impl Fn(&Claim) -> bool) -> Option<Key> {
        let index = self.index.read();
        let mut keys = index.by_id.get(id)?.iter().filter(|key| ***key != *me);
        keys.find(|key| index.by_key.get(*key).is_some_and(|claim| is_here(claim)))
            .map(|key| Key::clone(key))
    }

    /// How many ids are recorded by more than one resource, in what may be one OMS.
    #[must_use]
    pub fn doubly_claimed(&self, is_same_oms: impl Fn(&str, &str) -> bool) -> usize {
        let index = self.index.read();
        let shared = index.by_id.values().filter(|keys| keys.len() > 1);
        shared
            .filter(|keys| {
                let claims = keys.iter().filter_map(|key| index.by_key.get(key));
                let urls: Vec<_> = claims.map(|claim| claim.pinned_url.as_deref()).collect();
                let may_be_one = |one: &Option<&str>, other: &Option<&str>| match (one, other) {
                    (Some(one), Some(other)) => is_same_oms(one, other),
                    _ => true,
                };
                let mut before = urls.iter().enumerate();
                before.any(|(at, one)| urls[..at].iter().any(|other| may_be_one(one, other)))
            })
            .count()
    }

    /// The resource that comes before `me` for `name`, among those of which
    /// `same_oms` says that they speak of the same OMS. What `me` claims is what it says
    /// itself: the watch may know it as it was, or another that had its name.
    pub fn rival(
        &self,
        name: &str,
        me: &MigrationProject,
        same_oms: impl Fn(&Claim) -> bool,
    ) -> Option<Key> {
        let (my_key, mine) = (Key::of(me), self.claim(me));
        let index = self.index.read();
        index
            .by_name
            .get(name)?
            .iter()
            .filter(|key| ***key != my_key)
            .filter_map(|key| index.by_key.get(key).map(|claim| (key, claim)))
            .filter(|(_, claim)| same_oms(claim))
            .find(|(key, claim)| claim.rank(name, key) > mine.rank(name, &my_key))
            .map(|(key, _)| Key::clone(key))
    }

    /// The resources that use a connection.
    #[must_use]
    pub fn users_of(&self, connection: &Key) -> Vec<Key> {
        let index = self.index.read();
        all(index.by_connection.get(connection))
    }

    /// How many resources use a connection.
    #[must_use]
    pub fn count_users(&self, connection: &Key) -> usize {
        let index = self.index.read();
        let users = index.by_connection.get(connection);
        users.map_or(0, BTreeSet::len)
    }

    /// The resources that have or want a project name.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<Key> {
        let index = self.index.read();
        all(index.by_name.get(name))
    }

    /// The resources that want to take over `id`.
    #[must_use]
    pub fn adopting(&self, id: &str) -> Vec<Key> {
        let index = self.index.read();
        all(index.by_adopted.get(id))
    }

    /// The resources that have recorded `id` through `connection`.
    #[must_use]
    pub fn holders_of(&self, id: &str, connection: &Key) -> Vec<Key> {
        let index = self.index.read();
        index
            .by_id
            .get(id)
            .into_iter()
            .flatten()
            .filter(|key| {
                index
                    .by_key
                    .get(*key)
                    .is_some_and(|claim| claim.connection.as_deref() == Some(connection))
            })
            .map(|key| Key::clone(key))
            .collect()
    }

    /// Whether any resource has recorded `id` in the OMS in question, in the same sense.
    pub fn is_recorded(&self, id: &str, is_here: impl Fn(&Claim) -> bool) -> bool {
        let index = self.index.read();
        let mut keys = index.by_id.get(id).into_iter().flatten();
        keys.any(|key| index.by_key.get(key).is_some_and(|claim| is_here(claim)))
    }

    /// The ids that resources have recorded through `connection` in an OMS of which
    /// `same_oms` says by its address that it is the one in question.
    pub fn ids_of(&self, connection: &Key, same_oms: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let index = self.index.read();
        let users = index.by_connection.get(connection).into_iter().flatten();
        let claims = users.filter_map(|key| index.by_key.get(key));
        claims
            .filter(|claim| claim.pinned_url.as_deref().is_none_or(&same_oms))
            .filter_map(|claim| claim.project_id.clone())
            .collect()
    }

    /// The resources that hold `id` through `connection` and for which a lag
    /// that went from `before` to `after` has crossed their limit.
    #[must_use]
    pub fn lag_crossed(&self, id: &str, connection: &Key, before: u64, after: u64) -> Vec<Key> {
        let mut holders = self.holders_of(id, connection);
        let index = self.index.read();
        holders.retain(|key| {
            let limit = index.by_key.get(key).map(|claim| claim.max_lag);
            limit.is_some_and(|limit| (before <= limit) != (after <= limit))
        });
        holders
    }

    /// The projects that are recorded through `connection` and have to be there: the
    /// id, and the address under which it was seen last.
    #[must_use]
    pub fn recorded(&self, connection: &Key) -> Vec<(String, Option<Arc<str>>)> {
        let index = self.index.read();
        let users = index.by_connection.get(connection).into_iter().flatten();
        users
            .filter_map(|key| index.by_key.get(key))
            .filter(|claim| !claim.may_be_gone)
            .filter_map(|claim| Some((claim.project_id.clone()?, claim.pinned_url.clone())))
            .collect()
    }

    /// Whether a resource of this UID is there.
    #[must_use]
    pub fn is_alive(&self, key: &Key, uid: &str) -> bool {
        self.index
            .read()
            .by_key
            .get(key)
            .is_some_and(|claim| claim.uid == uid)
    }

    fn claim(&self, project: &MigrationProject) -> Claim {
        let status = project.status.as_ref();
        let project_name = status
            .and_then(|status| status.project_name.clone())
            .unwrap_or_else(|| self.name_of(project));
        Claim::of(project, project_name, self.connection_of(project))
    }
}

fn all<'a>(keys: Option<impl IntoIterator<Item = &'a Arc<Key>>>) -> Vec<Key> {
    let keys = keys.into_iter().flatten();
    keys.map(|key| Key::clone(key)).collect()
}

#[cfg(test)]
mod tests;
