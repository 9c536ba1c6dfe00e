//! The generated schema against the vendor's field table, and against what the
//! API server and GitOps tools can live with.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oms_operator::api::json::without_nulls;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::api::{Kind, crds, crds_yaml};
use serde_json::Value;

use crate::examples;

const TABLE: &str = include_str!("../fixtures/oms/oms-createproject-fields.tsv");
const REQUEST: &str = include_str!("../fixtures/oms/createproject-request.json");

fn definition(kind: Kind) -> Value {
    serde_saphyr::from_str(&crds_yaml(kind)).unwrap()
}

fn root(kind: Kind) -> Value {
    definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}

/// One row of the table: path, type and words; databasesBlack[] is expanded.
struct Row {
    path: String,
    kind: String,
    words: Vec<String>,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let words = cells[3].split('|').filter(|word| !word.is_empty());
        let row = |path: String| Row {
            path,
            kind: cells[1].into(),
            words: words.clone().map(String::from).collect(),
        };
        rows.push(row(cells[0].into()));
        if let Some(rest) = cells[0].strip_prefix("transferMapping.databases[]") {
            rows.push(row(format!("transferMapping.databasesBlack[]{rest}")));
        }
    }
    rows
}

#[test]
fn every_row_of_the_field_table_is_in_the_schema_with_its_type_and_words() {
    let root = root(Kind::MigrationProject);
    let rows = rows();
    assert_eq!(rows.len(), 85 + 37, "rows, with databasesBlack[] expanded");
    for Row { path, kind, words } in rows {
        let mut node = &root["properties"]["spec"]["properties"]["project"];
        for part in path.split('.') {
            let name = part.trim_end_matches("[]");
            node = &node["properties"][name];
            assert!(node.is_object(), "{path} is not in the schema");
            assert!(node["description"].is_string(), "{path} is not explained");
            if part.ends_with("[]") {
                node = &node["items"];
            }
        }
        let (outer, inner) = match kind.as_str() {
            "array<string>" => ("array", Some("string")),
            "array<object>" => ("array", Some("object")),
            "long" => ("integer", None),
            plain => (plain, None),
        };
        assert_eq!(node["type"], outer, "{path}");
        if let Some(inner) = inner {
            node = &node["items"];
            assert_eq!(node["type"], inner, "{path}");
        }
        if outer == "boolean" {
            continue;
        }
        let known: Vec<&str> = node["enum"]
            .as_array()
            .map(|words| words.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        assert_eq!(known, words, "{path}");
    }
}

#[test]
fn the_schema_of_the_request_holds_nothing_that_the_table_lacks() {
    fn walk(node: &Value, path: &str, found: &mut BTreeSet<String>) {
        for (name, child) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            found.insert(path.clone());
            walk(child, &path, found);
            walk(&child["items"], &format!("{path}[]"), found);
        }
    }
    let mut found = BTreeSet::new();
    let root = root(Kind::MigrationProject);
    walk(
        &root["properties"]["spec"]["properties"]["project"],
        "",
        &mut found,
    );
    let table: BTreeSet<String> = rows().into_iter().map(|row| row.path).collect();
    assert_eq!(
        found.difference(&table).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn no_text_list_map_or_number_is_unbounded_and_no_node_is_nullable() {
    fn walk(node: &Value, path: &str, faults: &mut Vec<String>) {
        let has = |key: &str| node.get(key).is_some();
        let bounded = match node["type"].as_str() {
            Some("string") => has("maxLength") || has("enum") || node["format"] == "date-time",
            Some("array") => has("maxItems"),
            Some("integer") => has("minimum") && has("maximum"),
            Some("object") => !has("additionalProperties") || has("maxProperties"),
            Some("boolean") => true,
            other => panic!("{path} has the type {other:?}"),
        };
        if !bounded {
            faults.push(format!("{path} is unbounded"));
        }
        let known = ["int32", "int64", "date-time"];
        if has("format") && !known.iter().any(|known| node["format"] == *known) {
            faults.push(format!("{path} has the format {}", node["format"]));
        }
        if has("nullable") {
            faults.push(format!("{path} is nullable"));
        }
        let words = node["enum"].as_array();
        if words.is_some_and(|words| words.contains(&Value::Null)) {
            faults.push(format!("{path} allows the word null"));
        }
        if has("default") && path != ".status" {
            faults.push(format!("{path} has a default"));
        }
        for (name, child) in node["properties"].as_object().into_iter().flatten() {
            walk(child, &format!("{path}.{name}"), faults);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(child) = node.get(key) {
                walk(child, &format!("{path}[]"), faults);
            }
        }
    }
    for kind in Kind::ALL {
        let mut faults = Vec::new();
        walk(&root(kind), "", &mut faults);
        assert_eq!(faults, Vec::<String>::new(), "{kind:?}");
    }
}

#[test]
fn a_definition_holds_no_empty_list_and_no_status() {
    fn walk(value: &Value, path: &str) {
        match value {
            Value::Array(items) => {
                assert!(!items.is_empty(), "{path} is an empty list");
                for item in items {
                    walk(item, path);
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    walk(value, &format!("{path}.{key}"));
                }
            }
            _ => {}
        }
    }
    for kind in Kind::ALL {
        let definition = definition(kind);
        walk(&definition, "");
        assert_eq!(definition.get("status"), None);
    }
}

#[test]
fn only_transition_rules_stand_at_the_root() {
    for kind in Kind::ALL {
        let root = root(kind);
        for rule in root["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let text = rule["rule"].as_str().unwrap();
            assert!(text.contains("oldSelf"), "{kind:?}: {text}");
        }
    }
}

#[test]
fn a_definition_is_small_and_the_committed_file_is_current() {
    for kind in Kind::ALL {
        let yaml = crds_yaml(kind);
        assert!(yaml.len() < 200_000, "{kind:?}: {} bytes", yaml.len());
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("crds")
            .join(format!("{}.yaml", kind.definition_name()));
        assert!(
            fs::read_to_string(&file).unwrap() == yaml,
            "{} is not current: run `cargo xtask generate`",
            file.display()
        );
    }
}

#[test]
fn the_typed_definitions_say_what_the_text_says() {
    for (kind, typed) in Kind::ALL.into_iter().zip(crds()) {
        assert_eq!(serde_json::from_value(definition(kind)).ok(), Some(typed));
    }
}

#[test]
fn the_examples_are_of_our_kinds_and_the_vendors_one_is_the_vendors_request() {
    let mut kinds = BTreeSet::new();
    for file in examples::files() {
        for document in examples::documents(&file) {
            let kind = document["kind"].as_str().unwrap().to_owned();
            let spec = match kind.as_str() {
                "MigrationProject" => {
                    let typed: MigrationProject = serde_json::from_value(document.clone()).unwrap();
                    Some(serde_json::to_value(&typed.spec).unwrap())
                }
                "OMSConnection" => {
                    let typed: OMSConnection = serde_json::from_value(document.clone()).unwrap();
                    Some(serde_json::to_value(&typed.spec).unwrap())
                }
                _ => None,
            };
            if let Some(spec) = spec {
                assert_eq!(
                    spec, document["spec"],
                    "{file} has a field that is not ours"
                );
            }
            if file == "vendor-example.yaml" {
                let request: Value = serde_json::from_str(REQUEST).unwrap();
                let request = without_nulls(request.as_object().unwrap().clone());
                assert_eq!(document["spec"]["project"], Value::Object(request));
            }
            kinds.insert(kind);
        }
    }
    assert_eq!(
        kinds.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "ConfigMap",
            "MigrationProject",
            "Namespace",
            "OMSConnection",
            "Secret"
        ]
    );
}
