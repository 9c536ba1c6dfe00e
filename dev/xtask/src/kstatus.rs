//! The Go test of `dev/kstatus`: what the kstatus library makes of the statuses that the operator writes.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::cargo::{run_lines, succeeded};
use crate::counts::Counts;
use crate::paths;

/// Runs it.
pub async fn test(counts: &mut Counts) -> anyhow::Result<()> {
    let passed = counts.passed;
    let mut version = go(&["version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().await.is_ok_and(|status| status.success()) {
        bail!(
            "there is no `go` on PATH to run the test of dev/kstatus with: install Go (https://go.dev/dl/)"
        );
    }
    // Never from the cache: the statuses are not part of the module.
    let mut command = go(&["test", "-C", "dev/kstatus", "-v", "-count=1", "./..."]);
    command.process_group(0);
    let status = run_lines(command, |line| {
        println!("{line}");
        counts.go_line(line);
    });
    succeeded(status.await?, "go test").context("in dev/kstatus")?;
    if counts.passed == passed {
        bail!("no test was run in dev/kstatus");
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
