//! One project: its life, computed only when somebody looks.
//!
//! Nothing runs in the background. A project holds its last transition and the
//! stretches of work it has done; [`Project::settle`] brings it up to date.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{Clock, Now};
use crate::config::Durations;
use crate::details::TableDifference;
use crate::plan::{INCR, Plan};

/// Why a step failed: one entry of its `errorDetails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// OMS's code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub proposal: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    Init,
    /// Working since that work time of the clock.
    Running {
        since: Duration,
    },
    Suspended,
    Failed {
        step: &'static str,
        errors: Vec<StepError>,
    },
    Finished,
    /// Until that work time of the clock.
    Releasing {
        until: Duration,
    },
    Released,
    /// A word that a handle has set, with no behaviour of its own.
    Said(String),
}

/// A stretch of work: from `done` on, own work follows the clock's work.
#[derive(Clone, Copy, Debug)]
struct Run {
    done: Duration,
    since: Duration,
}

/// A failure that waits for its moment in own work.
#[derive(Clone, Debug)]
struct Failing {
    at: Duration,
    step: &'static str,
    errors: Vec<StepError>,
}

/// How far behind INCR_TRANSFER was at a moment of the clock.
#[derive(Clone, Copy, Debug)]
struct Lag {
    work: Duration,
    behind: Duration,
}

/// A checkpoint and the moment it was sampled, since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub at: Duration,
    pub sampled: Duration,
}

pub(crate) struct Project {
    pub id: String,
    pub name: String,
    /// As received.
    pub body: Arc<Value>,
    /// As it is now: somebody may change it in the console.
    pub configuration: Arc<Value>,
    /// What a full verification finds, by `schema.table` of the source.
    pub differences: BTreeMap<String, TableDifference>,
    pub plan: Plan,
    pub created: Duration,
    /// Not in lists before.
    pub listed_from: Duration,
    /// Not found by its id before.
    pub known_from: Duration,
    pub started: Option<Duration>,
    pub finished: Option<Duration>,
    pub failed: Option<Duration>,
    pub phase: Phase,
    pub requests: BTreeMap<String, u64>,
    /// Own work at the last transition.
    done: Duration,
    /// Wall time of the last transition.
    changed: Duration,
    /// Wall time at which it last stopped working.
    rested: Duration,
    runs: Vec<Run>,
    failing: Option<Failing>,
    lag: Option<Lag>,
    pinned_lag: Option<Duration>,
}

impl Project {
    pub fn new(id: String, name: String, body: Value, durations: &Durations, now: Now) -> Self {
        let body = Arc::new(body);
        Self {
            id,
            name,
            plan: Plan::of(&body, durations),
            configuration: body.clone(),
            body,
            differences: BTreeMap::new(),
            created: now.wall,
            listed_from: now.wall,
            known_from: now.wall,
            started: None,
            finished: None,
            failed: None,
            phase: Phase::Init,
            requests: BTreeMap::new(),
            done: Duration::ZERO,
            changed: now.wall,
            rested: now.wall,
            runs: Vec::new(),
            failing: None,
            lag: None,
            pinned_lag: None,
        }
    }

    /// Makes every transition that time has brought about since the last look.
    pub fn settle(&mut self, clock: &Clock, durations: &Durations, now: Now) {
        match self.phase {
            Phase::Running { since } => {
                let done = self.done(now);
                let failing = self.failing.as_ref().map(|failing| failing.at);
                let (at, failed) = match (failing, self.plan.end) {
                    (Some(at), _) if at <= done => (at, self.failing.take()),
                    (_, Some(end)) if end <= done => (end, None),
                    _ => return,
                };
                let moment = Now {
                    wall: self.wall_at(clock, at),
                    work: since + at.saturating_sub(self.done),
                };
                let phase = failed.map_or(Phase::Finished, |failing| Phase::Failed {
                    step: failing.step,
                    errors: failing.errors,
                });
                self.rest(phase, durations, moment);
            }
            Phase::Releasing { until } if until <= now.work => {
                self.changed = clock.wall_at(until);
                self.finished.get_or_insert(self.changed);
                self.phase = Phase::Released;
            }
            _ => {}
        }
    }

    pub fn status(&self) -> &str {
        match &self.phase {
            Phase::Init => "INIT",
            Phase::Running { .. } => "RUNNING",
            Phase::Suspended => "SUSPEND",
            Phase::Failed { .. } => "FAILED",
            Phase::Finished => "FINISHED",
            Phase::Releasing { .. } => "RELEASING",
            Phase::Released => "RELEASED",
            Phase::Said(word) => word,
        }
    }

