//! `cargo xtask simulate`: many runs, and what came of them.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Parser;
use oms_simulation::exhaustive::{Variant, WHOLE, named, replay, run_variant, work_of};
use oms_simulation::random::{self, run_seed};
use oms_simulation::{Outcome, Scenario, each, scenarios};

/// Run the operator in a simulated world: by chance, from a seed; or each scenario with each
/// mishap at each of its calls.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate", max_term_width = 100)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run every scenario with every mishap at every call, instead of seeds.
    #[arg(long)]
    exhaustive: bool,
    /// With --exhaustive: only one run in so many, and each scenario once whole.
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    every: NonZeroUsize,
    /// Only this scenario, with every mishap at every call.
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// With --scenario: one run alone, with the mishap at the call of this number.
    #[arg(long, value_name = "CALL", requires = "scenario", requires = "mishap")]
    at: Option<u64>,
    /// With --at: what happens there.
    #[arg(long, value_name = "NAME", requires = "at")]
    mishap: Option<String>,
    /// Print everything that happens; best with a single run.
    #[arg(long)]
    trace: bool,
    /// Stop at the first run that fails.
    #[arg(long)]
    fail_fast: bool,
}

fn main() -> ExitCode {
    match simulate(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask simulate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(options: &Options) -> anyhow::Result<()> {
    let mut all = scenarios::all();
    if let Some(name) = &options.scenario {
        all.retain(|scenario| scenario.name == name);
        let scenario = all
            .first()
            .with_context(|| format!("there is no scenario {name}"))?;
        if let (Some(at), Some(mishap)) = (options.at, &options.mishap) {
            let mishap = named(scenario, mishap).with_context(|| format!("no mishap {mishap}"))?;
            let variant = Variant {
                at: Some(at),
                mishap: Some(mishap),
            };
            return many(
                options,
                &[variant],
                |one| run_variant(scenario, one),
                |one| replay(scenario, one),
            );
        }
    }
    if options.exhaustive || options.scenario.is_some() {
        return exhaustive(options, &all);
    }
    let seeds: Vec<u64> = (options.from..options.from + options.seeds).collect();
    many(
        options,
        &seeds,
        |seed| run_seed(*seed),
        |seed| random::replay(*seed),
    )
}

fn exhaustive(options: &Options, all: &[Scenario]) -> anyhow::Result<()> {
    let mut work = work_of(all);
    for one in &work.scenarios {
        println!(
            "{:36} {:4} calls, {:4} points, {:5} variants",
            one.name, one.calls, one.points, one.variants
        );
    }
    println!(
        "{} scenarios, {} points, {} runs",
        all.len(),
        work.points(),
        all.len() + work.runs.len()
    );
    let mut wrong = 0;
    for (scenario, one) in all.iter().zip(&work.scenarios) {
        if !one.wrong.is_empty() {
            wrong += 1;
            tell(&one.wrong, &replay(scenario, &WHOLE));
        }
    }
    if options.every > NonZeroUsize::MIN {
        work.thin(options.every);
        println!("of which {}", all.len() + work.runs.len());
    }
    if wrong > 0 && options.fail_fast {
        bail!("{wrong} of {} scenarios failed", all.len());
    }
    let done = many(
        options,
        &work.runs,
        |(scenario, one)| run_variant(scenario, one),
        |(scenario, one)| replay(scenario, one),
    );
    if wrong > 0 {
        bail!("{wrong} of {} scenarios failed whole", all.len());
    }
    done
}

fn tell(wrong: &[String], again: &str) {
    println!("FAILED: {}", wrong.join("\n        "));
    println!("        again: {again}");
}

/// Does every run, on every core, and says which have failed.
fn many<T: Sync>(
    options: &Options,
    work: &[T],
    run: impl Fn(&T) -> Outcome + Sync,
    replay: impl Fn(&T) -> String + Sync,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut failed = 0;
    each(work, run, |one, outcome| {
        if options.trace {
            outcome.trace.iter().for_each(|line| println!("{line}"));
        }
        if outcome.wrong.is_empty() {
            return true;
        }
        failed += 1;
        tell(&outcome.wrong, &replay(one));
        !options.fail_fast
    });
    println!(
        "{} runs in {:.1} s, {failed} failed",
        work.len(),
        began.elapsed().as_secs_f32()
    );
    if failed > 0 {
        bail!("{failed} of {} runs failed", work.len());
    }
    Ok(())
}
