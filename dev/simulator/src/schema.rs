//! Request schemas, read from field tables: one row for each documented key.
//!
//! CreateProject's table is the one that the operator's own schema is tested
//! against, so the two sides cannot agree on a mistake that neither reads.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::config::UnknownKeys;

const PAGE: &str = include_str!("../../../tests/fixtures/oms/oms-createproject-fields.tsv");
const OUTSIDE_THE_PAGE: &str = include_str!("fields-outside-the-page.tsv");
const OTHER_REQUESTS: &str = include_str!("requests.tsv");

/// CreateProject's body.
pub(crate) static CREATE_PROJECT: LazyLock<Object> = LazyLock::new(|| {
    let mut root = Object::default();
    root.read(PAGE);
    root.read(OUTSIDE_THE_PAGE);
    // The page gives both lists one element shape, the table spells it once.
    if let Some(Type::Object(mapping)) = root.fields.get_mut("transferMapping").map(|f| &mut f.ty)
        && let Some(element) = mapping.fields.get("databases").map(|f| f.ty.clone())
        && let Some(black) = mapping.fields.get_mut("databasesBlack")
    {
        black.ty = element;
    }
    root
});

/// The bodies of the other actions, by their key in `requests.tsv`.
static OTHERS: LazyLock<Object> = LazyLock::new(|| {
    let mut root = Object::default();
    root.read(OTHER_REQUESTS);
    root
});

/// The schema of another action's body.
pub(crate) fn request(name: &str) -> &'static Object {
    static NONE: LazyLock<Object> = LazyLock::new(Object::default);
    match OTHERS.fields.get(name).map(|field| &field.ty) {
        Some(Type::Object(object)) => object,
        _ => &NONE,
    }
}

/// A JSON object with its known keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    fields: BTreeMap<String, Field>,
}

#[derive(Clone, Debug)]
struct Field {
    ty: Type,
    required: bool,
    values: Vec<String>,
}

#[derive(Clone, Debug)]
enum Type {
    Text,
    Integer,
    Boolean,
    /// The page's table says string where its example sends a number or boolean.
    IntegerOrText,
    BooleanOrText,
    Texts,
    TextOrTexts,
    Object(Object),
    Objects(Object),
    Any,
}

impl Object {
    fn read(&mut self, table: &str) {
        for row in table.lines().skip(1) {
            let mut columns = row.split('\t');
            let mut column = || columns.next().unwrap_or_default();
            let (path, ty, required, values) = (column(), column(), column(), column());
            let values: Vec<String> = values
                .split('|')
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect();
            let ty = match (path, ty) {
                ("incrTransferConfig.startTimestamp", _) => Type::IntegerOrText,
                ("fullTransferConfig.allowDestTableNotEmpty", _) => Type::BooleanOrText,
                (_, "string") => Type::Text,
                (_, "integer" | "long") => Type::Integer,
                (_, "boolean") => Type::Boolean,
                (_, "array<string>") => Type::Texts,
                (_, "string or array<string>") => Type::TextOrTexts,
                (_, "object") => Type::Object(Object::default()),
                (_, "array<object>") => Type::Objects(Object::default()),
                _ => Type::Any,
            };
            let required = required == "yes";
            self.insert(
                path,
                Field {
                    ty,
                    required,
                    values,
                },
            );
        }
    }

    fn insert(&mut self, path: &str, field: Field) {
        match path.split_once('.') {
            None => {
                self.fields.insert(path.to_owned(), field);
            }
            Some((head, rest)) => {
                let parent = self.fields.get_mut(head.trim_end_matches("[]"));
                if let Some(Type::Object(object) | Type::Objects(object)) =
                    parent.map(|p| &mut p.ty)
                {
                    object.insert(rest, field);
                }
            }
        }
    }

    /// Appends to `complaints` what is wrong with `body`, each with its path.
    /// Null counts as absent everywhere.
    pub(crate) fn check(
        &self,
        body: &Map<String, Value>,
        unknown: UnknownKeys,
        complaints: &mut Vec<String>,
    ) {
        self.check_at("", body, unknown, complaints);
    }

