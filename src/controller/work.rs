//! One piece of the loop's work, counted: how long, how it ended, and when the
//! next is due.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use kube::Resource;
use kube::runtime::controller;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::time::Instant;

use super::action::Action;
use super::claims::Key;
use super::context::Context;
use super::kept::KeptProject;
use super::pass::Error;
use super::wake::Waker;
use super::{connection, reconcile, watch};
use crate::api::v1alpha1::OMSConnection;

/// Work on a project.
pub async fn project(
    object: Arc<KeptProject>,
    context: Arc<Context>,
) -> Result<controller::Action, Infallible> {
    let piece = Piece::begin(&*object, &context, &context.wake_project, &context.projects);
    let done = reconcile::reconcile(object.clone(), context.clone()).await;
    Ok(piece.end(done, |error| {
        reconcile::error_policy(object, error, context.clone())
    }))
}

/// Work on a connection.
pub async fn connection(
    object: Arc<OMSConnection>,
    context: Arc<Context>,
) -> Result<controller::Action, Infallible> {
    let (waker, store) = (&context.wake_connection, &context.connections);
    let piece = Piece::begin(&*object, &context, waker, store);
    let done = connection::reconcile(object.clone(), context.clone()).await;
    let next = piece.end(done, |error| {
        connection::error_policy(object.clone(), error, context.clone())
    });
    // It may have gone while its Secret was read, and what was read been noted after that.
    let key = Key::of(&*object);
    if context.connection(&key).is_none() {
        watch::lost(&context, &key);
    }
    Ok(next)
}

/// The result of a reconcile that was not the resource's turn.
const DEFERRED: &str = "deferred";

struct Piece<'a, K: Resource<DynamicType = ()> + Clone + 'static> {
    key: Key,
    context: &'a Context,
    waker: &'a Waker<K>,
    store: &'a Store<K>,
    began: Instant,
}

impl<'a, K: Resource<DynamicType = ()> + Clone> Piece<'a, K> {
    fn begin(object: &K, context: &'a Context, waker: &'a Waker<K>, store: &'a Store<K>) -> Self {
        let key = Key::of(object);
        waker.queue().begin(&key.to_string());
        Self {
            key,
            context,
            waker,
            store,
            began: Instant::now(),
        }
    }

    fn end(
        self,
        done: Result<Action, Error>,
        policy: impl FnOnce(&Error) -> Action,
    ) -> controller::Action {
        let (action, result) = match &done {
            Ok(action) if action.is_deferred() => (*action, DEFERRED),
            Ok(action) => (*action, "ok"),
            Err(error) => {
                let result = if error.is_conflict() {
                    "conflict"
                } else {
                    "error"
                };
                (policy(error), result)
            }
        };
        let work = self.context.metrics.work();
        // How long it took to find that it is not the resource's turn says nothing of the others.
        let took = (result != DEFERRED).then(|| self.began.elapsed());
        work.reconciled(kind::<K>(), result, took);
        let (queue, key) = (self.waker.queue(), self.key.to_string());
        queue.end(&key, action.after());
        // What went meanwhile does not come again.
        let reference = ObjectRef::new(&self.key.name).within(&self.key.namespace);
        if self.store.get(&reference).is_none() {
            queue.remove(&key);
            return controller::Action::await_change();
        }
        action.into()
    }
}

/// The name of a kind.
pub fn kind<K: Resource<DynamicType = ()>>() -> &'static str {
    match K::kind(&()) {
        Cow::Borrowed(kind) => kind,
        Cow::Owned(_) => "other",
    }
}
