//! What tests do as cluster administrator: apply YAML, make namespaces and tokens.

use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{self, Scope};
use kube::{Client, ResourceExt};
use serde_json::Value;

use crate::control_plane::ControlPlane;
use crate::wait::until_ok;

const FIELD_MANAGER: &str = "oms-harness";
const CRD_DEADLINE: Duration = Duration::from_secs(60);
/// Longer than any test or demo.
const TOKEN_SECONDS: i64 = 7 * 24 * 3600;

impl ControlPlane {
    /// Applies every document of `text` server-side, in order; those without a namespace go to `default`.
    ///
    /// After a CustomResourceDefinition it waits until the server serves it, so that objects may
    /// follow in the same text. Unknown fields are refused, as by kubectl.
    pub async fn apply_yaml(&self, text: &str) -> anyhow::Result<Vec<DynamicObject>> {
        self.apply_yaml_in("default", text).await
    }

    /// Like [`ControlPlane::apply_yaml`], with another default namespace.
    pub async fn apply_yaml_in(
        &self,
        namespace: &str,
        text: &str,
    ) -> anyhow::Result<Vec<DynamicObject>> {
        apply_yaml(&self.client(), namespace, text).await
    }

    /// Makes a namespace with a name that nobody else has, and returns the name.
    pub async fn namespace(&self, prefix: &str) -> anyhow::Result<String> {
        let mut namespace = Namespace::default();
        namespace.metadata.generate_name = Some(format!("{prefix}-"));
        let made = Api::<Namespace>::all(self.client())
            .create(&PostParams::default(), &namespace)
            .await;
        Ok(made
            .with_context(|| format!("cannot make a namespace {prefix}-…"))?
            .name_any())
    }

    /// A token of a ServiceAccount that exists, as a Pod would get it.
    pub async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
    ) -> anyhow::Result<String> {
        service_account_token(&self.client(), namespace, name).await
    }
}

/// [`ControlPlane::apply_yaml_in`] for any cluster.
pub async fn apply_yaml(
    client: &Client,
    namespace: &str,
    text: &str,
) -> anyhow::Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("not YAML")?;
    let mut applied = Vec::new();
    for document in documents.iter().filter(|document| !document.is_null()) {
        applied.push(apply(client, namespace, document).await?);
    }
    Ok(applied)
}

/// [`ControlPlane::service_account_token`] for any cluster.
pub async fn service_account_token(
    client: &Client,
    namespace: &str,
    name: &str,
) -> anyhow::Result<String> {
    let request = TokenRequest {
        spec: TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let answer = Api::<ServiceAccount>::namespaced(client.clone(), namespace)
        .create_token_request(name, &PostParams::default(), &request)
        .await
        .with_context(|| format!("cannot get a token of ServiceAccount {namespace}/{name}"))?;
    Ok(answer
        .status
        .context("a TokenRequest was answered without a status")?
        .token)
}

async fn apply(
    client: &Client,
    default_namespace: &str,
    document: &Value,
) -> anyhow::Result<DynamicObject> {
    let field = |pointer| document.pointer(pointer).and_then(Value::as_str);
    let (Some(api_version), Some(kind), Some(name)) = (
        field("/apiVersion"),
        field("/kind"),
        field("/metadata/name"),
    ) else {
        bail!("apiVersion, kind and metadata.name are wanted in {document}");
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = GroupVersionKind::gvk(group, version, kind);
    let (resource, capabilities) = discovery::pinned_kind(client, &kind)
        .await
        .with_context(|| format!("the server does not know {api_version} {}", kind.kind))?;
    let namespace = match capabilities.scope {
        Scope::Namespaced => Some(field("/metadata/namespace").unwrap_or(default_namespace)),
        Scope::Cluster => None,
    };
    let api = dynamic(client, namespace, &resource);
    let params = PatchParams::apply(FIELD_MANAGER)
        .force()
        .validation_strict();
    let applied = api
        .patch(name, &params, &Patch::Apply(document))
        .await
        .with_context(|| {
            let place = namespace
                .map(|namespace| format!("{namespace}/"))
                .unwrap_or_default();
            format!("cannot apply {} {place}{name}", kind.kind)
        })?;
    if resource.kind == "CustomResourceDefinition" {
        served(client, name).await?;
    }
    Ok(applied)
}

fn dynamic(client: &Client, namespace: Option<&str>, resource: &ApiResource) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}

/// Waits until every served version of a CRD is in discovery and can be listed: "Established" comes a little earlier.
pub async fn served(client: &Client, name: &str) -> anyhow::Result<()> {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let what = format!("the server to serve {name}");
    until_ok(CRD_DEADLINE, &what, async || {
        let definition = definitions.get(name).await?;
        let status = definition.status.unwrap_or_default();
        for condition in status.conditions.unwrap_or_default() {
            let bad = matches!(condition.type_.as_str(), "Established" | "NamesAccepted")
                && condition.status != "True";
            if bad {
                bail!(
                    "{} is {}: {}",
                    condition.type_,
                    condition.status,
                    condition.message.unwrap_or_default()
                );
            }
        }
        for version in definition
            .spec
            .versions
            .iter()
            .filter(|version| version.served)
        {
            let kind = &definition.spec.names.kind;
            let kind = GroupVersionKind::gvk(&definition.spec.group, &version.name, kind);
            let (resource, _) = discovery::pinned_kind(client, &kind).await?;
            dynamic(client, None, &resource)
                .list(&ListParams::default().limit(1))
                .await?;
        }
        Ok(())
    })
    .await
}
