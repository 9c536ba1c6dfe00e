//! What was measured, as it stands in `docs/benchmarks.json`. Times are in seconds, memory is in bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::oms::Counts;
use super::proc::{Machine, Memory};
use super::spread::Spread;

/// Every part that was ever measured on one machine, each as of its last run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// The version of the API server.
    pub kubernetes: String,
    /// Of which code each part is, by what it is called.
    pub stamps: BTreeMap<String, Stamp>,
    /// Fleets, by their size.
    pub fleets: Vec<Fleet>,
    /// Large specs against small ones.
    pub mappings: Option<Mappings>,
    /// Healthy OMS beside a dead one.
    pub dead_oms: Option<DeadOms>,
    /// One process after another.
    pub takeover: Option<Takeover>,
    /// Resources that come and go.
    pub cycles: Option<Cycles>,
}

/// Of which code a part is, and when it was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stamp {
    /// `commit` and which; with `+` where files of the repository differed from it. Or words for why there is none.
    pub code: String,
    /// The day, in UTC.
    pub day: String,
}

/// So many resources on one OMS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fleet {
    /// How many.
    pub size: usize,
    /// With a connection and no resource.
    pub idle: Memory,
    /// All applied at once, until each was seen RUNNING.
    pub creation: Creation,
    /// From then on until nothing was written any more.
    pub settling: Settling,
    /// With nothing to do.
    pub rest: Rest,
    /// One more resource at a time, with the others at rest.
    pub single: Option<Pair>,
    /// One in a hundred projects changed in OMS.
    pub change: Change,
    /// The process ended and started again.
    pub restart: Restart,
}

/// From the request to the API server on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pair {
    /// Until the id stood in the status.
    pub id: Spread,
    /// Until the status said RUNNING.
    pub running: Spread,
}

/// See [`Fleet::creation`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Creation {
    /// Until the API server had taken the last one.
    pub applied: f64,
    /// Until the last one had its id.
    pub all_ids: f64,
    /// Until the last one was seen RUNNING.
    pub all_running: f64,
    /// Of each.
    pub each: Pair,
    /// Calls of OMS.
    pub calls: Counts,
    /// Writes of the resources.
    pub writes: u64,
    /// Writes of Events.
    pub events: u64,
    /// Of both, refused.
    pub refused: u64,
    /// Writes of one resource until it was RUNNING, on average. (As what follows: missing in files of older benches.)
    pub writes_until_running: Option<f64>,
    /// Of the writes, those that changed nothing: refused ones, above all.
    pub idle_writes: Option<u64>,
    /// So many had caught up before the last one was RUNNING: what that takes is among the writes and Events.
    pub caught_up: Option<usize>,
    /// So many had their id for a minute before the last one was RUNNING: they are compared with their spec.
    pub compared: Option<usize>,
    /// CPU of the operator.
    pub cpu: f64,
    /// CPU of the API server and etcd.
    pub cpu_kubernetes: f64,
    /// The most that the operator had in RAM until it was at rest.
    pub peak: u64,
}

/// See [`Fleet::settling`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settling {
    /// How long.
    pub seconds: f64,
    /// Calls of OMS.
    pub calls: Counts,
    /// Writes of the resources.
    pub writes: u64,
    /// Writes of Events.
    pub events: u64,
    /// Whether each came to CaughtUp and the writes to their end.
    pub complete: bool,
}

/// See [`Fleet::rest`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rest {
    /// How long.
    pub seconds: f64,
    /// Calls of OMS.
    pub calls: Counts,
    /// Writes of the resources.
    pub writes: u64,
    /// Writes of Events.
    pub events: u64,
    /// Sweeps that ended.
    pub sweeps: Option<u64>,
    /// CPU of the operator.
    pub cpu: f64,
    /// At the end.
    pub memory: Memory,
}

/// See [`Fleet::change`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    /// How many projects, over all rounds.
    pub projects: usize,
    /// From the change to the status, the wait for the next sweep included.
    pub delay: Spread,
    /// Writes of the resources.
    pub writes: u64,
}

/// See [`Fleet::restart`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restart {
    /// Until `/readyz`.
    pub ready: f64,
    /// Until a resource that was applied then had its id.
    pub new_id: f64,
    /// Until the status of a resource whose spec was changed then spoke of it.
    pub changed: Option<f64>,
    /// Writes of all others, until a sweep later.
    pub others: Option<u64>,
    /// Until every resource had been looked at, and none was any more.
    pub checked: f64,
    /// CPU of the operator until then.
    pub cpu: f64,
    /// Calls of OMS.
    pub calls: Counts,
    /// Writes of the resources, those of the one that was applied and of the one that was changed included.
    pub writes: u64,
    /// The most that it had in RAM.
    pub peak: u64,
    /// A sweep later.
    pub memory: Memory,
}

/// As many resources with few tables and with many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mappings {
    /// How many.
    pub count: usize,
    /// Tables of a large one.
    pub tables: usize,
    /// Few tables.
    pub small: Weight,
    /// Many.
    pub large: Weight,
}

