//! `docs/metrics.md`: every figure that the operator serves.

use oms_operator::telemetry::Metrics;

use super::markdown::{code, head, heads, prose, row};

/// The page.
pub fn page() -> String {
    let mut page = head("Metrics");
    page.push_str(
        "\n`/metrics` (port 8080, `--metrics-addr`) serves these in the OpenMetrics form. A counter is scraped with `_total`\n\
         at its end, a histogram with `_bucket`, `_sum` and `_count`.\n\
         \nNo label holds the name of a MigrationProject: how many series there are follows from the number of connections,\n\
         not from that of projects. The series of an OMSConnection end with it. A figure without a value yet (the lag, where\n\
         nothing follows changes) is not served. `connection` is namespace/name of an OMSConnection, `endpoint` the address of\n\
         an OMS, to which several connections may lead: `oms_operator_connection_info` has both.\n\
         \nNone of it has to be put together by hand. The [chart](../charts/oms-operator/README.md) has, each behind a value:\n\
         a ServiceMonitor or PodMonitor (`metrics.serviceMonitor.enabled`, `metrics.podMonitor.enabled`), the alerts of\n\
         [alerts.yaml](../charts/oms-operator/files/alerts.yaml) as a PrometheusRule (`metrics.prometheusRule.enabled`), and the\n\
         Grafana dashboard [dashboard.json](../charts/oms-operator/files/dashboard.json) as a ConfigMap for Grafana's sidecar\n\
         (`metrics.dashboards.enabled`). Without the chart: the alerts go into Prometheus' `rule_files`, and the dashboard is\n\
         imported in Grafana, both as they are.\n",
    );
    page.push_str(&heads(&["Name", "Type", "Labels", "Meaning"]));
    for figure in Metrics::new().rows() {
        let labels: Vec<String> = figure.labels.iter().map(|label| code(label)).collect();
        page.push_str(&row([
            code(&figure.name).as_str(),
            figure.kind,
            &labels.join(", "),
            &prose(&format!("{}.", figure.help)),
        ]));
    }
    page
}
