//! The sweep: one walk over all projects of an OMS.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::share::Shared;
use super::snapshot::Snapshot;
use super::translate::translate;
use crate::oms::{Client, Error, ListProjects, Order, Project, SortField};

/// The most pages of one sweep: 150,000 projects, ten times what one process
/// is meant for. It only keeps a server that never ends its list from holding
/// the sweep for ever.
pub const MAX_PAGES: u32 = 1_000;

/// Walks over all projects. Oldest first, so that what is created during the
/// walk comes last and moves nobody to another page. `before` is the last
/// snapshot.
///
/// # Errors
/// When any page fails: a part of a list is no list.
pub async fn sweep(
    client: &Client,
    now: Timestamp,
    before: Option<&Snapshot>,
) -> Result<Snapshot, Error> {
    let request = ListProjects::new().sorted(SortField::GmtCreate, Order::Ascending);
    let mut shared = Shared::default();
    let mut projects = BTreeMap::new();
    let keep = |project: Project, oms_now: Option<Timestamp>| {
        let old = before.and_then(|before| before.projects.get(&project.id));
        let seen = shared.share(translate(&project, oms_now.unwrap_or(now), old), old);
        projects.insert(project.id, seen);
    };
    client.each_project(&request, MAX_PAGES, keep).await?;
    Ok(Snapshot {
        taken_at: now,
        projects,
    })
}

/// Asks for one project only, to see whether OMS answers at all.
pub async fn probe(client: &Client) -> Result<(), Error> {
    client
        .list_projects(&ListProjects::new().page_size(1))
        .await
        .map(|_| ())
}
