//! Values that cannot be are refused, with words that say which and why.

use super::tools::{template, tools};

/// Settings, and what Helm's message has to contain.
const WRONG: &[(&[&str], &[&str])] = &[
    (
        &["replicas=2"],
        &["additional properties 'replicas' not allowed"],
    ),
    (
        &["image.name=x"],
        &["/image", "additional properties 'name' not allowed"],
    ),
    (
        &["metrics.serviceMonitor.enable=true"],
        &["/metrics/serviceMonitor", "'enable' not allowed"],
    ),
    (
        &["replicaCount=two"],
        &["/replicaCount", "got string, want integer"],
    ),
    (&["replicaCount=-1"], &["/replicaCount", "minimum"]),
    (
        &["crds.keep=maybe"],
        &["/crds/keep", "got string, want boolean"],
    ),
    (
        &["image.pullPolicy=Sometimes"],
        &["/image/pullPolicy", "'Always', 'IfNotPresent', 'Never'"],
    ),
    (
        &["image.digest=sha256:abc"],
        &["/image/digest", "does not match pattern"],
    ),
    (&["image.repository="], &["/image/repository", "minLength"]),
    (
        &["imagePullSecrets={registry}"],
        &["/imagePullSecrets/0", "got string, want object"],
    ),
    (
        &["oms.mutationTimeout=60"],
        &["/oms/mutationTimeout", "want string"],
    ),
    (
        &["minSweepInterval=10 seconds"],
        &["/minSweepInterval", "does not match pattern"],
    ),
    (
        &["watchNamespaces={Shop}"],
        &["/watchNamespaces/0", "does not match pattern"],
    ),
    (
        &["watchNamespaces={shop,shop}"],
        &["/watchNamespaces", "items at 0 and 1 are equal"],
    ),
    (
        &["watchNamespaces=shop"],
        &["/watchNamespaces", "got string, want array"],
    ),
    (
        &["defaultConnection.ref=prod"],
        &["/defaultConnection/ref", "does not match pattern"],
    ),
    (
        &["logging.level=verbose"],
        &[
            "/logging/level",
            "'error', 'warn', 'info', 'debug', 'trace'",
        ],
    ),
    (&["metrics.port=70000"], &["/metrics/port", "maximum"]),
    (&["concurrency=0"], &["/concurrency", "minimum"]),
    (
        &["commonLabels.team=7"],
        &["/commonLabels/team", "want string"],
    ),
    (
        &["fullnameOverride=Oms"],
        &["/fullnameOverride", "does not match pattern"],
    ),
    (
        &["terminationGracePeriodSeconds=30"],
        &[
            "terminationGracePeriodSeconds is 30",
            "a call in flight would be cut",
        ],
    ),
    (
        &["terminationGracePeriodSeconds=80", "oms.mutationTimeout=2m"],
        &["oms.mutationTimeout (2m)", "leave it at 0"],
    ),
    (
        &["leaderElection.enabled=false", "replicaCount=2"],
        &["replicaCount is 2 without leaderElection.enabled"],
    ),
    (
        &["watchSelector=shard=a"],
        &["watchSelector needs a Lease of its own", "oms-operator-a"],
    ),
    (
        &[
            "watchSelector=shard=a",
            "leaderElection.leaseName=oms-operator",
        ],
        &["watchSelector needs a Lease of its own"],
    ),
    (
        &["watchSelector={a,b}"],
        &["/watchSelector", "got array, want string"],
    ),
    (
        &["defaultConnection.create.enabled=true"],
        &[
            "defaultConnection.create.spec.url is missing",
            "defaultConnection.create.spec.credentialsSecretRef is missing",
        ],
    ),
    (
        &[
            "watchNamespaces={shop}",
            "defaultConnection.ref=oms-system/prod",
        ],
        &["oms-system/prod lies in a namespace that is not in watchNamespaces"],
    ),
    (
        &[
            "metrics.serviceMonitor.enabled=true",
            "metrics.service.enabled=false",
        ],
        &["metrics.serviceMonitor.enabled needs metrics.service.enabled"],
    ),
    (
        &[
            "metrics.serviceMonitor.enabled=true",
            "metrics.podMonitor.enabled=true",
        ],
        &["scraped twice"],
    ),
    (
        &["oms.mutationTimeout=0s"],
        &["oms.mutationTimeout is 0s: it is at least 1s"],
    ),
    (
        &["minSweepInterval=0ms"],
        &["minSweepInterval is 0ms: it is at least 100ms"],
    ),
    (
        &["leaderElection.leaseDuration=10s"],
        &["leaseDuration (10s) has to be longer than renewDeadline (10s)"],
    ),
    (
        &["leaderElection.renewDeadline=2s"],
        &["renewDeadline (2s) has to be longer than retryPeriod (2s)"],
    ),
    (
        &["leaderElection.leaseDuration=15500ms"],
        &["leaseDuration is 15500ms", "whole seconds"],
    ),
    (
        &["oms.connectTimeout=11s"],
        &["oms.connectTimeout (11s) and 2 s for sending together"],
    ),
    (
        &["leaderElection.leaseName=Oms"],
        &["/leaderElection/leaseName", "does not match pattern"],
    ),
    (
        &["serviceAccount.name=oms operator"],
        &["/serviceAccount/name", "does not match pattern"],
    ),
    (
        &["image.tag=v1/2"],
        &["/image/tag", "does not match pattern"],
    ),
    (
        &["podDisruptionBudget.maxUnavailable=half"],
        &[
            "/podDisruptionBudget/maxUnavailable",
            "does not match pattern",
        ],
    ),
    (
        &["podDisruptionBudget.minAvailable=-1"],
        &["/podDisruptionBudget/minAvailable", "minimum"],
    ),
    (
        &["metrics.serviceMonitor.interval=often"],
        &["/metrics/serviceMonitor/interval", "does not match pattern"],
    ),
    (
        &["namePattern=project"],
        &["/namePattern", "does not match pattern"],
    ),
    (
        &["dnsPolicy=None"],
        &["dnsPolicy is None without dnsConfig.nameservers"],
    ),
    (
        &["dnsPolicy=ClusterFirstWithHostNet"],
        &["/dnsPolicy", "'ClusterFirst', 'Default', 'None'"],
    ),
    (
        &["health.port=8080"],
        &["health.port and metrics.port are both 8080"],
    ),
];

#[test]
fn every_wrong_value_is_refused_with_its_reason() {
    assert!(WRONG.len() >= 15);
    for helm in tools().helms() {
        for (settings, wanted) in WRONG {
            let mut args = Vec::new();
            for setting in *settings {
                args.extend(["--set", setting]);
            }
            let Err(words) = template(helm, &args) else {
                panic!("{settings:?} is taken by {}", helm.display());
            };
            for part in *wanted {
                assert!(
                    words.contains(part),
                    "{settings:?}: no {part:?} in\n{words}"
                );
            }
        }
    }
}

#[test]
fn everything_that_does_not_go_together_is_said_at_once() {
    let settings = "health.port=8080,terminationGracePeriodSeconds=30";
    let words = template(tools().helm(), &["--set", settings]).expect_err("two mistakes");
    assert!(
        words.contains("are both 8080") && words.contains("would be cut"),
        "{words}"
    );
}

#[test]
fn values_of_the_charts_around_are_let_through() {
    template(tools().helm(), &["--set", "global.imageRegistry=x"])
        .expect("global is nobody's mistake");
}
