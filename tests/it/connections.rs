//! Connections: what is wrong with them and how that mends itself, and which OMS
//! a project belongs to.

use oms_harness::until;
use oms_operator::api::v1alpha1::OMSConnectionStatus;
use oms_simulator::{Config, Simulator, Tls};
use serde_json::json;

use crate::failures::{error_of, nothing_is_written_while, told_once};
use crate::world::{DEADLINE, PASSWORD, World, condition, id, message};

fn credentials() -> Config {
    Config {
        username: "operator".into(),
        password: PASSWORD.into(),
        ..Config::default()
    }
}

// --- At a glance ------------------------------------------------------------------

/// What `kubectl get omsconn` prints of each connection, by column; `-o wide`
/// prints all.
async fn table(world: &World) -> (Vec<String>, Vec<Vec<String>>) {
    let path = format!(
        "/apis/oms.oceanbase.com/v1alpha1/namespaces/{}/omsconnections",
        world.namespace
    );
    let request = http::Request::get(path)
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .unwrap();
    let table: serde_json::Value = world.client.request(request).await.unwrap();
    let words = |cells: &serde_json::Value, field: &str| {
        let cells = cells.as_array().unwrap().iter();
        let text = |cell: &serde_json::Value| match cell.pointer(field) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => panic!("no {field:?} in {cell}"),
        };
        cells.map(text).collect::<Vec<String>>()
    };
    let columns = words(&table["columnDefinitions"], "/name");
    let rows = table["rows"].as_array().unwrap().iter();
    (columns, rows.map(|row| words(&row["cells"], "")).collect())
}

#[tokio::test]
async fn a_list_of_connections_says_which_is_in_trouble_and_since_when() {
    let world = World::new("glance").await;
    world
        .create_connection("dead", "http://127.0.0.1:1", json!({}))
        .await;
    let operator = world.operator().await;
    world.until_connection("dead", "OmsUnreachable").await;
    world.until_connection("oms", "InsecureTransport").await;
    let (columns, rows) = table(&world).await;
    let expected = [
        "Name", "Ready", "Reason", "Projects", "Since", "Age", "URL", "Message",
    ];
    assert_eq!(columns, expected);
    let is_age = |text: &str| text.ends_with(['s', 'm']) && !text.starts_with('<');
    for (row, (name, is, why)) in rows.iter().zip([
        ("dead", "False", "OmsUnreachable"),
        ("oms", "True", "InsecureTransport"),
    ]) {
        assert_eq!(row[..4], [name, is, why, "0"], "{row:?}");
        assert!(is_age(&row[4]), "since when: {row:?}");
    }
    assert!(rows[0][7].contains("could not be reached"), "{rows:?}");
    world.finish([operator]).await;
}

// --- Which OMS -------------------------------------------------------------------

#[tokio::test]
async fn a_project_is_not_looked_for_in_another_oms() {
    let world = World::new("moved").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    let other = Simulator::start(credentials()).await.unwrap();
    let moved = json!({"spec": {"url": other.url()}});
    world.patch_connection("oms", moved).await;
    let project = world.until_stalled("orders", "EndpointChanged").await;
    let advice = format!("formerUrls: [\"{}\"]", world.simulator.url());
    assert!(message(&project).contains(&advice), "{}", message(&project));
    // No attempt is announced, because none is made.
    assert_eq!(error_of(&project), None);
    nothing_is_written_while(&world, other.oms(), "oms", "moved").await;
    // Whatever is done to the resource, the other OMS hears nothing of it.
    world.force_look("orders", "now").await;
    world
        .until("orders", "the look is acknowledged", |project| {
            let status = project.status.as_ref();
            status.is_some_and(|status| status.last_handled_reconcile_at.is_some())
        })
        .await;
    let swept = |oms: &oms_simulator::Oms| oms.count("ListProjects") >= 3;
    assert!(other.wait_until(DEADLINE, swept).await);
    for call in other.calls() {
        assert_eq!(
            (call.action.as_str(), call.search_key),
            ("ListProjects", None)
        );
    }
    let project = world.get("orders").await;
    assert_eq!(id(&project), Some(made.as_str()));
    assert_eq!(project.status.unwrap().gone, None);
    // Back where it was.
    let back = json!({"spec": {"url": world.simulator.url()}});
    world.patch_connection("oms", back).await;
    world.until_running("orders").await;
    told_once(&world, "orders", "EndpointChanged").await;
    world.finish([operator]).await;
    other.stop().await;
}

