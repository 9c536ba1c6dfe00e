//! Two processes that take turns by a Lease: one works, the other takes over
//! when it goes, is killed or stands still; never do they make two projects.

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use oms_harness::{Gate, Match, Proxy, until};
use oms_operator::run::DEFAULT_LEASE;
use oms_simulator::When;
use serde_json::json;

use crate::world::{DEADLINE, Operator, World};
use crate::writes::{recording, reserving};

/// Short, so that a takeover is waited for only for seconds.
const LEASE: &str = "6s";

/// What a process logs when it begins to work.
const WORKS: &str = "oms_operator::run: started";

impl World {
    /// An operator that works only while it holds this world's lease.
    pub async fn candidate(&self, proxy: Option<&Proxy>) -> Operator {
        self.candidate_for(DEFAULT_LEASE, proxy).await
    }

    /// The same with a Lease of that name.
    pub async fn candidate_for(&self, lease: &str, proxy: Option<&Proxy>) -> Operator {
        let name = format!("--leader-elect-name={lease}");
        let namespace = format!("--leader-elect-namespace={}", self.namespace);
        let duration = format!("--lease-duration={LEASE}");
        let flags = [
            "--leader-elect",
            &name,
            &namespace,
            &duration,
            "--renew-deadline=4s",
            "--retry-period=500ms",
        ];
        self.operator_with(&flags, proxy).await
    }

    /// One that leads, through a proxy or not, and one that stands by.
    async fn leader_and_standby(&self, proxy: Option<&Proxy>) -> (Operator, Operator) {
        let first = self.candidate(proxy).await;
        first.until_log("leading").await;
        let second = self.candidate(None).await;
        second.until_log("standing by").await;
        (first, second)
    }

    /// The right to a lease in this namespace, worded as in `deploy/default/rbac.yaml`.
    pub async fn with_lease(name: &str) -> Self {
        Self::with_lease_named(name, DEFAULT_LEASE).await
    }

    /// The same for a Lease of that name.
    pub async fn with_lease_named(name: &str, lease: &str) -> Self {
        let world = Self::new(name).await;
        let shipped = include_str!("../../deploy/default/rbac.yaml");
        let (_, role) = shipped
            .split_once("# Taking turns by a Lease")
            .expect("the rights to a Lease");
        let (_, role) = role.split_once('\n').expect("a document");
        let subject = "    name: \"oms-operator\"\n    namespace: oms-system";
        assert!(role.contains(subject), "{role}");
        let account = "    name: oms-operator\n    namespace: the-account";
        let role = role
            .replace(subject, account)
            .replace(
                "namespace: oms-system",
                &format!("namespace: {}", world.namespace),
            )
            .replace("the-account", "oms-system")
            .replace(
                "resourceNames: [\"oms-operator\"]",
                &format!("resourceNames: [\"{lease}\"]"),
            );
        assert!(role.contains(&format!("[\"{lease}\"]")), "{role}");
        world.plane.apply_yaml(&role).await.expect("the rights");
        world
    }

    async fn holder(&self) -> Option<String> {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let lease = api.get_opt("oms-operator").await.ok()??;
        lease
            .spec?
            .holder_identity
            .filter(|holder| !holder.is_empty())
    }

    async fn until_held_by_another(&self, before: &str) {
        until(DEADLINE, "another process leads", async || {
            self.holder().await.filter(|holder| holder != before)
        })
        .await
        .expect("another process leads");
    }
}

#[tokio::test]
async fn one_works_and_the_other_takes_over_at_once_when_it_is_told_to_stop() {
    let world = World::with_lease("lead-turns").await;
    let (first, second) = world.leader_and_standby(None).await;
    let ready = second.ask("/readyz").await.expect("an answer");
    assert_eq!(ready.status, 200, "whoever stands by is ready to take over");
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    assert!(first.log().contains(WORKS));
    assert!(!second.log().contains(WORKS), "it only stands by");

    let before = world.holder().await.expect("a holder");
    assert!(first.terminate().await.success());
    world.until_held_by_another(&before).await;
    second.until_log("leading").await;
    world.create("late", json!({})).await;
    world.until_running("late").await;
    assert_eq!(world.oms().projects().len(), 2);
    world.finish([second]).await;
}

#[tokio::test]
async fn who_cannot_have_the_lease_at_all_is_not_ready() {
    let world = World::with_lease("lead-forbidden").await;
    let proxy = world.proxy().await;
    proxy.refuse(Match::any().path_contains("/leases"), 403);
    let alone = world.candidate(Some(&proxy)).await;
    alone.until_log("the lease cannot be had").await;
    let ready = alone.ask("/readyz").await.expect("an answer");
    assert_eq!(
        ready.status, 503,
        "an upgrade must not end who works for it"
    );
    let well = alone.ask("/healthz").await.expect("an answer");
    assert_eq!(well.status, 200);
    world.finish([alone]).await;
}

#[tokio::test]
async fn a_leader_that_is_killed_in_mid_create_is_followed_without_a_second_project() {
    let world = World::with_lease("lead-killed").await;
    let (first, second) = world.leader_and_standby(None).await;
    let answer = world.oms().hold("CreateProject", When::AfterWork);
    world.create("orders", json!({})).await;
    answer.arrived().await;
    first.kill().await;
    answer.release();
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("CreateProject"), 1);
    world.finish([second]).await;
}

/// Where the leader stands still until another process leads.
enum At {
    Reserving,
    Calling,
    Answered,
    Recording,
}

