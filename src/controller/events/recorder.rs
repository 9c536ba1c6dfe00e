//! Writes Events.
//!
//! Not kube's recorder, which keeps each Event whole for six minutes and walks
//! over all of them at the next one: at ten thousand resources the largest part of
//! both memory and CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::events::{Event, EventType};
use serde_json::json;

use super::recent::{Key, Recent};
use crate::api::keys::FIELD_MANAGER;
use crate::controller::clock::Clock;

/// Longest name of an object; that of an Event has 25 characters more than that
/// of what it is about.
const NAME_LIMIT: usize = 253 - 25;

/// Writes Events.
pub struct Recorder {
    client: Client,
    instance: String,
    clock: Arc<dyn Clock>,
    written: AtomicU32,
    recent: Recent,
}

impl Recorder {
    /// Events by way of `client`, told by the process `instance`.
    pub fn new(client: Client, instance: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            instance: instance.unwrap_or_else(|| FIELD_MANAGER.to_owned()),
            clock,
            written: AtomicU32::new(0),
            recent: Recent::default(),
        }
    }

    /// Writes one. The same again within minutes is counted in the Event that is
    /// there.
    pub async fn publish(&self, event: &Event, about: &ObjectReference) -> kube::Result<()> {
        let namespace = about.namespace.clone().unwrap_or_default();
        let api: Api<v1::Event> = Api::namespaced(self.client.clone(), &namespace);
        let now = MicroTime(self.clock.now());
        let key = Key::of(event, about);
        if let Some((name, count)) = self.recent.again(key) {
            let series = json!({"count": count, "lastObservedTime": now});
            let patch = Patch::Merge(json!({"series": series, "note": event.note}));
            let counted = api.patch(&name, &PatchParams::default(), &patch).await;
            match counted {
                // It has expired.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                counted => return counted.map(drop),
            }
        }
        let name = self.name(about.name.as_deref().unwrap_or_default(), &now);
        let type_ = match event.type_ {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        };
        let written = v1::Event {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            action: Some(event.action.clone()),
            event_time: Some(now),
            note: event.note.clone(),
            reason: Some(event.reason.clone()),
            regarding: Some(about.clone()),
            related: event.secondary.clone(),
            reporting_controller: Some(FIELD_MANAGER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(type_.to_owned()),
            ..v1::Event::default()
        };
        api.create(&PostParams::default(), &written).await?;
        self.recent.written(key, name);
        Ok(())
    }

    /// A name that no other Event has: by the time, as is usual, and by a count,
    /// because two may be of one moment.
    fn name(&self, about: &str, now: &MicroTime) -> String {
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let about = &about[..about.floor_char_boundary(NAME_LIMIT)];
        let about = about.trim_end_matches(['.', '-']);
        format!("{about}.{:x}{count:08x}", now.0.as_microsecond())
    }
}
