//! Waking a resource from outside its watch: after a sweep that saw a change,
//! or when its connection has come or gone.

use std::sync::Arc;

use futures::Stream;
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;

use super::claims::Key;
use crate::telemetry::Queue;

/// Wakes resources of one kind.
pub struct Waker<K: Resource> {
    sender: mpsc::UnboundedSender<ObjectRef<K>>,
    queue: Arc<Queue>,
}

impl<K: Resource<DynamicType = ()>> Waker<K> {
    /// The queue that its wakes are counted in.
    #[must_use]
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// A waker, and the stream that its controller listens to. Unbounded,
    /// because the listener merges equal requests and holds at most one for
    /// each resource.
    pub fn new() -> (Self, impl Stream<Item = ObjectRef<K>> + Send + 'static)
    where
        K: Send + 'static,
        ObjectRef<K>: Send,
    {
        let (sender, receiver) = mpsc::unbounded_channel();
        let stream = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|reference| (reference, receiver))
        });
        let queue = Arc::default();
        (Self { sender, queue }, stream)
    }

    /// Has the resource reconciled soon.
    pub fn wake(&self, key: &Key) {
        self.queue.wake(&key.to_string());
        // Nobody listens once the controller has stopped: then nothing is to
        // be woken.
        let _ = self
            .sender
            .send(ObjectRef::new(&key.name).within(&key.namespace));
    }
}
