//! The real operator, as a process under the rights of `deploy/rbac.yaml`.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use oms_harness::{ControlPlane, Process};
use serde_json::Value;

use crate::cargo::{cargo, run_lines, succeeded};

/// Namespace and name of the account, as `deploy/rbac.yaml` makes it.
pub const ACCOUNT: (&str, &str) = ("oms-system", "oms-operator");

const START_DEADLINE: Duration = Duration::from_secs(60);

/// How often the log file follows the process: often enough for `tail -f`.
const LOG_PERIOD: Duration = Duration::from_millis(300);

/// Builds the binary and says where it is.
pub async fn build() -> anyhow::Result<PathBuf> {
    let args = [
        "build",
        "--locked",
        "--package=oms-operator",
        // Built already. But alone, the operator would be built from dependencies with other features.
        "--package=xtask",
        "--bins",
        "--message-format=json-render-diagnostics",
    ];
    let mut program = None;
    let status = run_lines(cargo(&args), |line| {
        program = executable(line).or(program.take())
    });
    succeeded(status.await?, "cargo build --package=oms-operator")?;
    program.context("cargo did not say where it has put the operator")
}

/// The program that a message of Cargo tells of.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_ours = message.pointer("/target/name")?.as_str()? == "oms-operator";
    let program = message.get("executable")?.as_str()?;
    is_ours.then(|| PathBuf::from(program))
}

/// Starts it and waits until it works.
pub async fn start(program: &Path, control_plane: &ControlPlane) -> anyhow::Result<Process> {
    let (namespace, name) = ACCOUNT;
    let token = control_plane.service_account_token(namespace, name).await?;
    let kubeconfig = control_plane.write_kubeconfig(&token, None)?;
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    // One free port for both; the log says which.
    let args = [
        "run",
        "--health-addr=127.0.0.1:0",
        "--metrics-addr=127.0.0.1:0",
        &kubeconfig,
    ];
    let process = Process::spawn("oms-operator", program, &args, &[])?;
    let line = process.wait_for_log("listening", START_DEADLINE).await?;
    process.wait_for_log("started", START_DEADLINE).await?;
    println!(
        "    process {} as ServiceAccount {namespace}/{name}",
        process.pid()
    );
    if let Some(address) = address(&line) {
        println!("    http://{address}/metrics, /healthz and /readyz");
    }
    Ok(process)
}

fn address(line: &str) -> Option<&str> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("address="))
}

/// A file that holds what the operator writes.
pub struct LogFile<'a> {
    process: &'a Process,
    path: PathBuf,
}

/// Begins the file, in the folder that goes with the control plane.
pub fn keep_log<'a>(
    process: &'a Process,
    control_plane: &ControlPlane,
) -> anyhow::Result<LogFile<'a>> {
    let path = control_plane.folder().join("oms-operator.log");
    File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(LogFile { process, path })
}

impl LogFile<'_> {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds to the file what comes, without end.
    pub async fn copy(&self) -> Infallible {
        loop {
            // For the eyes only: a disk that is full must not end the demo.
            let _ = self.append();
            tokio::time::sleep(LOG_PERIOD).await;
        }
    }

    fn append(&self) -> std::io::Result<()> {
        let mut file = File::options().append(true).open(&self.path)?;
        let written = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let log = self.process.log();
        file.write_all(log.as_bytes().get(written..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages_of_cargo() {
        let ours = r#"{"reason":"compiler-artifact","target":{"name":"oms-operator"},"executable":"/t/oms-operator"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"oms_operator"},"executable":null}"#;
        assert_eq!(executable(ours), Some(PathBuf::from("/t/oms-operator")));
        assert_eq!(executable(library), None);
        assert_eq!(executable("not JSON"), None);
    }

    #[test]
    fn the_address_is_read_off_the_log() {
        let line = "INFO oms_operator: listening address=127.0.0.1:4711 flag=\"--health-addr\"";
        assert_eq!(address(line), Some("127.0.0.1:4711"));
    }
}
