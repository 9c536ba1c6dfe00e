//! Each scenario with each mishap at each of its calls.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;

use crate::bus::Point;
use crate::faults::{KubernetesFault, Mishap, Mishaps, OmsFault};
use crate::many::each;
use crate::run::{Outcome, run};
use crate::scenario::Scenario;
use crate::world::Circumstances;

/// The seed of what little is left to chance.
const SEED: u64 = 1;

/// One run of many.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The number of the call; none for the run without a mishap.
    pub at: Option<u64>,
    /// What happens there.
    pub mishap: Option<Mishap>,
}

/// The calls of a scenario, and its variants.
pub struct Variants {
    /// How many calls the whole run makes before its judge begins.
    pub calls: usize,
    /// At how many of them something is tried: calls that ask the same of the
    /// same world are met once.
    pub points: usize,
    /// What is tried.
    pub variants: Vec<Variant>,
}

/// Everything that is to be run.
pub struct Work<'a> {
    /// What each scenario adds, and came to when nothing went wrong.
    pub scenarios: Vec<Share>,
    /// Each scenario with each mishap at each of its calls.
    pub runs: Vec<(&'a Scenario, Variant)>,
}

/// What one scenario adds.
pub struct Share {
    /// Its name.
    pub name: &'static str,
    /// How many calls the whole run makes before its judge begins.
    pub calls: usize,
    /// At how many of them something is tried.
    pub points: usize,
    /// In how many runs.
    pub variants: usize,
    /// What was wrong in the whole run, in which nothing goes wrong.
    pub wrong: Vec<String>,
}

impl Work<'_> {
    /// At how many calls something is tried.
    #[must_use]
    pub fn points(&self) -> usize {
        self.scenarios.iter().map(|share| share.points).sum()
    }

    /// Keeps one run in so many.
    pub fn thin(&mut self, every: NonZeroUsize) {
        let mut number = 0_usize;
        self.runs.retain(|_| {
            number += 1;
            number % every == 0
        });
    }
}

/// The run of a scenario in which nothing goes wrong.
pub const WHOLE: Variant = Variant {
    at: None,
    mishap: None,
};

/// Runs each scenario once, whole, and gathers what there is to be tried.
#[must_use]
pub fn work_of(all: &[Scenario]) -> Work<'_> {
    let mut outcomes = BTreeMap::new();
    each(
        all,
        |scenario| run_variant(scenario, &WHOLE),
        |scenario, outcome| {
            outcomes.insert(scenario.name, outcome);
            true
        },
    );
    let mut work = Work {
        scenarios: Vec::new(),
        runs: Vec::new(),
    };
    for scenario in all {
        let Some(outcome) = outcomes.remove(scenario.name) else {
            continue;
        };
        let found = variants(scenario, &outcome);
        work.scenarios.push(Share {
            name: scenario.name,
            calls: found.calls,
            points: found.points,
            variants: found.variants.len(),
            wrong: outcome.wrong,
        });
        let variants = found.variants.into_iter();
        work.runs
            .extend(variants.map(|variant| (scenario, variant)));
    }
    work
}

/// The line that runs a variant again.
#[must_use]
pub fn replay(scenario: &Scenario, one: &Variant) -> String {
    let name = scenario.name;
    match (&one.at, &one.mishap) {
        (Some(at), Some(mishap)) => {
            let mishap = mishap.name();
            format!("cargo xtask simulate --scenario {name} --at {at} --mishap {mishap} --trace")
        }
        // A number that no call reaches: nothing happens.
        _ => format!("cargo xtask simulate --scenario {name} --at 0 --mishap Stop --trace"),
    }
}

/// Runs a scenario with one mishap, or none.
#[must_use]
pub fn run_variant(scenario: &Scenario, variant: &Variant) -> Outcome {
    let named = variant.at.zip(variant.mishap.clone());
    let named: BTreeMap<u64, Mishap> = named.into_iter().collect();
    let mut scenario = scenario.clone();
    if named.is_empty() && !scenario.meddling.is_empty() {
        // It must end so where users meddle; here they do not.
        scenario.endings.clear();
    }
    run(&scenario, Circumstances::good(SEED), Mishaps::Named(named))
}

/// Everything that is to be tried, from a whole run of the scenario.
#[must_use]
pub fn variants(scenario: &Scenario, whole: &Outcome) -> Variants {
    let mut seen = HashSet::new();
    let points: Vec<&Point> = whole
        .points
        .iter()
        .filter(|point| seen.insert((&point.what, point.world)))
        .collect();
    let variants = points.iter().flat_map(|point| {
        mishaps(scenario, point).into_iter().map(|mishap| Variant {
            at: Some(point.number),
            mishap: Some(mishap),
        })
    });
    Variants {
        calls: whole.points.len(),
        points: points.len(),
        variants: variants.collect(),
    }
}

/// What can happen at a call.
fn mishaps(scenario: &Scenario, point: &Point) -> Vec<Mishap> {
    if !scenario.meddling.is_empty() {
        return vec![Mishap::Meddle(scenario.meddling.clone())];
    }
    let mut mishaps = vec![Mishap::CutBefore, Mishap::CutAfter, Mishap::Stop];
    if point.to_oms {
        let creates = point.what.starts_with("CreateProject");
        let changes = point.writes && !creates;
        let faults = OmsFault::ALL
            .into_iter()
            .filter(|fault| fault.is_for(creates, changes));
        mishaps.extend(faults.map(Mishap::Oms));
    } else {
        let faults = KubernetesFault::ALL.into_iter();
        let faults = faults.filter(|fault| point.writes || *fault != KubernetesFault::Conflict);
        mishaps.extend(faults.map(Mishap::Kubernetes));
    }
    mishaps
}

/// The mishap of that name, at a call of the scenario.
#[must_use]
pub fn named(scenario: &Scenario, name: &str) -> Option<Mishap> {
    let simple = [Mishap::CutBefore, Mishap::CutAfter, Mishap::Stop];
    let kubernetes = KubernetesFault::ALL.into_iter().map(Mishap::Kubernetes);
    let oms = OmsFault::ALL.into_iter().map(Mishap::Oms);
    let meddle = Mishap::Meddle(scenario.meddling.clone());
    let mut all = simple
        .into_iter()
        .chain(kubernetes)
        .chain(oms)
        .chain([meddle]);
    all.find(|mishap| mishap.name() == name)
}
