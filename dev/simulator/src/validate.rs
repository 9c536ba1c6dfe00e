//! What CreateProject refuses beyond the shape of its body.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::UnknownKeys;
use crate::reply::Refusal;
use crate::schema;
use crate::seed::{DataSource, PRECHECKS};

/// The console's limit.
const NAME_MAX: usize = 64;
const LABELS_MAX: usize = 5;
/// The page's maximum, 365 days; the minimum is a known client's.
const STORE_LOG_HOURS: std::ops::RangeInclusive<i64> = 1..=8760;
/// A known client's range.
const INCR_CONCURRENCY: std::ops::RangeInclusive<i64> = 1..=1024;

/// A body as a JSON object. An empty one is an empty object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::parameter(&[
            "the body must be a JSON object".into()
        ])),
        Err(error) => Err(Refusal::parameter(&[format!(
            "the body is no JSON: {error}"
        )])),
    }
}

/// Refuses a CreateProject body that OMS would refuse.
pub(crate) fn create_project(
    body: &Map<String, Value>,
    data_sources: &[DataSource],
    known_labels: &BTreeMap<String, String>,
    unknown: UnknownKeys,
) -> Result<(), Refusal> {
    let mut complaints = Vec::new();
    schema::CREATE_PROJECT.check(body, unknown, &mut complaints);
    let check = Check { body };
    check.name(&mut complaints);
    check.references(data_sources, known_labels, &mut complaints);
    check.mapping(&mut complaints);
    check.full_transfer(&mut complaints);
    check.ranges(&mut complaints);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(Refusal::parameter(&complaints))
    }
}

/// Refuses the labels of a list or a create.
pub(crate) fn labels(body: &Map<String, Value>, complaints: &mut Vec<String>) {
    let labels = body.get("labelIds").and_then(Value::as_array);
    if labels.is_some_and(|labels| labels.len() > LABELS_MAX) {
        complaints.push(format!("labelIds must have at most {LABELS_MAX} entries"));
    }
}

struct Check<'a> {
    body: &'a Map<String, Value>,
}

impl Check<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str) -> bool {
        self.body.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn within(&self, object: &str, key: &str) -> Option<&Value> {
        self.body.get(object)?.get(key).filter(|v| !v.is_null())
    }

    fn name(&self, complaints: &mut Vec<String>) {
        let Some(name) = self.text("name") else {
            return;
        };
        if name.is_empty() {
            complaints.push("name must not be empty".into());
        }
        if name.contains(char::is_whitespace) {
            complaints.push("name must not contain spaces".into());
        }
        if name.chars().count() > NAME_MAX {
            complaints.push(format!("name must have at most {NAME_MAX} characters"));
        }
    }

    fn references(
        &self,
        data_sources: &[DataSource],
        known_labels: &BTreeMap<String, String>,
        complaints: &mut Vec<String>,
    ) {
        for key in ["sourceEndpointId", "sinkEndpointId"] {
            if let Some(id) = self.text(key)
                && !data_sources.iter().any(|source| source.id == id)
            {
                complaints.push(format!("{key}: the data source {id} does not exist"));
            }
        }
        if let Some(id) = self.text("preCheckId")
            && !PRECHECKS.contains(&id)
        {
            complaints.push(format!("preCheckId: the precheck {id} does not exist"));
        }
        labels(self.body, complaints);
        let given = self.body.get("labelIds").and_then(Value::as_array);
        for id in given.into_iter().flatten().filter_map(Value::as_str) {
            if !known_labels.contains_key(id) {
                complaints.push(format!("labelIds: the label {id} does not exist"));
            }
        }
    }

    fn mapping(&self, complaints: &mut Vec<String>) {
        let list = |key| {
            self.within("transferMapping", key)
                .and_then(Value::as_array)
                .filter(|items| !items.is_empty())
        };
        let databases = list("databases");
        match self
            .within("transferMapping", "mode")
            .and_then(Value::as_str)
        {
            Some("SPECIFIC") if databases.is_none() => complaints
                .push("transferMapping.databases is required when mode is SPECIFIC".into()),
            Some("SPECIFIC") => {
                for (i, database) in databases.into_iter().flatten().enumerate() {
                    if !names_an_object(database) {
                        complaints.push(format!(
                            "transferMapping.databases[{i}] names no object to transfer"
                        ));
                    }
                }
            }
            Some("WILDCARD") if databases.is_none() && list("tableAndViewWhiteList").is_none() => {
                complaints.push(
                    "transferMapping.tableAndViewWhiteList or databases is required when mode is WILDCARD"
                        .into(),
                );
            }
            _ => {}
        }
    }

