//! A cluster of the user's, which is left as it was found.

use std::sync::Mutex;

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, PostParams, Resource};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Client, Config, ResourceExt};
use oms_harness::served;
use oms_operator::api::{Kind, crds_yaml};
use serde_json::{Value, json};

use super::cluster::ANSWER;
use super::removal;
use crate::paths::root;
use crate::screen::Screen;

/// Where the projects go.
pub const NAMESPACE: &str = "oms-demo";

/// On everything that a demo makes in a cluster that is not its own; its value tells one demo from
/// another.
pub const LABEL: &str = "oms.oceanbase.com/demo";

const RIGHTS: &str = "deploy/default/rbac.yaml";

/// The user's cluster.
pub struct Theirs {
    client: Client,
    context: String,
    kubeconfig: Kubeconfig,
    /// The value of [`LABEL`].
    run: String,
    /// What was made, or may have been, in that order.
    made: Mutex<Vec<Thing>>,
}

/// A thing of the cluster's, not of a namespace's.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// Its kind, as the API has it.
    pub resource: ApiResource,
    /// Its name.
    pub name: String,
}

impl Thing {
    /// Where it is.
    pub fn api(&self, client: &Client) -> Api<DynamicObject> {
        Api::all_with(client.clone(), &self.resource)
    }

    fn new<K: Resource<DynamicType = ()>>(name: &str) -> Thing {
        Thing {
            resource: ApiResource::erase::<K>(&()),
            name: name.to_owned(),
        }
    }
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.resource.kind, self.name)
    }
}

/// What the operator needs, a file or a definition.
pub struct Part {
    /// What it is called.
    pub what: String,
    /// As YAML.
    pub text: String,
}

/// Definitions and rights.
pub fn parts() -> anyhow::Result<Vec<Part>> {
    let mut parts: Vec<Part> = Kind::ALL
        .into_iter()
        .map(|kind| Part {
            what: kind.definition_name().to_owned(),
            text: crds_yaml(kind),
        })
        .collect();
    let text = std::fs::read_to_string(root().join(RIGHTS))
        .with_context(|| format!("cannot read {RIGHTS}"))?;
    parts.push(Part {
        what: RIGHTS.to_owned(),
        text,
    });
    Ok(parts)
}

/// Everything that is made, as objects: the parts, and the namespace of the projects.
fn objects() -> anyhow::Result<Vec<Value>> {
    let mut objects =
        vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})];
    for part in parts()? {
        let documents: Vec<Value> = serde_saphyr::from_multiple(&part.text)
            .with_context(|| format!("{} is not YAML", part.what))?;
        objects.extend(documents.into_iter().filter(|object| !object.is_null()));
    }
    Ok(objects)
}

/// The thing that an object is, unless it lies in a namespace and goes with that.
fn thing(object: &Value) -> anyhow::Result<Option<Thing>> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name").context("an object without a name")?;
    Ok(Some(match text("/kind") {
        Some("Namespace") => Thing::new::<Namespace>(name),
        Some("CustomResourceDefinition") => Thing::new::<CustomResourceDefinition>(name),
        Some("ClusterRole") => Thing::new::<ClusterRole>(name),
        Some("ClusterRoleBinding") => Thing::new::<ClusterRoleBinding>(name),
        Some("ServiceAccount" | "Role" | "RoleBinding") => return Ok(None),
        kind => bail!("the demo does not know how to remove {kind:?} {name} again"),
    }))
}

/// All things that a demo makes.
pub fn things() -> anyhow::Result<Vec<Thing>> {
    let things: anyhow::Result<Vec<Option<Thing>>> = objects()?.iter().map(thing).collect();
    Ok(things?.into_iter().flatten().collect())
}

