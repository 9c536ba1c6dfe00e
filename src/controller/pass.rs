//! What a pass over a resource ends in, and how failures are waited out.

use std::time::Duration;

use jiff::Timestamp;

use super::action::Action;
use super::context::Context;
use super::failure;
use super::kubernetes;
use super::me::{Me, is_observed};
use super::memory::Bounds;
use super::publish::{Say, publish, publish_all};
use crate::api::v1alpha1::{LastError, MigrationProject, Reason};
use crate::decide::stale::{self, Waiting, Word};
use crate::decide::{Readiness, Unstated, Verdict};
use crate::oms;

/// How often a resource is looked at of which nothing is expected. Changes in
/// Kubernetes and in OMS wake it; this only covers what no watch can tell, such
/// as the labels of a namespace.
pub const AT_REST: Duration = Duration::from_secs(3600);

/// How often a resource is looked at again that waits for a human: the human's
/// act may have been one in OMS, where nobody wakes it.
pub const STALLED_RECHECK: Duration = Duration::from_secs(300);

/// How often a resource is looked at again that waits for something which is
/// expected soon.
pub const SOON: Duration = Duration::from_secs(15);

/// How long the sweep that a mutation has brought forward is waited for.
pub const SWEEP_WAIT: Duration = Duration::from_secs(5);

/// How long what is only just beginning is waited for.
pub const MOMENT: Duration = Duration::from_millis(200);

/// The soonest that what is due is looked at again.
const SOONEST: Duration = Duration::from_millis(100);

/// How long what OMS has accepted may take to show, without a word, and without another
/// call for it: the work may be done after the answer.
pub const TAKES_EFFECT: Duration = Duration::from_secs(10);

/// How soon the watch tells of a resource that it is gone, and long enough to look again where
/// it does not. What is gone stays so long in kube's queue, which drops it then: after the time
/// of rest there would be all that went in an hour.
const WATCH_TELLS: Duration = Duration::from_secs(60);

/// A pass could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not do what was asked.
    #[error("Kubernetes")]
    Kubernetes(#[from] kubernetes::Error),
    /// The API server took the project id and did not keep it: its
    /// CustomResourceDefinition is of another version than this operator.
    #[error(
        "the API server accepts status.projectId but does not keep it: install the \
         CustomResourceDefinitions of this version (oms-operator crd | kubectl apply --server-side -f -)"
    )]
    NotRecorded,
}

impl Error {
    /// Somebody else has changed the resource: read it again at once.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Kubernetes(error) if error.is_conflict())
    }
}

/// What comes after a pass.
#[derive(Debug)]
pub enum Step {
    /// Another pass, at once.
    Again,
    /// Another pass, at once, over the resource as it was just read.
    Reread(Box<MigrationProject>),
    /// Another pass after about this time.
    After(Duration),
    /// Another pass after this time, which the status names.
    At(Duration),
    /// Nothing until something changes.
    Rest,
    /// Nothing more: the resource is gone, or only others hold it.
    Gone,
}

impl Step {
    /// The controller's word for it. Waits are spread, so that what began
    /// together does not return together.
    #[must_use]
    pub fn into_action(self, chance: f64) -> Action {
        match self {
            Self::Again | Self::Reread(_) => Action::requeue(Duration::from_millis(10)),
            Self::At(wait) => Action::requeue(wait),
            Self::After(wait) => Action::requeue(wait.mul_f64(0.9 + 0.2 * chance)),
            Self::Rest => Action::requeue(AT_REST.mul_f64(0.8 + 0.4 * chance)),
            Self::Gone => Action::requeue(WATCH_TELLS),
        }
    }
}

/// Waits until a moment of the day, which the status names.
#[must_use]
pub fn wait_until(context: &Context, until: Timestamp) -> Step {
    Step::At(left_until(context, until))
}

/// Publishes what stands in the way until a human acts. No attempt is announced,
/// because none is made.
pub async fn rest_stalled(
    context: &Context,
    read: &MigrationProject,
    verdict: &Verdict,
) -> Result<Step, Error> {
    publish(context, read, Some(verdict), |status| {
        status.last_error = None
    })
    .await?;
    Ok(Step::After(STALLED_RECHECK))
}

/// A call for this resource failed although its connection works: says so, and
/// when the next attempt is. One write for each attempt.
pub async fn give_up_for_now(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    error: &oms::Error,
) -> Result<Step, Error> {
    give_up_until(context, me, read, error, None).await
}

/// The same, and what is due `until` then is not put off.
pub async fn give_up_until(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    error: &oms::Error,
    until: Option<Timestamp>,
) -> Result<Step, Error> {
    if let Some(why) = error.not_sent() {
        return Ok(not_asked(context, read, why, until));
    }
    look_at_connection(context, read, error);
    let wait = back_off(context, me, least_wait(context, error), until);
    let verdict = failure::verdict(error);
    let said = match is_observed(read) {
        true => stale(context, me, read, &verdict),
        false => Some(verdict),
    };
    let say = said.as_ref().map(Say::only);
    failed(context, read, failure::in_words(error), say, wait).await
}

/// What is known of a project that is there does not become less known because
/// one question went unanswered; but it does when that goes on.
fn stale(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    trouble: &Verdict,
) -> Option<Verdict> {
    let now = context.clock.now();
    let since = context.memory.remember(&me.uid, &me.key, |mine| {
        *mine.unseen_since.get_or_insert(now)
    });
    let waiting = Waiting {
        status: read.status.as_ref(),
        generation: me.generation,
        seen: None,
        started: since,
        stale_after: context.settings.stale_after(),
        now,
    };
    match stale::word(&waiting, trouble) {
        Word::Say(verdict) if verdict.readiness == Readiness::Stale => Some(verdict),
        _ => None,
    }
}

