//! Projects from CreateProject to their end.

use oms_simulator::{Oms, StepError};
use serde_json::{Value, json};

use crate::support::{Core, secs, vendor_example};

const STATES: [&str; 9] = [
    "INIT",
    "RUNNING",
    "SUSPEND",
    "FAILED",
    "FINISHED",
    "RELEASING",
    "RELEASED",
    "RUNNING_MODIFYING",
    "DELETED",
];

fn full_only() -> Value {
    let mut body = Oms::example_body("full-only");
    body["enableIncrTransfer"] = json!(false);
    body["enableFullVerify"] = json!(true);
    body["fullTransferConfig"]["fullVerifySpeedMode"] = json!("FAST");
    body
}

#[test]
fn the_vendors_example_is_created_and_reads_back_as_it_was_sent() {
    let oms = Core::new();
    let id = oms.create(vendor_example());
    assert_eq!((id.len(), &id[..3]), (15, "np_"));
    let project = oms.data("DescribeProject", json!({"id": id}));
    assert_eq!(project["status"], "INIT");
    assert_eq!(project["gmtCreate"], "2025-01-01T00:00:00");
    assert_eq!(project["gmtStart"], Value::Null);
    assert_eq!(project["sourceEndpointType"], "MYSQL");
    assert_eq!(project["sinkConnectInfo"]["endpointId"], "e_4wfy2****");
    assert_eq!(project["labels"][0]["id"], "l_4w****wygjk");
    // What was set is left alone, and what nobody set is filled in.
    let sent = vendor_example();
    for section in [
        "transferMapping",
        "structTransferConfig",
        "fullTransferConfig",
        "incrTransferConfig",
    ] {
        assert_holds(section, &project[section], &sent[section]);
    }
    assert_eq!(project["commonTransferConfig"]["tableCategory"], "ALL");
    assert_eq!(
        project["transferMapping"]["databases"][0]["type"],
        "DATABASE"
    );
    assert_eq!(oms.0.project(&id).unwrap().body, sent);
}

/// All that `sent` sets stands in `shown`.
fn assert_holds(at: &str, shown: &Value, sent: &Value) {
    match (shown, sent) {
        (_, Value::Null) => {}
        (Value::Object(shown), Value::Object(sent)) => {
            for (key, value) in sent {
                assert_holds(&format!("{at}.{key}"), &shown[key], value);
            }
        }
        (Value::Array(shown), Value::Array(sent)) => {
            assert_eq!(shown.len(), sent.len(), "{at}");
            for (shown, sent) in shown.iter().zip(sent) {
                assert_holds(at, shown, sent);
            }
        }
        (shown, sent) => assert_eq!(shown, sent, "{at}"),
    }
}

#[test]
fn a_configuration_changed_in_the_console_is_shown_and_the_request_stays() {
    let oms = Core::new();
    let sent = Oms::example_body("shop");
    let id = oms.create(sent.clone());
    let before = oms.data("DescribeProject", json!({"id": id}));
    oms.0.clock().advance(secs(60));
    let patch = json!({
        "fullTransferConfig": {"fullTransferSpeedMode": "FAST", "throttleRps": 500},
        "enableFullVerify": true,
        "labelIds": ["l_4w****wygjk"],
    });
    oms.0.configure(&id, &patch).unwrap();
    let after = oms.data("DescribeProject", json!({"id": id}));
    assert_ne!(after["gmtModified"], before["gmtModified"]);
    assert_eq!(after["fullTransferConfig"]["fullTransferSpeedMode"], "FAST");
    assert_eq!(after["fullTransferConfig"]["throttleRps"], 500);
    assert_eq!(after["enableFullVerify"], true);
    assert_eq!(after["labels"][0]["id"], "l_4w****wygjk");
    assert_eq!(oms.0.project(&id).unwrap().body, sent);
}

