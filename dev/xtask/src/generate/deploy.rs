//! `deploy/`: the chart as plain manifests, for kubectl and kustomize. Rendered by Helm itself, so that there is one truth.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use oms_harness::Tools;
use oms_operator::api::{Kind, crds_yaml};
use serde_json::Value;

use super::chart;
use crate::paths::root;

/// Where the plain manifests are installed.
const NAMESPACE: &str = "oms-system";

/// Labels of Helm's own, which would be untrue here.
const OF_HELM: [&str; 2] = ["helm.sh/chart: ", "app.kubernetes.io/managed-by: "];

/// The definitions, which the code has.
pub fn definitions() -> Vec<(PathBuf, String)> {
    let file = |kind: Kind| {
        let path = format!("deploy/crds/{}.yaml", kind.definition_name());
        (root().join(path), crds_yaml(kind))
    };
    Kind::ALL.into_iter().map(file).collect()
}

/// Everything else, which the chart has.
pub fn rendered() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let tools = Tools::find().context("deploy/ is rendered from the chart by Helm")?;
    let render = |folder: &str, settings: &[&str]| -> anyhow::Result<Vec<(PathBuf, String)>> {
        let rendered = template(&tools, settings)?;
        let files = [("rbac.yaml", true), ("operator.yaml", false)];
        let mut out = Vec::new();
        for (name, rights) in files {
            let text = manifests(&rendered, |kind| is_right(kind) == rights)?;
            let text = match rights {
                true => format!("{HEAD}{}---\n{text}", namespace()),
                false => format!("{HEAD}{text}"),
            };
            out.push((root().join("deploy").join(folder).join(name), text));
        }
        Ok(out)
    };
    let mut files = render("default", &["crds.enabled=false"])?;
    let watched = format!("watchNamespaces={{{NAMESPACE}}}");
    files.extend(render("namespaced", &["crds.enabled=false", &watched])?);
    let policy = template(
        &tools,
        &["crds.enabled=false", "admissionPolicy.enabled=true"],
    )?;
    let policy = manifests(&policy, |kind| {
        kind.starts_with("ValidatingAdmissionPolicy")
    })?;
    let path = root().join("deploy/admission-policy/policy.yaml");
    files.push((path, format!("{HEAD}{policy}")));
    Ok(files)
}

const HEAD: &str = "# Rendered from charts/oms-operator by `cargo xtask generate`. Do not edit.\n";

fn namespace() -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {NAMESPACE}\n  labels:\n    \
         pod-security.kubernetes.io/enforce: restricted\n"
    )
}

fn is_right(kind: &str) -> bool {
    kind.starts_with("ClusterRole") || kind.starts_with("Role") || kind == "ServiceAccount"
}

/// `helm template` with these settings.
fn template(tools: &Tools, settings: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(tools.helm());
    command
        .current_dir(root())
        .args(["template", "oms-operator", chart::FOLDER])
        .args(["--namespace", NAMESPACE])
        .stdin(Stdio::null());
    for setting in settings {
        command.args(["--set", setting]);
    }
    let output = command.output().context("cannot run helm")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("helm template: {}", said.trim());
    }
    String::from_utf8(output.stdout).context("helm template gave no text")
}

/// The manifests of these kinds, without what is Helm's.
fn manifests(rendered: &str, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let mut parts = Vec::new();
    for part in format!("\n{rendered}").split("\n---\n") {
        let object: Value = serde_saphyr::from_str(part).context("helm template gave no YAML")?;
        if object["kind"].as_str().is_some_and(&is_wanted) {
            parts.push(without_helm(part));
        }
    }
    Ok(parts.join("---\n"))
}

fn without_helm(part: &str) -> String {
    let is_ours = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with("# Source: ") && !OF_HELM.iter().any(|label| line.starts_with(label))
    };
    let lines = part.trim().lines().filter(is_ours);
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_helms_is_left_out_and_comments_stay() {
        let rendered = "---\n# Source: a/b.yaml\n# Why.\nkind: Role\nmetadata:\n  labels:\n    \
                        app.kubernetes.io/managed-by: Helm\n    helm.sh/chart: x-1\n    a: b\n---\nkind: Service\n";
        assert_eq!(
            manifests(rendered, |kind| kind == "Role").unwrap(),
            "# Why.\nkind: Role\nmetadata:\n  labels:\n    a: b\n"
        );
    }
}
