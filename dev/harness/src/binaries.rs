//! Where the control plane's programs come from: `KUBEBUILDER_ASSETS`, the cache, or a build with Go.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::build;
use crate::progress::say;

const KUBERNETES_MOD: &str = include_str!("../control-plane/kubernetes/go.mod");

pub(crate) const ETCD: &str = "etcd";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const KUBECTL: &str = "kubectl";

/// The version of Kubernetes that is built, as `control-plane/kubernetes/go.mod` pins it.
pub fn kubernetes_version() -> &'static str {
    KUBERNETES_MOD
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .map(|rest| rest.split_whitespace().next().unwrap_or(rest))
        .expect("the go.mod in this package requires k8s.io/kubernetes")
}

/// The programs of a control plane.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub api_server: PathBuf,
    /// kube-controller-manager; envtest's downloads do not have it.
    pub controller_manager: Option<PathBuf>,
}

impl Binaries {
    /// Finds the programs, and builds them when there is Go and nothing else: about ten minutes, once per machine and version.
    pub fn find() -> anyhow::Result<Binaries> {
        Places::from_environment()?.find()
    }
}

/// Where to look.
pub(crate) struct Places {
    pub(crate) assets: Option<PathBuf>,
    /// The folder of the pinned version.
    pub(crate) cache: PathBuf,
    pub(crate) go: Option<PathBuf>,
}

impl Places {
    pub(crate) fn from_environment() -> anyhow::Result<Places> {
        let set = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache = set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .context("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep the control plane's programs")?;
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(Places {
            assets: set("KUBEBUILDER_ASSETS"),
            cache: cache
                .join("oms-operator/control-plane")
                .join(kubernetes_version()),
            go: env::split_paths(&path)
                .map(|folder| folder.join("go"))
                .find(|go| go.is_file()),
        })
    }

    pub(crate) fn find(&self) -> anyhow::Result<Binaries> {
        match &self.assets {
            Some(assets) => self.in_assets(assets),
            None => self.in_cache(),
        }
    }

    fn in_assets(&self, assets: &Path) -> anyhow::Result<Binaries> {
        for name in [ETCD, API_SERVER] {
            if !assets.join(name).is_file() {
                bail!(
                    "KUBEBUILDER_ASSETS is {}, which has no {name}: point it to a folder that `setup-envtest use -p path` \
                     prints, or unset it to use programs built here",
                    assets.display()
                );
            }
        }
        Ok(Binaries {
            etcd: assets.join(ETCD),
            api_server: assets.join(API_SERVER),
            controller_manager: self.controller_manager_beside(assets),
        })
    }

    /// envtest's downloads have none, so the cache or Go may help out. Not worth failing for: most
    /// tests do without the two controllers, the others say that they miss them.
    fn controller_manager_beside(&self, assets: &Path) -> Option<PathBuf> {
        let (beside, cached) = (
            assets.join(CONTROLLER_MANAGER),
            self.cache.join(CONTROLLER_MANAGER),
        );
        if beside.is_file() {
            return Some(beside);
        }
        let reason = match (self.missing(&[CONTROLLER_MANAGER]).is_empty(), &self.go) {
            (true, _) => return Some(cached),
            (false, None) => "there is no `go` on PATH to build it".to_owned(),
            (false, Some(_)) => match self.cached(&[CONTROLLER_MANAGER]) {
                Ok(()) => return Some(cached),
                Err(error) => format!("{error:#}"),
            },
        };
        say(&format!(
            "no {CONTROLLER_MANAGER} in {} (KUBEBUILDER_ASSETS), so deleted namespaces will stay and owner references \
             will not be followed: {reason}",
            assets.display()
        ));
        None
    }

    fn in_cache(&self) -> anyhow::Result<Binaries> {
        self.cached(&[ETCD, API_SERVER, CONTROLLER_MANAGER])?;
        Ok(Binaries {
            etcd: self.cache.join(ETCD),
            api_server: self.cache.join(API_SERVER),
            controller_manager: Some(self.cache.join(CONTROLLER_MANAGER)),
        })
    }

    /// Sees to it that the cache has these programs of the control plane.
    fn cached(&self, names: &[&str]) -> anyhow::Result<()> {
        self.cached_or(
            names,
            "Three ways out: install Go (https://go.dev/dl/) and run this again; or `export KUBEBUILDER_ASSETS=$(setup-envtest \
             use -p path 1.37)`; or use a cluster that is already running, where the command at hand has --context",
        )
    }

    /// Sees to it that the cache has these programs; `ways_out` is for who has no Go.
    pub(crate) fn cached_or(&self, names: &[&str], ways_out: &str) -> anyhow::Result<()> {
        if self.missing(names).is_empty() {
            return Ok(());
        }
        let Some(go) = &self.go else {
            bail!(
                "no {} in {}, and no `go` on PATH to build it. {ways_out}",
                self.missing(names).join(", no "),
                self.cache.display()
            );
        };
        build::build(go, &self.cache, || self.missing(names))
    }

