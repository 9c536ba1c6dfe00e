//! Tells on stderr what takes longer than a second.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shorter work is not worth a line.
const QUIET: Duration = Duration::from_secs(1);
/// On a terminal the line is rewritten in place; in a log file each line stays.
const TICK_TERMINAL: Duration = Duration::from_secs(1);
const TICK_LOG: Duration = Duration::from_secs(30);

/// Shows a line while it lives, as soon as the work has taken over a second.
pub(crate) struct Progress {
    done: Option<mpsc::Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

impl Progress {
    pub(crate) fn start(what: impl Into<String>) -> Progress {
        let what = what.into();
        let (done, ended) = mpsc::channel();
        let ticker = std::thread::spawn(move || tick(&what, &ended));
        Progress {
            done: Some(done),
            ticker: Some(ticker),
        }
    }

    /// The work succeeded. Dropping without it leaves the last word to the error.
    pub(crate) fn done(mut self) {
        if let Some(done) = self.done.take() {
            // The ticker ends only by this channel, so the receiver is there.
            let _ = done.send(());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done = None;
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

fn tick(what: &str, ended: &mpsc::Receiver<()>) {
    let start = Instant::now();
    let terminal = rewrites_lines();
    let mut outcome = ended.recv_timeout(QUIET);
    if outcome != Err(RecvTimeoutError::Timeout) {
        return;
    }
    while outcome == Err(RecvTimeoutError::Timeout) {
        if terminal {
            write(&format!("\r\x1b[K{what} … {}", elapsed(start)));
        } else {
            write(&format!("{what} … {}\n", elapsed(start)));
        }
        outcome = ended.recv_timeout(if terminal { TICK_TERMINAL } else { TICK_LOG });
    }
    let clear = if terminal { "\r\x1b[K" } else { "" };
    let word = if outcome.is_ok() { "done" } else { "failed" };
    write(&format!("{clear}{what}: {word} after {}\n", elapsed(start)));
}

/// Whether stderr takes escape codes: a terminal, and nobody has asked for none (no-color.org).
fn rewrites_lines() -> bool {
    let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !asked_for_none
}

/// Says one thing on stderr. Not `eprintln!`, which the test runner swallows.
pub(crate) fn say(line: &str) {
    write(&format!("{line}\n"));
}

fn write(text: &str) {
    // Nobody reads stderr: nothing to be done about it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn elapsed(start: Instant) -> String {
    let seconds = start.elapsed().as_secs();
    match seconds / 60 {
        0 => format!("{seconds} s"),
        minutes => format!("{minutes} min {:02} s", seconds % 60),
    }
}
