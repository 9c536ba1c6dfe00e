//! The body of the CreateProject request, from a spec.
//!
//! What the user set is sent, and nothing is invented, with these exceptions:
//! - The five `enable*` flags are always sent, because OMS documents no
//!   default for them; unset is false.
//! - The configuration of a phase is sent whenever its phase is on, if only as
//!   an empty object, because OMS does not say which of them it can do without.
//! - `allowDestTableNotEmpty` and `nonePkUkTruncateDstTable` destroy data. In
//!   every `fullTransferConfig` that is sent they are explicit; unset is false.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::json::without_nulls;
use crate::api::known::{Node, Shape};
use crate::api::v1alpha1::MigrationProjectSpec;

/// The flags that choose the phases of a project.
const ENABLE: [&str; 5] = [
    "enableStructTransfer",
    "enableFullTransfer",
    "enableFullVerify",
    "enableIncrTransfer",
    "enableReverseIncrTransfer",
];

/// Each phase's configuration, and the flags that call for it.
const CONFIGS: [(&str, &[&str]); 3] = [
    ("structTransferConfig", &["enableStructTransfer"]),
    (
        "fullTransferConfig",
        &["enableFullTransfer", "enableFullVerify"],
    ),
    ("incrTransferConfig", &["enableIncrTransfer"]),
];

/// The flags that destroy data.
const DESTRUCTIVE: [&str; 2] = ["allowDestTableNotEmpty", "nonePkUkTruncateDstTable"];

/// A spec that cannot be made into a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// OMS cannot do without the field.
    #[error("spec.project.{0} is required to create a project")]
    Missing(&'static str),
    /// A field that the schema knows, in `extraProperties`.
    #[error(
        "spec.extraProperties.{path} is a field that spec.project knows: set spec.project.{path} instead"
    )]
    Known {
        /// Where in `extraProperties`.
        path: String,
    },
    /// A list that the schema knows, in `extraProperties`.
    #[error(
        "spec.extraProperties.{path} is a list in spec.project: nothing can be merged into the elements of a list"
    )]
    List {
        /// Where in `extraProperties`.
        path: String,
    },
    /// Something other than an object where the schema knows an object.
    #[error(
        "spec.extraProperties.{path} must be an object, as spec.project.{path} is one: give the fields to merge into it"
    )]
    NotAnObject {
        /// Where in `extraProperties`.
        path: String,
    },
}

impl BodyError {
    /// The field that is at fault, from the root of the resource.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Missing(field) => format!("spec.project.{field}"),
            Self::Known { path } | Self::List { path } | Self::NotAnObject { path } => {
                format!("spec.extraProperties.{path}")
            }
        }
    }
}

/// The request body. Name and data source ids are given by the caller, who has
/// resolved what the spec leaves open.
///
/// # Errors
/// When the spec lacks what OMS cannot do without (the API server refuses
/// that, too), or when `extraProperties` holds what is not its to give.
pub fn build(
    spec: &MigrationProjectSpec,
    name: &str,
    source_endpoint_id: &str,
    sink_endpoint_id: &str,
) -> Result<Map<String, Value>, BodyError> {
    if spec.project.type_.is_none() {
        return Err(BodyError::Missing("type"));
    }
    match &spec.project.transfer_mapping {
        None => return Err(BodyError::Missing("transferMapping")),
        Some(mapping) if mapping.mode.is_none() => {
            return Err(BodyError::Missing("transferMapping.mode"));
        }
        Some(_) => {}
    }
    let mut body = object(&spec.project);
    body.insert("name".into(), json!(name));
    body.insert("sourceEndpointId".into(), json!(source_endpoint_id));
    body.insert("sinkEndpointId".into(), json!(sink_endpoint_id));
    for flag in ENABLE {
        body.entry(flag).or_insert(json!(false));
    }
    for (config, flags) in CONFIGS {
        if flags.iter().any(|flag| body[*flag] == json!(true)) {
            body.entry(config).or_insert(json!({}));
        }
    }
    if let Some(extra) = &spec.extra_properties {
        if let Some(error) = refused_extras(extra).into_iter().next() {
            return Err(error);
        }
        merge(&mut body, without_nulls(extra.clone()));
    }
    if let Some(Value::Object(full)) = body.get_mut("fullTransferConfig") {
        for flag in DESTRUCTIVE {
            full.entry(flag).or_insert(json!(false));
        }
    }
    Ok(body)
}

/// What the spec says of the project, and no more: of one that exists already it
/// may be a part.
pub(super) fn described(spec: &MigrationProjectSpec) -> Map<String, Value> {
    debug_assert!(spec.hash_of_whole.is_none(), "of the whole spec only");
    let mut described = object(&spec.project);
    if let Some(extra) = &spec.extra_properties
        && refused_extras(extra).is_empty()
    {
        merge(&mut described, without_nulls(extra.clone()));
    }
    described
}

