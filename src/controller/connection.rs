//! Reconciling an OMSConnection: keep its client good, sweep its projects,
//! wake whom that concerns, and say how it is.

mod status;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use super::action::Action;
use super::claims::Key;
use super::context::Context;
use super::credentials;
use super::doubt;
use super::failure;
use super::kept::Watched;
use super::kubernetes;
use super::limits::limits;
use super::link::has_something_in_oms;
use super::me::is_held;
use super::pass::{Error, MOMENT, SOON};
use super::publish::requested;
use super::registry::{Entry, Live};
use super::strangers;
use crate::api::v1alpha1::{MigrationProject, OMSConnection, Reason};
use crate::decide::words::sentence;
use crate::decide::{Answer, Problem};
use crate::observe::{self, Snapshot};
use crate::oms::{self, BaseUrl};

/// First wait after a sweep that failed.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// A pause in calls that OMS asks for is worth a word if it is longer than this.
const SHORT_PAUSE: Duration = Duration::from_secs(15);

/// A connection without users is only asked whether it works, and rarely.
const IDLE_INTERVAL: Duration = Duration::from_secs(120);

/// Gather → act → publish for one connection. Never runs twice at a time for
/// one connection: that is the controller's promise.
pub async fn reconcile(
    connection: Arc<OMSConnection>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    // Before, it would seem to have no users: nothing to sweep for, and nobody
    // to be there for.
    if !context.projects_synced.load(Ordering::Relaxed) {
        return Ok(Action::requeue(MOMENT));
    }
    let key = Key::of(&*connection);
    let held = is_held(&*connection);
    let goes = connection.metadata.deletion_timestamp.is_some();
    let users = match goes {
        // The others wait for a new one, and must not keep this from going.
        true => {
            let mut users = context.claims.users_of(&key);
            users.retain(|user| needs_it(&context, user));
            users.len()
        }
        false => context.claims.count_users(&key),
    };
    if goes && users == 0 {
        if held {
            context.kubernetes.let_go(&*connection).await?;
        }
        context.forget_connection(&key);
        return Ok(Action::await_change());
    }
    let connection = match users > 0 && !held && !goes {
        true => Arc::new(context.kubernetes.hold(&*connection).await?),
        false => connection,
    };

    if let Some(word) = asked(&connection) {
        context.look_at_once(&key, &word);
    }
    if doubt::take_answer(&context, &key, &connection) {
        wake_users(&context, &key);
    }
    // Whether it has a client or not: an address that nobody names any more is no endpoint.
    let governors = &context.governors;
    match BaseUrl::parse(&connection.spec.url) {
        Ok(url) => drop(governors.join(&key.to_string(), &url, limits(&connection.spec))),
        Err(_) => governors.leave(&key.to_string()),
    }
    keep_client(&context, &key, &connection).await?;
    sweep(&context, &key, &connection, users > 0).await;
    // Ten thousand that were just made are settled soon, and perhaps nobody creates another one for a year.
    let (memory, now) = (&context.memory, context.clock.now());
    memory.tidy(now, context.settings.timing, |user, uid| {
        context.claims.is_alive(user, uid)
    });
    let figures = status::publish(&context, &key, &connection, users).await?;

    let read = context.settings.secret_interval;
    // Without a client nothing is swept, and so nothing is ever not due.
    let next = match context.registry.get(&key).live {
        Some(live) => {
            let due = context.sweeps.due_in(&key);
            due.max(pause(&live).unwrap_or_default()).min(read)
        }
        None => read.min(SOON),
    };
    let next = figures.map_or(next, |figures| next.min(figures));
    Ok(Action::requeue(next.max(Duration::from_millis(10))))
}

