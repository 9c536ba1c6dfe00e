//! The simulation, tested; and a small part of what it tests.

use oms_simulation::exhaustive::{Variant, run_variant};
use oms_simulation::random::run_seed;
use oms_simulation::scenarios;

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
fn every_scenario_ends_as_it_must() {
    for scenario in scenarios::all() {
        let whole = Variant {
            at: None,
            mishap: None,
        };
        let outcome = run_variant(&scenario, &whole);
        let none: [String; 0] = [];
        assert_eq!(outcome.wrong, none, "{}", scenario.name);
    }
}
