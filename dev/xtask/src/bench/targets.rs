//! What was aimed at, against what was measured: a line for each target, hit or missed.

use super::cycles::mebibytes;
use super::oms::total;
use super::plot::{CREATE, REST};
use super::proc::Memory;
use super::report::{Made, Sheet, lists, own_calls};
use super::results::{Cycles, DeadOms, Fleet, Mappings, Pair, Results, Takeover};

/// What the figures of one whole fleet are aimed at.
const FLEET: usize = 10_000;

/// From this size to that the cost of a project is not to grow.
const GROWN_FROM: usize = 1_000;
const GROWN_TO: usize = 50_000;

/// Projects of one page of a list.
const PAGE: usize = 150;

/// The default of `sweepInterval`, in seconds.
const SWEEP: f64 = 30.0;

/// The default of `--lease-duration`, in seconds.
const LEASE: f64 = 15.0;

/// By so much two runs of the same differ on a machine with nothing else to do.
const NOISE: f64 = 1.1;

/// So many cycles of so many resources are to show that memory does not grow.
const CYCLES: usize = 30;
const PER_CYCLE: usize = 1_000;

/// By so much the memory of one process differs from cycle to cycle without growing.
const UNSTEADY: u64 = 1 << 20;

/// The verdict on what was not.
pub const NOT_MEASURED: &str = "not measured";

/// And on what was, on another machine alone.
pub const ELSEWHERE: &str = "measured on another machine, below";

/// One target.
struct Target {
    what: String,
    wanted: String,
    /// What was measured, and whether that is good enough; `None`: it was not.
    measured: Option<(String, bool)>,
}

impl Target {
    fn new<T>(
        what: impl Into<String>,
        wanted: impl Into<String>,
        of: Option<T>,
        measured: impl FnOnce(T) -> (String, bool),
    ) -> Target {
        Target {
            what: what.into(),
            wanted: wanted.into(),
            measured: of.map(measured),
        }
    }
}

/// All of them.
pub fn sheet(results: &Results) -> Sheet {
    // Of other sizes the figures stand in the table of fleets.
    let fleet = results.fleets.iter().find(|fleet| fleet.size == FLEET);
    let mut targets = Vec::new();
    targets.extend(idle(results.fleets.first()));
    targets.extend(creation(fleet));
    targets.extend(rest(fleet));
    targets.extend(restart(fleet));
    targets.extend(change(fleet));
    targets.extend(growth(&results.fleets));
    targets.push(mappings(results.mappings.as_ref()));
    targets.extend(dead_oms(results.dead_oms.as_ref()));
    targets.push(takeover(results.takeover.as_ref()));
    targets.push(cycles(results.cycles.as_ref()));
    let row = |target: Target| {
        let (measured, verdict) = match target.measured {
            Some((measured, true)) => (measured, "hit"),
            Some((measured, false)) => (measured, "missed"),
            None => ("–".to_owned(), NOT_MEASURED),
        };
        vec![target.what, target.wanted, measured, verdict.to_owned()]
    };
    Sheet {
        title: "Targets",
        heads: ["Target", "wanted", "measured", ""]
            .map(str::to_owned)
            .to_vec(),
        rows: targets.into_iter().map(row).collect(),
    }
}

fn at_most(measured: f64, limit: f64, digits: usize) -> (String, bool) {
    (format!("{measured:.digits$}"), measured <= limit)
}

fn resident(memory: Memory) -> f64 {
    mebibytes(memory.resident)
}

fn idle(smallest: Option<&Fleet>) -> [Target; 1] {
    let what = "Memory with no resource, MiB";
    [Target::new(what, "12", smallest, |f| {
        at_most(resident(f.idle), 12.0, 1)
    })]
}