    fn full_transfer(&self, complaints: &mut Vec<String>) {
        for (flag, speed) in [
            ("enableFullTransfer", "fullTransferSpeedMode"),
            ("enableFullVerify", "fullVerifySpeedMode"),
        ] {
            if self.flag(flag) && self.within("fullTransferConfig", speed).is_none() {
                complaints.push(format!(
                    "fullTransferConfig.{speed} is required when {flag} is true"
                ));
            }
        }
    }

    fn ranges(&self, complaints: &mut Vec<String>) {
        for config in ["incrTransferConfig", "reverseIncrTransferConfig"] {
            for (key, range) in [
                ("storeLogKeptHour", STORE_LOG_HOURS),
                ("incrSyncConcurrency", INCR_CONCURRENCY),
            ] {
                if let Some(n) = self.within(config, key).and_then(Value::as_i64)
                    && !range.contains(&n)
                {
                    complaints.push(format!(
                        "{config}.{key} must be from {} to {}",
                        range.start(),
                        range.end()
                    ));
                }
            }
        }
        if let Some(n) = self
            .within("commonTransferConfig", "mqPartition")
            .and_then(Value::as_i64)
            && n < 0
        {
            complaints.push("commonTransferConfig.mqPartition must not be negative".into());
        }
    }
}

