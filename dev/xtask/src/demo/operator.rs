//! The real operator, as a process under the rights of `deploy/default/rbac.yaml`.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use oms_harness::Process;

use super::scene::{QUARANTINE, SWEEP};
use crate::screen::Screen;

/// Namespace and name of the account, as `deploy/default/rbac.yaml` makes it.
pub const ACCOUNT: (&str, &str) = ("oms-system", "oms-operator");

const START_DEADLINE: Duration = Duration::from_secs(60);

/// How often the log file follows the process: often enough for `tail -f`.
const LOG_PERIOD: Duration = Duration::from_millis(300);

/// Starts it and waits until it works. `kubeconfig` is a file.
pub async fn start(program: &Path, kubeconfig: &str, screen: &Screen) -> anyhow::Result<Process> {
    let kubeconfig = format!("--kubeconfig={kubeconfig}");
    let sweep = format!("--min-sweep-interval={SWEEP}");
    let figures = format!("--figures-interval={SWEEP}");
    let quarantine = format!("--create-quarantine={QUARANTINE}");
    // One free port for both; the log says which.
    let args = [
        "run",
        "--health-addr=127.0.0.1:0",
        "--metrics-addr=127.0.0.1:0",
        &sweep,
        &figures,
        &quarantine,
        &kubeconfig,
    ];
    let process = Process::spawn("oms-operator", program, &args, &[])?;
    let line = process.wait_for_log("listening", START_DEADLINE).await?;
    process.wait_for_log("started", START_DEADLINE).await?;
    let (namespace, name) = ACCOUNT;
    screen.say(format_args!(
        "    process {} as ServiceAccount {namespace}/{name}",
        process.pid()
    ));
    screen.say(format_args!(
        "    faster than by default: {sweep} {figures} {quarantine}"
    ));
    if let Some(address) = address(&line) {
        screen.say(format_args!(
            "    http://{address}/metrics, /healthz and /readyz"
        ));
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

/// Begins the file in that folder.
pub fn keep_log<'a>(process: &'a Process, folder: &Path) -> anyhow::Result<LogFile<'a>> {
    let path = folder.join("oms-operator.log");
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
    fn the_address_is_read_off_the_log() {
        let line = "INFO oms_operator: listening address=127.0.0.1:4711 flag=\"--health-addr\"";
        assert_eq!(address(line), Some("127.0.0.1:4711"));
    }
}
