//! Where figures are registered, each together with what docs/metrics.md says
//! of it.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// The beginning of every name.
const PREFIX: &str = "oms_operator";

/// A gauge that holds fractions.
pub type Fraction = Gauge<f64, AtomicU64>;

/// Histograms, one for each set of labels.
pub type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// A set of labels that knows its names.
pub trait Labels: EncodeLabelSet + Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// The names, in order.
    const NAMES: &'static [&'static str];
}

/// A figure, as docs/metrics.md describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name, without what a type appends to it (`_total`, `_bucket` and so on).
    pub name: String,
    /// Its type, as OpenMetrics calls it.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

/// The registry, and what is written about it.
pub struct Book {
    registry: Registry,
    rows: Vec<Row>,
}

impl Book {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            rows: Vec::new(),
        }
    }

    fn enter<M: Metric + Clone>(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        labels: &'static [&'static str],
        metric: M,
    ) -> M {
        self.registry.register(name, help, metric.clone());
        self.rows.push(Row {
            name: format!("{PREFIX}_{name}"),
            kind,
            labels,
            help,
        });
        metric
    }

    /// A number that only grows.
    pub fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        self.enter(name, help, "counter", &[], Counter::default())
    }

    /// The same for each set of labels.
    pub fn counters<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
    ) -> Family<L, Counter> {
        self.enter(name, help, "counter", L::NAMES, Family::default())
    }

    /// A number of now.
    pub fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        self.enter(name, help, "gauge", &[], Gauge::default())
    }

    /// The same for each set of labels.
    pub fn gauges<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
    ) -> Family<L, Gauge> {
        self.enter(name, help, "gauge", L::NAMES, Family::default())
    }

    /// A measure of now for each set of labels.
    pub fn fractions<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
    ) -> Family<L, Fraction> {
        self.enter(name, help, "gauge", L::NAMES, Family::default())
    }

    /// How measures spread.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        make: fn() -> Histogram,
    ) -> Histogram {
        self.enter(name, help, "histogram", &[], make())
    }

    /// The same for each set of labels.
    pub fn histograms<L: Labels>(
        &mut self,
        name: &'static str,
        help: &'static str,
        make: fn() -> Histogram,
    ) -> Histograms<L> {
        let family = Family::new_with_constructor(make);
        self.enter(name, help, "histogram", L::NAMES, family)
    }

    /// What was entered, to be encoded and to be described.
    pub fn close(self) -> (Registry, Vec<Row>) {
        (self.registry, self.rows)
    }
}
