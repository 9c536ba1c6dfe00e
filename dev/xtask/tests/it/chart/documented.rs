//! What docs/install.md and docs/uninstall.md tell to type, where a mistake would cost somebody something: typed as it
//! stands there.

use std::fs;
use std::path::Path;

use oms_harness::{ControlPlane, Options};
use serde_json::Value;

use super::tools::{root, run, tools};

/// A cluster, and a shell in a clone of the repository.
struct Shell {
    plane: ControlPlane,
    /// Where `helm` and `kubectl` are.
    path: String,
}

impl Shell {
    async fn new(helm: &Path) -> Self {
        let plane = ControlPlane::start(Options {
            controllers: false,
            ..Options::default()
        });
        let plane = plane.await.expect("a control plane");
        let bin = plane.folder().join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        for (name, program) in [("helm", helm), ("kubectl", &tools().kubectl)] {
            std::os::unix::fs::symlink(program, bin.join(name)).expect("a link");
        }
        let path = bin.display().to_string();
        Self { plane, path }
    }

    /// Runs a command; gives what it prints.
    fn types(&self, command: &str) -> String {
        let script = format!(
            "export PATH={}:$PATH KUBECONFIG={}\ncd {}\n{command}",
            self.path,
            self.plane.kubeconfig().display(),
            root().display(),
        );
        run(Path::new("/bin/sh"), &["-ec", &script], "")
            .unwrap_or_else(|words| panic!("{command}: {words}"))
    }

    fn get(&self, what: &str) -> Value {
        let text = self.types(&format!("kubectl get {what} --output json"));
        serde_json::from_str(&text).expect("JSON")
    }

    /// The connection is there, and where the operator of the plain manifests looks.
    fn connection_is_watched(&self, name: &str) {
        let connections = self.get("omsconnections --all-namespaces");
        let all = connections["items"].as_array().expect("a list");
        let found = all.iter().find(|one| one["metadata"]["name"] == name);
        let namespace = &found.expect("the connection")["metadata"]["namespace"];
        let deployment = self.get("deployment/oms-operator --namespace oms-system");
        let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let args = args.as_array().expect("arguments").iter();
        let watched: Vec<&str> = args
            .filter_map(|arg| arg.as_str()?.strip_prefix("--watch-namespace="))
            .collect();
        let namespace = namespace.as_str().expect("a namespace");
        assert!(
            watched.is_empty() || watched.contains(&namespace),
            "{name} lies in {namespace}, and the operator looks into {watched:?}"
        );
    }
}

/// The command of a page that begins so, with the lines that it goes on in.
fn documented(page: &str, start: &str) -> String {
    let text = fs::read_to_string(root().join(page)).expect("the page");
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| line.starts_with(start));
    let mut command = first
        .unwrap_or_else(|| panic!("{page} has no command {start}"))
        .to_owned();
    while command.ends_with('\\') {
        command.pop();
        command.push_str(lines.next().expect("the line that it goes on in"));
    }
    command
}

/// Argo CD's ConfigMap is mostly made by `kubectl apply`, and holds all of its settings.
#[tokio::test]
async fn the_health_is_added_to_argo_cds_settings_and_takes_none_of_them_away() {
    let shell = Shell::new(tools().helm()).await;
    shell.types(
        "kubectl create namespace argocd\nkubectl apply --namespace argocd -f - <<'EOF'\n\
         {apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, labels: {team: platform}}, \
         data: {url: 'https://argocd.example.com'}}\nEOF",
    );
    for page in ["docs/install.md", "docs/gitops.md"] {
        shell.types(&documented(page, "kubectl patch configmap argocd-cm"));
        let settings = shell.get("configmap argocd-cm --namespace argocd");
        assert_eq!(settings["metadata"]["labels"]["team"], "platform", "{page}");
        let data = settings["data"].as_object().expect("keys");
        assert!(data.contains_key("url"), "{page}: {:?}", data.keys());
        assert_eq!(data.len(), 5, "{page}: {:?}", data.keys());
    }
    shell.plane.stop().await.expect("its end");
}

#[tokio::test]
async fn the_operator_of_the_plain_manifests_goes_and_leaves_what_is_the_users() {
    let shell = Shell::new(tools().helm()).await;
    for way in ["default", "namespaced"] {
        for folder in [way, "admission-policy"] {
            shell.types(&documented(
                "docs/install.md",
                &format!("kubectl apply --server-side -k deploy/{folder}"),
            ));
        }
        shell
            .types("kubectl wait --for=condition=Established crd/omsconnections.oms.oceanbase.com");
        for page in ["README.md", "docs/install.md"] {
            shell.types(&documented(page, "kubectl apply --server-side -n"));
        }
        shell.connection_is_watched("oms");
        shell.types(&documented(
            "docs/uninstall.md",
            "kubectl apply --server-side -k deploy/release-all",
        ));
        shell.types(&documented(
            "docs/uninstall.md",
            "kubectl delete deployment,",
        ));
        shell.types("kubectl get omsconnection/oms secret/oms-credentials --namespace oms-system");
        let kinds = "deployments,jobs,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,\
                     validatingadmissionpolicies,validatingadmissionpolicybindings";
        let left = shell.get(&format!("{kinds} --all-namespaces"));
        let left = left["items"].as_array().expect("a list").iter();
        let names = left.map(|object| object["metadata"]["name"].to_string());
        let ours: Vec<String> = names.filter(|name| name.contains("oms-")).collect();
        assert!(ours.is_empty(), "{way}: {ours:?}");
    }
    shell.plane.stop().await.expect("its end");
}

/// Helm forgets what was set before as soon as anything is set, unless it is told not to.
#[tokio::test]
async fn who_goes_back_with_the_chart_keeps_definitions_and_values() {
    for helm in tools().helms() {
        let shell = Shell::new(helm).await;
        shell.types(
            "helm install oms-operator charts/oms-operator --namespace oms-system \
             --create-namespace --set 'watchNamespaces={oms-system}'",
        );
        let command = documented("docs/install.md", "helm upgrade oms-operator oci://");
        let here = command
            .replace(
                "oci://ghcr.io/oceanbase/charts/oms-operator",
                "charts/oms-operator",
            )
            .replace("--version OLDER", "");
        assert_ne!(here, command);
        shell.types(&here);
        let values = shell.types("helm get values oms-operator --namespace oms-system -o json");
        let values: Value = serde_json::from_str(&values).expect("JSON");
        assert_eq!(values["watchNamespaces"][0], "oms-system");
        assert_eq!(values["crds"]["enabled"], false);
        shell.get("crd/migrationprojects.oms.oceanbase.com");
        // And forward again.
        shell.types(
            "helm upgrade oms-operator charts/oms-operator --namespace oms-system \
             --reset-then-reuse-values --set crds.enabled=true",
        );
        let manifest = shell.types("helm get manifest oms-operator --namespace oms-system");
        assert!(manifest.contains("kind: CustomResourceDefinition"));
        shell.plane.stop().await.expect("its end");
    }
}