#[test]
fn two_creates_of_one_name_make_two_projects() {
    let oms = Core::new();
    let ids = [0, 1].map(|_| oms.create(Oms::example_body("twice")));
    assert_ne!(ids[0], ids[1]);
    let found = oms.0.projects_named("twice");
    assert_eq!(
        found.iter().map(|p| &p.id).collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
}

#[test]
fn every_action_is_refused_in_every_status_but_its_own() {
    for (action, allowed, after) in [
        ("StartProject", &["INIT"][..], "RUNNING"),
        ("StopProject", &["RUNNING"], "SUSPEND"),
        ("ResumeProject", &["SUSPEND", "FAILED"], "RUNNING"),
        (
            "ReleaseProject",
            &["SUSPEND", "FAILED", "FINISHED"],
            "RELEASING",
        ),
        ("DeleteProject", &["INIT", "RELEASED"], "gone"),
    ] {
        for status in STATES {
            let oms = Core::new();
            let id = oms.0.insert_project("p", status, Oms::example_body("p"));
            assert_eq!(oms.status(&id), status);
            if !allowed.contains(&status) {
                let (code, message) = oms.refused(action, json!({"id": id}));
                assert_eq!(code, "GHANA-OPERAT000002", "{action} in {status}");
                assert!(message.contains(status), "{message}");
                assert_eq!(oms.status(&id), status);
            } else if after == "gone" {
                oms.data(action, json!({"id": id}));
                assert!(oms.0.projects().is_empty());
            } else {
                oms.data(action, json!({"id": id}));
                assert_eq!(oms.status(&id), after, "{action} in {status}");
            }
        }
    }
}

#[test]
fn a_project_that_does_not_exist_is_named_by_its_own_code() {
    let oms = Core::new();
    for action in [
        "StartProject",
        "StopProject",
        "ResumeProject",
        "ReleaseProject",
        "DeleteProject",
        "DescribeProject",
        "DescribeProjectSteps",
        "DescribeProjectProgress",
    ] {
        let (code, _) = oms.refused(action, json!({"id": "np_none"}));
        assert_eq!(code, "GHANA-PROJECT000001", "{action}");
        assert_eq!(oms.refused(action, json!({})).0, "PARAM_ERROR", "{action}");
        assert_eq!(
            oms.refused(action, json!({"id": 7})).0,
            "PARAM_ERROR",
            "{action}"
        );
    }
}

#[test]
fn an_incremental_project_walks_its_steps_and_stays_running() {
    let oms = Core::new();
    let id = oms.started(vendor_example());
    let at = |after: u64| {
        oms.advance(after);
        let steps = oms.steps(&id);
        steps
            .into_iter()
            .map(|(_, status, percent)| (status, percent))
            .collect::<Vec<_>>()
    };
    let row = |rows: [(&str, u64); 8]| rows.map(|(status, percent)| (status.to_owned(), percent));
    let init = ("INIT", 0);
    let done = ("FINISHED", 100);
    // Precheck 5 s, structure 5 s, log pull 3 s, full 30 s, verification 15 s.
    assert_eq!(
        at(2),
        row([("RUNNING", 40), init, init, init, init, init, init, init])
    );
    assert_eq!(
        at(26),
        row([done, done, done, ("RUNNING", 50), init, init, init, init])
    );
    let following = ("MONITORING", 100);
    assert_eq!(
        at(18),
        row([
            done,
            done,
            done,
            done,
            following,
            ("RUNNING", 20),
            init,
            init
        ])
    );
    // The verifier of a project that lives stays RUNNING; the switchover waits.
    let verified = ("RUNNING", 100);
    let last = row([
        done,
        done,
        done,
        done,
        following,
        verified,
        ("RUNNING", 0),
        init,
    ]);
    assert_eq!(at(20), last);
    assert_eq!(at(1_000_000), last);
    assert_eq!(oms.status(&id), "RUNNING");
    let full = oms.step(&id, "FULL_TRANSFER");
    assert_eq!(full["order"], 4);
    assert_eq!(full["startTime"], "2025-01-01T00:00:13");
    assert_eq!(full["finishTime"], "2025-01-01T00:00:43");
    assert_eq!(
        full["stepInfo"]["processedRecords"],
        full["stepInfo"]["capacity"]
    );
    let project = oms.data("DescribeProject", json!({"id": id}));
    assert_eq!(project["gmtModified"], "2025-01-01T00:00:58");
}

#[test]
fn a_project_without_incremental_transfer_ends_finished() {
    let oms = Core::new();
    let id = oms.started(full_only());
    oms.advance(54);
    assert_eq!(oms.status(&id), "RUNNING");
    oms.advance(3600);
    assert_eq!(oms.status(&id), "FINISHED");
    assert!(
        oms.steps(&id)
            .iter()
            .all(|(_, status, percent)| status == "FINISHED" && *percent == 100)
    );
    let project = oms.data("DescribeProject", json!({"id": id}));
    assert_eq!(project["gmtFinish"], "2025-01-01T00:00:55");
    assert_eq!(project["gmtModified"], "2025-01-01T00:00:55");
}

#[test]
fn speed_and_steps_move_the_work_and_not_the_dates() {
    let oms = Core::new();
    let id = oms.started(full_only());
    oms.0.set_speed(10.0);
    oms.advance(4);
    oms.0.step(secs(10));
    assert_eq!(oms.status(&id), "RUNNING");
    oms.0.step(secs(5));
    assert_eq!(oms.status(&id), "FINISHED");
    let project = oms.data("DescribeProject", json!({"id": id}));
    assert_eq!(project["gmtFinish"], "2025-01-01T00:00:04");
}

#[test]
fn lag_shrinks_while_the_project_runs_and_grows_while_it_stands() {
    let oms = Core::new();
    let id = oms.started(Oms::example_body("lag"));
    let lag = || {
        let info = &oms.step(&id, "INCR_TRANSFER")["stepInfo"];
        let number = |key: &str| info[key].as_u64();
        Some(number("checkpointSampleTimestamp")? - number("incrTimestampCheckpoint")?)
    };
    assert_eq!(lag(), None);
    oms.advance(44);
    assert_eq!(lag(), Some(50));
    oms.advance(60);
    assert_eq!(lag(), Some(4));
    oms.data("StopProject", json!({"id": id}));
    assert_eq!(oms.step(&id, "INCR_TRANSFER")["status"], "SUSPEND");
    let frozen =
        oms.data("DescribeProjectProgress", json!({"id": id}))["incrSyncCheckpoint"].clone();
    oms.advance(600);
    let progress = oms.data("DescribeProjectProgress", json!({"id": id}));
    assert_eq!(progress["incrSyncCheckpoint"], frozen);
    oms.data("ResumeProject", json!({"id": id}));
    assert_eq!(lag(), Some(604));
    oms.advance(20);
    assert_eq!(lag(), Some(404));
    oms.0.set_lag(&id, Some(secs(77))).unwrap();
    assert_eq!(lag(), Some(77));
    oms.0.set_lag(&id, None).unwrap();
    oms.advance(60);
    assert_eq!(lag(), Some(4));
}

#[test]
fn a_failed_precheck_says_why_and_resume_takes_it_further() {
    let oms = Core::new();
    let id = oms.create(Oms::example_body("checked"));
    let errors = ["GRANTS", "BINLOG"].map(|code| StepError {
        code: code.into(),
        message: format!("{code} is missing"),
        proposal: "Add it.".into(),
    });
    oms.0
        .fail_step("checked", "TRANSFER_PRECHECK", errors.to_vec())
        .unwrap();
    assert!(oms.0.fail_step(&id, "FULL_VERIFIER", vec![]).is_err());
    oms.data("StartProject", json!({"id": id}));
    assert_eq!(oms.status(&id), "RUNNING");
    oms.advance(60);
    assert_eq!(oms.status(&id), "FAILED");
    let step = oms.step(&id, "TRANSFER_PRECHECK");
    assert_eq!(
        (&step["status"], &step["progress"]),
        (&json!("FAILED"), &json!(50))
    );
    let info = &step["extraInfo"];
    assert_eq!(info["errorMsg"], "GRANTS is missing");
    assert_eq!(info["errorDetails"][1]["code"], "BINLOG");
    assert_eq!(info["failedTime"], "2025-01-01T00:00:02");
    oms.data("ResumeProject", json!({"id": id}));
    oms.advance(60);
    assert_eq!(oms.status(&id), "RUNNING");
    assert_eq!(oms.step(&id, "INCR_TRANSFER")["status"], "MONITORING");
}

#[test]
fn a_failure_planned_by_name_strikes_the_next_project_of_that_name_alone() {
    let oms = Core::new();
    let error = StepError {
        code: "GRANTS".into(),
        message: "A grant is missing.".into(),
        proposal: "Add it.".into(),
    };
    oms.0
        .fail_step_of_next("unlucky", "TRANSFER_PRECHECK", vec![error]);
    let lucky = oms.started(Oms::example_body("lucky"));
    let unlucky = oms.started(Oms::example_body("unlucky"));
    let later = oms.started(Oms::example_body("unlucky"));
    oms.advance(20);
    assert_eq!(oms.status(&lucky), "RUNNING");
    assert_eq!(oms.status(&unlucky), "FAILED");
    assert_eq!(oms.status(&later), "RUNNING");
}

#[test]
fn a_release_takes_time_and_a_deleted_project_is_gone() {
    let oms = Core::new();
    let id = oms.started(Oms::example_body("ending"));
    oms.advance(100);
    oms.data("StopProject", json!({"id": id}));
    oms.data("ReleaseProject", json!({"id": id}));
    oms.advance(9);
    assert_eq!(oms.status(&id), "RELEASING");
    oms.advance(1);
    assert_eq!(oms.status(&id), "RELEASED");
    let listed = oms.data("ListProjects", json!({"searchKey": "ending"}));
    assert_eq!(listed[0]["status"], "RELEASED");
    oms.data("DeleteProject", json!({"id": id}));
    assert_eq!(
        oms.refused("DescribeProject", json!({"id": id})).0,
        "GHANA-PROJECT000001"
    );
    assert_eq!(oms.data("ListProjects", json!({})), json!([]));
}

#[test]
fn handles_act_as_somebody_in_the_console_would() {
    let oms = Core::new();
    let id = oms.create(Oms::example_body("mine"));
    oms.0.rename("mine", "theirs").unwrap();
    assert_eq!(oms.0.project(&id).unwrap().name, "theirs");
    let namesake = oms.0.insert_project("theirs", "RELEASED", json!({}));
    assert!(
        oms.0.set_status("theirs", "FAILED").is_err(),
        "two have that name"
    );
    oms.0.set_status(&id, "RUNNING").unwrap();
    oms.0.set_status(&id, "FAILED").unwrap();
    assert_eq!(oms.steps(&id)[0].1, "FAILED");
    oms.0.set_status(&id, "INIT").unwrap();
    assert_eq!(oms.steps(&id)[0].1, "INIT");
    oms.0.remove(&namesake).unwrap();
    assert!(oms.0.remove(&namesake).is_err());
    let requests = oms.0.project("theirs").unwrap().requests;
    assert_eq!(
        (requests["CreateProject"], requests["DescribeProjectSteps"]),
        (1, 2)
    );
}
