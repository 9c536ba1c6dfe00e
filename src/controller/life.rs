//! One pass over a resource whose project is there: what has the sweep seen,
//! and what does that ask for?

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::audit::{Asker, audit};
use super::context::Context;
use super::link::{Blocked, Link, link};
use super::me::{Me, annotation, is_held, is_observed};
use super::memory::LastMutation;
use super::pass::{
    Error, MOMENT, STALLED_RECHECK, SWEEP_WAIT, Step, give_up_for_now, let_go, mutation_failed,
};
use super::publish::publish;
use super::show::show;
use super::waits;
use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::{MigrationProject, Reason};
use crate::decide::lifecycle::{self, LifeSituation, Mutation};
use crate::decide::{Observed, ProjectStatus, Provenance, body, classify, connection};
use crate::observe::{Seen, translate};
use crate::oms::{self, Outcome};

/// How long a project is taken to be as its own creation left it.
const RECENT: SignedDuration = SignedDuration::from_secs(5);

/// One pass over a resource that has recorded the project `id`.
pub async fn pass(context: &Context, read: &MigrationProject, id: &str) -> Result<Step, Error> {
    let me = Me::of(context, read);
    if read.metadata.deletion_timestamp.is_some() {
        return retain(context, &me, read, id).await;
    }
    let stripped = stripped_reservation(context, &me, read);
    if !is_held(read) || stripped.is_some() {
        let held = match stripped {
            Some(text) => context.kubernetes.reserve(read, &text).await?,
            None => context.kubernetes.hold(read).await?,
        };
        return Ok(Step::Reread(Box::new(held)));
    }

    let link = link(context, read).await?;
    if spec_mismatch(context, &me, read, id) {
        return mismatched(context, &me, read, link.ok().as_ref(), id).await;
    }
    let link = match link {
        Ok(link) => link,
        Err(Blocked::NotYet(wait)) => return Ok(Step::After(wait)),
        Err(Blocked::Because(verdict)) => return waits::blocked(context, read, &verdict).await,
    };
    let (observed, seen) = match observe(context, &me, &link, id).await {
        Ok(observed) => observed,
        Err(error) => return give_up_for_now(context, &me, read, &error).await,
    };
    let situation = situation(read, id, observed.clone(), seen.as_ref());
    let mut decision = lifecycle::decide(&situation);
    if link.suspended && decision.mutation.take().is_some() {
        let due = format!("A change of project {id} is due");
        decision.verdict = connection::suspended(&link.key.to_string(), &due);
    }

    if let Some(mutation) = decision.mutation {
        // Nothing irrevocable is done on the word of a cache.
        let Some(live) = context.kubernetes.live(&me.key).await? else {
            return Ok(Step::Rest);
        };
        if live.resource_version() != read.resource_version() {
            return Ok(Step::Reread(Box::new(live)));
        }
        return act(context, &me, &live, &link, id, mutation).await;
    }

    // Nothing to say yet, or nothing that was seen: the sweep is waited for.
    let assumed = seen.is_none() && matches!(observed, Observed::Present(_));
    if assumed {
        context.bring_sweep_forward(&link.key);
    }
    if assumed || observed == Observed::Unknown {
        return Ok(Step::After(SWEEP_WAIT));
    }
    let step = show(context, &me, read, &decision, seen.as_ref(), link.pin()).await?;
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.made_by = None);
    // A project that no list holds yet can go without any list telling.
    let snapshot = link.live.snapshot.as_ref();
    let unlisted = snapshot.is_some_and(|snapshot| !snapshot.projects.contains_key(id));
    Ok(match step {
        Step::Rest if unlisted && matches!(observed, Observed::Present(_)) => {
            Step::After(STALLED_RECHECK)
        }
        step => step,
    })
}

fn situation(
    read: &MigrationProject,
    id: &str,
    observed: Observed,
    seen: Option<&Seen>,
) -> LifeSituation {
    let status = read.status.as_ref();
    LifeSituation {
        id: id.to_owned(),
        wanted: read.spec.state(),
        observed,
        failed_step: seen.and_then(|seen| seen.progress.failed()).cloned(),
        spec_mismatch: false,
        gone: status.is_some_and(|status| status.gone == Some(true)),
    }
}

/// The project was made from another spec: it is looked at where that is
/// possible, and not touched. The edited spec may name another OMS.
async fn mismatched(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: Option<&Link>,
    id: &str,
) -> Result<Step, Error> {
    let observed = match link {
        Some(link) => observe(context, me, link, id).await.ok(),
        None => None,
    };
    let observed = observed.map_or(Observed::Unknown, |(observed, _)| observed);
    let word = match &observed {
        Observed::Present(status) => Some(status.word().to_owned()),
        _ => None,
    };
    let decision = lifecycle::decide(&LifeSituation {
        spec_mismatch: true,
        ..situation(read, id, Observed::Present(ProjectStatus::Init), None)
    });
    publish(context, read, Some(&decision.verdict), |status| {
        status.project_status = word.or(status.project_status.take());
        status.spec_mismatch = Some(true);
        status.create = None;
    })
    .await?;
    Ok(Step::Rest)
}

