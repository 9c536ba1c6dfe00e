//! How far a project is: its steps, and how far it lags behind its source.

use std::sync::Arc;

use jiff::Timestamp;

/// One step of a project. OMS's step names are free text: there are at least
/// two families of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Step {
    /// OMS's name, such as `FULL_TRANSFER`.
    pub name: String,
    /// OMS's word: INIT, RUNNING, FAILED, FINISHED, SUSPEND, MONITORING.
    pub status: String,
    /// Whole percent.
    pub progress: Option<u8>,
    /// What went wrong, in OMS's words.
    pub problem: Option<String>,
}

impl Step {
    /// Whether this is the step that checks before anything is moved.
    #[must_use]
    pub fn is_precheck(&self) -> bool {
        matches!(
            self.name.as_str(),
            "TRANSFER_PRECHECK" | "PRE_CHECK" | "PRE-CHECK"
        )
    }

    /// Whether this is the step that copies the existing rows.
    #[must_use]
    pub fn is_full_copy(&self) -> bool {
        matches!(
            self.name.as_str(),
            "FULL_TRANSFER" | "FULL_MIGRATION" | "CONNECTOR_FULL_SYNC"
        )
    }

    /// Whether this is the step that follows the changes of the source.
    #[must_use]
    pub fn is_incremental(&self) -> bool {
        matches!(
            self.name.as_str(),
            "INCR_TRANSFER" | "INCR_SYNC" | "CONNECTOR_INCR_SYNC"
        )
    }

    /// Whether this is the step that compares source and target.
    #[must_use]
    pub fn is_full_verification(&self) -> bool {
        matches!(self.name.as_str(), "FULL_VERIFIER" | "FULL_VALIDATION")
    }

    /// Whether it is at work: the one that follows changes is MONITORING then.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        matches!(self.status.as_str(), "RUNNING" | "MONITORING")
    }

    /// Whether its work is done: a verifier stays RUNNING at 100 as long as the
    /// project lives.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.status == "FINISHED" || (self.status == "RUNNING" && self.progress == Some(100))
    }

    /// Whether the step waits for a human's decision, not for the operator's.
    fn is_switchover(&self) -> bool {
        matches!(self.name.as_str(), "TRANSFER_APP_SWITCH" | "APP_SWITCH")
    }
}

/// How far behind its source a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Seconds, as measured.
    pub seconds: u64,
    /// The upper end of the bucket that they fall into: what a status shows.
    pub bucket: u64,
}

/// How far a project is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The steps, in OMS's order. Those of many projects are equal, and shared.
    pub steps: Arc<[Step]>,
    /// The lag, where changes are followed and OMS tells up to when.
    pub lag: Option<Lag>,
    /// When the project was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl Progress {
    /// The step that the project is at: the one that failed, else the one at
    /// work, else the one that follows changes without end, else the last that
    /// is done.
    #[must_use]
    pub fn current(&self) -> Option<&Step> {
        let with = |word: &'static str| {
            self.steps
                .iter()
                .find(move |step| step.status == word && !step.is_switchover())
        };
        with("FAILED")
            .or_else(|| with("SUSPEND"))
            .or_else(|| {
                // A verifier stays RUNNING at 100 as long as the project lives.
                let at_work = |step: &&Step| {
                    step.status == "RUNNING" && !step.is_switchover() && step.progress != Some(100)
                };
                self.steps.iter().find(at_work)
            })
            .or_else(|| with("MONITORING"))
            .or_else(|| {
                self.steps
                    .iter()
                    .rev()
                    .find(|step| step.status == "FINISHED")
            })
            .or_else(|| self.steps.first())
    }

    /// The step that failed, with OMS's words.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.status == "FAILED")
    }

    /// Whether both show the same; the measured seconds of the lag do not
    /// count, because they move by themselves.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let bucket = |progress: &Self| progress.lag.map(|lag| lag.bucket);
        self.steps == other.steps
            && bucket(self) == bucket(other)
            && self.started == other.started
            && self.finished == other.finished
    }
}

/// Upper ends of the lag buckets, in seconds: from half a minute, below which
/// OMS's own checkpoints (every 10 s, written every 10 s) say nothing, to 30
/// days.
const BUCKETS: [u64; 14] = [
    30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800,
    2_592_000,
];

/// The bucket of a lag. A smaller one than `before` is only taken when the lag
/// is well inside of it, so that a lag at an edge does not write all the time.
#[must_use]
pub fn lag_bucket(seconds: u64, before: Option<u64>) -> u64 {
    let end = |seconds: u64| {
        BUCKETS
            .into_iter()
            .find(|end| seconds <= *end)
            .unwrap_or(BUCKETS[BUCKETS.len() - 1])
    };
    let bucket = end(seconds);
    match before {
        // A fifth more than measured still has to fit.
        Some(before) if bucket < before => end(seconds + seconds / 4).min(before),
        _ => bucket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, status: &str, progress: u8) -> Step {
        Step {
            name: name.into(),
            status: status.into(),
            progress: Some(progress),
            problem: None,
        }
    }

    fn at(steps: &[(&str, &str, u8)]) -> String {
        let steps = steps
            .iter()
            .map(|(name, status, done)| step(name, status, *done))
            .collect();
        let progress = Progress {
            steps,
            ..Progress::default()
        };
        progress
            .current()
            .map(|step| step.name.clone())
            .unwrap_or_default()
    }

    #[test]
    fn the_current_step_is_the_one_a_person_would_name() {
        assert_eq!(
            at(&[
                ("TRANSFER_PRECHECK", "INIT", 0),
                ("FULL_TRANSFER", "INIT", 0)
            ]),
            "TRANSFER_PRECHECK"
        );
        assert_eq!(
            at(&[
                ("TRANSFER_PRECHECK", "FINISHED", 100),
                ("FULL_TRANSFER", "RUNNING", 3)
            ]),
            "FULL_TRANSFER"
        );
        assert_eq!(
            at(&[
                ("FULL_TRANSFER", "FINISHED", 100),
                ("INCR_TRANSFER", "MONITORING", 100),
                ("FULL_VERIFIER", "RUNNING", 100),
                ("TRANSFER_APP_SWITCH", "RUNNING", 0)
            ]),
            "INCR_TRANSFER"
        );
        assert_eq!(
            at(&[
                ("TRANSFER_PRECHECK", "FAILED", 40),
                ("FULL_TRANSFER", "INIT", 0)
            ]),
            "TRANSFER_PRECHECK"
        );
        assert_eq!(
            at(&[
                ("STRUCT_TRANSFER", "FINISHED", 100),
                ("FULL_TRANSFER", "FINISHED", 100)
            ]),
            "FULL_TRANSFER"
        );
    }

    #[test]
    fn a_lag_that_plays_around_an_edge_stays_in_its_bucket() {
        assert_eq!(lag_bucket(4, None), 30);
        assert_eq!(lag_bucket(31, Some(30)), 60);
        assert_eq!(lag_bucket(29, Some(60)), 60, "too near the edge");
        assert_eq!(lag_bucket(24, Some(60)), 30);
        assert_eq!(lag_bucket(5, Some(86_400)), 30, "caught up at once");
        assert_eq!(lag_bucket(u64::MAX / 2, None), 2_592_000);
    }
}