/// What `extraProperties` holds that is not its to give; empty for what
/// [`build`] accepts.
#[must_use]
pub fn refused_extras(extra: &Map<String, Value>) -> Vec<BodyError> {
    let mut refused = Vec::new();
    refuse_known(extra, Node::body(), "", &mut refused);
    refused
}

/// `node` is the schema of the object that `extra` is to be merged into, which
/// stands at `path`.
fn refuse_known(extra: &Map<String, Value>, node: Node, path: &str, refused: &mut Vec<BodyError>) {
    for (key, value) in extra {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(field) = node.field(key) else {
            continue;
        };
        match (field.shape(), value) {
            (_, Value::Null) => {}
            (Shape::Object, Value::Object(value)) => refuse_known(value, field, &path, refused),
            (Shape::Object, _) => refused.push(BodyError::NotAnObject { path }),
            (Shape::List(_), _) => refused.push(BodyError::List { path }),
            _ => refused.push(BodyError::Known { path }),
        }
    }
}

/// Merges what [`refused_extras`] has let through: where both sides hold a key,
/// both values are objects.
fn merge(into: &mut Map<String, Value>, extra: Map<String, Value>) {
    for (key, value) in extra {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(child)), Value::Object(value)) => merge(child, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// A hash over everything in a spec that decides which project is made. Equal
/// for specs that differ in nulls or in the order of keys only, and for a copy
/// that [`leave_out`] has made smaller.
#[must_use]
pub fn spec_hash(spec: &MigrationProjectSpec) -> String {
    if let Some(hash) = &spec.hash_of_whole {
        return hash.to_string();
    }
    let mut all = object(spec);
    all.retain(|key, _| {
        matches!(
            key.as_str(),
            "project"
                | "extraProperties"
                | "connectionRef"
                | "sourceEndpointRef"
                | "sinkEndpointRef"
        )
    });
    let mut text = String::new();
    canonical(&Value::Object(without_nulls(all)), &mut text);
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Leaves out of a spec what may be large and is needed only to make a body or
/// to compare with one. The hash of the whole stays. No body can be made of what
/// is left: it lacks the mapping.
pub fn leave_out(spec: &mut MigrationProjectSpec) {
    spec.hash_of_whole = Some(spec_hash(spec).into());
    spec.project.transfer_mapping = None;
    spec.extra_properties = None;
}

/// What is known of a project that OMS has. None where OMS does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Described<'a> {
    /// MIGRATION or SYNC.
    pub project_type: Option<&'a str>,
    /// Id of the source data source.
    pub source_endpoint_id: Option<&'a str>,
    /// Id of the target data source.
    pub sink_endpoint_id: Option<&'a str>,
    /// The flag of CreateProject.
    pub enable_struct_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_full_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_full_verify: Option<bool>,
    /// The flag of CreateProject.
    pub enable_incr_transfer: Option<bool>,
    /// The flag of CreateProject.
    pub enable_reverse_incr_transfer: Option<bool>,
}

/// In what a project differs from the body that was asked for; one sentence for
/// each. What OMS leaves out is not held against the project.
#[must_use]
pub fn differences(body: &Map<String, Value>, described: &Described) -> Vec<String> {
    // Without `..`: a field that is added must be compared.
    let Described {
        project_type,
        source_endpoint_id,
        sink_endpoint_id,
        enable_struct_transfer,
        enable_full_transfer,
        enable_full_verify,
        enable_incr_transfer,
        enable_reverse_incr_transfer,
    } = *described;
    [
        ("type", project_type.map(Value::from)),
        ("sourceEndpointId", source_endpoint_id.map(Value::from)),
        ("sinkEndpointId", sink_endpoint_id.map(Value::from)),
        (
            "enableStructTransfer",
            enable_struct_transfer.map(Value::from),
        ),
        ("enableFullTransfer", enable_full_transfer.map(Value::from)),
        ("enableFullVerify", enable_full_verify.map(Value::from)),
        ("enableIncrTransfer", enable_incr_transfer.map(Value::from)),
        (
            "enableReverseIncrTransfer",
            enable_reverse_incr_transfer.map(Value::from),
        ),
    ]
    .into_iter()
    .filter_map(|(field, found)| {
        let (wanted, found) = (body.get(field)?, found?);
        (*wanted != found).then(|| format!("{field}: asked for {wanted}, OMS has {found}"))
    })
    .collect()
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        // The API types are structs whose maps have text keys.
        other => unreachable!("an API type is an object in JSON, not {other:?}"),
    }
}

/// JSON without spaces and with sorted keys, whatever order the map keeps.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests;
