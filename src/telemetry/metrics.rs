//! Figures, in the OpenMetrics form. No label holds the name of a project: the
//! number of series does not grow with the number of resources.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::oms::{Action, Observe};

/// Upper ends of the buckets for calls to OMS, in seconds: up to the time-out
/// of a mutation.
const CALL_SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    connection: String,
    action: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connection {
    connection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Every figure.
pub struct Metrics {
    registry: RwLock<Registry>,
    calls: Family<Call, Counter>,
    call_seconds: Histogram,
    reconciles: Family<Result, Counter>,
    status_writes: Counter,
    created: Counter,
    unknown: Counter,
    surplus: Counter,
    left: Counter,
    departed: Family<Outcome, Counter>,
    sweep_seconds: Family<Connection, Gauge<f64, std::sync::atomic::AtomicU64>>,
    sweep_projects: Family<Connection, Gauge>,
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
        let metrics = Self {
            registry: RwLock::new(Registry::with_prefix("oms_operator")),
            calls: Family::default(),
            call_seconds: Histogram::new(CALL_SECONDS),
            reconciles: Family::default(),
            status_writes: Counter::default(),
            created: Counter::default(),
            unknown: Counter::default(),
            surplus: Counter::default(),
            left: Counter::default(),
            departed: Family::default(),
            sweep_seconds: Family::default(),
            sweep_projects: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.write();
        registry.register("oms_calls", "Calls to OMS that ended", self.calls.clone());
        registry.register(
            "oms_call_seconds",
            "How long calls to OMS took",
            self.call_seconds.clone(),
        );
        registry.register(
            "reconciles",
            "Reconciles by result",
            self.reconciles.clone(),
        );
        registry.register(
            "status_writes",
            "Statuses written",
            self.status_writes.clone(),
        );
        registry.register("projects_created", "Projects created", self.created.clone());
        registry.register(
            "creates_unknown",
            "CreateProject calls whose outcome was not known",
            self.unknown.clone(),
        );
        registry.register(
            "projects_surplus",
            "Projects that a race made a second time",
            self.surplus.clone(),
        );
        registry.register(
            "projects_left",
            "Projects made for a resource that went away meanwhile",
            self.left.clone(),
        );
        registry.register(
            "resources_deleted",
            "Resources that were deleted, by what has become of their projects",
            self.departed.clone(),
        );
        registry.register(
            "sweep_seconds",
            "How long the last sweep took",
            self.sweep_seconds.clone(),
        );
        registry.register(
            "sweep_projects",
            "Projects that the last sweep has seen",
            self.sweep_projects.clone(),
        );
    }

    /// All figures as text; empty should they not be encodable.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry.read()) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }

    /// Counts the calls made through one connection.
    #[must_use]
    pub fn oms_calls(self: &Arc<Self>, connection: &dyn std::fmt::Display) -> Arc<dyn Observe> {
        Arc::new(Calls {
            metrics: self.clone(),
            connection: connection.to_string(),
        })
    }

    /// A reconcile ended.
    pub fn reconciled(&self, result: &'static str) {
        self.reconciles.get_or_create(&Result { result }).inc();
    }

    /// A status was written.
    pub fn status_written(&self) {
        self.status_writes.inc();
    }

    /// A project was created and its id written.
    pub fn project_created(&self) {
        self.created.inc();
    }

    /// Nobody knows whether a project was created.
    pub fn create_unknown(&self) {
        self.unknown.inc();
    }

    /// A project was made a second time.
    pub fn surplus_project(&self) {
        self.surplus.inc();
    }

    /// A project was made for a resource that is gone.
    pub fn project_left(&self) {
        self.left.inc();
    }

    /// A resource was deleted; `outcome` says what has become of its project.
    pub fn departed(&self, outcome: &'static str) {
        self.departed.get_or_create(&Outcome { outcome }).inc();
    }

    /// A sweep ended well.
    pub fn swept(&self, connection: &dyn std::fmt::Display, took: Duration, projects: usize) {
        let label = Connection {
            connection: connection.to_string(),
        };
        self.sweep_seconds
            .get_or_create(&label)
            .set(took.as_secs_f64());
        let projects = i64::try_from(projects).unwrap_or(i64::MAX);
        self.sweep_projects.get_or_create(&label).set(projects);
    }
}

struct Calls {
    metrics: Arc<Metrics>,
    connection: String,
}

impl Observe for Calls {
    fn call(&self, action: Action, outcome: &'static str, seconds: f64) {
        let connection = self.connection.clone();
        let label = Call {
            connection,
            action: action.as_str(),
            outcome,
        };
        self.metrics.calls.get_or_create(&label).inc();
        self.metrics.call_seconds.observe(seconds);
    }
}
