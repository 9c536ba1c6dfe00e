//! A child process that cannot outlive this one.
//!
//! The program runs under a small `sh` (`supervise.sh`) that holds the reading end of a pipe. When
//! this process ends, by `SIGKILL` too, the kernel closes the pipe and the shell kills the program.
//! That needs no `unsafe`, works on every Unix, and does not depend on the thread that spawned, as
//! a parent-death signal does. A process group of its own keeps Ctrl-C at a terminal from reaching
//! the child before its owner could stop it in order.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use parking_lot::Mutex;
use tokio::sync::watch;

const SUPERVISOR: &str = include_str!("supervise.sh");

/// What a shell reports for a process ended by `SIGKILL`; also taken when the supervisor itself vanished.
const KILLED: i32 = 128 + 9;

/// How much of a child's output an error quotes.
const TAIL_LINES: usize = 20;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(i32);

impl Exit {
    /// The exit code, unless a signal ended the process.
    pub fn code(self) -> Option<i32> {
        (self.0 <= 128).then_some(self.0)
    }

    /// The number of the signal that ended the process.
    pub fn signal(self) -> Option<i32> {
        (self.0 > 128).then_some(self.0 - 128)
    }

    /// Exit code 0.
    pub fn success(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal() {
            Some(signal) => write!(f, "ended by signal {signal}"),
            None => write!(f, "exit code {}", self.0),
        }
    }
}

struct Shared {
    log: Mutex<Vec<u8>>,
    log_length: watch::Sender<usize>,
    exit: watch::Sender<Option<Exit>>,
}

/// A running (or ended) program, its output, and the means to end it. Dropping it kills the program.
pub struct Process {
    name: String,
    pid: u32,
    signals: Mutex<ChildStdin>,
    shared: Arc<Shared>,
}

