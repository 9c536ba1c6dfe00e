//! Events: what happened, for the eyes of the user. Best effort: an Event that
//! cannot be written never fails a reconcile.
//!
//! Written here and not by kube's recorder, which keeps each Event whole for six
//! minutes and walks over all of them at the next one: at ten thousand resources
//! the largest part of both memory and CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde_json::json;

use self::recent::{Key, Recent};
use super::clock::Clock;
use crate::api::keys::FIELD_MANAGER;
use crate::api::v1alpha1::Reason;

mod recent;

/// Longest note that the API server takes.
const NOTE_LIMIT: usize = 1024;

/// Longest name of an object; that of an Event has 25 characters more than that
/// of what it is about.
const NAME_LIMIT: usize = 253 - 25;

/// Longest time a reconcile is held up by an Event.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Writes Events.
pub struct Events {
    client: Client,
    instance: String,
    clock: Arc<dyn Clock>,
    written: AtomicU32,
    recent: Recent,
}

impl Events {
    /// Events by way of `client`, told by the process `instance`.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            instance: instance.unwrap_or_else(|| FIELD_MANAGER.to_owned()),
            clock,
            written: AtomicU32::new(0),
            recent: Recent::default(),
        }
    }

    /// Something went as it should.
    pub async fn normal<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        self.tell("Normal", about, reason, note).await;
    }

    /// Something needs the user's attention.
    pub async fn warning<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        self.tell("Warning", about, reason, note).await;
    }

    async fn tell<K: Resource<DynamicType = ()>>(
        &self,
        type_: &'static str,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        let reference: ObjectReference = about.object_ref(&());
        let write = self.write(type_, reference, reason, clip(note, NOTE_LIMIT));
        match tokio::time::timeout(TIMEOUT, write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "event not written"
                );
            }
            Err(_) => tracing::debug!("event not written in time"),
        }
    }

    /// The same again within minutes is counted in the Event that is there.
    async fn write(
        &self,
        type_: &'static str,
        about: ObjectReference,
        reason: Reason,
        note: &str,
    ) -> kube::Result<()> {
        let namespace = about.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let now = MicroTime(self.clock.now());
        let key = Key::of(type_, &about, reason);
        if let Some((name, count)) = self.recent.again(key) {
            let series = json!({"count": count, "lastObservedTime": now});
            let patch = Patch::Merge(json!({"series": series, "note": note}));
            let counted = api.patch(&name, &PatchParams::default(), &patch).await;
            match counted {
                // It has expired.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                counted => return counted.map(drop),
            }
        }
        let name = self.name(about.name.as_deref().unwrap_or_default(), &now);
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(now),
            note: Some(note.to_owned()),
            reason: Some(reason.as_str().to_owned()),
            regarding: Some(about),
            reporting_controller: Some(FIELD_MANAGER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(type_.to_owned()),
            ..Event::default()
        };
        api.create(&PostParams::default(), &event).await?;
        self.recent.written(key, name);
        Ok(())
    }

    /// A name that no other Event has: by the time, as is usual, and by a count,
    /// because two may be of one moment.
    fn name(&self, about: &str, now: &MicroTime) -> String {
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let about = clip(about, NAME_LIMIT).trim_end_matches(['.', '-']);
        format!("{about}.{:x}{count:08x}", now.0.as_microsecond())
    }
}

fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
