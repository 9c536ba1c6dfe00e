//! The `OMSConnection` resource: one OMS and how to log in to it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::describe_at_field;

use super::connection_status::OMSConnectionStatus;
use super::lifecycle::DeletionPolicy;

/// Interval of the sweep when the connection names none: the period at which a
/// person who watches `kubectl get -w` still takes a change for prompt.
pub const DEFAULT_SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Where an OMS is and how to log in to it.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "oms.oceanbase.com",
    version = "v1alpha1",
    kind = "OMSConnection",
    plural = "omsconnections",
    shortname = "omsconn",
    category = "oms",
    namespaced,
    status = "OMSConnectionStatus",
    derive = "PartialEq",
    doc = "One OceanBase Migration Service (OMS) with the credentials for it, shared by many MigrationProjects.",
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "description": "Whether the OMS can be used."}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "description": "Why it is ready, or not, in a word."}"#,
    printcolumn = r#"{"name": "Projects", "type": "integer", "jsonPath": ".status.projects", "description": "MigrationProjects that use this connection."}"#,
    printcolumn = r#"{"name": "Since", "type": "date", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].lastTransitionTime", "description": "How long it has been ready, or not."}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "URL", "type": "string", "jsonPath": ".spec.url", "priority": 1, "description": "Address of the OMS."}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message", "priority": 1, "description": "Why the connection is ready, or not."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct OMSConnectionSpec {
    /// Base address of the OMS, such as `https://oms.example.com:8089`. A
    /// trailing `/` or `/api/v2` is taken off. http:// works, but the password
    /// then travels readable. Must not hold credentials.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,

    /// Older addresses of the same OMS. A project that was created under one of
    /// them goes on under `url`; without it, it waits (reason EndpointChanged).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 2048)))]
    pub former_urls: Option<Vec<String>>,

    /// Secret with the keys `username` and `password`, of any type, in this
    /// namespace. It is read again every 30s (--secret-interval), so that a new
    /// password needs no more than a change of the Secret.
    pub credentials_secret_ref: SecretRef,

    /// TLS settings, for a `url` with https://. Left out: the certificate
    /// authorities of the operator's machine are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Bounds on the calls to this OMS. Where several OMSConnections lead to
    /// one address, the strictest count for all of them. Left out: as many calls
    /// as the OMS copes with, which the operator finds out by itself; fewer as
    /// soon as it is slow or asks for fewer (HTTP 429, Retry-After).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,

    /// How often the projects of this OMS are read, such as `30s` or `1m30s`; a
    /// status may be that far behind. Not shorter than the operator's
    /// --min-sweep-interval (10s). Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 32),
        regex(pattern = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$")
    )]
    pub sweep_interval: Option<String>,

    /// true: nothing is changed in this OMS, whatever its MigrationProjects ask
    /// for; they are still watched. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// Namespaces whose MigrationProjects may use this connection. Left out:
    /// only its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,

    /// Which MigrationProjects may take over projects that exist in OMS
    /// already, by `adopt` or as restored copies. SameNamespace: those in this
    /// namespace. Any: all that may use the connection. None: none. Default:
    /// SameNamespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,

    /// Which deletionPolicy MigrationProjects may carry out in this OMS. A
    /// resource with another one says so early (DeletionPolicyRefused), and its
    /// project stays in OMS when it is deleted. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3))]
    pub allowed_deletion_policies: Option<Vec<DeletionPolicy>>,
}

/// Bounds on the calls to an OMS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// So many calls may begin in a second, on the average; a second's worth may
    /// come at once. One list of 150 projects is one call, and a project takes
    /// three to be created. Left out: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_second: Option<i32>,

    /// So many calls may be under way at a time. Left out: 64, or fewer, as the
    /// OMS copes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub max_in_flight: Option<i32>,
}

/// Names a Secret in this namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// TLS settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificate authority to trust, besides those of the operator's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
}

/// Where a certificate authority is, in PEM form, in this namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaRef {
    /// Secret or ConfigMap.
    pub kind: CaKind,

    /// Name of the Secret or ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key in it, such as `ca.crt`.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Kind of object that holds a certificate authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum CaKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

/// Namespaces that may use a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// Same: only the connection's own namespace. All: every namespace.
    /// Selector: its own, and those whose labels match `selector`. Default:
    /// Same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NamespacesFrom>,

    /// Labels of the namespaces; with `from: Selector` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// How namespaces are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum NamespacesFrom {
    /// The connection's own.
    #[default]
    Same,
    /// Every one.
    All,
    /// By labels.
    Selector,
}

/// Who may take over existing projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = describe_at_field)]
pub enum Adoption {
    /// Resources in the connection's namespace.
    #[default]
    SameNamespace,
    /// Every resource that may use the connection.
    Any,
    /// Nobody.
    None,
}

impl OMSConnectionSpec {
    /// The sweep interval, the default applied. A text that is no duration (the
    /// schema refuses it) counts as unset.
    #[must_use]
    pub fn sweep_interval(&self) -> Duration {
        self.sweep_interval
            .as_deref()
            .and_then(|text| text.parse::<kube::core::Duration>().ok())
            .map_or(DEFAULT_SWEEP_INTERVAL, Duration::from)
    }

    /// Whether nothing may be changed in this OMS.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspend == Some(true)
    }

    /// Whether resources may carry out this deletion policy here. `Retain` asks
    /// nothing of OMS, and is carried out in any case.
    #[must_use]
    pub fn allows(&self, policy: DeletionPolicy) -> bool {
        let allowed = self.allowed_deletion_policies.as_ref();
        allowed.is_none_or(|allowed| allowed.contains(&policy))
    }

    /// Who may take over existing projects, the default applied.
    #[must_use]
    pub fn adoption(&self) -> Adoption {
        self.adoption.unwrap_or_default()
    }

    /// How namespaces are chosen, the default applied.
    #[must_use]
    pub fn allowed_from(&self) -> NamespacesFrom {
        self.allowed_namespaces
            .as_ref()
            .and_then(|allowed| allowed.from)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_interval_is_read_as_go_writes_durations() {
        let interval = |text: Option<&str>| {
            OMSConnectionSpec {
                sweep_interval: text.map(String::from),
                ..OMSConnectionSpec::default()
            }
            .sweep_interval()
        };
        assert_eq!(interval(None), DEFAULT_SWEEP_INTERVAL);
        assert_eq!(interval(Some("1m30s")), Duration::from_secs(90));
        assert_eq!(interval(Some("0.5h")), Duration::from_secs(1800));
        assert_eq!(interval(Some("250ms")), Duration::from_millis(250));
        assert_eq!(interval(Some("soon")), DEFAULT_SWEEP_INTERVAL);
    }
}
