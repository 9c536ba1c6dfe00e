//! Before the start: is everything there that the operator needs? What is
//! missing is said with the command that helps.

mod rights;

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::v1alpha1::{MigrationProject, OMSConnection};
use crate::controller::Scope;

/// How long one question to the API server may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Between two attempts at what it asks to have patience for.
const AGAIN: Duration = Duration::from_millis(500);

/// Checks that the kinds are there and that the account has its rights, and says
/// which cluster this is.
///
/// # Errors
/// When something is missing.
pub async fn check(
    client: &Client,
    watched: &Scope,
    cluster: Option<&str>,
) -> anyhow::Result<String> {
    let namespaces = &watched.namespaces;
    let scopes: Vec<Option<&str>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces
            .iter()
            .map(|namespace| Some(namespace.as_str()))
            .collect()
    };
    for scope in &scopes {
        let selector = watched.selector.as_deref();
        can_list::<OMSConnection>(client, *scope, selector).await?;
        can_list::<MigrationProject>(client, *scope, selector).await?;
    }
    has_rights(client, &scopes).await?;
    match cluster {
        Some(cluster) => Ok(cluster.to_owned()),
        None => cluster_uid(client).await,
    }
}

/// How many missing rights are named.
const NAMED: usize = 8;

async fn has_rights(client: &Client, scopes: &[Option<&str>]) -> anyhow::Result<()> {
    let missing = rights::missing(client, scopes).await?;
    if !missing.others.is_empty() {
        tracing::warn!(
            missing = list(&missing.others),
            "this account lacks rights that the operator may need; kubectl apply -f \
             deploy/default/rbac.yaml gives them"
        );
    }
    if !missing.indispensable.is_empty() {
        bail!(
            "this account lacks rights without which projects could be created whose ids are not \
             recorded: {}. Give it its rights with: kubectl apply -f deploy/default/rbac.yaml",
            list(&missing.indispensable)
        );
    }
    Ok(())
}

fn list(missing: &[String]) -> String {
    let named = missing.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let more = missing.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!(" and {more} more"));
    named.join("; ") + &more.unwrap_or_default()
}

fn place(namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || "in all namespaces".to_owned(),
        |namespace| format!("in the namespace {namespace}"),
    )
}

async fn can_list<K>(
    client: &Client,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> anyhow::Result<()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut first = ListParams::default().limit(1);
    first.label_selector = selector.map(str::to_owned);
    let place = place(namespace);
    let kind = K::plural(&());
    match answered(|| api.list_metadata(&first)).await? {
        Ok(_) => Ok(()),
        // Of a group that it has never seen, the server says so in plain text, without a reason.
        Err(kube::Error::Api(status)) if status.code == 404 => bail!(
            "the CustomResourceDefinition {kind}.{} is not installed. Install both with: \
             oms-operator crd | kubectl apply --server-side -f -",
            K::group(&())
        ),
        Err(kube::Error::Api(status)) if status.is_forbidden() => bail!(
            "this account may not list {kind} {place}: {}. Give it its rights with: \
             kubectl apply -f deploy/default/rbac.yaml (or watch fewer namespaces: --watch-namespace)",
            status.message
        ),
        Err(kube::Error::Api(status)) if status.code == 400 && selector.is_some() => bail!(
            "--watch-selector {} is not a label selector: {}. It looks like shard=a, or 'shard notin (b,c)'",
            selector.unwrap_or_default(),
            status.message
        ),
        Err(error) => Err(error).with_context(|| format!("cannot list {kind} {place}")),
    }
}

async fn cluster_uid(client: &Client) -> anyhow::Result<String> {
    let api: Api<Namespace> = Api::all(client.clone());
    match answered(|| api.get_metadata("kube-system")).await? {
        Ok(namespace) => namespace
            .metadata
            .uid
            .context("the namespace kube-system has no UID"),
        Err(kube::Error::Api(status)) if status.is_forbidden() => bail!(
            "this account may not get the namespace kube-system, whose UID tells this cluster \
             from others. Allow it (kubectl apply -f deploy/default/rbac.yaml), or give the cluster a \
             name of your own: --cluster-id NAME"
        ),
        Err(error) => Err(error).context("cannot get the namespace kube-system"),
    }
}

/// The answer, which may be an error. Where the API server asks for patience (429), it
/// is asked again: for a second after a definition was applied it says "storage is
/// (re)initializing".
async fn answered<T, F>(question: impl Fn() -> F) -> anyhow::Result<kube::Result<T>>
where
    F: Future<Output = kube::Result<T>>,
{
    const UNREACHABLE: &str =
        "the API server cannot be reached. Check its address with: kubectl cluster-info";
    let patiently = async {
        loop {
            match question().await {
                Err(kube::Error::Api(status)) if status.code == 429 => {
                    tracing::info!(answer = status.message, "the API server asks to wait");
                    tokio::time::sleep(AGAIN).await;
                }
                answer => return answer,
            }
        }
    };
    match tokio::time::timeout(TIMEOUT, patiently).await {
        Ok(Err(kube::Error::Service(error))) => Err(anyhow!(error)).context(UNREACHABLE),
        Ok(Err(kube::Error::HyperError(error))) => Err(anyhow!(error)).context(UNREACHABLE),
        Ok(Err(kube::Error::Api(status))) if status.code == 401 => bail!(
            "the API server does not accept this account's token or certificate. Check them \
             with: kubectl auth whoami"
        ),
        Ok(answer) => Ok(answer),
        Err(_) => bail!(
            "the API server did not answer within {} s. Check it with: kubectl cluster-info",
            TIMEOUT.as_secs()
        ),
    }
}
