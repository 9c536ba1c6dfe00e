//! What the schema knows of CreateProject's body, for code that has to tell a
//! known field from an unknown one.

use std::sync::LazyLock;

use serde_json::Value;

use super::definitions::Kind;

static PROJECT: LazyLock<Value> = LazyLock::new(|| {
    Kind::MigrationProject
        .schema()
        .pointer_mut("/properties/spec/properties/project")
        .map(Value::take)
        .expect("the schema has spec.project")
});

/// A node of the schema of `spec.project`.
#[derive(Clone, Copy)]
pub struct Node(&'static Value);

/// What a node accepts.
#[derive(Clone, Copy)]
pub enum Shape {
    /// An object with known fields.
    Object,
    /// A list of elements like this one.
    List(Node),
    /// One of these words.
    Words(&'static [Value]),
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
}

impl Node {
    /// The body itself.
    #[must_use]
    pub fn body() -> Self {
        Self(&PROJECT)
    }

    /// The field of this name, if it is known.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Self> {
        self.0.get("properties")?.get(name).map(Self)
    }

    /// The fields that must be there.
    pub fn required(self) -> impl Iterator<Item = &'static str> {
        let Self(node) = self;
        let names = node.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What the node accepts.
    #[must_use]
    pub fn shape(self) -> Shape {
        let Self(node) = self;
        if let Some(words) = node.get("enum").and_then(Value::as_array) {
            return Shape::Words(words);
        }
        match node.get("type").and_then(Value::as_str) {
            Some("array") => Shape::List(Self(&node["items"])),
            Some("string") => Shape::Text,
            Some("integer") => Shape::Integer,
            Some("boolean") => Shape::Boolean,
            _ => Shape::Object,
        }
    }
}
