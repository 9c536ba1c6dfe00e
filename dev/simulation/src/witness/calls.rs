//! Which changes of OMS may be called for.

use std::collections::BTreeMap;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oms_operator::oms::Action;
use serde_json::Value;
use tokio::time::Instant;

use super::{Asked, GRACE, Made, OwnPause, Witness, reservation_of, uid_of};
use crate::acts::{FINALIZER, RECREATE, RETRY};
use crate::kubernetes::{self, Change, Kind};
use crate::verdict::condition;

/// A change that is asked of a project so often ...
const OFTEN: usize = 8;

/// ... in so long is asked again and again without a wait: a back-off begins with two seconds
/// and doubles.
const SPAN: Duration = Duration::from_secs(30);

impl Witness {
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
                    Some(uid) if self.is_restored(uid) && !self.is_to_be_made_anew(uid) => {
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
        let now = Instant::now();
        let times = state.times.entry((action, project.clone())).or_default();
        times.retain(|at| now.duration_since(*at) < SPAN);
        times.push(now);
        if times.len() >= OFTEN {
            let often = format!("{OFTEN} times in {} s", SPAN.as_secs());
            state
                .broken
                .insert(format!("{action} of {project}, {often}"));
        }
        state.asked += 1;
        let number = state.asked;
        state.under_way.insert(number, now);
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
        let holder = self.holder_of(&asked.project);
        let word = holder.as_deref().map(word).unwrap_or_default();
        let mut state = self.state.lock();
        let call = state.omses[oms].calls().pop();
        state.under_way.remove(&asked.number);
        let Some(call) = call.filter(|call| call.worked) else {
            return;
        };
        state.mutations += 1;
        if asked.action != Action::CreateProject {
            state.outside.remove(&asked.project);
            state.paused.remove(&asked.project);
            if asked.action == Action::ResumeProject {
                state.obeyed.insert(asked.project.clone(), word);
            }
            if asked.action == Action::StopProject {
                let life = state.ended;
                let pause = OwnPause {
                    life,
                    recorded: false,
                    by: holder.as_deref().and_then(uid_of),
                };
                state.paused.insert(asked.project.clone(), pause);
            }
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
        let uid = asked.uid.as_deref().unwrap_or_default();
        if let Some(earlier) = earlier.cloned().filter(|it| !self.is_disowned(it, uid)) {
            let project = &asked.project;
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

    /// Whether a project may be resumed that somebody has paused, or that has failed; any other may.
    fn may_resume(&self, id: &str) -> bool {
        let Some((since, what)) = self.state.lock().outside.get(id).copied() else {
            return true;
        };
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        // Given while OMS could not be asked, and so before the pause: it counts once.
        let obeyed = self.state.lock().obeyed.get(id).cloned();
        let is_open = |object: &Value| {
            let asked = word(object);
            object["status"]["lastHandledRetry"] != asked && obeyed.as_ref() != Some(&asked)
        };
        let holds = |object: &Value| object["status"]["projectId"].as_str() == Some(id);
        let held = || changes.iter().filter(|change| holds(&change.object));
        // What stood shortly before counts: it may have been read then.
        let lately = |change: &&Change| change.at + GRACE >= since;
        let before = held().rev().find(|change| !lately(change));
        let was_open = before.is_some_and(|change| is_open(&change.object));
        let before = before.map(|change| word(&change.object));
        // What stood when another one's project was recorded was not given for that.
        let first = held().next();
        let is_older = |change: &&Change| {
            let uid = uid_of(&change.object);
            !self
                .made()
                .iter()
                .any(|made| made.id == id && made.uid == uid)
        };
        let at_first = first.filter(is_older).map(|change| word(&change.object));
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
            let new =
                (was_open || before.as_ref() != Some(&asked)) && at_first.as_ref() != Some(&asked);
            wished || (!asked.is_null() && new)
        })
    }

    /// The resource that has recorded a project.
    fn holder_of(&self, id: &str) -> Option<Arc<Value>> {
        let (_, all) = self.cluster.list(Kind::MigrationProject);
        let of = |one: &Arc<Value>| one["status"]["projectId"].as_str() == Some(id);
        all.into_iter().find(of)
    }

    /// Whether a user has said that a project is not the resource's, when it asked: by a word to
    /// try again that came after the question.
    pub fn is_disowned(&self, made: &Made, uid: &str) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let versions = changes.iter().map(|change| &*change.object);
        let own = versions.filter(|version| uid_of(version).as_deref() == Some(uid));
        is_answered(own, &made.id)
    }

    /// Whether a user has said so to the question that the last attempt of a resource has raised.
    pub fn has_answered(&self, resource: &Value, id: &str) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let versions = changes.iter().map(|change| &*change.object);
        let of_attempt = versions.filter(|version| {
            uid_of(version) == uid_of(resource)
                && version["status"]["create"]["at"] == resource["status"]["create"]["at"]
        });
        is_answered(of_attempt, id)
    }

    /// Whether the annotation of a resource asks for another project in the place of one there was.
    fn is_to_be_made_anew(&self, uid: &str) -> bool {
        let (_, all) = self.cluster.list(Kind::MigrationProject);
        let found = all.iter().find(|one| uid_of(one).as_deref() == Some(uid));
        let asked = found.and_then(|it| it["metadata"]["annotations"][RECREATE].as_str());
        asked.is_some_and(|id| self.made().iter().any(|made| made.id == id))
    }

    /// Whether the connection is suspended, and the watch has told so.
    fn is_suspended(&self) -> bool {
        let changes = self.cluster.changes(Kind::OMSConnection, 0);
        let stands = |change: &&Change| change.object["spec"]["suspend"] == true;
        let since = changes.iter().rev().take_while(stands).last();
        let known = since.and_then(|change| self.cluster.known_since(change, Kind::OMSConnection));
        known.is_some_and(|since| since.elapsed() > GRACE)
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
        self.reserved_until(made.at, uid, made)
    }

    /// Whether a resource had reserved the name of a project by then.
    pub fn reserved_until(&self, then: Instant, uid: &str, made: &Made) -> bool {
        let changes = self.cluster.changes(Kind::MigrationProject, 0);
        let mut earlier = changes.iter().filter(|change| change.at <= then);
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

/// Whether these versions of a resource ask whose a project is, and have a word to try again since.
fn is_answered<'a>(versions: impl Iterator<Item = &'a Value>, id: &str) -> bool {
    let mut since_asked = versions.skip_while(|version| !asks_whose(version, id));
    let asked_with = since_asked.next().map(word);
    since_asked.any(|version| !word(version).is_null() && Some(word(version)) != asked_with)
}

/// Whether a resource waits for a human to say whose a project is, and a word to try again says so.
fn asks_whose(resource: &Value, id: &str) -> bool {
    condition(resource, "Stalled").is_some_and(|it| {
        let message = it["message"].as_str().unwrap_or_default();
        it["reason"] == "CreateAmbiguous" && message.contains(id) && message.contains(RETRY)
    })
}

/// The word by which its annotation asks for another attempt.
fn word(resource: &Value) -> Value {
    resource["metadata"]["annotations"][RETRY].clone()
}