    fn missing<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        names
            .iter()
            .copied()
            .filter(|name| !self.cache.join(name).is_file())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Stands in for the Go tool: writes what it is asked to build, and counts its calls.
    const FAKE_GO: &str = r#"#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
while [ $# -gt 0 ]; do
    case "$1" in
    -o) out=$2 ;;
    k8s.io/*) echo built > "$out/$(basename "$1")" ;;
    go.etcd.io/*) echo built > "$out" ;;
    esac
    shift
done
"#;

    struct Machine {
        folder: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Machine {
            Machine {
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn places(&self) -> Places {
            Places {
                assets: None,
                cache: self.folder.path().join("cache/v1"),
                go: None,
            }
        }

        fn with_go(&self, script: &str) -> Places {
            let go = self.folder.path().join("go");
            fs::write(&go, script).unwrap();
            fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
            Places {
                go: Some(go),
                ..self.places()
            }
        }

        fn calls(&self) -> Vec<String> {
            let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
            calls.lines().map(str::to_owned).collect()
        }

        fn put(&self, folder: &str, names: &[&str]) -> PathBuf {
            let folder = self.folder.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            for name in names {
                fs::write(folder.join(name), "there").unwrap();
            }
            folder
        }
    }

    #[test]
    fn the_version_is_the_one_in_go_mod() {
        assert!(
            kubernetes_version().starts_with("v1."),
            "{}",
            kubernetes_version()
        );
    }

    #[test]
    fn without_programs_and_without_go_the_error_names_three_ways_out() {
        let error = Machine::new().places().find().unwrap_err().to_string();
        for way in [
            "https://go.dev/dl/",
            "setup-envtest use -p path",
            "--context",
        ] {
            assert!(error.contains(way), "{error}");
        }
        assert!(
            error.contains("no etcd, no kube-apiserver, no kube-controller-manager in"),
            "{error}"
        );
    }

    #[test]
    fn what_go_has_built_is_found_the_next_time() {
        let machine = Machine::new();
        let places = machine.with_go(FAKE_GO);
        let built = places.find().unwrap();
        assert_eq!(fs::read_to_string(&built.etcd).unwrap(), "built\n");
        assert!(built.api_server.is_file());
        assert!(built.controller_manager.unwrap().is_file());
        assert_eq!(
            machine.calls().len(),
            2,
            "one for each module: {:?}",
            machine.calls()
        );
        places.find().unwrap();
        assert_eq!(machine.calls().len(), 2);
    }

    #[test]
    fn only_what_is_missing_is_built() {
        let machine = Machine::new();
        machine.put("cache/v1", &[ETCD, API_SERVER]);
        machine.with_go(FAKE_GO).find().unwrap();
        let calls = machine.calls();
        assert_eq!(calls.len(), 1);
        assert!(
            calls[0].ends_with("k8s.io/kubernetes/cmd/kube-controller-manager"),
            "{}",
            calls[0]
        );
    }

    #[test]
    fn two_at_once_build_once() {
        let machine = Machine::new();
        let places = machine.with_go(FAKE_GO);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| places.find().unwrap());
            }
        });
        assert_eq!(machine.calls().len(), 2, "{:?}", machine.calls());
    }

    #[test]
    fn a_failed_build_leaves_nothing_and_shows_what_go_said() {
        let machine = Machine::new();
        let places = machine.with_go("#!/bin/sh\necho 'dial tcp: no route to proxy' >&2; exit 1\n");
        let error = format!("{:#}", places.find().unwrap_err());
        assert!(error.contains("no route to proxy"), "{error}");
        assert!(!places.cache.join(API_SERVER).exists());
        let left = fs::read_dir(places.cache.parent().unwrap()).unwrap();
        let left: Vec<_> = left
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "v1")
            .collect();
        assert_eq!(left, [format!("{}.lock", kubernetes_version()).as_str()]);
    }

    #[test]
    fn what_a_killed_build_has_left_is_no_hindrance() {
        let machine = Machine::new();
        let places = machine.with_go(FAKE_GO);
        let half_done = format!("cache/{}.build", kubernetes_version());
        let half_done = machine.put(&half_done, &[ETCD]);
        let built = places.find().unwrap();
        assert_eq!(fs::read_to_string(built.etcd).unwrap(), "built\n");
        assert!(!half_done.exists());
    }

    #[test]
    fn the_assets_come_first_and_the_cache_adds_the_controller_manager() {
        let machine = Machine::new();
        let assets = machine.put("assets", &[ETCD, API_SERVER]);
        let cache = machine.put("cache/v1", &[ETCD, API_SERVER, CONTROLLER_MANAGER]);
        let found = Places {
            assets: Some(assets.clone()),
            ..machine.places()
        }
        .find()
        .unwrap();
        assert_eq!(found.etcd, assets.join(ETCD));
        assert_eq!(found.api_server, assets.join(API_SERVER));
        assert_eq!(
            found.controller_manager,
            Some(cache.join(CONTROLLER_MANAGER))
        );
    }

    #[test]
    fn assets_without_controller_manager_are_enough() {
        let machine = Machine::new();
        let assets = machine.put("assets", &[ETCD, API_SERVER]);
        let found = Places {
            assets: Some(assets),
            ..machine.places()
        }
        .find()
        .unwrap();
        assert_eq!(found.controller_manager, None);
    }

    #[test]
    fn assets_without_etcd_are_an_error_that_names_the_variable() {
        let machine = Machine::new();
        let assets = machine.put("assets", &[API_SERVER]);
        let error = Places {
            assets: Some(assets),
            ..machine.places()
        }
        .find()
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("KUBEBUILDER_ASSETS") && error.contains("no etcd"),
            "{error}"
        );
    }
}
