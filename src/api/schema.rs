//! What is done to a derived custom resource definition before it is published.
//!
//! The derived schema says `nullable` for every optional field. An API server
//! then keeps nulls, and refuses the null of an optional enumeration. Without
//! the word it prunes them, so that null means absent everywhere and a request
//! copied from elsewhere is accepted as it is.

use serde_json::{Map, Value, json};

use super::v1alpha1::rules::Placed;

/// Prepares a definition that [`kube::CustomResourceExt::crd`] made, in JSON.
///
/// # Panics
/// When a rule or a bound names a schema node that does not exist: a mistake in
/// this crate, which its tests would meet first.
pub fn finish(crd: &mut Value, rules: &[Placed]) {
    for version in crd["spec"]["versions"]
        .as_array_mut()
        .expect("a derived definition has versions")
    {
        let root = &mut version["schema"]["openAPIV3Schema"];
        root.as_object_mut()
            .expect("a derived version has a schema")
            .remove("title");
        clean(root);
        for (pointer, bounds) in foreign_bounds() {
            if let Some(node) = root.pointer_mut(pointer) {
                overlay(node, &bounds);
            }
        }
        if let Some(node) = root.pointer_mut("/properties/spec/properties/extraProperties") {
            let node = node.as_object_mut().expect("a schema node is an object");
            node.remove("additionalProperties");
            node.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
        }
        // A resource that nobody has looked at reads as in progress (kstatus),
        // without a write.
        root["properties"]["status"]["default"] = json!({ "observedGeneration": -1 });
        for placed in rules {
            let node = root
                .pointer_mut(placed.at)
                .unwrap_or_else(|| panic!("no schema node at {}", placed.at));
            let node = node.as_object_mut().expect("a schema node is an object");
            node.entry("x-kubernetes-validations")
                .or_insert_with(|| json!([]))
                .as_array_mut()
                .expect("rules are a list")
                .push(placed.rule.clone());
        }
        drop_empty_lists(version, &["additionalPrinterColumns", "selectableFields"]);
    }
    drop_empty_lists(&mut crd["spec"]["names"], &["categories", "shortNames"]);
    if let Some(object) = crd.as_object_mut() {
        object.remove("status");
    }
}

/// Takes the description of an enumeration away, so that the one of the field
/// that uses it, which says when and what for, is published.
pub fn describe_at_field(schema: &mut schemars::Schema) {
    schema.remove("description");
}

/// Bounds of types that are not ours: the text of a condition as the Kubernetes
/// API declares it, and of a label selector as labels allow.
fn foreign_bounds() -> Vec<(&'static str, Value)> {
    let label_key = json!({ "maxLength": 317, "minLength": 1 });
    vec![
        (
            "/properties/status/properties/conditions/items",
            json!({ "properties": {
                "type": { "maxLength": 316, "minLength": 1 },
                "status": { "enum": ["True", "False", "Unknown"] },
                "reason": { "maxLength": 1024, "minLength": 1 },
                "message": { "maxLength": 32768 },
                "observedGeneration": { "minimum": 0, "maximum": 9_007_199_254_740_991_i64 },
            }}),
        ),
        (
            "/properties/spec/properties/allowedNamespaces/properties/selector/properties/matchLabels",
            json!({ "maxProperties": 64, "additionalProperties": { "maxLength": 63 } }),
        ),
        (
            "/properties/spec/properties/allowedNamespaces/properties/selector/properties/matchExpressions",
            json!({
                "maxItems": 64,
                "items": { "properties": {
                    "key": label_key,
                    "operator": { "enum": ["In", "NotIn", "Exists", "DoesNotExist"] },
                    "values": { "maxItems": 64, "items": { "maxLength": 63 } },
                }},
            }),
        ),
    ]
}

fn overlay(node: &mut Value, bounds: &Value) {
    match (node, bounds) {
        (Value::Object(node), Value::Object(bounds)) => {
            for (key, bound) in bounds {
                overlay(node.entry(key.clone()).or_insert(Value::Null), bound);
            }
        }
        (node, bounds) => *node = bounds.clone(),
    }
}

/// Walks a schema node and everything below it.
fn clean(node: &mut Value) {
    let Value::Object(node) = node else { return };
    node.remove("nullable");
    // Defaults live in code: a default in a list shows as drift in Argo CD, and
    // the derived ones ([] for conditions) say nothing.
    node.remove("default");
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    // The typed definition holds bounds as floating-point numbers; written as
    // such they would differ from what the server gives back.
    for key in ["minimum", "maximum"] {
        if let Some(bound) = node.get_mut(key)
            && let Some(whole) = bound.as_f64()
        {
            // Exact: no bound of ours is beyond 2^53.
            *bound = json!(whole as i64);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = node.get_mut(key) {
            clean(child);
        }
    }
    if let Some(Value::Object(children)) = node.get_mut("properties") {
        children.values_mut().for_each(clean);
    }
    unfold_description(node);
}

/// Line breaks of the source are no line breaks of the text.
fn unfold_description(node: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = node.get_mut("description") {
        let paragraphs: Vec<String> = text
            .split("\n\n")
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        *text = paragraphs.join("\n\n");
    }
}

fn drop_empty_lists(node: &mut Value, keys: &[&str]) {
    if let Some(object) = node.as_object_mut() {
        for key in keys {
            if object
                .get(*key)
                .is_some_and(|value| value.as_array().is_some_and(Vec::is_empty))
            {
                object.remove(*key);
            }
        }
    }
}
