//! `cargo xtask chaos`: the operator's binary on a real API server, and everything around it goes wrong.
//!
//! What the simulation tries with a seed and a clock of its own is tried here for real: processes, sockets,
//! an API server that is killed, the rights of `deploy/default/rbac.yaml`. `docs/chaos.md` tells what is done and
//! what must hold.
//!
//! | file | reason to exist |
//! | --- | --- |
//! | `arena.rs` | what stands: control plane, proxy, OMS, namespaces |
//! | `lives.rs` | the operator is killed, stopped, frozen, and started again |
//! | `weather.rs`, `outages.rs` | OMS and the API server fail, and when the latter did |
//! | `users.rs`, `deed.rs`, `slot.rs` | users apply, edit and delete resources |
//! | `console.rs` | people work in the console of OMS |
//! | `chronicle.rs` | every version of every resource, as etcd has stored it |
//! | `witness/` | what must not have been, by the chronicle and OMS's own log of calls |
//! | `verdict.rs` | how it must be in the end |
//! | `told.rs` | what the operator has said |
//! | `score.rs`, `evidence.rs` | what was done, and what is kept of a run that has failed |

mod arena;
mod chronicle;
mod console;
mod deed;
mod evidence;
mod lives;
mod outages;
mod play;
mod score;
mod slot;
mod told;
mod users;
mod verdict;
mod weather;
mod witness;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use tokio::process::Command;

use crate::build;
use crate::interrupted::Interrupted;
use crate::screen::Screen;
use arena::Arena;

/// Far more than each takes on two busy cores; a step that needs longer hangs.
const BUILD: Duration = Duration::from_secs(1800);
const START: Duration = Duration::from_secs(900);
const STOP: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How long things go wrong, in minutes; then everything has to come to rest.
    #[arg(long, value_name = "N", default_value_t = 2.0, value_parser = minutes)]
    minutes: f64,

    /// How many resources users keep busy with.
    #[arg(long, value_name = "M", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=2000))]
    resources: u32,

    /// Of every choice that is left to chance. The same seed gives the same plans, not the same run: what
    /// comes of them is up to the machine's clock, too.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,

    /// The operator's binary. Without this it is built first, not optimised.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|minutes: &f64| (0.1..=1440.0).contains(minutes))
        .ok_or_else(|| "it is a number of minutes from 0.1 to 1440".to_owned())
}

impl Options {
    fn lasts(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }
}

/// The run that is part of the tests, with this operator: two minutes.
pub fn in_tests(program: &Path) -> Command {
    // Built with it; this process may have been replaced on disk meanwhile.
    let mut command = Command::new(program.with_file_name("xtask"));
    let mut path = OsString::from("--program=");
    path.push(program);
    command
        .args(["chaos", "--minutes=2"])
        .arg(path)
        .process_group(0)
        .stdin(Stdio::null());
    command
}

/// One run. Whatever happens, no process stays behind.
pub async fn chaos(options: Options) -> anyhow::Result<()> {
    let screen = Screen::new();
    let mut interrupted = Interrupted::new()?;
    let seed = options
        .seed
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    tokio::select! {
        done = run(&options, seed, &screen) => done,
        // What is dropped here is killed.
        () = interrupted.wait() => bail!("interrupted"),
    }
}

async fn run(options: &Options, seed: u64, screen: &Screen) -> anyhow::Result<()> {
    let what = format!(
        "chaos of {} min with {} resources, seed {seed}",
        options.minutes, options.resources
    );
    screen.say(&what);
    let program = match &options.program {
        Some(program) => program.clone(),
        None => {
            let built = build::operator(screen);
            screen.step("operator", BUILD, built).await?
        }
    };
    let start = Arena::start(options.resources, seed);
    let arena = screen.step("control plane and OMS", START, start).await?;
    let played = play::play(options, &arena, &program, seed, screen).await;
    let stopped = screen.step("stopping", STOP, arena.stop()).await;
    played.and(stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_may_have_a_fraction_and_are_bounded() {
        assert_eq!(minutes("1.5"), Ok(1.5));
        for wrong in ["0", "-1", "NaN", "inf", "long"] {
            assert!(minutes(wrong).unwrap_err().contains("0.1 to 1440"));
        }
    }
}
