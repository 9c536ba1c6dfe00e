use serde_json::{Value, json};

use super::*;

const NOON: &str = "2027-01-15T12:00:00Z";

fn reservation(uid: &str, at: &str) -> String {
    json!({
        "v": 1, "cluster": "c1", "namespace": "shop", "name": "orders", "uid": uid, "attempt": 1,
        "at": at, "notAfter": at, "connection": {"uid": "u", "url": "http://oms"},
        "projectName": "shop.orders", "bodyHash": "h", "knownIds": [], "lookedAt": at,
    })
    .to_string()
}

/// As RFC 7386 has it, but that a null stands for itself.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn project(more: &Value) -> MigrationProject {
    let mut object = json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "MigrationProject",
        "metadata": {
            "namespace": "shop", "name": "orders", "uid": "me",
            "finalizers": ["oms.oceanbase.com/finalizer"],
        },
        "spec": {"connectionRef": {"name": "oms"}, "project": {"type": "MIGRATION"}},
    });
    merge(&mut object, more);
    serde_json::from_value(object).expect("a project")
}

fn connection(namespace: &str, name: &str) -> OMSConnection {
    serde_json::from_value(json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "OMSConnection",
        "metadata": {
            "namespace": namespace, "name": name, "finalizers": ["oms.oceanbase.com/finalizer"],
        },
        "spec": {"url": "http://oms", "credentialsSecretRef": {"name": "oms"}},
    }))
    .expect("a connection")
}

fn found(projects: Vec<MigrationProject>) -> Found {
    Found {
        projects,
        connections: vec![
            connection("shop", "oms"),
            connection("shop", "other"),
            connection("else", "oms"),
        ],
        cluster: Some("c1".into()),
        now: NOON.parse().expect("a time"),
    }
}

fn reserved(uid: &str, at: &str) -> Value {
    let text = reservation(uid, at);
    json!({"metadata": {"annotations": {"oms.oceanbase.com/create-reservation": text}}})
}

#[test]
fn what_may_have_a_project_that_is_not_recorded_is_kept_with_its_connection() {
    for (what, more, kept) in [
        ("new", json!({}), false),
        ("called", reserved("me", NOON), true),
        ("restored", reserved("another", NOON), true),
        ("long ago", reserved("me", "2027-01-15T10:00:00Z"), true),
        (
            "unreadable",
            json!({"metadata": {"annotations": {"oms.oceanbase.com/create-reservation": "?"}}}),
            true,
        ),
        (
            "told by the status alone",
            json!({"status": {"create": {
                "attempt": 1, "at": NOON, "outcome": "Unknown", "projectName": "shop.orders",
                "lookedAt": NOON, "connection": {"url": "http://oms"},
            }}}),
            true,
        ),
    ] {
        let found = found(vec![project(&more)]);
        let plan = Plan::of(&found, false);
        assert_eq!(plan.kept.len(), usize::from(kept), "{what}");
        assert_eq!(plan.projects.len(), usize::from(!kept), "{what}");
        assert_eq!(plan.needed.len(), usize::from(kept), "{what}");
        let plan = Plan::of(&found, true);
        assert_eq!(
            (plan.projects.len(), plan.connections.len()),
            (1, 3),
            "{what}"
        );
    }
}

#[test]
fn a_settled_attempt_and_a_recorded_id_leave_nothing_open() {
    let mut refused = reserved("me", NOON);
    merge(
        &mut refused,
        &json!({"status": {"create": {
            "attempt": 1, "at": NOON, "outcome": "NotDone", "projectName": "shop.orders",
            "lookedAt": NOON, "connection": {"url": "http://oms"},
        }}}),
    );
    let mut recorded = reserved("me", NOON);
    merge(&mut recorded, &json!({"status": {"projectId": "np_1"}}));
    let mut copied = reserved("me", NOON);
    merge(&mut copied, &json!({"metadata": {"name": "items"}}));
    for more in [refused, recorded, copied] {
        let found = found(vec![project(&more)]);
        let plan = Plan::of(&found, false);
        assert_eq!((plan.projects.len(), plan.kept.len()), (1, 0), "{more}");
    }
}

#[test]
fn a_kept_resource_that_names_no_connection_keeps_them_all() {
    let mut more = reserved("me", NOON);
    merge(&mut more, &json!({"spec": {"connectionRef": null}}));
    let found = found(vec![project(&more)]);
    assert_eq!(Plan::of(&found, false).needed.len(), 3);
}

#[test]
fn what_is_not_held_is_left_alone() {
    let free = project(&json!({"metadata": {"finalizers": ["example.com/backup"]}}));
    let found = found(vec![free]);
    let plan = Plan::of(&found, false);
    assert_eq!((plan.projects.len(), plan.free), (0, 1));
}

#[test]
fn each_namespace_has_one_probe_which_has_a_project() {
    let with = |namespace: &str, name: &str, id: Option<&str>| {
        let metadata = json!({"namespace": namespace, "name": name});
        project(&json!({"metadata": metadata, "status": {"projectId": id}}))
    };
    let found = found(vec![
        with("shop", "new", None),
        with("shop", "one", Some("np_1")),
        with("shop", "two", Some("np_2")),
        with("else", "three", Some("np_3")),
    ]);
    let plan = Plan::of(&found, false);
    let (probes, rest) = plan.probes();
    let names = |all: &[&MigrationProject]| -> Vec<String> {
        all.iter().map(|one| one.name_any()).collect()
    };
    assert_eq!(names(&probes), ["one", "three"]);
    assert_eq!(names(&rest), ["new", "two"]);
}
