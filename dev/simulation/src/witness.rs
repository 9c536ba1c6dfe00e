//! The witness: sees every write and every change of OMS, knows who did what,
//! and says what must not have been.
//!
//! The invariants:
//! 1. CreateProject is called only under a reservation that stands, or has
//!    just stood, on the resource.
//! 2. A resource never has a second project made while the first is there.
//! 3. A restored resource never creates.
//! 4. An id is recorded only of a project that was made for this resource, or
//!    that it asked to take over, or had before a restore; and by one resource.
//! 5. StartProject, StopProject, ReleaseProject and DeleteProject only as the
//!    spec asks for it; of a project that is recorded nowhere, only DeleteProject
//!    of one that is INIT and of our own making.
//!    None of a project in another OMS than the one that it was made in.
//! 6. What somebody has paused, or what has failed, is resumed only when the spec or the annotation asks
//!    for that.
//! 7. A project is called gone only when it is.
//! 8. No write changes a spec, no status write changes nothing, Secrets are only read.
//! 9. At the end every project that was made is recorded, was recorded until its
//!    resource was deleted, or is told of (`verdict.rs`).
//!
//! What may be called for stands in `calls.rs`, what may be written and said in `writes.rs`; here is
//! what was seen.

mod calls;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use oms_operator::oms::Action;
use oms_simulator::Oms;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use crate::acts::{Act, FINALIZER, RESERVATION, connection_id};
use crate::kubernetes::{Cluster, Kind};
use crate::transports::TIMEOUTS;
use crate::world::LONGEST_DOWN;

/// How long after a spec has changed a call may still go by its old text: a
/// read of it may be under way that long.
const GRACE: Duration = Duration::from_secs(15);

/// How long a resource may stay without its finalizer once the watch has told of that: a process
/// may be down, and the next one has to find out how OMS and the connections are.
const LONGEST_UNHELD: Duration = Duration::from_secs(2 * LONGEST_DOWN.as_secs());

/// A project that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// For the resource with this UID; none if it was made in the console.
    pub uid: Option<String>,
    /// In which OMS.
    pub oms: usize,
    /// When.
    pub at: Instant,
}

/// A mutation on its way.
#[derive(Clone, Debug)]
pub struct Asked {
    action: Action,
    project: String,
    uid: Option<String>,
    number: u64,
}

/// A reservation that was written.
struct Reserved {
    /// For whom.
    uid: String,
    /// For which attempt.
    attempt: Value,
    /// In which life.
    life: u64,
}

#[derive(Default)]
struct State {
    mutations: u64,
    asked: u64,
    /// When each of them was asked for.
    under_way: BTreeMap<u64, Instant>,
    /// When this was asked of this project lately.
    times: BTreeMap<(Action, String), Vec<Instant>>,
    made: Vec<Made>,
    omses: Vec<Oms>,
    restored: BTreeSet<String>,
    forced: BTreeSet<String>,
    /// How many lives of the process have ended.
    ended: u64,
    /// The reservations that were written.
    reserved: Vec<Reserved>,
    /// Resources that a user has rid of the only trace of an attempt, and when.
    stripped: BTreeMap<String, Instant>,
    said: Vec<(String, String, String)>,
    broken: BTreeSet<String>,
    acts: Vec<Act>,
    writes: Vec<(Instant, String)>,
    /// Projects that were paused, or failed, by nobody's wish: since when, and which of both.
    outside: BTreeMap<String, (Instant, &'static str)>,
    /// Projects that the operator has paused.
    paused: BTreeMap<String, OwnPause>,
    /// The word by which a project was resumed last.
    obeyed: BTreeMap<String, Value>,
    /// When somebody last did something to a project in the console.
    touched: BTreeMap<String, Instant>,
}

/// A pause of the operator's own.
struct OwnPause {
    /// In which of its lives.
    life: u64,
    /// Whether a status tells that it was asked for.
    recorded: bool,
    /// The UID of the resource that asked for it.
    by: Option<String>,
}

impl State {
    /// Somebody has put a project into a status in the console.
    fn put_outside(&mut self, id: &str, status: &'static str) {
        if matches!(status, "SUSPEND" | "FAILED") {
            let now = Instant::now();
            self.outside.insert(id.to_owned(), (now, status));
        } else {
            self.outside.remove(id);
        }
    }

    /// `kubectl replace` of this object: without its annotations it is as if they had never been there.
    fn replaced(&mut self, object: &Value) {
        let Some(uid) = uid_of(object) else {
            return;
        };
        let (status, reservation) = (&object["status"], reservation_of(object));
        let told = !status["projectId"].is_null()
            || reservation.is_none_or(|it| it["attempt"] == status["create"]["attempt"]);
        let by = self.reserved.iter().rev().find(|one| one.uid == uid);
        if !told && by.is_none_or(|by| by.life != self.ended) {
            self.restored.remove(&uid);
            self.stripped.insert(uid, Instant::now());
        }
    }

