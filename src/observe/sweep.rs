//! The sweep: one look at all projects of an OMS that matter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::time::Instant;

use super::share::Shared;
use super::snapshot::{Snapshot, Walked};
use super::translate::translate;
use crate::oms::{Class, Client, Error, ListProjects, Order, Project, SortField};

/// The most pages of one sweep: 150,000 projects, ten times what one process
/// is meant for. It only keeps a server that never ends its list from holding
/// the sweep for ever.
pub const MAX_PAGES: u32 = 1_000;

/// Looks at all projects, or at the `recorded` ones each by itself, where that
/// takes fewer calls: three projects among ten thousand of others. Then everything is
/// walked over every ten minutes all the same. `before` is the last snapshot; `goes_on` is
/// told after each answer.
///
/// # Errors
/// When any call fails: a part of what was asked for is no answer.
pub async fn sweep(
    client: &Client,
    now: Timestamp,
    before: Option<&Snapshot>,
    recorded: &BTreeSet<String>,
    goes_on: &(dyn Fn() + Sync),
) -> Result<Snapshot, Error> {
    if let Some(before) = before
        && !before.is_walk_due(Instant::now())
        && singly_is_cheaper(recorded.len(), before.total)
        && let Some(snapshot) = singly(client, now, before, recorded, goes_on).await?
    {
        return Ok(snapshot);
    }
    walk(client, now, before, goes_on).await
}

/// Whether `recorded` calls and one that counts are fewer than the pages of a list
/// of `total`.
fn singly_is_cheaper(recorded: usize, total: u64) -> bool {
    let pages = total.div_ceil(ListProjects::MAX_PAGE_SIZE.into());
    (recorded as u64).saturating_add(1) < pages
}

/// Walks over all projects. Oldest first, so that what is created during the
/// walk comes last and moves nobody to another page.
async fn walk(
    client: &Client,
    now: Timestamp,
    before: Option<&Snapshot>,
    goes_on: &(dyn Fn() + Sync),
) -> Result<Snapshot, Error> {
    let begun = Instant::now();
    let request = ListProjects::new().sorted(SortField::GmtCreate, Order::Ascending);
    let mut shared = Shared::default();
    let mut projects = BTreeMap::new();
    let keep = |page: Vec<Project>, oms_now: Option<Timestamp>| {
        goes_on();
        for mut project in page {
            let id = std::mem::take(&mut project.id);
            let old = before.and_then(|before| before.projects.get(&id));
            let seen = shared.share(translate(project, oms_now.unwrap_or(now), old), old);
            projects.insert(id, seen);
        }
    };
    client.each_project(&request, MAX_PAGES, keep).await?;
    Ok(Snapshot {
        taken_at: now,
        begun,
        total: projects.len() as u64,
        asked: None,
        projects,
        walked: Walked::again(before, begun),
    })
}

/// Asks for each of `recorded`. The list is asked for one project only: it tells
/// how many there are by now, and is the call by which an OMS that was away shows
/// that it is back. `None`: that does not come cheaper, or not at all.
async fn singly(
    client: &Client,
    now: Timestamp,
    before: &Snapshot,
    recorded: &BTreeSet<String>,
    goes_on: &(dyn Fn() + Sync),
) -> Result<Option<Snapshot>, Error> {
    let begun = Instant::now();
    let one = ListProjects::new().page_size(1);
    let first = client.list_projects(&one).await?;
    let Some(total) = first.total else {
        return Ok(None);
    };
    if !singly_is_cheaper(recorded.len(), total) {
        return Ok(None);
    }
    let oms_now = first.server_date.unwrap_or(now);
    let mut projects = BTreeMap::new();
    for id in recorded {
        goes_on();
        match client.describe_project(id).await {
            Ok(project) => {
                let old = before.projects.get(id);
                projects.insert(id.clone(), translate(project, oms_now, old));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) if error.is_unsupported() => return Ok(None),
            // What OMS cannot say of one is no trouble of the others: the list tells of them.
            Err(error) if error.was_answered() && error.class() != Class::Throttled => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(Snapshot {
        taken_at: now,
        begun,
        projects,
        total,
        asked: Some(recorded.clone()),
        walked: before.walked,
    }))
}

/// Asks for one project only, to see whether OMS answers at all.
pub async fn probe(client: &Client) -> Result<(), Error> {
    client
        .list_projects(&ListProjects::new().page_size(1))
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_that_takes_fewer_calls_is_taken() {
        for (recorded, total, singly) in [
            (0, 0, false),
            (1, 150, false),
            (1, 300, false),
            (1, 301, true),
            (3, 10_000, true),
            (65, 10_000, true),
            (66, 10_000, false),
            (10_000, 10_000, false),
        ] {
            assert_eq!(
                singly_is_cheaper(recorded, total),
                singly,
                "{recorded} of {total}"
            );
        }
    }
}
