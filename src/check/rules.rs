//! The rules in CEL, evaluated as the API server evaluates them on create.
//!
//! On the plain `cel` crate: kube-cel, made for this, brings chrono, and takes
//! `http://localhost:8089` for a URL without a scheme.

use std::sync::Arc;

use cel::objects::Key;
use cel::{Context, Env, Program};
use serde_json::Value;

use super::problem::Problem;
use super::tree::join;
use super::url;

/// The rules of one kind, ready to be evaluated.
pub struct Rules {
    env: Arc<Env>,
    rules: Vec<Rule>,
}

struct Rule {
    /// The way from the root to the values that the rule is about.
    at: Vec<Step>,
    program: Program,
    message: String,
    field_path: String,
    required: bool,
    forbidden: bool,
    /// The type of the values.
    type_: String,
}

#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Items,
    Values,
}

/// A rule that cannot be evaluated here. None of the published ones, which a
/// test makes sure of; a rule that is passed over would be worse.
#[derive(Debug, thiserror::Error)]
#[error("the rule `{rule}` cannot be evaluated without an API server: {why}")]
pub struct RuleError {
    rule: String,
    why: String,
}

impl Rules {
    /// Compiles the rules of a schema. Transition rules are left out: on create
    /// there is nothing that they could compare with.
    pub fn compile(schema: &Value) -> Result<Self, RuleError> {
        let mut found = Self {
            env: Arc::new(Env::stdlib()),
            rules: Vec::new(),
        };
        found.collect(schema, &mut Vec::new())?;
        Ok(found)
    }

    fn collect(&mut self, schema: &Value, at: &mut Vec<Step>) -> Result<(), RuleError> {
        for rule in schema["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            self.add(rule, schema, at)?;
        }
        let below = [
            ("items", Step::Items),
            ("additionalProperties", Step::Values),
        ];
        let below = below
            .into_iter()
            .filter_map(|(key, step)| Some((step, schema.get(key)?)));
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields.map(|(name, node)| (Step::Field(name.clone()), node));
        for (step, node) in fields.chain(below) {
            at.push(step);
            self.collect(node, at)?;
            at.pop();
        }
        Ok(())
    }

    fn add(&mut self, rule: &Value, schema: &Value, at: &[Step]) -> Result<(), RuleError> {
        let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let source = text("rule");
        let error = |why: String| RuleError {
            rule: source.clone(),
            why,
        };
        for key in ["messageExpression", "optionalOldSelf"] {
            if rule.get(key).is_some() {
                return Err(error(format!("it uses {key}")));
            }
        }
        // How Kubernetes writes a field whose name is a word of CEL.
        if source.contains("__") {
            return Err(error("it uses an escaped name".into()));
        }
        let program = self
            .env
            .compile(&source)
            .map_err(|e| error(e.to_string()))?;
        if program.references().has_variable("oldSelf") {
            return Ok(());
        }
        let (required, forbidden) = match rule["reason"].as_str() {
            None | Some("FieldValueInvalid") => (false, false),
            Some("FieldValueRequired") => (true, false),
            Some("FieldValueForbidden") => (false, true),
            Some(other) => return Err(error(format!("its reason is {other}"))),
        };
        self.rules.push(Rule {
            at: at.to_vec(),
            program,
            message: text("message"),
            field_path: text("fieldPath"),
            required,
            forbidden,
            type_: schema["type"].as_str().unwrap_or_default().into(),
        });
        Ok(())
    }

    /// The rules that a value breaks. With `lenient`, for a value with faults
    /// that would keep the API server from evaluating any rule, a rule that
    /// trips over such a fault says nothing.
    pub fn broken(&self, value: &Value, lenient: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        for rule in &self.rules {
            let mut places = Vec::new();
            follow(value, &rule.at, String::new(), &mut places);
            for (path, value) in places {
                match self.holds(rule, value) {
                    Ok(true) => {}
                    Ok(false) => problems.push(rule.problem(&path, value)),
                    Err(_) if lenient => {}
                    Err(why) => {
                        let words = format!("{why} evaluating rule: {}", rule.message);
                        let type_ = Value::from(rule.type_.as_str());
                        problems.push(Problem::invalid(&path, &type_, words));
                    }
                }
            }
        }
        problems
    }

    fn holds(&self, rule: &Rule, value: &Value) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        url::register(&mut context).map_err(|error| error.to_string())?;
        context.add_variable_from_value("self", to_cel(value));
        match rule.program.execute(&context) {
            Ok(cel::Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("{other:?} is not true or false")),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Rule {
    fn problem(&self, path: &str, value: &Value) -> Problem {
        let field = match self.field_path.strip_prefix('.') {
            Some(below) => join(path, below),
            None => path.to_owned(),
        };
        if self.required {
            Problem::required(&field, &self.message)
        } else if self.forbidden {
            Problem::forbidden(&field, &self.message)
        } else if value.is_object() || value.is_array() {
            Problem::invalid_object(&field, &self.message)
        } else {
            Problem::invalid(&field, value, &self.message)
        }
    }
}

/// The values at the end of the way, each with its path.
fn follow<'a>(value: &'a Value, way: &[Step], path: String, found: &mut Vec<(String, &'a Value)>) {
    let Some((step, rest)) = way.split_first() else {
        if !value.is_null() {
            found.push((path, value));
        }
        return;
    };
    match (step, value) {
        (Step::Field(name), Value::Object(object)) => {
            if let Some(child) = object.get(name) {
                follow(child, rest, join(&path, name), found);
            }
        }
        (Step::Values, Value::Object(object)) => {
            for (key, child) in object {
                follow(child, rest, join(&path, key), found);
            }
        }
        (Step::Items, Value::Array(items)) => {
            for (index, child) in items.iter().enumerate() {
                follow(child, rest, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// The value in CEL. By hand, because every whole number has to become an
/// `int`, as in the API server: serde would make `uint` of the positive ones.
fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(object) => {
            let entries = object
                .iter()
                .map(|(key, value)| (Key::from(key.as_str()), to_cel(value)));
            cel::Value::Map(entries.collect::<std::collections::HashMap<_, _>>().into())
        }
    }
}
