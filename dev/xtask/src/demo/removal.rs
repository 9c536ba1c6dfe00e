//! Takes a demo out of a cluster again, and touches nothing without its label.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions, Resource};
use kube::{Client, ResourceExt};
use oms_harness::until_ok;
use oms_operator::api::Kind;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::theirs::{LABEL, Thing};
use crate::screen::Screen;

/// How long the operator may take to let go; and where only a killed demo can have left something.
const OPERATOR: Duration = Duration::from_secs(30);
const NO_OPERATOR: Duration = Duration::from_secs(3);

/// How long Kubernetes may take to empty a namespace.
const GONE: Duration = Duration::from_secs(120);

/// Deletes every resource of the kinds that a demo has defined, if it was a demo that defined them.
pub async fn resources(
    client: &Client,
    things: &[Thing],
    run: Option<&str>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let patience = run.map_or(NO_OPERATOR, |_| OPERATOR);
    // A connection stays as long as a project needs it.
    if defined_by_a_demo(client, things, Kind::MigrationProject, run).await? {
        delete_all::<MigrationProject>(client, patience, screen).await?;
    }
    if defined_by_a_demo(client, things, Kind::OMSConnection, run).await? {
        delete_all::<OMSConnection>(client, patience, screen).await?;
    }
    Ok(())
}

/// Deletes the things and waits until they are gone.
pub async fn things(
    client: &Client,
    things: &[Thing],
    run: Option<&str>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let mut leaving = Vec::new();
    for thing in things.iter().rev() {
        let api = thing.api(client);
        let Some(object) = api.get_opt(&thing.name).await? else {
            continue;
        };
        if !labelled(object.labels().get(LABEL), run) {
            continue;
        }
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: object.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        screen.doing(thing);
        let deleted = api.delete(&thing.name, &params).await;
        deleted.with_context(|| format!("cannot delete {thing}"))?;
        leaving.push(thing);
    }
    for thing in leaving {
        screen.doing(format_args!("waiting for {thing} to be gone"));
        let api = thing.api(client);
        until_ok(GONE, &format!("{thing} to be gone"), async || {
            match api.get_opt(&thing.name).await? {
                None => Ok(()),
                Some(object) => bail!("{}", reasons_to_stay(&object.data)),
            }
        })
        .await?;
        screen.say(format_args!("    removed {thing}"));
    }
    Ok(())
}

async fn defined_by_a_demo(
    client: &Client,
    things: &[Thing],
    kind: Kind,
    run: Option<&str>,
) -> anyhow::Result<bool> {
    let mut things = things.iter();
    let Some(definition) = things.find(|thing| thing.name == kind.definition_name()) else {
        return Ok(false);
    };
    let found = definition.api(client).get_opt(&definition.name).await?;
    Ok(found.is_some_and(|object| labelled(object.labels().get(LABEL), run)))
}

/// Whether a label is this run's; without a run any demo's.
fn labelled(label: Option<&String>, run: Option<&str>) -> bool {
    match (label, run) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(label), Some(run)) => label == run,
    }
}

async fn delete_all<K>(client: &Client, patience: Duration, screen: &Screen) -> anyhow::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let kind = K::kind(&());
    let all = Api::<K>::all(client.clone());
    let found = match all.list(&ListParams::default()).await {
        Ok(found) => found,
        // A definition that is on its way out, or not served yet, has no objects to speak of.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot list every {kind}")),
    };
    let one = |object: &K| {
        let namespace = object.namespace().unwrap_or_default();
        Api::<K>::namespaced(client.clone(), &namespace)
    };
    for object in &found {
        let deleted = one(object)
            .delete(&object.name_any(), &DeleteParams::default())
            .await;
        gone_is_good(deleted.map(drop))?;
    }
    screen.doing(format_args!(
        "waiting for the operator to let go of every {kind}"
    ));
    let let_go = until_ok(
        patience,
        "the operator to let go of its resources",
        async || {
            let left = all.list(&ListParams::default()).await?;
            let names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
            match names.is_empty() {
                true => Ok(()),
                false => bail!("{kind} {} are there", names.join(", ")),
            }
        },
    );
    if let Err(error) = let_go.await {
        screen.say(format_args!("    {error:#}: taking their finalizers off"));
        for object in &all.list(&ListParams::default()).await? {
            let bare = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            let freed = one(object)
                .patch(&object.name_any(), &PatchParams::default(), &bare)
                .await;
            gone_is_good(freed.map(drop))?;
        }
    }
    if !found.items.is_empty() {
        screen.say(format_args!(
            "    removed every {kind} ({})",
            found.items.len()
        ));
    }
    Ok(())
}

fn gone_is_good(done: Result<(), kube::Error>) -> anyhow::Result<()> {
    match done {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        done => Ok(done?),
    }
}

/// What a namespace says about why it stays.
fn reasons_to_stay(data: &serde_json::Value) -> String {
    let conditions = data.pointer("/status/conditions");
    let conditions = conditions.and_then(serde_json::Value::as_array);
    let messages = conditions.into_iter().flatten().filter_map(|condition| {
        (condition["status"] == "True").then(|| condition["message"].as_str())?
    });
    let messages: Vec<&str> = messages.collect();
    format!("it is still there. {}", messages.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_carries_the_label_is_touched() {
        let mine = "oms-demo-a".to_owned();
        assert!(labelled(Some(&mine), Some("oms-demo-a")));
        assert!(!labelled(Some(&mine), Some("oms-demo-b")));
        assert!(labelled(Some(&mine), None));
        assert!(!labelled(None, None));
        assert!(!labelled(None, Some("oms-demo-a")));
    }
}
