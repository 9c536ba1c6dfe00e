//! What OMS sends about projects and data sources: the vendor's names, and only what is used.
//!
//! Decoding never fails but for a missing id: unknown keys are ignored, and a field of a wrong type counts as
//! absent. Words such as a status are kept as they come, because newer servers know more of them.

use jiff::Timestamp;
use serde_json::Value;

use super::Action;
use super::fields::Fields;
use super::json::Names;

/// A project, as ListProjects and DescribeProject send it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// `np_…`
    pub id: String,
    /// The name, which OMS does not promise to be unique.
    pub name: Option<String>,
    /// MIGRATION, SYNC or another word.
    pub project_type: Option<String>,
    /// INIT, RUNNING, … or another word.
    pub status: Option<String>,
    /// When it was made.
    pub gmt_create: Option<Timestamp>,
    /// When it was changed.
    pub gmt_modified: Option<Timestamp>,
    /// When it was started.
    pub gmt_start: Option<Timestamp>,
    /// When it ended.
    pub gmt_finish: Option<Timestamp>,
    /// The flag of CreateProject.
    pub enable_struct_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_full_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_full_verify: Option<bool>,
    /// The flag of CreateProject.
    pub enable_incr_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_reverse_incr_transfer: Option<bool>,
    /// Where the data come from.
    pub source_connect_info: Endpoint,
    /// Where the data go.
    pub sink_connect_info: Endpoint,
    /// The steps in their order.
    pub steps: Vec<Step>,
}

/// One side of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `e_…`, the id of the data source.
    pub endpoint_id: Option<String>,
}

/// A step of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The place in the sequence; there are gaps.
    pub order: Option<i64>,
    /// The name, such as FULL_TRANSFER.
    pub name: Option<String>,
    /// INIT, RUNNING, FAILED, FINISHED, SUSPEND, MONITORING or another word.
    pub status: Option<String>,
    /// In percent.
    pub progress: Option<i64>,
    /// What went wrong.
    pub errors: Vec<ErrorDetail>,
    /// Figures of the step.
    pub step_info: StepInfo,
}

/// Figures of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepInfo {
    /// Up to when changes have been transferred, in seconds since 1970.
    pub incr_timestamp_checkpoint: Option<i64>,
    /// When that was measured, in seconds since 1970.
    pub checkpoint_sample_timestamp: Option<i64>,
}

/// What OMS says about a failure inside a project. Short, on one line,
/// without the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetail {
    /// The code.
    pub code: Option<String>,
    /// What happened.
    pub message: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What OMS proposes.
    pub proposal: Option<String>,
}

/// A data source, as ListDataSource sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSource {
    /// `e_…`
    pub id: String,
    /// The name, unique within OMS.
    pub name: Option<String>,
    /// MYSQL, OB_MYSQL, KAFKA, … or another word.
    pub source_type: Option<String>,
    /// MASTER or SLAVE.
    pub role: Option<String>,
    /// When it was made.
    pub gmt_create: Option<Timestamp>,
}

/// Whether a field of this name is read of a project, of its steps or of what is in them. A page of a
/// list is 150 projects with ten times as much. Not a search in a list of them: it is asked of every field
/// there is, and a `match` goes by the length first.
fn is_of_projects(name: &str) -> bool {
    matches!(
        name,
        "checkpointSampleTimestamp"
            | "code"
            | "enableFullTransfer"
            | "enableFullVerify"
            | "enableIncrTransfer"
            | "enableReverseIncrTransfer"
            | "enableStructTransfer"
            | "endpointId"
            | "errorCode"
            | "errorDetails"
            | "errorMsg"
            | "extraInfo"
            | "gmtCreate"
            | "gmtFinish"
            | "gmtModified"
            | "gmtStart"
            | "id"
            | "incrTimestampCheckpoint"
            | "message"
            | "name"
            | "order"
            | "progress"
            | "proposal"
            | "reason"
            | "sinkConnectInfo"
            | "sourceConnectInfo"
            | "status"
            | "stepInfo"
            | "steps"
            | "type"
    )
}

/// Which fields to read of what answers an action; `None`: all of them.
pub(super) fn fields(action: Action) -> Option<Names> {
    (action == Action::ListProjects).then_some(is_of_projects)
}

