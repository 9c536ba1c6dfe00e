//! The watches, and the two controllers that they drive.

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::runtime::controller::{self, Controller};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt};
use kube::{Client, Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::claims::Key;
use super::context::Context;
use super::doubt;
use super::failure;
use super::kept::{KeptProject, Watched};
use super::kubernetes::Ours;
use super::me::annotation;
use super::merge::merge;
use super::publish::requested;
use super::{listing, work};
use crate::api::keys::{CREATE_RESERVATION, RECONCILE_REQUESTED_AT, RECREATE, RETRY};
use crate::api::v1alpha1::{MigrationProject, OMSConnection};
use crate::telemetry::Queue;

/// Connections reconciled at a time. Each may be in the middle of a sweep, or
/// wait for an OMS that is away: so many have to be before another waits for them.
const CONNECTIONS_AT_ONCE: u16 = 64;

/// Projects reconciled at a time, of all OMS: 56 may hang with all that one may have by default (`shares.rs`) before
/// what is another's waits. Not without bound, because after a start all resources are due at once, and kube would
/// begin with each of them before it goes on with one (docs/decisions/0049-a-bound-on-all-passes.md).
const PROJECTS_AT_ONCE: u16 = 1_792;

/// How long it is known of what was not seen any more what it was: of what is gone, too. One that
/// is seen later, by an own write or in a new list, is worked on once without need.
const UNSEEN: Duration = Duration::from_secs(300);

/// What of the cluster this process works on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only these namespaces; none means all.
    pub namespaces: Vec<String>,
    /// Only what has these labels.
    pub selector: Option<String>,
}

/// A watch over one kind, and the store that it fills once it runs.
pub struct Watch<K: Watched + 'static> {
    store: Store<K::Kept>,
    writer: Writer<K::Kept>,
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    synced: Arc<AtomicBool>,
}

impl<K: Watched + 'static> Watch<K> {
    /// A watch over what `scope` names.
    #[must_use]
    pub fn new(client: &Client, scope: &Scope) -> Self {
        let (store, writer) = store();
        let namespaces = &scope.namespaces;
        let client = listing::up_to_date(client);
        // Found out when the first of them is polled.
        let config = listing::configuration::<K>(client.clone(), scope.clone());
        let config = config.boxed().shared();
        let watch = |api: kube::Api<K>| {
            let config = config.clone();
            let begun = async move { watcher(api, config.await).default_backoff() };
            begun.flatten_stream().boxed()
        };
        let parts = if namespaces.is_empty() {
            vec![(None, watch(kube::Api::all(client.clone())))]
        } else {
            let part = |namespace: &String| {
                let stream = watch(K::api(client.clone(), namespace));
                (Some(namespace.clone()), stream)
            };
            namespaces.iter().map(part).collect()
        };
        let events = merge(parts, others(store.clone()));
        let synced = Arc::new(AtomicBool::new(false));
        Self {
            store,
            writer,
            events: events.modify(K::slim).boxed(),
            synced,
        }
    }

    /// The objects, as the watch has them.
    #[must_use]
    pub fn store(&self) -> Store<K::Kept> {
        self.store.clone()
    }

    /// Whether the first list is in. A flag, because
    /// `Store::wait_until_ready` wakes only one of several waiters.
    #[must_use]
    pub fn synced(&self) -> Arc<AtomicBool> {
        self.synced.clone()
    }

    /// Fills the store with what is kept of each object, after `first` has seen
    /// it whole.
    fn fill(
        self,
        first: impl Fn(&Event<K>) + Send + 'static,
    ) -> impl Stream<Item = watcher::Result<Event<K::Kept>>> + Send + 'static {
        let done = self.synced;
        let kept = self.events.map_ok(move |event| {
            first(&event);
            match event {
                Event::Init => Event::Init,
                Event::InitApply(object) => Event::InitApply(object.keep()),
                Event::InitDone => Event::InitDone,
                Event::Apply(object) => Event::Apply(object.keep()),
                Event::Delete(object) => Event::Delete(object.keep()),
            }
        });
        kept.reflect(self.writer).inspect(move |event| match event {
            Ok(Event::InitDone) => done.store(true, Ordering::Relaxed),
            Ok(_) => {}
            // The watch repairs itself, with back-off.
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), error = failure::of_watch(error), "watch failed");
            }
        })
    }
}

/// The objects of a namespace, or of all, that `store` has beside those named.
fn others<K: Watched + 'static>(
    store: Store<K::Kept>,
) -> impl Fn(Option<&str>, &HashSet<Key>) -> Vec<K> + Send + Sync {
    move |namespace, named| {
        let all = store.state();
        all.iter()
            .filter(|kept| namespace.is_none() || kept.namespace().as_deref() == namespace)
            .filter(|kept| !named.contains(&Key::of(&***kept)))
            .map(|kept| K::restore(kept))
            .collect()
    }
}

impl Watch<MigrationProject> {
    /// The projects that the watch wakes. On the way the index of claims is kept.
    pub fn waking(
        self,
        context: Arc<Context>,
    ) -> impl Stream<Item = watcher::Result<KeptProject>> + Send + 'static {
        let queue = context.wake_project.queue().clone();
        self.fill(move |event| follow(&context, event))
            .applied_objects()
            .predicate_filter(
                |project: &KeptProject| Some(project.wakes),
                PredicateConfig::default().ttl(UNSEEN),
            )
            .inspect_ok(move |project| queue.bring(&Key::of(project).to_string()))
    }
}

