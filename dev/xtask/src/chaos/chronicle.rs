//! Every version of every resource, in the order in which etcd has stored them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_harness::{History, Write};
use parking_lot::Mutex;
use serde_json::Value;

/// The finalizer and the reservation, as documented.
pub const FINALIZER: &str = "oms.oceanbase.com/finalizer";
/// See [`FINALIZER`].
pub const RESERVATION: &str = "oms.oceanbase.com/create-reservation";

/// The annotation by which a human asks to try again.
const WORD: &str = "oms.oceanbase.com/retry";

/// What of a version matters.
#[derive(Clone, Debug)]
pub struct Version {
    /// When it was written, or little later.
    pub at: Timestamp,
    /// Its number in etcd.
    pub revision: u64,
    /// Whether deletion was asked for.
    pub deleting: bool,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.state`.
    pub state: String,
    /// `spec.deletionPolicy`.
    pub policy: String,
    /// Whether anything here lets a project be resumed that somebody has paused, or that has failed:
    /// `spec.onExternalPause`, `spec.retry`, or the word of a human.
    pub may_resume: bool,
    /// Whether the operator holds it by its finalizer.
    pub held: bool,
    /// `status.projectId`.
    pub project: Option<String>,
    /// `status.gone`.
    pub gone: bool,
    /// The project name of a reservation that is this resource's own and is held by the finalizer.
    pub reserved: Option<String>,
    /// What the conditions say, in short.
    pub says: String,
}

impl Version {
    fn of(object: &Value, revision: u64, at: Timestamp) -> Version {
        let (spec, status) = (&object["spec"], &object["status"]);
        let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        let meta = &object["metadata"];
        let held = meta["finalizers"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == FINALIZER));
        let reservation = meta["annotations"][RESERVATION].as_str();
        let reservation: Option<Value> =
            reservation.and_then(|text| serde_json::from_str(text).ok());
        let own = reservation.filter(|it| held && it["uid"] == meta["uid"]);
        Version {
            at,
            revision,
            deleting: !meta["deletionTimestamp"].is_null(),
            suspended: spec["suspend"] == true,
            state: text(&spec["state"], "Running"),
            policy: text(&spec["deletionPolicy"], "Retain"),
            may_resume: spec["onExternalPause"] == "Resume"
                || spec["retry"]["maxAttempts"].as_i64() > Some(0)
                || meta["annotations"][WORD].is_string(),
            held,
            project: status["projectId"].as_str().map(str::to_owned),
            gone: status["gone"] == true,
            reserved: own.and_then(|it| it["projectName"].as_str().map(str::to_owned)),
            says: says(object),
        }
    }
}

/// The life of one resource.
#[derive(Clone, Debug)]
pub struct Life {
    /// `namespace/name`.
    pub name: String,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// When it went.
    pub ended: Option<Timestamp>,
}

impl Life {
    /// Where it is.
    pub fn namespace(&self) -> &str {
        self.name
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }

    /// Its versions that stood at some time in between.
    pub fn standing(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Version> {
        let ends = self.versions.iter().skip(1).map(|next| Some(next.at));
        let ends = ends.chain([self.ended]);
        self.versions
            .iter()
            .zip(ends)
            .filter(move |(version, end)| version.at <= to && end.is_none_or(|end| end >= from))
            .map(|(version, _)| version)
    }

    /// The ids that it has ever recorded, in order.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for id in self
            .versions
            .iter()
            .filter_map(|version| version.project.as_deref())
        {
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

/// What is known of all of them.
#[derive(Default)]
pub struct Chronicle {
    /// By UID.
    pub lives: BTreeMap<String, Life>,
    /// By key in etcd: who lives there now.
    there: BTreeMap<String, String>,
    /// When each connection (by namespace) was suspended, and when not any more.
    pub suspended: BTreeMap<String, Vec<(Timestamp, bool)>>,
    /// Connections that were seen, by namespace and name.
    connections: Vec<(String, String)>,
}

impl Chronicle {
    /// Takes in a write.
    pub fn take(&mut self, write: Write, at: Timestamp) {
        let parts: Vec<&str> = write.key.split('/').collect();
        let [_, _, _, resource, namespace, name] = parts[..] else {
            return;
        };
        match resource {
            "migrationprojects" => self.project(&write, at, &format!("{namespace}/{name}")),
            "omsconnections" => {
                let suspended = write
                    .object
                    .is_some_and(|object| object["spec"]["suspend"] == true);
                let turns = self.suspended.entry(namespace.to_owned()).or_default();
                if turns.last().is_none_or(|(_, is)| *is != suspended) {
                    turns.push((at, suspended));
                }
                self.connections
                    .push((namespace.to_owned(), name.to_owned()));
            }
            _ => {}
        }
    }

    fn project(&mut self, write: &Write, at: Timestamp, name: &str) {
        let Some(object) = &write.object else {
            let uid = self.there.remove(&write.key);
            if let Some(life) = uid.and_then(|uid| self.lives.get_mut(&uid)) {
                life.ended = Some(at);
            }
            return;
        };
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        self.there.insert(write.key.clone(), uid.to_owned());
        let life = self.lives.entry(uid.to_owned()).or_insert_with(|| Life {
            name: name.to_owned(),
            versions: Vec::new(),
            ended: None,
        });
        life.versions.push(Version::of(object, write.revision, at));
    }

    /// Whether this connection was seen.
    pub fn has_connection(&self, namespace: &str, name: &str) -> bool {
        let mut all = self.connections.iter();
        all.any(|(where_, what)| where_ == namespace && what == name)
    }

    /// Who has recorded the id, at whatever time.
    pub fn holders<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a str, &'a Life)> {
        let all = self.lives.iter();
        let holds = |life: &Life| {
            life.versions
                .iter()
                .any(|version| version.project.as_deref() == Some(id))
        };
        all.filter(move |(_, life)| holds(life))
            .map(|(uid, life)| (uid.as_str(), life))
    }
}

/// Keeps the chronicle, as long as etcd lives.
pub async fn keep(mut history: History, chronicle: &Mutex<Chronicle>) -> anyhow::Result<()> {
    loop {
        let write = history.next().await?;
        chronicle.lock().take(write, Timestamp::now());
    }
}

/// `Ready=False/Starting`, and whether it has stalled.
fn says(object: &Value) -> String {
    let conditions = object["status"]["conditions"].as_array();
    let mut words = vec![
        object["status"]["projectStatus"]
            .as_str()
            .unwrap_or("-")
            .to_owned(),
    ];
    for kind in ["Ready", "Stalled"] {
        let found = conditions
            .into_iter()
            .flatten()
            .find(|it| it["type"] == kind);
        if let Some(it) = found {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            words.push(format!("{kind}={}/{}", text("status"), text("reason")));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn write(revision: u64, object: Option<Value>) -> Write {
        Write {
            revision,
            key: "/registry/oms.oceanbase.com/migrationprojects/shop/orders".to_owned(),
            object,
        }
    }

    fn object(uid: &str, id: Option<&str>) -> Option<Value> {
        Some(json!({
            "metadata": {"uid": uid, "finalizers": [FINALIZER], "annotations": {
                RESERVATION: json!({"uid": uid, "projectName": "shop.orders"}).to_string(),
            }},
            "status": {"projectId": id},
        }))
    }

    #[test]
    fn a_name_may_have_several_lives() {
        let mut chronicle = Chronicle::default();
        chronicle.take(write(1, object("a", None)), second(1));
        chronicle.take(write(2, object("a", Some("np_1"))), second(5));
        chronicle.take(write(3, None), second(9));
        chronicle.take(write(4, object("b", None)), second(10));
        assert_eq!(chronicle.lives["a"].ended, Some(second(9)));
        assert_eq!(chronicle.lives["a"].ids(), ["np_1"]);
        let holders: Vec<_> = chronicle.holders("np_1").map(|(uid, _)| uid).collect();
        assert_eq!(holders, ["a"]);
        let reserved = chronicle.lives["b"].versions[0].reserved.clone();
        assert_eq!(reserved.as_deref(), Some("shop.orders"));
    }

    #[test]
    fn a_version_stands_until_the_next_or_the_end() {
        let mut chronicle = Chronicle::default();
        chronicle.take(write(1, object("a", None)), second(1));
        chronicle.take(write(2, object("a", Some("np_1"))), second(5));
        chronicle.take(write(3, None), second(9));
        let standing = |from: i64, to: i64| -> Vec<u64> {
            let life = &chronicle.lives["a"];
            let all = life.standing(second(from), second(to));
            all.map(|version| version.revision).collect()
        };
        assert_eq!(standing(2, 3), [1]);
        assert_eq!(standing(4, 6), [1, 2]);
        assert_eq!(standing(6, 7), [2]);
        assert!(standing(10, 11).is_empty());
    }
}
