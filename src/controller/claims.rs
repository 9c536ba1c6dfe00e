//! Who claims which project name and which project id.
//!
//! Kept up to date by the watch itself, so that asking is cheap at 10,000
//! resources. It is advice, not the lock: the reservation is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::watcher;
use parking_lot::RwLock;

use crate::api::keys;
use crate::api::v1alpha1::{DeletionPolicy, MigrationProject};
use crate::decide::{Naming, Reservation, project_name};

/// Namespace and name of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of an object.
    #[must_use]
    pub fn of(object: &impl ResourceExt) -> Self {
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// What one resource claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The UID of the resource.
    pub uid: String,
    /// The project name it has or wants.
    pub project_name: String,
    /// The connection it uses.
    pub connection: Option<Key>,
    /// The OMS its id belongs to, once it has one.
    pub pinned_url: Option<String>,
    /// The project it has.
    pub project_id: Option<String>,
    /// It was found gone, or is on its way: that it is not there surprises nobody.
    may_be_gone: bool,
    /// The lag that it calls caught up, in seconds.
    max_lag: u64,
    /// The project it wants to take over, by its id.
    adopts: Option<String>,
    /// The name that its own create reservation speaks of. It is another than the
    /// wanted one while an attempt is open whose resource was renamed meanwhile:
    /// what that attempt may have made is this resource's all the same.
    reserved: Option<String>,
    created: Option<Timestamp>,
    /// The resourceVersion, which numbers the versions of an object in order
    /// (Kubernetes API conventions, since 1.35 for clients too).
    version: u128,
}

impl Claim {
    /// The names that nobody else gets.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let wanted = std::iter::once(&self.project_name);
        let reserved = self.reserved.as_ref();
        let reserved =
            reserved.filter(|name| self.project_id.is_none() && **name != self.project_name);
        wanted.chain(reserved)
    }

    /// Of two claims to one name the greater comes first: who has a project,
    /// then who has reserved, then the older.
    fn rank(
        &self,
        name: &str,
        key: &Key,
    ) -> (bool, bool, Reverse<Option<Timestamp>>, Reverse<Key>) {
        let older = Reverse(self.created);
        (
            self.project_id.is_some(),
            self.reserved.as_deref() == Some(name),
            older,
            Reverse(key.clone()),
        )
    }
}

/// A claim that is given up, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Whose it was.
    pub key: Key,
    /// What it was.
    pub claim: Claim,
    /// The resource is no more; else it has or wants another name now, or uses another
    /// connection.
    pub is_gone: bool,
}

impl GivenUp {
    fn by_who_is_gone(key: Key, claim: Claim) -> Self {
        Self {
            key,
            claim,
            is_gone: true,
        }
    }
}

/// Mostly a single one, of which every index has the same.
type Keys = BTreeSet<Arc<Key>>;

#[derive(Default)]
struct Index {
    by_key: BTreeMap<Arc<Key>, Claim>,
    by_name: HashMap<String, Keys>,
    by_id: HashMap<String, Keys>,
    by_adopted: HashMap<String, Keys>,
    by_connection: HashMap<Key, Keys>,
    /// A list that is not complete yet.
    list: Option<List>,
}

#[derive(Default)]
struct List {
    /// The resources that it has named.
    named: BTreeSet<Key>,
    /// Those that were written since it was asked for, and may be older in it.
    written: BTreeSet<Key>,
}

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
        index.by_key.get(key)?.connection.clone()
    }

    /// The resource that has recorded `id`, other than `me`, and of whose claim `is_here`
    /// says that it is to the OMS in question.
    pub fn claimant_of(&self, id: &str, me: &Key, is_here: impl Fn(&Claim) -> bool) -> Option<Key> {
        let index = self.index.read();
        let mut keys = index.by_id.get(id)?.iter().filter(|key| ***key != *me);
        keys.find(|key| index.by_key.get(*key).is_some_and(&is_here))
            .map(|key| Key::clone(key))
    }

    /// How many ids are recorded by more than one resource, in what may be one OMS.
    #[must_use]
    pub fn doubly_claimed(&self) -> usize {
        let index = self.index.read();
        let shared = index.by_id.values().filter(|keys| keys.len() > 1);
        shared
            .filter(|keys| {
                let claims: Vec<&Claim> = keys
                    .iter()
                    .filter_map(|key| index.by_key.get(key))
                    .collect();
                let urls: BTreeSet<_> = claims
                    .iter()
                    .filter_map(|claim| claim.pinned_url.as_deref())
                    .collect();
                urls.len() < claims.len()
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
                    .is_some_and(|claim| claim.connection.as_ref() == Some(connection))
            })
            .map(|key| Key::clone(key))
            .collect()
    }

    /// Whether any resource has recorded `id` in the OMS in question, in the same sense.
    pub fn is_recorded(&self, id: &str, is_here: impl Fn(&Claim) -> bool) -> bool {
        let index = self.index.read();
        let mut keys = index.by_id.get(id).into_iter().flatten();
        keys.any(|key| index.by_key.get(key).is_some_and(&is_here))
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
    pub fn recorded(&self, connection: &Key) -> Vec<(String, Option<String>)> {
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
        Claim {
            uid: project.uid().unwrap_or_default(),
            project_name: status
                .and_then(|status| status.project_name.clone())
                .unwrap_or_else(|| self.name_of(project)),
            connection: self.connection_of(project),
            pinned_url: status
                .and_then(|status| status.connection.as_ref())
                .and_then(|pinned| pinned.url.clone()),
            project_id: status.and_then(|status| status.project_id.clone()),
            may_be_gone: may_be_gone(project),
            adopts: project.spec.adopt_project_id().map(str::to_owned),
            max_lag: project.spec.max_lag().as_secs(),
            reserved: own_reservation(project),
            created: project.creation_timestamp().map(|time| time.0),
            version: version_of(project),
        }
    }
}

