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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use oms_operator::oms::Action;
use oms_simulator::Oms;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use crate::acts::{Act, FINALIZER, RESERVATION, RETRY};
use crate::kubernetes::{self, Change, Cluster, Kind};
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
    /// When somebody last did something to a project in the console.
    touched: BTreeMap<String, Instant>,
}

impl State {
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

    /// Somebody made a project in the console.
    pub fn planted(&self, oms: usize, id: &str, name: &str) {
        self.state.lock().made.push(Made {
            id: id.to_owned(),
            name: name.to_owned(),
            uid: None,
            oms,
            at: Instant::now(),
        });
    }

    /// Somebody puts a project into a status in the console.
    pub fn set_outside(&self, oms: &Oms, id: &str, status: &'static str) {
        let is = oms.project(id).map(|project| project.status);
        let mut state = self.state.lock();
        state.touched.insert(id.to_owned(), Instant::now());
        if is.is_ok_and(|is| is == status) {
            return;
        }
        if matches!(status, "SUSPEND" | "FAILED") {
            let now = Instant::now();
            state.outside.insert(id.to_owned(), (now, status));
        } else {
            state.outside.remove(id);
        }
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

    /// The operator calls for a change of OMS.
    pub fn asked(&self, action: Action, body: &Bytes) -> Asked {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        if self.is_suspended() {
            self.break_(format!("{action} while the connection is suspended"));
        }
        let (project, uid) = match action {
            Action::CreateProject => {
                let name = text("name");
                let uid = self.reserved_for(&name);
                match &uid {
                    None => self.break_(format!("CreateProject {name} without a reservation")),
                    Some(uid) if self.is_restored(uid) => {
                        self.break_(format!("CreateProject {name} for a restored resource"));
                    }
                    Some(uid) if self.has_suspended(uid) => {
                        self.break_(format!("CreateProject {name} for a suspended resource"));
                    }
                    Some(_) => {}
                }
                (name, uid)
            }
            _ => {
                let id = text("id");
                if !self.may(action, &id) {
                    self.break_(format!("{action} of {id}, for which nothing asked"));
                }
                if action.as_str() == "ResumeProject" && !self.may_resume(&id) {
                    let words = "ResumeProject of what somebody else has paused, or has failed";
                    self.break_(format!("{words}: {id}"));
                }
                (id, None)
            }
        };
        let mut state = self.state.lock();
        state.asked += 1;
        let number = state.asked;
        state.under_way.insert(number, Instant::now());
        Asked {
            action,
            project,
            uid,
            number,
        }
    }

    /// A call for a change has not reached OMS.
    pub fn refused(&self, asked: &Asked) {
        self.state.lock().under_way.remove(&asked.number);
    }

    /// OMS has worked on a call for a change, or refused it.
    pub fn worked(&self, oms: usize, asked: Asked) {
        let mut state = self.state.lock();
        let call = state.omses[oms].calls().pop();
        state.under_way.remove(&asked.number);
        let Some(call) = call.filter(|call| call.worked) else {
            return;
        };
        state.mutations += 1;
        if asked.action != Action::CreateProject {
            state.outside.remove(&asked.project);
            let made = state.made.iter().find(|made| made.id == asked.project);
            if made.is_some_and(|made| made.oms != oms) {
                let Asked {
                    action, project, ..
                } = &asked;
                let words = format!("{action} of {project} in an OMS that is not its own");
                state.broken.insert(words);
            }
            return;
        }
        let id = call.project_id.unwrap_or_default();
        let earlier = state.made.iter().find(|made| {
            made.uid.is_some()
                && made.uid == asked.uid
                && state.omses[made.oms].project(&made.id).is_ok()
                && !state.is_out_of_sight(made)
        });
        if let Some(earlier) = earlier.cloned() {
            let Asked { uid, project, .. } = &asked;
            let uid = uid.as_deref().unwrap_or_default();
            let words = format!(
                "a second project {id} ({project}) beside {} for {uid}",
                earlier.id
            );
            state.broken.insert(words);
        }
        state.made.push(Made {
            id,
            name: asked.project,
            uid: asked.uid,
            oms,
            at: Instant::now(),
        });
    }

    /// The operator has written, or tried to.
    pub fn kubernetes(
        &self,
        asked: &kubernetes::Asked,
        before: Option<&Value>,
        after: Option<&Value>,
        status: StatusCode,
        body: &Bytes,
    ) {
        let writes = !matches!(asked.verb, "get" | "list");
        if writes
            && matches!(
                asked.id.kind,
                Kind::Secret | Kind::ConfigMap | Kind::Namespace
            )
        {
            self.break_(format!("{asked}, which it may not"));
        }
        if asked.id.kind == Kind::Event {
            let event: Value = serde_json::from_slice(body).unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            // What is told in the operator's own namespace is about the related one.
            let about = match event["related"]["uid"].as_str() {
                Some(_) => &event["related"],
                None => &event["regarding"],
            };
            let (uid, reason) = (text(&about["uid"]), text(&event["reason"]));
            let note = text(&event["note"]);
            self.told(&reason, &note);
            self.state.lock().said.push((uid, reason, note));
            return;
        }
        if !writes || !status.is_success() {
            return;
        }
        let what = format!("{asked}{}", fields(before, after));
        self.state.lock().writes.push((Instant::now(), what));
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        if before["spec"] != after["spec"] {
            self.break_(format!("{asked} changes the spec"));
        }
        // The id is written until a reply carries it: that may be once too often.
        let writes_id = body.starts_with(b"[");
        if asked.status && before["status"] == after["status"] && !writes_id {
            self.break_(format!("{asked} changes nothing"));
        }
        if asked.id.kind == Kind::MigrationProject {
            self.recorded(before, after);
            let reservation = reservation_of(after);
            if reservation.is_some() && reservation != reservation_of(before) {
                let mut state = self.state.lock();
                let life = state.ended;
                let attempt = reservation.unwrap_or_default()["attempt"].clone();
                let uid = uid_of(after);
                state
                    .reserved
                    .extend(uid.map(|uid| Reserved { uid, attempt, life }));
            }
        }
    }

    /// Whether a project may be resumed that somebody has paused, or that has failed; any other may.
    fn may_resume(&self, id: &str) -> bool {
        let Some((since, what)) = self.state.lock().outside.get(id).copied() else {
            return true;
        };
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let word = |object: &Value| object["metadata"]["annotations"][RETRY].clone();
        let holds = |object: &Value| object["status"]["projectId"].as_str() == Some(id);
        let held = || changes.iter().filter(|change| holds(&change.object));
        // What stood shortly before counts: it may have been read then.
        let lately = |change: &&Change| change.at + GRACE >= since;
        let before = held().rev().find(|change| !lately(change));
        let before = before.map(|change| word(&change.object));
        let mut recent = held().filter(lately).chain(held().next_back());
        recent.any(|change| {
            let spec = &change.object["spec"];
            let state = spec["state"].as_str().unwrap_or("Running");
            let retries = spec["retry"]["maxAttempts"].as_u64().unwrap_or_default();
            let wished = match what {
                "SUSPEND" => state != "Running" || spec["onExternalPause"] == "Resume",
                _ => retries > 0,
            };
            let asked = word(&change.object);
            wished || (!asked.is_null() && before.as_ref() != Some(&asked))
        })
    }

    fn recorded(&self, before: &Value, after: &Value) {
        if after["status"]["gone"] == true && before["status"]["gone"] != true {
            self.called_gone(after);
        }
        let id = after["status"]["projectId"].as_str();
        if id.is_none() || before["status"]["projectId"].as_str() == id {
            return;
        }
        let (id, uid) = (id.unwrap_or_default(), uid_of(after).unwrap_or_default());
        let adopt = &after["spec"]["adopt"];
        let state = self.state.lock();
        let made = state.made.iter().find(|made| made.id == id).cloned();
        let Some(made) = made else {
            drop(state);
            return self.break_(format!("{id} is recorded and was never made"));
        };
        let namesakes = state.omses[made.oms].projects_named(&made.name);
        let living = namesakes
            .iter()
            .filter(|one| one.status != "RELEASED")
            .count();
        // It is looked for under the name that was reserved.
        let tells = after["status"]["projectName"] == *made.name;
        let rightful = made.uid.as_deref() == Some(uid.as_str())
            || adopt["projectId"].as_str() == Some(id)
            || (adopt["byName"] == true && living <= 1)
            || (tells && state.restored.contains(&uid))
            // Of one that was deleted by force and applied again at once: nothing tells them apart.
            || (tells && made.uid.as_ref().is_some_and(|uid| state.forced.contains(uid)))
            // Under the name of an open attempt nobody else makes a project: nothing would
            // tell the two apart (docs/safety.md, what is assumed of OMS, 6).
            || (made.uid.is_none() && self.had_reserved(&uid, &made));
        drop(state);
        if !rightful {
            self.break_(format!(
                "{id} is recorded by {uid}, and was made for {:?}",
                made.uid
            ));
        }
        let (_, all) = self.cluster.list(Kind::MigrationProject);
        let holders = all.iter().map(|one| &one["status"]["projectId"]);
        if holders.filter(|held| held.as_str() == Some(id)).count() > 1 {
            self.break_(format!("{id} is recorded by two"));
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

    /// Whether a project was paused by somebody else, and nobody has resumed it since; or was so
    /// when it was made.
    pub fn is_paused_outside(&self, id: &str) -> bool {
        let state = self.state.lock();
        let paused = state.outside.get(id);
        paused.is_some_and(|(_, what)| *what == "SUSPEND")
            || state
                .made
                .iter()
                .any(|made| made.id == id && made.uid.is_none())
    }

    /// Whether the connection leads, or is said to have led, to the OMS of that address.
    pub fn is_known_as(&self, url: Option<&str>) -> bool {
        let id = crate::acts::id(Kind::OMSConnection, "oms");
        let connection = self.cluster.get(&id).unwrap_or_default();
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let former = connection["spec"]["formerUrls"].as_array();
        let mut known = former
            .into_iter()
            .flatten()
            .chain([&connection["spec"]["url"]]);
        known.any(|one| one.as_str().map(bare) == url.map(bare))
    }

    /// What is said of a project's end has to be so.
    fn told(&self, reason: &str, note: &str) {
        let ends: &[&str] = match reason {
            "ProjectDeleted" => &["DELETED"],
            "ProjectReleased" => &["RELEASING", "RELEASED", "DELETED"],
            _ => return,
        };
        let state = self.state.lock();
        let about = state.made.iter().find(|made| note.contains(&made.id));
        // What somebody has just changed may have been seen before that.
        let touched = about.and_then(|made| state.touched.get(&made.id));
        if touched.is_some_and(|at| at.elapsed() <= GRACE) {
            return;
        }
        let is = about.and_then(|made| state.omses[made.oms].project(&made.id).ok());
        drop(state);
        if let Some(is) = is.filter(|is| !ends.contains(&is.status.as_str())) {
            self.break_(format!(
                "{reason} is said of {}, which is {}",
                is.id, is.status
            ));
        }
    }

    fn called_gone(&self, resource: &Value) {
        let id = resource["status"]["projectId"].as_str().unwrap_or_default();
        let state = self.state.lock();
        let made = state.made.iter().find(|made| made.id == id);
        let there = made.and_then(|made| state.omses[made.oms].project(id).ok());
        let is_there = there.is_some_and(|project| project.status != "DELETED");
        drop(state);
        if is_there {
            self.break_(format!("{id} is called gone, and is there"));
        }
    }

    /// Whether the connection is suspended, and the watch has told so.
    fn is_suspended(&self) -> bool {
        let changes = self.cluster.changes(Kind::OMSConnection, 0);
        let stands = |change: &&Change| change.object["spec"]["suspend"] == true;
        let since = changes.iter().rev().take_while(stands).last();
        since.is_some_and(|change| change.at.elapsed() > change.lag + GRACE)
    }

    /// Whether a resource is suspended, and the watch has told so.
    fn has_suspended(&self, uid: &str) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let of = |change: &&Change| uid_of(&change.object).as_deref() == Some(uid);
        let stands = |change: &&Change| change.object["spec"]["suspend"] == true;
        let since = changes.iter().rev().filter(of).take_while(stands).last();
        since.is_some_and(|change| change.at.elapsed() > change.lag + GRACE)
    }

    /// The resource on which a reservation for `name` stands, or has just stood.
    fn reserved_for(&self, name: &str) -> Option<String> {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let mut recent = changes.iter().rev();
        let found = recent.find(|change| {
            let Some(reservation) = reservation_of(&change.object) else {
                return false;
            };
            let own = reservation["uid"].as_str().map(str::to_owned) == uid_of(&change.object);
            let held = kubernetes::finalizers(&change.object).contains(&FINALIZER);
            let unrecorded = change.object["status"]["projectId"].is_null();
            own && held
                && unrecorded
                && reservation["projectName"] == name
                && change.at.elapsed() <= GRACE
        })?;
        uid_of(&found.object)
    }

    /// Whether a resource had reserved the name of a project when that was made.
    pub fn had_reserved(&self, uid: &str, made: &Made) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let mut earlier = changes.iter().filter(|change| change.at <= made.at);
        earlier.any(|change| {
            uid_of(&change.object).as_deref() == Some(uid)
                && reservation_of(&change.object).is_some_and(|it| it["projectName"] == made.name)
        })
    }

    /// Whether a resource asks for this change of a project, or has just asked.
    fn may(&self, action: Action, id: &str) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let holds = |object: &Value| object["status"]["projectId"].as_str() == Some(id);
        let now = Instant::now();
        let mut until: BTreeMap<Option<String>, Instant> = BTreeMap::new();
        for change in changes.iter().rev() {
            // A version stands until the next of the same object.
            let uid = uid_of(&change.object);
            let end = until.insert(uid, change.at).unwrap_or(now);
            let stands = change.event != "DELETED" && now.duration_since(end) <= GRACE;
            if stands && holds(&change.object) && asks(&change.object, action) {
                return true;
            }
        }
        let recorded = changes.iter().any(|change| holds(&change.object));
        let state = self.state.lock();
        let made = state
            .made
            .iter()
            .find(|made| made.id == id && made.uid.is_some());
        let is_init = made
            .and_then(|made| state.omses[made.oms].project(id).ok())
            .is_some_and(|project| project.status == "INIT");
        action == Action::DeleteProject && !recorded && is_init
    }
}