/// Whether a resource that uses a connection needs it to stay. One that the store has as it was
/// before the last write of our own may have got its project by that.
fn needs_it(context: &Context, key: &Key) -> bool {
    let reference = ObjectRef::new(&key.name).within(&key.namespace);
    let project = context.projects.get(&reference);
    project.is_none_or(|kept| {
        let project = MigrationProject::restore(&kept);
        context.claims.knows_newer_of_the_name(&project) || has_something_in_oms(context, &project)
    })
}

/// Reads the Secret when it is due, and makes a new client when it, the
/// certificate authority or the spec is another.
async fn keep_client(
    context: &Context,
    key: &Key,
    connection: &Arc<OMSConnection>,
) -> Result<(), Error> {
    let before = follow_spec(context, key, connection);
    let same_way = before.live.is_some();
    if same_way
        && !context
            .sweeps
            .secret_is_due(key, context.settings.secret_interval)
    {
        return Ok(());
    }
    let read = match credentials::read(context, key, connection).await {
        Ok(read) => read,
        // What was read before is good until the opposite is known: OMS is asked all the same.
        Err(error) if same_way => {
            let error = failure::chain(&error);
            tracing::warn!(connection = %key, error, "the Secret cannot be read; going on as before");
            return Ok(());
        }
        Err(error) => Err(unreadable(key, &error)),
    };
    context.sweeps.secret_was_read(key);
    let made = match read {
        Ok(settings) => {
            if let Some(live) = &before.live {
                let old = live.client.settings();
                if old.credentials.same(&settings.credentials) && old.ca_pem == settings.ca_pem {
                    context.registry.set(
                        key,
                        before.revision,
                        Entry {
                            unusable: None,
                            ..before
                        },
                    );
                    return Ok(());
                }
            }
            let url = settings.base.clone();
            let client = context.connect.connect(settings);
            client
                .map(|client| (client, url))
                .map_err(|error| ca_invalid(key, connection, &error))
        }
        Err(problem) => Err(problem),
    };
    let (client, url) = match made {
        Ok(made) => made,
        Err(problem) => {
            let changed = before.unusable.as_ref() != Some(&problem);
            context.registry.set(
                key,
                before.revision,
                Entry {
                    unusable: Some(problem),
                    ..before
                },
            );
            if changed {
                wake_users(context, key);
            }
            return Ok(());
        }
    };
    let known = before.live.as_ref();
    let live = Arc::new(Live {
        uid: connection.uid().unwrap_or_default(),
        former_urls: former_urls(connection),
        client,
        snapshot: known.and_then(|live| live.snapshot.clone()),
        vanished: known.map(|live| live.vanished.clone()).unwrap_or_default(),
        strangers: known.map(|live| live.strangers).unwrap_or_default(),
        unlisted: known.is_some_and(|live| live.unlisted),
        resource: connection.clone(),
        url,
    });
    context.registry.set(
        key,
        before.revision,
        Entry {
            live: Some(live.clone()),
            unusable: None,
            answer: Answer::Pending,
            seen: before.seen,
            revision: before.revision + 1,
        },
    );
    context.sweeps.start_over(key);
    wake_users(context, key);
    if before.live.is_none() && before.revision > 0 {
        wake_neighbours(context, key, &live);
    }
    Ok(())
}