    fn check_at(
        &self,
        at: &str,
        body: &Map<String, Value>,
        unknown: UnknownKeys,
        complaints: &mut Vec<String>,
    ) {
        for (key, field) in &self.fields {
            let path = join(at, key);
            match body.get(key) {
                None | Some(Value::Null) if field.required => {
                    complaints.push(format!("{path} is required"));
                }
                None | Some(Value::Null) => {}
                Some(value) => field.check(&path, value, unknown, complaints),
            }
        }
        if unknown == UnknownKeys::Refuse {
            for key in body.keys().filter(|key| !self.fields.contains_key(*key)) {
                complaints.push(format!("{} is not a known parameter", join(at, key)));
            }
        }
    }
}

impl Field {
    fn check(&self, path: &str, value: &Value, unknown: UnknownKeys, complaints: &mut Vec<String>) {
        let wrong = |what: &str| format!("{path} must be {what}");
        match (&self.ty, value) {
            (Type::Any, _) | (Type::Boolean | Type::BooleanOrText, Value::Bool(_)) => {}
            (Type::Integer | Type::IntegerOrText, Value::Number(n)) if n.is_i64() || n.is_u64() => {
            }
            (Type::IntegerOrText, Value::String(text)) if text.parse::<i64>().is_ok() => {}
            (Type::BooleanOrText, Value::String(text)) if text.parse::<bool>().is_ok() => {}
            (Type::Text | Type::TextOrTexts, Value::String(text)) => {
                self.check_word(path, text, complaints);
            }
            (Type::Texts | Type::TextOrTexts, Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    match item {
                        Value::String(text) => {
                            self.check_word(&format!("{path}[{i}]"), text, complaints);
                        }
                        _ => complaints.push(format!("{path}[{i}] must be a string")),
                    }
                }
            }
            (Type::Object(object), Value::Object(body)) => {
                object.check_at(path, body, unknown, complaints);
            }
            (Type::Objects(object), Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    match item {
                        Value::Object(body) => object.check_at(&path, body, unknown, complaints),
                        _ => complaints.push(format!("{path} must be an object")),
                    }
                }
            }
            (Type::Text, _) => complaints.push(wrong("a string")),
            (Type::Integer | Type::IntegerOrText, _) => complaints.push(wrong("an integer")),
            (Type::Boolean | Type::BooleanOrText, _) => complaints.push(wrong("a boolean")),
            (Type::Texts, _) => complaints.push(wrong("an array of strings")),
            (Type::TextOrTexts, _) => complaints.push(wrong("a string or an array of strings")),
            (Type::Object(_), _) => complaints.push(wrong("an object")),
            (Type::Objects(_), _) => complaints.push(wrong("an array of objects")),
        }
    }

    fn check_word(&self, path: &str, word: &str, complaints: &mut Vec<String>) {
        if !self.values.is_empty() && !self.values.iter().any(|value| value == word) {
            complaints.push(format!("{path} must be one of {}", self.values.join(", ")));
        }
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(object: &Object) -> usize {
        object
            .fields
            .values()
            .map(|field| match &field.ty {
                Type::Object(inner) | Type::Objects(inner) => 1 + count(inner),
                _ => 1,
            })
            .sum()
    }

    #[test]
    fn every_row_of_the_tables_is_a_known_key() {
        let rows = |table: &str| table.lines().count() - 1;
        let black = match &CREATE_PROJECT.fields["transferMapping"].ty {
            Type::Object(mapping) => match &mapping.fields["databasesBlack"].ty {
                Type::Objects(element) => count(element),
                other => panic!("databasesBlack is {other:?}"),
            },
            other => panic!("transferMapping is {other:?}"),
        };
        assert!(black > 30, "{black} keys below databasesBlack");
        assert_eq!(
            count(&CREATE_PROJECT) - black,
            rows(PAGE) + rows(OUTSIDE_THE_PAGE)
        );
        assert_eq!(count(&OTHERS), rows(OTHER_REQUESTS));
    }

    #[test]
    fn complaints_name_the_path() {
        let body = json!({"searchKey": 3, "pageSize": 1.5, "status": ["RUNNING", "GONE"], "x": 1});
        let mut complaints = Vec::new();
        request("ListProjects").check(
            body.as_object().unwrap(),
            UnknownKeys::Refuse,
            &mut complaints,
        );
        let text = complaints.join("; ");
        for part in [
            "searchKey must be a string",
            "pageSize must be an integer",
            "status[1] must be one of",
            "x is not a known parameter",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }
}
