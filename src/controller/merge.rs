//! Several watches, one for each namespace, as if they were one.

use std::collections::HashSet;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};
use kube::{Resource, ResourceExt};

/// One namespace's watch: its namespace and its stream.
pub type Part<K> = (String, BoxStream<'static, watcher::Result<Event<K>>>);

/// Merges watches of disjoint namespaces into a stream that a reflector may
/// take for one watch: the first lists become one list, and a later list of one
/// namespace becomes changes and deletions. `known` gives the objects of a
/// namespace that the reflector has.
pub fn merge<K>(
    parts: Vec<Part<K>>,
    known: impl Fn(&str) -> Vec<K> + Send + 'static,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let mut unlisted: HashSet<usize> = (0..parts.len()).collect();
    let mut seen: Vec<HashSet<String>> = vec![HashSet::new(); parts.len()];
    // Deletions that came before every namespace was listed: the store takes
    // them only after its list.
    let mut late: Vec<Event<K>> = Vec::new();
    let namespaces: Vec<String> = parts
        .iter()
        .map(|(namespace, _)| namespace.clone())
        .collect();
    let streams = parts
        .into_iter()
        .enumerate()
        .map(|(part, (_, stream))| stream.map(move |event| (part, event)).boxed());

    let merged = stream::select_all(streams).flat_map(move |(part, event)| {
        let first = unlisted.contains(&part);
        let events = match event {
            Err(error) => vec![Err(error)],
            Ok(Event::Init) => {
                seen[part].clear();
                Vec::new()
            }
            Ok(Event::InitApply(object)) => {
                seen[part].insert(object.name_any());
                let event = if !unlisted.is_empty() {
                    Event::InitApply(object)
                } else {
                    Event::Apply(object)
                };
                vec![Ok(event)]
            }
            Ok(Event::InitDone) if first => {
                unlisted.remove(&part);
                if !unlisted.is_empty() {
                    return stream::iter(Vec::new());
                }
                let mut events = vec![Ok(Event::InitDone)];
                events.extend(late.drain(..).map(Ok));
                events
            }
            Ok(Event::InitDone) => gone(known(&namespaces[part]), &seen[part]),
            // Before every namespace is listed, the store only takes parts of
            // the list.
            Ok(Event::Apply(object)) if !unlisted.is_empty() => vec![Ok(Event::InitApply(object))],
            Ok(event @ Event::Delete(_)) if !unlisted.is_empty() => {
                late.push(event);
                Vec::new()
            }
            Ok(event) => vec![Ok(event)],
        };
        stream::iter(events)
    });
    stream::once(async { Ok(Event::Init) }).chain(merged)
}

/// Deletions that a namespace's watch has missed.
fn gone<K: Resource>(known: Vec<K>, seen: &HashSet<String>) -> Vec<watcher::Result<Event<K>>> {
    known
        .into_iter()
        .filter(|object| !seen.contains(&object.name_any()))
        .map(|object| Ok(Event::Delete(object)))
        .collect()
}

#[cfg(test)]
mod tests;
