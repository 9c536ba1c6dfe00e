//! A seed makes one scenario, its circumstances, and what goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::acts::{Act, Manifest, RESOURCES};
use crate::faults::{Chances, Mishaps};
use crate::run::{Outcome, run};
use crate::scenario::Scenario;
use crate::world::Circumstances;

/// What a project may be named: the first three are what the resources come to
/// by themselves.
const NAMES: [&str; 4] = ["shop.orders", "shop.bills", "shop.items", "another"];

/// Runs what the seed makes.
#[must_use]
pub fn run_seed(seed: u64) -> Outcome {
    let (scenario, mishaps) = of_seed(seed);
    run(&scenario, Circumstances::by_chance(seed), mishaps)
}

/// The line that runs a seed again.
#[must_use]
pub fn replay(seed: u64) -> String {
    format!("cargo xtask simulate --from {seed} --seeds 1 --trace")
}

fn of_seed(seed: u64) -> (Scenario, Mishaps) {
    let mut random = StdRng::seed_from_u64(seed);
    let random = &mut random;
    // A reservation that is stripped while nobody runs who remembers it is
    // forgotten: a crash and a strip at one time are beyond what is promised.
    let strips = random.random_ratio(1, 5);
    let mut acts = Vec::new();
    if random.random_ratio(1, 5) {
        acts.push(one_call_at_a_time());
    }
    if random.random_ratio(1, 6) {
        let status = ["RUNNING", "RELEASED", "INIT", "SUSPEND"]
            .choose(random)
            .unwrap_or(&"INIT");
        let name = NAMES.choose(random).unwrap_or(&"another");
        acts.push(Act::Plant(name, status));
        if random.random_ratio(1, 3) {
            acts.push(Act::Plant(name, status));
        }
    }
    for resource in &RESOURCES[..random.random_range(1..=2)] {
        acts.push(Act::Apply(manifest(resource, random)));
        if random.random_ratio(1, 2) {
            acts.push(Act::Wait(random.random_range(0..20)));
        }
    }
    for _ in 0..random.random_range(0..6) {
        acts.extend(deed(strips, random));
        let wait = *[1, 5, 30, 120].choose(random).unwrap_or(&1);
        acts.push(Act::Wait(random.random_range(0..=wait)));
    }
    acts.push(Act::Wait(random.random_range(0..200)));
    let mut meddling: BTreeMap<u64, Vec<Act>> = BTreeMap::new();
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(8..80);
        meddling.entry(at).or_default().extend(deed(strips, random));
    }
    let calm = random.random_ratio(1, 6);
    let chances = Chances {
        kubernetes: if calm { 0 } else { random.random_range(0..60) },
        oms: if calm { 0 } else { random.random_range(0..60) },
        creates: if calm { 0 } else { random.random_range(0..90) },
        cuts: if strips || calm {
            0
        } else {
            random.random_range(0..400)
        },
        meddling,
        until: Duration::from_secs(random.random_range(30..600)),
        random: StdRng::seed_from_u64(seed ^ 0xFA17),
    };
    let scenario = Scenario {
        name: "random",
        acts,
        meddling: Vec::new(),
        endings: Vec::new(),
    };
    (scenario, Mishaps::Chance(Box::new(chances)))
}

fn manifest(resource: &'static str, random: &mut StdRng) -> Manifest {
    let mut manifest = Manifest::of(resource);
    if random.random_ratio(1, 5) {
        manifest.project = NAMES.choose(random).copied();
    }
    manifest.verify = random.random_ratio(1, 5);
    let mut spec = soon();
    if random.random_ratio(1, 4) {
        spec["state"] = json!(one_of(&["Created", "Paused", "Running"], random));
    }
    if random.random_ratio(2, 5) {
        spec["deletionPolicy"] = json!(one_of(&["Release", "Delete"], random));
    }
    if random.random_ratio(1, 5) {
        spec["onExternalPause"] = json!("Resume");
    }
    if random.random_ratio(1, 6) {
        spec["retry"] = json!({"maxAttempts": 2, "initialDelay": "20s", "maxDelay": "60s"});
    }
    if random.random_ratio(1, 12) {
        spec["suspend"] = json!(true);
    }
    if random.random_ratio(1, 6) {
        spec["adopt"] = json!({"byName": true});
    }
    manifest.with(spec)
}