    /// Whether nothing has told of a project since somebody has stripped its resource.
    fn is_out_of_sight(&self, made: &Made) -> bool {
        let stripped = made.uid.as_ref().and_then(|uid| self.stripped.get(uid));
        stripped.is_some_and(|at| made.at <= *at)
    }
}

/// The witness. Clones are handles on the same one.
#[derive(Clone)]
pub struct Witness {
    state: Arc<Mutex<State>>,
    cluster: Cluster,
}

impl Witness {
    /// Watches what happens in `cluster`, and in these OMSes.
    pub fn new(cluster: Cluster, omses: Vec<Oms>) -> Self {
        let state = State {
            omses,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            cluster,
        }
    }

    /// How many mutations OMS has worked on.
    pub fn mutations(&self) -> u64 {
        self.state.lock().mutations
    }

    /// What must not have been.
    pub fn broken(&self) -> Vec<String> {
        self.state.lock().broken.iter().cloned().collect()
    }

    /// What must not be.
    pub fn break_(&self, what: impl Into<String>) {
        self.state.lock().broken.insert(what.into());
    }

    /// Every project that was made.
    pub fn made(&self) -> Vec<Made> {
        self.state.lock().made.clone()
    }

    /// What users did.
    pub fn acts(&self) -> Vec<Act> {
        self.state.lock().acts.clone()
    }

    /// How many attempts to create were begun for the resource with this UID of which it was not found out that
    /// OMS did nothing. A process that is cut before the call leaves one behind.
    pub fn open_attempts(&self, uid: &str) -> usize {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let refused: Vec<&Value> = changes
            .iter()
            .filter(|change| uid_of(&change.object).as_deref() == Some(uid))
            .map(|change| &change.object["status"]["create"])
            .filter(|create| create["outcome"] == "NotDone")
            .map(|create| &create["attempt"])
            .collect();
        let state = self.state.lock();
        let begun = state.reserved.iter().filter(|one| one.uid == uid);
        let open = begun.filter(|one| !refused.contains(&&one.attempt));
        open.map(|one| one.attempt.to_string())
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Whether a user has rid the resource that a project was made for of the only trace of that: `kubectl replace`
    /// takes annotations away, and the process that had made the attempt was gone (docs/safety.md, what remains).
    pub fn is_out_of_sight(&self, made: &Made) -> bool {
        self.state.lock().is_out_of_sight(made)
    }

    /// Whether the resource with this UID came from a copy that was reserved.
    pub fn is_restored(&self, uid: &str) -> bool {
        self.state.lock().restored.contains(uid)
    }

    /// The finalizers of a resource are taken off by hand.
    pub fn force(&self, resource: &Value) {
        self.state.lock().forced.extend(uid_of(resource));
    }

    /// Whether its finalizers were taken off by hand.
    pub fn is_forced(&self, uid: &str) -> bool {
        self.state.lock().forced.contains(uid)
    }

    /// What was said of the resource with this UID in Events: reason and note.
    pub fn said(&self, uid: &str) -> Vec<(String, String)> {
        let state = self.state.lock();
        let about = state.said.iter().filter(|(about, ..)| about == uid);
        about
            .map(|(_, reason, note)| (reason.clone(), note.clone()))
            .collect()
    }

    /// The writes of the operator since then, Events left out.
    pub fn writes_since(&self, then: Instant) -> Vec<String> {
        let state = self.state.lock();
        let later = state.writes.iter().filter(|(at, _)| *at >= then);
        later.map(|(_, what)| what.clone()).collect()
    }

    /// The process has ended in an orderly way.
    pub fn ended(&self) {
        let mut state = self.state.lock();
        // Who has waited for its whole time-out has not been cut off.
        let given_up = TIMEOUTS.mutation;
        if state.under_way.values().any(|at| at.elapsed() < given_up) {
            state
                .broken
                .insert("a change of OMS was under way when the process ended".to_owned());
        }
        state.ended += 1;
    }

    /// The process was cut: nobody waits for what is under way.
    pub fn cut(&self) {
        let mut state = self.state.lock();
        state.under_way.clear();
        state.ended += 1;
    }

    /// Somebody did something.
    pub fn acted(&self, act: &Act) {
        let mut state = self.state.lock();
        state.acts.push(act.clone());
        let found = |name: &str| {
            let id = crate::acts::id(Kind::MigrationProject, name);
            self.cluster.get(&id)
        };
        let forced = match act {
            // Without its finalizer, one that is being deleted is gone.
            Act::Replace(manifest) => {
                found(manifest.resource).filter(|it| !it["metadata"]["deletionTimestamp"].is_null())
            }
            // And so is one that is deleted before its finalizer is put back.
            Act::Delete(name) => found(name).filter(|it| self.may_be_unheld(it)),
            _ => None,
        };
        state.forced.extend(forced.and_then(|it| uid_of(&it)));
        if *act == Act::DeleteNamespace {
            let (_, all) = self.cluster.list(Kind::MigrationProject);
            let unheld = all.iter().filter(|it| self.may_be_unheld(it));
            state.forced.extend(unheld.filter_map(|it| uid_of(it)));
        }
        if let Act::Replace(manifest) = act
            && let Some(replaced) = found(manifest.resource)
        {
            state.replaced(&replaced);
        }
    }

    /// Somebody made a project in the console, and has put it into a status.
    pub fn planted(&self, oms: usize, id: &str, name: &str, status: &'static str) {
        let mut state = self.state.lock();
        state.made.push(Made {
            id: id.to_owned(),
            name: name.to_owned(),
            uid: None,
            oms,
            at: Instant::now(),
        });
        state.put_outside(id, status);
    }

    /// Somebody puts a project into a status in the console.
    pub fn set_outside(&self, oms: &Oms, id: &str, status: &'static str) {
        let is = oms.project(id).map(|project| project.status);
        let mut state = self.state.lock();
        state.touched.insert(id.to_owned(), Instant::now());
        if is.is_ok_and(|is| is == status) {
            return;
        }
        state.put_outside(id, status);
    }

    /// A resource was made from a copy.
    pub fn restored(&self, made: &Value) {
        let Some(reservation) = reservation_of(made) else {
            return;
        };
        let same_name = reservation["name"] == made["metadata"]["name"];
        if let (true, Some(uid)) = (same_name, uid_of(made)) {
            self.state.lock().restored.insert(uid);
        }
    }

    /// Whether a resource is without its finalizer, and may be: it has not been for long enough to
    /// put it back.
    fn may_be_unheld(&self, resource: &Value) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let mut newest = changes
            .iter()
            .rev()
            .filter(|change| uid_of(&change.object) == uid_of(resource))
            .take_while(|change| !is_held(&change.object));
        let Some(last) = newest.next() else {
            return false;
        };
        let since = newest.last().unwrap_or(last);
        since.at.elapsed() <= since.lag + LONGEST_UNHELD
    }

