//! Act: the one change of a pass, and how its outcome is settled.

use kube::ResourceExt;
use tokio::time::Instant;

use super::{Looked, observe};
use crate::api::v1alpha1::MigrationProject;
use crate::controller::audit::{Asker, audit};
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::controller::me::Me;
use crate::controller::memory::{LastMutation, UnmadeRetry};
use crate::controller::pass::{Error, MOMENT, SWEEP_WAIT, Step, TAKES_EFFECT, mutation_failed};
use crate::controller::publish::{Say, publish_all};
use crate::decide::lifecycle::{self, LifeDecision, LifeSituation, RunRecord};

use crate::decide::{Mutation, Observed, Unstated};
use crate::oms::{self, Outcome};

/// Waits for the place among the calls under way in which `mutation` is decided anew and
/// made; or says how the pass ends without that.
pub async fn turn(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    looked: &Looked,
    mutation: Mutation,
) -> Result<Result<oms::Client, Step>, Error> {
    match without_effect(context, me, mutation, &looked.situation.observed) {
        None => {}
        Some(Ok(step)) => return Ok(Err(step)),
        Some(Err(error)) => return mutation_failed(context, me, read, &error).await.map(Err),
    }
    let turn = looked.link.live.client.in_a_place(action(mutation));
    match context.unless_stopped(turn).await {
        None => Ok(Err(Step::After(MOMENT))),
        Some(Ok(client)) => Ok(Ok(client)),
        Some(Err(error)) => mutation_failed(context, me, read, &error).await.map(Err),
    }
}

/// Makes the change that was decided on.
pub async fn act(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    looked: Looked,
    mutation: Mutation,
) -> Result<Step, Error> {
    let Looked {
        link,
        situation,
        decision,
        ..
    } = looked;
    if let Err(error) = link.live.client.prepare(action(mutation)).await {
        return mutation_failed(context, me, read, &error).await;
    }
    // Nothing irrevocable is done on the word of a cache.
    let Some(live) = context.kubernetes.live(&me.key).await? else {
        return Ok(Step::Gone);
    };
    if live.resource_version() != read.resource_version() {
        return Ok(Step::Reread(Box::new(live)));
    }
    if !context.may_begin_a_change() {
        return Ok(Step::After(MOMENT));
    }
    let live = match &decision.first {
        Some(first) => record_first(context, live, &decision, first).await?,
        None => live,
    };
    let Some(outcome) = call(context, me, &link, &situation.id, mutation).await else {
        unheard(context, me, &situation);
        unmade(context, me, &situation, decision.first.as_ref());
        return Ok(Step::After(MOMENT));
    };
    match outcome {
        Outcome::Done(..) => {
            done(context, me, &live, &link, &situation, mutation, "").await;
            Ok(Step::After(SWEEP_WAIT))
        }
        Outcome::NotDone(error) => {
            unheard(context, me, &situation);
            if has_not_reached_oms(&error) {
                unmade(context, me, &situation, decision.first.as_ref());
            }
            settle(context, me, &live, &link, &situation, mutation, &error).await
        }
        Outcome::Unknown(error) => {
            settle(context, me, &live, &link, &situation, mutation, &error).await
        }
    }
}

/// Writes down what allows this change only once, before it is made.
async fn record_first(
    context: &Context,
    live: MigrationProject,
    decision: &LifeDecision,
    first: &RunRecord,
) -> Result<MigrationProject, Error> {
    let before = live.status.clone().unwrap_or_default();
    let mut after = before.clone();
    after.pause = first.pause.clone();
    after.retries = first.retries.clone();
    after.last_handled_retry = first.handled_retry.clone();
    // A repeat of what OMS has refused.
    if after == before {
        return Ok(live);
    }
    let say = Say {
        unstated: Unstated::Stands,
        ..Say::only(&decision.verdict)
    };
    let written = publish_all(context, &live, &say, after).await?;
    Ok(written.unwrap_or(live))
}

/// OMS has certainly not done what the human's word asks for: the word counts
/// still. One that had been obeyed before does not come back by that.
fn unheard(context: &Context, me: &Me, situation: &LifeSituation) {
    if situation.word_is_new() {
        let word = situation.word.clone();
        context
            .memory
            .remember(&me.uid, &me.key, |mine| mine.unheard_retry = word);
    }
}

/// An attempt is one at which OMS was asked: one that did not come so far does not count.
fn has_not_reached_oms(error: &oms::Error) -> bool {
    !error.was_answered() || error.class() == oms::Class::Throttled
}

/// What was recorded for an attempt to resume a project that failed does not hold.
fn unmade(context: &Context, me: &Me, situation: &LifeSituation, first: Option<&RunRecord>) {
    let unmade = first.map(|first| {
        Box::new(UnmadeRetry {
            recorded: first.retries.clone(),
            before: situation.record.retries.clone(),
        })
    });
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.unmade_retry = unmade);
}