fn creation(fleet: Option<&Fleet>) -> [Target; 6] {
    let each = |f: &Fleet, sum: f64| sum / f.size as f64;
    let what = |what: &str| format!("{what}, {FLEET} created at once");
    [
        Target::new(
            what("Kubernetes writes of a resource until it is RUNNING"),
            "3",
            fleet.and_then(|f| f.creation.writes_until_running),
            |writes| at_most(writes, 3.005, 2),
        ),
        Target::new(
            what("Writes that changed nothing, of 100 projects"),
            "0",
            fleet.zip(fleet.and_then(|f| f.creation.idle_writes)),
            |(f, idle)| at_most(each(f, idle as f64 * 100.0), 0.5, 1),
        ),
        Target::new(
            what("Events of a resource, without that of having caught up"),
            "2",
            fleet.zip(fleet.and_then(|f| f.creation.caught_up)),
            |(f, caught_up)| {
                let events = f.creation.events as f64 - caught_up as f64;
                at_most(each(f, events), 2.005, 2)
            },
        ),
        Target::new(
            what("OMS calls per project: look / create / start / others in the first minute"),
            "1 / 1 / 1 / 0",
            fleet.zip(fleet.and_then(|f| f.creation.compared)),
            |(f, compared)| {
                let made = Made::of(&f.creation.calls);
                // Who is older than a minute is compared with its spec.
                let others = made.others.saturating_sub(compared as u64);
                let all = [made.looks, made.creates, made.starts, others];
                let all = all.map(|count| each(f, count as f64));
                let is_good = all[..3].iter().all(|one| *one <= 1.005) && all[3] <= 0.005;
                (all.map(|one| format!("{one:.2}")).join(" / "), is_good)
            },
        ),
        Target::new(what("Own CPU per project, ms"), "3", fleet, |f| {
            at_most(each(f, f.creation.cpu * 1000.0), 3.0, 2)
        }),
        Target::new(what("Memory at the peak, MiB"), "90", fleet, |f| {
            at_most(mebibytes(f.creation.peak), 90.0, 1)
        }),
    ]
}

fn rest(fleet: Option<&Fleet>) -> [Target; 4] {
    let what = |what: &str| format!("{what}, {FLEET} at rest");
    let pages = FLEET.div_ceil(PAGE) as u64;
    [
        Target::new(what("Memory, MiB"), "60", fleet, |f| {
            at_most(resident(f.rest.memory), 60.0, 1)
        }),
        Target::new(what("Kubernetes writes"), "0", fleet, |f| {
            at_most((f.rest.writes + f.rest.events) as f64, 0.0, 0)
        }),
        Target::new(
            what("OMS calls"),
            format!("{pages} lists a sweep"),
            fleet.zip(fleet.and_then(|f| f.rest.sweeps)),
            |(f, sweeps)| {
                let (lists, others) = (lists(&f.rest.calls), own_calls(&f.rest.calls));
                // What the time cuts off of a sweep at one end it adds at the other, or less: a sweep is a
                // moment, and the pause between two is counted from its end.
                let said = format!("{lists} lists and {others} others in {sweeps} sweeps");
                (said, sweeps > 0 && others == 0 && lists <= sweeps * pages)
            },
        ),
        Target::new(what("CPU, of a core"), "1 %", fleet, |f| {
            let share = 100.0 * f.rest.cpu / f.rest.seconds.max(1.0);
            (format!("{share:.2} %"), share < 1.0)
        }),
    ]
}

/// One resource is applied and one is changed as soon as the process is ready: their own calls and writes are not
/// the restart's.
fn restart(fleet: Option<&Fleet>) -> [Target; 6] {
    let what = |what: &str| format!("{what}, {FLEET} restarted");
    let pages = (FLEET.div_ceil(PAGE)) as u64;
    [
        Target::new(what("Ready and all checked, s"), "5", fleet, |f| {
            at_most(f.restart.ready.max(f.restart.checked), 5.0, 1)
        }),
        Target::new(
            what("Ready → a changed one is served, s"),
            "2",
            fleet.and_then(|f| f.restart.changed),
            |seconds| at_most(seconds, 2.0, 1),
        ),
        Target::new(what("Ready → a new one has its id, s"), "2", fleet, |f| {
            at_most(f.restart.new_id, 2.0, 1)
        }),
        Target::new(what("CPU, s"), "3", fleet, |f| {
            at_most(f.restart.cpu, 3.0, 2)
        }),
        Target::new(
            what("OMS calls"),
            format!(
                "{pages} lists and as many at most that the new one brings forward, 3 for it, 1 for a changed one"
            ),
            fleet,
            |f| {
                let (all, lists) = (total(&f.restart.calls), lists(&f.restart.calls));
                // What the new one brings forward is another sweep; what was changed may be compared with OMS.
                let is_good = all - lists <= 4 && lists <= 2 * pages;
                (format!("{lists} lists and {} others", all - lists), is_good)
            },
        ),
        Target::new(
            what("Kubernetes writes of all that nobody changed"),
            "0",
            fleet.and_then(|f| f.restart.others),
            |others| (others.to_string(), others == 0),
        ),
    ]
}

