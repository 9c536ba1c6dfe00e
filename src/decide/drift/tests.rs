use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::v1alpha1::MigrationProjectSpec;

fn spec(more: Value) -> MigrationProjectSpec {
    let mut spec = json!({"project": {
        "type": "MIGRATION", "sourceEndpointId": "e_1", "sinkEndpointId": "e_2",
        "transferMapping": {"mode": "SPECIFIC", "databases": [
            {"name": "shop", "tables": [{"name": "orders"}, {"name": "items", "whereClause": "id > 7"}]},
        ]},
        "enableFullTransfer": true, "enableIncrTransfer": true,
        "fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"},
    }});
    json_patch(&mut spec, &more);
    serde_json::from_value(spec).unwrap()
}

fn json_patch(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                json_patch(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// What the paths of the differences are between the request of `spec` and
/// OMS's answer, which is that request with `change`.
fn paths(spec: &MigrationProjectSpec, change: Value) -> Vec<String> {
    let asked = asked(spec, "shop.orders");
    let mut found = Value::Object(asked.clone());
    json_patch(&mut found, &change);
    let drift = compare(&asked, found.as_object().unwrap());
    let differences = drift.map(|drift| drift.differences).unwrap_or_default();
    differences.into_iter().filter_map(|one| one.path).collect()
}

#[test]
fn what_oms_answers_to_the_request_itself_is_in_sync() {
    assert_eq!(paths(&spec(json!({})), json!({})), [""; 0]);
}

#[test]
fn what_oms_fills_in_is_no_difference() {
    let filled = json!({
        "importance": "LOW", "owner": "admin", "labelIds": null,
        "commonTransferConfig": {"tableCategory": "ALL"}, "structTransferConfig": null,
        "fullTransferConfig": {"throttleRps": null, "readWorkerNum": 8},
        "incrTransferConfig": {"storeLogKeptHour": 168},
    });
    assert_eq!(paths(&spec(json!({})), filled), [""; 0]);
}

#[test]
fn a_changed_setting_is_named_with_both_values() {
    let asked = asked(&spec(json!({})), "n");
    let mut found = asked.clone();
    found["fullTransferConfig"]["fullTransferSpeedMode"] = json!("FAST");
    let drift = compare(&asked, &found).unwrap();
    let expected = ConfigurationDifference {
        path: Some("fullTransferConfig.fullTransferSpeedMode".into()),
        wanted: Some("NORMAL".into()),
        found: Some("FAST".into()),
    };
    assert_eq!(
        (drift.total, drift.differences.as_slice()),
        (Some(1), &[expected][..])
    );
    let statement = statement(Some(&drift), false);
    assert_eq!(statement.holds, Some(false));
    assert!(
        statement.message.contains("asked for NORMAL, OMS has FAST"),
        "{}",
        statement.message
    );
    assert!(statement.message.contains("set it back in OMS's console"));
}

#[test]
fn flags_that_were_sent_for_safety_are_held_to() {
    let spec = spec(json!({}));
    let change =
        json!({"enableFullVerify": true, "fullTransferConfig": {"allowDestTableNotEmpty": true}});
    let mut found = paths(&spec, change);
    found.sort();
    assert_eq!(
        found,
        [
            "enableFullVerify",
            "fullTransferConfig.allowDestTableNotEmpty"
        ]
    );
}

#[test]
fn tables_that_came_went_or_changed_are_named() {
    let tables = json!({"transferMapping": {"databases": [{"name": "shop", "tables": [
        {"name": "items", "whereClause": null}, {"name": "users"},
    ], "views": [{"name": "v"}]}]}});
    let mut found = paths(&spec(json!({})), tables);
    found.sort();
    let at = |rest: &str| format!("transferMapping.databases[shop].{rest}");
    assert_eq!(
        found,
        [
            at("tables[items].whereClause"),
            at("tables[orders]"),
            at("tables[users]"),
            at("views[v]")
        ]
    );
}

#[test]
fn the_order_of_a_list_is_no_difference() {
    let spec = spec(
        json!({"project": {"incrTransferConfig": {"recordTypeWhiteList": ["INSERT", "DELETE"]}}}),
    );
    let other = json!({
        "incrTransferConfig": {"recordTypeWhiteList": ["DELETE", "INSERT"]},
        "transferMapping": {"databases": [{"name": "shop", "tables": [
            {"name": "items", "whereClause": "id > 7"}, {"name": "orders"},
        ]}]},
    });
    assert_eq!(paths(&spec, other), [""; 0]);
}

#[test]
fn what_a_wildcard_matches_is_no_difference_but_a_changed_pattern_is() {
    let spec = spec(json!({"project": {"transferMapping": {
        "mode": "WILDCARD", "databases": null, "tableAndViewWhiteList": ["shop.*"],
    }}}));
    let expanded =
        json!({"transferMapping": {"databases": [{"name": "shop", "tables": [{"name": "a"}]}]}});
    assert_eq!(paths(&spec, expanded), [""; 0]);
    let changed = json!({"transferMapping": {"tableAndViewWhiteList": ["shop.o*"]}});
    assert_eq!(
        paths(&spec, changed),
        [
            "transferMapping.tableAndViewWhiteList[shop.*]",
            "transferMapping.tableAndViewWhiteList[shop.o*]"
        ]
    );
}

#[test]
fn masked_values_are_no_difference_where_they_may_be_the_same() {
    let spec = spec(json!({"project": {"sourceEndpointId": "e_4wg07fabcd"}}));
    assert_eq!(
        paths(&spec, json!({"sourceEndpointId": "e_4wg****"})),
        [""; 0]
    );
    assert_eq!(paths(&spec, json!({"sourceEndpointId": "******"})), [""; 0]);
    assert_eq!(
        paths(&spec, json!({"sourceEndpointId": "e_5****"})),
        ["sourceEndpointId"]
    );
    assert_eq!(
        paths(&spec, json!({"sourceEndpointId": "e_other"})),
        ["sourceEndpointId"]
    );
}

#[test]
fn the_vendors_form_of_a_number_or_flag_is_no_difference() {
    let spec = spec(json!({"project": {
        "incrTransferConfig": {"storeLogKeptHour": 72}, "commonTransferConfig": {"activeActive": false},
    }}));
    let texts = json!({
        "incrTransferConfig": {"storeLogKeptHour": "72"}, "commonTransferConfig": {"activeActive": null},
        "enableFullTransfer": "true", "enableStructTransfer": "false",
    });
    assert_eq!(paths(&spec, texts), [""; 0]);
}

#[test]
fn an_adopted_project_is_held_to_what_the_spec_says_of_it() {
    let adopted: MigrationProjectSpec = serde_json::from_value(json!({
        "adopt": {"projectId": "np_1"}, "sourceEndpointRef": {"name": "mysql"},
        "project": {"fullTransferConfig": {"fullTransferSpeedMode": "FAST"}},
    }))
    .unwrap();
    let asked = asked(&adopted, "whatever");
    let found = json!({
        "name": "by-hand", "type": "SYNC", "enableFullVerify": true,
        "sourceEndpointRef": {"name": "oracle"},
        "fullTransferConfig": {"fullTransferSpeedMode": "STEADY", "allowDestTableNotEmpty": true},
    });
    let drift = compare(&asked, found.as_object().unwrap()).unwrap();
    let mut paths: Vec<_> = drift
        .differences
        .iter()
        .filter_map(|one| one.path.clone())
        .collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "fullTransferConfig.fullTransferSpeedMode",
            "sourceEndpointRef.name"
        ]
    );
}

