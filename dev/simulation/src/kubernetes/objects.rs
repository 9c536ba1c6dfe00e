//! The objects, and what every write does to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::rules;

/// The kinds that the operator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Ours.
    MigrationProject,
    /// Ours.
    OMSConnection,
    /// Credentials.
    Secret,
    /// Certificate authorities.
    ConfigMap,
    /// Its name is its own namespace.
    Namespace,
    /// Of `events.k8s.io`.
    Event,
}

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for a namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A request that is refused, as an HTTP status, a reason and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The reason in the Status object.
    pub reason: &'static str,
    /// The message in the Status object.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            reason,
            message,
        }
    }

    /// The Status object that says so.
    pub fn status(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": self.code, "reason": self.reason, "message": self.message,
        })
    }

    fn not_found(id: &Id) -> Self {
        Self::new(404, "NotFound", format!("{id:?} not found"))
    }

    fn conflict(why: &str) -> Self {
        Self::new(
            409,
            "Conflict",
            format!("the object has been modified: {why}"),
        )
    }
}

/// What a write came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The object afterwards.
    pub object: Arc<Value>,
    /// Whether anything is another than before.
    pub changed: bool,
}

/// One change, as a watch tells of it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// Of which object.
    pub id: Id,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub event: &'static str,
    /// The object, as it became or last was.
    pub object: Arc<Value>,
    /// When it happened.
    pub at: Instant,
    /// How much later watches tell of it.
    pub lag: Duration,
}

/// How long the news of a change is under way: mostly short, sometimes long.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    /// The most that is usual.
    pub usual: Duration,
    /// The most that is possible.
    pub most: Duration,
    /// How often it is more than usual, in percent.
    pub often: u32,
}

struct State {
    version: u64,
    uids: u64,
    objects: BTreeMap<Id, Arc<Value>>,
    changes: Vec<Change>,
    lag: Lag,
    behind: Duration,
    /// When the watches of that time ended.
    expired: Option<Instant>,
    /// When each kind was listed last.
    listed: BTreeMap<Kind, Instant>,
    random: StdRng,
}

/// The API server. Clones are handles on the same one.
#[derive(Clone)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    pub(super) changed: watch::Sender<u64>,
    began: Instant,
    epoch: jiff::Timestamp,
}