fn change(fleet: Option<&Fleet>) -> [Target; 2] {
    let what = |what: &str| format!("{what}, 1 % of {FLEET} changed");
    [
        Target::new(
            what("Change in OMS → status, p99, s"),
            "a sweep + 2 = 32",
            fleet,
            |f| at_most(f.change.delay.p99, SWEEP + 2.0, 1),
        ),
        Target::new(what("Writes per changed project"), "1", fleet, |f| {
            let count = f.change.projects.max(1) as f64;
            at_most(f.change.writes as f64 / count, 1.005, 2)
        }),
    ]
}

/// The last figure of memory is what one more project costs: spread over few, what a process has once would hide it.
fn growth(fleets: &[Fleet]) -> Vec<Target> {
    let grown: Vec<&Fleet> = fleets.iter().filter(|f| f.size >= GROWN_FROM).collect();
    let far = grown.last().is_some_and(|last| last.size >= GROWN_TO);
    let ends = grown
        .first()
        .zip(grown.last())
        .filter(|(first, last)| far && first.size < last.size);
    let wanted = || format!("the same from {GROWN_FROM} to {GROWN_TO}");
    let cpu = [CREATE, REST].map(|cost| {
        Target::new(
            format!("{}, as fleets grow", cost.title),
            wanted(),
            ends,
            |(small, large)| {
                let (before, after) = ((cost.of)(small), (cost.of)(large));
                let said = format!(
                    "{before:.2} of {}, {after:.2} of {}",
                    small.size, large.size
                );
                (said, after <= (before + (cost.grain)(small)) * NOISE)
            },
        )
    });
    let steps: Vec<(usize, f64)> = grown
        .windows(2)
        .map(|pair| more(pair[0], pair[1]))
        .collect();
    let ends = steps.first().zip(steps.last());
    let ends = ends.filter(|_| far && steps.len() > 1);
    let what = "Memory at rest for one more, kB, as fleets grow";
    let memory = Target::new(what, wanted(), ends, |(before, after)| {
        let said = format!(
            "{:.1} up to {}, {:.1} up to {}",
            before.1, before.0, after.1, after.0
        );
        (said, after.1 <= before.1 * NOISE)
    });
    cpu.into_iter().chain([memory]).collect()
}

/// Up to a size, what one more costs, in kB.
fn more(small: &Fleet, large: &Fleet) -> (usize, f64) {
    let anonymous = |fleet: &Fleet| fleet.rest.memory.anonymous as f64 / 1e3;
    let count = (large.size - small.size) as f64;
    (large.size, (anonymous(large) - anonymous(small)) / count)
}

fn mappings(mappings: Option<&Mappings>) -> Target {
    let what = "Memory at rest (anonymous), large mappings against small ones, MiB";
    Target::new(what, "within 20 %", mappings, |m| {
        let (small, large) = (resident(m.small.rest), resident(m.large.rest));
        let own = [&m.large, &m.small].map(|it| mebibytes(it.rest.anonymous));
        (
            format!(
                "{large:.1} ({:.1}) against {small:.1} ({:.1})",
                own[0], own[1]
            ),
            large <= small * 1.2,
        )
    })
}

fn dead_oms(dead: Option<&DeadOms>) -> [Target; 2] {
    let beside = |kind: &str, it: fn(&DeadOms) -> Option<Pair>| {
        let what = format!("Two healthy OMS beside a {kind} one: apply → RUNNING, p99, s");
        // Not a healthy one with as much to do: it takes its share of the API server, which would hide much.
        let both = dead.and_then(|dead| dead.beside_idle.zip(it(dead)));
        Target::new(
            what,
            "as beside one with nothing to do",
            both,
            |(idle, beside)| {
                let (idle, beside) = (idle.running.p99, beside.running.p99);
                (
                    format!("{beside:.1} against {idle:.1}"),
                    beside <= idle * NOISE,
                )
            },
        )
    };
    [
        beside("slow", |dead| dead.beside_slow),
        beside("dead", |dead| dead.beside_dead),
    ]
}

fn takeover(takeover: Option<&Takeover>) -> Target {
    let what = "The one that leads is killed: until the next has created a project, s";
    let wanted = format!("a lease + 5 = {:.0}", LEASE + 5.0);
    Target::new(what, wanted, takeover, |it| {
        at_most(it.killed.max, LEASE + 5.0, 1)
    })
}

