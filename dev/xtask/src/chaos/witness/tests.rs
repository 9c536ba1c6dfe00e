//! The witness sees what it is there to see: a life in which nothing is wrong, and the same with one thing wrong.

use jiff::Timestamp;
use oms_harness::Write;
use oms_simulator::{Call, Oms, Outcome, ProjectView};
use serde_json::{Value, json};

use super::Witness;
use crate::chaos::chronicle::{Chronicle, FINALIZER, RESERVATION};
use crate::chaos::console::Console;
use crate::chaos::score::Score;
use crate::chaos::told::Told;

const ID: &str = "np_1";

/// A time: what happens at one minute is not what stood at another.
fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

/// All that the witness is given.
struct Story {
    chronicle: Chronicle,
    calls: Vec<Call>,
    projects: Vec<ProjectView>,
    console: Console,
    told: Told,
    revision: u64,
}

impl Story {
    fn new() -> Story {
        Story {
            chronicle: Chronicle::default(),
            calls: Vec::new(),
            projects: Vec::new(),
            console: Console::default(),
            told: Told::saying(&[]),
            revision: 0,
        }
    }

    /// A version of the resource with this UID, or its end.
    fn write(&mut self, at: i64, uid: &str, more: Option<Value>) {
        self.store(at, "migrationprojects", more.map(|more| object(uid, &more)));
    }

    fn store(&mut self, at: i64, resource: &str, object: Option<Value>) {
        self.revision += 1;
        let key = format!("/registry/oms.oceanbase.com/{resource}/shop/orders");
        let write = Write {
            revision: self.revision,
            key,
            object,
        };
        self.chronicle.take(write, minute(at));
    }

    fn call(&mut self, at: i64, action: &str, id: &str) {
        self.calls.push(Call {
            number: self.calls.len() as u64 + 1,
            action: action.to_owned(),
            time: minute(at),
            project_id: Some(id.to_owned()),
            project_name: Some("shop.orders".to_owned()),
            search_key: None,
            page_number: None,
            user: None,
            worked: true,
            outcome: Outcome::Success,
            request_id: None,
        });
    }

    fn project(&mut self, id: &str, status: &str) {
        self.projects.push(ProjectView {
            id: id.to_owned(),
            name: "shop.orders".to_owned(),
            status: status.to_owned(),
            body: Oms::example_body("shop.orders"),
            created: minute(0),
            requests: Default::default(),
        });
    }

    /// Reserved, created, recorded.
    fn made(&mut self, more: &Value) {
        self.write(1, "u", Some(more.clone()));
        self.call(1, "CreateProject", ID);
        self.write(
            1,
            "u",
            Some(with(more, &json!({"status": {"projectId": ID}}))),
        );
    }

    /// The same, and deleted under this policy.
    fn deleted(&mut self, policy: &str) {
        let spec = json!({"spec": {"deletionPolicy": policy}});
        self.made(&spec);
        let deleting = json!({
            "metadata": {"deletionTimestamp": "2026-11-24T00:00:00Z"}, "status": {"projectId": ID},
        });
        self.write(3, "u", Some(with(&spec, &deleting)));
        self.write(5, "u", None);
    }

    fn wrong(&self) -> Vec<String> {
        let witness = Witness {
            chronicle: &self.chronicle,
            calls: &self.calls,
            projects: &self.projects,
            console: &self.console,
            told: &self.told,
        };
        witness.judge(&Score::default())
    }

    fn is_wrong(&self, why: &str) {
        let wrong = self.wrong();
        assert!(wrong.len() == 1 && wrong[0].contains(why), "{wrong:#?}");
    }

    fn is_right(&self) {
        assert_eq!(self.wrong(), [""; 0]);
    }
}

fn with(base: &Value, more: &Value) -> Value {
    let mut all = base.clone();
    json_patch::merge(&mut all, more);
    all
}

/// A resource that is held and has reserved its name.
fn object(uid: &str, more: &Value) -> Value {
    let reservation = json!({"uid": uid, "projectName": "shop.orders"}).to_string();
    let base = json!({
        "metadata": {
            "uid": uid, "finalizers": [FINALIZER], "annotations": {RESERVATION: reservation},
        },
        "spec": {}, "status": {},
    });
    with(&base, more)
}

#[test]
fn a_life_in_which_nothing_is_wrong() {
    let mut story = Story::new();
    let recorded = json!({"status": {"projectId": ID}});
    story.made(&json!({}));
    story.call(2, "StartProject", ID);
    story.write(
        3,
        "u",
        Some(with(&recorded, &json!({"spec": {"state": "Paused"}}))),
    );
    story.call(4, "StopProject", ID);
    story.write(5, "u", Some(recorded));
    story.call(6, "ResumeProject", ID);
    story.project(ID, "RUNNING");
    story.is_right();
}

#[test]
fn a_create_needs_a_reservation_of_a_resource_that_stays_and_is_not_suspended() {
    let why = "CreateProject shop.orders";
    let unreserved = json!({"metadata": {"annotations": {RESERVATION: null}}});
    let stripped = json!({"metadata": {"finalizers": null}});
    let suspended = json!({"spec": {"suspend": true}});
    let deleting = json!({"metadata": {"deletionTimestamp": "2026-11-24T00:00:00Z"}});
    for broken in [unreserved, stripped, suspended, deleting] {
        let mut story = Story::new();
        story.made(&broken);
        story.project(ID, "INIT");
        story.is_wrong(why);
    }
    let mut story = Story::new();
    story.store(
        0,
        "omsconnections",
        Some(json!({"spec": {"suspend": true}})),
    );
    story.made(&json!({}));
    story.project(ID, "INIT");
    story.is_wrong(why);
}