/// The resourceVersion as a number; 0 where it is none.
fn version_of(project: &MigrationProject) -> u128 {
    let version = project.metadata.resource_version.as_deref();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

/// Whether the project of a resource was found gone, or is being deleted together
/// with it. The last word before that is RELEASED, or INIT of one that never ran:
/// what such a one leaves behind in another OMS moves no data.
fn may_be_gone(project: &MigrationProject) -> bool {
    let Some(status) = &project.status else {
        return false;
    };
    let word = status.project_status.as_deref();
    let leaves = project.metadata.deletion_timestamp.is_some()
        && project.spec.deletion_policy() == DeletionPolicy::Delete
        && matches!(word, Some("RELEASED" | "INIT"));
    status.gone == Some(true) || leaves
}

/// The name that a reservation speaks of which was written for this resource; one
/// that was copied onto it claims nothing.
fn own_reservation(project: &MigrationProject) -> Option<String> {
    let text = project.annotations().get(keys::CREATE_RESERVATION)?;
    let reservation = serde_json::from_str::<Reservation>(text).ok()?;
    let written_for = Key {
        namespace: reservation.namespace,
        name: reservation.name,
    };
    let own = written_for == Key::of(project) && Some(reservation.uid) == project.uid();
    own.then_some(reservation.project_name)
}

impl Index {
    /// Whether what is known under a name is a later version than `claim`, of whichever object:
    /// versions number the changes of all objects of a kind.
    fn knows_newer(&self, key: &Key, claim: &Claim) -> bool {
        let known = self.by_key.get(key);
        known.is_some_and(|known| known.version > claim.version)
    }

    /// Takes in a claim, in the place of the one before.
    fn follow(&mut self, key: Key, claim: Claim) -> Option<GivenUp> {
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

    fn insert(&mut self, key: Key, claim: Claim) -> Option<Claim> {
        let before = self.remove(&key);
        let key = Arc::new(key);
        for name in claim.names() {
            self.by_name
                .entry(name.clone())
                .or_default()
                .insert(key.clone());
        }
        if let Some(id) = &claim.project_id {
            self.by_id
                .entry(id.clone())
                .or_default()
                .insert(key.clone());
        }
        if let Some(id) = &claim.adopts {
            self.by_adopted
                .entry(id.clone())
                .or_default()
                .insert(key.clone());
        }
        if let Some(connection) = &claim.connection {
            self.by_connection
                .entry(connection.clone())
                .or_default()
                .insert(key.clone());
        }
        self.by_key.insert(key, claim);
        before
    }

    fn lose(&mut self, key: &Key) -> Option<GivenUp> {
        let claim = self.remove(key)?;
        Some(GivenUp::by_who_is_gone(key.clone(), claim))
    }

    fn remove(&mut self, key: &Key) -> Option<Claim> {
        let claim = self.by_key.remove(key)?;
        for name in claim.names() {
            take(&mut self.by_name, name, key);
        }
        if let Some(id) = &claim.project_id {
            take(&mut self.by_id, id, key);
        }
        if let Some(id) = &claim.adopts {
            take(&mut self.by_adopted, id, key);
        }
        if let Some(connection) = &claim.connection {
            take(&mut self.by_connection, connection, key);
        }
        Some(claim)
    }
}

fn all(keys: Option<&Keys>) -> Vec<Key> {
    let keys = keys.into_iter().flatten();
    keys.map(|key| Key::clone(key)).collect()
}

fn take<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Keys>, entry: &K, key: &Key) {
    if let Some(keys) = map.get_mut(entry) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(entry);
        }
    }
}

#[cfg(test)]
mod tests;