fn names_an_object(database: &Value) -> bool {
    ["tables", "views", "procedures", "functions"]
        .iter()
        .any(|kind| {
            database
                .get(kind)
                .and_then(Value::as_array)
                .is_some_and(|items| !items.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seed;

    fn example() -> Value {
        serde_json::from_str(include_str!(
            "../../../tests/fixtures/oms/createproject-request.json"
        ))
        .unwrap()
    }

    fn refusal(body: &Value) -> Option<String> {
        create_project(
            body.as_object().unwrap(),
            &seed::data_sources(),
            &seed::labels(),
            UnknownKeys::Refuse,
        )
        .err()
        .map(|refusal| {
            assert_eq!(refusal.code, "PARAM_ERROR");
            refusal.message
        })
    }

    #[test]
    fn the_vendors_example_is_legal() {
        assert_eq!(refusal(&example()), None);
    }

    #[test]
    fn each_kind_of_mistake_is_refused_with_its_path() {
        let long = "n".repeat(65);
        let labels = ["l_prod0000001"; 6];
        for (pointer, value, message) in [
            ("/name", json!(null), "name is required"),
            ("/name", json!(""), "name must not be empty"),
            ("/name", json!("a b"), "name must not contain spaces"),
            ("/name", json!(long), "name must have at most 64 characters"),
            ("/name", json!(7), "name must be a string"),
            (
                "/type",
                json!("VERIFY"),
                "type must be one of MIGRATION, SYNC",
            ),
            ("/type", json!(null), "type is required"),
            ("/importance", json!("URGENT"), "importance must be one of"),
            (
                "/labelIds",
                json!(labels),
                "labelIds must have at most 5 entries",
            ),
            (
                "/labelIds",
                json!(["l_none"]),
                "the label l_none does not exist",
            ),
            ("/labelIds", json!([1]), "labelIds[0] must be a string"),
            (
                "/sourceEndpointId",
                json!("e_none"),
                "sourceEndpointId: the data source e_none",
            ),
            (
                "/sinkEndpointId",
                json!("e_none"),
                "sinkEndpointId: the data source e_none",
            ),
            ("/sinkEndpointId", json!(null), "sinkEndpointId is required"),
            (
                "/preCheckId",
                json!("t_none"),
                "the precheck t_none does not exist",
            ),
            (
                "/transferMapping",
                json!(null),
                "transferMapping is required",
            ),
            (
                "/transferMapping",
                json!([]),
                "transferMapping must be an object",
            ),
            (
                "/transferMapping/mode",
                json!(null),
                "transferMapping.mode is required",
            ),
            (
                "/transferMapping/mode",
                json!("SPCEIFIC"),
                "transferMapping.mode must be one of",
            ),
            (
                "/transferMapping/databases",
                json!([]),
                "databases is required when mode is SPECIFIC",
            ),
            (
                "/transferMapping/databases",
                json!({}),
                "databases must be an array of objects",
            ),
            (
                "/transferMapping/databases/0/name",
                json!(null),
                "databases[0].name is required",
            ),
            (
                "/transferMapping/databases/0",
                json!({"name": "d"}),
                "databases[0] names no object",
            ),
            (
                "/transferMapping/databases/0/tables/0/name",
                json!(null),
                "databases[0].tables[0].name is required",
            ),
            (
                "/transferMapping/databases/0/tables/0/filterColumns",
                json!("c"),
                "tables[0].filterColumns must be an array of strings",
            ),
            (
                "/transferMapping/databasesBlack",
                json!([{"tables": []}]),
                "databasesBlack[0].name is required",
            ),
            (
                "/commonTransferConfig/mqPartition",
                json!(-1),
                "mqPartition must not be negative",
            ),
            (
                "/commonTransferConfig/activeActive",
                json!("no"),
                "activeActive must be a boolean",
            ),
            (
                "/enableFullTransfer",
                json!("true"),
                "enableFullTransfer must be a boolean",
            ),
            (
                "/fullTransferConfig/fullTransferSpeedMode",
                json!(null),
                "fullTransferSpeedMode is required when enableFullTransfer",
            ),
            (
                "/fullTransferConfig",
                json!(null),
                "fullVerifySpeedMode is required when enableFullVerify",
            ),
            (
                "/fullTransferConfig/fullVerifySpeedMode",
                json!("WARP"),
                "must be one of STEADY",
            ),
            (
                "/incrTransferConfig/storeLogKeptHour",
                json!(8761),
                "must be from 1 to 8760",
            ),
            (
                "/incrTransferConfig/storeLogKeptHour",
                json!(0),
                "must be from 1 to 8760",
            ),
            (
                "/incrTransferConfig/incrSyncConcurrency",
                json!(1025),
                "must be from 1 to 1024",
            ),
            (
                "/incrTransferConfig/recordTypeWhiteList/0",
                json!("TRUNCATE"),
                "must be one of HEART",
            ),
            (
                "/incrTransferConfig/startTimestamp",
                json!("soon"),
                "must be an integer",
            ),
        ] {
            let mut body = example();
            *body.pointer_mut(pointer).unwrap() = value.clone();
            let got = refusal(&body).unwrap_or_else(|| panic!("{pointer} = {value} was accepted"));
            assert!(got.contains(message), "{pointer} = {value}: {got}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_at_every_depth_unless_told_otherwise() {
        for pointer in [
            "",
            "/transferMapping",
            "/transferMapping/databases/0/tables/0",
            "/incrTransferConfig",
        ] {
            let mut body = example();
            body.pointer_mut(pointer).unwrap()["surprise"] = json!(null);
            assert!(
                refusal(&body)
                    .unwrap()
                    .contains("surprise is not a known parameter")
            );
            let ignored = create_project(
                body.as_object().unwrap(),
                &seed::data_sources(),
                &seed::labels(),
                UnknownKeys::Ignore,
            );
            assert_eq!(ignored, Ok(()));
        }
    }

    #[test]
    fn keys_that_known_clients_send_beyond_the_page_are_accepted() {
        let mut body = example();
        body["fullTransferConfig"]["throttleRps"] = json!(1000);
        body["reverseIncrTransferConfig"] = json!({"throttleIOPS": null, "supportDDLTypes": []});
        assert_eq!(refusal(&body), None);
    }

    #[test]
    fn a_wildcard_needs_something_to_match() {
        let mut body = example();
        body["transferMapping"] = json!({"mode": "WILDCARD"});
        assert!(
            refusal(&body)
                .unwrap()
                .contains("tableAndViewWhiteList or databases")
        );
        body["transferMapping"]["tableAndViewWhiteList"] = json!(["shop.*"]);
        assert_eq!(refusal(&body), None);
    }
}
