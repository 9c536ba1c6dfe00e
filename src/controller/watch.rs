//! The watches, and the two controllers that they drive.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use kube::runtime::controller::{self, Controller};
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates};
use kube::{Api, Client, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::claims::{Claims, Key};
use super::context::Context;
use super::kubernetes::Ours;
use super::merge::merge;
use super::{connection, reconcile};
use crate::api::keys::{CREATE_RESERVATION, RECONCILE_REQUESTED_AT, RETRY};
use crate::api::v1alpha1::{MigrationProject, OMSConnection};

/// Objects asked for at a time when the whole list is read: a mapping may be
/// hundreds of kilobytes.
const PAGE_SIZE: u32 = 100;

/// Connections reconciled at a time. Each may be in the middle of a sweep.
const CONNECTIONS_AT_ONCE: u16 = 16;

/// A watch with its store, before it is run.
pub struct Watch<K: Ours + 'static> {
    store: Store<K>,
    events: BoxStream<'static, watcher::Result<watcher::Event<K>>>,
    synced: Arc<AtomicBool>,
}

impl<K> Watch<K>
where
    K: Ours + std::hash::Hash + 'static,
{
    /// The objects as the watch has them.
    #[must_use]
    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }
}

/// The namespaces to look at; none means all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Their names.
    pub namespaces: Vec<String>,
}
