use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::api::keys;
use crate::decide::{Identity, Reservation, ReservedConnection, Target};

fn project(name: &str, more: Value) -> MigrationProject {
    let mut object = json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": {
            "name": name, "namespace": "shop", "uid": name,
            "creationTimestamp": "2026-11-23T10:00:00Z",
        },
        "spec": {"connectionRef": {"name": "oms"}, "project": {"name": "orders"}},
    });
    merge(&mut object, more);
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn reserved_for(name: &str) -> Value {
    let identity = Identity {
        cluster: "c".into(),
        namespace: "shop".into(),
        name: name.into(),
        uid: name.into(),
    };
    let target = Target {
        connection: ReservedConnection::default(),
        project_name: "orders".into(),
        body_hash: "h".into(),
        known_ids: Vec::new(),
        looked_at: Timestamp::UNIX_EPOCH,
        retry: None,
        unknown_attempts: 0,
    };
    let reservation = Reservation::new(&identity, 1, Timestamp::UNIX_EPOCH, target);
    json!({"metadata": {"annotations": {keys::CREATE_RESERVATION: reservation.to_annotation()}}})
}

fn key(name: &str) -> Key {
    Key {
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn claims(projects: &[MigrationProject]) -> Claims {
    let claims = Claims::new(Naming::default(), None);
    for project in projects {
        claims.follow(&watcher::Event::Apply(project.clone()));
    }
    claims
}

#[test]
fn the_older_comes_first_and_of_equals_the_one_named_first() {
    let young = project(
        "a",
        json!({"metadata": {"creationTimestamp": "2026-11-23T11:00:00Z"}}),
    );
    let [old, old_too] = ["b", "c"].map(|name| project(name, json!({})));
    let claims = claims(&[young.clone(), old.clone(), old_too.clone()]);
    assert_eq!(claims.rival("orders", &young, |_| true), Some(key("b")));
    assert_eq!(claims.rival("orders", &old_too, |_| true), Some(key("b")));
    assert_eq!(claims.rival("orders", &old, |_| true), None);
}

#[test]
fn who_has_a_project_comes_before_who_has_reserved_and_both_before_the_older() {
    let old = project("a", json!({}));
    let reserved = project("b", reserved_for("b"));
    let copied = project("b", reserved_for("z"));
    assert_eq!(
        claims(&[old.clone(), copied]).rival("orders", &old, |_| true),
        None,
        "a copied reservation gives no rank"
    );
    assert_eq!(
        claims(&[old.clone(), reserved.clone()]).rival("orders", &old, |_| true),
        Some(key("b"))
    );
    let made = project(
        "c",
        json!({"status": {"projectId": "np_1", "projectName": "orders"}}),
    );
    let all = claims(&[old, reserved.clone(), made.clone()]);
    assert_eq!(all.rival("orders", &reserved, |_| true), Some(key("c")));
    assert_eq!(all.rival("orders", &made, |_| true), None);
}

#[test]
fn another_oms_is_no_rivalry() {
    let [one, other] = ["a", "b"].map(|name| project(name, json!({})));
    let both = claims(&[one, other.clone()]);
    assert_eq!(both.rival("orders", &other, |_| false), None);
}

#[test]
fn an_id_is_claimed_where_its_claim_is_said_to_be() {
    let status = json!({"status": {
        "projectId": "np_1", "connection": {"url": "http://one"},
    }});
    let claims = claims(&[project("a", status)]);
    let in_oms_one = |claim: &Claim| claim.pinned_url.as_deref() == Some("http://one");
    let in_oms_two = |claim: &Claim| claim.pinned_url.as_deref() == Some("http://two");
    assert_eq!(
        claims.claimant_of("np_1", &key("b"), in_oms_one),
        Some(key("a"))
    );
    assert_eq!(claims.claimant_of("np_1", &key("b"), in_oms_two), None);
    assert_eq!(
        claims.claimant_of("np_1", &key("a"), in_oms_one),
        None,
        "its own"
    );
}

#[test]
fn what_a_new_list_does_not_name_is_gone() {
    let claims = claims(&[project("a", json!({})), project("b", json!({}))]);
    assert!(claims.follow(&watcher::Event::Init).is_empty());
    assert!(
        claims
            .follow(&watcher::Event::InitApply(project("b", json!({}))))
            .is_empty()
    );
    let gone = claims.follow(&watcher::Event::InitDone);
    assert_eq!(
        gone.iter()
            .map(|gone| gone.claim.uid.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(claims.named("orders"), [key("b")]);
    assert_eq!(claims.users_of(&key("oms")), [key("b")]);
}

#[test]
fn whoever_wants_another_name_gives_up_the_one_before() {
    let claims = claims(&[project("a", json!({}))]);
    let same = watcher::Event::Apply(project("a", json!({"spec": {"state": "Paused"}})));
    assert_eq!(claims.follow(&same), []);
    let renamed = json!({"spec": {"project": {"name": "renamed"}}});
    let given_up = claims.follow(&watcher::Event::Apply(project("a", renamed)));
    let names: Vec<&str> = given_up.iter().flat_map(|it| it.claim.names()).collect();
    assert_eq!(names, ["orders"]);
    assert!(!given_up[0].is_gone);
}

#[test]
fn a_changed_claim_leaves_nothing_of_the_old_one() {
    let claims = claims(&[project("a", json!({}))]);
    let given_up = claims.note(&project(
        "a",
        json!({"spec": {
            "connectionRef": {"name": "other"}, "project": {"name": "renamed"},
        }}),
    ));
    assert!(given_up.is_some(), "the watch does not tell of it any more");
    assert!(claims.named("orders").is_empty());
    assert!(claims.users_of(&key("oms")).is_empty());
    assert_eq!(claims.named("renamed"), [key("a")]);
}

#[test]
fn a_name_that_is_reserved_stays_so_when_the_resource_wants_another() {
    let renamed = json!({"spec": {"project": {"name": "renamed"}}});
    let mut moved = reserved_for("b");
    merge(&mut moved, renamed);
    let waiting = project("a", json!({}));
    let claims = claims(&[waiting.clone(), project("b", moved)]);
    assert_eq!(
        claims.rival("orders", &waiting, |_| true),
        Some(key("b")),
        "its attempt may have made a project of that name"
    );
    assert_eq!(claims.named("renamed"), [key("b")]);
    let given_up = claims.note(&project(
        "b",
        json!({"status": {"projectId": "np_1", "projectName": "renamed"}}),
    ));
    let given_up = given_up.expect("the name that was reserved");
    assert!(given_up.claim.names().any(|name| name == "orders"));
    assert_eq!(claims.rival("orders", &waiting, |_| true), None);
}

/// Deleted by force and applied again, both before the watch tells of it.
#[test]
fn what_comes_in_the_place_of_another_is_no_heir_of_its_claims() {
    let at = |uid: &str, version: &str, more| {
        let mut project = project("a", more);
        project.metadata.uid = Some(uid.to_owned());
        project.metadata.resource_version = Some(version.to_owned());
        project
    };
    let owner = json!({"status": {"projectId": "np_1", "projectName": "orders"}});
    let first = at("first", "1", owner.clone());
    let rival = project("b", reserved_for("b"));
    let claims = claims(&[first.clone(), rival]);
    let second = at("second", "3", json!({}));
    assert_eq!(
        claims.rival("orders", &second, |_| true),
        Some(key("b")),
        "the project that it finds in the index is not its own"
    );
    let made = json!({"status": {"projectId": "np_2", "projectName": "orders"}});
    let given_up = claims.note(&at("second", "4", made));
    assert!(given_up.is_some_and(|it| it.is_gone && it.claim.uid == "first"));
    let claimant = |id| claims.claimant_of(id, &key("b"), |_| true);
    assert_eq!(claimant("np_1"), None);
    assert_eq!(claimant("np_2"), Some(key("a")));

    assert_eq!(claims.note(&at("first", "1", owner)), None);
    claims.follow(&watcher::Event::Apply(first.clone()));
    assert_eq!(claimant("np_2"), Some(key("a")), "the watch is behind");
    let gone = claims.follow(&watcher::Event::Delete(at("first", "2", json!({}))));
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].claim.uid, "first");
    assert!(gone[0].is_gone);
    assert_eq!(claimant("np_2"), Some(key("a")));
    claims.follow(&watcher::Event::Delete(at("second", "5", json!({}))));
    assert_eq!(claimant("np_2"), None);
}

#[test]
fn a_watch_that_lags_does_not_take_an_id_back() {
    let at = |version: &str, more| {
        let mut project = project("a", more);
        project.metadata.resource_version = Some(version.to_owned());
        project
    };
    let claims = claims(&[at("1", json!({}))]);
    let recorded = at("3", json!({"status": {"projectId": "np_1"}}));
    assert_eq!(claims.note(&recorded), None);
    claims.follow(&watcher::Event::Apply(at("2", json!({}))));
    assert_eq!(
        claims.claimant_of("np_1", &key("b"), |_| true),
        Some(key("a"))
    );
    claims.follow(&watcher::Event::Apply(at("4", json!({}))));
    assert_eq!(claims.claimant_of("np_1", &key("b"), |_| true), None);
}

#[test]
fn a_list_does_not_take_back_what_was_written_since_it_was_asked_for() {
    let at = |version: &str, more| {
        let mut project = project("a", more);
        project.metadata.resource_version = Some(version.to_owned());
        project
    };
    let claimant = |claims: &Claims| claims.claimant_of("np_1", &key("b"), |_| true);
    let recorded = at("3", json!({"status": {"projectId": "np_1"}}));
    let listed = watcher::Event::InitApply(at("2", json!({})));

    let claims = claims(&[at("1", json!({}))]);
    claims.follow(&watcher::Event::Init);
    assert_eq!(claims.note(&recorded), None);
    claims.follow(&listed);
    claims.follow(&watcher::Event::InitDone);
    assert_eq!(claimant(&claims), Some(key("a")));

    claims.follow(&watcher::Event::Init);
    claims.follow(&listed);
    assert_eq!(claimant(&claims), None, "etcd was restored");
}

#[test]
fn who_goes_to_another_oms_gives_up_its_name_in_this_one() {
    let claims = claims(&[project("a", json!({}))]);
    let moved = json!({"spec": {"connectionRef": {"name": "other"}}});
    let given_up = claims.follow(&watcher::Event::Apply(project("a", moved)));
    assert_eq!(given_up.len(), 1);
    assert!(!given_up[0].is_gone);
}

#[test]
fn several_of_one_name_are_known_in_order_and_each_can_go() {
    let of = |name: &str| project(name, json!({}));
    let claims = claims(&[of("c"), of("a"), of("d"), of("b"), of("c")]);
    let named = |claims: &Claims| claims.named("orders");
    assert_eq!(named(&claims), ["a", "b", "c", "d"].map(key));
    claims.follow(&watcher::Event::Delete(of("b")));
    assert_eq!(named(&claims), ["a", "c", "d"].map(key));
    for last in ["d", "a", "c"] {
        claims.follow(&watcher::Event::Delete(of(last)));
    }
    assert!(named(&claims).is_empty());
    assert_eq!(claims.count_users(&key("oms")), 0);
}

#[test]
fn what_all_have_in_common_is_there_once() {
    let of = |name: &str, url: &str| {
        let connection = json!({"namespace": "shop", "name": "oms", "url": url});
        project(
            name,
            json!({"status": {"projectId": name, "connection": connection}}),
        )
    };
    let claims = claims(&[
        of("a", "http://one"),
        of("b", "http://one"),
        of("c", "http://two"),
    ]);
    claims.follow(&watcher::Event::Apply(of("a", "http://one")));
    let index = claims.index.read();
    let [a, b, c] = ["a", "b", "c"].map(|name| &index.by_key[&key(name)]);
    let both = |one: &Claim, other: &Claim| one.connection.clone().zip(other.connection.clone());
    assert!(both(a, b).is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)));
    assert!(both(a, c).is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)));
    let urls = a.pinned_url.clone().zip(b.pinned_url.clone());
    assert!(urls.is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)));
    assert_eq!(c.pinned_url.as_deref(), Some("http://two"));
}
