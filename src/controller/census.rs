//! What is counted at a scrape: resources, connections, queues, and how each OMS
//! stands.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::claims::Key;
use super::context::Context;
use super::kept::KeptProject;
use super::work::kind;
use crate::api::v1alpha1::{ConditionType, CreateOutcome, MigrationProject, OMSConnection, Reason};
use crate::decide::ProjectStatus;
use crate::telemetry::{Group, Metrics};

/// Counts what is.
pub fn census(context: &Context, metrics: &Metrics) {
    connections(context, metrics);
    let mut groups: BTreeMap<Group, i64> = BTreeMap::new();
    // What an earlier process has called for, the statuses tell.
    let mut unresolved = context.memory.unresolved();
    for project in context.projects.state() {
        *groups.entry(group(context, &project)).or_default() += 1;
        if project.counted.in_doubt {
            unresolved.insert(Key::of(&*project));
        }
    }
    let is_same_oms = |one: &str, other: &str| context.registry.is_same_oms(one, other);
    let doubly_claimed = context.claims.doubly_claimed(is_same_oms);
    metrics
        .projects()
        .census(&groups, unresolved.len(), doubly_claimed);
    let work = metrics.work();
    let projects = context.wake_project.queue();
    work.backlog(kind::<MigrationProject>(), projects.backlog());
    let connections = context.wake_connection.queue();
    work.backlog(kind::<OMSConnection>(), connections.backlog());
}

fn connections(context: &Context, metrics: &Metrics) {
    let all = context.connections.state();
    let known = all.iter().map(|connection| {
        let key = Key::of(&**connection);
        let endpoint = context.registry.url_of(&key).unwrap_or_default();
        let status = connection.status.as_ref();
        let conditions = status.map(|status| status.conditions.as_slice());
        let ready = word(conditions.unwrap_or_default()).0 == "True";
        (key.to_string(), endpoint, ready)
    });
    let standings = context.governors.standings();
    metrics.endpoints(known, &standings);
    let endpoints = standings.iter().map(|(endpoint, _)| endpoint.as_str());
    let parked = parked(context.shares.parked(), endpoints);
    metrics.work().parked(&parked);
    let now = context.clock.now();
    let ages = all.iter().filter_map(|connection| {
        let key = Key::of(&**connection);
        let seen = context.registry.get(&key).seen?;
        Some((key.to_string(), now.duration_since(seen).as_secs_f64()))
    });
    metrics.sweep_ages(ages);
}

/// How many wait for each OMS. Until its address is known a share has the name of a connection, which may be anything
/// that a resource names: those are one series.
fn parked<'a>(
    shares: BTreeMap<String, usize>,
    endpoints: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, usize> {
    let mut parked: BTreeMap<String, usize> =
        endpoints.map(|endpoint| (endpoint.to_owned(), 0)).collect();
    for (share, count) in shares.into_iter().filter(|(_, count)| *count > 0) {
        let endpoint = if parked.contains_key(&share) {
            share
        } else {
            String::new()
        };
        *parked.entry(endpoint).or_default() += count;
    }
    parked
}

/// What a project is counted by, its connection apart. It is kept with the
/// resource: a scrape is to read ten thousand of them. Words that are not this
/// program's would be series without end.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    status: &'static str,
    ready: &'static str,
    reason: &'static str,
    /// It is not known whether a create has made a project.
    in_doubt: bool,
}

impl Counted {
    /// What `project` is counted by.
    pub fn of(project: &MigrationProject) -> Self {
        let status = project.status.as_ref();
        let conditions = status.map(|status| status.conditions.as_slice());
        let (ready, reason) = word(conditions.unwrap_or_default());
        let known = status.and_then(|status| status.project_status.as_deref());
        let create = status.filter(|status| status.project_id.is_none());
        let create = create.and_then(|status| status.create.as_ref());
        let in_doubt = create.is_some_and(|it| it.outcome == Some(CreateOutcome::Unknown));
        let status = known.map_or("none", |word| ProjectStatus::parse(word).known_word());
        Self {
            status,
            ready,
            reason,
            in_doubt,
        }
    }
}

/// The group that a project belongs to. A connection that is not there would be a
/// series without end, too.
fn group(context: &Context, project: &KeptProject) -> Group {
    let connection = context.claims.connection_at(&Key::of(project));
    let connection = connection.filter(|key| context.connection(key).is_some());
    let Counted {
        status,
        ready,
        reason,
        ..
    } = project.counted;
    Group {
        connection: connection.map(|key| key.to_string()).unwrap_or_default(),
        status,
        ready,
        reason,
    }
}

/// Status and reason of the condition Ready.
fn word(conditions: &[Condition]) -> (&'static str, &'static str) {
    let type_ = ConditionType::Ready.as_str();
    let Some(ready) = conditions.iter().find(|one| one.type_ == type_) else {
        return ("None", "");
    };
    let status = match ready.status.as_str() {
        "True" => "True",
        "False" => "False",
        _ => "Unknown",
    };
    let reason = Reason::ALL.iter().find(|one| one.as_str() == ready.reason);
    (status, reason.map_or("other", |reason| reason.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_without_an_address_are_one_series() {
        let shares = [
            ("http://oms", 3),
            ("shop/none-1", 2),
            ("shop/none-2", 0),
            ("shop/none-3", 1),
        ];
        let shares = shares
            .map(|(share, count)| (share.to_owned(), count))
            .into();
        let parked = parked(shares, ["http://idle", "http://oms"].into_iter());
        let expected = [("", 3), ("http://idle", 0), ("http://oms", 3)];
        assert_eq!(
            parked,
            expected
                .map(|(endpoint, count)| (endpoint.to_owned(), count))
                .into()
        );
    }
}