    /// Whether a project was paused by somebody else, and nobody has resumed it since.
    pub fn is_paused_outside(&self, id: &str) -> bool {
        let state = self.state.lock();
        let paused = state.outside.get(id);
        paused.is_some_and(|(_, what)| *what == "SUSPEND")
    }

    /// Whether the operator has paused a project, and nothing has resumed it since.
    pub fn is_paused(&self, id: &str) -> bool {
        self.state.lock().paused.contains_key(id)
    }

    /// Whether a process that is no more has paused a project. One that ends before it
    /// sees that leaves nothing that tells its pause from another's (decision 0017).
    pub fn is_paused_by_an_earlier_life(&self, id: &str) -> bool {
        let state = self.state.lock();
        let paused = state.paused.get(id);
        paused.is_some_and(|pause| !pause.recorded && pause.life < state.ended)
    }

    /// Whether the operator has paused a project for another resource than the one with this UID.
    pub fn is_paused_for_another(&self, id: &str, uid: &str) -> bool {
        let state = self.state.lock();
        let by = state.paused.get(id).and_then(|pause| pause.by.as_deref());
        by.is_some_and(|by| by != uid)
    }

    /// Whether the connection leads, or is said to have led, to the OMS of that address.
    pub fn is_known_as(&self, url: Option<&str>) -> bool {
        let id = connection_id();
        let connection = self.cluster.get(&id).unwrap_or_default();
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let former = connection["spec"]["formerUrls"].as_array();
        let mut known = former
            .into_iter()
            .flatten()
            .chain([&connection["spec"]["url"]]);
        known.any(|one| one.as_str().map(bare) == url.map(bare))
    }
}

/// The UID of an object.
pub fn uid_of(object: &Value) -> Option<String> {
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

/// What a resource has reserved.
pub fn reservation_of(object: &Value) -> Option<Value> {
    let text = object["metadata"]["annotations"][RESERVATION].as_str()?;
    serde_json::from_str(text).ok()
}

fn is_held(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|one| one == FINALIZER))
}