impl Theirs {
    /// The cluster of this context, if it answers. Never the current one by silence.
    pub async fn connect(context: &str, run: &str) -> anyhow::Result<Theirs> {
        let kubeconfig = Kubeconfig::read().context("cannot read your kubeconfig")?;
        let names = kubeconfig.contexts.iter().map(|one| one.name.as_str());
        let names: Vec<&str> = names.collect();
        if !names.contains(&context) {
            bail!(
                "your kubeconfig has no context {context:?}; it has: {}",
                names.join(", ")
            );
        }
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options)
            .await
            .with_context(|| format!("cannot use the context {context}"))?;
        let url = config.cluster_url.clone();
        let client = Client::try_from(config)
            .with_context(|| format!("cannot use the context {context}"))?;
        match tokio::time::timeout(ANSWER, client.apiserver_version()).await {
            Ok(answer) => answer
                .map(drop)
                .with_context(|| format!("the API server of {context}, {url}, cannot be used"))?,
            Err(_) => bail!(
                "the API server of {context}, {url}, has not answered for {} s",
                ANSWER.as_secs()
            ),
        }
        Ok(Theirs {
            client,
            context: context.to_owned(),
            kubeconfig,
            run: run.to_owned(),
            made: Mutex::default(),
        })
    }

    /// As the user.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// kubectl for this cluster and the demo's namespace.
    pub fn kubectl(&self) -> String {
        format!("kubectl --context {} -n {NAMESPACE}", self.context)
    }

    /// Makes what the operator needs, unless something of it is there: that belongs to somebody else.
    pub async fn install(&self, screen: &Screen) -> anyhow::Result<()> {
        screen.say(format_args!(
            "    in the cluster of your context {}, now made and removed at the end:",
            self.context
        ));
        for mut object in objects()? {
            object["metadata"]["labels"][LABEL] = json!(self.run);
            self.make(object, screen).await?;
        }
        Ok(())
    }

    /// An error when the cluster has something already that the demo would make.
    pub async fn refuse_what_is_there(&self) -> anyhow::Result<()> {
        let (mut foreign, mut left) = (Vec::new(), Vec::new());
        for thing in things()? {
            let found = thing.api(&self.client).get_opt(&thing.name).await;
            let found = found.with_context(|| format!("cannot look for {thing}"))?;
            match found.map(|object| object.labels().contains_key(LABEL)) {
                None => {}
                Some(true) => left.push(thing.to_string()),
                Some(false) => foreign.push(thing.to_string()),
            }
        }
        if !foreign.is_empty() {
            bail!(
                "the cluster of {} has these already, and the demo touches nothing that it has not made: {}. Is an \
                 operator installed there? Take another cluster, or `cargo xtask demo` without --context",
                self.context,
                foreign.join(", ")
            );
        }
        if !left.is_empty() {
            bail!(
                "another demo runs in the cluster of {context}, or one was killed and has left: {}. \
                 `cargo xtask demo --context {context} --clean-up` removes it",
                left.join(", "),
                context = self.context
            );
        }
        Ok(())
    }

    async fn make(&self, object: Value, screen: &Screen) -> anyhow::Result<()> {
        let thing = thing(&object)?;
        let object: DynamicObject = serde_json::from_value(object)?;
        let types = object.types.clone().context("an object without a kind")?;
        let kind = GroupVersionKind::try_from(&types)?;
        let name = object.name_any();
        let what = format!("{} {name}", kind.kind);
        screen.doing(&what);
        let resource = match &thing {
            Some(thing) => thing.resource.clone(),
            None => ApiResource::from_gvk(&kind),
        };
        let api = match object.namespace() {
            Some(namespace) => Api::namespaced_with(self.client(), &namespace, &resource),
            None => Api::all_with(self.client(), &resource),
        };
        if let Some(thing) = thing {
            // Before the request: whoever stops the demo meanwhile finds it removed all the same.
            self.made().push(thing);
        }
        api.create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("cannot make {what} in the cluster of {}", self.context))?;
        if kind.kind == "CustomResourceDefinition" {
            served(&self.client, &name).await?;
        }
        screen.say(format_args!("    {what}"));
        Ok(())
    }

    /// A kubeconfig with the user's way to the cluster, and the operator's account.
    pub fn kubeconfig_for(&self, token: &str) -> anyhow::Result<String> {
        kubeconfig_for(&self.kubeconfig, &self.context, token)
    }

    /// Deletes the resources, while the operator can take its finalizers off.
    pub async fn let_go(&self, screen: &Screen) -> anyhow::Result<()> {
        let things = self.made().clone();
        removal::resources(&self.client, &things, Some(&self.run), screen).await
    }

    /// Removes all that was made.
    pub async fn remove(&self, screen: &Screen) -> anyhow::Result<()> {
        let things = self.made().clone();
        let removed = removal::things(&self.client, &things, Some(&self.run), screen).await;
        removed.with_context(|| {
            format!(
                "the cluster of {context} is not as it was: `cargo xtask demo --context {context} --clean-up` tries again",
                context = self.context
            )
        })
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<Thing>> {
        self.made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn kubeconfig_for(from: &Kubeconfig, context: &str, token: &str) -> anyhow::Result<String> {
    let named = from.contexts.iter().find(|one| one.name == context);
    let cluster = named
        .and_then(|one| one.context.as_ref())
        .map(|context| context.cluster.clone())
        .with_context(|| format!("the context {context} names no cluster"))?;
    let found = from.clusters.iter().find(|one| one.name == cluster);
    let found = found.with_context(|| format!("your kubeconfig has no cluster {cluster}"))?;
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [found],
        "users": [{"name": "oms-operator", "user": {"token": token}}],
        "contexts": [{"name": "demo", "context": {"cluster": cluster, "user": "oms-operator"}}],
        "current-context": "demo",
    })
    .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_made_can_be_removed_and_the_namespace_comes_first() {
        let things: Vec<String> = things().unwrap().iter().map(Thing::to_string).collect();
        assert_eq!(things[0], "Namespace oms-demo");
        for expected in [
            "CustomResourceDefinition migrationprojects.oms.oceanbase.com",
            "CustomResourceDefinition omsconnections.oms.oceanbase.com",
            "Namespace oms-system",
            "ClusterRole oms-operator",
            "ClusterRoleBinding oms-operator",
        ] {
            assert!(things.contains(&expected.to_owned()), "{things:?}");
        }
    }

    #[test]
    fn the_operator_gets_the_users_cluster_and_not_the_users_login() {
        let yours = r#"
            clusters:
            - {name: far, cluster: {server: "https://far.example:6443", tls-server-name: far}}
            - {name: other, cluster: {server: "https://other.example:6443"}}
            users: [{name: me, user: {token: my-secret-token}}]
            contexts: [{name: work, context: {cluster: far, user: me}}]
            current-context: elsewhere
        "#;
        let yours = Kubeconfig::from_yaml(yours).unwrap();
        let text = kubeconfig_for(&yours, "work", "operators-token").unwrap();
        assert!(text.contains("https://far.example:6443") && text.contains("operators-token"));
        assert!(text.contains("tls-server-name"), "{text}");
        assert!(!text.contains("my-secret-token") && !text.contains("other.example"));
        let read = Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("demo"));
    }
}
