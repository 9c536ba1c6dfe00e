use serde_json::{Value, json};

use super::*;
use crate::decide::{Identity, ReservedConnection, Target};

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
    let claims = claims(&[young, project("b", json!({})), project("c", json!({}))]);
    assert_eq!(claims.rival("orders", &key("a"), |_| true), Some(key("b")));
    assert_eq!(claims.rival("orders", &key("c"), |_| true), Some(key("b")));
    assert_eq!(claims.rival("orders", &key("b"), |_| true), None);
}

#[test]
fn who_has_a_project_comes_before_who_has_reserved_and_both_before_the_older() {
    let old = project("a", json!({}));
    let reserved = project("b", reserved_for("b"));
    let copied = project("b", reserved_for("z"));
    assert_eq!(
        claims(&[old.clone(), copied]).rival("orders", &key("a"), |_| true),
        None,
        "a copied reservation gives no rank"
    );
    assert_eq!(
        claims(&[old.clone(), reserved.clone()]).rival("orders", &key("a"), |_| true),
        Some(key("b"))
    );
    let made = project(
        "c",
        json!({"status": {"projectId": "np_1", "projectName": "orders"}}),
    );
    let all = claims(&[old, reserved, made]);
    assert_eq!(all.rival("orders", &key("b"), |_| true), Some(key("c")));
    assert_eq!(all.rival("orders", &key("c"), |_| true), None);
}

#[test]
fn another_oms_is_no_rivalry() {
    let both = claims(&[project("a", json!({})), project("b", json!({}))]);
    assert_eq!(both.rival("orders", &key("b"), |_| false), None);
}

#[test]
fn an_id_is_claimed_only_in_its_own_oms() {
    let status = json!({"status": {
        "projectId": "np_1", "connection": {"url": "http://one"},
    }});
    let claims = claims(&[project("a", status)]);
    assert_eq!(
        claims.claimant_of("np_1", &key("b"), |url| url == "http://one"),
        Some(key("a"))
    );
    assert_eq!(
        claims.claimant_of("np_1", &key("b"), |url| url == "http://two"),
        None
    );
    assert_eq!(
        claims.claimant_of("np_1", &key("a"), |url| url == "http://one"),
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
            .map(|(_, claim)| claim.uid.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(claims.named("orders"), [key("b")]);
    assert_eq!(claims.users_of(&key("oms")), [key("b")]);
}

#[test]
fn a_changed_claim_leaves_nothing_of_the_old_one() {
    let claims = claims(&[project("a", json!({}))]);
    claims.note(&project(
        "a",
        json!({"spec": {
            "connectionRef": {"name": "other"}, "project": {"name": "renamed"},
        }}),
    ));
    assert!(claims.named("orders").is_empty());
    assert!(claims.users_of(&key("oms")).is_empty());
    assert_eq!(claims.named("renamed"), [key("a")]);
}

#[test]
fn a_name_that_is_reserved_stays_so_when_the_resource_wants_another() {
    let renamed = json!({"spec": {"project": {"name": "renamed"}}});
    let mut moved = reserved_for("b");
    merge(&mut moved, renamed);
    let claims = claims(&[project("a", json!({})), project("b", moved)]);
    assert_eq!(
        claims.rival("orders", &key("a"), |_| true),
        Some(key("b")),
        "its attempt may have made a project of that name"
    );
    assert_eq!(claims.named("renamed"), [key("b")]);
    claims.note(&project(
        "b",
        json!({"status": {"projectId": "np_1", "projectName": "renamed"}}),
    ));
    assert_eq!(claims.rival("orders", &key("a"), |_| true), None);
}

#[test]
fn a_watch_that_lags_does_not_take_an_id_back() {
    let at = |version: &str, more| {
        let mut project = project("a", more);
        project.metadata.resource_version = Some(version.to_owned());
        project
    };
    let claims = claims(&[at("1", json!({}))]);
    claims.note(&at("3", json!({"status": {"projectId": "np_1"}})));
    claims.follow(&watcher::Event::Apply(at("2", json!({}))));
    assert_eq!(
        claims.claimant_of("np_1", &key("b"), |_| true),
        Some(key("a"))
    );
    claims.follow(&watcher::Event::Apply(at("4", json!({}))));
    assert_eq!(claims.claimant_of("np_1", &key("b"), |_| true), None);
}