/// What is known of the connection under the spec of today. A client stays good
/// while address, Secret and certificate authority are the same; what another
/// OMS has shown says nothing about this one. Which projects a snapshot was to
/// show depends on the former addresses.
fn follow_spec(context: &Context, key: &Key, connection: &Arc<OMSConnection>) -> Entry {
    let before = context.registry.get(key);
    let Some(live) = &before.live else {
        return before;
    };
    let (old, new) = (&live.resource.spec, &connection.spec);
    let moves = BaseUrl::parse(&new.url).ok().as_ref() != Some(&live.url);
    let same_way = !moves
        && old.credentials_secret_ref == new.credentials_secret_ref
        && old.tls == new.tls
        && live.resource.uid() == connection.uid();
    if same_way && old == new {
        return before;
    }
    let leads_elsewhere = moves && !former_urls(connection).contains(&live.url);
    if leads_elsewhere {
        // Figures of another OMS would be an alarm for ever, if this one does not answer.
        context.metrics.unused(key);
    }
    let revision = before.revision + 1;
    let same_former = old.former_urls == new.former_urls;
    let after = Entry {
        live: same_way.then(|| {
            Arc::new(Live {
                former_urls: former_urls(connection),
                resource: connection.clone(),
                snapshot: live.snapshot.clone().filter(|_| same_former),
                ..(**live).clone()
            })
        }),
        answer: if same_way && same_former {
            before.answer.clone()
        } else {
            Answer::Pending
        },
        revision,
        seen: before.seen.filter(|_| !leads_elsewhere),
        ..before.clone()
    };
    context.registry.set(key, before.revision, after);
    wake_users(context, key);
    if moves || !same_former {
        wake_neighbours(context, key, live);
        if let Some(live) = context.registry.get(key).live {
            wake_neighbours(context, key, &live);
        }
    }
    context.registry.get(key)
}

/// The API server has not given what the connection names, and not for want of it or of a right.
fn unreadable(key: &Key, error: &kubernetes::Error) -> Problem {
    Problem::new(
        Reason::SecretUnreadable,
        format!(
            "The API server does not give the Secret or ConfigMap that OMSConnection {key} names: \
             {} It is asked again every few seconds.",
            sentence(&failure::chain(error))
        ),
    )
}

/// The certificate authority that is not one, and where it stands.
fn ca_invalid(key: &Key, connection: &OMSConnection, error: &oms::BuildError) -> Problem {
    let tls = connection.spec.tls.as_ref();
    let place = tls.and_then(|tls| tls.ca_ref.as_ref()).map(|ca| {
        format!(
            "{:?} {}/{}, key {}: ",
            ca.kind, key.namespace, ca.name, ca.key
        )
    });
    let place = place.unwrap_or_default();
    Problem::new(
        Reason::CaInvalid,
        format!(
            "{place}{} Put the certificates there in PEM form, each from BEGIN CERTIFICATE to END \
             CERTIFICATE.",
            sentence(&failure::chain(error))
        ),
    )
}

/// The former addresses of a connection's OMS, as far as they can be read.
pub fn former_urls(connection: &OMSConnection) -> Vec<BaseUrl> {
    let former = connection.spec.former_urls.as_deref().unwrap_or_default();
    former
        .iter()
        .filter_map(|url| BaseUrl::parse(url).ok())
        .collect()
}

