//! What users do in a world beyond creating a resource: what kubectl, a restore
//! or an administrator may do behind the operator's back.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Error, ResourceExt};
use oms_harness::until;
use oms_operator::api::keys;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use serde_json::{Value, json};

use crate::world::{DEADLINE, World, condition, id, message, status};

impl World {
    /// A look at once.
    pub async fn force_look(&self, name: &str, text: &str) {
        let annotations = json!({keys::RECONCILE_REQUESTED_AT: text});
        self.patch(name, json!({"metadata": {"annotations": annotations}}))
            .await;
    }

    /// `name` is compared with its configuration now. A project just made is after its
    /// first move, or a minute: which of the two a test meets would be left to chance.
    pub async fn compared(&self, name: &str) -> MigrationProject {
        let project = self.get(name).await;
        let made = id(&project).expect("an id");
        let word = status(&project).expect("a status");
        self.oms().clock().advance(Duration::from_secs(5));
        self.oms().set_status(made, word).expect("a project");
        self.until_in_sync(name).await
    }

    /// A spec that was just edited is compared anew, which may fail on a busy machine
    /// and come later than the rest.
    pub async fn until_in_sync(&self, name: &str) -> MigrationProject {
        self.until(name, "it is compared", |project| {
            let generation = project.metadata.generation;
            let conditions = project.status.iter().flat_map(|status| &status.conditions);
            conditions.into_iter().any(|one| {
                let is = (&*one.type_, &*one.status) == ("InSync", "True");
                is && one.observed_generation == generation
            })
        })
        .await
    }

    /// The human's word to try again.
    pub async fn retry(&self, name: &str, text: &str) {
        let annotations = json!({keys::RETRY: text});
        self.patch(name, json!({"metadata": {"annotations": annotations}}))
            .await;
    }

    /// Another wanted run state.
    pub async fn want(&self, name: &str, state: &str) {
        self.patch(name, json!({"spec": {"state": state}})).await;
    }

    /// Waits until Ready has this status and reason.
    pub async fn until_ready(&self, name: &str, status: &str, reason: &str) -> MigrationProject {
        let what = format!("Ready is {status}, {reason}");
        self.until(name, &what, |project| {
            condition(project, "Ready") == Some((status, reason))
        })
        .await
    }

    /// Waits until the spec of now has been looked at.
    pub async fn until_looked_at(&self, name: &str) -> MigrationProject {
        self.until(name, "its spec is looked at", |project| {
            let seen = project.status.as_ref();
            seen.and_then(|status| status.observed_generation) == project.metadata.generation
        })
        .await
    }

    /// `kubectl replace` with the manifest as it was written first, which has
    /// neither the finalizer nor the reservation.
    pub async fn replace(&self, name: &str, more: Value) -> MigrationProject {
        let api = self.projects();
        loop {
            let mut project = self.manifest(name, more.clone());
            project.metadata.resource_version = self.get(name).await.resource_version();
            match api.replace(name, &PostParams::default(), &project).await {
                // Somebody else has written meanwhile.
                Err(Error::Api(status)) if status.is_conflict() => {}
                replaced => return replaced.expect("replaced"),
            }
        }
    }

    /// Takes every finalizer off, as impatient people do.
    pub async fn strip_finalizers(&self, name: &str) {
        self.patch(name, json!({"metadata": {"finalizers": null}}))
            .await;
    }

    /// A resource with this text as its reservation.
    pub async fn create_reserved(&self, name: &str, more: Value, text: &str) -> MigrationProject {
        let mut project = self.manifest(name, more);
        project
            .annotations_mut()
            .insert(keys::CREATE_RESERVATION.into(), text.into());
        self.projects()
            .create(&PostParams::default(), &project)
            .await
            .expect("created")
    }

    /// Writes another reservation, or takes it away.
    pub async fn set_reservation(&self, name: &str, text: Option<&str>) {
        let annotations = json!({keys::CREATE_RESERVATION: text});
        self.patch(name, json!({"metadata": {"annotations": annotations}}))
            .await;
    }

    /// Whether a resource of that name can be created now.
    pub async fn is_free(&self, name: &str) -> bool {
        let project = self.manifest(name, json!({}));
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        match self.projects().create(&parameters, &project).await {
            Ok(_) => true,
            Err(Error::Api(status)) if status.is_already_exists() => false,
            Err(error) => panic!("neither created nor refused: {error}"),
        }
    }

    /// Waits until the resource carries this id.
    pub async fn until_id(&self, name: &str, wanted: &str) -> MigrationProject {
        self.until(name, &format!("it has the id {wanted}"), |project| {
            id(project) == Some(wanted)
        })
        .await
    }