impl Project {
    /// Decodes a project whose field names begin in lower case; none without an id.
    pub(super) fn decode(value: &Value) -> Option<Project> {
        let fields = Fields::new(value);
        Some(Project {
            id: id(&fields)?,
            name: fields.text("name"),
            project_type: fields.text("type"),
            status: fields.text("status"),
            gmt_create: fields.time("gmtCreate"),
            gmt_modified: fields.time("gmtModified"),
            gmt_start: fields.time("gmtStart"),
            gmt_finish: fields.time("gmtFinish"),
            enable_struct_transfer: fields.flag("enableStructTransfer"),
            enable_full_transfer: fields.flag("enableFullTransfer"),
            enable_full_verify: fields.flag("enableFullVerify"),
            enable_incr_transfer: fields.flag("enableIncrTransfer"),
            enable_reverse_incr_transfer: fields.flag("enableReverseIncrTransfer"),
            source_connect_info: Endpoint::decode(fields.object("sourceConnectInfo")),
            sink_connect_info: Endpoint::decode(fields.object("sinkConnectInfo")),
            steps: {
                let mut steps = each(&fields, "steps", Step::decode);
                // Stable, so that steps without an order keep the order they came in.
                steps.sort_by_key(|step| step.order);
                steps
            },
        })
    }
}

impl Endpoint {
    fn decode(fields: Fields<'_>) -> Endpoint {
        Endpoint {
            endpoint_id: fields.text("endpointId"),
        }
    }
}

impl Step {
    fn decode(fields: Fields<'_>) -> Step {
        let extra = fields.object("extraInfo");
        let mut errors = each(&extra, "errorDetails", ErrorDetail::decode);
        let (code, message) = (extra.text("errorCode"), extra.text("errorMsg"));
        if errors.is_empty() && (code.is_some() || message.is_some()) {
            errors.push(ErrorDetail {
                code,
                message,
                ..ErrorDetail::default()
            });
        }
        let info = fields.object("stepInfo");
        Step {
            order: fields.integer("order"),
            name: fields.text("name"),
            status: fields.text("status"),
            progress: fields.integer("progress"),
            errors,
            step_info: StepInfo {
                incr_timestamp_checkpoint: info.integer("incrTimestampCheckpoint"),
                checkpoint_sample_timestamp: info.integer("checkpointSampleTimestamp"),
            },
        }
    }
}

impl ErrorDetail {
    fn decode(fields: Fields<'_>) -> ErrorDetail {
        ErrorDetail {
            code: fields.text("code"),
            message: fields.text("message"),
            reason: fields.text("reason"),
            proposal: fields.text("proposal"),
        }
    }
}

impl DataSource {
    /// Decodes a data source whose field names begin in lower case; none without an id.
    pub(super) fn decode(value: &Value) -> Option<DataSource> {
        let fields = Fields::new(value);
        Some(DataSource {
            id: id(&fields)?,
            name: fields.text("name"),
            source_type: fields.text("type"),
            role: fields.text("role"),
            gmt_create: fields.time("gmtCreate"),
        })
    }
}

/// Longer ids are none; a resource could not store them.
const MAX_ID: usize = 128;

/// Whether a text can be an id: printable ASCII, without white space, of a length that can be stored.
pub(super) fn is_usable_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn id(fields: &Fields<'_>) -> Option<String> {
    fields.text("id").filter(|id| is_usable_id(id))
}

