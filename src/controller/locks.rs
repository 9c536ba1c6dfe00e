//! One create at a time for each name on each OMS.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

type Name = (String, String);

/// The locks. They only keep this process from racing itself; between
/// processes the reservation decides.
#[derive(Default)]
pub struct NameLocks {
    locks: Mutex<HashMap<Name, Weak<tokio::sync::Mutex<()>>>>,
}

impl NameLocks {
    /// Waits until nobody else works on `name` at `url`.
    pub async fn lock(&self, url: &str, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock();
            locks.retain(|_, lock| lock.strong_count() > 0);
            let entry = locks.entry((url.to_owned(), name.to_owned())).or_default();
            entry.upgrade().unwrap_or_else(|| {
                let fresh = Arc::default();
                *entry = Arc::downgrade(&fresh);
                fresh
            })
        };
        lock.lock_owned().await
    }
}