#[test]
fn what_may_be_a_secret_is_never_shown() {
    let asked = json!({"ossKey": "s3cret-1", "custom": [{"accessKeySecret": "s3cret-2", "x": 1}]});
    let found = json!({"ossKey": "s3cret-3", "custom": [{"Db-Password": "s3cret-4", "x": 2}]});
    let drift = compare(asked.as_object().unwrap(), found.as_object().unwrap()).unwrap();
    assert_eq!(drift.total, Some(2));
    let shown = format!("{drift:?} {:?}", statement(Some(&drift), true));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn the_list_is_bounded_and_the_count_is_not() {
    let tables = |n: usize, prefix: &str| -> Vec<Value> {
        (0..n)
            .map(|i| json!({"name": format!("{prefix}{i}")}))
            .collect()
    };
    let asked = json!({"transferMapping": {"mode": "SPECIFIC", "databases": [{"name": "shop", "tables": tables(5000, "a")}]}});
    let found = json!({"transferMapping": {"mode": "SPECIFIC", "databases": [{"name": "shop", "tables": tables(5000, "b")}]}});
    let drift = compare(asked.as_object().unwrap(), found.as_object().unwrap()).unwrap();
    assert_eq!((drift.total, drift.differences.len()), (Some(10_000), 10));
    let message = statement(Some(&drift), false).message;
    assert!(message.contains("9997 more"), "{message}");
}

// --- Properties ----------------------------------------------------------------------

/// A scalar that a user may set.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        (1..10_000_i64).prop_map(Value::from),
        "[a-z]{1,8}".prop_map(Value::from),
    ]
}

