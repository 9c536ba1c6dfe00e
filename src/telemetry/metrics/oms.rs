//! Calls to OMS, and how each OMS stands with its governor.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::book::{Book, Fraction, Histograms};
use super::labels::{Call, Calls, Connection, Endpoint, Leads, Refused, Waiting};
use crate::oms::{Action, Circuit, Class, Lane, Standing};

/// Upper ends of the buckets for calls, in seconds: up to the time-out of a change.
const CALL_SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];

const LOOK: &str = "look";
const CHANGE: &str = "change";

pub struct OmsFigures {
    calls: Family<Call, Counter>,
    seconds: Histograms<Calls>,
    leads: Family<Leads, Gauge>,
    ready: Family<Connection, Gauge>,
    in_flight: Family<Endpoint, Gauge>,
    limit: Family<Endpoint, Gauge>,
    waiting: Family<Waiting, Gauge>,
    circuit: Family<Endpoint, Gauge>,
    throttled: Family<Endpoint, Gauge>,
    pause: Family<Endpoint, Fraction>,
    refused: Family<Refused, Counter>,
}

impl OmsFigures {
    pub fn new(book: &mut Book) -> Self {
        Self {
            calls: book.counters(
                "oms_calls",
                "Calls to OMS that have ended. `outcome`: done, not_done or unknown for a change; ok, or the class of \
                 the failure, for a look",
            ),
            seconds: book.histograms(
                "oms_call_seconds",
                "How long calls to OMS took, without the time that they were held back. `kind`: look or change",
                || Histogram::new(CALL_SECONDS),
            ),
            leads: book.gauges(
                "connection_info",
                "Where each OMSConnection leads; always 1",
            ),
            ready: book.gauges(
                "connection_ready",
                "1 if the OMSConnection is Ready, otherwise 0",
            ),
            in_flight: book.gauges(
                "oms_in_flight",
                "Calls that are under way, and places that are held for more of them",
            ),
            limit: book.gauges(
                "oms_in_flight_limit",
                "How many may be under way at present",
            ),
            waiting: book.gauges(
                "oms_waiting",
                "Calls that wait for leave, by urgency. `lane`: under_way, change, create or look",
            ),
            circuit: book.gauges(
                "oms_circuit_open",
                "1 while the OMS leaves calls unanswered and only a sweep is let out, otherwise 0",
            ),
            throttled: book.gauges(
                "oms_throttled",
                "1 if the OMS has asked for fewer calls (HTTP 429) within the last five minutes, otherwise 0",
            ),
            pause: book.fractions(
                "oms_pause_seconds",
                "How much is left of a pause that the OMS has asked for (Retry-After)",
            ),
            refused: book.counters(
                "oms_calls_refused",
                "Calls that were not sent. `reason`: circuit_open or paused",
            ),
        }
    }

    pub fn called(&self, of: Connection, action: Action, outcome: &'static str, seconds: f64) {
        let kind = if action.is_mutation() { CHANGE } else { LOOK };
        let label = Calls {
            connection: of.connection.clone(),
            kind,
        };
        self.seconds.get_or_create(&label).observe(seconds);
        let label = Call {
            connection: of.connection,
            action: action.as_str(),
            outcome,
        };
        self.calls.get_or_create(&label).inc();
    }

    pub fn forget(&self, connection: &str) {
        let classes = Class::ALL.iter().map(|class| class.as_str());
        let outcomes = ["done", "not_done", "unknown", "ok"].into_iter();
        for outcome in outcomes.chain(classes) {
            for action in Action::ALL {
                self.calls.remove(&Call {
                    connection: connection.to_owned(),
                    action: action.as_str(),
                    outcome,
                });
            }
        }
        for kind in [LOOK, CHANGE] {
            self.seconds.remove(&Calls {
                connection: connection.to_owned(),
                kind,
            });
        }
    }

    pub fn endpoints(
        &self,
        connections: impl Iterator<Item = (String, String, bool)>,
        standings: &[(String, Standing)],
    ) {
        self.leads.clear();
        self.ready.clear();
        for (connection, endpoint, ready) in connections {
            let label = Connection {
                connection: connection.clone(),
            };
            self.ready.get_or_create(&label).set(ready.into());
            if !endpoint.is_empty() {
                let label = Leads {
                    connection,
                    endpoint,
                };
                self.leads.get_or_create(&label).set(1);
            }
        }
        let by_endpoint = [&self.in_flight, &self.limit, &self.circuit, &self.throttled];
        by_endpoint.into_iter().for_each(Family::clear);
        self.waiting.clear();
        self.pause.clear();
        self.refused.clear();
        for (endpoint, standing) in standings {
            self.endpoint(endpoint, standing);
        }
    }

    fn endpoint(&self, endpoint: &str, standing: &Standing) {
        let label = Endpoint {
            endpoint: endpoint.to_owned(),
        };
        let open = standing.circuit != Circuit::Closed;
        for (figure, value) in [
            (&self.in_flight, i64::from(standing.under_way)),
            (&self.limit, i64::from(standing.limit)),
            (&self.circuit, open.into()),
            (&self.throttled, standing.asked_for_fewer.into()),
        ] {
            figure.get_or_create(&label).set(value);
        }
        let pause = standing.paused_for.unwrap_or_default();
        self.pause.get_or_create(&label).set(pause.as_secs_f64());
        for lane in Lane::ALL {
            let label = Waiting {
                endpoint: endpoint.to_owned(),
                lane: lane.as_str(),
            };
            let waiting = i64::try_from(standing.waiting(lane)).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&label).set(waiting);
        }
        for (reason, count) in [
            ("circuit_open", standing.refused_open),
            ("paused", standing.refused_paused),
        ] {
            let label = Refused {
                endpoint: endpoint.to_owned(),
                reason,
            };
            self.refused.get_or_create(&label).inc_by(count);
        }
    }
}
