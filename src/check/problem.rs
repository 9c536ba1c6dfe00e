//! One reason for a refusal, in the words of the API server.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;

/// One reason why a document would be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The field at fault, from the root of the resource, such as
    /// `spec.project.transferMapping.databases[0].name`; empty where it is the
    /// whole document.
    pub field: String,
    /// The whole sentence, the field included, as the API server says it where
    /// it is the API server that refuses.
    pub message: String,
    /// Whether the API server leaves its rules unevaluated because of this.
    #[serde(skip)]
    pub(super) blocks: bool,
}

impl Problem {
    fn of(field: &str, detail: impl Display, blocks: bool) -> Self {
        Self {
            field: field.into(),
            message: format!("{field}: {detail}"),
            blocks,
        }
    }

    /// The field is missing; `detail` may be empty.
    pub(super) fn required(field: &str, detail: &str) -> Self {
        let detail = match detail {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        Self::of(field, format_args!("Required value{detail}"), true)
    }

    /// The value is of the right type and yet wrong.
    pub(super) fn invalid(field: &str, value: &Value, detail: impl Display) -> Self {
        Self::of(
            field,
            format_args!("Invalid value: {value}: {detail}"),
            false,
        )
    }

    /// The same where the value is an object or a list, which are not repeated.
    pub(super) fn invalid_object(field: &str, detail: impl Display) -> Self {
        Self::of(field, format_args!("Invalid value: {detail}"), false)
    }

    /// The value may not be there.
    pub(super) fn forbidden(field: &str, detail: impl Display) -> Self {
        Self::of(field, format_args!("Forbidden: {detail}"), false)
    }

    /// The value has another type.
    pub(super) fn wrong_type(field: &str, wanted: &str, found: &str) -> Self {
        // The server gives the type where the value would stand.
        let detail = format_args!(
            "Invalid value: \"{found}\": {field} in body must be of type {wanted}: \"{found}\""
        );
        Self::of(field, detail, true)
    }

    /// The value is none of the words.
    pub(super) fn unsupported(field: &str, value: &Value, words: &[Value]) -> Self {
        let words: Vec<String> = words.iter().map(Value::to_string).collect();
        let words = words.join(", ");
        let detail = format_args!("Unsupported value: {value}: supported values: {words}");
        Self::of(field, detail, true)
    }

    /// The text is too long.
    pub(super) fn too_long(field: &str, most: u64) -> Self {
        let detail = format_args!("Too long: may not be more than {most} bytes");
        Self::of(field, detail, true)
    }

    /// The list or the map has too many entries.
    pub(super) fn too_many(field: &str, found: usize, most: u64) -> Self {
        let detail = format_args!("Too many: {found}: must have at most {most} items");
        Self::of(field, detail, true)
    }

    /// The schema has no such field; `hint` says what to do.
    pub(super) fn unknown(field: &str, hint: Option<String>) -> Self {
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        Self {
            field: field.into(),
            message: format!("unknown field \"{field}\"{hint}"),
            blocks: false,
        }
    }

    /// The field is given more than once.
    pub(super) fn duplicate(field: &str) -> Self {
        Self {
            field: field.into(),
            message: format!("duplicate field \"{field}\""),
            blocks: false,
        }
    }

    /// The document as a whole is at fault.
    pub(super) fn document(message: String) -> Self {
        Self {
            field: String::new(),
            message,
            blocks: false,
        }
    }

    /// The operator, not the API server, would refuse it; `message` is the
    /// operator's own.
    pub(super) fn operator(field: &str, message: impl Display) -> Self {
        let message = message.to_string();
        // Where it begins with the field, that is not said twice.
        let words = message.strip_prefix(field).and_then(|rest| {
            let rest = rest.strip_prefix(':').or(rest.strip_prefix(' '))?;
            Some(rest.trim_start())
        });
        Self {
            field: field.into(),
            message: format!("{field}: {}", words.unwrap_or(&message)),
            blocks: false,
        }
    }
}
