//! Validation rules that span fields, in the Common Expression Language (CEL).
//! The API server checks them, so a wrong manifest is refused at once and with
//! words.
//!
//! - At the **root** of an object stand only rules that compare with the old
//!   object. The server forgives an old object that breaks a rule below the root
//!   as long as the broken part is unchanged, but not at the root: a plain
//!   rule there, added by an upgrade, would lock objects out of every write.
//! - Every access is guarded by `has`. Without the guards an object that lacks
//!   the field could never be written again, its finalizer and status included.
//! - What the vendor's page demands is not demanded of a project that is
//!   adopted by id: it exists already, and its description may be incomplete.

use serde_json::{Value, json};

/// The fields of the spec that cannot change once the project exists.
pub const IMMUTABLE: [&str; 5] = [
    "connectionRef",
    "sourceEndpointRef",
    "sinkEndpointRef",
    "project",
    "extraProperties",
];

/// One rule: the schema node that it stands at, as a JSON pointer below the
/// root schema, and the rule in the form of `x-kubernetes-validations`.
pub struct Placed {
    /// JSON pointer of the schema node; empty for the root.
    pub at: &'static str,
    /// The rule.
    pub rule: Value,
}

const SPEC: &str = "/properties/spec";

/// Rules of `MigrationProject`.
pub fn migration_project() -> Vec<Placed> {
    let mut rules: Vec<Placed> = IMMUTABLE
        .iter()
        .map(|field| Placed {
            at: "",
            rule: immutable(field),
        })
        .collect();
    rules.push(Placed {
        at: "/properties/status",
        rule: json!({
            "rule": "!has(oldSelf.projectId) || (has(self.projectId) && self.projectId == oldSelf.projectId) \
                || (has(oldSelf.gone) && oldSelf.gone)",
            "message": "status.projectId is immutable: it is the only link to the project in OMS",
            "reason": "FieldValueForbidden",
            "fieldPath": ".projectId",
        }),
    });
    rules.extend(spec_rules());
    rules.push(Placed {
        at: "/properties/spec/properties/adopt",
        rule: invalid(
            "",
            "has(self.projectId) != has(self.byName)",
            "exactly one of projectId and byName is required",
        ),
    });
    rules.push(Placed {
        at: "/properties/spec/properties/adopt",
        rule: invalid(
            ".byName",
            "!has(self.byName) || self.byName",
            "byName can only be true: leave adopt out to take over nothing",
        ),
    });
    rules
}

/// Rules of `OMSConnection`.
pub fn oms_connection() -> Vec<Placed> {
    let words = "must be an http:// or https:// address without user, password, query and fragment, \
        such as https://oms.example.com:8089";
    let selector = "/properties/spec/properties/allowedNamespaces";
    vec![
        // At the spec, not at the text itself: there the server would repeat the
        // text, and with it the password that someone put into it.
        Placed {
            at: SPEC,
            rule: invalid(".url", &usable("self.url"), &format!("url {words}")),
        },
        Placed {
            at: SPEC,
            rule: invalid(
                ".formerUrls",
                &format!(
                    "!has(self.formerUrls) || self.formerUrls.all(former, {})",
                    usable("former")
                ),
                &format!("each of formerUrls {words}"),
            ),
        },
        Placed {
            at: selector,
            rule: invalid(
                "",
                "!(has(self.from) && self.from == 'Selector') || has(self.selector)",
                "from: Selector needs a selector; an empty one, {}, matches every namespace",
            ),
        },
        Placed {
            at: selector,
            rule: invalid(
                ".selector",
                "!has(self.selector) || (has(self.from) && self.from == 'Selector')",
                "a selector is obeyed with from: Selector only",
            ),
        },
    ]
}

/// The condition that a text is an address which the OMS client can use.
fn usable(text: &str) -> String {
    format!(
        "isURL({text}) && url({text}).getScheme() in ['http', 'https'] && url({text}).getHost() != '' \
         && !{text}.contains('@') && !{text}.contains('?') && !{text}.contains('#')"
    )
}

