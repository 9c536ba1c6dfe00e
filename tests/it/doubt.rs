//! An OMS that was swapped behind its address, or set back: nothing that it does
//! not show counts as gone, until a human says so.

use std::net::SocketAddr;
use std::time::Duration;

use oms_harness::until;
use oms_operator::api::v1alpha1::{MigrationProject, VanishedStatus};
use oms_simulator::{Config, Durations, Oms, Simulator, When};
use serde_json::{Value, json};

use crate::world::{DEADLINE, Operator, PASSWORD, World, condition, id, status};

/// More than the few that are believed gone.
const MANY: usize = 4;

const CONFIRM: &str = "oms.oceanbase.com/confirm-gone";

fn credentials() -> Config {
    Config {
        username: "operator".into(),
        password: PASSWORD.into(),
        ..Config::default()
    }
}

async fn stand_in(oms: &Oms, at: SocketAddr) -> Simulator {
    let served = Simulator::serve(oms.clone(), at).await;
    served.expect("the address is free")
}

/// `count` resources whose projects run, and the ids.
async fn running(world: &World, connection: &str, count: usize) -> Vec<(String, String)> {
    let names: Vec<String> = (0..count).map(|number| format!("p{number}")).collect();
    for name in &names {
        let through = json!({"connectionRef": {"name": connection}});
        world.create(name, through).await;
    }
    let mut all = Vec::new();
    for name in names {
        let project = world.until_running(&name).await;
        let id = id(&project).expect("an id").to_owned();
        all.push((name, id));
    }
    all
}

fn is_doubtful(project: &MigrationProject) -> bool {
    condition(project, "Ready") == Some(("Unknown", "IdentityDoubtful"))
        && condition(project, "Reconciling") == Some(("True", "IdentityDoubtful"))
}

/// Each of them keeps its id, and none is gone.
async fn until_doubted(world: &World, all: &[(String, String)]) {
    for (name, made) in all {
        let project = world.until(name, "it is doubtful", is_doubtful).await;
        assert_eq!(id(&project), Some(made.as_str()));
        assert_eq!(project.status.unwrap().gone, None);
    }
}

/// Takes them out of OMS between two sweeps, so that one sweep misses all of them.
pub async fn remove_at_once(oms: &Oms, ids: &[String]) {
    let sweep = oms.hold("ListProjects", When::BeforeWork);
    sweep.arrived().await;
    for id in ids {
        oms.remove(id).expect("it is there");
    }
}

fn ids(all: &[(String, String)]) -> Vec<String> {
    all.iter().map(|(_, id)| id.clone()).collect()
}

async fn vanished(world: &World, connection: &str) -> Option<VanishedStatus> {
    let connection = world.connections().get(connection).await.unwrap();
    connection.status?.vanished
}

async fn confirm(world: &World, connection: &str, word: &str) {
    let patch = json!({"metadata": {"annotations": {CONFIRM: word}}});
    world.patch_connection(connection, patch).await;
}

/// Waits until the connection has been swept `times` more.
async fn swept(oms: &Oms, times: u64) {
    let before = oms.count("ListProjects");
    let more = oms.wait_until(DEADLINE, |oms| oms.count("ListProjects") >= before + times);
    assert!(more.await, "OMS is swept");
}

/// It was asked for its list, and for nothing else.
fn was_only_listed(oms: &Oms) {
    for call in oms.calls() {
        let seen = (call.action.as_str(), call.search_key.as_deref());
        assert_eq!(seen, ("ListProjects", None), "{call:#?}");
    }
}

#[tokio::test]
async fn an_oms_that_was_swapped_for_an_empty_one_makes_nothing_gone() {
    let world = World::new("swapped").await;
    let ours = Oms::new(credentials());
    let served = stand_in(&ours, ([127, 0, 0, 1], 0).into()).await;
    let at = served.address();
    world
        .create_connection("swap", &served.url(), json!({}))
        .await;
    let operator = world.operator().await;
    let all = running(&world, "swap", MANY).await;

    served.stop().await;
    let other = stand_in(&Oms::new(credentials()), at).await;
    let told = world.until_connection("swap", "IdentityDoubtful").await;
    assert!(told.contains("4 of the 4 projects"), "{told}");
    until_doubted(&world, &all).await;
    world.until_event("swap", "IdentityDoubtful").await;
    // A name that is free there is not free.
    let through = json!({"connectionRef": {"name": "swap"}});
    world.create("late", through).await;
    world.until_message("late", "IdentityDoubtful").await;
    // Nor does a look by hand, or another process, find out anything else.
    let doubt = vanished(&world, "swap").await.expect("a doubt");
    assert_eq!(doubt.projects, Some(4));
    world.force_look("p0", "now").await;
    operator.kill().await;
    let operator = world.operator().await;
    swept(&other, 4).await;
    until_doubted(&world, &all).await;
    assert_eq!(vanished(&world, "swap").await, Some(doubt));
    was_only_listed(&other);

    other.stop().await;
    let served = stand_in(&ours, at).await;
    for (name, made) in &all {
        let project = world.until_running(name).await;
        assert_eq!(id(&project), Some(made.as_str()));
    }
    world.until_running("late").await;
    world.until_connection("swap", "InsecureTransport").await;
    assert_eq!(vanished(&world, "swap").await, None);
    assert_eq!(ours.projects().len(), MANY + 1);
    world.finish([operator]).await;
    served.stop().await;
}