/// Walks over the projects when it is time, and wakes those whose project has
/// changed.
async fn sweep(context: &Context, key: &Key, connection: &OMSConnection, used: bool) {
    let entry = context.registry.get(key);
    let Some(live) = entry.live else {
        return;
    };
    // The first user of a connection that was only asked whether it works.
    let first = used && live.snapshot.is_none() && !live.unlisted;
    let mut due = context.sweeps.due_in(key).is_zero()
        || (first && !matches!(entry.answer, Answer::Failed(_)));
    match pause(&live) {
        None => {}
        // The sweep comes after it.
        Some(left) if left <= SHORT_PAUSE => due = false,
        // Whoever waits for the connection learns why, by a sweep that is not let out.
        Some(_) => due |= entry.answer == Answer::Good,
    }
    if !due {
        return;
    }
    let began = tokio::time::Instant::now();
    let interval = connection
        .spec
        .sweep_interval()
        .max(context.settings.min_sweep_interval);
    let recorded = doubt::recorded(context, key, &live);
    let ids = strangers::recorded(context, key, &live);
    let goes_on = || {
        let queue = context.wake_connection.queue();
        queue.goes_on(&key.to_string());
    };
    let swept = async {
        if !used {
            return observe::probe(&live.client).await.map(|()| None);
        }
        let (now, before) = (context.clock.now(), live.snapshot.as_deref());
        let swept = observe::sweep(&live.client, now, before, &ids, &goes_on);
        swept.await.map(Some)
    };
    // It may take minutes, and to end early loses nothing.
    let Some(swept) = context.unless_stopped(swept).await else {
        return;
    };
    let mut next = (*live).clone();
    let mut seen = entry.seen;
    if !used {
        // Nobody keeps it new: whoever comes would decide on what was hours ago, and a figure
        // of then would be an alarm for ever.
        next.snapshot = None;
        seen = None;
        context.metrics.unused(key);
    }
    let answer = match swept {
        Ok(snapshot) => {
            let interval = if snapshot.is_some() {
                interval
            } else {
                interval.max(IDLE_INTERVAL)
            };
            context.sweeps.succeeded(key, began.elapsed(), interval);
            next.unlisted = false;
            if snapshot.is_none() {
                next.vanished = Arc::default();
            }
            if let Some(snapshot) = snapshot {
                context.metrics.swept(key, began.elapsed(), snapshot.total);
                next.strangers = strangers::count(context, &live, &ids, &snapshot);
                let strangers = next.strangers;
                let metrics = &context.metrics;
                metrics.strangers(key, strangers.unclaimed, strangers.missing);
                let lags = claimed_lags(context, key, &snapshot);
                context.metrics.lags(key, lags.into_iter());
                seen = Some(snapshot.taken_at);
                next.vanished =
                    doubt::after_sweep(context, key, connection, &live, &recorded, &snapshot);
                context.metrics.doubted(key, next.vanished.doubted());
                next.snapshot = Some(Arc::new(snapshot));
            }
            Answer::Good
        }
        Err(error) if error.is_unsupported() => {
            context
                .sweeps
                .succeeded(key, began.elapsed(), interval.max(IDLE_INTERVAL));
            next.unlisted = true;
            // What lists have shown before does not become new any more.
            next.snapshot = None;
            next.vanished = Arc::default();
            seen = None;
            context.metrics.unused(key);
            Answer::Good
        }
        Err(error) => {
            let cap = context.settings.max_backoff;
            let first = failure::least_wait(&error, cap).unwrap_or(FIRST_BACKOFF);
            context.sweeps.failed(key, first, cap);
            context.metrics.sweep_failed(key);
            tracing::warn!(connection = %key, error = failure::chain(&error), "sweep failed");
            Answer::Failed(Problem::new(failure::reason(&error), failure::text(&error)))
        }
    };
    let next = Arc::new(next);
    let turned = has_turned(&entry.answer, &answer);
    // What was put off because OMS was in trouble need not wait any longer.
    let recovered = turned && answer == Answer::Good;
    context.registry.set(
        key,
        entry.revision,
        Entry {
            live: Some(next.clone()),
            answer,
            seen,
            revision: entry.revision + u64::from(recovered),
            ..entry
        },
    );
    let lost_lists = next.unlisted && !live.unlisted;
    if turned || lost_lists || live.vanished.doubt().is_some() != next.vanished.doubt().is_some() {
        wake_users(context, key);
    }
    if recovered {
        tell_neighbours(context, key, &live.url);
    }
    wake_changed(context, key, &live, &next);
}

/// The lags of projects that belong to a resource.
fn claimed_lags(context: &Context, key: &Key, snapshot: &Snapshot) -> Vec<u64> {
    let all = snapshot.projects.iter();
    all.filter(|(id, _)| !context.claims.holders_of(id, key).is_empty())
        .filter_map(|(_, seen)| seen.progress.lag)
        .map(|lag| lag.seconds)
        .collect()
}

/// How much is left of a pause in calls that its OMS has asked for.
fn pause(live: &Live) -> Option<Duration> {
    live.client.standing()?.paused_for
}

