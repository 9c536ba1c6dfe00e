//! Resources and their projects.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::book::Book;
use super::labels::{Departed, Ready, Status};

/// Upper ends of the buckets for creations, in seconds. The last ones are those of a create whose outcome was
/// unknown and waited out.
const CREATE_SECONDS: [f64; 12] = [
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0,
];

/// What resources are counted by: their connection, OMS's word for their project, and their condition Ready
/// with its reason. Only words of this program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "told above")]
pub struct Group {
    pub connection: String,
    pub status: &'static str,
    pub ready: &'static str,
    pub reason: &'static str,
}

/// Counts resources and what was done for them.
pub struct ProjectFigures {
    by_status: Family<Status, Gauge>,
    by_ready: Family<Ready, Gauge>,
    created: Counter,
    seconds: Histogram,
    unknown: Counter,
    unresolved: Gauge,
    surplus: Counter,
    left: Counter,
    departed: Family<Departed, Counter>,
    doubly_claimed: Gauge,
}

impl ProjectFigures {
    pub(super) fn new(book: &mut Book) -> Self {
        Self {
            by_status: book.gauges(
                "projects",
                "MigrationProjects by OMS's status of their project: `none` before there is one, `other` for a word \
                 that this version does not know. `connection` is empty where there is no such OMSConnection",
            ),
            by_ready: book.gauges(
                "projects_ready",
                "MigrationProjects by their condition Ready (True, False, Unknown; None before the first look) and its \
                 reason",
            ),
            created: book.counter("projects_created", "Projects created"),
            seconds: book.histogram(
                "create_seconds",
                "From the creation of a MigrationProject to the id of its project in its status",
                || Histogram::new(CREATE_SECONDS),
            ),
            unknown: book.counter(
                "creates_unknown",
                "CreateProject calls after which it was not known whether a project was made",
            ),
            unresolved: book.gauge(
                "creates_unresolved",
                "Creates of which it is not known at present whether a project was made",
            ),
            surplus: book.counter("projects_surplus", "Projects that a race made a second time"),
            left: book.counter(
                "projects_left",
                "Projects made for a MigrationProject that went away meanwhile; they stay in OMS",
            ),
            departed: book.counters(
                "resources_deleted",
                "MigrationProjects that were deleted, by what has become of their projects. `outcome`: nothing (there \
                 was none), retained, released, deleted or left",
            ),
            doubly_claimed: book.gauge(
                "projects_doubly_claimed",
                "Projects that more than one MigrationProject has recorded",
            ),
        }
    }

    /// A project was created and its id written, so long after its resource came. Only a first one is measured:
    /// one that is made in the place of another says nothing of that.
    pub fn created(&self, after: Option<Duration>) {
        self.created.inc();
        if let Some(after) = after {
            self.seconds.observe(after.as_secs_f64());
        }
    }

    /// Nobody knows whether a project was created.
    pub fn unknown(&self) {
        self.unknown.inc();
    }

    /// A project was made a second time.
    pub fn surplus(&self) {
        self.surplus.inc();
    }

    /// A project was made for a resource that is gone.
    pub fn left(&self) {
        self.left.inc();
    }

    /// A resource was deleted; `outcome` says what has become of its project.
    pub fn departed(&self, outcome: &'static str) {
        self.departed.get_or_create(&Departed { outcome }).inc();
    }

    /// How many resources there are of each group, creates that are not resolved, and ids that several claim.
    pub fn census(&self, groups: &BTreeMap<Group, i64>, unresolved: usize, doubly_claimed: usize) {
        self.by_status.clear();
        self.by_ready.clear();
        for (group, count) in groups {
            let connection = group.connection.clone();
            let label = Status {
                connection: connection.clone(),
                status: group.status,
            };
            self.by_status.get_or_create(&label).inc_by(*count);
            let label = Ready {
                connection,
                ready: group.ready,
                reason: group.reason,
            };
            self.by_ready.get_or_create(&label).inc_by(*count);
        }
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.unresolved.set(count(unresolved));
        self.doubly_claimed.set(count(doubly_claimed));
    }
}
