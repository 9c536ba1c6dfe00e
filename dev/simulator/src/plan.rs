//! The steps that a project goes through, laid out along its own work.

use std::time::Duration;

use serde_json::Value;

use crate::config::Durations;

pub(crate) const PRECHECK: &str = "TRANSFER_PRECHECK";
pub(crate) const STRUCT: &str = "STRUCT_TRANSFER";
pub(crate) const LOG_PULL: &str = "TRANSFER_INCR_LOG_PULL";
pub(crate) const FULL: &str = "FULL_TRANSFER";
pub(crate) const INCR: &str = "INCR_TRANSFER";
pub(crate) const VERIFY: &str = "FULL_VERIFIER";
pub(crate) const SWITCH: &str = "TRANSFER_APP_SWITCH";
pub(crate) const REVERSE: &str = "REVERSE_INCR_TRANSFER";

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// OMS's own numbers have gaps where a step is not wanted.
    pub order: u32,
    pub name: &'static str,
    /// After how much work it begins. Absent: not before a switchover, which
    /// no API of this edition offers.
    pub at: Option<Duration>,
    /// How much work it takes. Absent: it never ends by itself.
    pub length: Option<Duration>,
}

impl Step {
    pub fn end(&self) -> Option<Duration> {
        Some(self.at? + self.length?)
    }

    pub fn begun(&self, done: Duration) -> bool {
        self.at.is_some_and(|at| at <= done)
    }
}

/// All steps of a project, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    /// The work after which the project is FINISHED. Absent with incremental
    /// transfer, which does not finish by itself.
    pub end: Option<Duration>,
}

impl Plan {
    pub fn of(body: &Value, durations: &Durations) -> Self {
        let on = |flag: &str| body.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let incremental = on("enableIncrTransfer");
        let migration = body.get("type").and_then(Value::as_str) == Some("MIGRATION");
        let mut plan = Layout::default();
        plan.add(1, PRECHECK, durations.precheck);
        if on("enableStructTransfer") {
            plan.add(2, STRUCT, durations.struct_transfer);
        }
        if incremental {
            // Pulled before the full load, so that no change is missed.
            plan.add(3, LOG_PULL, durations.log_pull);
        }
        if on("enableFullTransfer") {
            plan.add(4, FULL, durations.full_transfer);
        }
        if incremental {
            plan.endless(5, INCR);
        }
        if on("enableFullVerify") {
            plan.add(6, VERIFY, durations.full_verifier);
        }
        if incremental && migration {
            plan.endless(7, SWITCH);
            if on("enableReverseIncrTransfer") {
                plan.steps.push(Step {
                    order: 8,
                    name: REVERSE,
                    at: None,
                    length: None,
                });
            }
        }
        Self {
            end: (!incremental).then_some(plan.done),
            steps: plan.steps,
        }
    }

    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The last step that has begun after that much work.
    pub fn current(&self, done: Duration) -> &Step {
        self.steps
            .iter()
            .rev()
            .find(|step| step.begun(done))
            // Every plan begins with the precheck, at no work at all.
            .unwrap_or(&self.steps[0])
    }

    /// The last moment, in work, at which a step began or ended.
    pub fn last_change(&self, done: Duration) -> Duration {
        self.steps
            .iter()
            .flat_map(|step| [step.at, step.end()])
            .flatten()
            .filter(|moment| *moment <= done)
            .max()
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Layout {
    steps: Vec<Step>,
    done: Duration,
}

impl Layout {
    fn add(&mut self, order: u32, name: &'static str, length: Duration) {
        self.steps.push(Step {
            order,
            name,
            at: Some(self.done),
            length: Some(length),
        });
        self.done += length;
    }

    fn endless(&mut self, order: u32, name: &'static str) {
        self.steps.push(Step {
            order,
            name,
            at: Some(self.done),
            length: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(body: Value) -> Vec<&'static str> {
        let plan = Plan::of(&body, &Durations::default());
        plan.steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn the_steps_are_those_that_the_flags_ask_for() {
        assert_eq!(
            names(json!({
                "type": "MIGRATION", "enableStructTransfer": true, "enableFullTransfer": true,
                "enableFullVerify": true, "enableIncrTransfer": true,
                "enableReverseIncrTransfer": true,
            })),
            [
                PRECHECK, STRUCT, LOG_PULL, FULL, INCR, VERIFY, SWITCH, REVERSE
            ]
        );
        assert_eq!(
            names(json!({"type": "MIGRATION", "enableFullTransfer": true})),
            [PRECHECK, FULL]
        );
        assert_eq!(
            names(json!({"type": "SYNC", "enableIncrTransfer": true})),
            [PRECHECK, LOG_PULL, INCR]
        );
    }

    #[test]
    fn only_a_plan_without_incremental_transfer_ends() {
        let durations = Durations::default();
        let full = Plan::of(&json!({"enableFullTransfer": true}), &durations);
        assert_eq!(full.end, Some(durations.precheck + durations.full_transfer));
        let incremental = Plan::of(&json!({"enableIncrTransfer": true}), &durations);
        assert_eq!(incremental.end, None);
    }
}
