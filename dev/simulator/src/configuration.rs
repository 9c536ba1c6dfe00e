//! A project's configuration as DescribeProject shows it: in the vendor's form,
//! with what a server adds that nobody asked for.

use serde_json::{Map, Value, json};

/// The sections of a configuration.
pub(crate) const SECTIONS: [&str; 6] = [
    "transferMapping",
    "commonTransferConfig",
    "structTransferConfig",
    "fullTransferConfig",
    "incrTransferConfig",
    "reverseIncrTransferConfig",
];

/// Defaults that a server returns where nobody set anything. Those without a
/// documented value are null.
const DEFAULTS: [(&str, &[(&str, &str)]); 4] = [
    (
        "commonTransferConfig",
        &[
            ("tableCategory", r#""ALL""#),
            ("activeActive", "false"),
            ("mqSerializerType", r#""DEFAULT""#),
            ("mqPartitionMode", "null"),
            ("mqPartition", "null"),
            ("rocketMqProducerGroup", r#""OMS""#),
        ],
    ),
    (
        "structTransferConfig",
        &[
            ("byteCharConvertStrategy", r#""DO_NOTHING_IF_BYTE_USED""#),
            ("deferIndexCreation", "false"),
        ],
    ),
    (
        "fullTransferConfig",
        &[
            ("fullVerifySpeedMode", "null"),
            ("throttleRps", "null"),
            ("throttleIOPS", "null"),
        ],
    ),
    (
        "incrTransferConfig",
        &[
            ("storeLogKeptHour", "168"),
            ("incrSyncConcurrency", "64"),
            ("recordTypeWhiteList", r#"["INSERT","UPDATE","DELETE"]"#),
            ("throttleRps", "null"),
        ],
    ),
];

/// The lists of a database, with what a server says its elements are.
const OBJECTS: [(&str, &str); 4] = [
    ("tables", "TABLE"),
    ("views", "VIEW"),
    ("specificTables", "TABLE"),
    ("specificViews", "VIEW"),
];

/// Fills in what OMS returns although nobody set it.
pub(crate) fn fill(value: &mut Value) {
    for (section, defaults) in DEFAULTS {
        if let Some(section) = value[section].as_object_mut() {
            for (key, default) in defaults {
                // Every one of the texts above is JSON.
                absent(
                    section,
                    key,
                    serde_json::from_str(default).unwrap_or_default(),
                );
            }
        }
    }
    for list in ["databases", "databasesBlack"] {
        for database in objects(value["transferMapping"].get_mut(list)) {
            fill_object(database, "DATABASE");
            for (list, kind) in OBJECTS {
                for object in objects(database.get_mut(list)) {
                    fill_object(object, kind);
                    for key in ["whereClause", "filterColumns", "shardColumns"] {
                        absent(object, key, Value::Null);
                    }
                }
                absent(database, list, Value::Null);
            }
        }
    }
}

fn fill_object(object: &mut Map<String, Value>, kind: &str) {
    object.insert("type".into(), json!(kind));
    absent(object, "id", Value::Null);
    let name = object.get("name").cloned().unwrap_or_default();
    absent(object, "mappedName", name);
}

fn absent(object: &mut Map<String, Value>, key: &str, default: Value) {
    let set = object.entry(key).or_insert(Value::Null);
    if set.is_null() {
        *set = default;
    }
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let items = list.and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// RFC 7386: null takes away, an object is merged, anything else replaces.
pub(crate) fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    if let Value::Object(into) = into {
        for (key, value) in patch {
            match value {
                Value::Null => {
                    into.remove(key);
                }
                value => merge(into.entry(key.clone()).or_insert(Value::Null), value),
            }
        }
    }
}