/// OMS has answered, but not with the one thing that the spec names: says so,
/// and when it is asked again. One write for each attempt.
pub async fn not_there(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    asked: oms::Action,
    verdict: &Verdict,
) -> Result<Step, Error> {
    // What is missing may be on its way; what is there twice is somebody's wish.
    let is_expected = verdict.readiness == Readiness::Progressing;
    let least = (!is_expected).then_some(failure::SLOW.min(context.settings.max_backoff));
    let wait = back_off(context, me, least, None);
    let error = LastError {
        action: Some(asked.as_str().to_owned()),
        message: Some(verdict.message.clone()),
        ..LastError::default()
    };
    failed(context, read, error, Some(Say::only(verdict)), wait).await
}

/// A change of a project that is there failed: the resource is not as declared,
/// and says so.
pub async fn mutation_failed(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    error: &oms::Error,
) -> Result<Step, Error> {
    if let Some(why) = error.not_sent() {
        return Ok(not_asked(context, read, why, None));
    }
    look_at_connection(context, read, error);
    let (verdict, wait) = refused_or_wait(context, me, error, Reason::OmsError);
    let say = Say {
        unstated: Unstated::Stands,
        ..Say::only(&verdict)
    };
    failed(context, read, failure::in_words(error), Some(say), wait).await
}

/// The call was not let out. That is no failure of this resource's: its
/// connection finds out how OMS is, and says it.
fn not_asked(
    context: &Context,
    read: &MigrationProject,
    why: oms::NotSent,
    until: Option<Timestamp>,
) -> Step {
    if let Some(connection) = context.claims.connection_of(read) {
        context.bring_sweep_forward(&connection);
    }
    let wait = match why {
        oms::NotSent::Open => SWEEP_WAIT,
        oms::NotSent::Paused(left) => left.max(MOMENT),
    };
    match until.map(|until| left_until(context, until)) {
        Some(left) if left < wait => Step::At(left),
        _ => Step::After(wait),
    }
}

fn left_until(context: &Context, until: Timestamp) -> Duration {
    let left = until.duration_since(context.clock.now());
    Duration::try_from(left).unwrap_or_default().max(SOONEST)
}

/// A change that a deletion asks for failed: says `verdict`, and when the next
/// attempt is. What is due `until` then is not put off.
pub async fn change_failed(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    error: &oms::Error,
    verdict: &Verdict,
    until: Option<Timestamp>,
) -> Result<Step, Error> {
    if let Some(why) = error.not_sent() {
        return Ok(not_asked(context, read, why, until));
    }
    look_at_connection(context, read, error);
    let wait = back_off(context, me, least_wait(context, error), until);
    let say = Some(Say::only(verdict));
    failed(context, read, failure::in_words(error), say, wait).await
}

async fn failed(
    context: &Context,
    read: &MigrationProject,
    error: LastError,
    say: Option<Say<'_>>,
    wait: Duration,
) -> Result<Step, Error> {
    let now = context.clock.now();
    let mut after = read.status.clone().unwrap_or_default();
    after.last_error = Some(failure::timed(error, after.last_error.as_ref(), now, wait));
    match say {
        Some(say) => {
            if say.verdict.readiness == Readiness::Stale {
                // It would be a measure of now.
                after.lag_seconds = None;
            }
            publish_all(context, read, &say, after).await?
        }
        None => publish(context, read, None, |status| *status = after).await?,
    };
    Ok(Step::At(wait))
}

/// Where not only this resource's call may fail, that is found out at once:
/// while its connection is in trouble no resource makes attempts of its own.
fn look_at_connection(context: &Context, read: &MigrationProject, error: &oms::Error) {
    let may_be_general = matches!(
        error.class(),
        oms::Class::Transient | oms::Class::Auth | oms::Class::Throttled | oms::Class::Unreadable
    );
    if let (true, Some(connection)) = (may_be_general, context.claims.connection_of(read)) {
        context.bring_sweep_forward(&connection);
    }
}

/// A mutation was refused: for good, for which `reason` stands, or to be
/// repeated.
pub fn refused_or_wait(
    context: &Context,
    me: &Me,
    error: &oms::Error,
    reason: Reason,
) -> (Verdict, Duration) {
    let wait = back_off(context, me, least_wait(context, error), None);
    if error.is_unsupported() {
        // A fact about the server: a repeat will hardly tell otherwise.
        let verdict = Verdict::stalled(Reason::ActionMissing, failure::text(error));
        return (verdict, wait);
    }
    let verdict = match error.retry() {
        oms::Retry::OnChange => Verdict::stalled(
            reason,
            format!(
                "OMS refused: {}. It is tried again when the spec changes, and rarely without.",
                failure::text(error).trim_end_matches('.')
            ),
        ),
        oms::Retry::BackOff | oms::Retry::Slowly => failure::verdict(error),
    };
    (verdict, wait)
}

fn least_wait(context: &Context, error: &oms::Error) -> Option<Duration> {
    failure::least_wait(error, context.settings.max_backoff)
}

fn back_off(
    context: &Context,
    me: &Me,
    least: Option<Duration>,
    until: Option<Timestamp>,
) -> Duration {
    let bounds = Bounds {
        least: least.unwrap_or_default(),
        cap: context.settings.max_backoff,
        most: until.map_or(Duration::MAX, |until| left_until(context, until)),
    };
    let chance = context.clock.chance();
    context
        .memory
        .failed(&me.uid, &me.key, me.cause, bounds, chance)
}