#[tokio::test]
async fn the_same_oms_under_a_new_address_is_said_by_former_urls() {
    let world = World::new("former").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    let any = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let alias = Simulator::serve(world.oms().clone(), any).await.unwrap();
    let moved = json!({"spec": {"url": alias.url()}});
    world.patch_connection("oms", moved).await;
    let project = world.until_stalled("orders", "EndpointChanged").await;
    assert_eq!(error_of(&project), None);
    nothing_is_written_while(&world, world.oms(), "oms", "former").await;
    let former = json!({"spec": {"formerUrls": [world.simulator.url()]}});
    world.patch_connection("oms", former).await;
    world.until_running("orders").await;
    told_once(&world, "orders", "EndpointChanged").await;
    // And it is watched there.
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    // It is still nobody else's.
    world
        .create("thief", json!({"adopt": {"projectId": made}}))
        .await;
    world.until_stalled("thief", "ProjectClaimed").await;
    // Nor does it become that under the address that it has left behind.
    let home = world.simulator.url();
    world.create_connection("home", &home, json!({})).await;
    let takes = json!({"adopt": {"projectId": made}, "connectionRef": {"name": "home"}});
    world.create("other-thief", takes).await;
    world.until_stalled("other-thief", "ProjectClaimed").await;
    world.finish([operator]).await;
    alias.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_name_hears_that_another_connection_leads_elsewhere() {
    let world = World::new("neighbours").await;
    let home = world.simulator.url();
    world.create_connection("other", &home, json!({})).await;
    let operator = world.operator().await;
    // It comes first for the name, and makes nothing.
    world.create("orders", json!({"suspend": true})).await;
    let name = world.project_name("orders");
    let same = json!({"connectionRef": {"name": "other"}, "project": {"name": name}});
    world.create("second", same).await;
    let project = world.until_stalled("second", "NameConflict").await;
    assert!(
        message(&project).contains("/orders comes first"),
        "{}",
        message(&project)
    );
    let elsewhere = Simulator::start(credentials()).await.unwrap();
    let moved = json!({"spec": {"url": elsewhere.url()}});
    world.patch_connection("oms", moved).await;
    // Unasked it would look after five minutes, which is longer than this waits.
    world.until_running("second").await;
    world.finish([operator]).await;
    elsewhere.stop().await;
}

// --- Without users ------------------------------------------------------------------

#[tokio::test]
async fn what_was_seen_before_a_connection_had_no_users_is_not_believed() {
    let world = World::new("idle").await;
    let body = oms_simulator::Oms::example_body("by-hand");
    let made = world.oms().insert_project("by-hand", "INIT", body);
    let operator = world.operator().await;
    let adopt = json!({"state": "Created", "adopt": {"projectId": made}});
    world.create("orders", adopt).await;
    world
        .until("orders", "it is seen", |project| {
            condition(project, "Ready") == Some(("True", "Created"))
        })
        .await;
    world.delete("orders").await;
    world.until_gone("orders").await;
    // From now on it is only asked whether it works.
    let look = json!({"oms.oceanbase.com/reconcile-requested-at": "idle"});
    let look = json!({"metadata": {"annotations": look}});
    world.patch_connection("oms", look).await;
    until(DEADLINE, "the connection was asked", async || {
        let status = world.connections().get("oms").await.ok()?.status?;
        let asked = status.last_handled_reconcile_at.as_deref() == Some("idle");
        (asked && status.projects == Some(0)).then_some(())
    })
    .await
    .expect("the connection was asked");
    // Meanwhile somebody starts it, and stops it again.
    world.oms().set_status(&made, "SUSPEND").unwrap();
    let adopt = json!({"adopt": {"projectId": made}});
    world.create("orders", adopt).await;
    world.until_stalled("orders", "PausedOutside").await;
    assert_eq!(world.oms().count("StartProject"), 0);
    world.finish([operator]).await;
}

// --- Credentials -----------------------------------------------------------------

/// A connection that reads the Secret `late`, and a resource that uses it.
async fn with_the_secret(world: &World, entries: Option<&[(&str, &str)]>) {
    if let Some(entries) = entries {
        world.secret("late", entries).await;
    }
    let secret = json!({"credentialsSecretRef": {"name": "late"}});
    let url = world.simulator.url();
    world.create_connection("late", &url, secret).await;
    world
        .create("orders", json!({"connectionRef": {"name": "late"}}))
        .await;
}

async fn status_of(world: &World, name: &str) -> OMSConnectionStatus {
    let connection = world.connections().get(name).await.unwrap();
    connection.status.unwrap()
}

async fn mends_itself(world: &World) {
    let right = [("username", "operator"), ("password", PASSWORD)];
    world.secret("late", &right).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.until_connection("late", "InsecureTransport").await;
}

#[tokio::test]
async fn a_missing_secret_is_waited_for() {
    let world = World::new("no-secret").await;
    let operator = world.operator().await;
    with_the_secret(&world, None).await;
    let told = world.until_connection("late", "SecretMissing").await;
    assert!(told.contains("late") && told.contains("password"), "{told}");
    let project = world.until_message("orders", "SecretMissing").await;
    assert_eq!(
        condition(&project, "Reconciling"),
        Some(("True", "SecretMissing"))
    );
    assert_eq!(condition(&project, "Stalled"), None);
    // It may be on its way: not Stalled, not for a moment.
    let status = status_of(&world, "late").await;
    let is_there = |type_: &str| status.conditions.iter().any(|one| one.type_ == type_);
    assert!(is_there("Reconciling") && !is_there("Stalled"));
    mends_itself(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_secret_that_does_not_come_is_for_a_human_and_stays_so_over_a_restart() {
    let world = World::new("never-secret").await;
    let operator = world.operator().await;
    with_the_secret(&world, None).await;
    world.until_connection("late", "SecretMissing").await;
    world.until_message("orders", "SecretMissing").await;
    world.age_connection("late").await;
    world.until_connection_stalls("late").await;
    let before = status_of(&world, "late").await.conditions;
    assert!(operator.terminate().await.success());
    world.force_connection("late", "again").await;
    let operator = world.operator().await;
    until(DEADLINE, "it is looked at again", async || {
        let status = status_of(&world, "late").await;
        (status.last_handled_reconcile_at.as_deref() == Some("again")).then_some(())
    })
    .await
    .unwrap();
    // With the times of the transitions.
    assert_eq!(status_of(&world, "late").await.conditions, before);
    mends_itself(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_secret_with_a_wrong_key_names_it_and_mends_itself() {
    let world = World::new("bad-key").await;
    let operator = world.operator().await;
    let wrong = [("username", "operator"), ("passwd", PASSWORD)];
    with_the_secret(&world, Some(&wrong)).await;
    let told = world.until_connection("late", "SecretInvalid").await;
    assert!(told.contains("the key password is missing"), "{told}");
    mends_itself(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_wrong_password_mends_itself_when_the_secret_does() {
    let world = World::new("bad-password").await;
    let operator = world.operator().await;
    let wrong = [("username", "operator"), ("password", "wrong")];
    with_the_secret(&world, Some(&wrong)).await;
    world.until_connection("late", "AuthenticationFailed").await;
    assert_eq!(world.oms().projects(), []);
    mends_itself(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_password_is_rotated_while_projects_run() {
    let world = World::new("rotate").await;
    let operator = world.operator().await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    world.oms().set_password("operator", "the-next-one");
    world.until_connection("oms", "AuthenticationFailed").await;
    // What is known of the project does not get less known by that.
    let project = world.get("orders").await;
    assert_eq!(condition(&project, "Ready"), Some(("True", "Running")));
    world.create_secret("the-next-one").await;
    world.until_connection("oms", "InsecureTransport").await;
    world.oms().set_status(&made, "FAILED").unwrap();
    world.until_stalled("orders", "Failed").await;
    assert!(!operator.log().contains("the-next-one"));
    world.finish([operator]).await;
}

// --- TLS -------------------------------------------------------------------------

async fn own_authority(kind: &str, test: &str) {
    let tls = Tls::new(&[]).unwrap();
    let config = Config {
        tls: Some(tls.clone()),
        ..Config::default()
    };
    let world = World::with(test, config).await;
    let stranger = Tls::new(&[]).unwrap();
    let ca_ref = json!({"tls": {"caRef": {"kind": kind, "name": "ca", "key": "ca.crt"}}});
    let url = world.simulator.url();
    let publish = async |pem: &str| match kind {
        "Secret" => world.secret("ca", &[("ca.crt", pem)]).await,
        _ => world.config_map("ca", "ca.crt", pem).await,
    };
    let operator = world.operator().await;
    world.create_connection("tls", &url, ca_ref).await;
    let told = world.until_connection("tls", "CaMissing").await;
    assert!(told.contains("ca.crt"), "{told}");
    publish(stranger.ca_pem()).await;
    let told = world.until_connection("tls", "CertificateInvalid").await;
    assert!(told.contains("certificate"), "{told}");
    publish("not a certificate").await;
    let told = world.until_connection("tls", "CaInvalid").await;
    let place = format!("{kind} {}/ca, key ca.crt: ", world.namespace);
    assert!(told.starts_with(&place), "{told}");
    publish(tls.ca_pem()).await;
    world.until_connection("tls", "Connected").await;
    world
        .create("orders", json!({"connectionRef": {"name": "tls"}}))
        .await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    // Without the authority nothing is trusted.
    let told = world.until_connection("oms", "CertificateInvalid").await;
    assert!(told.contains("certificate"), "{told}");
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_own_authority_is_trusted_from_a_config_map() {
    own_authority("ConfigMap", "tls-config-map").await;
}

#[tokio::test]
async fn an_own_authority_is_trusted_from_a_secret() {
    own_authority("Secret", "tls-secret").await;
}
