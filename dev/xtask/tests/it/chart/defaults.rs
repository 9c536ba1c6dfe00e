//! The chart says nothing else than the operator: defaults, versions, the time to end.

use std::fs;

use clap::CommandFactory as _;
use oms_operator::cli::Cli;
use serde_json::Value;

use super::tools::{chart, objects, template, tools};

/// The arguments of the container.
fn arguments(settings: &[&str]) -> Vec<String> {
    let deployment = deployment(settings);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let args = container["args"].as_array().expect("arguments");
    let text = |arg: &Value| arg.as_str().expect("a text").to_owned();
    args.iter().map(text).collect()
}

fn deployment(settings: &[&str]) -> Value {
    let mut args = Vec::new();
    for setting in settings {
        args.extend(["--set", setting]);
    }
    let rendered = template(tools().helm(), &args).expect("a render");
    let mut deployments = objects(&rendered);
    deployments.retain(|object| object["kind"] == "Deployment");
    deployments.pop().expect("a Deployment")
}

/// Whoever installs by the chart and whoever runs the binary get the same operator. What differs is listed here.
#[test]
fn flags_that_the_chart_sets_have_the_operators_defaults() {
    let mut command = Cli::command();
    command.build();
    let run = command.find_subcommand("run").expect("the command");
    let own = ["--log-filter", "--leader-elect"];
    let mut seen = 0;
    for argument in arguments(&[]).iter().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        let flag = run
            .get_arguments()
            .find(|arg| arg.get_long() == name.strip_prefix("--"));
        let flag = flag.unwrap_or_else(|| panic!("the operator has no {name}"));
        if !own.contains(&name) {
            let defaults: Vec<_> = flag
                .get_default_values()
                .iter()
                .map(|value| value.to_string_lossy())
                .collect();
            assert_eq!(defaults, [value], "{name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// A value that is set is set to something that the operator takes.
#[test]
fn the_operator_takes_the_arguments_of_every_set_of_values() {
    for (name, path) in super::tools::value_sets() {
        let rendered = template(
            tools().helm(),
            &["--values", path.to_str().expect("a path")],
        );
        for object in objects(&rendered.expect("a render")) {
            if object["kind"] == "Deployment" {
                let args = &object["spec"]["template"]["spec"]["containers"][0]["args"];
                let args = args.as_array().expect("arguments").iter();
                let args = args.map(|arg| arg.as_str().expect("a text"));
                let parsed =
                    Cli::command().try_get_matches_from(["oms-operator"].into_iter().chain(args));
                parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}

#[test]
fn what_extra_arguments_say_outweighs_what_the_chart_says() {
    let args = arguments(&[
        "extraArgs={--concurrency=7,--watch-namespace=b}",
        "watchNamespaces={a}",
    ]);
    let parsed =
        Cli::command().try_get_matches_from(["oms-operator".to_owned()].into_iter().chain(args));
    let parsed = parsed.expect("taken");
    let run = parsed.subcommand_matches("run").expect("the command");
    assert_eq!(run.get_one::<u16>("concurrency"), Some(&7));
    let watched: Vec<&String> = run.get_many("watch_namespaces").expect("some").collect();
    assert_eq!(watched, ["a", "b"], "of what can be repeated all count");
}

#[test]
fn the_pod_has_time_to_end_a_call_in_flight() {
    for (call, least) in [
        ("60s", 70),
        ("2m", 130),
        ("1m30s", 100),
        ("1.5m", 100),
        ("1h", 3610),
        ("1500ms", 12),
    ] {
        let parsed = Cli::command().try_get_matches_from([
            "oms-operator",
            "run",
            &format!("--oms-mutation-timeout={call}"),
        ]);
        parsed.unwrap_or_else(|error| panic!("{call}: {error}"));
        let deployment = deployment(&[&format!("oms.mutationTimeout={call}")]);
        let grace = &deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
        assert!(
            grace.as_u64().is_some_and(|grace| grace >= least),
            "{call}: {grace}"
        );
    }
}

#[test]
fn chart_and_operator_have_one_version() {
    let text = fs::read_to_string(chart().join("Chart.yaml")).expect("the file");
    let chart: Value = serde_saphyr::from_str(&text).expect("YAML");
    for key in ["version", "appVersion"] {
        assert_eq!(chart[key], env!("CARGO_PKG_VERSION"), "{key}");
    }
}

/// YAML takes 123 for a number, and on for a truth; neither may stand where a name has to.
#[test]
fn a_release_may_be_called_a_number_and_a_chart_a_truth() {
    let chart = chart();
    let settings = "nameOverride=on,fullnameOverride=off,leaderElection.leaseName=77,serviceAccount.name=0123,\
                    priorityClassName=1,runtimeClassName=2";
    let args = [
        "template",
        "123",
        chart.to_str().expect("a path"),
        "--namespace=456",
        "--kube-version",
        oms_harness::kubernetes_version(),
        "--set-string",
        settings,
        "--set",
        "replicaCount=2,admissionPolicy.enabled=true",
    ];
    for more in [&[][..], &["--set-string", "watchNamespaces={456,789}"]] {
        let args = [&args[..], more].concat();
        let rendered = super::tools::run(tools().helm(), &args, "").expect("a render");
        for object in objects(&rendered) {
            if object["kind"] != "CustomResourceDefinition" {
                names_are_texts(&object, &object["kind"].to_string());
            }
        }
    }
}

/// Of an object, below every key that names something.
fn names_are_texts(value: &Value, path: &str) {
    const NAMING: [&str; 10] = [
        "labels",
        "matchLabels",
        "selector",
        "name",
        "namespace",
        "serviceAccountName",
        "policyName",
        "priorityClassName",
        "runtimeClassName",
        "resourceNames",
    ];
    for (key, inner) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let texts: Vec<&Value> = match inner {
            Value::Object(map) => map.values().filter(|one| !one.is_object()).collect(),
            Value::Array(list) => list.iter().filter(|one| !one.is_object()).collect(),
            plain => vec![plain],
        };
        if NAMING.contains(&key.as_str()) {
            assert!(texts.iter().all(|text| text.is_string()), "{path}: {inner}");
        }
        names_are_texts(inner, &path);
    }
    for inner in value.as_array().into_iter().flatten() {
        names_are_texts(inner, path);
    }
}

/// Each for its own namespace, under one name, as two teams do it that know nothing of each other.
#[test]
fn releases_for_some_namespaces_share_no_object() {
    let chart = chart();
    let chart = chart.to_str().expect("a path");
    let titles = |namespace: &str| -> std::collections::BTreeSet<_> {
        let watched = format!("watchNamespaces={{{namespace}}}");
        let namespace = format!("--namespace={namespace}");
        let mut args = vec!["template", "oms-operator", chart, &namespace];
        args.extend(["--kube-version", oms_harness::kubernetes_version()]);
        // The definitions are for all: one release has them.
        let shared = "crds.enabled=false,admissionPolicy.enabled=true,metrics.serviceMonitor.enabled=true,\
                      metrics.serviceMonitor.namespace=monitoring,metrics.prometheusRule.enabled=true,\
                      metrics.prometheusRule.namespace=monitoring,metrics.dashboards.enabled=true,\
                      metrics.dashboards.namespace=monitoring";
        args.extend(["--set", &watched, "--set", shared]);
        let rendered = super::tools::run(tools().helm(), &args, "").expect("a render");
        objects(&rendered).iter().map(super::tools::title).collect()
    };
    let (one, other) = (titles("shop"), titles("billing"));
    assert!(one.len() > 12, "{one:?}");
    let both: Vec<_> = one.intersection(&other).collect();
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn replicas_prefer_different_nodes_unless_something_else_is_said() {
    let affinity =
        |settings: &[&str]| deployment(settings)["spec"]["template"]["spec"]["affinity"].clone();
    let term = "/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm";
    let preferred = affinity(&["replicaCount=2"]);
    let term = preferred.pointer(term).expect("a term");
    assert_eq!(term["topologyKey"], "kubernetes.io/hostname");
    assert!(affinity(&["replicaCount=1"]).is_null());
    let zones = "topologySpreadConstraints[0].topologyKey=zone";
    assert!(affinity(&["replicaCount=2", zones]).is_null());
}

#[test]
fn a_variable_that_is_given_stands_in_place_of_the_charts_own() {
    let deployment = deployment(&[
        "extraEnv[0].name=POD_NAMESPACE,extraEnv[0].value=a",
        "extraEnv[1].name=OMS_OPERATOR_LEADER_ELECT_NAMESPACE,extraEnv[1].value=b",
    ]);
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let env = env.as_array().expect("variables");
    let values: Vec<&Value> = env.iter().map(|one| &one["value"]).collect();
    assert_eq!(values, ["a", "b"]);
}

/// What the name of a release has to do with the names of what it installs.
#[test]
fn names_stay_short_enough_whatever_the_release_is_called() {
    let chart = chart();
    let release = "a".repeat(53);
    let args = [
        "template",
        &release,
        chart.to_str().expect("a path"),
        "--kube-version",
        oms_harness::kubernetes_version(),
    ];
    let rendered = super::tools::run(tools().helm(), &args, "").expect("a render");
    for object in objects(&rendered) {
        let name = object["metadata"]["name"].as_str().expect("a name");
        if object["kind"] != "CustomResourceDefinition" {
            assert!(name.len() <= 63, "{name}");
        }
    }
}
