//! The structural part of the validation: a schema walked along a value.
//!
//! The words that the schemas of the two kinds use, and no others; a test
//! holds the schemas to that. A schema library would find the same faults, but
//! in its own words and, for a field that is required, at another path.

use regex::Regex;
use serde_json::Value;

use super::problem::Problem;
use super::similar;
use super::tree::join;

const FREE: &str = "x-kubernetes-preserve-unknown-fields";

/// Takes out of a value what the API server takes out of it: nulls, which mean
/// absent, and fields that the schema does not know, which strict validation,
/// the default of kubectl, refuses.
pub fn prune(value: &mut Value, root: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    Pruning {
        root,
        problems: &mut problems,
    }
    .node(value, root, "");
    problems
}

struct Pruning<'a> {
    root: &'a Value,
    problems: &'a mut Vec<Problem>,
}

impl Pruning<'_> {
    fn node(&mut self, value: &mut Value, schema: &Value, path: &str) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &schema["items"], &format!("{path}[{index}]"));
                }
            }
            Value::Object(object) => {
                let properties = schema["properties"].as_object();
                let others = &schema["additionalProperties"];
                object.retain(|key, value| {
                    let path = join(path, key);
                    let known = properties.and_then(|properties| properties.get(key));
                    let Some(node) = known.or_else(|| others.is_object().then_some(others)) else {
                        let free = schema[FREE] == true || is_any_object(schema);
                        if !free {
                            let hint = hint(key, &path, schema, self.root);
                            self.problems.push(Problem::unknown(&path, hint));
                        }
                        return free;
                    };
                    self.node(value, node, &path);
                    !value.is_null()
                });
            }
            _ => {}
        }
    }
}

/// Whether the schema says "an object" and nothing of its fields, as that of
/// managedFields does.
fn is_any_object(schema: &Value) -> bool {
    schema["properties"].is_null() && matches!(schema["type"].as_str(), None | Some("object"))
}

/// What may have been meant by a field that is unknown at its place.
fn hint(key: &str, path: &str, schema: &Value, root: &Value) -> Option<String> {
    if let Some(place) = place_of(key, root) {
        return Some(format!("did you mean {place}?"));
    }
    let names = schema["properties"].as_object()?.keys().map(String::as_str);
    if let Some(near) = similar::to(key, names) {
        return Some(format!("did you mean \"{near}\"?"));
    }
    let in_request = path.strip_prefix("spec.project.")?;
    // Nothing can be merged into the elements of a list.
    let reachable = !in_request.contains('[');
    reachable.then(|| {
        format!("a field of OMS that this version does not know goes into spec.extraProperties.{in_request}")
    })
}

/// The one place of the spec, outside lists, where a field of this name is
/// known.
fn place_of(key: &str, root: &Value) -> Option<String> {
    fn find(node: &Value, path: &str, key: &str, found: &mut Vec<String>) {
        for (name, child) in node["properties"].as_object().into_iter().flatten() {
            let path = join(path, name);
            if name == key {
                found.push(path.clone());
            }
            find(child, &path, key, found);
        }
    }
    let mut found = Vec::new();
    find(&root["properties"]["spec"], "spec", key, &mut found);
    // `name` is known in many places: no advice.
    (found.len() == 1).then(|| found.remove(0))
}

/// What the API server would find wrong with a value, once it is pruned.
pub fn validate(value: &Value, schema: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    node(value, schema, "", &mut problems);
    problems
}

fn node(value: &Value, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    if let Some(wanted) = schema["type"].as_str()
        && !is_a(value, wanted)
    {
        problems.push(Problem::wrong_type(path, wanted, type_of(value)));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        problems.push(Problem::unsupported(path, value, words));
    }
    match value {
        Value::String(text) => string(text, schema, path, problems),
        Value::Number(_) => number(value, schema, path, problems),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                node(
                    item,
                    &schema["items"],
                    &format!("{path}[{index}]"),
                    problems,
                );
            }
            most(items.len(), &schema["maxItems"], path, problems);
        }
        Value::Object(object) => {
            for (key, child) in object {
                let known = schema["properties"].get(key);
                let schema = known.unwrap_or(&schema["additionalProperties"]);
                node(child, schema, &join(path, key), problems);
            }
            let required = schema["required"].as_array().into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                if !object.contains_key(name) {
                    problems.push(Problem::required(&join(path, name), ""));
                }
            }
            most(object.len(), &schema["maxProperties"], path, problems);
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// The first fault only, as the server has it.
fn string(text: &str, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    let length = text.chars().count() as u64;
    let bound = |key: &str| schema[key].as_u64();
    if let Some(most) = bound("maxLength").filter(|most| length > *most) {
        problems.push(Problem::too_long(path, most));
        return;
    }
    let words = if let Some(least) = bound("minLength").filter(|least| length < *least) {
        format!("{path} in body should be at least {least} chars long")
    } else if let Some(pattern) = schema["pattern"].as_str()
        && !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
    {
        format!("{path} in body should match '{pattern}'")
    } else {
        return;
    };
    problems.push(Problem::invalid(path, &Value::from(text), words));
}

fn number(value: &Value, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    let number = value.as_f64().unwrap_or_default();
    for (bound, broken, words) in [
        ("minimum", std::cmp::Ordering::Less, "greater"),
        ("maximum", std::cmp::Ordering::Greater, "less"),
    ] {
        // Exact: no bound of ours is beyond 2^53.
        if let Some(limit) = schema[bound].as_f64()
            && number.total_cmp(&limit) == broken
        {
            let limit = &schema[bound];
            let words = format!("{path} in body should be {words} than or equal to {limit}");
            problems.push(Problem::invalid(path, value, words));
        }
    }
}

fn most(found: usize, most: &Value, path: &str, problems: &mut Vec<Problem>) {
    if let Some(most) = most.as_u64()
        && found as u64 > most
    {
        problems.push(Problem::too_many(path, found, most));
    }
}

fn is_a(value: &Value, wanted: &str) -> bool {
    let found = type_of(value);
    // 1e17 is a whole number, too; smaller ones were read as such.
    let whole = || value.as_f64().is_some_and(|number| number.fract() == 0.0);
    found == wanted
        || (wanted == "integer" && whole())
        || (wanted == "number" && found == "integer")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
