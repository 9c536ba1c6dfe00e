//! Where the demo is shown: a terminal that can be drawn on, or lines for a pipe and a log.

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::steps::elapsed;

/// Ten pictures a second move; a line in a log is worth keeping.
const TICK_LIVE: Duration = Duration::from_millis(100);
const TICK_LINES: Duration = Duration::from_secs(10);

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The one who writes on standard output.
pub struct Screen {
    live: bool,
    /// What is drawn below the lines, and over and over again.
    bar: Mutex<Option<ProgressBar>>,
    /// What the step at hand is doing.
    doing: Mutex<String>,
    unread: AtomicBool,
}

impl Screen {
    /// The screen of this process. Escape codes are for a terminal, and only where NO_COLOR
    /// (no-color.org) is unset or empty.
    pub fn new() -> Screen {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Screen::with(std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb)
    }

    fn with(live: bool) -> Screen {
        Screen {
            live,
            bar: Mutex::default(),
            doing: Mutex::default(),
            unread: AtomicBool::new(false),
        }
    }

    /// Whether it can be drawn on.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether what is said reaches nobody any more: the other end of the pipe is closed.
    pub fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// A line that stays.
    pub fn say(&self, line: impl Display) {
        let line = line.to_string();
        if let Some(bar) = &*lock(&self.bar) {
            return bar.println(line);
        }
        if writeln!(std::io::stdout(), "{line}").is_err() {
            self.unread.store(true, Ordering::Relaxed);
        }
    }

    /// Draws `picture` below the lines, in place of the last one.
    pub fn draw(&self, picture: String) {
        if self.live {
            lock(&self.bar).get_or_insert_with(bar).set_message(picture);
        }
    }

    /// Leaves the last picture where it is.
    pub fn keep(&self) {
        if let Some(bar) = lock(&self.bar).take() {
            bar.abandon();
        }
    }

    /// Leaves the last picture as it is after a Ctrl-C, whose echo may have moved the cursor: drawing it
    /// once more would miss it by a line.
    pub fn leave(&self) {
        let bar = lock(&self.bar).take();
        if let Some(bar) = bar {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            self.say("");
        }
    }

    /// Takes the last picture away.
    fn wipe(&self) {
        if let Some(bar) = lock(&self.bar).take() {
            bar.finish_and_clear();
        }
    }

    /// What the step at hand is doing now.
    pub fn doing(&self, what: impl Display) {
        *lock(&self.doing) = what.to_string();
    }

    /// Does one step under a headline, says from time to time what it is doing, and afterwards how
    /// it went.
    pub async fn step<T>(
        &self,
        what: impl Display,
        deadline: Duration,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        self.say(format_args!("==> {what}"));
        self.doing("");
        let start = Instant::now();
        let done = tokio::select! {
            done = tokio::time::timeout(deadline, work) => done,
            never = self.tick(start) => match never {},
        };
        self.wipe();
        let done = done.unwrap_or_else(|_| {
            let last = lock(&self.doing).clone();
            bail!("{what}: not done after {}. {last}", elapsed(deadline))
        });
        let word = if done.is_ok() { "done" } else { "FAILED" };
        self.say(format_args!(
            "    {word} after {}",
            elapsed(start.elapsed())
        ));
        done
    }

    async fn tick(&self, start: Instant) -> std::convert::Infallible {
        for picture in SPINNER.iter().cycle() {
            let tick = if self.live { TICK_LIVE } else { TICK_LINES };
            tokio::time::sleep(tick).await;
            let doing = lock(&self.doing).clone();
            let passed = elapsed(start.elapsed());
            match (self.live, doing.is_empty()) {
                (false, true) => self.say(format_args!("    … {passed}")),
                (false, false) => self.say(format_args!("    … {passed}  {doing}")),
                (true, false) => self.draw(format!("    {picture} {passed}  {doing}")),
                // Whoever works without a word may be drawing on the terminal himself.
                (true, true) => {}
            }
        }
        unreachable!("a cycle has no end")
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template("{msg}").expect("a template that is a literal");
    bar.with_style(style)
}

/// What a panic has left is as good as before: nothing here spans several values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_that_does_not_end_is_given_up_and_says_what_it_was_doing() {
        let screen = Screen::with(false);
        let work = async {
            screen.doing("Compiling the universe");
            std::future::pending::<anyhow::Result<()>>().await
        };
        let error = screen
            .step("build", Duration::from_secs(60), work)
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "build: not done after 1 min 00 s. Compiling the universe"
        );
    }

    #[test]
    fn nothing_is_drawn_where_lines_are_wanted() {
        let screen = Screen::with(false);
        screen.draw("a table".to_owned());
        assert!(lock(&screen.bar).is_none());
    }
}