    /// Waits until the message of Ready contains `text`.
    pub async fn until_message(&self, name: &str, text: &str) -> MigrationProject {
        self.until(name, &format!("it says {text:?}"), |project| {
            message(project).contains(text)
        })
        .await
    }

    /// Merges `patch` into an OMSConnection.
    pub async fn patch_connection(&self, name: &str, patch: Value) -> OMSConnection {
        self.connections()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("patched")
    }

    /// Waits until Ready of a connection has this reason; gives its message.
    pub async fn until_connection(&self, name: &str, reason: &str) -> String {
        let api = self.connections();
        let what = format!("connection {name} is {reason}");
        let found = until(DEADLINE, &what, async || {
            let status = api.get(name).await.ok()?.status?;
            let ready = |condition: &&_| is_ready(condition) && has_reason(condition, reason);
            let condition = status.conditions.iter().find(ready)?;
            Some(condition.message.clone())
        });
        match found.await {
            Ok(message) => message,
            Err(error) => panic!("{error:#}\n{}", self.picture("-").await),
        }
    }

    /// Waits until a connection needs a human.
    pub async fn until_connection_stalls(&self, name: &str) {
        let api = self.connections();
        let what = format!("connection {name} is Stalled");
        until(DEADLINE, &what, async || {
            let status = api.get(name).await.ok()?.status?;
            let mut stalled = status
                .conditions
                .iter()
                .filter(|one| one.type_ == "Stalled");
            stalled.next().map(|_| ())
        })
        .await
        .expect("a connection that is Stalled");
    }

    /// A look at a connection at once.
    pub async fn force_connection(&self, name: &str, text: &str) {
        let annotations = json!({keys::RECONCILE_REQUESTED_AT: text});
        let patch = json!({"metadata": {"annotations": annotations}});
        self.patch_connection(name, patch).await;
    }

    /// A connection that is not Ready has been so for years.
    pub async fn age_connection(&self, name: &str) {
        until(DEADLINE, "nobody writes in between", async || {
            let api = self.connections();
            let mut connection = api.get(name).await.ok()?;
            let mut conditions = connection
                .status
                .iter_mut()
                .flat_map(|it| &mut it.conditions);
            let ready = conditions.find(|one| one.type_ == "Ready" && one.status == "False")?;
            ready.last_transition_time = Time(Timestamp::UNIX_EPOCH);
            let parameters = PostParams::default();
            api.replace_status(name, &parameters, &connection)
                .await
                .ok()
        })
        .await
        .expect("a connection that is not Ready");
    }

    /// Takes every finalizer off a connection.
    pub async fn strip_connection(&self, name: &str) {
        let patch = json!({"metadata": {"finalizers": null}});
        self.patch_connection(name, patch).await;
    }

    /// Deletes a Secret.
    pub async fn delete_secret(&self, name: &str) {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        api.delete(name, &DeleteParams::default())
            .await
            .expect("deleted");
    }

    /// Asks for the deletion of a connection.
    pub async fn delete_connection(&self, name: &str) {
        self.connections()
            .delete(name, &DeleteParams::default())
            .await
            .expect("deleted");
    }

    /// Waits until a connection is gone.
    pub async fn until_connection_gone(&self, name: &str) {
        let api = self.connections();
        until(DEADLINE, "the connection is gone", async || {
            matches!(api.get_opt(name).await, Ok(None)).then_some(())
        })
        .await
        .expect("gone");
    }

    /// Labels this namespace.
    pub async fn label_namespace(&self, key: &str, value: &str) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let patch = Patch::Merge(json!({"metadata": {"labels": {key: value}}}));
        api.patch(&self.namespace, &PatchParams::default(), &patch)
            .await
            .expect("labelled");
    }

    /// A ConfigMap with one entry.
    pub async fn config_map(&self, name: &str, key: &str, value: &str) {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.into()),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(key.into(), value.into())])),
            ..ConfigMap::default()
        };
        let parameters = PatchParams::apply("test").force();
        api.patch(name, &parameters, &Patch::Apply(&map))
            .await
            .expect("a ConfigMap");
    }

    /// The name that OMS knows the project of a resource by.
    pub fn project_name(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }
}

type Condition = k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

fn is_ready(condition: &Condition) -> bool {
    condition.type_ == "Ready"
}

fn has_reason(condition: &Condition, reason: &str) -> bool {
    condition.reason == reason
}

/// The time of day. The clock that is banned from shipped code is the
/// simulator's and the API server's, too.
#[expect(
    clippy::disallowed_methods,
    reason = "a test compares with their times"
)]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
