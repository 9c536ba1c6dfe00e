//! Publish for a project that is there: its steps, its milestones, its lag.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::details::{self, Details};
use super::me::Me;
use super::memory::Remembered;
use super::pass::{AT_REST, Error, MOMENT, STALLED_RECHECK, SWEEP_WAIT, Step};
use super::publish::{Say, publish_all};
use super::recreate;
use crate::api::v1alpha1::{
    ConditionType, MigrationProject, MigrationProjectStatus, PinnedConnection, Reason, StepStatus,
};
use crate::decide::caught_up::{self, Limit};
use crate::decide::lifecycle::LifeDecision;
use crate::decide::long_pause::{self, LongPause};
use crate::decide::{Progress, ProjectStatus, Readiness, Statement, Unstated, milestones};
use crate::observe::Seen;

/// Publishes what was decided and seen, and says when to look again. `pin` names
/// the connection through which it was seen.
pub async fn show(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    decision: &LifeDecision,
    seen: Option<&Seen>,
    pin: PinnedConnection,
) -> Result<Step, Error> {
    if decision.gone
        && let Some(step) = recreate::begin_anew(context, me, read).await?
    {
        return Ok(step);
    }
    let now = context.clock.now();
    let status = seen.map(|seen| &seen.status);
    let goes_on = decision.verdict.readiness == Readiness::Progressing;
    let mut statements: Vec<Statement> = milestones::ending(status, decision.gone, goes_on).into();
    let mut again = None;
    let mut details = Details::default();
    if let Some(seen) = seen {
        statements.extend(milestones::steps(&seen.progress));
        let (caught_up, until) = caught_up(context, me, read, &seen.progress, now);
        statements.extend(caught_up);
        again = until;
    }
    let mut after = read.status.clone().unwrap_or_default();
    if let Some(seen) = seen {
        describe(&mut after, seen);
        // It has been seen there, under the address of today.
        after.connection = Some(pin);
        details = details::look(context, me, read, seen, &mut after).await?;
        again = sooner(again, details.again);
        // They say more of the same.
        statements.retain(|one| {
            details
                .statements
                .iter()
                .all(|other| other.type_ != one.type_)
        });
        statements.append(&mut details.statements);
    } else {
        statements.extend(details::unknown(read, decision.gone));
    }
    if decision.gone {
        forget_figures(&mut after);
    }
    after.gone = decision.gone.then_some(true);
    after.spec_mismatch = None;
    after.pause = decision.record.pause.clone();
    after.retries = decision.record.retries.clone();
    after.last_handled_retry = decision.record.handled_retry.clone();
    after.create = None;
    after.last_error = None;

    let before = read.status.clone().unwrap_or_default();
    let verdict = match recreate::hindrance(context, me, read) {
        Some(hindrance) if decision.gone => decision.verdict.clone().and(hindrance),
        _ => decision.verdict.clone(),
    };
    let long_pause = long_pause(read, seen, &after, now);
    let verdict = match &long_pause {
        Some(LongPause::Now(warning)) => verdict.and(warning),
        _ => verdict,
    };
    if let Some(LongPause::Later(at)) = long_pause {
        again = sooner(again, Some(left_until(at, now).min(AT_REST)));
    }
    let say = Say {
        verdict: &verdict,
        more: &statements,
        unstated: Unstated::Unknown,
    };
    let said_before = say.conditions(context, read) == before.conditions;
    let interval = context.settings.figures_interval;
    let rest = context.memory.figures_wait(&me.uid, interval);
    let waits = said_before && !details.mark && moves_figures_only(&before, &after);
    if let (true, Some(rest)) = (waits, rest) {
        carry_figures(&before, &mut after);
        again = sooner(again, Some(rest));
    }
    if said_before && !details.mark {
        details::keep_mark_with_changes_only(&before, &mut after);
    }
    let written = publish_all(context, read, &say, after).await?;
    details.told(context, me);
    if written.is_some() {
        context.memory.figures_written(&me.uid, &me.key);
        details::announce(context, read, &statements).await;
        if let Some(LongPause::Now(warning)) = &long_pause {
            announce_once(context, read, warning).await;
        }
    }
    context.memory.succeeded(&me.uid);
    if let Some(until) = decision.again {
        again = sooner(again, Some(left_until(until, now)));
    }
    let rest = match decision.verdict.readiness {
        // Whatever ends it wakes the resource.
        Readiness::Progressing if decision.verdict.reason == Reason::Suspended => None,
        Readiness::Progressing if decision.again.is_none() => Some(SWEEP_WAIT),
        Readiness::Stalled | Readiness::Unknown
            if decision.verdict.reason == Reason::ActionMissing =>
        {
            Some(STALLED_RECHECK)
        }
        _ => None,
    };
    Ok(sooner(rest, again).map_or(Step::Rest, Step::After))
}

