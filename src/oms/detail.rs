//! What OMS tells of one project beyond what lists show: its configuration, the items of its precheck, the
//! tables of its full verification.
//!
//! The manual's tables of the last two could not be read to their end, so their fields are looked for under
//! every name that a neighbouring table or a known client uses. As everywhere, a field of a wrong type is absent.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Project;
use super::fields::Fields;

/// Keys of a project that are no configuration, and large.
const NOT_CONFIGURATION: [&str; 3] = ["steps", "extraInfo", "alarmStats"];

/// A project with its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The project.
    pub project: Project,
    /// Its configuration in the form of CreateProject's body: labels and data sources are named as there, a
    /// data source also by its name (`sourceEndpointRef.name`). Other keys are as they come.
    pub configuration: Map<String, Value>,
    /// OMS's clock when it answered.
    pub server_date: Option<Timestamp>,
}

/// One check of a precheck. Its texts are as sent: cut and clean them before use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreCheckItem {
    /// What is checked.
    pub name: Option<String>,
    /// SOURCE or DEST.
    pub endpoint_type: Option<String>,
    /// INIT, RUNNING, FAILED, FINISHED or another word.
    pub status: Option<String>,
    /// What is wrong.
    pub message: Option<String>,
    /// What helps.
    pub advice: Option<String>,
}

/// The result of a full verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullVerification {
    /// OMS's own count of differences; of what is not documented. A known client takes 0 for consistent.
    pub different_number: Option<i64>,
    /// The tables.
    pub tables: Vec<VerifiedTable>,
    /// Whether these are all.
    pub complete: bool,
}

/// One table of a full verification. Its texts are as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedTable {
    /// The schema in the source.
    pub source_schema: Option<String>,
    /// The table in the source.
    pub source_table: Option<String>,
    /// The schema in the target.
    pub dest_schema: Option<String>,
    /// CONSISTENT, INCONSISTENT, SOURCE_EMPTY or another word.
    pub result_type: Option<String>,
    /// RUNNING, ERROR, FINISHED, SUSPEND.
    pub status: Option<String>,
    /// Rows that only the source has.
    pub source_only: Option<i64>,
    /// Rows that only the target has.
    pub dest_only: Option<i64>,
    /// Rows that both have and that are not equal.
    pub mismatched: Option<i64>,
    /// What OMS says of it.
    pub message: Option<String>,
}

/// The configuration in a project as DescribeProject sends it.
pub(super) fn configuration(data: &Value) -> Map<String, Value> {
    let fields = Fields::new(data);
    let mut configuration = data.as_object().cloned().unwrap_or_default();
    for key in NOT_CONFIGURATION {
        configuration.remove(key);
    }
    if let Some(labels) = configuration.remove("labels") {
        let ids = labels.as_array().map(|labels| {
            let ids = labels.iter().map(|label| label["id"].clone());
            ids.collect::<Value>()
        });
        configuration.insert("labelIds".into(), ids.unwrap_or_default());
    }
    for (side, info) in [("source", "sourceConnectInfo"), ("sink", "sinkConnectInfo")] {
        configuration.remove(info);
        let info = fields.object(info);
        if let Some(id) = info.text("endpointId") {
            configuration.insert(format!("{side}EndpointId"), json!(id));
        }
        if let Some(name) = info.text("endpointName") {
            configuration.insert(format!("{side}EndpointRef"), json!({ "name": name }));
        }
    }
    configuration
}

/// The items of a GetPreCheckResult; none if there is no list of them.
pub(super) fn precheck(data: &Value) -> Option<Vec<PreCheckItem>> {
    let items = data.get("preCheckResults")?.as_array()?;
    Some(items.iter().map(|item| check(Fields::new(item))).collect())
}

fn check(item: Fields<'_>) -> PreCheckItem {
    let details = item.items("errorDetails");
    let detail = match details.first() {
        Some(first) => Fields::new(first),
        None => item.object("errorDetail"),
    };
    let first = |places: &[(Fields<'_>, &str)]| {
        let texts = places.iter().filter_map(|(fields, key)| fields.text(key));
        texts.into_iter().find(|text| !text.is_empty())
    };
    PreCheckItem {
        name: first(&[(item, "name"), (item, "checkType")]),
        endpoint_type: item.text("endpointType"),
        status: item.text("status"),
        message: first(&[
            (item, "message"),
            (item, "errorMsg"),
            (detail, "message"),
            (detail, "reason"),
            (item, "description"),
        ]),
        advice: first(&[
            (item, "advice"),
            (item, "proposal"),
            (detail, "proposal"),
            (item, "suggestion"),
        ]),
    }
}

/// OMS's count and the tables of one page of a ListProjectFullVerifyResult.
pub(super) fn verification(data: &Value) -> Option<(Option<i64>, Vec<VerifiedTable>)> {
    let fields = Fields::new(data);
    data.as_object()?;
    let tables = fields.items("fullVerifyTableStatistics").iter();
    let tables = tables.map(|table| verified(Fields::new(table))).collect();
    Some((fields.integer("differentNumber"), tables))
}

fn verified(table: Fields<'_>) -> VerifiedTable {
    VerifiedTable {
        source_schema: table.text("sourceSchemaName"),
        source_table: table.text("sourceTableName"),
        dest_schema: table.text("destSchemaName"),
        result_type: table.text("resultType"),
        status: table.text("status"),
        source_only: table.integer("sourceOnlyCount"),
        dest_only: table.integer("destOnlyCount"),
        mismatched: table.integer("mismatchedCount"),
        message: ["message", "resultDesc"]
            .into_iter()
            .filter_map(|key| table.text(key))
            .find(|text| !text.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_named_as_in_the_request() {
        let data = json!({
            "id": "np_1", "name": "shop", "enableFullTransfer": true, "steps": [{}],
            "labels": [{"id": "l_1", "name": "prod"}],
            "sourceConnectInfo": {"id": "c_1", "endpointId": "e_1", "endpointName": "mysql"},
            "sinkConnectInfo": null, "fullTransferConfig": {"throttleRps": null},
        });
        assert_eq!(
            Value::Object(configuration(&data)),
            json!({
                "id": "np_1", "name": "shop", "enableFullTransfer": true, "labelIds": ["l_1"],
                "sourceEndpointId": "e_1", "sourceEndpointRef": {"name": "mysql"},
                "fullTransferConfig": {"throttleRps": null},
            })
        );
        assert_eq!(
            configuration(&json!({"labels": null}))["labelIds"],
            Value::Null
        );
    }

    #[test]
    fn a_check_is_read_under_every_name_that_its_texts_may_have() {
        let items = precheck(&json!({"preCheckResults": [
            {"name": "a", "status": "FAILED", "message": "no", "errorDetails": [{"proposal": "do"}]},
            {"checkType": "B", "status": "FAILED", "message": null, "errorDetail": {"message": "no", "proposal": "do"}},
        ]}))
        .unwrap();
        for item in &items {
            assert_eq!(item.message.as_deref(), Some("no"));
            assert_eq!(item.advice.as_deref(), Some("do"));
        }
        assert_eq!(items[1].name.as_deref(), Some("B"));
        assert_eq!(precheck(&json!({"preCheckResults": null})), None);
        assert_eq!(precheck(&json!(null)), None);
    }

    #[test]
    fn a_verification_without_tables_is_one() {
        assert_eq!(
            verification(&json!({"differentNumber": "0", "fullVerifyTableStatistics": null})),
            Some((Some(0), Vec::new()))
        );
        assert_eq!(verification(&json!([])), None);
    }
}
