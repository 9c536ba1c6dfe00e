//! The simulation, tested; and a part of what it tests. All of that is run by
//! `cargo xtask test`, optimised.

use oms_simulation::exhaustive::{Variant, replay, run_variant};
use oms_simulation::random::{self, run_seed};
use oms_simulation::{Outcome, each, scenarios};

/// As many as one has the time for without optimisation.
const SEEDS: u64 = 100;

/// At most so many failures are told: one is mended at a time.
const TOLD: usize = 5;

/// Does every run, and fails with the lines that run again what has failed.
fn all_hold<T: Sync>(
    work: &[T],
    run: impl Fn(&T) -> Outcome + Sync,
    replay: impl Fn(&T) -> String + Sync,
) {
    let mut failed = Vec::new();
    each(work, run, |one, outcome| {
        if !outcome.wrong.is_empty() {
            failed.push(format!(
                "{}\n  again: {}",
                outcome.wrong.join("\n"),
                replay(one)
            ));
        }
        failed.len() < TOLD
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..12 {
        // On another thread, whose hash maps have another order.
        let first = std::thread::spawn(move || run_seed(seed).trace)
            .join()
            .expect("a run");
        let second = run_seed(seed).trace;
        let differ = first.iter().zip(&second).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

#[test]
fn random_seeds_hold() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    all_hold(&seeds, |seed| run_seed(*seed), |seed| random::replay(*seed));
}

#[test]
fn every_scenario_ends_as_it_must() {
    let scenarios = scenarios::all();
    let whole = Variant {
        at: None,
        mishap: None,
    };
    all_hold(
        &scenarios,
        |scenario| run_variant(scenario, &whole),
        |scenario| replay(scenario, &whole),
    );
}
