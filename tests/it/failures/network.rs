//! The way to OMS: dead, slow, broken, or not to be trusted.

use oms_simulator::{Config, Kind, Simulator, Tls};
use serde_json::json;

use super::{
    OFTEN, Row, goes_in_and_out, nothing_is_written, nothing_is_written_while, rests, told_once,
    waits_for,
};
use crate::world::{PASSWORD, World};

#[tokio::test]
async fn a_broken_connection_heals_by_itself() {
    let row = Row::new("drop", Kind::Drop, "OmsUnreachable");
    goes_in_and_out(row.says(&["broke"])).await;
}

#[tokio::test]
async fn an_oms_that_hangs_heals_by_itself() {
    let row = Row::new("hang", Kind::Hang, "OmsUnreachable");
    goes_in_and_out(row.says(&["no reply"])).await;
}

#[tokio::test]
async fn a_dead_port_heals_by_itself() {
    let world = World::new("fail-dead").await;
    let any = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let alias = Simulator::serve(world.oms().clone(), any).await.unwrap();
    let (url, address) = (alias.url(), alias.address());
    alias.stop().await;
    world.create_connection("dead", &url, json!({})).await;
    let operator = world.operator_with(&[OFTEN], None).await;
    let dead = json!({"connectionRef": {"name": "dead"}});
    world.create("orders", dead).await;
    let told = world.until_connection("dead", "OmsUnreachable").await;
    assert!(told.contains("could not be reached"), "{told}");
    waits_for(&world, "orders", "dead", "OmsUnreachable").await;
    rests(&world, "oms").await;
    nothing_is_written(&world, "dead", "a dead port").await;
    assert_eq!(
        world.oms().count("CreateProject"),
        1,
        "that of the other one"
    );
    let alias = Simulator::serve(world.oms().clone(), address)
        .await
        .unwrap();
    world.until_running("orders").await;
    assert_eq!(world.oms().projects().len(), 2);
    world.until_connection("dead", "InsecureTransport").await;
    for name in ["dead", "orders"] {
        told_once(&world, name, "OmsUnreachable").await;
    }
    world.finish([operator]).await;
    alias.stop().await;
}

/// A connection `tls` to an OMS with this certificate, which trusts `ca`.
async fn over_tls(test: &str, tls: &Tls, ca: &str) -> World {
    let config = Config {
        tls: Some(tls.clone()),
        ..Config::default()
    };
    let world = World::with(test, config).await;
    world.config_map("ca", "ca.crt", ca).await;
    let ca_ref = json!({"tls": {"caRef": {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"}}});
    let url = world.simulator.url();
    world.create_connection("tls", &url, ca_ref).await;
    let spec = json!({"connectionRef": {"name": "tls"}});
    world.create("orders", spec).await;
    world
}

async fn is_not_trusted(world: &World, why: &str) {
    let told = world.until_connection("tls", "CertificateInvalid").await;
    assert!(told.contains(why), "{told}");
    assert!(told.contains("caRef"), "what helps: {told}");
    let connection = world.connections().get("tls").await.unwrap();
    let conditions = connection.status.unwrap().conditions;
    let stalled = Some(("True", "CertificateInvalid"));
    assert_eq!(super::find(&conditions, "Stalled"), stalled);
    assert_eq!(super::find(&conditions, "Insecure"), None);
    waits_for(world, "orders", "tls", "CertificateInvalid").await;
    // An OMS that answers tells that time passes.
    let credentials = Config {
        username: "operator".into(),
        password: PASSWORD.into(),
        ..Config::default()
    };
    let other = Simulator::start(credentials).await.unwrap();
    world
        .create_connection("other", &other.url(), json!({}))
        .await;
    rests(world, "other").await;
    nothing_is_written_while(world, other.oms(), "tls", why).await;
    assert_eq!(world.oms().calls(), [], "not a byte was sent");
    world.delete("rests").await;
    world.until_gone("rests").await;
    world.delete_connection("other").await;
    world.until_connection_gone("other").await;
    other.stop().await;
}

async fn is_trusted_now(world: &World) {
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.until_connection("tls", "Connected").await;
    for name in ["tls", "orders"] {
        told_once(world, name, "CertificateInvalid").await;
    }
}

#[tokio::test]
async fn a_wrong_authority_is_told_until_it_is_corrected() {
    let tls = Tls::new(&[]).unwrap();
    let stranger = Tls::new(&[]).unwrap();
    let world = over_tls("fail-ca", &tls, stranger.ca_pem()).await;
    let operator = world.operator().await;
    is_not_trusted(&world, "certificate").await;
    world.config_map("ca", "ca.crt", tls.ca_pem()).await;
    is_trusted_now(&world).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn an_expired_certificate_is_told_until_it_is_renewed() {
    let tls = Tls::new(&[]).unwrap();
    tls.expire().unwrap();
    let world = over_tls("fail-expired", &tls, tls.ca_pem()).await;
    let operator = world.operator().await;
    is_not_trusted(&world, "expired").await;
    tls.renew().unwrap();
    is_trusted_now(&world).await;
    world.finish([operator]).await;
}
