//! The tasks of this repository: `cargo xtask test | generate | demo | simulate | chaos | bench`.

mod bench;
mod beside;
mod build;
mod cargo;
mod chaos;
mod checks;
mod counts;
mod demo;
mod generate;
mod go;
mod interrupted;
mod leftovers;
mod paths;
mod screen;
mod simulate;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check everything that is checked before a change goes in. What it needs, it gets or names.
    Test,
    /// Write the files that follow from the code: the CRDs, the pages of docs/ that list what the code has, what the
    /// chart has of both, and deploy/, which Helm renders from the chart.
    Generate {
        /// Write nothing; fail when a file is not what the code gives.
        #[arg(long)]
        check: bool,
    },
    /// Show the operator at work on this machine: a real API server, a simulated OMS, the examples.
    Demo(demo::Options),
    /// Run the operator in a simulated world, with faults and ends of the process at every point.
    Simulate(simulate::Options),
    /// Run the operator on a real API server, with faults, crashes and busy users, and see what is left at the end.
    Chaos(chaos::Options),
    /// Measure what the operator costs, on a real API server and a simulated OMS: memory, CPU, writes, calls, delays.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test => run(test::test()),
        Task::Demo(options) => run(demo::demo(options)),
        Task::Simulate(options) => run(simulate::simulate(options)),
        Task::Chaos(options) => run(chaos::chaos(options)),
        Task::Bench(options) => run(bench::bench(options)),
        Task::Generate { check } => generate::generate(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(task)
}
