//! Projects in OMS's words.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::{Clock, Now};
use crate::config::{CheckpointForm, Durations};
use crate::configuration;
use crate::plan::{FULL, INCR, Plan, STRUCT, SWITCH, Step, VERIFY};
use crate::project::{Phase, Project};
use crate::reply::{Refusal, error_detail};
use crate::seed::DataSource;
use crate::time::gmt;

/// What is needed to say how a project is.
pub(crate) struct View<'a> {
    pub clock: &'a Clock,
    pub now: Now,
    pub durations: &'a Durations,
    pub data_sources: &'a [DataSource],
    pub labels: &'a BTreeMap<String, String>,
}

impl View<'_> {
    /// An element of ListProjects. Mapping and configs are null there; with
    /// `related` false, so are the steps and endpoints.
    pub fn listed(&self, project: &Project, related: bool) -> Value {
        let mut value = self.project(project);
        if related {
            value["steps"] = self.steps(project);
        }
        for side in ["sourceConnectInfo", "sinkConnectInfo"] {
            if !related {
                value[side] = Value::Null;
            }
        }
        value
    }

    /// DescribeProject's data.
    pub fn described(&self, project: &Project, fill_defaults: bool) -> Value {
        let mut value = self.project(project);
        value["steps"] = self.steps(project);
        for section in configuration::SECTIONS {
            if let Some(given) = project.configuration.get(section) {
                value[section] = given.clone();
            }
        }
        if fill_defaults {
            configuration::fill(&mut value);
        }
        value["extraInfo"] = self.extra_info(project);
        value
    }

    /// DescribeProjectProgress's data.
    pub fn progress(&self, project: &Project, form: CheckpointForm) -> Value {
        let done = project.done(self.now);
        let checkpoint =
            project
                .checkpoint(self.durations, self.now)
                .map(|checkpoint| match form {
                    CheckpointForm::Number => json!(checkpoint.at.as_secs()),
                    CheckpointForm::Text => json!(checkpoint.at.as_secs().to_string()),
                });
        let percent = |name| {
            let step = project.plan.step(name)?;
            Some(if begun(project) {
                percent(step, done)
            } else {
                0
            })
        };
        json!({
            "projectId": project.id,
            "status": project.status(),
            "alarmLevel": importance(project),
            "currentStep": begun(project).then(|| project.plan.current(done).name),
            "enableIncrSync": flag(project, "enableIncrTransfer"),
            "enableStructTransfer": flag(project, "enableStructTransfer"),
            "enableFullTransfer": flag(project, "enableFullTransfer"),
            "enableReverseIncrTransfer": flag(project, "enableReverseIncrTransfer"),
            "structTransferProgress": percent(STRUCT),
            "fullTransferProgress": percent(FULL),
            "incrSyncCheckpoint": checkpoint,
            "reverseIncrTransferCheckpoint": null,
        })
    }

    /// DescribeProjectSteps's data.
    pub fn steps(&self, project: &Project) -> Value {
        let steps = project.plan.steps.iter();
        steps.map(|step| self.step(project, step)).collect()
    }

    fn step(&self, project: &Project, step: &Step) -> Value {
        let done = project.done(self.now);
        let status = step_status(project, step, done);
        let begun = status != "INIT";
        let at = |moment: Option<Duration>| {
            moment
                .filter(|moment| begun && *moment <= done)
                .map(|moment| gmt(project.wall_at(self.clock, moment)))
        };
        let finish = match status {
            "FINISHED" => at(step.end()).or_else(|| project.finished.map(gmt)),
            _ => None,
        };
        let progress = match status {
            "INIT" => 0,
            "FINISHED" => 100,
            _ => percent(step, done),
        };
        json!({
            "order": step.order,
            "name": step.name,
            "description": description(step.name),
            "status": status,
            "progress": progress,
            "startTime": at(step.at),
            "finishTime": finish,
            "extraInfo": failure(project, step),
            "stepInfo": if begun { self.step_info(project, step, progress) } else { Value::Null },
        })
    }

    fn step_info(&self, project: &Project, step: &Step, progress: u64) -> Value {
        const CAPACITY: u64 = 1_000_000;
        let checkpoint = project.checkpoint(self.durations, self.now);
        match step.name {
            FULL | VERIFY => json!({
                "processedRecords": CAPACITY / 100 * progress,
                "capacity": CAPACITY,
                "srcRps": 20_000, "srcRt": 1, "srcIops": 4_000_000,
                "dstRps": 20_000, "dstRt": 2, "dstIops": 4_000_000,
                "srcRpsRef": null, "srcRtRef": null, "srcIopsRef": null,
                "dstRpsRef": null, "dstRtRef": null,
            }),
            INCR => json!({
                "incrTimestampCheckpoint": checkpoint.map(|c| c.at.as_secs()),
                "checkpointSampleTimestamp": checkpoint.map(|c| c.sampled.as_secs()),
                "enableIncrStatistics": project
                    .configuration
                    .pointer("/incrTransferConfig/enableIncrSyncStatistics")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
            }),
            SWITCH => json!({
                "checkpointSampleTimestamp": checkpoint.map(|c| c.sampled.as_secs()),
            }),
            _ => Value::Null,
        }
    }

    fn project(&self, project: &Project) -> Value {
        let connect = |key: &str, side: &str| {
            let id = project.configuration.get(key)?.as_str()?;
            let source = self.data_sources.iter().find(|source| source.id == id)?;
            Some((source.kind.clone(), source.connect_info(side)))
        };
        let (source_kind, source) = connect("sourceEndpointId", "source").unzip();
        let (sink_kind, sink) = connect("sinkEndpointId", "sink").unzip();
        json!({
            "id": project.id,
            "name": project.name,
            "owner": "admin",
            "type": project.configuration.get("type"),
            "status": project.status(),
            "importance": importance(project),
            "labels": labels(project, self.labels),
            "gmtCreate": gmt(project.created),
            "gmtModified": gmt(project.modified(self.clock, self.now)),
            "gmtStart": project.started.map(gmt),
            "gmtFinish": project.finished.map(gmt),
            "isMerging": false,
            "isModifying": false,
            "isSubProject": false,
            "destConnId": null,
            "sourceEndpointType": source_kind,
            "sinkEndpointType": sink_kind,
            "transferMapping": null,
            "commonTransferConfig": null,
            "structTransferConfig": null,
            "fullTransferConfig": null,
            "incrTransferConfig": null,
            "reverseIncrTransferConfig": null,
            "enableStructTransfer": flag(project, "enableStructTransfer"),
            "enableFullTransfer": flag(project, "enableFullTransfer"),
            "enableFullVerify": flag(project, "enableFullVerify"),
            "enableIncrTransfer": flag(project, "enableIncrTransfer"),
            "enableIncrVerify": false,
            "enableReverseIncrTransfer": flag(project, "enableReverseIncrTransfer"),
            "sourceConnectInfo": source,
            "sinkConnectInfo": sink,
            "steps": null,
            "extraInfo": null,
            "alarmStats": {
                "target": project.id, "alarming": false, "recentlyTriggerCount": 0,
                "ruleToRecentlyTriggerCount": {}, "alarmContent": null, "openMonitor": false,
            },
            "workerGradeId": null,
            "workerGradeInfo": null,
        })
    }

    fn extra_info(&self, project: &Project) -> Value {
        let done = project.done(self.now);
        let current = begun(project).then(|| project.plan.current(done));
        let checkpoint = project.checkpoint(self.durations, self.now);
        json!({
            "runningStep": current.map(|step| step.name),
            "runningProgress": current.map(|step| percent(step, done)),
            "monitoringIncr": checkpoint.is_some() && project.status() == "RUNNING",
            "subtopics": null,
            "reverseSubtopics": null,
            "logServiceStartCheckpoint": null,
            "sourceStoreKeptHour": project.configuration.pointer("/incrTransferConfig/storeLogKeptHour"),
            "syncDelay": checkpoint.map(|c| (c.sampled - c.at).as_secs()),
            "syncDelaySampleTimestamp": checkpoint.map(|c| c.sampled.as_secs()),
            "incrSyncTimestamp": checkpoint.map(|c| c.at.as_secs()),
            "accessObSource": null,
            "overwriteConfig": null,
            "ignoreUnsupportDdl": null,
            "maxConnectorCount": -1,
            "storeIncr": null,
            "subDbs": null,
            "subConds": null,
            "subIds": null,
        })
    }
}

