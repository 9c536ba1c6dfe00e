//! The operator's process: killed, told to stop, frozen while another one takes over; and started again each
//! time, as a kubelet does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use oms_harness::{Exit, Process};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::arena::{Arena, PASSWORD};

/// A call may be under way for 3 s, its id is written for 10 s more, and the machine may be busy.
const STOP: Duration = Duration::from_secs(90);

/// What the operator says when it works.
const STARTED: &str = "oms_operator::run: started";

/// Between an end that nobody asked for and the next start.
const BACK_OFF: Duration = Duration::from_secs(1);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The operator, life after life.
pub struct Lives<'a> {
    arena: &'a Arena,
    program: PathBuf,
    random: StdRng,
    number: u32,
    process: Option<Process>,
}

impl<'a> Lives<'a> {
    /// Begins the first one.
    pub fn begin(arena: &'a Arena, program: &Path, seed: u64) -> anyhow::Result<Lives<'a>> {
        let mut lives = Lives {
            arena,
            program: program.to_owned(),
            random: StdRng::seed_from_u64(seed ^ 0x11FE),
            number: 0,
            process: None,
        };
        lives.process = Some(lives.start()?);
        Ok(lives)
    }

    /// Ends it again and again, until `end`.
    pub async fn run(&mut self, end: Instant) -> anyhow::Result<()> {
        while Instant::now() < end {
            let calm = Duration::from_secs_f64(self.random.random_range(1.0..9.0));
            self.stand((Instant::now() + calm).min(end)).await?;
            match self.random.random_range(0..10) {
                0..=4 => self.kill().await?,
                5..=7 => self.stop().await?,
                _ => self.freeze().await?,
            }
        }
        Ok(())
    }

    /// Keeps it alive until `end`.
    pub async fn stand(&mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            let exit = self.process.as_ref().and_then(Process::exit);
            if self.process.is_none() || exit.is_some() {
                if let (Some(exit), Some(process)) = (exit, self.process.take()) {
                    self.ended_by_itself(exit, &process)?;
                    tokio::time::sleep(BACK_OFF).await;
                }
                self.process = Some(self.start()?);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    /// The last one: told to stop where nothing goes wrong, it ends well.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        let exit = process.stop(STOP).await?;
        if !exit.success() {
            let tail = process.log_tail();
            self.arena
                .score
                .wrong(format!("the last operator ended with {exit}; {tail}"));
        }
        self.keep(&process)
    }

    fn start(&mut self) -> anyhow::Result<Process> {
        self.number += 1;
        let kubeconfig = format!("--kubeconfig={}", self.arena.kubeconfig.display());
        // Shorter than by default, in the same order. A fault of OMS holds a call for less than a create
        // may be in doubt.
        let args = [
            "run",
            "--health-addr=127.0.0.1:0",
            "--metrics-addr=127.0.0.1:0",
            "--min-sweep-interval=1s",
            "--figures-interval=2s",
            "--secret-interval=1s",
            "--create-quarantine=6s",
            "--create-quarantine-replied=6s",
            "--oms-connect-timeout=1s",
            "--oms-read-timeout=3s",
            "--oms-mutation-timeout=3s",
            "--max-backoff=5s",
            &kubeconfig,
        ];
        let env = [("RUST_LOG", "info"), ("NO_COLOR", "1")];
        self.arena.score.count("operator: starts");
        Process::spawn("oms-operator", &self.program, &args, &env)
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        process.kill().await;
        self.arena.score.count("operator: SIGKILL");
        self.keep(&process)?;
        self.be_down().await;
        Ok(())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        self.terminate(&process).await?;
        self.be_down().await;
        Ok(())
    }

    /// It stands still, another one is started beside it, and it wakes up and goes on as if nothing had
    /// happened: the race for which the reservation is there.
    async fn freeze(&mut self) -> anyhow::Result<()> {
        let Some(old) = self.process.take() else {
            return Ok(());
        };
        old.freeze();
        self.arena.score.count("operator: frozen, and two at once");
        self.process = Some(self.start()?);
        let asleep = Duration::from_secs_f64(self.random.random_range(1.0..8.0));
        self.stand(Instant::now() + asleep).await?;
        old.thaw();
        let awake = Duration::from_secs_f64(self.random.random_range(0.5..5.0));
        self.stand(Instant::now() + awake).await?;
        if self.random.random_ratio(1, 2) {
            return self.terminate(&old).await;
        }
        old.kill().await;
        self.keep(&old)
    }

    async fn terminate(&self, process: &Process) -> anyhow::Result<()> {
        match process.stop(STOP).await {
            Ok(exit) if exit.success() => self.arena.score.count("operator: SIGTERM, ended well"),
            // It could not write what it knew, and said so.
            Ok(exit) if exit.code().is_some() => {
                self.arena
                    .score
                    .count("operator: SIGTERM, ended with an error");
            }
            // It had no time to be a program yet that listens to signals.
            Ok(_) if !process.log().contains(STARTED) => {
                self.arena.score.count("operator: SIGTERM before it began");
            }
            Ok(exit) => self
                .arena
                .score
                .wrong(format!("SIGTERM: {exit}; {}", process.log_tail())),
            Err(error) => self.arena.score.wrong(format!("SIGTERM: {error:#}")),
        }
        self.keep(process)
    }

    fn ended_by_itself(&self, exit: Exit, process: &Process) -> anyhow::Result<()> {
        if process.log().contains(STARTED) {
            let tail = process.log_tail();
            self.arena
                .score
                .wrong(format!("the operator ended unasked ({exit}); {tail}"));
        } else {
            // Without an API server it does not begin.
            self.arena.score.count("operator: gave up at its start");
        }
        self.keep(process)
    }

    async fn be_down(&mut self) {
        let down = if self.random.random_ratio(1, 4) {
            self.random.random_range(2.0..6.0)
        } else {
            self.random.random_range(0.0..1.0)
        };
        tokio::time::sleep(Duration::from_secs_f64(down)).await;
    }

    /// Keeps the log of a life, and looks for what must be in none.
    fn keep(&self, process: &Process) -> anyhow::Result<()> {
        let log = process.log();
        for (word, what) in [("panicked at", "a panic"), (PASSWORD, "the password")] {
            if let Some(line) = log.lines().find(|line| line.contains(word)) {
                let line = line.replace(PASSWORD, "(the password)");
                self.arena.score.wrong(format!("{what} in the log: {line}"));
            }
        }
        let pid = process.pid();
        let path = self.arena.folder.path().join(format!("operator-{pid}.log"));
        std::fs::write(&path, log).with_context(|| format!("cannot write {}", path.display()))
    }
}