#[tokio::test]
async fn an_older_state_of_the_oms_is_doubted_only_about_what_it_lacks() {
    let world = World::new("set-back").await;
    let operator = world.operator().await;
    let all = running(&world, "oms", MANY + 1).await;
    let (lost, kept) = all.split_at(MANY);
    remove_at_once(world.oms(), &ids(lost)).await;
    until_doubted(&world, lost).await;
    let told = world.until_connection("oms", "IdentityDoubtful").await;
    assert!(told.contains("4 of the 5 projects"), "{told}");
    // What is there is watched as before.
    let (name, made) = &kept[0];
    world.oms().set_status(made, "FAILED").unwrap();
    world.until_stalled(name, "Failed").await;
    for (name, _) in lost {
        assert!(is_doubtful(&world.get(name).await), "{name}");
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_human_says_that_they_are_gone_and_nobody_else_can() {
    let world = World::new("really-gone").await;
    let operator = world.operator().await;
    let all = running(&world, "oms", MANY).await;
    remove_at_once(world.oms(), &ids(&all)).await;
    until_doubted(&world, &all).await;
    let told = world.until_connection("oms", "IdentityDoubtful").await;
    world.oms().clear_calls();
    confirm(&world, "oms", "true").await;
    world.force_connection("oms", "now").await;
    swept(world.oms(), 2).await;
    until_doubted(&world, &all).await;
    was_only_listed(world.oms());

    // The line that the message gives, as it stands there.
    let (_, since) = told.rsplit_once(&format!("{CONFIRM}=")).expect(&told);
    confirm(&world, "oms", since).await;
    for (name, made) in &all {
        let project = world.until_stalled(name, "ProjectGone").await;
        assert_eq!(id(&project), Some(made.as_str()));
    }
    world.until_connection("oms", "InsecureTransport").await;
    let settled = async || vanished(&world, "oms").await.is_none().then_some(());
    until(DEADLINE, "the doubt is over", settled).await.unwrap();

    // The answer stays on the connection, and answers no other doubt.
    let through = json!({"connectionRef": {"name": "oms"}});
    let next: Vec<String> = (0..MANY).map(|number| format!("next{number}")).collect();
    for name in &next {
        world.create(name, through.clone()).await;
    }
    let mut made = Vec::new();
    for name in &next {
        let project = world.until_running(name).await;
        made.push(id(&project).expect("an id").to_owned());
    }
    remove_at_once(world.oms(), &made).await;
    for name in &next {
        world.until(name, "it is doubtful", is_doubtful).await;
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn a_few_that_vanish_are_asked_about_one_by_one() {
    let world = World::new("few-gone").await;
    let operator = world.operator().await;
    let all = running(&world, "oms", 3).await;
    remove_at_once(world.oms(), &ids(&all)).await;
    for (name, _) in &all {
        world.until_stalled(name, "ProjectGone").await;
    }
    assert_eq!(vanished(&world, "oms").await, None);
    world.finish([operator]).await;
}

// --- Under another address ---------------------------------------------------------

fn pinned(project: &MigrationProject) -> Option<&str> {
    let status = project.status.as_ref()?;
    status.connection.as_ref()?.url.as_deref()
}

#[tokio::test]
async fn an_address_that_is_wrongly_called_the_same_oms_makes_nothing_gone() {
    let world = World::new("wrong-former").await;
    let operator = world.operator().await;
    let all = running(&world, "oms", 1).await;
    let other = Simulator::start(credentials()).await.unwrap();
    let home = world.simulator.url();
    let moved = |url: &str, former: &[&str]| json!({"spec": {"url": url, "formerUrls": former}});
    world
        .patch_connection("oms", moved(&other.url(), &[&home]))
        .await;
    until_doubted(&world, &all).await;
    let told = world.until_connection("oms", "IdentityDoubtful").await;
    assert!(told.contains("1 of the 1 projects"), "{told}");
    swept(&other, 2).await;
    was_only_listed(&other);
    let project = world.get(&all[0].0).await;
    assert_eq!(pinned(&project), Some(home.as_str()));
    // The mistake costs nothing.
    world.patch_connection("oms", moved(&home, &[])).await;
    world.until_running(&all[0].0).await;
    world.finish([operator]).await;
    other.stop().await;
}

#[tokio::test]
async fn another_default_connection_is_another_oms_until_it_names_the_old_address() {
    let world = World::new("other-default").await;
    let any = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let alias = stand_in(world.oms(), any).await;
    world
        .create_connection("two", &alias.url(), json!({}))
        .await;
    let default = |name: &str| format!("--default-connection={}/{name}", world.namespace);
    let start =
        async |name: &str| -> Operator { world.operator_with(&[&default(name)], None).await };
    let operator = start("oms").await;
    let nobody = json!({"connectionRef": Value::Null});
    world.create("orders", nobody).await;
    let project = world.until_running("orders").await;
    let made = id(&project).unwrap().to_owned();
    assert_eq!(pinned(&project), Some(world.simulator.url().as_str()));
    assert!(operator.terminate().await.success());

    let operator = start("two").await;
    world.until_stalled("orders", "EndpointChanged").await;
    world.oms().set_status(&made, "FAILED").unwrap();
    let former = json!({"spec": {"formerUrls": [format!("{}/api/v2/", world.simulator.url())]}});
    world.patch_connection("two", former).await;
    let project = world.until_stalled("orders", "Failed").await;
    assert_eq!(pinned(&project), Some(alias.url().as_str()));
    let two = world.connections().get("two").await.unwrap();
    let connection = project.status.unwrap().connection.unwrap();
    assert_eq!(connection.name.as_deref(), Some("two"));
    assert_eq!(connection.uid, two.metadata.uid);
    // From now on it lives there: the old address is not needed any more.
    let none = json!({"spec": {"formerUrls": null}});
    world.patch_connection("two", none).await;
    world.oms().set_status(&made, "RUNNING").unwrap();
    world.until_running("orders").await;
    world.finish([operator]).await;
    alias.stop().await;
}

// --- While resources are being deleted ------------------------------------------------

/// An OMS in which a release goes on until a test ends it.
fn slow_release() -> Config {
    let durations = Durations {
        release: Duration::from_secs(36_000),
        ..Durations::default()
    };
    Config {
        durations,
        ..credentials()
    }
}

async fn until_releasing(world: &World, name: &str) {
    let releasing = |project: &MigrationProject| status(project) == Some("RELEASING");
    world.until(name, "it is being released", releasing).await;
}

#[tokio::test]
async fn another_address_during_a_deletion_ends_nothing_and_touches_nothing() {
    let world = World::with("swap-delete", slow_release()).await;
    let operator = world.operator().await;
    let delete = json!({"deletionPolicy": "Delete"});
    world.create("orders", delete).await;
    world.until_running("orders").await;
    let made = world.has_exactly_one("orders").await.id;
    world.delete("orders").await;
    until_releasing(&world, "orders").await;

    let other = Simulator::start(slow_release()).await.unwrap();
    let moved = json!({"spec": {"url": other.url()}});
    world.patch_connection("oms", moved).await;
    let project = world.until_message("orders", "now leads to").await;
    assert_eq!(id(&project), Some(made.as_str()));
    world.force_look("orders", "now").await;
    swept(&other, 3).await;
    was_only_listed(&other);
    assert!(!world.is_free("orders").await, "it is still there");

    let back = json!({"spec": {"url": world.simulator.url()}});
    world.patch_connection("oms", back).await;
    world.oms().set_status(&made, "RELEASED").unwrap();
    world.until_gone("orders").await;
    assert_eq!(world.oms().projects(), []);
    world.finish([operator]).await;
    other.stop().await;
}

#[tokio::test]
async fn another_oms_behind_the_address_during_deletions_ends_none_of_them() {
    let world = World::new("swap-deletes").await;
    let ours = Oms::new(slow_release());
    let served = stand_in(&ours, ([127, 0, 0, 1], 0).into()).await;
    let at = served.address();
    world
        .create_connection("swap", &served.url(), json!({}))
        .await;
    let operator = world.operator().await;
    let all = running(&world, "swap", MANY).await;
    for (name, _) in &all {
        let delete = json!({"spec": {"deletionPolicy": "Delete"}});
        world.patch(name, delete).await;
        world.delete(name).await;
    }
    for (name, _) in &all {
        until_releasing(&world, name).await;
    }
    served.stop().await;
    let other = stand_in(&Oms::new(credentials()), at).await;
    for (name, made) in &all {
        let project = world.until_message(name, "no longer lists project").await;
        assert_eq!(id(&project), Some(made.as_str()));
    }
    swept(&other, 3).await;
    was_only_listed(&other);

    other.stop().await;
    let served = stand_in(&ours, at).await;
    for (name, made) in &all {
        ours.set_status(made, "RELEASED").unwrap();
        world.until_gone(name).await;
    }
    assert_eq!(ours.projects(), []);
    world.finish([operator]).await;
    served.stop().await;
}

#[tokio::test]
async fn what_the_operator_deletes_itself_is_missed_by_nobody() {
    let world = World::new("mass-delete").await;
    let operator = world.operator().await;
    let all = running(&world, "oms", 2 * MANY).await;
    for (name, _) in &all {
        let delete = json!({"spec": {"deletionPolicy": "Delete"}});
        world.patch(name, delete).await;
        world.delete(name).await;
    }
    for (name, _) in &all {
        world.until_gone(name).await;
    }
    assert_eq!(world.oms().projects(), []);
    let events = world.events("oms").await;
    let doubts = events
        .iter()
        .filter(|one| one.starts_with("IdentityDoubtful"));
    assert_eq!(doubts.count(), 0, "{events:?}");
    world.finish([operator]).await;
}