/// Whether a spec asks for a change. The table of states is `decide`'s; here is
/// only what must never be.
fn asks(object: &Value, action: Action) -> bool {
    let spec = &object["spec"];
    let deleting = !object["metadata"]["deletionTimestamp"].is_null();
    let policy = spec["deletionPolicy"].as_str().unwrap_or("Retain");
    let state = spec["state"].as_str().unwrap_or("Running");
    if spec["suspend"] == true {
        return false;
    }
    match action.as_str() {
        "StartProject" => !deleting && state != "Created",
        "ResumeProject" => !deleting && state == "Running",
        "StopProject" => (!deleting && state == "Paused") || (deleting && policy != "Retain"),
        "ReleaseProject" => deleting && policy != "Retain",
        "DeleteProject" => deleting && policy == "Delete",
        _ => false,
    }
}

/// The fields of a status that a write has changed.
fn fields(before: Option<&Value>, after: Option<&Value>) -> String {
    let empty = Value::Null;
    let status = |object: Option<&Value>| object.map_or(&empty, |it| &it["status"]).clone();
    let (before, after) = (status(before), status(after));
    let names = [&before, &after].into_iter().filter_map(Value::as_object);
    let names: BTreeSet<&String> = names.flat_map(|fields| fields.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| before[*name] != after[*name]);
    changed.map(|name| format!(" {name}")).collect()
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
