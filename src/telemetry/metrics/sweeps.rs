//! Sweeps, and what they have shown.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::book::{Book, Fraction, Histograms};
use super::labels::{Connection, Swept};

/// Upper ends of the buckets for lags, in seconds: those of `status.lagSeconds`, up to a week.
const LAG_SECONDS: [f64; 11] = [
    30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0, 604_800.0,
];

const OK: &str = "ok";
const FAILED: &str = "failed";

pub struct SweepFigures {
    sweeps: Family<Swept, Counter>,
    seconds: Family<Connection, Fraction>,
    age: Family<Connection, Fraction>,
    projects: Family<Connection, Gauge>,
    unclaimed: Family<Connection, Gauge>,
    missing: Family<Connection, Gauge>,
    doubted: Family<Connection, Gauge>,
    lags: Histograms<Connection>,
    lag: Family<Connection, Gauge>,
}

impl SweepFigures {
    pub fn new(book: &mut Book) -> Self {
        Self {
            sweeps: book.counters(
                "sweeps",
                "Walks over the projects of an OMS. `result`: ok or failed",
            ),
            seconds: book.fractions("sweep_seconds", "How long the last sweep took that went well"),
            age: book.fractions(
                "sweep_age_seconds",
                "How long ago the projects were seen last",
            ),
            projects: book.gauges("sweep_projects", "Projects that there are in the OMS, as of the last sweep"),
            unclaimed: book.gauges(
                "projects_unclaimed",
                "Projects that no MigrationProject of this operator has recorded, as of the last walk over all",
            ),
            missing: book.gauges(
                "projects_missing",
                "Projects that a MigrationProject has recorded and the last sweep has not seen",
            ),
            doubted: book.gauges(
                "projects_doubted",
                "Recorded projects that OMS does not list, while it is doubted that it is the same OMS",
            ),
            lags: book.histograms(
                "project_lag_seconds",
                "The lags of the projects of MigrationProjects, as each sweep shows them",
                || Histogram::new(LAG_SECONDS),
            ),
            lag: book.gauges(
                "project_lag_max_seconds",
                "The greatest lag that the last sweep has shown of the project of a MigrationProject",
            ),
        }
    }

    fn ended(&self, of: &Connection, result: &'static str) {
        let label = Swept {
            connection: of.connection.clone(),
            result,
        };
        self.sweeps.get_or_create(&label).inc();
    }

    pub fn succeeded(&self, of: &Connection, took: Duration, projects: u64) {
        self.ended(of, OK);
        self.seconds.get_or_create(of).set(took.as_secs_f64());
        let projects = i64::try_from(projects).unwrap_or(i64::MAX);
        self.projects.get_or_create(of).set(projects);
    }

    pub fn failed(&self, of: &Connection) {
        self.ended(of, FAILED);
    }

    pub fn strangers(&self, of: &Connection, unclaimed: usize, missing: usize) {
        self.unclaimed.get_or_create(of).set(count(unclaimed));
        self.missing.get_or_create(of).set(count(missing));
    }

    pub fn doubted(&self, of: &Connection, projects: usize) {
        self.doubted.get_or_create(of).set(count(projects));
    }

    pub fn lags(&self, of: &Connection, lags: impl Iterator<Item = u64>) {
        let mut greatest = None;
        let histogram = self.lags.get_or_create_owned(of);
        for lag in lags {
            greatest = greatest.max(Some(lag));
            #[expect(
                clippy::cast_precision_loss,
                reason = "seconds; exact for as long as there have been databases"
            )]
            histogram.observe(lag as f64);
        }
        match greatest {
            Some(lag) => {
                let lag = i64::try_from(lag).unwrap_or(i64::MAX);
                self.lag.get_or_create(of).set(lag);
            }
            // Nothing that follows changes: no lag, which is not a lag of zero.
            None => {
                self.lag.remove(of);
            }
        }
    }

    pub fn ages(&self, ages: impl Iterator<Item = (String, f64)>) {
        self.age.clear();
        for (connection, age) in ages {
            self.age.get_or_create(&Connection { connection }).set(age);
        }
    }

    /// Nobody uses the connection, so that nothing is known of its projects any more.
    pub fn unused(&self, label: &Connection) {
        self.age.remove(label);
        self.lags.remove(label);
        let gauges = [
            &self.projects,
            &self.unclaimed,
            &self.missing,
            &self.doubted,
            &self.lag,
        ];
        gauges.into_iter().for_each(|gauge| {
            gauge.remove(label);
        });
    }

    pub fn forget(&self, connection: &str) {
        for result in [OK, FAILED] {
            self.sweeps.remove(&Swept {
                connection: connection.to_owned(),
                result,
            });
        }
        let label = Connection {
            connection: connection.to_owned(),
        };
        self.seconds.remove(&label);
        self.unused(&label);
    }
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
