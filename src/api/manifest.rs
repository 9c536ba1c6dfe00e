//! A resource from an existing CreateProject request.

use serde_json::{Map, Value, json};

use super::json::without_nulls;
use super::known::{Node, Shape};

/// A request that cannot be made into a resource.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON.
    #[error("the request is not valid JSON")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("the request must be one JSON object, the body of CreateProject, and is {0}")]
    NotAnObject(&'static str),
    /// A field with a value of the wrong kind.
    #[error("{path} must be {expected}, and is {found}")]
    Type {
        /// Where in the request.
        path: String,
        /// What OMS takes there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An element of a list lacks a field.
    #[error("{path} is required")]
    Missing {
        /// Where in the request.
        path: String,
    },
    /// A field in an element of a list has no place in a resource.
    #[error(
        "{path} is not a field that this version knows, and spec.extraProperties cannot reach into a list: take it out"
    )]
    UnknownInList {
        /// Where in the request.
        path: String,
    },
    /// The key differs from a known one in its first letter.
    #[error("{path} is not a field of the request, but {known} is: OMS's keys begin in lower case")]
    Case {
        /// Where in the request.
        path: String,
        /// The key that is known.
        known: String,
    },
}

/// A `MigrationProject` as YAML from the JSON text of a CreateProject request.
/// Nulls are left out, fields that this version does not know move to
/// `spec.extraProperties`, and numbers and truth values that were given as text
/// (as OMS's page declares two of them) become what OMS takes. Everything else
/// is kept, flags that destroy data included; the YAML begins with a warning
/// when one is set.
///
/// # Errors
/// When the text is no CreateProject request; the error names the field.
pub fn from_request(text: &str) -> Result<String, ManifestError> {
    let request = match serde_json::from_str(text)? {
        Value::Object(request) => without_nulls(request),
        other => return Err(ManifestError::NotAnObject(kind(&other))),
    };
    let (project, extra) = split(request, Node::body(), "")?;
    let name = object_name(project.get("name").and_then(Value::as_str));
    let warning = warning(&project);
    let mut resource = json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": { "name": name },
        "spec": { "project": project },
    });
    if !extra.is_empty() {
        resource["spec"]["extraProperties"] = Value::Object(extra);
    }
    let yaml = serde_saphyr::to_string(&resource).expect("plain data is writable as YAML");
    Ok(format!("{warning}{yaml}"))
}

fn warning(project: &Map<String, Value>) -> String {
    ["allowDestTableNotEmpty", "nonePkUkTruncateDstTable"]
        .into_iter()
        .filter(|flag| {
            project
                .get("fullTransferConfig")
                .is_some_and(|config| config[*flag] == json!(true))
        })
        .map(|flag| {
            format!(
                "# Mind: fullTransferConfig.{flag} is true, which can destroy data in the target.\n"
            )
        })
        .collect()
}

type Object = Map<String, Value>;

/// The known and the unknown part of an object.
fn split(object: Object, node: Node, path: &str) -> Result<(Object, Object), ManifestError> {
    let (mut known, mut unknown) = (Map::new(), Map::new());
    for name in node.required() {
        if !object.contains_key(name) {
            return Err(ManifestError::Missing {
                path: join(path, name),
            });
        }
    }
    for (key, value) in object {
        let path = join(path, &key);
        let Some(field) = node.field(&key) else {
            let lower = lower_first(&key);
            if node.field(&lower).is_some() {
                return Err(ManifestError::Case { path, known: lower });
            }
            unknown.insert(key, value);
            continue;
        };
        match (field.shape(), value) {
            (Shape::Object, Value::Object(child)) => {
                let (inner, extra) = split(child, field, &path)?;
                if !extra.is_empty() {
                    unknown.insert(key.clone(), Value::Object(extra));
                }
                known.insert(key, Value::Object(inner));
            }
            (_, value) => {
                known.insert(key, leaf(value, field, &path)?);
            }
        }
    }
    Ok((known, unknown))
}

/// A value that is no object outside a list.
fn leaf(value: Value, node: Node, path: &str) -> Result<Value, ManifestError> {
    let wrong = |expected: String, found: &Value| ManifestError::Type {
        path: path.into(),
        expected,
        found: found.to_string(),
    };
    match (node.shape(), value) {
        (Shape::List(element), Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| element_of(item, element, &format!("{path}[{index}]")))
            .collect(),
        (Shape::Words(words), value) if !words.contains(&value) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            Err(wrong(format!("one of {}", words.join(", ")), &value))
        }
        (Shape::Words(_), value) => Ok(value),
        (Shape::Text, value) if value.is_string() => Ok(value),
        (Shape::Integer, value) if value.is_i64() => Ok(value),
        (Shape::Boolean, value) if value.is_boolean() => Ok(value),
        (Shape::Integer, Value::String(text)) if text.parse::<i64>().is_ok() => {
            Ok(json!(text.parse::<i64>().ok()))
        }
        (Shape::Boolean, Value::String(text)) if text == "true" || text == "false" => {
            Ok(json!(text == "true"))
        }
        (shape, value) => Err(wrong(expected(shape).into(), &value)),
    }
}

fn element_of(item: Value, node: Node, path: &str) -> Result<Value, ManifestError> {
    match (node.shape(), item) {
        (Shape::Object, Value::Object(object)) => {
            let (known, unknown) = split(object, node, path)?;
            match unknown.keys().next() {
                None => Ok(Value::Object(known)),
                Some(key) => Err(ManifestError::UnknownInList {
                    path: join(path, key),
                }),
            }
        }
        (_, item) => leaf(item, node, path),
    }
}

/// A name for the resource: OMS's name in the letters that Kubernetes takes.
fn object_name(project_name: Option<&str>) -> String {
    let letters: String = project_name
        .unwrap_or_default()
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '-',
        })
        // Short enough to serve as a label value, too.
        .take(63)
        .collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        "project".into()
    } else {
        words.join("-")
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.into()
    } else {
        format!("{path}.{key}")
    }
}

fn lower_first(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Object => "an object",
        Shape::List(_) => "a list",
        Shape::Words(_) | Shape::Text => "a text",
        Shape::Integer => "a whole number",
        Shape::Boolean => "true or false",
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
