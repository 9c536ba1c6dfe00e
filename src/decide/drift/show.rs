//! How a difference is shown: short, printable, and without what may be a
//! secret.

use serde_json::{Map, Value};

/// The longest path shown.
pub const PATH_LIMIT: usize = 256;

/// The longest value shown.
const VALUE_LIMIT: usize = 120;

/// The longest name of an element shown in a path.
const LABEL_LIMIT: usize = 64;

const HIDDEN: &str = "(hidden)";

/// Parts of the names of fields whose values are never shown. None of the
/// documented fields is such; free-form ones may be.
const SECRET: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "accesskey",
    "osskey",
];

/// One side of a difference.
pub enum Shown<'a> {
    /// There is nothing.
    Nothing,
    /// There is this.
    Value(&'a Value),
}

/// The value at `path` as a text; `None` for nothing.
pub fn shown(path: &str, value: Shown<'_>) -> Option<String> {
    let Shown::Value(value) = value else {
        return None;
    };
    if value.is_null() {
        return None;
    }
    let field = path.rsplit('.').next().unwrap_or_default();
    let text = match value {
        _ if is_secret(field) => HIDDEN.to_owned(),
        Value::String(text) => text.clone(),
        other => without_secrets(other).to_string(),
    };
    Some(cut(&text, VALUE_LIMIT))
}

/// What an element of a list is called in a path.
pub fn label(element: &Value) -> String {
    let text = match element {
        Value::Object(fields) => match fields.get("name") {
            Some(Value::String(name)) => name.clone(),
            _ => "…".to_owned(),
        },
        Value::Array(_) => "…".to_owned(),
        Value::String(text) => text.clone(),
        scalar => scalar.to_string(),
    };
    cut(&text, LABEL_LIMIT)
}

/// At most `limit` characters of a text, printable ones.
pub fn cut(text: &str, limit: usize) -> String {
    let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut short: String = text.chars().take(limit).map(printable).collect();
    if text.chars().nth(limit).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

fn is_secret(field: &str) -> bool {
    let field: String = field
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect::<String>()
        .to_ascii_lowercase();
    SECRET.iter().any(|part| field.contains(part))
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                let value = if is_secret(key) {
                    HIDDEN.into()
                } else {
                    without_secrets(value)
                };
                (key.clone(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        scalar => scalar.clone(),
    }
}
