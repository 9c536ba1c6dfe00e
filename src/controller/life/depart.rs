//! A resource that is being deleted: what its policy asks of OMS, step by step,
//! until it may go. Gather → decide → act → publish, as for one that stays.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::observe::Unsettled;
use super::{act, observe};
use crate::api::keys::FINALIZER;
use crate::api::v1alpha1::{DeletionPolicy, MigrationProject, OnDeletionTimeout, Reason};
use crate::controller::context::Context;
use crate::controller::failure;
use crate::controller::farewell::let_go;
use crate::controller::link::{Blocked, Link, link};
use crate::controller::me::{Me, is_held};
use crate::controller::pass::{
    Error, MOMENT, STALLED_RECHECK, SWEEP_WAIT, Step, change_failed, wait_until,
};
use crate::controller::publish::{Say, publish, publish_all};
use crate::decide::remove::{self, Departure, RemoveDecision};
use crate::decide::{Mutation, Observed, Unstated, Verdict, milestones};
use crate::oms::{self, Outcome};

/// One pass over a resource that is being deleted and has recorded the project
/// `id`.
pub async fn pass(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: &str,
) -> Result<Step, Error> {
    if !is_held(read) {
        // Somebody has taken our finalizer off: it goes whenever it goes, and
        // nothing that takes several steps is begun.
        context.memory.forget(&me.uid);
        return Ok(Step::Gone);
    }
    let departing = Departing {
        context,
        me,
        read,
        id,
    };
    let mut departure = departing.gather().await?;
    // Much ends here, and needs no OMS for it.
    let mut decision = remove::decide(&departure);
    let mut connected = None;
    if decision == RemoveDecision::Look {
        match link(context, read).await? {
            Err(Blocked::NotYet(wait)) => return Ok(Step::After(wait)),
            Err(Blocked::Because(verdict)) => departure.hindrance = Some(verdict),
            Ok(link) => connected = Some(link),
        }
        if let Some(link) = &mut connected {
            match departing.look(link, &mut departure).await {
                Ok(Look::Settled) => {}
                Ok(Look::Unsettled(why)) => {
                    departure.hindrance = Some(not_settled(id, why));
                    return departing.wait_to_see(&departure, why).await;
                }
                Ok(Look::Stopped) => return Ok(Step::After(MOMENT)),
                Err(error) => return departing.oms_failed(departure, &error).await,
            }
        }
        decision = remove::decide(&departure);
    }
    match (decision, connected) {
        (RemoveDecision::Do(mutation), Some(link)) => {
            match act::without_effect(context, me, mutation, &departure.observed) {
                None => departing.act(&link, departure, mutation).await,
                Some(Ok(step)) => Ok(step),
                Some(Err(error)) => departing.oms_failed(departure, &error).await,
            }
        }
        (RemoveDecision::Wait { verdict, until }, _) => {
            if matches!(departure.observed, Observed::Present(_)) {
                context.memory.shows(&me.uid);
            }
            departing.say(&departure, &verdict).await?;
            Ok(departing.step(&departure, until))
        }
        (RemoveDecision::End(end), _) => let_go(context, me, read, Some(id), end).await,
        // What it takes to look is on its way.
        (RemoveDecision::Look | RemoveDecision::Do(_), _) => Ok(Step::After(MOMENT)),
    }
}

/// When the resource goes at the latest although an attempt to create is not
/// settled, which cannot be known before `quarantine`. `None`: not by itself.
pub async fn gives_up_at(
    context: &Context,
    read: &MigrationProject,
    quarantine: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    if read.spec.deletion_policy() == DeletionPolicy::Retain {
        return Ok(Some(quarantine));
    }
    let until = quarantine.max(deadline(read));
    let abandons = read.spec.on_deletion_timeout() == OnDeletionTimeout::Abandon
        || context.namespace_goes(read).await?;
    Ok(abandons.then_some(until))
}

/// So long the policy may take.
fn deadline(read: &MigrationProject) -> Timestamp {
    let since = read.metadata.deletion_timestamp.as_ref();
    let since = since.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    since
        .checked_add(read.spec.deletion_timeout())
        .unwrap_or(Timestamp::MAX)
}

/// What a look has come to.
enum Look {
    /// It is known what to go by.
    Settled,
    /// OMS has answered, and that is not enough.
    Unsettled(Unsettled),
    /// This process was told to stop, and has not waited for its turn.
    Stopped,
}

struct Departing<'a> {
    context: &'a Context,
    me: &'a Me,
    read: &'a MigrationProject,
    id: &'a str,
}