/// What is to be said of how long the project is paused by now.
fn long_pause(
    read: &MigrationProject,
    seen: Option<&Seen>,
    after: &MigrationProjectStatus,
    now: Timestamp,
) -> Option<LongPause> {
    let is_paused = seen?.status == ProjectStatus::Suspend;
    let since = after.pause.as_ref().filter(|_| is_paused)?.since?;
    long_pause::long_pause(&read.spec, since, now)
}

/// An Event, unless the condition Ready has said the same already.
async fn announce_once(context: &Context, read: &MigrationProject, warning: &str) {
    let status = read.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice());
    let mut said = conditions.unwrap_or_default().iter();
    if !said.any(|one| one.message.contains(warning)) {
        let reason = Reason::PausedForLong;
        context.events.warning(read, reason, warning).await;
    }
}

fn left_until(until: Timestamp, now: Timestamp) -> Duration {
    let left = Duration::try_from(until.duration_since(now));
    left.unwrap_or_default().max(MOMENT)
}

fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn describe(status: &mut MigrationProjectStatus, seen: &Seen) {
    let progress = &seen.progress;
    status.project_status = Some(seen.status.word().to_owned());
    status.steps = progress
        .steps
        .iter()
        .map(|step| StepStatus {
            name: Some(step.name.clone()),
            status: Some(step.status.clone()),
            progress: step.progress.map(i32::from),
            message: step.problem.clone(),
        })
        .collect();
    let current = progress.current();
    status.current_step = current.map(|step| step.name.clone());
    status.progress = current.and_then(|step| step.progress).map(i32::from);
    status.lag_seconds = progress.lag.and_then(|lag| i64::try_from(lag.bucket).ok());
    status.start_time = progress.started;
    status.completion_time = progress.finished;
}

/// What was seen of a project that is gone is no longer so.
fn forget_figures(status: &mut MigrationProjectStatus) {
    status.project_status = None;
    status.steps.clear();
    status.current_step = None;
    status.progress = None;
    status.lag_seconds = None;
}

/// The condition CaughtUp, where there is a lag to speak of, and when it may
/// change without anything else changing.
fn caught_up(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    progress: &Progress,
    now: Timestamp,
) -> (Option<Statement>, Option<Duration>) {
    let Some(lag) = progress.lag else {
        // Once it is followed again, it has to hold anew.
        let forget = |mine: &mut Remembered| mine.lag_side = None;
        context.memory.remember(&me.uid, &me.key, forget);
        return (None, None);
    };
    let max_lag = read.spec.max_lag().as_secs();
    let stable_for = SignedDuration::try_from(read.spec.stable_for()).unwrap_or_default();
    let limit = Limit {
        max_lag,
        stable_for,
    };
    let side = context.memory.remember(&me.uid, &me.key, |mine| {
        let side = caught_up::side(lag.seconds, limit, mine.lag_side, now);
        mine.lag_side = Some(side);
        side
    });
    let (is, until) = caught_up::caught_up(side, limit, stands(read), now);
    let wait = until.map(|until| left_until(until, now));
    (Some(milestones::caught_up(is, max_lag)), wait)
}

/// What CaughtUp says now.
fn stands(read: &MigrationProject) -> Option<bool> {
    let conditions = &read.status.as_ref()?.conditions;
    let type_ = ConditionType::CaughtUp.as_str();
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_)?;
    Some(found.status == "True")
}

/// Whether nothing but figures would change.
fn moves_figures_only(before: &MigrationProjectStatus, after: &MigrationProjectStatus) -> bool {
    let mut calm = after.clone();
    carry_figures(before, &mut calm);
    calm == *before && before != after
}

/// Takes the figures of `before` over, where the steps are the same.
fn carry_figures(before: &MigrationProjectStatus, after: &mut MigrationProjectStatus) {
    let names = |status: &MigrationProjectStatus| {
        status
            .steps
            .iter()
            .map(|step| (step.name.clone(), step.status.clone()))
            .collect::<Vec<_>>()
    };
    if names(before) != names(after) {
        return;
    }
    for (old, new) in before.steps.iter().zip(&mut after.steps) {
        new.progress = old.progress;
    }
    after.progress = before.progress;
    after.lag_seconds = before.lag_seconds;
    after.last_modified = before.last_modified;
}