impl Watch<OMSConnection> {
    /// The connections that the watch wakes. Who used one that goes is told.
    pub fn waking(
        self,
        context: Arc<Context>,
    ) -> impl Stream<Item = watcher::Result<OMSConnection>> + Send + 'static {
        let queue = context.wake_connection.queue().clone();
        self.fill(|_| {})
            .inspect(move |event| {
                if let Ok(Event::Delete(connection)) = event {
                    lost(&context, &Key::of(connection));
                }
            })
            .applied_objects()
            .predicate_filter(
                what_wakes_a_connection,
                PredicateConfig::default().ttl(UNSEEN),
            )
            .inspect_ok(move |connection| queue.bring(&Key::of(connection).to_string()))
    }
}

/// Streams that wake resources from outside their watch.
pub struct Wakes<P, C> {
    /// Of projects.
    pub projects: P,
    /// Of connections.
    pub connections: C,
}

/// Runs both controllers until `stop`, then until what they are doing is done.
pub async fn run<P, C>(
    context: Arc<Context>,
    projects: Watch<MigrationProject>,
    connections: Watch<OMSConnection>,
    wakes: Wakes<P, C>,
    stop: CancellationToken,
) where
    P: Stream<Item = ObjectRef<KeptProject>> + Send + 'static,
    C: Stream<Item = ObjectRef<OMSConnection>> + Send + 'static,
{
    let stored = projects.store();
    let project_events = projects.waking(context.clone());
    let project_controller = Controller::for_stream(project_events, stored)
        .with_config(controller::Config::default().concurrency(PROJECTS_AT_ONCE))
        .reconcile_on(wakes.projects)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            |project, context| work::project(project, context).boxed(),
            |_, never: &Infallible, _| match *never {},
            context.clone(),
        )
        .for_each(|result| async { told(result, context.wake_project.queue()) });

    let stored = connections.store();
    let connection_events = connections.waking(context.clone());
    let connection_controller = Controller::for_stream(connection_events, stored)
        .with_config(controller::Config::default().concurrency(CONNECTIONS_AT_ONCE))
        .reconcile_on(wakes.connections)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            |connection, context| work::connection(connection, context).boxed(),
            |_, never: &Infallible, _| match *never {},
            context.clone(),
        )
        .for_each(|result| async { told(result, context.wake_connection.queue()) });

    futures::join!(project_controller, connection_controller);
}

/// Keeps the index of claims, and wakes whom it concerns that one is given up.
fn follow(context: &Context, event: &Event<MigrationProject>) {
    for given_up in context.claims.follow(event) {
        context.given_up(&given_up);
    }
}

/// A connection is gone. Where it still has users, somebody took our finalizer
/// off.
pub(super) fn lost(context: &Context, connection: &Key) {
    context.registry.lose(connection);
    context.sweeps.remove(connection);
    context.governors.leave(&connection.to_string());
    context.metrics.forget_connection(connection);
    context
        .wake_connection
        .queue()
        .remove(&connection.to_string());
    for user in context.claims.users_of(connection) {
        context.wake_project.wake(&user);
    }
}

/// What of a project makes a reconcile necessary. Its status is ours, and does
/// not; but an id that another process wrote does.
pub(super) fn what_wakes_a_project(project: &MigrationProject) -> u64 {
    let mut hasher = what_wakes(project);
    for name in [CREATE_RESERVATION, RECONCILE_REQUESTED_AT, RECREATE, RETRY] {
        annotation(project, name).hash(&mut hasher);
    }
    let status = project.status.as_ref();
    status
        .and_then(|status| status.project_id.as_deref())
        .hash(&mut hasher);
    hasher.finish()
}

fn what_wakes_a_connection(connection: &OMSConnection) -> Option<u64> {
    let mut hasher = what_wakes(connection);
    requested(connection).hash(&mut hasher);
    doubt::confirmed(connection).hash(&mut hasher);
    Some(hasher.finish())
}

fn what_wakes<K: Ours>(object: &K) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    object.uid().hash(&mut hasher);
    object.meta().generation.hash(&mut hasher);
    object.meta().deletion_timestamp.is_some().hash(&mut hasher);
    object.finalizers().hash(&mut hasher);
    hasher
}

/// Errors of a reconcile are told where they happen, and are no errors any more
/// here; what is left are those of the controller itself.
fn told<K: Resource<DynamicType = ()>>(
    result: Result<
        (ObjectRef<K>, controller::Action),
        controller::Error<Infallible, watcher::Error>,
    >,
    queue: &Queue,
) {
    match result {
        // It went before the loop began to work on it.
        Err(controller::Error::ObjectNotFound(gone)) => {
            let (namespace, name) = (gone.namespace.unwrap_or_default(), gone.name);
            queue.remove(&Key { namespace, name }.to_string());
        }
        Ok(_)
        | Err(
            controller::Error::ReconcilerFailed(..)
            // Told by the watch.
            | controller::Error::QueueError(_),
        ) => {}
        Err(error) => tracing::warn!(kind = %K::kind(&()), error = failure::chain(&error), "controller"),
    }
}
