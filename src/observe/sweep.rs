//! The sweep: one walk over all projects of an OMS.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::snapshot::{Seen, Snapshot};
use super::translate::translate;
use crate::oms::{Client, Error, ListProjects, Order, SortField};

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
    let walk = client.walk_projects(&request, MAX_PAGES).await?;
    let oms_now = walk.server_date.unwrap_or(now);
    let projects: BTreeMap<String, Seen> = walk
        .items
        .into_iter()
        .map(|project| {
            let old = before.and_then(|before| before.projects.get(&project.id));
            let seen = translate(&project, oms_now, old);
            (project.id, seen)
        })
        .collect();
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
