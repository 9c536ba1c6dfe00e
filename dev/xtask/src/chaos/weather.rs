//! What fails around the operator: OMS, the way to the API server, the API server itself.

use std::time::{Duration, Instant};

use oms_harness::{Match, Refusal};
use oms_simulator::{Fault, Kind};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::arena::Arena;

/// The actions that a fault strikes. A create matters most and is struck most.
const ACTIONS: [&str; 12] = [
    "CreateProject",
    "CreateProject",
    "CreateProject",
    "CreateProject",
    "StartProject",
    "StopProject",
    "ResumeProject",
    "ReleaseProject",
    "DeleteProject",
    "ListProjects",
    "DescribeProject",
    "*",
];

/// The longest time for which a fault holds a call, and for which lists do not show a new project: less than
/// the operator's `--create-quarantine`, as `docs/safety.md` asks of an OMS.
const HELD: f64 = 4.0;

/// Faults of OMS, until `end`; then none is left.
pub async fn of_oms(arena: &Arena, mut random: StdRng, end: Instant) {
    let oms = arena.simulator.oms();
    while Instant::now() < end {
        pause(&mut random, 0.1..1.2, end).await;
        if random.random_ratio(1, 40) {
            // Nobody answers for a while.
            let outage = oms.fault(Fault::new("*", Kind::Drop));
            arena.score.count("OMS: outages");
            pause(&mut random, 1.0..6.0, end).await;
            oms.remove_fault(outage);
            continue;
        }
        let action = ACTIONS.choose(&mut random).unwrap_or(&"*");
        oms.fault(fault(action, &mut random).times(random.random_range(1..=2)));
        arena.score.count("OMS: faults set");
    }
    oms.clear_faults();
}

fn fault(action: &str, random: &mut StdRng) -> Fault {
    let seconds = |random: &mut StdRng| Duration::from_secs_f64(random.random_range(0.1..HELD));
    let before = |kind| Fault::new(action, kind);
    let after = |kind| Fault::new(action, kind).after_work();
    let inner = || Kind::business("INNER_ERROR", "A system error occurred.");
    match random.random_range(0..15) {
        0 => before(Kind::delay(seconds(random))),
        1 => after(Kind::delay(seconds(random))),
        2 => before(Kind::http(500)),
        3 => after(Kind::http(500)),
        4 => before(Kind::too_many_requests(Duration::from_secs(1))),
        5 => before(Kind::Drop),
        6 | 7 => after(Kind::Drop),
        8 => before(inner()),
        9 => after(inner()),
        10 => after(Kind::Garbage),
        11 => after(Kind::Html),
        12 => after(Kind::Hang),
        13 => before(Kind::http(503)),
        _ => Fault::new("CreateProject", Kind::listed_late(seconds(random))),
    }
}

/// Faults on the way to the API server, until `end`; then none is left.
pub async fn of_the_way(arena: &Arena, mut random: StdRng, end: Instant) {
    let proxy = &arena.proxy;
    while Instant::now() < end {
        pause(&mut random, 0.2..2.0, end).await;
        let which = match random.random_range(0..4) {
            0 => Match::writes().path_contains("/migrationprojects/"),
            1 => Match::writes().path_ends_with("/status"),
            2 => Match::any().path_contains("/secrets/"),
            _ => Match::any().path_contains("/migrationprojects"),
        };
        let which = which.times(random.random_range(1..=2));
        arena.score.count("way to Kubernetes: faults set");
        match random.random_range(0..9) {
            0 => drop(proxy.refuse(which, 409)),
            1 => drop(proxy.refuse(which, Refusal::new(429).retry_after(1))),
            2 => drop(proxy.refuse(which, 500)),
            3 => drop(proxy.refuse(which, 503)),
            4 => drop(proxy.cut_before(which)),
            5 | 6 => drop(proxy.cut_after(which)),
            7 => {
                let gate = proxy.hold_after(which);
                pause(&mut random, 0.2..3.0, end).await;
                gate.release();
            }
            _ => proxy.cut_connections(),
        }
        if random.random_ratio(1, 8) {
            // Those that have struck nothing for long are forgotten.
            proxy.clear();
        }
    }
    proxy.clear();
}

/// The API server is restarted, or killed and started, until `end`; then it is there.
pub async fn of_the_api_server(arena: &Arena, mut random: StdRng, end: Instant) {
    loop {
        pause(&mut random, 15.0..60.0, end).await;
        if Instant::now() >= end {
            return;
        }
        let done = if random.random_ratio(1, 2) {
            arena.score.count("API server: SIGKILL");
            arena.outages.during(arena.plane.crash_api_server()).await
        } else {
            arena.score.count("API server: restarts");
            arena.outages.during(arena.plane.restart_api_server()).await
        };
        if let Err(error) = done {
            let what = format!("the API server does not come back: {error:#}");
            return arena.score.wrong(what);
        }
    }
}

/// Waits for a random number of seconds, at most until `end`.
pub async fn pause(random: &mut StdRng, seconds: std::ops::Range<f64>, end: Instant) {
    let wait = Duration::from_secs_f64(random.random_range(seconds));
    let left = end.saturating_duration_since(Instant::now());
    tokio::time::sleep(wait.min(left)).await;
}
