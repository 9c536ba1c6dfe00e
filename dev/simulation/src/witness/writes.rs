//! What may be written to Kubernetes, and said.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::{GRACE, Reserved, Witness, reservation_of, uid_of};
use crate::kubernetes::{self, Kind};

impl Witness {
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
            self.recorded_a_pause(&after["status"]);
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
            // Of one that was deleted by force and applied again at once: nothing tells them apart
            // once the name is reserved anew.
            || (tells
                && made.uid.as_ref().is_some_and(|uid| state.forced.contains(uid))
                && self.reserved_until(Instant::now(), &uid, &made))
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

    /// A pause of the operator's own that it has recorded as asked for is nobody else's any more,
    /// whichever life it was of.
    fn recorded_a_pause(&self, status: &Value) {
        let asked = status["pause"]["state"].as_str();
        if let (Some("Paused" | "Created"), Some(id)) = (asked, status["projectId"].as_str()) {
            let mut state = self.state.lock();
            if let Some(pause) = state.paused.get_mut(id) {
                pause.recorded = true;
            }
        }
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