impl Departing<'_> {
    /// What is known without OMS.
    async fn gather(&self) -> Result<Departure, Error> {
        let Self { context, read, .. } = self;
        let spec = &read.spec;
        let policy = spec.deletion_policy();
        let others = read.finalizers().iter().filter(|one| *one != FINALIZER);
        let others: Vec<String> = others.cloned().collect();
        let silent = policy == DeletionPolicy::Retain && others.is_empty();
        Ok(Departure {
            id: self.id.to_owned(),
            policy,
            refused_by: context.refuses(read, policy),
            shared_with: None,
            others,
            suspended: None,
            observed: Observed::Unknown,
            hindrance: None,
            deadline: deadline(read),
            on_timeout: spec.on_deletion_timeout(),
            namespace_goes: !silent && context.namespace_goes(read).await?,
            now: context.clock.now(),
        })
    }

    /// What OMS says. A sweep may tell that OMS is still at work; whatever else it
    /// tells is asked about first, in the place in which a change is made then: what
    /// was looked at does not grow old in a queue.
    async fn look(&self, link: &mut Link, departure: &mut Departure) -> Result<Look, oms::Error> {
        let Self {
            context,
            me,
            read,
            id,
        } = self;
        departure.suspended = link.suspension(read);
        if !is_pinned(read) {
            departure.hindrance = Some(not_pinned(id));
            return Ok(Look::Settled);
        }
        let other = link.claimant_of(context, id, &me.key);
        departure.shared_with = other.map(|key| key.to_string());
        if let Some(seen) = observe::swept(context, me, link, id) {
            departure.observed = Observed::Present(seen.status);
            if matches!(remove::decide(departure), RemoveDecision::Wait { .. }) {
                return Ok(Look::Settled);
            }
        }
        let last = act::action(Mutation::Delete);
        let turn = link.live.client.in_a_place(last);
        let Some(turn) = context.unless_stopped(turn).await else {
            return Ok(Look::Stopped);
        };
        link.take_place_of(&turn?);
        let observed = observe::ask(context, link, id).await?.0;
        departure.now = context.clock.now();
        // It was waited for. What changes from here on is seen before the change is made.
        departure.refused_by = context.refuses(read, departure.policy);
        let other = link.claimant_of(context, id, &me.key);
        departure.shared_with = other.map(|key| key.to_string());
        if let Some(why) = observe::unsettled(context, me, read, link, id, &observed) {
            return Ok(Look::Unsettled(why));
        }
        departure.observed = observed;
        Ok(Look::Settled)
    }

    async fn act(
        &self,
        link: &Link,
        mut departure: Departure,
        mutation: Mutation,
    ) -> Result<Step, Error> {
        let Self { context, me, .. } = self;
        if let Err(error) = link.live.client.prepare(act::action(mutation)).await {
            return self.oms_failed(departure, &error).await;
        }
        if !context.may_begin_a_change() {
            return Ok(Step::After(MOMENT));
        }
        // Nothing irrevocable is done on the word of a cache.
        let Some(live) = context.kubernetes.live(&me.key).await? else {
            return Ok(Step::Gone);
        };
        if live.resource_version() != self.read.resource_version() {
            return Ok(Step::Reread(Box::new(live)));
        }
        // That it vanishes is expected from now on, after a crash, too.
        if let (Mutation::Delete, Observed::Present(status)) = (mutation, &departure.observed) {
            let word = status.word();
            let written = publish(context, &live, None, |status| {
                status.project_status = Some(word.to_owned());
            });
            if let Some(written) = written.await? {
                return Ok(Step::Reread(Box::new(written)));
            }
        }
        let Some(outcome) = act::call(context, me, link, self.id, mutation).await else {
            return Ok(Step::After(MOMENT));
        };
        let error = match outcome {
            Outcome::Done(..) => {
                if let Some(reason) = mutation.done() {
                    let what = mutation.participle();
                    let note = format!("Project {} was {what}, as deletionPolicy asks.", self.id);
                    context.events.normal(&live, reason, &note).await;
                }
                return Ok(Step::Again);
            }
            Outcome::NotDone(error) | Outcome::Unknown(error) => error,
        };
        // What OMS has made of it shows in another look.
        if !error.is_unsupported()
            && let Ok((observed, _)) = observe::ask(context, link, self.id).await
        {
            departure.observed = observed;
            if remove::decide(&departure) != RemoveDecision::Do(mutation) {
                return Ok(Step::Again);
            }
        }
        self.oms_failed(departure, &error).await
    }

    /// OMS could not be asked, or has not done what it was asked for: says so, and
    /// tries again until the deadline.
    async fn oms_failed(
        &self,
        mut departure: Departure,
        error: &oms::Error,
    ) -> Result<Step, Error> {
        let Self {
            context, me, read, ..
        } = self;
        departure.hindrance = Some(failure::verdict(error));
        departure.now = context.clock.now();
        match remove::decide(&departure) {
            RemoveDecision::End(end) => let_go(context, me, read, Some(self.id), end).await,
            RemoveDecision::Wait { verdict, until } => {
                change_failed(context, me, read, error, &verdict, until).await
            }
            RemoveDecision::Look | RemoveDecision::Do(_) => Ok(Step::After(SWEEP_WAIT)),
        }
    }

    /// The sweep that shows it is a matter of moments, and before the deadline not worth a word.
    async fn wait_to_see(&self, departure: &Departure, why: Unsettled) -> Result<Step, Error> {
        let Self {
            context, me, read, ..
        } = self;
        let is_soon = why == Unsettled::NotListed && departure.now < departure.deadline;
        match remove::decide(departure) {
            RemoveDecision::End(end) => return let_go(context, me, read, Some(self.id), end).await,
            RemoveDecision::Wait { verdict, .. } if !is_soon => {
                self.say(departure, &verdict).await?;
            }
            _ => {}
        }
        Ok(Step::After(SWEEP_WAIT))
    }

    async fn say(&self, departure: &Departure, verdict: &Verdict) -> Result<(), Error> {
        let mut after = self.read.status.clone().unwrap_or_default();
        let mut more = Vec::new();
        if let Observed::Present(status) = &departure.observed {
            after.project_status = Some(status.word().to_owned());
            more.extend(milestones::ending(Some(status), false, false));
        }
        after.last_error = None;
        after.lag_seconds = None;
        let say = Say {
            verdict,
            more: &more,
            unstated: Unstated::Unknown,
        };
        publish_all(self.context, self.read, &say, after).await?;
        Ok(())
    }

    fn step(&self, departure: &Departure, until: Option<Timestamp>) -> Step {
        let recheck = match departure.observed {
            // A sweep that shows the end of it wakes the resource as well.
            Observed::Present(_) => SWEEP_WAIT,
            _ => STALLED_RECHECK,
        };
        let left = until.map(|until| until.duration_since(self.context.clock.now()));
        let left = left.and_then(|left| Duration::try_from(left).ok());
        match (until, left) {
            (Some(until), Some(left)) if left < recheck => wait_until(self.context, until),
            _ => Step::After(recheck),
        }
    }
}

