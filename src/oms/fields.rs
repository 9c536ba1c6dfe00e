//! Reads fields with tolerance: a number for a string, a string for a number, null for anything.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// Seconds since 1970 beyond which a number can only be milliseconds (the year 5138).
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The fields of an object, or of none.
#[derive(Clone, Copy)]
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    /// The fields of a map.
    pub fn of(map: &'a Map<String, Value>) -> Fields<'a> {
        Fields(Some(map))
    }

    /// The fields of a value, none if it is no object.
    pub fn new(value: &'a Value) -> Fields<'a> {
        Fields(value.as_object())
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0?.get(key)
    }

    /// A string without white space around it; numbers and booleans as they are written.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// A boolean, or its word in any case.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(word) if word.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::String(word) if word.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A whole number; a fraction is cut.
    pub fn integer(&self, key: &str) -> Option<i64> {
        let float = |f: f64| (f.is_finite() && f.abs() < 9e15).then_some(f as i64);
        match self.get(key)? {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(float)),
            Value::String(text) => {
                let text = text.trim();
                text.parse()
                    .ok()
                    .or_else(|| text.parse().ok().and_then(float))
            }
            _ => None,
        }
    }

    /// A time: without a zone it is UTC; with one, that; a number is seconds or milliseconds since 1970.
    pub fn time(&self, key: &str) -> Option<Timestamp> {
        if let Some(number) = self.integer(key) {
            return if number.abs() >= MILLISECONDS_FROM {
                Timestamp::from_millisecond(number).ok()
            } else {
                Timestamp::from_second(number).ok()
            };
        }
        parse_time(self.get(key)?.as_str()?.trim())
    }

    /// The fields of an object inside.
    pub fn object(&self, key: &str) -> Fields<'a> {
        Fields(self.get(key).and_then(Value::as_object))
    }

    /// The elements of an array, none if there is no array.
    pub fn items(&self, key: &str) -> &'a [Value] {
        self.get(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    if let Ok(timestamp) = PARSER.parse_timestamp(text) {
        return Some(timestamp);
    }
    // A text with a zone that could not be read above must not be taken for UTC.
    let after_date = text.get(10..)?;
    if after_date.contains(['+', '-', 'Z', 'z', '[']) {
        return None;
    }
    let civil: DateTime = PARSER.parse_datetime(text).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn time(value: Value) -> Option<String> {
        Fields::new(&json!({ "t": value }))
            .time("t")
            .map(|t| t.to_string())
    }

    #[test]
    fn every_form_of_time_that_oms_was_seen_to_send_is_read() {
        let at = Some("2023-07-13T20:27:28Z".to_owned());
        for form in [
            json!("2023-07-13T20:27:28"),
            json!("2023-07-13 20:27:28"),
            json!("2023-07-13T20:27:28.000"),
            json!("2023-07-13T20:27:28Z"),
            json!("2023-07-13T20:27:28.000+00:00"),
            json!("2023-07-13T20:27:28.000+0000"),
            json!("2023-07-14T04:27:28+08:00"),
            json!(1_689_280_048),
            json!(1_689_280_048_000_i64),
            json!("1689280048"),
        ] {
            assert_eq!(time(form.clone()), at, "{form}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for form in [
            json!(null),
            json!(""),
            json!("soon"),
            json!("2023-13-01T00:00:00"),
            json!({}),
            json!(i64::MAX),
        ] {
            assert_eq!(time(form.clone()), None, "{form}");
        }
    }

    #[test]
    fn numbers_and_strings_stand_for_each_other() {
        let value =
            json!({"a": 7, "b": "8", "c": 9.6, "d": "x", "e": null, "f": true, "g": " np_1 "});
        let fields = Fields::new(&value);
        assert_eq!(fields.text("a").as_deref(), Some("7"));
        assert_eq!(fields.integer("b"), Some(8));
        assert_eq!(fields.integer("c"), Some(9));
        assert_eq!(fields.integer("d"), None);
        assert_eq!(fields.text("e"), None);
        assert_eq!(fields.text("f").as_deref(), Some("true"));
        assert_eq!(fields.text("g").as_deref(), Some("np_1"));
    }
}
