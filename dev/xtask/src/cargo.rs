//! Cargo as a child process that goes when this one is told to go.

use std::env;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::paths;

/// What `cargo run` sets for the task that it runs. Build scripts look at some of them: passed on,
/// they would make Cargo build half of the dependencies again, at every change between `cargo xtask`
/// and plain `cargo`.
const OF_THIS_RUN: [&str; 5] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
];

/// How long the output of a command that has ended is still read. What it has said is in the pipe by
/// then; only a process that it left behind keeps that open, for ever.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Cargo at the root of the repository, with these arguments.
pub fn cargo(args: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OF_THIS_RUN.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    // A group of its own: whoever ends it ends the tests that it runs, too.
    command.process_group(0).stdin(Stdio::null());
    command
}

/// Runs a command to its end. Dropping the future ends the command.
pub async fn run(mut command: Command) -> anyhow::Result<()> {
    let shown = shown(&command);
    let status = Group::spawn(&mut command, &shown)?.wait().await?;
    succeeded(status, &shown)
}

/// Runs a command and hands on each line of its standard output.
pub async fn run_lines(
    mut command: Command,
    mut each: impl FnMut(&str),
) -> anyhow::Result<ExitStatus> {
    let shown = shown(&command);
    let mut group = Group::spawn(command.stdout(Stdio::piped()), &shown)?;
    let output = group
        .child
        .stdout
        .take()
        .context("standard output was asked for as a pipe")?;
    let mut lines = BufReader::new(output).split(b'\n');
    let listening = async {
        while let Some(line) = lines.next_segment().await? {
            each(&String::from_utf8_lossy(&line));
        }
        Ok(())
    };
    group.wait_listening(listening).await
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Runs a command and hands on each line of both its outputs.
pub async fn run_watched(
    mut command: Command,
    mut each: impl FnMut(Stream, &str),
) -> anyhow::Result<ExitStatus> {
    let shown = shown(&command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(&mut command, &shown)?;
    let (out, err) = (group.child.stdout.take(), group.child.stderr.take());
    let (out, err) = out
        .zip(err)
        .context("both outputs were asked for as pipes")?;
    let mut out = BufReader::new(out).split(b'\n');
    let mut err = BufReader::new(err).split(b'\n');
    let listening = async {
        let (mut out_open, mut err_open) = (true, true);
        while out_open || err_open {
            let (stream, open, line) = tokio::select! {
                line = out.next_segment(), if out_open => (Stream::Out, &mut out_open, line),
                line = err.next_segment(), if err_open => (Stream::Err, &mut err_open, line),
            };
            match line? {
                Some(line) => each(stream, &String::from_utf8_lossy(&line)),
                None => *open = false,
            }
        }
        Ok(())
    };
    group.wait_listening(listening).await
}

/// Whether Cargo has this command and it answers.
pub async fn has(subcommand: &str) -> bool {
    let mut command = cargo(&[subcommand, "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// An error unless the command did well.
pub fn succeeded(status: ExitStatus, shown: &str) -> anyhow::Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("`{shown}` failed ({status})")
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words: Vec<_> = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    words.join(" ")
}

/// A child and everything that it starts, unless that makes a group of its own.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn spawn(command: &mut Command, shown: &str) -> anyhow::Result<Group> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Group { child, id })
    }

    async fn wait(mut self) -> anyhow::Result<ExitStatus> {
        self.ended().await
    }

    /// Waits for the end of the command, and of its output as far as that comes.
    async fn wait_listening(
        mut self,
        listening: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<ExitStatus> {
        let mut listening = pin!(listening);
        let status = tokio::select! {
            heard = &mut listening => {
                heard?;
                return self.ended().await;
            }
            status = self.ended() => status?,
        };
        match timeout(LAST_WORDS, listening).await {
            Ok(heard) => heard?,
            Err(_) => eprintln!("    its output is held open by a process that it left behind"),
        }
        Ok(status)
    }

    async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // Nothing is left to be ended.
        self.id = None;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Gone already is as good.
            let _ = kill_process_group(id, Signal::TERM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_is_left_behind_does_not_keep_its_starter_waiting() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 86399 & echo $!; echo said"]);
        let mut lines = Vec::new();
        let status = run_lines(command, |line| lines.push(line.to_owned())).await;
        let left = Pid::from_raw(lines[0].parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
        assert!(status.unwrap().success());
        assert_eq!(lines[1..], ["said"]);
    }
}
