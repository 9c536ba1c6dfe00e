//! What Kubernetes asks of every object: names, labels and annotations.
//!
//! Limits and sentences are those of `k8s.io/apimachinery`, packages
//! `api/validation` and `util/validation`.

use std::sync::LazyLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use regex::Regex;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::problem::Problem;

/// Bytes of all keys and values of the annotations together.
pub const ANNOTATIONS_BYTES: usize = 256 * 1024;

const SUBDOMAIN: Rule = Rule {
    most: 253,
    pattern: r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    words: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
            and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is ",
};
const LABEL: Rule = Rule {
    most: 63,
    pattern: "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    words: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
            and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is ",
};
const KEY: Rule = Rule {
    most: 63,
    pattern: "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    words: "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
            alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is ",
};
const LABEL_VALUE: Rule = Rule {
    most: 63,
    pattern: "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
    words: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
            and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is ",
};

/// How a word has to look.
struct Rule {
    most: usize,
    pattern: &'static str,
    words: &'static str,
}

impl Rule {
    fn broken(&self, text: &str) -> Vec<String> {
        let mut broken = Vec::new();
        if text.len() > self.most {
            broken.push(format!("must be no more than {} bytes", self.most));
        }
        let whole = format!("^(?:{})$", self.pattern);
        let matches = Regex::new(&whole).is_ok_and(|regex| regex.is_match(text));
        if !matches {
            broken.push(format!("{}'{}')", self.words, self.pattern));
        }
        broken
    }
}

/// The schema of `metadata`.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut settings = SchemaSettings::default();
    settings.inline_subschemas = true;
    let schema = settings
        .into_generator()
        .into_root_schema_for::<ObjectMeta>();
    schema.to_value()
});

/// What is wrong with the metadata of an object, types aside.
pub fn problems(metadata: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    let mut rule = |rule: &Rule, field: &str, text: &str, seen: &str| {
        let value = Value::from(seen);
        let problems = rule.broken(text);
        found.extend(
            problems
                .into_iter()
                .map(|words| Problem::invalid(field, &value, words)),
        );
    };
    let (name, prefix, namespace) = (text("name"), text("generateName"), text("namespace"));
    if !prefix.is_empty() {
        // Random letters follow: a dash at the end is none at the end.
        let stem = match prefix.strip_suffix('-') {
            Some(stem) if !stem.is_empty() => format!("{stem}a"),
            _ => prefix.to_owned(),
        };
        rule(&SUBDOMAIN, "metadata.generateName", &stem, prefix);
    }
    if !name.is_empty() {
        rule(&SUBDOMAIN, "metadata.name", name, name);
    }
    if !namespace.is_empty() {
        rule(&LABEL, "metadata.namespace", namespace, namespace);
    }
    let none = Map::new();
    let entries = |field: &str| metadata[field].as_object().unwrap_or(&none);
    for (field, keys) in [
        ("metadata.labels", entries("labels")),
        ("metadata.annotations", entries("annotations")),
    ] {
        for key in keys.keys() {
            let lower = key.to_lowercase();
            // Annotations: in either case.
            let plain = if field == "metadata.labels" {
                key
            } else {
                &lower
            };
            match plain.split_once('/') {
                Some((prefix, name)) => {
                    rule(&SUBDOMAIN, field, prefix, key);
                    rule(&KEY, field, name, key);
                }
                None => rule(&KEY, field, plain, key),
            }
        }
    }
    for value in entries("labels").values().filter_map(Value::as_str) {
        rule(&LABEL_VALUE, "metadata.labels", value, value);
    }
    // One of another type is no name either, and was told so.
    let lacks = |field: &str| metadata[field].is_null() || metadata[field] == "";
    if lacks("name") && lacks("generateName") {
        let words = "name or generateName is required";
        found.push(Problem::required("metadata.name", words));
    }
    if annotations_size(metadata, "") > ANNOTATIONS_BYTES {
        found.push(Problem::too_long(
            "metadata.annotations",
            ANNOTATIONS_BYTES as u64,
        ));
    }
    found
}

/// Bytes of the keys and values of the annotations, one key left out.
pub fn annotations_size(metadata: &Value, without: &str) -> usize {
    let annotations = metadata["annotations"].as_object();
    let counted = annotations
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != without);
    counted
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}
