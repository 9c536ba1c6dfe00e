//! Events: what happened, for the eyes of the user. Best effort: an Event that
//! cannot be written never fails a reconcile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType};
use kube::{Client, Resource};
use parking_lot::Mutex;
use tokio::time::Instant;

use self::recorder::Recorder;
use super::clock::Clock;
use crate::api::v1alpha1::Reason;

mod recent;
mod recorder;

/// Longest note that the API server takes.
const NOTE_LIMIT: usize = 1024;

/// Longest time a reconcile is held up by an Event.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often the last word about a resource is tried: without its finalizer nothing but
/// the log tells of what may be left in OMS.
const LAST_TRIES: u32 = 3;

/// How long after one of these tries the next is made.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// How long it counts that a namespace was seen to be going: each pass over a
/// resource in it looks again, and one of the same name may come after it.
const GOING: Duration = Duration::from_secs(60);

/// Writes Events.
pub struct Events {
    recorder: Recorder,
    /// Where is told what can no longer be told beside the resource.
    own_namespace: Option<String>,
    /// Namespaces that are being deleted, and when that was seen.
    going: Mutex<BTreeMap<String, Instant>>,
}

impl Events {
    /// Events by way of `client`, told by the process `instance`.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            recorder: Recorder::new(client, instance, clock),
            own_namespace: None,
            going: Mutex::default(),
        }
    }

    /// The same, with a namespace in which the last word about a resource is told
    /// when its own takes no Event any more.
    #[must_use]
    pub fn with_own_namespace(self, own_namespace: Option<String>) -> Self {
        Self {
            own_namespace,
            ..self
        }
    }

    /// A namespace was looked at: whether it is being deleted. It takes no new
    /// Event then, so that none is tried.
    pub fn namespace_goes(&self, namespace: &str, goes: bool) {
        let mut going = self.going.lock();
        going.retain(|_, seen| seen.elapsed() < GOING);
        match goes {
            true => going.insert(namespace.to_owned(), Instant::now()),
            false => going.remove(namespace),
        };
    }

    fn is_going(&self, namespace: Option<&str>) -> bool {
        let going = self.going.lock();
        let seen = namespace.and_then(|namespace| going.get(namespace));
        seen.is_some_and(|seen| seen.elapsed() < GOING)
    }

    /// The last word about a resource that goes: beside it, or else in the
    /// operator's own namespace, where it names the resource.
    pub async fn last_word<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        type_: EventType,
        reason: Reason,
        note: &str,
    ) {
        let reference: ObjectReference = about.object_ref(&());
        if !self.is_going(reference.namespace.as_deref()) {
            let about = (reference.clone(), None);
            let written = self.write(about, type_, reason, note, LAST_TRIES).await;
            // Its namespace goes, and nobody could be asked.
            if !written.is_err_and(|error| is_forbidden(&error)) {
                return;
            }
        }
        let Some(own) = &self.own_namespace else {
            return;
        };
        // An Event stands in the namespace of the object that it is about.
        let here = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Namespace".to_owned()),
            name: Some(own.clone()),
            namespace: Some(own.clone()),
            ..ObjectReference::default()
        };
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let note = format!(
            "{} {}/{}: {note}",
            name(&reference.kind),
            name(&reference.namespace),
            name(&reference.name)
        );
        let about = (here, Some(reference));
        // It has told the log.
        let _ = self.write(about, type_, reason, &note, LAST_TRIES).await;
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
        let reference: ObjectReference = about.object_ref(&());
        if !self.is_going(reference.namespace.as_deref()) {
            let _ = self.write((reference, None), type_, reason, note, 1).await;
        }
    }

    /// Writes it, beside what it is about and with what is `related`. What the API server
    /// has answered instead is in the log already.
    async fn write(
        &self,
        (about, related): (ObjectReference, Option<ObjectReference>),
        type_: EventType,
        reason: Reason,
        note: &str,
        tries: u32,
    ) -> Result<(), kube::Error> {
        let event = Event {
            type_,
            reason: reason.as_str().to_owned(),
            note: Some(clip(note)),
            action: "Reconcile".to_owned(),
            secondary: related,
        };
        let publish = async {
            for _ in 1..tries {
                match self.recorder.publish(&event, &about).await {
                    Err(error) if may_pass(&error) => tokio::time::sleep(BETWEEN_TRIES).await,
                    done => return done,
                }
            }
            self.recorder.publish(&event, &about).await
        };
        match tokio::time::timeout(TIMEOUT, publish).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "event not written"
                );
                Err(error)
            }
            Err(_) => {
                tracing::debug!("event not written in time");
                Ok(())
            }
        }
    }
}

/// Whether the API server never takes it, as one of a namespace that is being deleted.
fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_forbidden())
}

/// Whether the API server may take later what it has not taken now. A conflict is one about a
/// quota of the namespace, which others use up at the same time; that the Event is there
/// already (`AlreadyExists`, also 409) is none.
fn may_pass(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            status.code == 429 || status.code >= 500 || status.is_conflict()
        }
        _ => true,
    }
}

fn clip(note: &str) -> String {
    let mut end = note.len().min(NOTE_LIMIT);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
