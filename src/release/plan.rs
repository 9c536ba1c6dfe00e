//! What is to be let go of, and what is better kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::ResourceExt;

use super::report::Report;
use crate::api::v1alpha1::{MigrationProject, OMSConnection};
use crate::controller::{is_held, on_record};
use crate::decide::Record;
use crate::decide::create::left_by;

/// Everything that may be held.
pub(super) struct Found {
    pub(super) projects: Vec<MigrationProject>,
    pub(super) connections: Vec<OMSConnection>,
    /// Which cluster this is, where that could be read.
    pub(super) cluster: Option<String>,
    pub(super) now: Timestamp,
}

/// What becomes of each.
pub(super) struct Plan<'a> {
    projects: Vec<&'a MigrationProject>,
    connections: Vec<&'a OMSConnection>,
    /// With the reason.
    kept: Vec<(&'a MigrationProject, String)>,
    /// Those that the kept ones need.
    needed: Vec<&'a OMSConnection>,
    free: usize,
}

impl<'a> Plan<'a> {
    /// A resource whose creation is not settled is kept: without the finalizer it
    /// could be deleted before anybody knows whether OMS has made its project. With
    /// `unsettled` it is let go of all the same.
    pub(super) fn of(found: &'a Found, unsettled: bool) -> Self {
        let mut plan = Self {
            projects: Vec::new(),
            connections: Vec::new(),
            kept: Vec::new(),
            needed: Vec::new(),
            free: 0,
        };
        for project in &found.projects {
            match may_be_left(project, found) {
                _ if !is_held(project) => plan.free += 1,
                Some(left) if !unsettled => plan.kept.push((project, left)),
                _ => plan.projects.push(project),
            }
        }
        for connection in &found.connections {
            match is_held(connection) {
                false => plan.free += 1,
                true if plan.needs(connection) => plan.needed.push(connection),
                true => plan.connections.push(connection),
            }
        }
        plan
    }

    /// Whether a kept resource may need it. One that names none may use any.
    fn needs(&self, connection: &OMSConnection) -> bool {
        self.kept.iter().any(|(project, _)| {
            project.spec.connection_ref.as_ref().is_none_or(|wanted| {
                let namespace = wanted.namespace.clone().or_else(|| project.namespace());
                wanted.name == connection.name_any() && namespace == connection.namespace()
            })
        })
    }

    /// The projects to let go of.
    pub(super) fn projects(&self) -> Vec<&'a MigrationProject> {
        self.projects.clone()
    }

    /// The same in two parts: one in each namespace, by which it shows whether an
    /// operator is there that takes it back; and the rest. An operator holds a
    /// resource with a project again at once.
    pub(super) fn probes(&self) -> (Vec<&'a MigrationProject>, Vec<&'a MigrationProject>) {
        let mut seen = BTreeSet::new();
        let mut is_probe = |project: &MigrationProject| {
            let deleting = project.metadata.deletion_timestamp.is_some();
            let status = project.status.as_ref();
            let made = status.is_some_and(|status| status.project_id.is_some());
            made && !deleting && seen.insert(project.namespace())
        };
        self.projects
            .iter()
            .copied()
            .partition(|project| is_probe(project))
    }

    /// The connections to let go of.
    pub(super) fn connections(&self) -> &[&'a OMSConnection] {
        &self.connections
    }

    /// What is kept, and why.
    pub(super) fn tell_kept(&self, report: &mut Report) {
        for (project, left) in &self.kept {
            report.kept(project, left);
        }
        for connection in &self.needed {
            report.needed(connection);
        }
        report.free(self.free);
    }
}

/// What may be in OMS for this resource without being recorded.
fn may_be_left(project: &MigrationProject, found: &Found) -> Option<String> {
    let status = project.status.as_ref();
    if status.is_some_and(|status| status.project_id.is_some()) {
        return None;
    }
    match on_record(project, None, found.cluster.as_deref(), found.now) {
        Record::Open(open) => Some(format!(
            "CreateProject was called for \"{}\" in the OMS at {}, and it is not known yet whether it \
             has made the project",
            open.reservation.project_name, open.reservation.connection.url
        )),
        record => left_by(&record),
    }
}

#[cfg(test)]
mod tests;
