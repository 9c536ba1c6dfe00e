//! Drift: in what a project's configuration in OMS differs from what its user
//! asked for.
//!
//! Pure. Only what was asked for is compared: what OMS fills in by itself is no
//! difference, and neither is
//! - null or an empty value for absent, in both directions;
//! - what OMS leaves out of its answer, or a whole section that is null there;
//! - the order of a list, which OMS promises for none;
//! - a number or a flag in the form of a text (OMS's own page mixes them up);
//! - a value that is masked with asterisks, on either side.
//!
//! More elements than were asked for are a difference in a list that the user
//! set, but not in the mapping of a WILDCARD project, which OMS may expand.

mod asked;
mod show;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use self::asked::asked;
use self::show::{Shown, shown};
use super::verdict::Statement;
use super::words;
use crate::api::v1alpha1::{ConditionType, ConfigurationDifference, DriftStatus, Reason};

/// So many differences are told one by one.
const TOLD: usize = 10;

/// So many of them stand in the message of the condition.
const IN_MESSAGE: usize = 3;

/// The kinds of objects that a database of a mapping names. Where a user gives
/// one of these lists, the others are empty, not open.
const OBJECT_LISTS: [&str; 4] = ["tables", "views", "procedures", "functions"];

/// Compares; `None` where nothing differs.
#[must_use]
pub fn compare(asked: &Map<String, Value>, found: &Map<String, Value>) -> Option<DriftStatus> {
    let mode = asked.get("transferMapping").map(|mapping| &mapping["mode"]);
    let mut comparison = Comparison {
        expands: mode.is_some_and(|mode| mode == "WILDCARD"),
        drift: DriftStatus::default(),
        total: 0,
    };
    comparison.objects("", asked, found);
    let Comparison {
        mut drift, total, ..
    } = comparison;
    drift.total = i32::try_from(total).ok();
    (total > 0).then_some(drift)
}

/// What the comparison says; `adopted` where the spec could be corrected.
#[must_use]
pub fn statement(drift: Option<&DriftStatus>, adopted: bool) -> Statement {
    let type_ = ConditionType::InSync;
    let Some(drift) = drift else {
        let message = "OMS has what the spec asks for.".to_owned();
        return Statement::new(type_, Some(true), Reason::InSync, message);
    };
    let total = drift.total.unwrap_or_default();
    let told = drift.differences.iter().take(IN_MESSAGE).map(|one| {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or("nothing".to_owned());
        format!(
            "{}: asked for {}, OMS has {}",
            one.path.as_deref().unwrap_or_default(),
            or_nothing(&one.wanted),
            or_nothing(&one.found)
        )
    });
    let told: Vec<String> = told.collect();
    let total = usize::try_from(total).unwrap_or_default();
    let more = words::and_more(total, told.len(), drift.differences.len(), "status.drift");
    let way_out = if adopted {
        "Set it back in OMS's console, or correct spec.project."
    } else {
        "Nothing is corrected from here: set it back in OMS's console."
    };
    let message = format!(
        "The project differs from the spec: {}{more}. {way_out}",
        told.join("; ")
    );
    Statement::new(type_, Some(false), Reason::Drifted, message)
}

struct Comparison {
    /// OMS may add to the mapping by itself.
    expands: bool,
    drift: DriftStatus,
    total: usize,
}

impl Comparison {
    fn differs(&mut self, path: &str, wanted: Shown<'_>, found: Shown<'_>) {
        self.total += 1;
        if self.drift.differences.len() < TOLD {
            self.drift.differences.push(ConfigurationDifference {
                path: Some(show::cut(path, show::PATH_LIMIT)),
                wanted: shown(path, wanted),
                found: shown(path, found),
            });
        }
    }

    fn objects(&mut self, path: &str, asked: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, wanted) in asked {
            if let Some(there) = get(found, key) {
                self.values(&join(path, key), wanted, there);
            }
        }
        let is_database = !self.expands && path.starts_with("transferMapping.databases[");
        if is_database
            && OBJECT_LISTS
                .iter()
                .any(|list| asked.get(*list).is_some_and(|list| !is_absent(list)))
        {
            for list in OBJECT_LISTS {
                let open = asked.get(list).is_none_or(is_absent);
                if let (true, Some(Value::Array(there))) = (open, get(found, list)) {
                    self.lists(&join(path, list), &[], there);
                }
            }
        }
    }

    fn values(&mut self, path: &str, wanted: &Value, found: &Value) {
        match (wanted, found) {
            _ if is_absent(wanted) => {}
            (Value::Object(_), Value::Null) => {}
            (Value::Object(wanted), Value::Object(found)) => self.objects(path, wanted, found),
            (Value::Array(wanted), Value::Array(found)) => self.lists(path, wanted, found),
            (Value::Array(wanted), Value::Null) => self.lists(path, wanted, &[]),
            _ if is_nothing(wanted) && is_nothing(found) => {}
            _ if is_same(wanted, found) => {}
            _ => self.differs(path, Shown::Value(wanted), Shown::Value(found)),
        }
    }

    fn lists(&mut self, path: &str, wanted: &[Value], found: &[Value]) {
        let mut left = Left::of(found);
        for one in wanted.iter().filter(|one| !one.is_null()) {
            let at = format!("{path}[{}]", show::label(one));
            match left.take(one) {
                Some(there) => self.values(&at, one, there),
                None => self.differs(&at, Shown::Value(one), Shown::Nothing),
            }
        }
        let opens = self.expands
            && path.starts_with("transferMapping.databases")
            && !path.starts_with("transferMapping.databasesBlack");
        if opens {
            return;
        }
        for extra in left.rest() {
            let at = format!("{path}[{}]", show::label(extra));
            self.differs(&at, Shown::Nothing, Shown::Value(extra));
        }
    }
}

