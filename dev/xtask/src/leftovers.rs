//! What a run has left behind: processes that carry its mark, and temporary files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use oms_harness::until_ok;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::Command;

/// Every process of a run has this in its environment.
const MARK: &str = "OMS_XTASK_RUN";

/// Programs under a supervisor end a moment after their owner.
const DEADLINE: Duration = Duration::from_secs(30);

/// A run whose processes and temporary files can be told from everybody else's.
pub struct Run {
    mark: String,
    folder: TempDir,
}

impl Run {
    /// A new one.
    pub fn new() -> anyhow::Result<Run> {
        let folder = tempfile::Builder::new()
            .prefix("oms-test-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        // The name of the folder is as unique as a mark has to be.
        let mark = format!("{MARK}={}", folder.path().display());
        Ok(Run { mark, folder })
    }

    /// Marks a command, and with it everything that it starts.
    pub fn mark(&self, command: &mut Command) {
        command
            .env(MARK, self.folder.path())
            .env("TMPDIR", self.folder.path());
    }

    /// Fails when something is still there, and ends the processes of it.
    pub async fn nothing_left(&self) -> anyhow::Result<()> {
        self.nothing_left_after(DEADLINE).await
    }

    async fn nothing_left_after(&self, deadline: Duration) -> anyhow::Result<()> {
        if !cfg!(target_os = "linux") {
            println!("    processes are not looked for on this system");
        }
        let gone = until_ok(
            deadline,
            "everything that the tests started to end",
            async || {
                let left: Vec<String> = self.processes().iter().map(Left::to_string).collect();
                if left.is_empty() {
                    return Ok(());
                }
                bail!("these processes are left behind: {}", left.join(", "))
            },
        );
        let gone = gone.await;
        for process in self.processes() {
            // It ends by itself just now, or by this.
            let _ = kill_process(process.id, Signal::KILL);
        }
        gone?;
        let files = self.files()?;
        if files.is_empty() {
            return Ok(());
        }
        bail!(
            "these temporary files are left behind: {}",
            files.join(", ")
        )
    }

    fn processes(&self) -> Vec<Left> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Left::read(&entry.path(), &self.mark))
            .collect()
    }

    fn files(&self) -> anyhow::Result<Vec<String>> {
        let entries = fs::read_dir(self.folder.path())?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

/// A process of a run.
struct Left {
    id: Pid,
    command: String,
}

impl Left {
    /// The process of this folder of `/proc`, if it carries the mark. A zombie has no environment
    /// any more: it has ended, and only nobody has asked how.
    fn read(folder: &Path, mark: &str) -> Option<Left> {
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        let id = Pid::from_raw(id)?;
        let environment = fs::read(folder.join("environ")).ok()?;
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == mark.as_bytes());
        if !marked {
            return None;
        }
        let command = fs::read(folder.join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let command: String = command.trim().chars().take(80).collect();
        Some(Left { id, command })
    }
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.id.as_raw_nonzero(), self.command)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[tokio::test]
    async fn a_process_that_stays_is_named_and_ended() {
        let run = Run::new().unwrap();
        let mut command = Command::new("sleep");
        command
            .arg("86399")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        run.mark(&mut command);
        let mut sleep = command.spawn().unwrap();
        // The parent goes on a moment before the child has its environment.
        until_ok(DEADLINE, "the process to show its mark", async || {
            run.processes().pop().context("it shows none yet")
        })
        .await
        .unwrap();
        let error = run.nothing_left_after(Duration::ZERO).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("sleep 86399"), "{error}");
        assert!(!sleep.wait().await.unwrap().success());
        run.nothing_left().await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_stays_is_named() {
        let run = Run::new().unwrap();
        fs::write(run.folder.path().join("forgotten"), "").unwrap();
        let error = run.nothing_left().await.unwrap_err().to_string();
        assert!(error.contains("forgotten"), "{error}");
    }
}