    /// How much work the project has done.
    pub fn done(&self, now: Now) -> Duration {
        match self.phase {
            Phase::Running { since } => self.done + now.work.saturating_sub(since),
            _ => self.done,
        }
    }

    /// When anything that a reader can see last changed, numbers apart.
    pub fn modified(&self, clock: &Clock, now: Now) -> Duration {
        match self.phase {
            Phase::Running { .. } => {
                let change = self.plan.last_change(self.done(now));
                self.wall_at(clock, change).max(self.changed)
            }
            _ => self.changed,
        }
    }

    /// The wall time at which the project had done that much work.
    pub fn wall_at(&self, clock: &Clock, done: Duration) -> Duration {
        let next = self.runs.partition_point(|run| run.done <= done).max(1);
        self.runs.get(next - 1).map_or(self.created, |run| {
            clock.wall_at(run.since + done.saturating_sub(run.done))
        })
    }

    /// Works from now on.
    pub fn run(&mut self, durations: &Durations, now: Now) {
        self.started.get_or_insert(now.wall);
        self.failed = None;
        self.finished = None;
        self.lag = match self.lag {
            // Nothing was copied while the project stood.
            Some(lag) => Some(Lag {
                work: now.work,
                behind: lag.behind + now.wall.saturating_sub(self.rested),
            }),
            None => self.plan.step(INCR).and_then(|step| step.at).map(|at| Lag {
                work: now.work + at.saturating_sub(self.done),
                behind: durations.backlog,
            }),
        };
        self.changed = now.wall;
        self.runs.push(Run {
            done: self.done,
            since: now.work,
        });
        self.phase = Phase::Running { since: now.work };
    }

    /// Is in a phase that does no work, from `now` on.
    pub fn rest(&mut self, phase: Phase, durations: &Durations, now: Now) {
        if let Phase::Running { .. } = self.phase {
            // Absent while INCR_TRANSFER has not begun: the next run counts anew.
            self.lag = self.behind(durations, now).map(|behind| Lag {
                work: now.work,
                behind,
            });
            self.done = self.done(now);
            self.rested = now.wall;
        }
        self.changed = now.wall;
        match phase {
            Phase::Failed { .. } => self.failed = Some(now.wall),
            Phase::Finished => self.finished = Some(now.wall),
            _ => {}
        }
        self.phase = phase;
    }

    /// As newly created.
    pub fn reset(&mut self, now: Now) {
        self.phase = Phase::Init;
        self.done = Duration::ZERO;
        self.runs.clear();
        self.lag = None;
        self.failing = None;
        self.started = None;
        self.finished = None;
        self.failed = None;
        self.changed = now.wall;
    }

    pub fn touch(&mut self, now: Now) {
        self.changed = now.wall;
    }

    /// The project fails in `step`: in the middle of it, or now if it is past
    /// that. False when the plan has no such step or the step is over.
    pub fn fail_in(&mut self, step: &str, errors: Vec<StepError>, now: Now) -> bool {
        let done = self.done(now);
        let Some(step) = self.plan.step(step) else {
            return false;
        };
        let Some(at) = step.at else { return false };
        if step.end().is_some_and(|end| end <= done) {
            return false;
        }
        self.failing = Some(Failing {
            at: (at + step.length.unwrap_or_default() / 2).max(done),
            step: step.name,
            errors,
        });
        true
    }

    pub fn pin_lag(&mut self, lag: Option<Duration>) {
        self.pinned_lag = lag;
    }

    /// How far INCR_TRANSFER is behind, once it has begun.
    pub fn behind(&self, durations: &Durations, now: Now) -> Option<Duration> {
        if !self.plan.step(INCR)?.begun(self.done(now)) {
            return None;
        }
        let lag = self.lag?;
        Some(match (self.pinned_lag, &self.phase) {
            (Some(pinned), _) => pinned,
            (None, Phase::Running { .. }) => {
                let made_good = now
                    .work
                    .saturating_sub(lag.work)
                    .mul_f64(durations.catch_up_rate);
                lag.behind
                    .saturating_sub(made_good)
                    .max(durations.steady_lag)
            }
            (None, _) => lag.behind,
        })
    }

    /// OMS samples about every 10 s; a project at rest is not sampled.
    pub fn checkpoint(&self, durations: &Durations, now: Now) -> Option<Checkpoint> {
        const SAMPLED_EVERY: u64 = 10;
        let behind = self.behind(durations, now)?;
        let sampled = match self.phase {
            Phase::Running { .. } => now.wall,
            _ => self.rested,
        };
        let sampled = Duration::from_secs(sampled.as_secs() / SAMPLED_EVERY * SAMPLED_EVERY);
        Some(Checkpoint {
            at: sampled.saturating_sub(behind),
            sampled,
        })
    }
}
