use std::sync::Arc;

use futures::stream;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::store;

use super::*;

fn object(namespace: &str, name: &str) -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.namespace = Some(namespace.into());
    object.metadata.name = Some(name.into());
    object
}

fn list(namespace: &str, names: &[&str]) -> Vec<watcher::Result<Event<ConfigMap>>> {
    let mut events = vec![Ok(Event::Init)];
    events.extend(
        names
            .iter()
            .map(|name| Ok(Event::InitApply(object(namespace, name)))),
    );
    events.push(Ok(Event::InitDone));
    events
}

async fn names_after(parts: Vec<(&str, Vec<watcher::Result<Event<ConfigMap>>>)>) -> Vec<String> {
    let (reader, writer) = store();
    let parts = parts
        .into_iter()
        .map(|(namespace, events)| (Some(namespace.to_owned()), stream::iter(events).boxed()))
        .collect();
    let store = reader.clone();
    let others = move |namespace: Option<&str>, named: &HashSet<Key>| {
        let all = store.state();
        let of_it = |object: &&Arc<ConfigMap>| object.namespace().as_deref() == namespace;
        all.iter()
            .filter(of_it)
            .filter(|object| !named.contains(&Key::of(&***object)))
            .map(|object| (**object).clone())
            .collect()
    };
    let events: Vec<_> = merge(parts, others).reflect(writer).collect().await;
    assert!(events.iter().all(Result::is_ok));
    let dones = events
        .iter()
        .filter(|event| matches!(event, Ok(Event::InitDone)))
        .count();
    assert_eq!(dones, 1, "the reflector sees one list");
    let mut names: Vec<String> = reader
        .state()
        .iter()
        .map(|object| object.name_any())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_lists_of_all_namespaces_become_one() {
    let names = names_after(vec![
        ("a", list("a", &["1", "2"])),
        ("b", list("b", &["3"])),
    ])
    .await;
    assert_eq!(names, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_second_list_of_one_namespace_deletes_there_and_nowhere_else() {
    let mut again = list("a", &["1", "2"]);
    again.extend(list("a", &["2", "4"]));
    let names = names_after(vec![("b", list("b", &["3"])), ("a", again)]).await;
    assert_eq!(names, ["2", "3", "4"]);
}

#[tokio::test]
async fn what_changes_while_others_are_still_listed_is_not_lost() {
    let mut early = list("a", &["1"]);
    early.push(Ok(Event::Apply(object("a", "5"))));
    let names = names_after(vec![("a", early), ("b", list("b", &["3"]))]).await;
    assert_eq!(names, ["1", "3", "5"]);
}

#[tokio::test]
async fn what_is_deleted_while_others_are_still_listed_goes() {
    let mut early = list("a", &["1", "2"]);
    early.push(Ok(Event::Delete(object("a", "1"))));
    let names = names_after(vec![("a", early), ("b", list("b", &["3"]))]).await;
    assert_eq!(names, ["2", "3"]);
}

#[tokio::test]
async fn what_is_deleted_and_made_anew_while_others_are_still_listed_stays() {
    let mut early = list("a", &["1", "2"]);
    early.push(Ok(Event::Delete(object("a", "1"))));
    early.push(Ok(Event::Apply(object("a", "1"))));
    let names = names_after(vec![("a", early), ("b", list("b", &["3"]))]).await;
    assert_eq!(names, ["1", "2", "3"]);
}

#[tokio::test]
async fn what_goes_while_a_first_list_is_made_twice_is_not_kept() {
    let mut twice = list("a", &["1", "2"]);
    // It broke off.
    twice.pop();
    twice.extend(list("a", &["2"]));
    let names = names_after(vec![("a", twice), ("b", list("b", &["3"]))]).await;
    assert_eq!(names, ["2", "3"]);
}

/// What the reflector shows whenever an object is handed on.
#[tokio::test]
async fn what_a_later_list_hands_on_the_store_has_already() {
    let (reader, writer) = store();
    let mut again = list("a", &["1"]);
    again.extend(list("a", &["1", "2"]));
    let parts = vec![(None, stream::iter(again).boxed())];
    let events = merge(parts, |_: Option<&str>, _: &HashSet<Key>| Vec::new());
    let events = events.reflect(writer);
    tokio::pin!(events);
    let mut listed = false;
    while let Some(event) = events.next().await {
        match event.unwrap() {
            Event::InitDone => listed = true,
            Event::InitApply(_) => assert!(!listed, "as of a first list"),
            Event::Apply(object) => {
                let reference = kube::runtime::reflector::ObjectRef::from_obj(&object);
                assert!(reader.get(&reference).is_some(), "{}", object.name_any());
            }
            Event::Init | Event::Delete(_) => {}
        }
    }
    assert_eq!(reader.state().len(), 2);
}
