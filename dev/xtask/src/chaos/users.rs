//! Users: each looks after some places, and does one thing after another there.

use std::time::{Duration, Instant};

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use oms_harness::until;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::arena::{Arena, PASSWORD, USER};
use super::deed::Deed;
use super::slot::{Offered, Slot};
use super::weather::pause;

/// How many deeds there are in a second at most: what two cores carry beside an API server.
const MOST_DEEDS: f64 = 6.0;

/// How often a resource has something done to it, if there are few.
const EACH: f64 = 8.0;

/// How long one waits for a name to be free.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many users there are, at most.
const USERS: usize = 8;

/// Users, until `end`. Returns their places.
pub async fn play(
    arena: &Arena,
    offered: &Offered,
    slots: Vec<Slot>,
    seed: u64,
    end: Instant,
) -> Vec<Slot> {
    let users = USERS.min(slots.len()).max(1);
    let rate = (slots.len() as f64 / EACH).min(MOST_DEEDS);
    let pace = users as f64 / rate;
    let mut shares: Vec<Vec<Slot>> = vec![Vec::new(); users];
    for (number, slot) in slots.into_iter().enumerate() {
        shares[number % users].push(slot);
    }
    let users = shares.into_iter().enumerate().map(|(number, slots)| {
        let mut user = User {
            arena,
            offered,
            random: StdRng::seed_from_u64(seed ^ (number as u64 + 1) << 20),
            slots,
        };
        async move {
            user.arrive(end).await;
            user.play(pace, end).await;
            user.slots
        }
    });
    let shares = futures::future::join_all(users).await;
    shares.into_iter().flatten().collect()
}

struct User<'a> {
    arena: &'a Arena,
    offered: &'a Offered,
    random: StdRng,
    slots: Vec<Slot>,
}

impl User<'_> {
    /// Applies all at first.
    async fn arrive(&mut self, end: Instant) {
        for number in 0..self.slots.len() {
            if Instant::now() >= end {
                return;
            }
            let slot = &mut self.slots[number];
            let manifest = slot.write(false, self.offered, &mut self.random);
            apply(self.arena, manifest).await;
        }
    }

    async fn play(&mut self, pace: f64, end: Instant) {
        loop {
            pause(&mut self.random, 0.0..pace * 2.0, end).await;
            if Instant::now() >= end {
                return;
            }
            let number = self.random.random_range(0..self.slots.len());
            self.turn(number).await;
        }
    }

    async fn turn(&mut self, number: usize) {
        let User {
            arena,
            offered,
            random,
            slots,
        } = self;
        let slot = &mut slots[number];
        let found = arena.projects(&slot.namespace).get_opt(&slot.name()).await;
        match found {
            // The API server is away.
            Err(_) => arena.score.count("users: deeds in vain"),
            Ok(None) => {
                let again = slot.incarnation > 0 && random.random_ratio(1, 5);
                let manifest = slot.write(again, offered, random);
                apply(arena, manifest).await;
            }
            Ok(Some(object)) => {
                let deed = match object.metadata.deletion_timestamp {
                    None => Deed::choose(offered, random),
                    Some(_) => match Deed::choose_late(offered, random) {
                        Some(deed) => deed,
                        None => return,
                    },
                };
                arena.score.count(deed.kind());
                if !self.does(number, &deed, object).await {
                    self.arena.score.count("users: deeds in vain");
                }
            }
        }
    }

    /// Does it. False when it was refused, or came to nothing.
    async fn does(&mut self, number: usize, deed: &Deed, object: DynamicObject) -> bool {
        let slot = self.slots[number].clone();
        let (arena, oms) = (self.arena, self.arena.simulator.oms());
        let project = object.data["status"]["projectId"].as_str();
        let patch = async |patch: Value| merge(arena, &slot, patch).await;
        match deed {
            Deed::Annotate(annotation) => {
                let key = format!("oms.oceanbase.com/{annotation}");
                let text = self.random.random_range(0..u32::MAX).to_string();
                patch(json!({"metadata": {"annotations": {key: text}}})).await
            }
            Deed::Edit => patch(json!({"spec": {"project": {"enableStructTransfer": true}}})).await,
            Deed::Revert => patch(revert()).await,
            // While nothing has been recorded, the reservation stands on the resource alone if the operator
            // dies, and whoever strips it then takes away what is known: that is not promised.
            Deed::Replace if project.is_none() => false,
            Deed::Replace => {
                let mut next = slot.manifest.clone();
                next["metadata"]["resourceVersion"] = json!(object.metadata.resource_version);
                next["spec"] = object.data["spec"].clone();
                let Ok(next) = serde_json::from_value::<DynamicObject>(next) else {
                    return false;
                };
                let api = arena.projects(&slot.namespace);
                api.replace(&slot.name(), &PostParams::default(), &next)
                    .await
                    .is_ok()
            }
            Deed::State(state) => patch(json!({"spec": {"state": state}})).await,
            Deed::Turn => {
                let paused = object.data["spec"]["state"] == "Paused";
                let state = if paused { "Running" } else { "Paused" };
                patch(json!({"spec": {"state": state}})).await
            }
            Deed::Suspend(suspend) => patch(json!({"spec": {"suspend": suspend}})).await,
            Deed::Policy(policy) => patch(json!({"spec": {"deletionPolicy": policy}})).await,
            Deed::Delete => delete(arena, &slot).await,
            Deed::DeleteAndApply => {
                if !delete(arena, &slot).await || !is_free(arena, &slot).await {
                    return false;
                }
                let slot = &mut self.slots[number];
                let manifest = slot.write(true, self.offered, &mut self.random);
                apply(arena, manifest).await
            }
            Deed::Console(status) => project.is_some_and(|id| arena.console.set(oms, id, status)),
            Deed::Remove => project.is_some_and(|id| arena.console.remove(oms, id)),
            Deed::PlantNext => {
                let mut next = slot.clone();
                next.incarnation += 1;
                arena.console.plant(oms, &next.project(), "RUNNING");
                true
            }
        }
    }
}

