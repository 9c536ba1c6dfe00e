//! The Events of the last minutes: which is counted up instead of written anew.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::Event;
use parking_lot::Mutex;
use tokio::time::Instant;

/// What came longer ago is not the same happening: six minutes, as client-go has
/// it.
const SAME: Duration = Duration::from_secs(360);

/// So many are remembered. One that is forgotten costs an Event more when it comes
/// again, and that is all.
const MOST: usize = 1_000;

/// What makes two Events the same: about whom, of what type, action and reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key of an Event.
    pub fn of(event: &Event, about: &ObjectReference) -> Self {
        let mut hasher = DefaultHasher::new();
        (event.type_, &event.action, &event.reason).hash(&mut hasher);
        for object in [Some(about), event.secondary.as_ref()] {
            let who = object.map(|object| (&object.uid, &object.namespace, &object.name));
            who.hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

struct Written {
    name: String,
    count: i32,
    last: Instant,
}

/// The Events of the last minutes.
#[derive(Default)]
pub struct Recent(Mutex<HashMap<Key, Written>>);

impl Recent {
    /// If the same was written minutes ago: the name of the Event, and how often
    /// it has happened by now.
    pub fn again(&self, key: Key) -> Option<(String, i32)> {
        let mut all = self.0.lock();
        let written = all.get_mut(&key)?;
        if written.last.elapsed() > SAME {
            all.remove(&key);
            return None;
        }
        written.count = written.count.saturating_add(1);
        written.last = Instant::now();
        Some((written.name.clone(), written.count))
    }

    /// It was written, for the first time.
    pub fn written(&self, key: Key, name: String) {
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.retain(|_, written| written.last.elapsed() <= SAME);
        }
        if all.len() >= MOST {
            all.clear();
        }
        let last = Instant::now();
        all.insert(
            key,
            Written {
                name,
                count: 1,
                last,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::events::EventType;

    use super::*;

    fn key(name: &str, reason: &str) -> Key {
        let event = Event {
            type_: EventType::Normal,
            reason: reason.to_owned(),
            note: None,
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let about = ObjectReference {
            name: Some(name.to_owned()),
            ..ObjectReference::default()
        };
        Key::of(&event, &about)
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_is_counted_for_minutes_and_something_else_is_not() {
        let recent = Recent::default();
        let orders = key("orders", "ProjectCreated");
        assert_eq!(recent.again(orders), None);
        recent.written(orders, "orders.1".to_owned());
        assert_eq!(recent.again(orders), Some(("orders.1".to_owned(), 2)));
        assert_eq!(recent.again(key("orders", "ProjectPaused")), None);
        assert_eq!(recent.again(key("items", "ProjectCreated")), None);
        tokio::time::advance(SAME).await;
        assert_eq!(recent.again(orders), Some(("orders.1".to_owned(), 3)));
        tokio::time::advance(SAME + Duration::from_secs(1)).await;
        assert_eq!(recent.again(orders), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_no_more_than_it_may() {
        let recent = Recent::default();
        for number in 0..10 * MOST {
            let key = key(&number.to_string(), "ProjectCreated");
            recent.written(key, String::new());
        }
        assert!(recent.0.lock().len() <= MOST);
    }
}