/// Whether the spec is another than the one the project was created from. From
/// the first look at the project on, the API server keeps them equal; until
/// then the hash in the reservation tells.
fn spec_mismatch(context: &Context, me: &Me, read: &MigrationProject, id: &str) -> bool {
    let status = read.status.as_ref();
    let mismatched = status.is_some_and(|status| status.spec_mismatch == Some(true));
    // Whoever adopts takes the project as it is.
    let adopted = read.spec.adopt_project_id() == Some(id) || read.spec.adopt_by_name();
    if (is_observed(read) && !mismatched) || adopted {
        return false;
    }
    let identity = context.identity(&me.key, &me.uid);
    match classify(annotation(read, CREATE_RESERVATION), &identity) {
        Provenance::Own(reservation) => reservation.body_hash != body::spec_hash(&read.spec),
        // Without the reservation nothing more can be told than before.
        _ => mismatched,
    }
}

/// The reservation that tells of another spec than that of today, if it was
/// taken off the resource: `kubectl replace` with an edited manifest does both.
fn stripped_reservation(context: &Context, me: &Me, read: &MigrationProject) -> Option<String> {
    let made_by = context.memory.recall(&me.uid)?.made_by?;
    let text = made_by.to_annotation();
    let stands = annotation(read, CREATE_RESERVATION) == Some(text.as_str());
    (!stands && made_by.body_hash != body::spec_hash(&read.spec)).then_some(text)
}

/// What may be believed about the project. The sweep answers for a resource at
/// rest; OMS is asked directly only where the sweep cannot have the answer.
async fn observe(
    context: &Context,
    me: &Me,
    link: &Link,
    id: &str,
) -> Result<(Observed, Option<Seen>), oms::Error> {
    let mutated = context.memory.recall(&me.uid).and_then(|mine| mine.mutated);
    // A sweep that began before our own last change says nothing about it.
    let fresh = link
        .live
        .snapshot
        .as_ref()
        .filter(|snapshot| mutated.is_none_or(|(_, at)| snapshot.taken_at > at));
    let swept = !link.live.unlisted;
    match (fresh, mutated) {
        (Some(snapshot), _) => {
            if let Some(seen) = snapshot.projects.get(id) {
                return Ok((Observed::Present(seen.status.clone()), Some(seen.clone())));
            }
            // Not in the list: gone, or only missed by the walk. Asked below.
        }
        // The sweep that the start has brought forward is on its way.
        (None, Some((LastMutation::Started, _))) if swept => return Ok((Observed::Unknown, None)),
        // Made by this process a moment ago, and CreateProject does not start.
        (None, Some((LastMutation::Created, at))) if is_recent(context, at) => {
            return Ok((Observed::Present(ProjectStatus::Init), None));
        }
        (None, None) if swept => {
            context.wake_connection.wake(&link.key);
            return Ok((Observed::Unknown, None));
        }
        (None, _) => {}
    }
    match link.live.client.describe_project(id).await {
        Ok(project) => {
            let seen = translate(&project, context.clock.now(), None);
            Ok((Observed::Present(seen.status.clone()), Some(seen)))
        }
        // By both ways, or else it only says that something is wrong.
        Err(error) if error.is_not_found() => match fresh.is_some() || !swept {
            true => Ok((Observed::Absent, None)),
            false => Ok((Observed::Unknown, None)),
        },
        Err(error) if error.is_unsupported() && link.live.unlisted => {
            let missing = "ListProjects";
            Ok((Observed::Unobservable { missing }, None))
        }
        Err(error) => Err(error),
    }
}

fn is_recent(context: &Context, at: Timestamp) -> bool {
    context.clock.now().duration_since(at) < RECENT
}

async fn act(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: &Link,
    id: &str,
    mutation: Mutation,
) -> Result<Step, Error> {
    let Mutation::Start = mutation;
    if !context.may_begin_a_change() {
        return Ok(Step::After(MOMENT));
    }
    let client = link.live.client.clone();
    let project = id.to_owned();
    let call = context
        .tasks
        .spawn(async move { client.start_project(&project).await });
    let Ok(outcome) = call.await else {
        return Ok(Step::After(SWEEP_WAIT));
    };
    let asker = Asker {
        key: &me.key,
        uid: &me.uid,
        generation: me.generation,
    };
    audit(&asker, oms::Action::StartProject, None, Some(id), &outcome);
    match outcome {
        Outcome::Done((), _) => {
            let now = context.clock.now();
            context.memory.remember(&me.uid, &me.key, |mine| {
                mine.mutated = Some((LastMutation::Started, now));
            });
            context.memory.succeeded(&me.uid);
            context.bring_sweep_forward(&link.key);
            let note = format!("Project {id} was started.");
            context
                .events
                .normal(read, Reason::ProjectStarted, &note)
                .await;
            Ok(Step::After(SWEEP_WAIT))
        }
        // What OMS has made of it shows in the next look: an error followed by
        // the wanted state is success.
        Outcome::NotDone(error) | Outcome::Unknown(error) => {
            context.bring_sweep_forward(&link.key);
            mutation_failed(context, me, read, &error).await
        }
    }
}

/// Deletion under `Retain`: OMS is not touched.
async fn retain(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    id: &str,
) -> Result<Step, Error> {
    tracing::info!(resource = %me.key, project = id, "deleted; the project stays in OMS");
    let_go(context, me, read, None).await
}
