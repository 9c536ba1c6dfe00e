//! A controller whose order of work depends on time alone.
//!
//! `kube::runtime::Controller` polls what runs in the order of a hash map, which
//! is another in every process. This one has its rules (one reconcile of an
//! object at a time, the earliest wish counts, an object that is not in the
//! store is not reconciled) and a fixed order. What it drives is production's:
//! streams, store, reconcile, error policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use oms_operator::controller::Key;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often something may happen in one moment: no more than a few dozen times,
/// unless each of it brings on the next.
const AT_ONE_MOMENT: u32 = 10_000;

/// Something goes on and on in one and the same moment: the clock, which moves
/// when nothing is left to be done, moves no more.
#[derive(Debug)]
pub struct NoTimePasses;

/// Drives `reconcile`, which says when to come again, until `stop`, and then
/// until what runs has ended.
pub async fn drive<K, F>(
    waking: impl Stream<Item = watcher::Result<K>>,
    wakes: impl Stream<Item = ObjectRef<K>>,
    store: Store<K>,
    at_once: usize,
    stop: CancellationToken,
    reconcile: impl Fn(Arc<K>) -> F,
) -> Result<(), NoTimePasses>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Duration>> + Send + 'static,
{
    tokio::pin!(waking, wakes);
    let mut due: BTreeMap<Key, Instant> = BTreeMap::new();
    let mut running: BTreeSet<Key> = BTreeSet::new();
    let mut work: JoinSet<(Key, Option<Duration>)> = JoinSet::new();
    let mut ready = false;
    let (mut moment, mut happened) = (Instant::now(), 0);
    loop {
        if stop.is_cancelled() {
            due.clear();
            if running.is_empty() {
                return Ok(());
            }
        }
        let now = Instant::now();
        happened = if now == moment { happened + 1 } else { 0 };
        moment = now;
        if happened > AT_ONE_MOMENT {
            return Err(NoTimePasses);
        }
        let mut free = at_once.saturating_sub(running.len());
        let starting: Vec<Key> = due
            .iter()
            .filter(|(key, at)| ready && **at <= now && !running.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in starting {
            if free == 0 {
                break;
            }
            due.remove(&key);
            let reference = ObjectRef::new(&key.name).within(&key.namespace);
            let Some(object) = store.get(&reference) else {
                continue;
            };
            free -= 1;
            running.insert(key.clone());
            let doing = reconcile(object);
            work.spawn(async move { (key, doing.await) });
        }
        let next = due
            .iter()
            .filter(|(key, at)| **at > now && !running.contains(*key));
        let next = next.map(|(_, at)| *at).min();
        tokio::select! {
            biased;
            _ = store.wait_until_ready(), if !ready => ready = true,
            Some(woken) = waking.next() => {
                if let Ok(object) = woken {
                    let key = Key {
                        namespace: object.meta().namespace.clone().unwrap_or_default(),
                        name: object.meta().name.clone().unwrap_or_default(),
                    };
                    soonest(&mut due, key, Instant::now());
                }
            }
            Some(woken) = wakes.next() => {
                let namespace = woken.namespace.unwrap_or_default();
                soonest(&mut due, Key { namespace, name: woken.name }, Instant::now());
            }
            Some(Ok((key, again))) = work.join_next() => {
                running.remove(&key);
                if let Some(again) = again {
                    soonest(&mut due, key, Instant::now() + again);
                }
            }
            () = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            } => {}
            () = stop.cancelled(), if !stop.is_cancelled() => {}
        }
    }
}

fn soonest(due: &mut BTreeMap<Key, Instant>, key: Key, at: Instant) {
    let known = due.entry(key).or_insert(at);
    *known = at.min(*known);
}
