//! Reads the JSON of a reply into values whose field names begin in lower case, as the manual writes them, and
//! builds nothing of what nobody looks at: a sweep of ten thousand projects is tens of megabytes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Maps whose keys are somebody's data, not field names: their case is left alone.
const OPAQUE: [&str; 7] = [
    "errorParam",
    "extraContext",
    "messageMcmsContext",
    "proposalMcmsContext",
    "reasonMcmsContext",
    "ruleToRecentlyTriggerCount",
    "tags",
];

/// Says which field names are meant.
pub type Names = fn(&str) -> bool;

/// What is built of a value of a reply.
#[derive(Clone, Copy)]
pub enum Part {
    /// The reply itself: all of it, and of its `data` these fields only, or all.
    Reply(Option<Names>),
    /// Everything.
    All,
    /// These fields at every depth, unless they are null.
    Only(Names),
    /// Everything, with its keys as they are.
    Opaque,
}

impl Part {
    /// Reads a whole text.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn read(self, text: &[u8]) -> serde_json::Result<Value> {
        let mut json = serde_json::Deserializer::from_slice(text);
        let value = self.deserialize(&mut json)?;
        json.end()?;
        Ok(value)
    }

    /// What is built of the field of this name; `None`: nothing.
    fn of(self, name: &str) -> Option<Part> {
        match self {
            Part::Only(names) => names(name).then_some(self),
            Part::Opaque => Some(self),
            Part::Reply(Some(names)) if name == "data" => Some(Part::Only(names)),
            Part::Reply(_) | Part::All if OPAQUE.contains(&name) => Some(Part::Opaque),
            Part::Reply(_) | Part::All => Some(Part::All),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = fields.next_key_seed(Key(self))? {
            let Some(Field { name, part, exact }) = key else {
                fields.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = fields.next_value_seed(part)?;
            if value.is_null() && matches!(self, Part::Only(_)) {
                continue;
            }
            // Where both spellings occur, the documented one counts, unless it says nothing.
            match map.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(mut there)
                    if there.get().is_null() || (exact && !value.is_null()) =>
                {
                    there.insert(value);
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(Value::Object(map))
    }
}

/// A field to build.
struct Field {
    name: String,
    part: Part,
    /// Whether it was spelled as documented.
    exact: bool,
}

/// The key of a field of this part.
struct Key(Part);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Field>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<Field>, E> {
        let exact =
            matches!(self.0, Part::Opaque) || !key.starts_with(|c: char| c.is_ascii_uppercase());
        if exact {
            return Ok(self.0.of(key).map(|part| Field {
                name: key.to_owned(),
                part,
                exact,
            }));
        }
        let mut name = key.to_owned();
        name[..1].make_ascii_lowercase();
        Ok(self.0.of(&name).map(|part| Field { name, part, exact }))
    }
}