/// Other connections to the same OMS need not find out by and by that it is back.
fn tell_neighbours(context: &Context, key: &Key, url: &BaseUrl) {
    for other in context.registry.keys() {
        let entry = context.registry.get(&other);
        let same = entry.live.as_ref().is_some_and(|live| live.url == *url);
        // Not those whose account or certificate is the trouble: a repeat may lock it.
        let away =
            matches!(&entry.answer, Answer::Failed(why) if why.reason == Reason::OmsUnreachable);
        if same && other != *key && away {
            context.sweeps.start_over(&other);
            context.wake_connection.wake(&other);
        }
    }
}

/// Which projects and names are somebody else's may be another matter once a connection comes to
/// an OMS or leaves it, also to those who use that OMS through another connection.
fn wake_neighbours(context: &Context, key: &Key, live: &Live) {
    for other in context.registry.keys() {
        let url = context.registry.url_of(&other);
        if other != *key && url.is_some_and(|url| live.is_same_oms(&url)) {
            wake_users(context, &other);
        }
    }
}

/// Whether those who use the connection have another thing to say or to do. The
/// same trouble in other words is not that.
fn has_turned(before: &Answer, after: &Answer) -> bool {
    match (before, after) {
        (Answer::Failed(before), Answer::Failed(after)) => before.reason != after.reason,
        (before, after) => before != after,
    }
}

fn wake_changed(context: &Context, key: &Key, before: &Live, after: &Live) {
    let Some(snapshot) = &after.snapshot else {
        if after.unlisted && !before.unlisted {
            wake_users(context, key);
        }
        return;
    };
    let Some(old) = &before.snapshot else {
        return wake_users(context, key);
    };
    for (id, seen) in snapshot.changed(Some(old)) {
        wake_all(context, &context.claims.holders_of(id, key));
        // Whoever waits for the name, or for the one that it had before.
        let old = old.projects.get(id).filter(|old| old.name != seen.name);
        for seen in [Some(seen), old].into_iter().flatten() {
            wake_all(context, &context.claims.named(&seen.name));
        }
    }
    wake_crossed(context, key, old, snapshot);
    // What was changed while the sweep before was on its way is believed of this one alone, and that may show it as
    // the other did.
    let mut waiting = context.memory.mutated(old.begun, snapshot.begun);
    waiting.retain(|user| context.claims.connection_at(user).as_ref() == Some(key));
    wake_all(context, &waiting);
}

/// The exact lag moves all the time and wakes nobody; what crosses a resource's
/// own limit does.
fn wake_crossed(context: &Context, key: &Key, before: &Snapshot, after: &Snapshot) {
    for (id, seen) in &after.projects {
        let old = before.projects.get(id).and_then(|old| old.progress.lag);
        let (Some(old), Some(new)) = (old, seen.progress.lag) else {
            continue;
        };
        if old.seconds != new.seconds {
            let crossed = context
                .claims
                .lag_crossed(id, key, old.seconds, new.seconds);
            wake_all(context, &crossed);
        }
    }
}

/// Wakes those who use the connection now: more may have come while OMS was
/// asked, and may have read what was known before.
fn wake_users(context: &Context, key: &Key) {
    wake_all(context, &context.claims.users_of(key));
}

fn wake_all(context: &Context, keys: &[Key]) {
    for key in keys {
        context.wake_project.wake(key);
    }
}

/// The human's word that asks for a look at once, unless it was acknowledged.
fn asked(connection: &OMSConnection) -> Option<String> {
    let status = connection.status.as_ref();
    let handled = status.and_then(|status| status.last_handled_reconcile_at.clone());
    requested(connection).filter(|requested| handled.as_ref() != Some(requested))
}

/// A pass over a connection failed.
#[must_use]
pub fn error_policy(
    connection: Arc<OMSConnection>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    let key = Key::of(&*connection);
    if error.is_conflict() {
        return Action::requeue(Duration::from_millis(200));
    }
    tracing::warn!(connection = %key, error = failure::chain(error), "reconcile failed");
    Action::requeue(Duration::from_secs(5).mul_f64(0.8 + 0.4 * context.clock.chance()))
}