/// Whether it is on record in which OMS the project lives. Without that an id
/// means nothing.
fn is_pinned(read: &MigrationProject) -> bool {
    let status = read.status.as_ref();
    let pinned = status.and_then(|status| status.connection.as_ref());
    pinned.is_some_and(|pinned| pinned.url.is_some())
}

fn not_settled(id: &str, why: Unsettled) -> Verdict {
    let message = match why {
        Unsettled::NotListed => {
            format!("OMS says that project {id} is gone, and its list has not shown that yet.")
        }
        Unsettled::JustMade => format!(
            "OMS does not show project {id}, which was made a moment ago: it may do so yet, and is \
             not taken for gone before."
        ),
    };
    Verdict::progressing(Reason::Deleting, message)
}

fn not_pinned(id: &str) -> Verdict {
    Verdict::progressing(
        Reason::EndpointChanged,
        format!(
            "The status does not say in which OMS project {id} lives (status.connection.url), so \
             nothing is done."
        ),
    )
}

impl Context {
    /// The connection of a resource, if it does not allow this policy.
    #[must_use]
    pub fn refuses(&self, project: &MigrationProject, policy: DeletionPolicy) -> Option<String> {
        let key = self.claims.connection_of(project)?;
        let connection = self.connection(&key)?;
        (!connection.spec.allows(policy)).then(|| key.to_string())
    }

    /// Whether the namespace of a resource is being deleted. From then on it takes
    /// no Event either.
    pub async fn namespace_goes(&self, project: &MigrationProject) -> Result<bool, Error> {
        let namespace = project.namespace().unwrap_or_default();
        let goes = match self.kubernetes.namespace_goes(&namespace).await {
            Ok(goes) => goes,
            // An operator of some namespaces may not read them.
            Err(error) if error.is_forbidden() => false,
            Err(error) => return Err(error.into()),
        };
        self.events.namespace_goes(&namespace, goes);
        Ok(goes)
    }
}
