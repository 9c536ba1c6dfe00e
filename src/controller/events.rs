//! Events: what happened, for the eyes of the user. Best effort: an Event that
//! cannot be written never fails a reconcile.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};

use crate::api::keys::FIELD_MANAGER;
use crate::api::v1alpha1::Reason;

/// Longest note that the API server takes.
const NOTE_LIMIT: usize = 1024;

/// Longest time a reconcile is held up by an Event.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Writes Events.
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// Events by way of `client`, told by the process `instance`.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>) -> Self {
        let reporter = Reporter {
            controller: FIELD_MANAGER.into(),
            instance,
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Something went as it should.
    pub async fn normal<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        self.tell(EventType::Normal, about, reason, note).await;
    }

    /// Something needs the user's attention.
    pub async fn warning<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        self.tell(EventType::Warning, about, reason, note).await;
    }

    async fn tell<K: Resource<DynamicType = ()>>(
        &self,
        type_: EventType,
        about: &K,
        reason: Reason,
        note: &str,
    ) {
        let event = Event {
            type_,
            reason: reason.as_str().to_owned(),
            note: Some(clip(note)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let reference: ObjectReference = about.object_ref(&());
        let publish = self.recorder.publish(&event, &reference);
        match tokio::time::timeout(TIMEOUT, publish).await {
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
}

fn clip(note: &str) -> String {
    let mut end = note.len().min(NOTE_LIMIT);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
