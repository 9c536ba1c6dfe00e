//! Builds the control plane's programs with Go, from the two `go.mod` files of this package.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};

use crate::binaries::{ETCD, kubernetes_version};
use crate::process::Process;
use crate::progress::{Progress, say};

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
    let (etcd, kubernetes): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| **name == ETCD);
    if !etcd.is_empty() {
        let packages = vec!["go.etcd.io/etcd/server/v3".to_owned()];
        let module = Module {
            folder: "etcd",
            flags: "-s -w".to_owned(),
            packages,
        };
        // The package is called "server": the file's name has to be given.
        run(go, &module, &output.join(ETCD), &etcd)?;
    }
    if !kubernetes.is_empty() {
        let flags = format!(
            "-s -w -X k8s.io/component-base/version.gitVersion={}",
            kubernetes_version()
        );
        let packages = kubernetes
            .iter()
            .map(|name| format!("k8s.io/kubernetes/cmd/{name}"))
            .collect();
        run(
            go,
            &Module {
                folder: "kubernetes",
                flags,
                packages,
            },
            output,
            &kubernetes,
        )?;
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
            say("another process is building the control plane: waiting for it")
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
struct Module<'a> {
    folder: &'a str,
    flags: String,
    packages: Vec<String>,
}

fn run(go: &Path, module: &Module, output: &Path, names: &[&str]) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("control-plane")
        .join(module.folder);
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
        "building {} with Go (once per machine; some ten minutes in all)",
        names.join(" and ")
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