/// The elements of a list in OMS that no wanted one was found for yet, by what
/// names them: lists have thousands of tables.
struct Left<'a> {
    found: &'a [Value],
    by_key: HashMap<String, Vec<usize>>,
    taken: Vec<bool>,
}

impl<'a> Left<'a> {
    fn of(found: &'a [Value]) -> Self {
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, one) in found.iter().enumerate() {
            by_key.entry(key(one)).or_default().push(index);
        }
        let taken = found.iter().map(Value::is_null).collect();
        Self {
            found,
            by_key,
            taken,
        }
    }

    /// The element that stands for `wanted`: of those with its key the one that
    /// is equal in all that it asks for, else any; else one that may be it behind
    /// asterisks.
    fn take(&mut self, wanted: &Value) -> Option<&'a Value> {
        let name = key(wanted);
        let free = |index: &&usize| !self.taken[**index];
        let same: Vec<usize> = self
            .by_key
            .get(&name)
            .into_iter()
            .flatten()
            .filter(free)
            .copied()
            .collect();
        let index = match same.as_slice() {
            [only] => Some(*only),
            [] => (0..self.found.len())
                .filter(|index| !self.taken[*index])
                .filter(|index| is_masked(&name) || is_masked(&key(&self.found[*index])))
                .find(|index| is_same_text(&name, &key(&self.found[*index]))),
            [first, ..] => {
                let equal = same
                    .iter()
                    .find(|index| covers(wanted, &self.found[**index]));
                Some(*equal.unwrap_or(first))
            }
        }?;
        self.taken[index] = true;
        Some(&self.found[index])
    }

    fn rest(&self) -> impl Iterator<Item = &'a Value> {
        let taken = self.taken.clone();
        self.found
            .iter()
            .zip(taken)
            .filter(|(_, taken)| !taken)
            .map(|(one, _)| one)
    }
}

/// Whether `found` has all that `wanted` asks for.
fn covers(wanted: &Value, found: &Value) -> bool {
    let mut comparison = Comparison {
        expands: false,
        drift: DriftStatus::default(),
        total: 0,
    };
    comparison.values("", wanted, found);
    comparison.total == 0
}

/// What names an element: its name where it is an object with one, its text
/// where it is a scalar.
fn key(value: &Value) -> String {
    match value {
        Value::Object(object) => match object.get("name") {
            Some(Value::String(name)) => name.clone(),
            _ => String::new(),
        },
        Value::Array(_) => String::new(),
        scalar => text(scalar),
    }
}

/// A field as OMS names it: the first letter of a key is lower case there.
fn get<'a>(found: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    found.get(key).or_else(|| {
        let mut letters = key.chars();
        let first = letters.next()?;
        found.get(&format!(
            "{}{}",
            first.to_ascii_lowercase(),
            letters.as_str()
        ))
    })
}

/// Whether a value says no more than none at all.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// The same of a value where none at all means false.
fn is_nothing(value: &Value) -> bool {
    is_absent(value) || text(value) == "false"
}

fn is_same(wanted: &Value, found: &Value) -> bool {
    let composed = |value: &Value| value.is_array() || value.is_object();
    if composed(wanted) || composed(found) {
        return false;
    }
    is_same_text(&text(wanted), &text(found))
}

fn text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The least asterisks in a row that are a mask, and not a pattern.
const MASK: &str = "***";

fn is_masked(text: &str) -> bool {
    text.contains(MASK)
}

fn is_same_text(one: &str, other: &str) -> bool {
    one == other
        || (is_masked(one) && fits_mask(one, other))
        || (is_masked(other) && fits_mask(other, one))
}

/// Whether `text` may be what `mask` hides: it begins and ends as the mask does.
fn fits_mask(mask: &str, text: &str) -> bool {
    let (Some(start), Some(end)) = (mask.find(MASK), mask.rfind('*')) else {
        return false;
    };
    let (head, tail) = (&mask[..start], &mask[end + 1..]);
    text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests;
