//! `deploy/`: the same as the chart, and applicable as it is.

use std::collections::BTreeMap;

use oms_harness::{ControlPlane, Options};
use serde_json::Value;

use super::tools::{objects, root, run, template, title, tools};

/// What Helm adds of its own, in labels and annotations.
const OF_HELM: [&str; 3] = [
    "helm.sh/chart",
    "app.kubernetes.io/managed-by",
    "helm.sh/resource-policy",
];

type Titled = BTreeMap<(String, String, String), Value>;

fn kustomized(folder: &str) -> String {
    let folder = root().join("deploy").join(folder);
    let args = ["kustomize", folder.to_str().expect("a path")];
    run(&tools().kubectl, &args, "").unwrap_or_else(|words| panic!("{}: {words}", folder.display()))
}

/// The objects by their titles, without what is Helm's.
fn titled(text: &str) -> Titled {
    let mut titled = Titled::new();
    for mut object in objects(text) {
        without_helm(&mut object["metadata"]);
        if object["kind"] == "Deployment" {
            without_helm(&mut object["spec"]["template"]["metadata"]);
        }
        if object["kind"] == "CustomResourceDefinition" {
            // Every object of a release has the chart's labels; the definitions of the code have none.
            object["metadata"]
                .as_object_mut()
                .expect("metadata")
                .remove("labels");
        }
        titled.insert(title(&object), object);
    }
    titled
}

fn without_helm(metadata: &mut Value) {
    for field in ["labels", "annotations"] {
        if let Some(Value::Object(map)) = metadata.get_mut(field) {
            map.retain(|key, _| !OF_HELM.contains(&key.as_str()));
            if map.is_empty() {
                metadata.as_object_mut().expect("a map").remove(field);
            }
        }
    }
}

fn assert_equal_but_for_the_namespace(folder: &str, settings: &[&str]) {
    let mut plain = titled(&kustomized(folder));
    let namespace = (
        "Namespace".to_owned(),
        String::new(),
        "oms-system".to_owned(),
    );
    assert!(
        plain.remove(&namespace).is_some(),
        "deploy/{folder} makes its namespace"
    );
    let chart = titled(&template(tools().helm(), settings).expect("a render"));
    let names = |of: &Titled| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&plain), names(&chart), "deploy/{folder}");
    for (title, object) in chart {
        assert_eq!(plain[&title], object, "deploy/{folder}: {title:?}");
    }
}

#[test]
fn plain_manifests_and_chart_are_the_same() {
    assert_equal_but_for_the_namespace("default", &[]);
    assert_equal_but_for_the_namespace("namespaced", &["--set", "watchNamespaces={oms-system}"]);
}

/// The folder is there to be copied: what it changes is all that has to be changed.
#[test]
fn in_another_namespace_nothing_is_left_of_the_old_one() {
    let rendered = kustomized("elsewhere");
    assert!(!rendered.contains("oms-system"), "{rendered}");
    let account = "system:serviceaccount:platform:oms-operator";
    let policies = objects(&rendered);
    let mut policies = policies
        .iter()
        .filter(|object| object["kind"] == "ValidatingAdmissionPolicy");
    let validation = &policies.next().expect("the policy")["spec"]["validations"][0];
    for words in ["expression", "messageExpression"] {
        let words = validation[words].as_str().expect("CEL");
        assert!(words.contains(account), "{words}");
    }
    // But for the namespace, it is what the two folders give.
    let mut plain = titled(&kustomized("default").replace("oms-system", "platform"));
    plain.extend(titled(
        &kustomized("admission-policy").replace("oms-system", "platform"),
    ));
    let rendered = titled(&rendered).into_values().map(|mut object| {
        // kustomize takes a policy for namespaced; the API server drops that.
        if object["kind"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("Validating"))
        {
            object["metadata"]
                .as_object_mut()
                .expect("metadata")
                .remove("namespace");
        }
        (title(&object), object)
    });
    assert_eq!(rendered.collect::<Titled>(), plain);
}

#[test]
fn the_policy_is_that_of_the_chart() {
    let plain = titled(&kustomized("admission-policy"));
    assert_eq!(plain.len(), 2);
    let chart = template(tools().helm(), &["--set", "admissionPolicy.enabled=true"]);
    let chart = titled(&chart.expect("a render"));
    for (title, object) in plain {
        assert_eq!(chart.get(&title), Some(&object), "{title:?}");
    }
}

/// Once for each way, on a control plane of its own: what the first one makes would be there for the second.
#[tokio::test]
async fn kubectl_applies_every_folder_server_side_and_client_side() {
    for (way, folder) in [
        (&["--server-side"][..], "default"),
        (&[], "default"),
        (&["--server-side"], "namespaced"),
        (&["--server-side"], "elsewhere"),
        (&[], "elsewhere"),
    ] {
        let plane = ControlPlane::start(Options {
            controllers: false,
            ..Options::default()
        });
        let plane = plane.await.expect("a control plane");
        let kubeconfig = plane.kubeconfig();
        let kubectl = |folder: &str| {
            let folder = root().join("deploy").join(folder);
            let mut args = vec![
                "--kubeconfig",
                kubeconfig.to_str().expect("a path"),
                "apply",
            ];
            args.extend(way);
            args.extend(["-k", folder.to_str().expect("a path")]);
            run(&tools().kubectl, &args, "")
        };
        let mut folders = vec!["crds", folder];
        if folder != "elsewhere" {
            folders.push("admission-policy");
        }
        for folder in &folders {
            kubectl(folder).unwrap_or_else(|words| panic!("{way:?} {folder}: {words}"));
        }
        // Again: nothing is to be done.
        for folder in folders {
            let said = kubectl(folder).expect("applied twice");
            let changed = said
                .lines()
                .find(|line| line.ends_with(" created") || line.ends_with(" configured"));
            assert_eq!(changed, None, "{way:?} {folder}");
        }
        plane.stop().await.expect("its end");
    }
}