/// The leader is frozen at that point, past its lease, and wakes up when another
/// process has done the work.
async fn frozen(test: &str, at: At) {
    let world = World::with_lease(test).await;
    let proxy = world.proxy().await;
    let (first, second) = world.leader_and_standby(Some(&proxy)).await;
    let leader = world.holder().await.expect("a holder");

    let in_oms = match &at {
        At::Calling => Some(world.oms().hold("CreateProject", When::BeforeWork)),
        At::Answered => Some(world.oms().hold("CreateProject", When::AfterWork)),
        At::Reserving | At::Recording => None,
    };
    let in_kubernetes = match &at {
        At::Reserving => Some(proxy.hold_before(reserving("orders").times(1))),
        At::Recording => Some(proxy.hold_before(recording("orders").times(1))),
        At::Calling | At::Answered => None,
    };
    world.create("orders", json!({})).await;
    if let Some(gate) = &in_oms {
        gate.arrived().await;
    }
    if let Some(gate) = &in_kubernetes {
        gate.arrived(DEADLINE).await.expect("it gets there");
    }
    first.freeze();
    world.until_held_by_another(&leader).await;
    if let Some(gate) = in_oms {
        gate.release();
    }
    world.until_running("orders").await;
    if let Some(gate) = in_kubernetes {
        gate.release();
    }
    first.thaw();
    let exit = first.until_ended().await;
    assert!(!exit.success(), "a lost lease is no orderly end");
    assert!(first.log().contains("not leading any more"));

    world.until_running("orders").await;
    until(DEADLINE, "a surplus project is taken away", async || {
        (world.oms().projects().len() == 1).then_some(())
    })
    .await
    .expect("one project");
    world.has_exactly_one("orders").await;
    if matches!(at, At::Reserving) {
        assert_eq!(world.oms().count("CreateProject"), 1, "it never called");
    }
    world.finish([second]).await;
}

#[tokio::test]
async fn a_leader_frozen_before_its_reservation_makes_nothing_when_it_wakes() {
    frozen("lead-frozen-reserving", At::Reserving).await;
}

#[tokio::test]
async fn a_leader_frozen_before_its_call_leaves_one_project() {
    frozen("lead-frozen-calling", At::Calling).await;
}

#[tokio::test]
async fn a_leader_frozen_with_the_answer_on_its_way_leaves_one_project() {
    frozen("lead-frozen-answered", At::Answered).await;
}

#[tokio::test]
async fn a_leader_frozen_before_the_id_is_written_leaves_one_project() {
    frozen("lead-frozen-recording", At::Recording).await;
}

/// The leader is frozen where `gate` holds the answer of the API server, and wakes up as
/// soon as another process leads: all that keeps it from going on is its lease. It ends.
async fn wakes_without_its_lease(world: &World, leader: &Operator, gate: Gate) {
    let holder = world.holder().await.expect("a holder");
    gate.arrived(DEADLINE).await.expect("it gets there");
    leader.freeze();
    world.until_held_by_another(&holder).await;
    gate.release();
    leader.thaw();
    let exit = leader.until_ended().await;
    assert!(!exit.success(), "a lost lease is no orderly end");
}

#[tokio::test]
async fn a_leader_frozen_between_its_reservation_and_its_call_does_not_call_when_it_wakes() {
    let world = World::with_lease("lead-frozen-reserved").await;
    let proxy = world.proxy().await;
    let (first, second) = world.leader_and_standby(Some(&proxy)).await;
    let gate = proxy.hold_after(reserving("orders").times(1));
    world.create("orders", json!({})).await;
    wakes_without_its_lease(&world, &first, gate).await;
    assert!(!first.log().contains("CreateProject"), "{}", first.log());
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count("CreateProject"), 1);
    world.finish([second]).await;
}

#[tokio::test]
async fn a_leader_frozen_before_a_change_of_its_project_does_not_ask_for_it_when_it_wakes() {
    let world = World::with_lease("lead-frozen-pausing").await;
    let proxy = world.proxy().await;
    let (first, second) = world.leader_and_standby(Some(&proxy)).await;
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    // Nothing irrevocable is done before the resource was read once more.
    let reading = Match::any()
        .method(http::Method::GET)
        .path_ends_with("/migrationprojects/orders");
    let gate = proxy.hold_after(reading.times(1));
    world.want("orders", "Paused").await;
    wakes_without_its_lease(&world, &first, gate).await;
    assert!(!first.log().contains("StopProject"), "{}", first.log());
    world.until_ready("orders", "True", "Paused").await;
    assert_eq!(world.oms().count("StopProject"), 1);
    world.finish([second]).await;
}

#[tokio::test]
async fn a_leader_whose_lease_cannot_be_renewed_finishes_and_ends() {
    let world = World::with_lease("lead-unrenewed").await;
    let proxy = world.proxy().await;
    let (first, second) = world.leader_and_standby(Some(&proxy)).await;
    let leases = oms_harness::Match::any().path_contains("/leases");
    proxy.refuse(leases, 500);
    let exit = first.until_ended().await;
    assert!(!exit.success());
    assert!(first.log().contains("could not be renewed"));
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.has_exactly_one("orders").await;
    world.finish([second]).await;
}

#[tokio::test]
async fn durations_that_do_not_fit_together_are_refused_with_words() {
    let world = World::new("lead-durations").await;
    for (flags, words) in [
        (
            ["--leader-elect", "--renew-deadline=20s"],
            "longer than the renew deadline",
        ),
        (
            ["--leader-elect", "--lease-duration=2500ms"],
            "whole number of seconds",
        ),
        (
            ["--leader-elect", "--oms-connect-timeout=14s"],
            "--oms-connect-timeout",
        ),
    ] {
        let operator = world.operator_with(&flags, None).await;
        let exit = operator.until_ended().await;
        assert!(!exit.success());
        assert!(
            operator.log().contains(words),
            "{words}: {}",
            operator.log()
        );
    }
    world.finish([]).await;
}