/// Where one call waits for another in vain, nothing goes on.
fn one_call_at_a_time() -> Act {
    Act::PatchConnection(json!({"spec": {"limits": {"maxInFlight": 1}}}))
}

/// Nothing is asked for but the project.
fn plain(resource: &'static str) -> Manifest {
    Manifest::of(resource).with(soon())
}

/// A deletion ends well within the time in which everything has to come to rest.
fn soon() -> Value {
    json!({"deletionTimeout": "10m"})
}

fn one_of<'a>(words: &[&'a str], random: &mut StdRng) -> &'a str {
    words.choose(random).unwrap_or(&"")
}

/// A change of what is wanted of a project that is there.
fn wish(random: &mut StdRng) -> Value {
    let spec = match random.random_range(0..8) {
        0..=3 => json!({"state": one_of(&["Paused", "Running", "Running", "Created"], random)}),
        4 => json!({"suspend": random.random_ratio(1, 3)}),
        5 => json!({"onExternalPause": one_of(&["Respect", "Resume"], random)}),
        _ => json!({"deletionPolicy": one_of(&["Retain", "Release", "Delete"], random)}),
    };
    json!({"spec": spec})
}

/// What users do in one go.
fn deed(strips: bool, random: &mut StdRng) -> Vec<Act> {
    let resource = *RESOURCES[..2].choose(random).unwrap_or(&RESOURCES[0]);
    let name = *NAMES.choose(random).unwrap_or(&NAMES[0]);
    match random.random_range(0..36) {
        0..=2 => vec![Act::Apply(manifest(resource, random))],
        3 => vec![Act::Delete(resource)],
        4 => vec![
            Act::Delete(resource),
            Act::Wait(2),
            Act::Apply(manifest(resource, random)),
        ],
        5 => vec![Act::ForceDelete(resource), Act::Apply(plain(resource))],
        6 => vec![Act::Annotate(resource, "retry")],
        7 => vec![Act::Annotate(resource, "reconcile-requested-at")],
        8 => vec![Act::Backup(resource)],
        9 => vec![Act::Restore(resource)],
        10 => vec![Act::Backup(resource), Act::Restore(resource)],
        11 => vec![Act::Copy(resource, "items")],
        12 => vec![
            Act::DeleteSecret,
            Act::Wait(random.random_range(0..50)),
            Act::ApplySecret("admin-password"),
        ],
        13 => vec![
            Act::OmsPassword("another"),
            Act::Wait(random.random_range(0..50)),
            Act::OmsPassword("admin-password"),
        ],
        14 => vec![
            Act::ApplyConnection(2, vec![]),
            Act::Wait(random.random_range(0..50)),
            Act::ApplyConnection(0, vec![]),
        ],
        15 => vec![Act::ApplyConnection(1, vec![0])],
        16 => vec![Act::Remove(name)],
        17 => vec![Act::SetStatus(
            name,
            ["SUSPEND", "RELEASED", "FAILED", "RUNNING"]
                .choose(random)
                .unwrap_or(&"FAILED"),
        )],
        18 => vec![
            Act::DeleteConnection,
            Act::Wait(random.random_range(0..50)),
            Act::ApplyConnection(0, vec![]),
        ],
        19 if strips => vec![Act::Replace(manifest(resource, random))],
        20 if strips => vec![Act::Replace(plain(resource))],
        20 => vec![Act::Plant(name, "RUNNING")],
        21 => vec![
            Act::Suspend(true),
            Act::Wait(random.random_range(0..90)),
            Act::Suspend(false),
        ],
        22..=27 => vec![Act::Patch(resource, wish(random))],
        28 => vec![Act::Recreate(resource)],
        30 => vec![Act::Expire, Act::Patch(resource, wish(random))],
        31 => vec![Act::Expire, Act::Delete(resource)],
        // Under a name that somebody waits for, nobody could tell it from the other one.
        33 | 34 => vec![Act::Rename(name, "renamed")],
        35 => vec![
            Act::Ignore(true),
            Act::Patch(resource, wish(random)),
            Act::Wait(random.random_range(0..90)),
            Act::Ignore(false),
        ],
        29 if random.random_ratio(1, 3) => vec![Act::DeleteNamespace],
        _ => vec![Act::Patch(
            resource,
            json!({"spec": {"project": {"name": name}}}),
        )],
    }
}