/// What is due was accepted by OMS before, and nothing shows of it yet: the wait, if it
/// may still take effect; the error, from then on.
pub(super) fn without_effect(
    context: &Context,
    me: &Me,
    mutation: Mutation,
    observed: &Observed,
) -> Option<Result<Step, oms::Error>> {
    let accepted = context
        .memory
        .recall(&me.uid)
        .and_then(|mine| mine.accepted);
    let (_, at) = accepted.filter(|(accepted, _)| *accepted == mutation)?;
    if at.elapsed() < TAKES_EFFECT {
        return Some(Ok(Step::After(SWEEP_WAIT)));
    }
    // The next time it is asked for again.
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.accepted = None);
    let shown = match observed {
        Observed::Present(status) => status.word(),
        _ => "as it was",
    };
    Some(Err(oms::Error::without_effect(action(mutation), shown)))
}

/// OMS's name for a change.
pub(super) fn action(mutation: Mutation) -> oms::Action {
    match mutation {
        Mutation::Start => oms::Action::StartProject,
        Mutation::Stop => oms::Action::StopProject,
        Mutation::Resume => oms::Action::ResumeProject,
        Mutation::Release => oms::Action::ReleaseProject,
        Mutation::Delete => oms::Action::DeleteProject,
    }
}

/// The call itself, in a task of its own: the end of this reconcile does not
/// cancel it. `None`: it was not begun.
pub(super) async fn call(
    context: &Context,
    me: &Me,
    link: &Link,
    id: &str,
    mutation: Mutation,
) -> Option<Outcome<()>> {
    // Since this was asked last it was waited for the turn, and something was written.
    if !context.may_finish_a_change() || !link.says_the_same(context) {
        return None;
    }
    let (client, project) = (link.live.client.clone(), id.to_owned());
    let call = context.tasks.spawn(async move {
        match mutation {
            Mutation::Start => client.start_project(&project).await,
            Mutation::Stop => client.stop_project(&project).await,
            Mutation::Resume => client.resume_project(&project).await,
            Mutation::Release => client.release_project(&project).await,
            Mutation::Delete => client.delete_project(&project).await,
        }
    });
    let outcome = call.await.ok()?;
    let asker = Asker {
        key: &me.key,
        uid: &me.uid,
        generation: me.generation,
    };
    audit(&asker, action(mutation), None, Some(id), &outcome);
    let now = Instant::now();
    let is_accepted = matches!(outcome, Outcome::Done(..));
    context.memory.remember(&me.uid, &me.key, |mine| {
        // Whatever the outcome: what was seen before is old.
        mine.mutated = Some((LastMutation::Changed, now));
        mine.accepted = is_accepted.then_some((mutation, now));
        mine.unheard_retry = None;
        mine.unmade_retry = None;
    });
    context.bring_sweep_forward(&link.key);
    Some(outcome)
}

/// OMS has done it.
async fn done(
    context: &Context,
    me: &Me,
    live: &MigrationProject,
    link: &Link,
    situation: &LifeSituation,
    mutation: Mutation,
    how: &str,
) {
    context.memory.remember(&me.uid, &me.key, |mine| {
        // Whose pause it is stays known until the project is seen to run again.
        if mutation == Mutation::Stop {
            mine.paused_for = Some(situation.generation);
        }
        mine.unheard_retry = None;
    });
    context.bring_sweep_forward(&link.key);
    let note = format!(
        "Project {} was {}{how}.",
        situation.id,
        mutation.participle()
    );
    if let Some(reason) = mutation.done() {
        context.events.normal(live, reason, &note).await;
    }
}

/// OMS has refused, or its answer is lost: what it has made of it shows in
/// another look. An error followed by the wanted state is success.
async fn settle(
    context: &Context,
    me: &Me,
    live: &MigrationProject,
    link: &Link,
    situation: &LifeSituation,
    mutation: Mutation,
    error: &oms::Error,
) -> Result<Step, Error> {
    let looked = match error.is_unsupported() {
        true => None,
        false => observe::ask(context, link, &situation.id).await.ok(),
    };
    let Some((observed @ (Observed::Present(_) | Observed::Absent), _)) = looked else {
        return mutation_failed(context, me, live, error).await;
    };
    if let Observed::Present(status) = &observed
        && mutation.shows_in(status)
    {
        let how = "; the answer of OMS was another, or was lost";
        done(context, me, live, link, situation, mutation, how).await;
        return Ok(Step::After(SWEEP_WAIT));
    }
    let now = LifeSituation {
        observed,
        now: context.clock.now(),
        ..situation.clone()
    };
    match lifecycle::decide(&now).mutation {
        Some(again) if again == mutation => mutation_failed(context, me, live, error).await,
        // It is another than it was: the next look tells the rest.
        _ => Ok(Step::After(SWEEP_WAIT)),
    }
}