#[test]
fn a_change_needs_a_wish_that_stands() {
    let paused = json!({"spec": {"state": "Paused"}});
    let suspended = json!({"spec": {"suspend": true}});
    let rows = [
        (json!({}), "StopProject"),
        (json!({}), "ResumeProject"),
        (json!({}), "ReleaseProject"),
        (json!({}), "DeleteProject"),
        (
            json!({"spec": {"deletionPolicy": "Delete"}}),
            "DeleteProject",
        ),
        (paused.clone(), "StartProject"),
        (paused, "ResumeProject"),
        (suspended, "StartProject"),
    ];
    for (more, action) in rows {
        let mut story = Story::new();
        story.made(&json!({}));
        story.write(
            2,
            "u",
            Some(with(&more, &json!({"status": {"projectId": ID}}))),
        );
        story.call(4, action, ID);
        story.project(ID, "INIT");
        story.is_wrong(&format!("{action} of {ID}"));
    }
    let mut story = Story::new();
    story.made(&json!({}));
    story.store(
        2,
        "omsconnections",
        Some(json!({"spec": {"suspend": true}})),
    );
    story.call(4, "StartProject", ID);
    story.project(ID, "RUNNING");
    story.is_wrong("StartProject");
}

#[test]
fn a_pause_may_be_ended_where_the_spec_or_a_human_lets_it() {
    for lets in [
        json!({"spec": {"onExternalPause": "Resume"}}),
        json!({"spec": {"retry": {"maxAttempts": 1}}}),
        json!({"metadata": {"annotations": {"oms.oceanbase.com/retry": "now"}}}),
    ] {
        let mut story = Story::new();
        story.made(&lets);
        story.call(3, "ResumeProject", ID);
        story.project(ID, "RUNNING");
        story.is_right();
    }
}

#[test]
fn each_policy_is_carried_out_or_its_user_is_told() {
    let rows: [(&str, &[&str], Option<&str>, bool); 8] = [
        ("Retain", &[], Some("RUNNING"), true),
        (
            "Release",
            &["StopProject", "ReleaseProject"],
            Some("RELEASED"),
            true,
        ),
        ("Release", &[], Some("RUNNING"), false),
        ("Release", &["ReleaseProject"], Some("RELEASING"), false),
        ("Delete", &["ReleaseProject", "DeleteProject"], None, true),
        ("Delete", &["ReleaseProject"], Some("RELEASED"), false),
        ("Delete", &[], Some("INIT"), false),
        ("Delete", &["DeleteProject"], Some("INIT"), false),
    ];
    for (policy, actions, left, right) in rows {
        let mut story = Story::new();
        story.deleted(policy);
        for action in actions {
            story.call(4, action, ID);
        }
        if let Some(status) = left {
            story.project(ID, status);
        }
        if right {
            story.is_right();
            continue;
        }
        story.is_wrong("nobody was told");
        story.told = Told::saying(&["LeftInOms: project np_1 stays in OMS"]);
        story.is_right();
    }
    let mut story = Story::new();
    story.deleted("Retain");
    story.call(4, "ReleaseProject", ID);
    story.project(ID, "RELEASED");
    story.is_wrong("ReleaseProject");
}

#[test]
fn a_second_project_is_told_of_or_taken_away() {
    let mut story = Story::new();
    story.made(&json!({}));
    story.call(1, "CreateProject", "np_2");
    story.project(ID, "INIT");
    story.project("np_2", "INIT");
    let mut untold = story.wrong();
    untold.sort();
    let [lost, second] = &untold[..] else {
        panic!("{untold:#?}");
    };
    assert!(lost.contains("np_2 (shop.orders)") && lost.contains("is lost"));
    assert!(second.contains("second project"), "{second}");

    story.call(2, "DeleteProject", "np_2");
    story.projects.pop();
    story.is_right();

    // But not where it is the only one.
    let mut story = Story::new();
    story.write(1, "u", Some(json!({})));
    story.call(1, "CreateProject", "np_2");
    story.call(2, "DeleteProject", "np_2");
    story.is_wrong("DeleteProject of np_2");
}

#[test]
fn an_id_is_recorded_once_and_by_one() {
    let mut story = Story::new();
    story.made(&json!({}));
    story.write(2, "u", Some(json!({"status": {"projectId": "np_2"}})));
    story.project(ID, "INIT");
    story.project("np_2", "INIT");
    story.is_wrong("has recorded np_2 after np_1");

    let mut story = Story::new();
    story.made(&json!({}));
    story.write(2, "other", Some(json!({"status": {"projectId": ID}})));
    story.write(3, "u", Some(json!({"status": {"projectId": ID}})));
    story.project(ID, "INIT");
    story.is_wrong("at one time");
}

#[test]
fn what_is_there_has_an_owner_and_what_is_gone_was_taken_away() {
    let mut story = Story::new();
    story.write(1, "u", Some(json!({})));
    story.call(1, "CreateProject", ID);
    story.project(ID, "INIT");
    story.is_wrong("is lost");
    story.told = Told::saying(&["CreateUnknown: np_1 may be it"]);
    story.is_right();

    let mut story = Story::new();
    story.made(&json!({}));
    story.is_wrong("nobody took it away");
}