/// Takes an edit of the request back.
pub fn revert() -> Value {
    json!({"spec": {"project": {"enableStructTransfer": null}}})
}

/// Merges a patch into the resource of a place.
pub async fn merge(arena: &Arena, slot: &Slot, patch: Value) -> bool {
    let api = arena.projects(&slot.namespace);
    let patch = Patch::Merge(patch);
    api.patch(&slot.name(), &PatchParams::default(), &patch)
        .await
        .is_ok()
}

async fn apply(arena: &Arena, manifest: &Value) -> bool {
    let namespace = manifest["metadata"]["namespace"].as_str();
    let api = arena.projects(namespace.unwrap_or_default());
    let Ok(object) = serde_json::from_value(manifest.clone()) else {
        return false;
    };
    arena.score.count("users: applied");
    let made = api.create(&PostParams::default(), &object).await;
    made.is_ok()
}

async fn delete(arena: &Arena, slot: &Slot) -> bool {
    let api = arena.projects(&slot.namespace);
    api.delete(&slot.name(), &DeleteParams::default())
        .await
        .is_ok()
}

async fn is_free(arena: &Arena, slot: &Slot) -> bool {
    let api = arena.projects(&slot.namespace);
    let free = until(PATIENCE, "the name to be free", async || {
        matches!(api.get_opt(&slot.name()).await, Ok(None)).then_some(())
    });
    free.await.is_ok()
}

/// Whoever runs the cluster: suspends a connection, loses its Secret, changes the password; until `end`, and
/// then everything is as it should be.
pub async fn administrator(arena: &Arena, mut random: StdRng, end: Instant) -> anyhow::Result<()> {
    let oms = arena.simulator.oms();
    while Instant::now() < end {
        pause(&mut random, 5.0..20.0, end).await;
        let Some(namespace) = arena.namespaces.choose(&mut random) else {
            return Ok(());
        };
        // What is refused, because the API server is away, is not done.
        match random.random_range(0..4) {
            0 | 1 => {
                arena.score.count("administrator: connection suspended");
                let _ = arena.connection(namespace, json!({"suspend": true})).await;
                pause(&mut random, 2.0..25.0, end).await;
                let _ = arena.connection(namespace, json!({})).await;
            }
            2 => {
                arena.score.count("administrator: Secret lost");
                let _ = forget(arena, namespace).await;
                pause(&mut random, 1.0..6.0, end).await;
                let _ = arena.secret(namespace, PASSWORD).await;
            }
            _ => {
                arena.score.count("administrator: password changed");
                oms.set_password(USER, "another");
                pause(&mut random, 0.5..3.0, end).await;
                oms.set_password(USER, PASSWORD);
            }
        }
    }
    Ok(())
}

async fn forget(arena: &Arena, namespace: &str) -> kube::Result<()> {
    use k8s_openapi::api::core::v1::Secret;
    let secrets = kube::Api::<Secret>::namespaced(arena.client.clone(), namespace);
    secrets.delete("oms", &DeleteParams::default()).await?;
    Ok(())
}
