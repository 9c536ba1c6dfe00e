//! What the chart renders, and what the API server says to it.

use oms_harness::{ControlPlane, Options};
use oms_operator::api::{Kind, crds_yaml};

use super::tools::{chart, objects, run, template, title, tools, value_sets};

#[test]
fn helm_finds_nothing_to_complain_about() {
    let chart = chart();
    let chart = chart.to_str().expect("a path");
    for helm in tools().helms() {
        let base = [
            "lint",
            "--strict",
            chart,
            "--kube-version",
            oms_harness::kubernetes_version(),
        ];
        run(helm, &base, "").unwrap_or_else(|words| panic!("{}: {words}", helm.display()));
        for (name, path) in value_sets() {
            let mut args = base.to_vec();
            args.extend(["--values", path.to_str().expect("a path")]);
            run(helm, &args, "").unwrap_or_else(|words| panic!("{name}: {words}"));
        }
    }
}

/// Helm 3 and Helm 4 install the same.
#[test]
fn both_helms_render_the_same() {
    for (name, path) in value_sets() {
        let values = ["--values", path.to_str().expect("a path")];
        let rendered: Vec<String> = tools()
            .helms()
            .map(|helm| template(helm, &values).unwrap_or_else(|words| panic!("{name}: {words}")))
            .collect();
        assert_eq!(objects(&rendered[0]), objects(&rendered[1]), "{name}");
    }
}

#[tokio::test]
async fn the_api_server_takes_what_every_set_of_values_renders() {
    let sets = value_sets();
    assert!(sets.len() >= 8, "{sets:?}");
    // One of its own: the plain manifests, applied beside, would own fields of the same objects.
    let plane = ControlPlane::start(Options {
        controllers: false,
        ..Options::default()
    });
    let plane = plane.await.expect("a control plane");
    for kind in Kind::ALL {
        plane
            .apply_yaml(&crds_yaml(kind))
            .await
            .expect("a definition");
    }
    for definition in super::tools::monitoring_definitions() {
        plane
            .apply_yaml(&definition)
            .await
            .expect("a definition of the Prometheus operator");
    }
    let kubeconfig = plane.kubeconfig();
    let kubeconfig = kubeconfig.to_str().expect("a path");
    for (name, path) in sets {
        let values = [
            "--values",
            path.to_str().expect("a path"),
            "--api-versions",
            "oms.oceanbase.com/v1alpha1/OMSConnection",
        ];
        let rendered = template(tools().helm(), &values).expect("a render");
        for object in objects(&rendered) {
            let (_, namespace, _) = title(&object);
            if !namespace.is_empty() {
                plane
                    .apply_yaml(&format!(
                        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"
                    ))
                    .await
                    .expect("a namespace");
            }
        }
        for way in [&["--server-side", "--force-conflicts"][..], &[]] {
            let mut args = vec![
                "--kubeconfig",
                kubeconfig,
                "apply",
                "--dry-run=server",
                "--validate=strict",
            ];
            args.extend(way);
            args.extend(["-f", "-"]);
            run(&tools().kubectl, &args, &rendered)
                .unwrap_or_else(|words| panic!("{name}: {words}"));
        }
    }
    plane.stop().await.expect("its end");
}
