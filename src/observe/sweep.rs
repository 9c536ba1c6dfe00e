//! The sweep: one walk over all projects of an OMS.

use std::collections::HashMap;

use jiff::Timestamp;

use super::snapshot::{Seen, Snapshot};
use crate::decide::ProjectStatus;
use crate::oms::{Client, Error, ListProjects, Order, SortField};

/// The most pages of one sweep: 150,000 projects, ten times what one process
/// is meant for. It only keeps a server that never ends its list from holding
/// the sweep for ever.
pub const MAX_PAGES: u32 = 1_000;

/// Walks over all projects. Oldest first, so that what is created during the
/// walk comes last and moves nobody to another page.
pub async fn sweep(client: &Client, now: Timestamp) -> Result<Snapshot, Error> {
    let request = ListProjects::new().sorted(SortField::GmtCreate, Order::Ascending);
    let walk = client.walk_projects(&request, MAX_PAGES).await?;
    let projects: HashMap<String, Seen> = walk
        .items
        .into_iter()
        .map(|project| {
            let status = ProjectStatus::parse(project.status.as_deref().unwrap_or_default());
            let name = project.name.unwrap_or_default();
            (project.id, Seen { name, status })
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
