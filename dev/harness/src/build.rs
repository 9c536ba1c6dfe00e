//! Builds programs with Go, from the `go.mod` files of this package.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};

use crate::binaries::{ETCD, KUBECTL, kubernetes_version};
use crate::process::Process;
use crate::progress::{Progress, say};
use crate::tools::helm_package;

/// Builds what `missing` names into `cache`. One process at a time; a killed build leaves no half program behind.
pub(crate) fn build<'a>(
    go: &Path,
    cache: &Path,
    missing: impl Fn() -> Vec<&'a str>,
) -> anyhow::Result<()> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let place = cache.parent().context("the cache folder has a parent")?;
    let _lock = lock(&place.join(format!("{}.lock", kubernetes_version())))?;
    // Another process may have built them while this one waited for the lock.
    let names = missing();
    if names.is_empty() {
        return Ok(());
    }
    let output = place.join(format!("{}.build", kubernetes_version()));
    // What a killed build has left: the lock says that nobody is at it.
    remove(&output)?;
    fs::create_dir(&output).with_context(|| format!("cannot make {}", output.display()))?;
    let built = build_into(go, &output, &names).and_then(|()| take_over(&output, cache, &names));
    remove(&output)?;
    built
}

fn build_into(go: &Path, output: &Path, names: &[&str]) -> anyhow::Result<()> {
    let (alone, kubernetes): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| Module::alone(name).is_some());
    for name in alone {
        // The packages have other names: the file's has to be given.
        let module = Module::alone(name).context("it was found a moment ago")?;
        run(go, &module, &output.join(name), &[name])?;
    }
    if !kubernetes.is_empty() {
        run(go, &Module::kubernetes(&kubernetes), output, &kubernetes)?;
    }
    Ok(())
}

/// Renames each program into the cache: there it is whole or not at all.
fn take_over(output: &Path, cache: &Path, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        fs::rename(output.join(name), cache.join(name))
            .with_context(|| format!("the build gave no {name} for {}", cache.display()))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            say("another process is building programs with Go: waiting for it")
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("cannot lock {}", path.display()));
        }
    }
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// One module, one `go build`.
struct Module {
    /// Where its `go.mod` is, from this package on.
    folder: &'static str,
    flags: String,
    packages: Vec<String>,
    /// How long it takes on two cores.
    takes: &'static str,
}

impl Module {
    /// The module of a program that has a `go build` of its own.
    fn alone(name: &str) -> Option<Module> {
        if name == ETCD {
            return Some(Module {
                folder: "control-plane/etcd",
                flags: "-s -w".to_owned(),
                packages: vec!["go.etcd.io/etcd/server/v3".to_owned()],
                takes: "half a minute",
            });
        }
        helm_package(name).map(|package| Module {
            folder: "tools",
            flags: "-s -w".to_owned(),
            packages: vec![package],
            takes: "two minutes",
        })
    }

    /// The module of programs that are part of Kubernetes, which are built together.
    fn kubernetes(names: &[&str]) -> Module {
        let package = |name: &&str| format!("k8s.io/kubernetes/cmd/{name}");
        let version = kubernetes_version();
        Module {
            folder: "control-plane/kubernetes",
            flags: format!("-s -w -X k8s.io/component-base/version.gitVersion={version}"),
            packages: names.iter().map(package).collect(),
            takes: match names {
                [KUBECTL] => "one minute",
                _ => "some ten minutes",
            },
        }
    }
}

fn run(go: &Path, module: &Module, output: &Path, names: &[&str]) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(module.folder);
    let (folder, output) = (folder.to_string_lossy(), output.to_string_lossy());
    let mut args = vec![
        "build",
        "-C",
        &folder,
        "-trimpath",
        "-ldflags",
        &module.flags,
        "-o",
        &output,
    ];
    args.extend(module.packages.iter().map(String::as_str));
    // What a user has set for own projects must not decide here.
    let env = [
        ("CGO_ENABLED", "0"),
        ("GOFLAGS", "-mod=readonly"),
        ("GOWORK", "off"),
        ("GOOS", ""),
        ("GOARCH", ""),
    ];
    let what = format!(
        "building {} with Go (once per machine; {})",
        names.join(" and "),
        module.takes
    );
    let progress = Progress::start(what);
    let build = Process::spawn("go build", go, &args, &env)?;
    let exit = build.wait_blocking();
    if !exit.success() {
        bail!(
            "`go {}` failed ({exit}); {}",
            args.join(" "),
            build.log_tail()
        );
    }
    progress.done();
    Ok(())
}
