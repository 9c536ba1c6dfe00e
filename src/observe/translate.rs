//! From OMS's words to the operator's: what of a project is looked at.

use std::sync::Arc;

use jiff::Timestamp;

use super::Seen;
use crate::decide::ProjectStatus;
use crate::decide::progress::{Lag, Progress, Step, lag_bucket};
use crate::oms;

/// The most steps kept of a project; OMS has about ten.
const MAX_STEPS: usize = 32;

/// The longest text kept of what went wrong in a step.
const MAX_PROBLEM: usize = 512;

/// A sample of the checkpoint that is older than this is not trusted to tell
/// the lag; the time that has passed since counts in. OMS samples every 10 s.
const SAMPLE_VALID_SECONDS: i64 = 60;

/// What a list, or DescribeProject, shows of a project. `now` is OMS's own
/// clock where it tells it; `before` is what was seen last.
#[must_use]
pub fn translate(mut project: oms::Project, now: Timestamp, before: Option<&Seen>) -> Seen {
    let bucket_before = before
        .and_then(|before| before.progress.lag)
        .map(|lag| lag.bucket);
    project.steps.sort_by_key(|step| step.order);
    let status = ProjectStatus::parse(project.status.as_deref().unwrap_or_default());
    let figures: Vec<oms::StepInfo> = project.steps.iter().map(|step| step.step_info).collect();
    let steps = project.steps.into_iter().take(MAX_STEPS);
    let steps: Arc<[Step]> = steps.map(step).collect();
    let lag = steps
        .iter()
        .zip(figures)
        .filter(|_| status.is_running())
        .find_map(|(step, figures)| lag_of(step, figures, now))
        .map(|seconds| Lag {
            seconds,
            bucket: lag_bucket(seconds, bucket_before),
        });
    Seen {
        name: project.name.unwrap_or_default(),
        status,
        modified: project.gmt_modified,
        progress: Progress {
            steps,
            lag,
            started: project.gmt_start,
            finished: project.gmt_finish,
        },
    }
}

/// Whether this is the step that checks before anything is moved.
pub(super) fn is_precheck(wire: &oms::Step) -> bool {
    step(wire.clone()).is_precheck()
}

fn step(wire: oms::Step) -> Step {
    let percent = wire.progress.map(|percent| percent.clamp(0, 100));
    Step {
        problem: problem(&wire),
        name: wire.name.unwrap_or_default(),
        status: wire.status.unwrap_or_default(),
        progress: percent.and_then(|percent| u8::try_from(percent).ok()),
    }
}

/// Code, message and proposal of the first thing that went wrong, in one line.
fn problem(step: &oms::Step) -> Option<String> {
    let error = step.errors.first()?;
    let texts = [&error.code, &error.message, &error.reason, &error.proposal];
    let said: Vec<&str> = texts
        .into_iter()
        .flatten()
        .map(|text| text.trim().trim_end_matches('.'))
        .filter(|text| !text.is_empty())
        .collect();
    let printable: String = said
        .join(": ")
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_PROBLEM)
        .collect();
    (!printable.is_empty()).then_some(printable)
}

/// The lag of the step that follows changes, while it does: the checkpoint of one
/// that stands tells how far it came, not how far it is behind. Never below zero:
/// clocks that differ would give that.
fn lag_of(step: &Step, figures: oms::StepInfo, now: Timestamp) -> Option<u64> {
    if !step.is_incremental() || !step.is_at_work() {
        return None;
    }
    let checkpoint = figures.incr_timestamp_checkpoint?;
    let sampled = figures
        .checkpoint_sample_timestamp
        .filter(|sampled| now.as_second() - sampled <= SAMPLE_VALID_SECONDS);
    let lag = sampled.unwrap_or_else(|| now.as_second()) - checkpoint;
    Some(u64::try_from(lag).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(project: &str, step: &str) -> oms::Project {
        oms::Project {
            status: Some(project.to_owned()),
            steps: vec![oms::Step {
                name: Some("INCR_TRANSFER".to_owned()),
                status: Some(step.to_owned()),
                step_info: oms::StepInfo {
                    incr_timestamp_checkpoint: Some(1_000),
                    ..oms::StepInfo::default()
                },
                ..oms::Step::default()
            }],
            ..oms::Project::default()
        }
    }

    #[test]
    fn only_what_follows_changes_has_a_lag() {
        let now = Timestamp::from_second(1_010).unwrap();
        let lag = |project, step| {
            let seen = translate(following(project, step), now, None);
            seen.progress.lag.map(|lag| lag.seconds)
        };
        assert_eq!(lag("RUNNING", "MONITORING"), Some(10));
        assert_eq!(lag("RUNNING_MODIFYING", "RUNNING"), Some(10));
        for (project, step) in [
            ("SUSPEND", "SUSPEND"),
            ("SUSPEND", "MONITORING"),
            ("FAILED", "FAILED"),
            ("RELEASED", "MONITORING"),
            ("RUNNING", "FAILED"),
        ] {
            assert_eq!(lag(project, step), None, "{project}, {step}");
        }
    }
}
