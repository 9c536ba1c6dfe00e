//! `cargo xtask test`: every check, then every test, then the counts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use futures::future::OptionFuture;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::beside::Beside;
use crate::build;
use crate::cargo::{cargo, run, run_lines, succeeded};
use crate::chaos;
use crate::checks;
use crate::counts::Counts;
use crate::go;
use crate::leftovers::Run;
use crate::screen::Screen;
use crate::steps::{elapsed, step};

/// How the names of the simulation's tests begin.
const SIMULATED: &str = "simulated::";

/// Runs everything. A check that fails does not keep the others from running.
pub async fn test() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // What is dropped here ends its processes and removes its files.
    tokio::select! {
        done = everything() => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("told to stop"),
    }
}

async fn everything() -> anyhow::Result<()> {
    let start = Instant::now();
    step("tools", checks::tools()).await?;
    let mut results = vec![
        ("format", step("format", checks::format()).await),
        (
            "helm and kubectl",
            step("helm and kubectl", checks::helm()).await,
        ),
        (
            "generated files",
            step("generated files", checks::generated_files()).await,
        ),
        (
            "dependencies",
            step("dependencies", checks::dependencies()).await,
        ),
    ];
    let run = Run::new()?;
    let control_plane = step("control plane", checks::control_plane()).await;
    let ready = control_plane.is_ok();
    results.push(("control plane", control_plane));
    let mut program = None;
    if ready {
        let built = step("operator", build::operator(&Screen::new())).await;
        results.push(("operator", built.map(|built| program = Some(built))));
    }
    let mut counts = Counts::default();
    let chaos = program.map(|program| chaos_beside(program, &run));
    let (computed, chaos) = tokio::join!(computing(&mut counts), OptionFuture::from(chaos));
    results.extend(computed);
    if let Some(chaos) = chaos {
        results.push(("chaos", chaos.show()));
    }

    let records = tempfile::tempdir().context("cannot make a temporary folder")?;
    if ready {
        let tests = step("tests", tests(&run, records.path(), &mut counts)).await;
        results.push(("tests", tests));
        let left = step("nothing left behind", run.nothing_left()).await;
        results.push(("nothing left behind", left));
    }
    for folder in ["dev/kstatus", "dev/gitops"] {
        let tested = step(folder, go::test(folder, records.path(), &mut counts)).await;
        results.push((folder, tested));
    }

    println!();
    let mut failed = 0;
    for (what, result) in &results {
        if let Err(error) = result {
            failed += 1;
            println!("FAILED: {what}: {error:#}");
        }
    }
    for name in &counts.failures {
        println!("FAILED: test {name}");
    }
    if counts.ignored > 0 {
        println!("{} tests are ignored", counts.ignored);
    }
    println!("all of it took {}", elapsed(start.elapsed()));
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if failed > 0 {
        bail!("{failed} of {} checks failed", results.len());
    }
    Ok(())
}

/// What keeps the processor busy while chaos waits, which it mostly does. Its deadlines are far longer than
/// what load can make of them.
async fn computing(counts: &mut Counts) -> Vec<(&'static str, anyhow::Result<()>)> {
    vec![
        ("lints", step("lints", checks::lints()).await),
        (
            "documentation",
            step("documentation", checks::documentation()).await,
        ),
        ("tests, built", step("tests, built", built()).await),
        ("simulation", step("simulation", simulation(counts)).await),
    ]
}

/// Everything that the tests need, so that none of their deadlines runs while the compiler does.
async fn built() -> anyhow::Result<()> {
    for which in [&CARGO_TEST[..], &SIMULATION] {
        run(cargo(&[which, &["--no-run"]].concat())).await?;
    }
    Ok(())
}

/// The tests that live on a clock of their own: the only ones that may share the machine.
async fn simulation(counts: &mut Counts) -> anyhow::Result<()> {
    counted(cargo_test(&SIMULATION, &[SIMULATED]), counts).await
}

async fn chaos_beside(program: PathBuf, run: &Run) -> Beside {
    let mut command = chaos::in_tests(&program);
    run.mark(&mut command);
    Beside::run("chaos", command).await
}

async fn tests(run: &Run, records: &Path, counts: &mut Counts) -> anyhow::Result<()> {
    let mut command = cargo_test(&CARGO_TEST, &["--skip", SIMULATED]);
    run.mark(&mut command);
    command.env(go::RECORDS, records);
    counted(command, counts).await
}

/// Always the whole workspace: a package by itself has other features of its dependencies, and would be compiled
/// again.
const CARGO_TEST: [&str; 4] = ["test", "--workspace", "--locked", "--no-fail-fast"];

/// What is simulated is done many times, and so by a program that is optimised a little.
const SIMULATION: [&str; 6] = [
    "test",
    "--package=oms-simulation",
    "--test=it",
    "--profile=simulation",
    "--locked",
    "--no-fail-fast",
];

fn cargo_test(which: &[&str], of_the_tests: &[&str]) -> Command {
    cargo(&[which, &["--"], of_the_tests].concat())
}

async fn counted(command: Command, counts: &mut Counts) -> anyhow::Result<()> {
    let passed = counts.passed;
    let status = run_lines(command, |line| {
        println!("{line}");
        counts.line(line);
    });
    succeeded(status.await?, "cargo test --workspace")?;
    if counts.passed == passed {
        bail!("no test was run");
    }
    Ok(())
}
