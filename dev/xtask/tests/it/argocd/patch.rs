//! What Argo CD makes of the object that an action returns: it mends what Lua
//! cannot keep apart, and sends the rest as a merge patch.

use serde_json::{Map, Value};

/// The object that an action has returned, with every empty list that was an
/// empty object before made one again.
pub fn mended(new: Value, old: &Value) -> Value {
    match (new, old) {
        (Value::Array(items), Value::Object(_)) if items.is_empty() => Value::Object(Map::new()),
        (Value::Object(fields), Value::Object(before)) => {
            let mend = |(name, value): (String, Value)| {
                let before = before.get(&name).unwrap_or(&Value::Null);
                let value = mended(value, before);
                (name, value)
            };
            Value::Object(fields.into_iter().map(mend).collect())
        }
        (Value::Array(items), Value::Array(before)) => {
            let before = before.iter().chain(std::iter::repeat(&Value::Null));
            let items = items.into_iter().zip(before);
            Value::Array(items.map(|(item, before)| mended(item, before)).collect())
        }
        (new, _) => new,
    }
}

/// The merge patch that makes `new` of `old`; `{}` if there is nothing to do.
pub fn between(old: &Value, new: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return new.clone();
    };
    let mut patch = Map::new();
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(Value::Object(fields)) if value.is_object() => {
                let fields = Value::Object(fields.clone());
                patch.insert(name.clone(), between(&fields, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}
