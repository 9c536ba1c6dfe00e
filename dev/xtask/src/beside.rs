//! Work that mostly waits, beside work that computes. What it says is kept and shown afterwards: the lines of
//! both would not be readable among each other.

use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::cargo::{run_watched, succeeded};
use crate::steps::elapsed;

/// How it went.
pub struct Beside {
    what: &'static str,
    lines: Vec<String>,
    done: anyhow::Result<()>,
    took: Duration,
}

impl Beside {
    /// Runs a command to its end. Dropping the future ends the command.
    pub async fn run(what: &'static str, command: Command) -> Beside {
        let start = Instant::now();
        let mut lines = Vec::new();
        let status = run_watched(command, |_, line| lines.push(line.to_owned())).await;
        Beside {
            what,
            done: status.and_then(|status| succeeded(status, what)),
            lines,
            took: start.elapsed(),
        }
    }

    /// Shows it, as a step of its own.
    pub fn show(self) -> anyhow::Result<()> {
        println!("==> {}, meanwhile", self.what);
        for line in &self.lines {
            println!("    {line}");
        }
        let word = if self.done.is_ok() { "done" } else { "FAILED" };
        println!("    {word} after {}", elapsed(self.took));
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_outputs_are_kept_and_a_failure_is_one() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let beside = Beside::run("chaos", command).await;
        let mut lines = beside.lines.clone();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        let error = beside.show().unwrap_err().to_string();
        assert!(error.contains("chaos"), "{error}");
    }
}
