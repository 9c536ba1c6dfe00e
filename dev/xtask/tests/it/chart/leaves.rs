//! Every value of `values.yaml` does something, is in the schema, and is documented; and the other way round.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::tools::{chart, root, template, tools};

fn values() -> Value {
    let text = fs::read_to_string(chart().join("values.yaml")).expect("the file");
    serde_saphyr::from_str(&text).expect("YAML")
}

fn schema() -> Value {
    let text = fs::read_to_string(chart().join("values.schema.json")).expect("the file");
    serde_json::from_str(&text).expect("JSON")
}

/// The dotted paths of all leaves: what is neither a map nor empty, and empty maps.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}/{key}"),
                };
                leaves(value, &path, out);
            }
        }
        _ => out.push(path.to_owned()),
    }
}

fn all_leaves() -> Vec<String> {
    let mut out = Vec::new();
    leaves(&values(), "", &mut out);
    assert!(out.len() > 100, "{}", out.len());
    out
}

/// What the schema says of a value, or of the map around it that it leaves open.
fn node<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let mut node = schema;
    for key in path.split('/') {
        let properties = &node["properties"];
        if properties.is_null() && node["type"] == "object" {
            return Some(node);
        }
        node = properties.get(key)?;
    }
    Some(node)
}

/// The paths in the schema that only a documented value has.
fn described(schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}/{key}"),
        };
        match inner["properties"].is_object() {
            true => described(inner, &path, out),
            false => drop(out.insert(path)),
        }
    }
}

#[test]
fn values_schema_and_readme_have_the_same_values() {
    let (values, schema) = (values(), schema());
    for leaf in all_leaves() {
        let found = node(&schema, &leaf).unwrap_or_else(|| panic!("{leaf} is not in the schema"));
        assert!(
            found["description"]
                .as_str()
                .is_some_and(|words| words.ends_with('.')),
            "{leaf}"
        );
    }
    let mut known = BTreeSet::new();
    described(&schema, "", &mut known);
    assert!(known.remove("global"));
    let readme = fs::read_to_string(chart().join("README.md")).expect("the file");
    let rows: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|name| name.replace('.', "/"))
        .collect();
    assert_eq!(rows, known, "the README's table and the schema");
    for path in known {
        let pointer = format!("/{path}");
        assert!(
            values.pointer(&pointer).is_some(),
            "{path} is not in values.yaml"
        );
    }
}

/// Other values that the schema allows in this place.
fn others(leaf: &str, schema: &Value, present: &Value) -> Vec<Value> {
    let list = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
    let mut others = list("examples");
    others.extend(list("enum"));
    others.extend(match present {
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(number) => vec![json!(number.as_i64().expect("whole") + 7)],
        Value::String(_)
            if schema["pattern"]
                .as_str()
                .is_some_and(|p| p.contains("ms|s|m|h")) =>
        {
            vec![json!("7s"), json!("9s")]
        }
        Value::String(text) => vec![json!(format!("{text}1"))],
        Value::Array(items) if items.iter().all(Value::is_number) => vec![json!([9999])],
        Value::Array(_) => vec![json!([])],
        _ => vec![],
    });
    others.retain(|other| other != present);
    assert!(!others.is_empty(), "give {leaf} an example in its @schema");
    others
}

#[test]
fn changing_any_value_changes_the_render() {
    let (values, schema) = (values(), schema());
    let everything = chart().join("ci/everything-values.yaml");
    let text = fs::read_to_string(&everything).expect("the file");
    let set: Value = serde_saphyr::from_str(&text).expect("YAML");
    let pod_monitor = chart().join("ci/pod-monitor-values.yaml");
    // With everything switched on first: there most values show. A release has one of the monitors, not both.
    let bases = [
        vec!["--values", everything.to_str().expect("a path")],
        vec!["--values", pod_monitor.to_str().expect("a path")],
        vec![],
    ]
    .map(|mut args| {
        args.extend(["--api-versions", "oms.oceanbase.com/v1alpha1/OMSConnection"]);
        let render = template(tools().helm(), &args).expect("a render");
        (args, render)
    });
    let mut dead = Vec::new();
    for leaf in all_leaves() {
        let pointer = format!("/{leaf}");
        let present = set
            .pointer(&pointer)
            .or_else(|| values.pointer(&pointer))
            .expect("a value");
        // A leaf inside of a map that the schema leaves open has no schema of its own.
        let own = node(&schema, &leaf)
            .filter(|node| !node["default"].is_object() || node["default"] == json!({}));
        let shows = others(&leaf, own.unwrap_or(&Value::Null), present)
            .into_iter()
            .any(|other| {
                let setting = format!("{}={other}", leaf.replace('.', "\\.").replace('/', "."));
                bases.iter().any(|(args, before)| {
                    let mut args = args.clone();
                    args.extend(["--set-json", &setting]);
                    template(tools().helm(), &args).is_ok_and(|after| after != *before)
                })
            });
        if !shows {
            dead.push(leaf);
        }
    }
    assert!(dead.is_empty(), "these values change nothing: {dead:?}");
}

#[test]
fn the_set_with_everything_is_not_the_default() {
    let text = fs::read_to_string(root().join("charts/oms-operator/ci/everything-values.yaml"));
    let set: Value = serde_saphyr::from_str(&text.expect("the file")).expect("YAML");
    let mut switches = Vec::new();
    leaves(&values(), "", &mut switches);
    for switch in switches.iter().filter(|leaf| leaf.ends_with("/enabled")) {
        let pointer = format!("/{switch}");
        let is_on = set
            .pointer(&pointer)
            .or(values().pointer(&pointer))
            .cloned();
        // One of the two monitors is enough.
        if switch != "metrics/podMonitor/enabled" {
            assert_eq!(is_on, Some(json!(true)), "{switch}");
        }
    }
}
