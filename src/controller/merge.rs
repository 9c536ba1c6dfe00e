//! Watches as a reflector can follow them: one, or several for a namespace each, as if they were one.
//!
//! kube's reflector shows what a list holds only once the list is complete, but hands each object on at once.
//! Of a first list that is no harm, because nothing is worked on before it is complete. After a later one, which
//! follows a watch that was too long away (410), work would begin on what the store had before: an edit of that time
//! would be taken for done, and a new resource not be found. So a later list becomes changes and deletions here,
//! and those the store shows before they are handed on.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::Resource;
use kube::runtime::watcher::{self, Event};

use super::claims::Key;

/// One watch: its namespace, unless it is over all of them, and its stream.
pub type Part<K> = (
    Option<String>,
    BoxStream<'static, watcher::Result<Event<K>>>,
);

/// What becomes of one event: made one by one, each after the one before was followed.
type Events<K> = Box<dyn Iterator<Item = watcher::Result<Event<K>>> + Send>;

/// Merges watches over disjoint namespaces into a stream that a reflector may
/// take for one watch with one list. `others` gives the objects of a namespace, or of all,
/// that the reflector has and that are not among those named.
pub fn merge<K, F>(
    parts: Vec<Part<K>>,
    others: F,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    F: Fn(Option<&str>, &HashSet<Key>) -> Vec<K> + Send + Sync + 'static,
{
    let others = Arc::new(others);
    let mut unlisted: HashSet<usize> = (0..parts.len()).collect();
    // What the list of each has named so far.
    let mut named: Vec<HashSet<Key>> = vec![HashSet::new(); parts.len()];
    // Deletions that came before every namespace was listed: the store takes
    // them only after its list.
    let mut late: Vec<K> = Vec::new();
    let namespaces: Vec<Option<String>> = parts
        .iter()
        .map(|(namespace, _)| namespace.clone())
        .collect();
    let streams = parts
        .into_iter()
        .enumerate()
        .map(|(part, (_, stream))| stream.map(move |event| (part, event)).boxed());

    let merged = stream::select_all(streams).flat_map(move |(part, event)| {
        let events: Events<K> = match event {
            Err(error) => Box::new(std::iter::once(Err(error))),
            Ok(Event::Init) => {
                named[part].clear();
                Box::new(std::iter::empty())
            }
            Ok(Event::InitApply(object)) => {
                let key = Key::of(&object);
                // Made anew, it is not what went before.
                late.retain(|deleted| Key::of(deleted) != key);
                named[part].insert(key);
                one(if unlisted.is_empty() {
                    Event::Apply(object)
                } else {
                    Event::InitApply(object)
                })
            }
            Ok(Event::InitDone) if unlisted.remove(&part) => {
                if !unlisted.is_empty() {
                    return stream::iter(Box::new(std::iter::empty()) as Events<K>);
                }
                // A first list that broke off has named what the next one may not.
                let gone = namespaces
                    .clone()
                    .into_iter()
                    .zip(std::mem::take(&mut named));
                named = vec![HashSet::new(); namespaces.len()];
                let others = others.clone();
                let gone = gone.flat_map(move |(namespace, named)| {
                    others(namespace.as_deref(), &named).into_iter()
                });
                let late = std::mem::take(&mut late).into_iter();
                let after = late.chain(gone).map(Event::Delete);
                Box::new(std::iter::once(Event::InitDone).chain(after).map(Ok))
            }
            Ok(Event::InitDone) => {
                let named = std::mem::take(&mut named[part]);
                let gone = others(namespaces[part].as_deref(), &named);
                Box::new(gone.into_iter().map(Event::Delete).map(Ok))
            }
            // Before every namespace is listed, the store only takes parts of
            // the list.
            Ok(Event::Apply(object)) if !unlisted.is_empty() => {
                let key = Key::of(&object);
                late.retain(|deleted| Key::of(deleted) != key);
                named[part].insert(key);
                one(Event::InitApply(object))
            }
            Ok(Event::Delete(object)) if !unlisted.is_empty() => {
                late.push(object);
                Box::new(std::iter::empty())
            }
            Ok(event) => one(event),
        };
        stream::iter(events)
    });
    stream::once(async { Ok(Event::Init) }).chain(merged)
}

fn one<K: Send + 'static>(event: Event<K>) -> Events<K> {
    Box::new(std::iter::once(Ok(event)))
}

#[cfg(test)]
mod tests;