impl Process {
    /// Starts `program`; `env` comes on top of this process's environment.
    ///
    /// Not bound to a runtime: threads of its own read the output and wait for the end.
    pub fn spawn(
        name: &str,
        program: impl AsRef<Path>,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> anyhow::Result<Process> {
        let program = program.as_ref();
        if program.components().count() > 1 && !program.is_file() {
            bail!(
                "cannot start {name}: there is no file {}",
                program.display()
            );
        }
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervise"])
            .arg(program)
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start sh for {name}"))?;
        let (signals, reports, output) = pipes(&mut supervisor);
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            log_length: watch::Sender::new(0),
            exit: watch::Sender::new(None),
        });
        let mut reports = BufReader::new(reports);
        let pid = read_report(&mut reports, "started ")
            .and_then(|pid| u32::try_from(pid).ok())
            .with_context(|| format!("cannot start {name}: its supervisor ended at once"))?;
        let state = shared.clone();
        std::thread::Builder::new()
            .name(format!("{name} supervisor"))
            .spawn(move || follow(supervisor, reports, output, &state))
            .with_context(|| format!("cannot follow {name}"))?;
        Ok(Process {
            name: name.to_owned(),
            pid,
            signals: Mutex::new(signals),
            shared,
        })
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id of the program itself, not of its supervisor.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Everything that the program has written so far, both streams in order.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.shared.log.lock()).into_owned()
    }

    /// The last lines of the output, for error messages.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        if lines.is_empty() {
            return format!("{} has written nothing", self.name);
        }
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!("the last lines of {}:\n  {}", self.name, tail.join("\n  "))
    }

    /// How the program ended; `None` while it runs.
    pub fn exit(&self) -> Option<Exit> {
        *self.shared.exit.borrow()
    }

    /// Whether the program still runs.
    pub fn is_running(&self) -> bool {
        self.exit().is_none()
    }

    /// Sends SIGTERM and returns at once; see [`Process::wait`].
    pub fn terminate(&self) {
        self.send("TERM");
    }

    /// Sends SIGSTOP: the program stands still, as on a machine that is starved or frozen.
    pub fn freeze(&self) {
        self.send("STOP");
    }

    /// Sends SIGCONT: the program goes on.
    pub fn thaw(&self) {
        self.send("CONT");
    }

    /// Sends SIGKILL and returns when the process is gone.
    pub async fn kill(&self) -> Exit {
        self.send("KILL");
        self.ended().await
    }

    /// Sends SIGTERM, and SIGKILL to a program that is still there after `grace`. The error tells of the latter.
    pub async fn stop(&self, grace: Duration) -> anyhow::Result<Exit> {
        self.terminate();
        let outcome = self.wait(grace).await;
        if outcome.is_err() {
            self.kill().await;
        }
        outcome.with_context(|| format!("{} did not follow SIGTERM and was killed", self.name))
    }

    /// Waits for the end of the program.
    pub async fn wait(&self, deadline: Duration) -> anyhow::Result<Exit> {
        match tokio::time::timeout(deadline, self.ended()).await {
            Ok(exit) => Ok(exit),
            Err(_) => {
                bail!(
                    "{} still runs after {} s; {}",
                    self.name,
                    deadline.as_secs_f32(),
                    self.log_tail()
                )
            }
        }
    }

    /// Waits for a line of output that contains `text` and returns it; an error when the program ends without it.
    pub async fn wait_for_log(&self, text: &str, deadline: Duration) -> anyhow::Result<String> {
        let mut length = self.shared.log_length.subscribe();
        let mut searched = 0;
        let search = async {
            loop {
                // Asked before the search: what is written before the end is seen in any case.
                let ended = self.exit();
                length.mark_unchanged();
                if let Some(line) = find_line(&self.shared.log.lock(), &mut searched, text) {
                    return Ok(line);
                }
                if let Some(exit) = ended {
                    bail!(
                        "{} ended ({exit}) without writing {text:?}; {}",
                        self.name,
                        self.log_tail()
                    );
                }
                tokio::select! {
                    _ = length.changed() => {}
                    _ = self.ended() => {}
                }
            }
        };
        match tokio::time::timeout(deadline, search).await {
            Ok(found) => found,
            Err(_) => bail!(
                "{} has not written {text:?} within {} s; {}",
                self.name,
                deadline.as_secs_f32(),
                self.log_tail()
            ),
        }
    }

    /// For callers outside of any runtime, which wait for minutes.
    pub(crate) fn wait_blocking(&self) -> Exit {
        loop {
            if let Some(exit) = self.exit() {
                return exit;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    async fn ended(&self) -> Exit {
        let mut exit = self.shared.exit.subscribe();
        loop {
            if let Some(exit) = *exit.borrow_and_update() {
                return exit;
            }
            if exit.changed().await.is_err() {
                return Exit(KILLED);
            }
        }
    }

    fn send(&self, signal: &str) {
        // A closed pipe means that the program has ended: no signal reaches it, and none needs to.
        let _ = writeln!(self.signals.lock(), "{signal}");
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("pid", &self.pid)
            .field("exit", &self.exit())
            .finish_non_exhaustive()
    }
}

/// The first line after `searched` that contains `text`. `searched` moves past the lines that do not, but for
/// the last one, which may not be whole yet.
fn find_line(log: &[u8], searched: &mut usize, text: &str) -> Option<String> {
    for line in log[*searched..].split_inclusive(|byte| *byte == b'\n') {
        let words = String::from_utf8_lossy(line);
        if words.contains(text) {
            return Some(words.trim_end_matches(['\r', '\n']).to_owned());
        }
        if line.ends_with(b"\n") {
            *searched += line.len();
        }
    }
    None
}

fn pipes(child: &mut Child) -> (ChildStdin, ChildStdout, ChildStderr) {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        unreachable!("all three streams were asked for as pipes");
    };
    (stdin, stdout, stderr)
}

fn read_report(reports: &mut impl BufRead, word: &str) -> Option<i32> {
    let mut line = String::new();
    reports.read_line(&mut line).ok()?;
    line.strip_prefix(word)?.trim().parse().ok()
}

/// Lives as long as the program: gathers its output, then reaps the supervisor and says how it ended.
fn follow(
    mut supervisor: Child,
    mut reports: BufReader<ChildStdout>,
    mut output: ChildStderr,
    state: &Arc<Shared>,
) {
    let sink = state.clone();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let mut log = sink.log.lock();
            log.extend_from_slice(&buffer[..read]);
            sink.log_length.send_replace(log.len());
        }
    });
    let code = read_report(&mut reports, "ended ").unwrap_or(KILLED);
    // Neither can fail in a way that matters: the program is gone, and the output has been read to its end.
    let _ = supervisor.wait();
    let _ = reader.join();
    state.exit.send_replace(Some(Exit(code)));
}
