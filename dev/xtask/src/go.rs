//! The Go tests of this repository: what the libraries of other tools make of what the operator
//! writes. `dev/kstatus`: how Flux and others read a status. `dev/gitops`: how Argo CD compares with Git.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::cargo::{run_lines, succeeded};
use crate::counts::Counts;
use crate::paths;

/// Where `tests/it/gitops.rs` leaves what the test of `dev/gitops` reads.
pub const RECORDS: &str = "OMS_GITOPS_RECORDS";

/// Runs the test of a module; `records` is where this run's records are.
pub async fn test(folder: &str, records: &Path, counts: &mut Counts) -> anyhow::Result<()> {
    let passed = counts.passed;
    let mut version = go(&["version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().await.is_ok_and(|status| status.success()) {
        bail!(
            "there is no `go` on PATH to run the test of {folder} with: install Go (https://go.dev/dl/)"
        );
    }
    // Never from the cache: what is tested is not part of the module. Without paths, as the control
    // plane is built: then what both are made of is compiled once.
    let mut command = go(&["test", "-C", folder, "-trimpath", "-v", "-count=1", "./..."]);
    command.env(RECORDS, records).process_group(0);
    let status = run_lines(command, |line| {
        println!("{line}");
        counts.go_line(line);
    });
    succeeded(status.await?, "go test").with_context(|| format!("in {folder}"))?;
    if counts.passed == passed {
        bail!("no test was run in {folder}");
    }
    Ok(())
}

fn go(args: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(args).current_dir(paths::root());
    // What a user has set for own projects must not decide here.
    command
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off");
    command.stdin(Stdio::null());
    command
}
