//! Gathers what [`crate::decide::doubt`] judges by: what the users of a connection
//! have recorded, against what its sweep has shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt;

use super::claims::Key;
use super::context::Context;
use super::registry::{Entry, Live};
use crate::api::keys::CONFIRM_GONE;
use crate::api::v1alpha1::{OMSConnection, VanishedStatus};
use crate::decide::doubt::{Sweep, Told, Vanished, judge};
use crate::observe::{Snapshot, vanished};

/// The projects that resources have recorded in the OMS of a connection, by id;
/// and whether each was seen under its address of today.
pub type Recorded = BTreeMap<String, bool>;

/// What is recorded now. It is gathered before a sweep: what is recorded while it
/// walks, it may have passed already.
pub fn recorded(context: &Context, key: &Key, live: &Live) -> Recorded {
    let all = context.claims.recorded(key).into_iter();
    all.filter(|(_, url)| url.as_deref().is_none_or(|url| live.is_same_oms(url)))
        .map(|(id, url)| (id, url.is_some_and(|url| *url == *live.url.as_str())))
        .collect()
}

/// What the sweep `now` makes of the projects that were recorded `before` it.
pub fn after_sweep(
    context: &Context,
    key: &Key,
    connection: &OMSConnection,
    live: &Live,
    before: &Recorded,
    now: &Snapshot,
) -> Arc<Vanished> {
    // Some may have been found gone meanwhile.
    let still = recorded(context, key, live);
    let recorded = || before.iter().filter(|(id, _)| still.contains_key(*id));
    let ids = recorded().map(|(id, _)| id.as_str());
    let last = live.snapshot.as_deref();
    let sweep = Sweep {
        vanished: vanished(ids, last, &live.vanished.ids, now),
        seen: recorded()
            .filter(|(id, _)| now.projects.contains_key(*id))
            .count(),
        proven: recorded().any(|(_, here)| *here),
        word: confirmed(connection),
        now: context.clock.now(),
    };
    let told = last.is_none().then(|| told(connection)).flatten();
    Arc::new(judge(&live.vanished, told, sweep))
}

/// Takes in that a human has answered the doubt that stands. Tells whether that is
/// news.
pub fn take_answer(context: &Context, key: &Key, connection: &OMSConnection) -> bool {
    let entry = context.registry.get(key);
    let Some(live) = &entry.live else {
        return false;
    };
    let Some(vanished) = confirmed(connection).and_then(|word| live.vanished.answered(word)) else {
        return false;
    };
    let live = Live {
        vanished: Arc::new(vanished),
        ..(**live).clone()
    };
    let answered = Entry {
        live: Some(Arc::new(live)),
        ..entry.clone()
    };
    context.registry.set(key, entry.revision, answered);
    context.metrics.doubted(key, 0);
    true
}

/// As the status tells it. Before the first sweep what an earlier process has
/// told stands.
pub fn to_status(connection: &OMSConnection, live: Option<&Live>) -> Option<VanishedStatus> {
    let Some(live) = live.filter(|live| live.snapshot.is_some()) else {
        return connection.status.as_ref()?.vanished;
    };
    let doubt = live.vanished.doubt?;
    Some(VanishedStatus {
        since: Some(doubt.since),
        projects: i32::try_from(live.vanished.ids.len()).ok(),
    })
}

fn told(connection: &OMSConnection) -> Option<Told> {
    let told = connection.status.as_ref()?.vanished?;
    Some(Told {
        since: told.since?,
        projects: told
            .projects
            .and_then(|count| usize::try_from(count).ok())?,
    })
}

/// The human's word that what has vanished is gone.
pub fn confirmed(connection: &OMSConnection) -> Option<&str> {
    let word = connection.annotations().get(CONFIRM_GONE)?;
    Some(word.trim())
}