/// A list of distinct words, or of objects with distinct names.
fn list() -> impl Strategy<Value = Value> {
    let words = btree_map("[a-z]{1,6}", Just(()), 1..6)
        .prop_map(|words| words.into_keys().map(Value::from).collect::<Value>());
    let objects = btree_map("[a-z]{1,6}", btree_map("[f-k]{1,3}", scalar(), 0..3), 1..5);
    let objects = objects.prop_map(|objects| {
        let named = objects.into_iter().map(|(name, fields)| {
            let mut object: Map<String, Value> = fields.into_iter().collect();
            object.insert("name".into(), name.into());
            Value::Object(object)
        });
        named.collect::<Value>()
    });
    prop_oneof![words, objects]
}

/// A body of any shape, three levels deep.
fn body() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![3 => scalar(), 1 => list()];
    let section = btree_map("[a-e]{1,4}", leaf.clone(), 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()));
    btree_map("[a-e]{1,4}", prop_oneof![leaf, section], 0..6)
        .prop_map(|fields| fields.into_iter().collect())
}

/// The body as a server gives it back: lists turned, numbers as texts, flags
/// that are false as null, and more fields than were asked for.
fn echo(value: &Value, extra: &[(String, Value)], texts: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let mut all: Map<String, Value> = extra
                .iter()
                .map(|(key, value)| (format!("filled-{key}"), value.clone()))
                .collect();
            all.extend(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), echo(value, extra, texts))),
            );
            Value::Object(all)
        }
        Value::Array(items) => items
            .iter()
            .rev()
            .map(|item| echo(item, extra, texts))
            .collect(),
        Value::Number(number) if texts => number.to_string().into(),
        Value::Bool(false) if texts => Value::Null,
        scalar => scalar.clone(),
    }
}

proptest! {
    #[test]
    fn a_body_is_in_sync_with_its_own_echo(
        body in body(),
        extra in vec(("[a-e]{1,4}", prop_oneof![scalar(), Just(Value::Null), Just(json!([]))]), 0..4),
        texts: bool,
    ) {
        let found = echo(&Value::Object(body.clone()), &extra, texts);
        prop_assert_eq!(compare(&body, found.as_object().unwrap()), None);
    }

    #[test]
    fn one_changed_scalar_is_one_difference_at_its_path(body in body(), value in scalar(), other in scalar()) {
        let both_nothing = is_nothing(&value) && is_nothing(&other);
        prop_assume!(!both_nothing && !is_same(&value, &other));
        let mut asked = body;
        asked.insert("section".into(), json!({"field": value}));
        let mut found = echo(&Value::Object(asked.clone()), &[], false);
        found["section"]["field"] = other;
        let drift = compare(&asked, found.as_object().unwrap()).unwrap();
        prop_assert_eq!(drift.total, Some(1));
        prop_assert_eq!(drift.differences[0].path.as_deref(), Some("section.field"));
    }

    #[test]
    fn whatever_oms_answers_the_result_is_bounded(asked in body(), found in body()) {
        if let Some(drift) = compare(&asked, &found) {
            prop_assert!(drift.differences.len() <= 10);
            prop_assert!(drift.total >= i32::try_from(drift.differences.len()).ok());
            for one in &drift.differences {
                for text in [&one.path, &one.wanted, &one.found].into_iter().flatten() {
                    prop_assert!(text.chars().count() <= 256 && !text.chars().any(char::is_control));
                }
            }
        }
    }
}
