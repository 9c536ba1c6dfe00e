//! What users install things with: Helm 3 and 4, and kubectl. Found or built like the control plane, and kept beside it.

use std::path::{Path, PathBuf};

use crate::binaries::{KUBECTL, Places};

const MOD: &str = include_str!("../tools/go.mod");

/// The major versions of Helm that charts have to work with, the newest first.
const HELM: [&str; 2] = ["v4", "v3"];

/// The tools.
#[derive(Clone, Debug)]
pub struct Tools {
    /// kubectl, which has kustomize in it.
    pub kubectl: PathBuf,
    helm: [PathBuf; 2],
}

impl Tools {
    /// Finds them, and builds what is missing when there is Go: some minutes, once per machine and version.
    pub fn find() -> anyhow::Result<Tools> {
        Tools::find_in(&Places::from_environment()?)
    }

    fn find_in(places: &Places) -> anyhow::Result<Tools> {
        let helm = HELM.map(helm_name);
        let in_assets = places.assets.as_ref().map(|assets| assets.join(KUBECTL));
        let in_assets = in_assets.filter(|kubectl| kubectl.is_file());
        let mut names: Vec<&str> = helm.iter().map(String::as_str).collect();
        if in_assets.is_none() {
            names.push(KUBECTL);
        }
        places.cached_or(&names, "Install Go (https://go.dev/dl/) and run this again")?;
        Ok(Tools {
            kubectl: in_assets.unwrap_or_else(|| places.cache.join(KUBECTL)),
            helm: helm.map(|name| places.cache.join(name)),
        })
    }

    /// The newest Helm.
    pub fn helm(&self) -> &Path {
        &self.helm[0]
    }

    /// Every Helm, the newest first.
    pub fn helms(&self) -> impl Iterator<Item = &Path> {
        self.helm.iter().map(PathBuf::as_path)
    }
}

/// What a Helm is called in the cache: its version is part of it, because the cache is kept by that of Kubernetes.
fn helm_name(major: &str) -> String {
    let module = format!("helm.sh/helm/{major} ");
    let version = MOD
        .lines()
        .find_map(|line| line.trim().strip_prefix(&module))
        .and_then(|rest| rest.split_whitespace().next())
        .expect("the go.mod in tools/ requires it");
    format!("helm-{version}")
}

/// The package of a program with such a name.
pub(crate) fn helm_package(name: &str) -> Option<String> {
    let version = name.strip_prefix("helm-")?;
    let (major, _) = version.split_once('.')?;
    Some(format!("helm.sh/helm/{major}/cmd/helm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helm_is_built_from_the_module_of_its_major_version() {
        for major in HELM {
            let name = helm_name(major);
            assert!(name.starts_with(&format!("helm-{major}.")), "{name}");
            let package = helm_package(&name);
            assert_eq!(package, Some(format!("helm.sh/helm/{major}/cmd/helm")));
        }
        assert_eq!(helm_package("kube-apiserver"), None);
    }

    #[test]
    fn without_go_the_error_says_what_helps() {
        let places = Places {
            assets: None,
            cache: "/nowhere".into(),
            go: None,
        };
        let error = Tools::find_in(&places).unwrap_err().to_string();
        assert!(error.contains("no helm-v4."), "{error}");
        assert!(error.contains("https://go.dev/dl/"), "{error}");
    }
}