fn each<T>(fields: &Fields<'_>, key: &str, decode: impl Fn(Fields<'_>) -> T) -> Vec<T> {
    fields
        .items(key)
        .iter()
        .filter(|item| item.is_object())
        .map(|item| decode(Fields::new(item)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::json::Part;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_project_is_decoded_with_its_steps_in_order() {
        let project = Project::decode(&json!({
            "id": "np_1", "name": "shop", "type": "MIGRATION", "status": "RUNNING",
            "labels": [{"id": "l_1", "name": "prod"}, null], "gmtCreate": "2023-07-13T20:27:28", "gmtFinish": null,
            "enableIncrTransfer": true, "enableFullVerify": "false", "enableStructTransfer": null,
            "sourceConnectInfo": {"id": "c_1", "endpointId": "e_1"}, "sinkConnectInfo": null,
            "steps": [
                {"order": 4, "name": "INCR_TRANSFER", "status": "MONITORING", "progress": 100,
                    "stepInfo": {"incrTimestampCheckpoint": 1_667_805_001, "checkpointSampleTimestamp": "1667805005"}},
                {"order": 1, "name": "TRANSFER_PRECHECK", "status": "FAILED", "progress": null,
                    "extraInfo": {"errorCode": "X", "errorMsg": "no route"}, "stepInfo": {}},
            ],
            "extraInfo": null, "workerGradeId": 7,
        }))
        .unwrap();
        assert_eq!(project.id, "np_1");
        assert_eq!(project.project_type.as_deref(), Some("MIGRATION"));
        assert_eq!(
            project.gmt_create.unwrap().to_string(),
            "2023-07-13T20:27:28Z"
        );
        assert_eq!(project.gmt_finish, None);
        assert_eq!(
            (
                project.enable_incr_transfer,
                project.enable_full_verify,
                project.enable_struct_transfer
            ),
            (Some(true), Some(false), None)
        );
        assert_eq!(
            project.source_connect_info.endpoint_id.as_deref(),
            Some("e_1")
        );
        assert_eq!(project.sink_connect_info, Endpoint::default());
        assert_eq!(
            project.steps[0].errors[0].message.as_deref(),
            Some("no route")
        );
        assert_eq!(
            project.steps[1].step_info.incr_timestamp_checkpoint,
            Some(1_667_805_001)
        );
        assert_eq!(
            project.steps[1].step_info.checkpoint_sample_timestamp,
            Some(1_667_805_005)
        );
    }

    /// Of a list, only `is_of_projects` is built: with a field that it lacks, the first project would say less.
    #[test]
    fn what_is_read_of_a_list_is_all_that_is_decoded() {
        let project = json!({
            "id": "np_1", "Name": "shop", "type": "MIGRATION", "Status": "FAILED", "owner": "admin",
            "gmtCreate": 1, "gmtModified": 2, "gmtStart": 3, "gmtFinish": 4, "enableStructTransfer": true,
            "enableFullTransfer": true, "enableFullVerify": true, "enableIncrTransfer": true,
            "enableReverseIncrTransfer": true, "sourceConnectInfo": {"endpointId": "e_1"},
            "SinkConnectInfo": {"EndpointId": "e_2", "tags": {"A": 1}},
            "steps": [
                {"order": 1, "name": "PRE_CHECK", "status": "FAILED", "progress": 7,
                    "stepInfo": {"incrTimestampCheckpoint": 5, "checkpointSampleTimestamp": 6},
                    "extraInfo": {"errorDetails": [
                        {"code": "X", "message": "no", "reason": "closed", "proposal": "open", "level": "ERROR"},
                    ]}},
                {"extraInfo": {"errorCode": "X", "errorMsg": "no"}},
            ],
        });
        let reply = json!({"success": true, "Data": [project]}).to_string();
        let decoded = |only| {
            let reply = Part::Reply(only).read(reply.as_bytes()).unwrap();
            (Project::decode(&reply["data"][0]).unwrap(), reply)
        };
        let (slim, small) = decoded(fields(Action::ListProjects));
        let (whole, large) = decoded(fields(Action::DescribeProject));
        assert_eq!(slim, whole);
        assert_eq!(small["data"][0].get("owner"), None);
        assert_eq!(large["data"][0]["sinkConnectInfo"]["tags"]["A"], 1);
        let Project {
            id: _,
            name: Some(_),
            project_type: Some(_),
            status: Some(_),
            gmt_create: Some(_),
            gmt_modified: Some(_),
            gmt_start: Some(_),
            gmt_finish: Some(_),
            enable_struct_transfer: Some(_),
            enable_full_transfer: Some(_),
            enable_full_verify: Some(_),
            enable_incr_transfer: Some(_),
            enable_reverse_incr_transfer: Some(_),
            source_connect_info: Endpoint {
                endpoint_id: Some(_),
            },
            sink_connect_info: Endpoint {
                endpoint_id: Some(_),
            },
            steps,
        } = whole
        else {
            panic!("a field is not set: {slim:?}");
        };
        let with_order = &steps[1];
        let Step {
            order: Some(_),
            name: Some(_),
            status: Some(_),
            progress: Some(_),
            errors,
            step_info:
                StepInfo {
                    incr_timestamp_checkpoint: Some(_),
                    checkpoint_sample_timestamp: Some(_),
                },
        } = with_order
        else {
            panic!("a field is not set: {with_order:?}");
        };
        let ErrorDetail {
            code: Some(_),
            message: Some(_),
            reason: Some(_),
            proposal: Some(_),
        } = &errors[0]
        else {
            panic!("a field is not set: {errors:?}");
        };
        assert_eq!(steps[0].errors.len(), 1);
    }

    #[test]
    fn only_an_id_is_indispensable() {
        assert_eq!(
            Project::decode(&json!({"id": 7, "steps": "none", "labels": {}, "status": []}))
                .unwrap(),
            Project {
                id: "7".into(),
                ..Project::default()
            }
        );
        for value in [
            json!({}),
            json!({"id": null}),
            json!({"id": " "}),
            json!({"id": "a b"}),
            json!([]),
            json!(null),
        ] {
            assert_eq!(Project::decode(&value), None, "{value}");
            assert_eq!(DataSource::decode(&value), None, "{value}");
        }
        assert!(!is_usable_id(&"x".repeat(129)));
        assert!(is_usable_id("np_****"));
    }
}