/// What they cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Weight {
    /// JSON of one, as it is applied.
    pub json: usize,
    /// With no resource.
    pub idle: Memory,
    /// At the most, while they were created.
    pub peak: u64,
    /// At rest.
    pub rest: Memory,
    /// At the most, after a restart.
    pub restart_peak: u64,
    /// At rest after the restart.
    pub restart_rest: Memory,
}

/// The same load on two healthy OMS, beside a third.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeadOms {
    /// Resources of each OMS.
    pub count: usize,
    /// The third has nothing to do.
    pub beside_idle: Option<Pair>,
    /// The third is healthy, and has as much to do, as it has in what follows.
    pub beside_healthy: Option<Pair>,
    /// The third is slow.
    pub beside_slow: Option<Pair>,
    /// The third answers no more.
    pub beside_dead: Option<Pair>,
}

/// From the end of the process that leads until a resource applied then has its id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Takeover {
    /// It was killed.
    pub killed: Spread,
    /// It was told to stop.
    pub stopped: Spread,
}

/// Resources that come and go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cycles {
    /// How many each time.
    pub count: usize,
    /// Before the first.
    pub idle: Memory,
    /// After each of those that warm up: until what is remembered of the first for a time is forgotten.
    pub warm_up: Vec<Memory>,
    /// After each from then on.
    pub after: Vec<Memory>,
}

impl Results {
    /// All that is recorded, with these: what they do not have of their own machine stays, and so does every other
    /// machine. The one that was recorded first stays the first.
    pub fn among(self, mut recorded: Vec<Results>) -> Vec<Results> {
        let own = recorded
            .iter_mut()
            .find(|before| before.machine.is_like(&self.machine));
        match own {
            Some(before) => *before = self.over(std::mem::take(before)),
            None => recorded.push(self),
        }
        recorded
    }

    /// These, and of `before` what they do not have.
    fn over(mut self, before: Results) -> Results {
        let known: Vec<usize> = self.fleets.iter().map(|fleet| fleet.size).collect();
        let others = before.fleets.into_iter();
        self.fleets
            .extend(others.filter(|fleet| !known.contains(&fleet.size)));
        self.fleets.sort_by_key(|fleet| fleet.size);
        let mut stamps = before.stamps;
        stamps.append(&mut self.stamps);
        Results {
            stamps,
            mappings: self.mappings.or(before.mappings),
            dead_oms: self.dead_oms.or(before.dead_oms),
            takeover: self.takeover.or(before.takeover),
            cycles: self.cycles.or(before.cycles),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_anew_replaces_what_was_and_the_rest_stays() {
        let fleet = |size, seconds| Fleet {
            size,
            rest: Rest {
                seconds,
                ..Rest::default()
            },
            ..Fleet::default()
        };
        let of = |day: &str| Stamp {
            day: day.to_owned(),
            ..Stamp::default()
        };
        let before = Results {
            stamps: [("a", of("1")), ("b", of("1"))]
                .map(|(part, of)| (part.to_owned(), of))
                .into(),
            fleets: vec![fleet(100, 1.0), fleet(1_000, 1.0)],
            cycles: Some(Cycles::default()),
            ..Results::default()
        };
        let now = Results {
            stamps: [("b".to_owned(), of("2"))].into(),
            fleets: vec![fleet(1_000, 2.0)],
            ..Results::default()
        };
        let all = now.over(before);
        assert_eq!(all.fleets, [fleet(100, 1.0), fleet(1_000, 2.0)]);
        assert_eq!((&all.stamps["a"], &all.stamps["b"]), (&of("1"), &of("2")));
        assert!(all.cycles.is_some() && all.mappings.is_none());
    }

    #[test]
    fn another_machine_replaces_nothing_of_the_first() {
        let of = |cores, size| Results {
            machine: Machine {
                cores,
                ..Machine::default()
            },
            fleets: vec![Fleet {
                size,
                ..Fleet::default()
            }],
            ..Results::default()
        };
        let both = of(4, 100).among(vec![of(2, 100)]);
        assert_eq!(both, [of(2, 100), of(4, 100)]);
        let sizes = |results: &Results| -> Vec<usize> {
            results.fleets.iter().map(|fleet| fleet.size).collect()
        };
        let both = of(2, 1_000).among(both);
        assert_eq!(
            both.iter().map(sizes).collect::<Vec<_>>(),
            [vec![100, 1_000], vec![100]]
        );
    }

    #[test]
    fn a_file_of_an_older_bench_is_still_read_and_has_no_figures_that_were_not_measured() {
        let text = r#"{"fleets": [{"size": 100}], "deadOms": {"count": 5, "alone": {}}}"#;
        let old: Results = serde_json::from_str(text).unwrap();
        assert_eq!(old.fleets[0].size, 100);
        assert_eq!(old.fleets[0].creation.writes_until_running, None);
        assert_eq!(old.dead_oms.unwrap().beside_dead, None);
    }
}
