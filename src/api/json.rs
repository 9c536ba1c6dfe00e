//! Null means absent, everywhere: in a request, in a resource, in comparisons.

use serde_json::{Map, Value};

/// The members of an object without those that are null, at every depth. A null
/// in a list stays, because taking it out would move its neighbours.
#[must_use]
pub fn without_nulls(object: Map<String, Value>) -> Map<String, Value> {
    object
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key, without_nulls_inside(value)))
        .collect()
}

fn without_nulls_inside(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(without_nulls(object)),
        Value::Array(items) => items.into_iter().map(without_nulls_inside).collect(),
        scalar => scalar,
    }
}