impl Cluster {
    /// An empty one, whose clock says `epoch` now.
    pub fn new(seed: u64, lag: Lag, epoch: jiff::Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                version: 100,
                uids: 0,
                objects: BTreeMap::new(),
                changes: Vec::new(),
                lag,
                behind: Duration::ZERO,
                expired: None,
                listed: BTreeMap::new(),
                random: StdRng::seed_from_u64(seed),
            })),
            changed: watch::Sender::new(0),
            began: Instant::now(),
            epoch,
        }
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// An object.
    pub fn get(&self, id: &Id) -> Option<Arc<Value>> {
        self.state.lock().objects.get(id).cloned()
    }

    /// All objects of a kind, by name.
    pub fn list(&self, kind: Kind) -> (u64, Vec<Arc<Value>>) {
        let state = self.state.lock();
        let found = state.objects.iter().filter(|(id, _)| id.kind == kind);
        (
            state.version,
            found.map(|(_, object)| object.clone()).collect(),
        )
    }

    /// Every change to objects of a kind since `version`.
    pub fn changes(&self, kind: Kind, version: u64) -> Vec<Change> {
        let state = self.state.lock();
        let from = state
            .changes
            .partition_point(|change| change.version <= version);
        let later = state.changes[from..].iter();
        later
            .filter(|change| change.id.kind == kind)
            .cloned()
            .collect()
    }

    /// The first change to an object of a kind since `version`.
    pub fn next_change(&self, kind: Kind, version: u64) -> Option<Change> {
        let state = self.state.lock();
        let from = state
            .changes
            .partition_point(|change| change.version <= version);
        let mut later = state.changes[from..].iter();
        later.find(|change| change.id.kind == kind).cloned()
    }

    /// From now on watches tell of every change so much later than they would.
    pub fn fall_behind(&self, by: Duration) {
        self.state.lock().behind = by;
    }

    /// The watches of now end: what they have not told of is not kept any more.
    pub fn expire(&self) {
        let mut state = self.state.lock();
        state.expired = Some(Instant::now());
        self.changed.send_replace(state.version);
    }

    /// Whether a watch that began then has ended since.
    pub(super) fn has_expired(&self, began: Instant) -> bool {
        self.state.lock().expired.is_some_and(|at| began <= at)
    }

    /// A list of that kind is answered.
    pub(super) fn listed(&self, kind: Kind) {
        self.state.lock().listed.insert(kind, Instant::now());
    }

    /// Since when whoever watches that kind can know of a change of it: not before its watch told
    /// of it, nor before the list that came after the end of a watch. `None`: that list is not
    /// answered yet.
    pub fn known_since(&self, change: &Change, kind: Kind) -> Option<Instant> {
        let state = self.state.lock();
        let listed = state.listed.get(&kind).copied();
        let told = change.at + change.lag;
        match state.expired {
            Some(ended) if listed.is_none_or(|listed| listed <= ended) => None,
            Some(_) => listed.map(|listed| told.max(listed)),
            None => Some(told),
        }
    }

    /// Adds an object.
    pub fn create(&self, id: &Id, mut object: Value) -> Result<Arc<Value>, Refusal> {
        let mut state = self.state.lock();
        if state.objects.contains_key(id) {
            return Err(Refusal::new(
                409,
                "AlreadyExists",
                format!("{id:?} already exists"),
            ));
        }
        if state.is_terminating(&id.namespace) {
            let message = "the namespace is being terminated";
            return Err(Refusal::new(403, "Forbidden", message));
        }
        state.uids += 1;
        let uid = format!("00000000-0000-4000-8000-{:012}", state.uids);
        let metadata = &mut object["metadata"];
        for given in ["uid", "deletionTimestamp", "generation", "managedFields"] {
            remove(metadata, given);
        }
        metadata["uid"] = json!(uid);
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!(self.second());
        if has_status(id.kind) {
            // The default of the schema.
            object["status"] = json!({"observedGeneration": -1});
        }
        Ok(self.store(&mut state, id, object, "ADDED"))
    }

    /// Writes what `change` makes of an object: of its status alone, or of all
    /// but its status.
    pub fn update(
        &self,
        id: &Id,
        only_status: bool,
        change: impl FnOnce(&Value) -> Result<Value, Refusal>,
    ) -> Result<Written, Refusal> {
        let mut state = self.state.lock();
        let before = state
            .objects
            .get(id)
            .cloned()
            .ok_or_else(|| Refusal::not_found(id))?;
        let asked = change(&before)?;
        let told =
            |object: &Value, field: &str| object["metadata"][field].as_str().map(str::to_owned);
        for field in ["resourceVersion", "uid"] {
            if told(&asked, field).is_some_and(|it| Some(it) != told(&before, field)) {
                return Err(Refusal::conflict(field));
            }
        }
        let mut after = Value::clone(&before);
        if only_status {
            after["status"] = asked["status"].clone();
        } else {
            let status = before.get("status").cloned();
            after = asked;
            for kept in [
                "uid",
                "creationTimestamp",
                "deletionTimestamp",
                "generation",
                "resourceVersion",
            ] {
                match before["metadata"].get(kept) {
                    Some(value) => after["metadata"][kept] = value.clone(),
                    None => remove(&mut after["metadata"], kept),
                }
            }
            match status {
                Some(status) => after["status"] = status,
                None => remove(&mut after, "status"),
            }
        }
        prune(&mut after);
        if before["spec"] != after["spec"] {
            let generation = before["metadata"]["generation"]
                .as_i64()
                .unwrap_or_default();
            after["metadata"]["generation"] = json!(generation + 1);
        }
        if id.kind == Kind::MigrationProject {
            rules::check(&before, &after)?;
        }
        if after == *before {
            return Ok(Written {
                object: before,
                changed: false,
            });
        }
        let unheld =
            finalizers(&after).is_empty() && !after["metadata"]["deletionTimestamp"].is_null();
        let object = if unheld {
            self.discard(&mut state, id, after)
        } else {
            self.store(&mut state, id, after, "MODIFIED")
        };
        Ok(Written {
            object,
            changed: true,
        })
    }

    /// Deletes an object, or marks it where finalizers hold it. A namespace
    /// takes what is in it along, and waits for it.
    pub fn delete(&self, id: &Id) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        if !state.objects.contains_key(id) {
            return Err(Refusal::not_found(id));
        }
        if id.kind == Kind::Namespace {
            self.mark(&mut state, id);
            let inside = state
                .objects
                .keys()
                .filter(|inside| inside.namespace == id.name);
            for inside in inside.cloned().collect::<Vec<_>>() {
                self.mark(&mut state, &inside);
            }
            self.end_namespaces(&mut state);
        } else {
            self.mark(&mut state, id);
        }
        Ok(())
    }

    fn mark(&self, state: &mut State, id: &Id) {
        let Some(object) = state.objects.get(id).cloned() else {
            return;
        };
        if id.kind != Kind::Namespace && finalizers(&object).is_empty() {
            self.discard(state, id, Value::clone(&object));
        } else if object["metadata"]["deletionTimestamp"].is_null() {
            let mut object = Value::clone(&object);
            object["metadata"]["deletionTimestamp"] = json!(self.second());
            let generation = object["metadata"]["generation"]
                .as_i64()
                .unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
            self.store(state, id, object, "MODIFIED");
        }
    }

    fn store(
        &self,
        state: &mut State,
        id: &Id,
        mut object: Value,
        event: &'static str,
    ) -> Arc<Value> {
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let object = Arc::new(object);
        state.objects.insert(id.clone(), object.clone());
        self.tell(state, id, object.clone(), event);
        object
    }

    fn discard(&self, state: &mut State, id: &Id, mut object: Value) -> Arc<Value> {
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let object = Arc::new(object);
        state.objects.remove(id);
        self.tell(state, id, object.clone(), "DELETED");
        self.end_namespaces(state);
        object
    }

    fn tell(&self, state: &mut State, id: &Id, object: Arc<Value>, event: &'static str) {
        let Lag { usual, most, often } = state.lag;
        let longest = if state.random.random_ratio(often.min(100), 100) {
            most
        } else {
            usual
        };
        let lag = state.behind + longest.mul_f64(state.random.random());
        let change = Change {
            version: state.version,
            id: id.clone(),
            event,
            object,
            at: Instant::now(),
            lag,
        };
        state.changes.push(change);
        self.changed.send_replace(state.version);
    }

    /// Namespaces that are being deleted end when nothing is left in them but
    /// Events, which the server takes away itself.
    fn end_namespaces(&self, state: &mut State) {
        let ending: Vec<Id> = state
            .objects
            .iter()
            .filter(|(id, object)| {
                id.kind == Kind::Namespace && !object["metadata"]["deletionTimestamp"].is_null()
            })
            .map(|(id, _)| id.clone())
            .collect();
        for namespace in ending {
            let holds = |id: &Id| id.namespace == namespace.name && id.kind != Kind::Event;
            if !state.objects.keys().any(holds) {
                state.objects.remove(&namespace);
            }
        }
    }

    fn second(&self) -> String {
        let now = self.epoch + self.began.elapsed();
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl State {
    fn is_terminating(&self, namespace: &str) -> bool {
        let id = Id {
            kind: Kind::Namespace,
            namespace: String::new(),
            name: namespace.to_owned(),
        };
        let found = self.objects.get(&id);
        found.is_none_or(|object| !object["metadata"]["deletionTimestamp"].is_null())
            && !namespace.is_empty()
    }
}

/// The finalizers of an object.
pub fn finalizers(object: &Value) -> Vec<&str> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn has_status(kind: Kind) -> bool {
    matches!(kind, Kind::MigrationProject | Kind::OMSConnection)
}

/// Takes a field away.
pub fn remove(object: &mut Value, field: &str) {
    if let Some(object) = object.as_object_mut() {
        object.remove(field);
    }
}

/// Null is absent, as the server has it for a schema without `nullable`; and
/// empty metadata lists are not kept.
fn prune(value: &mut Value) {
    drop_nulls(value);
    for list in ["finalizers", "annotations"] {
        let field = &value["metadata"][list];
        let empty = field.as_array().is_some_and(Vec::is_empty)
            || field.as_object().is_some_and(serde_json::Map::is_empty)
            || field.is_null();
        if empty {
            remove(&mut value["metadata"], list);
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