fn cycles(cycles: Option<&Cycles>) -> Target {
    let what = "Anonymous memory over cycles of resources that come and go, most (on average), MiB";
    let enough = cycles.filter(|cycles| cycles.after.len() >= CYCLES && cycles.count >= PER_CYCLE);
    Target::new(what, "no growth by 1 MiB", enough, |cycles| {
        let most = |range: &[Memory]| range.iter().map(|memory| memory.anonymous).max();
        let average = |range: &[Memory]| {
            let all: u64 = range.iter().map(|memory| memory.anonymous).sum();
            mebibytes(all / range.len().max(1) as u64)
        };
        let (first, second) = cycles.after.split_at(cycles.after.len() / 2);
        let [before, after] = [first, second].map(|half| most(half).unwrap_or_default());
        let said = format!(
            "after {} that warm up {:.1} ({:.1}) in the first half, {:.1} ({:.1}) in the second",
            cycles.warm_up.len(),
            mebibytes(before),
            average(first),
            mebibytes(after),
            average(second),
        );
        (said, after <= before + UNSTEADY)
    })
}

#[cfg(test)]
mod tests {
    use super::super::results::Rest;
    use super::*;

    fn verdicts(results: &Results) -> Vec<String> {
        let rows = sheet(results).rows;
        rows.into_iter().map(|mut row| row.remove(3)).collect()
    }

    #[test]
    fn what_was_not_measured_is_neither_hit_nor_missed() {
        let all = verdicts(&Results::default());
        assert!(all.iter().all(|verdict| verdict == "not measured"));
    }

    #[test]
    fn a_fleet_hits_and_misses() {
        let mut fleet = Fleet {
            size: FLEET,
            ..Fleet::default()
        };
        fleet.creation.cpu = 29.0;
        fleet.creation.events = 30_000;
        fleet.creation.caught_up = Some(1_000);
        let results = Results {
            fleets: vec![fleet],
            ..Results::default()
        };
        let rows = sheet(&results).rows;
        let verdict = |what: &str| {
            let found = rows.iter().find(|row| row[0].starts_with(what));
            found.map(|row| (row[2].as_str(), row[3].as_str()))
        };
        assert_eq!(verdict("Own CPU per project, ms"), Some(("2.90", "hit")));
        assert_eq!(verdict("Events of a resource"), Some(("2.90", "missed")));
    }

    #[test]
    fn what_one_more_costs_is_not_hidden_by_what_a_process_has_once() {
        let fleet = |size: usize, kilobytes: u64| Fleet {
            size,
            rest: Rest {
                memory: Memory {
                    anonymous: kilobytes * 1000,
                    ..Memory::default()
                },
                ..Rest::default()
            },
            ..Fleet::default()
        };
        let verdict = |fleets: Vec<Fleet>| growth(&fleets).pop().unwrap().measured.map(|it| it.1);
        let once = 8_000;
        let level = vec![
            fleet(1_000, once + 4_000),
            fleet(10_000, once + 40_000),
            fleet(50_000, once + 200_000),
        ];
        assert_eq!(verdict(level.clone()), Some(true));
        let one_step = [level[0].clone(), level[2].clone()].to_vec();
        assert_eq!(verdict(one_step), None, "one step shows no growth");
        assert_eq!(verdict(level[..2].to_vec()), None, "it is not large enough");
        let mut grows = level;
        grows[2] = fleet(50_000, once + 280_000);
        assert_eq!(verdict(grows), Some(false));
    }

    #[test]
    fn memory_that_grows_misses_and_that_levels_off_hits() {
        let of = |anonymous: fn(u64) -> u64| {
            let after = (0..30).map(|cycle| Memory {
                anonymous: anonymous(cycle),
                ..Memory::default()
            });
            let results = Results {
                cycles: Some(Cycles {
                    count: 1_000,
                    after: after.collect(),
                    ..Cycles::default()
                }),
                ..Results::default()
            };
            verdicts(&results).pop()
        };
        assert_eq!(of(|cycle| (40 << 20) + cycle % 7).as_deref(), Some("hit"));
        // 100 bytes of each resource are left.
        let leak = of(|cycle| (40 << 20) + cycle * 100_000);
        assert_eq!(leak.as_deref(), Some("missed"));
    }
}