fn begun(project: &Project) -> bool {
    project.started.is_some()
}

fn flag(project: &Project, key: &str) -> bool {
    project
        .configuration
        .get(key)
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

/// A recorded project shows LOW where none was asked for.
fn importance(project: &Project) -> &str {
    let given = project
        .configuration
        .get("importance")
        .and_then(Value::as_str);
    given.unwrap_or("LOW")
}

fn labels(project: &Project, known: &BTreeMap<String, String>) -> Value {
    let ids = project
        .configuration
        .get("labelIds")
        .and_then(Value::as_array);
    ids.map_or(Value::Null, |ids| {
        ids.iter()
            .filter_map(Value::as_str)
            .map(|id| json!({"id": id, "name": known.get(id)}))
            .collect()
    })
}

fn percent(step: &Step, done: Duration) -> u64 {
    match (step.at, step.length) {
        (Some(at), Some(length)) if at + length > done => {
            let part = done.saturating_sub(at).as_secs_f64() / length.as_secs_f64();
            // A step that works has not done all of it.
            ((part * 100.0) as u64).min(99)
        }
        (Some(at), Some(_)) if at <= done => 100,
        // Following the source, INCR_TRANSFER has nothing left to do.
        (Some(at), None) if at <= done && step.name == INCR => 100,
        _ => 0,
    }
}

fn step_status(project: &Project, step: &Step, done: Duration) -> &'static str {
    if !begun(project) || !step.begun(done) {
        return "INIT";
    }
    let over = step.end().is_some_and(|end| end <= done);
    let lives_on = |plan: &Plan| step.name == VERIFY && plan.end.is_none();
    match &project.phase {
        Phase::Failed { step: failed, .. } if *failed == step.name => "FAILED",
        Phase::Finished => "FINISHED",
        // The verifier stays RUNNING at 100 while its project lives.
        _ if over && !lives_on(&project.plan) => "FINISHED",
        Phase::Suspended | Phase::Releasing { .. } | Phase::Released => "SUSPEND",
        _ if step.name == INCR => "MONITORING",
        _ => "RUNNING",
    }
}

fn failure(project: &Project, step: &Step) -> Value {
    let Phase::Failed {
        step: failed,
        errors,
    } = &project.phase
    else {
        return Value::Null;
    };
    if *failed != step.name {
        return Value::Null;
    }
    let first = errors.first();
    let details = errors.iter().map(|error| {
        let refusal = Refusal::new(&error.code, &error.message, &error.proposal);
        error_detail(&refusal, "ERROR", &project.id)
    });
    json!({
        "errorDetails": details.collect::<Value>(),
        "errorCode": first.map(|error| &error.code),
        "errorMsg": first.map(|error| &error.message),
        "errorParam": {},
        "failedTime": project.failed.map(gmt),
    })
}

fn description(step: &str) -> String {
    let words = step.to_ascii_lowercase().replace('_', " ");
    format!("Step: {words}")
}
