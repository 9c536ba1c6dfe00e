//! Figures, in the OpenMetrics form.
//!
//! What happens is counted when it happens. What is (resources by status, who waits for which OMS) is
//! counted at the scrape, by whoever was named in [`Metrics::at_scrape`], so that no figure of now can be
//! one of yesterday. The series of a connection end with it.
//!
//! | file | what it is there for |
//! | --- | --- |
//! | `book.rs` | registers figures, each with its description for docs/metrics.md |
//! | `labels.rs` | what they are told apart by |
//! | `oms.rs` | calls to OMS, and how each OMS stands |
//! | `sweeps.rs` | sweeps, and what they have shown |
//! | `work.rs` | reconciles, the queue, requests to the API server |
//! | `projects.rs` | resources and their projects |

mod book;
mod labels;
mod oms;
mod projects;
mod sweeps;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use self::book::Book;
pub use self::book::Row;
use self::labels::{Connection, Version};
use self::oms::OmsFigures;
pub use self::projects::{Group, ProjectFigures};
use self::sweeps::SweepFigures;
use crate::oms::{Action, Observe, Standing};

pub use self::work::{CountRequests, WorkFigures};

/// Counts what is, right before a scrape.
type Census = Box<dyn Fn(&Metrics) + Send + Sync>;

/// Every figure.
pub struct Metrics {
    registry: Registry,
    rows: Vec<Row>,
    census: Mutex<Option<Census>>,
    /// The connections whose figures are kept: what ends later is of one that is gone.
    connections: RwLock<BTreeSet<String>>,
    leader: Gauge,
    oms: OmsFigures,
    sweeps: SweepFigures,
    work: WorkFigures,
    projects: ProjectFigures,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All figures at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut book = Book::new();
        let version = book.gauges("build_info", "The version that runs; always 1");
        let leader = book.gauge(
            "leader",
            "1 while this process does the work, 0 while it stands by for another one",
        );
        let oms = OmsFigures::new(&mut book);
        let sweeps = SweepFigures::new(&mut book);
        let work = WorkFigures::new(&mut book);
        let projects = ProjectFigures::new(&mut book);
        let (registry, rows) = book.close();
        let label = Version {
            version: env!("CARGO_PKG_VERSION"),
        };
        version.get_or_create(&label).set(1);
        Self {
            registry,
            rows,
            census: Mutex::new(None),
            connections: RwLock::default(),
            leader,
            oms,
            sweeps,
            work,
            projects,
        }
    }

    /// Every figure, as docs/metrics.md describes it.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Has `census` count what is, before each scrape.
    pub fn at_scrape(&self, census: impl Fn(&Metrics) + Send + Sync + 'static) {
        *self.census.lock() = Some(Box::new(census));
    }

    /// All figures as text; empty should they not be encodable.
    #[must_use]
    pub fn encode(&self) -> String {
        // Held to the end: two scrapes at a time would count into one another.
        let census = self.census.lock();
        if let Some(census) = &*census {
            census(self);
        }
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }

    /// Whether this process does the work.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// Counts the calls made through one connection, from now on.
    #[must_use]
    pub fn oms_calls(self: &Arc<Self>, connection: &dyn std::fmt::Display) -> Arc<dyn Observe> {
        let connection = connection.to_string();
        self.connections.write().insert(connection.clone());
        Arc::new(Calls {
            metrics: self.clone(),
            connection,
        })
    }

    /// The connection is gone, and its series with it.
    pub fn forget_connection(&self, connection: &dyn std::fmt::Display) {
        let connection = connection.to_string();
        let mut connections = self.connections.write();
        if connections.remove(&connection) {
            self.oms.forget(&connection);
            self.sweeps.forget(&connection);
        }
    }

    /// Counts for a connection, unless it is gone.
    fn of(&self, connection: &dyn std::fmt::Display, count: impl FnOnce(Connection)) {
        let connection = connection.to_string();
        let connections = self.connections.read();
        if connections.contains(&connection) {
            count(Connection { connection });
        }
    }

    /// Where connections lead and whether they are ready, and how each OMS stands.
    pub fn endpoints(
        &self,
        connections: impl Iterator<Item = (String, String, bool)>,
        standings: &[(String, Standing)],
    ) {
        self.oms.endpoints(connections, standings);
    }

    /// The strangers of a sweep: projects that no resource claims, and ids of resources that OMS does not list.
    pub fn strangers(&self, connection: &dyn std::fmt::Display, unclaimed: usize, missing: usize) {
        self.of(connection, |label| {
            self.sweeps.strangers(&label, unclaimed, missing);
        });
    }

    /// How many projects of a connection are neither there nor believed gone.
    pub fn doubted(&self, connection: &dyn std::fmt::Display, projects: usize) {
        self.of(connection, |label| self.sweeps.doubted(&label, projects));
    }

    /// A sweep ended well.
    pub fn swept(&self, connection: &dyn std::fmt::Display, took: Duration, projects: u64) {
        self.of(connection, |label| {
            self.sweeps.succeeded(&label, took, projects);
        });
    }

    /// Nobody uses a connection: what was known of its projects is none of now.
    pub fn unused(&self, connection: &dyn std::fmt::Display) {
        self.of(connection, |label| self.sweeps.unused(&label));
    }

    /// A sweep failed.
    pub fn sweep_failed(&self, connection: &dyn std::fmt::Display) {
        self.of(connection, |label| self.sweeps.failed(&label));
    }

    /// When each connection's projects were seen last, in seconds ago.
    pub fn sweep_ages(&self, ages: impl Iterator<Item = (String, f64)>) {
        self.sweeps.ages(ages);
    }

    /// The lags that a sweep has shown, of the projects of resources.
    pub fn lags(&self, connection: &dyn std::fmt::Display, lags: impl Iterator<Item = u64>) {
        self.of(connection, |label| self.sweeps.lags(&label, lags));
    }

    /// What the loop does.
    #[must_use]
    pub fn work(&self) -> &WorkFigures {
        &self.work
    }

    /// Resources and their projects.
    #[must_use]
    pub fn projects(&self) -> &ProjectFigures {
        &self.projects
    }
}

struct Calls {
    metrics: Arc<Metrics>,
    connection: String,
}

impl Observe for Calls {
    fn call(&self, action: Action, outcome: &'static str, seconds: f64) {
        self.metrics.of(&self.connection, |label| {
            self.metrics.oms.called(label, action, outcome, seconds);
        });
    }
}
