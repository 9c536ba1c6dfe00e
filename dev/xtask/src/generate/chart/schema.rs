//! `values.schema.json`: which values there are, and what they may be. Helm refuses others.

use serde_json::{Map, Value, json};

use super::values::{Entry, Values};

/// The schema as text.
pub fn schema(values: &Values) -> String {
    let mut root = group();
    for entry in &values.entries {
        put(&mut root, &entry.path, leaf(entry));
    }
    // Helm hands it to every chart that is part of another one.
    put(
        &mut root,
        &["global".to_owned()],
        json!({
            "type": "object",
            "description": "Values of the charts around this one; not used here.",
        }),
    );
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("Values of the oms-operator chart");
    let mut text = serde_json::to_string_pretty(&root).expect("plain data");
    text.push('\n');
    text
}

/// Keys that only group: nothing but what is in them may be there.
fn group() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {}})
}

fn put(group_: &mut Value, path: &[String], leaf: Value) {
    match path {
        [] => {}
        [key] => group_["properties"][key] = leaf,
        [key, rest @ ..] => {
            let inner = &mut group_["properties"][key];
            if inner.is_null() {
                *inner = group();
            }
            put(inner, rest, leaf);
        }
    }
}

fn leaf(entry: &Entry) -> Value {
    let mut schema: Map<String, Value> = entry.schema.as_object().cloned().unwrap_or_default();
    schema
        .entry("type")
        .or_insert_with(|| json!(type_of(&entry.default)));
    schema.insert("description".to_owned(), json!(entry.words));
    schema.insert("default".to_owned(), entry.default.clone());
    Value::Object(schema)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_in_groups_and_allowed_in_maps() {
        let text = "# @section -- S\na:\n  # -- Words.\n  # @schema {\"minimum\": 1}\n  b: 3\n  # -- Map.\n  c: {}\n";
        let schema: Value = serde_json::from_str(&schema(&Values::parse(text).unwrap())).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        let a = &schema["properties"]["a"];
        assert_eq!(a["additionalProperties"], false);
        assert_eq!(
            a["properties"]["b"],
            json!({"type": "integer", "minimum": 1, "description": "Words.", "default": 3})
        );
        assert_eq!(a["properties"]["c"].get("additionalProperties"), None);
        assert_eq!(schema["properties"]["global"]["type"], "object");
    }
}