/// Rules that look at several fields of the spec of `MigrationProject`.
fn spec_rules() -> Vec<Placed> {
    let full = "self.project.fullTransferConfig";
    let mut rules = vec![
        required(
            ".project.type",
            "has(self.project) && has(self.project.type)",
            "project.type is required: MIGRATION or SYNC",
        ),
        required(
            ".project.transferMapping",
            "has(self.project) && has(self.project.transferMapping) && has(self.project.transferMapping.mode)",
            "project.transferMapping with its mode (SPECIFIC or WILDCARD) is required",
        ),
        required(
            ".project.transferMapping.databases",
            "!(has(self.project) && has(self.project.transferMapping) && has(self.project.transferMapping.mode) \
             && self.project.transferMapping.mode == 'SPECIFIC') \
             || (has(self.project.transferMapping.databases) && self.project.transferMapping.databases.size() > 0)",
            "mode SPECIFIC needs at least one entry in databases; to choose by pattern, use mode WILDCARD",
        ),
        required(
            ".project.fullTransferConfig.fullTransferSpeedMode",
            &format!(
                "!(has(self.project) && has(self.project.enableFullTransfer) && self.project.enableFullTransfer) \
                 || (has({full}) && has({full}.fullTransferSpeedMode))"
            ),
            "fullTransferSpeedMode (STEADY, NORMAL or FAST) is required when enableFullTransfer is true",
        ),
        required(
            ".project.fullTransferConfig.fullVerifySpeedMode",
            &format!(
                "!(has(self.project) && has(self.project.enableFullVerify) && self.project.enableFullVerify) \
                 || (has({full}) && has({full}.fullVerifySpeedMode))"
            ),
            "fullVerifySpeedMode (STEADY, NORMAL or FAST) is required when enableFullVerify is true",
        ),
        unless_adopted(
            ".project.name",
            "!has(self.project) || !has(self.project.name) || self.project.name.matches('^[^[:space:][:cntrl:]]*$')",
            "project.name must not contain spaces or control characters",
        ),
        unless_adopted(
            ".project.labelIds",
            "!has(self.project) || !has(self.project.labelIds) || self.project.labelIds.size() <= 5",
            "OMS allows at most 5 labelIds",
        ),
        unless_adopted(
            ".project.incrTransferConfig.storeLogKeptHour",
            "!has(self.project) || !has(self.project.incrTransferConfig) \
             || !has(self.project.incrTransferConfig.storeLogKeptHour) \
             || self.project.incrTransferConfig.storeLogKeptHour <= 8760",
            "storeLogKeptHour is in hours and at most 8760, which is 365 days",
        ),
    ];
    for side in ["source", "sink"] {
        let by_id = format!("(has(self.project) && has(self.project.{side}EndpointId))");
        rules.push(Placed {
            at: SPEC,
            rule: invalid(
                "",
                &format!("!({by_id} && has(self.{side}EndpointRef))"),
                &format!(
                    "give only one of project.{side}EndpointId and {side}EndpointRef: both name the {side} data source"
                ),
            ),
        });
        rules.push(required(
            "",
            &format!("{by_id} || has(self.{side}EndpointRef)"),
            &format!(
                "one of project.{side}EndpointId (an id, such as e_4wg07example) and {side}EndpointRef (a name) is required"
            ),
        ));
    }
    rules
}

/// The transition rule for a field of the spec. A change is allowed while no
/// project exists, when the project was made of an older spec than this one
/// (`specMismatch`), and when the spec names the adopted project by its id, so
/// that its description can be corrected.
///
/// The API server evaluates this on each write of the status, too, where the comparison
/// of two mappings of 5,000 tables costs it more than all else (0.3 of 0.5 s of CPU). But
/// what changes the status cannot change the spec, as the status is a subresource: the
/// spec is compared only where the status is as it was.
fn immutable(field: &str) -> Value {
    json!({
        "rule": format!(
            "!has(oldSelf.status) || !has(oldSelf.status.projectId) \
             || !has(self.status) || self.status != oldSelf.status \
             || (has(self.spec.{field}) == has(oldSelf.spec.{field}) \
                 && (!has(self.spec.{field}) || self.spec.{field} == oldSelf.spec.{field})) \
             || (has(oldSelf.status.specMismatch) && oldSelf.status.specMismatch) \
             || (has(self.spec.adopt) && has(self.spec.adopt.projectId) \
                 && self.spec.adopt.projectId == oldSelf.status.projectId)"
        ),
        "message": format!(
            "spec.{field} is immutable once the project exists in OMS: revert the change; or create a new \
             MigrationProject under another name; or delete this one and its project in OMS, then apply it again"
        ),
        "reason": "FieldValueForbidden",
        "fieldPath": format!(".spec.{field}"),
    })
}

fn required(field_path: &str, rule: &str, message: &str) -> Placed {
    let mut placed = unless_adopted(field_path, rule, message);
    placed.rule["reason"] = json!("FieldValueRequired");
    placed
}

fn unless_adopted(field_path: &str, rule: &str, message: &str) -> Placed {
    Placed {
        at: SPEC,
        rule: invalid(
            field_path,
            &format!("(has(self.adopt) && has(self.adopt.projectId)) || {rule}"),
            message,
        ),
    }
}

/// A rule whose breach reads "Invalid value". An empty path means the node
/// itself.
fn invalid(field_path: &str, rule: &str, message: &str) -> Value {
    let mut value = json!({ "rule": rule, "message": message });
    if !field_path.is_empty() {
        value["fieldPath"] = json!(field_path);
    }
    value
}
