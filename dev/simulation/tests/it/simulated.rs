//! By this name `cargo xtask test` tells these tests from those that need the machine to themselves.

use std::num::NonZeroUsize;

use oms_simulation::exhaustive::{WHOLE, replay, run_variant, work_of};
use oms_simulation::random::{self, run_seed};
use oms_simulation::{Outcome, each, scenarios};

/// The random runs, from seed 0 on.
const SEEDS: u64 = 2000;

/// One in so many of the exhaustive runs, beside each scenario whole.
const EVERY: NonZeroUsize = NonZeroUsize::new(200).expect("more than none");

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
fn scenarios_hold_whatever_happens() {
    let scenarios = scenarios::all();
    let mut work = work_of(&scenarios);
    for (scenario, share) in scenarios.iter().zip(&work.scenarios) {
        let (wrong, again) = (share.wrong.join("\n"), replay(scenario, &WHOLE));
        assert!(wrong.is_empty(), "{wrong}\n  again: {again}");
    }
    work.thin(EVERY);
    all_hold(
        &work.runs,
        |(scenario, one)| run_variant(scenario, one),
        |(scenario, one)| replay(scenario, one),
    );
}
