//! `cargo xtask bench`: what the operator costs, on a real API server and with the simulated OMS as a process.
//!
//! What is measured stands in `results`: each `fleet` of a size, large `mappings`, a slow and a `dead` OMS beside
//! healthy ones, the `takeover` of one process by another, and `cycles` of resources that come and go. `world` holds the parts of a run (`cluster`, `oms`,
//! `operator`), `load` applies, `eyes` watch, `proc` tells what a process costs. `report` is what people read,
//! `targets` what was aimed at.

mod cluster;
mod cycles;
mod dead;
mod eyes;
mod fleet;
mod http;
mod load;
mod mappings;
mod oms;
mod operator;
mod plot;
mod proc;
mod report;
mod results;
mod spread;
mod takeover;
mod targets;
mod world;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tokio::process::Command;

use self::http::Http;
use self::operator::Programs;
use self::results::{Results, Stamp};
use crate::build::build;
use crate::checks;
use crate::paths::root;
use crate::screen::Screen;

/// Hundreds of crates, optimised, on a slow machine.
const BUILD: Duration = Duration::from_secs(3600);

/// Both at once, because alone each would be built from dependencies with other features.
const PACKAGES: [&str; 3] = [
    "--release",
    "--package=oms-operator",
    "--package=oms-simulator",
];

#[derive(Debug, Args)]
pub struct Options {
    /// What to measure.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "fleet,mappings,dead-oms,takeover"
    )]
    parts: Vec<Part>,

    /// The sizes of fleets, such as 1000,10000,50000; each on a control plane of its own.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "100,1000,10000",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sizes: Vec<u32>,

    /// How long a fleet is watched at rest, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    rest: u64,

    /// How many resources of each kind for mappings.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    mappings: u32,

    /// Tables of a large mapping.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tables: u32,

    /// How many resources on each OMS beside a dead one.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    dead_oms: u32,

    /// How often resources come and go, for the part cycles, after 12 minutes in which memory warms up.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    cycles: u32,

    /// How many come and go each time.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    per_cycle: u32,

    /// Measure oms-operator and oms-simulator of this folder, such as those of another version, and build none.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,

    /// Put what was measured into docs/benchmarks.json, .md and .svg. Parts that were not measured now stay, and so do
    /// the figures of other machines.
    #[arg(long)]
    write: bool,

    /// Measure nothing: write the page and the plot from docs/benchmarks.json.
    #[arg(long, conflicts_with_all = ["write", "json", "programs"])]
    render: bool,

    /// Write what was measured into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Fleets of each size: created, at rest, changed, restarted.
    Fleet,
    /// Specs of thousands of tables against small ones.
    Mappings,
    /// Healthy OMS beside a slow and a dead one.
    DeadOms,
    /// One process after another.
    Takeover,
    /// Resources that come and go.
    Cycles,
}

/// Measures until it is done or interrupted; then everything that it has started is gone.
pub async fn bench(options: Options) -> anyhow::Result<()> {
    if options.render {
        return render(&recorded()?);
    }
    if !cfg!(target_os = "linux") {
        bail!("what a process costs is read from /proc, which only Linux has");
    }
    tokio::select! {
        done = run(&options) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let screen = Screen::new();
    let http = Http::new();
    let stamp = stamp(options).await?;
    let programs = programs(options, &screen).await?;
    // The first time on a machine they are built, which no deadline of a measurement allows for.
    let found = checks::programs();
    let what = "the programs of the control plane";
    screen.step(what, BUILD, found).await?;
    let mut results = Results {
        machine: proc::machine()?,
        kubernetes: oms_harness::kubernetes_version().to_owned(),
        ..Results::default()
    };
    let mut failed = Vec::new();
    for part in options.parts.iter().flat_map(|part| part.runs(options)) {
        screen.say(format_args!("--- {part}"));
        let measured = part.measure(options, &programs, &http, &screen, &mut results);
        match measured.await {
            // What was measured is kept, whatever becomes of the next part.
            Ok(()) => {
                results.stamps.insert(part.to_string(), stamp.clone());
                keep(options, &results)?;
            }
            // One that fails takes no other with it.
            Err(error) => {
                screen.say(format_args!("{part} was not measured: {error:#}"));
                failed.push(part.to_string());
            }
        }
    }
    screen.say(report::text(&results));
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("not measured, see above: {}", failed.join(", ")),
    }
}

/// Of the files of the repository as they are now. The page of the figures itself is none of them.
async fn stamp(options: &Options) -> anyhow::Result<Stamp> {
    let code = match options.programs {
        Some(_) => "programs from elsewhere".to_owned(),
        None => {
            let commit = git(&["rev-parse", "--short", "HEAD"]).await?;
            let others = git(&["status", "--porcelain", "--", ".", ":!docs"]).await?;
            match (commit, others.as_deref()) {
                (Some(commit), Some("")) => format!("commit {commit}"),
                (Some(commit), _) => format!("commit {commit}+"),
                (None, _) => "an unknown commit".to_owned(),
            }
        }
    };
    let day = jiff::Timestamp::now().strftime("%F").to_string();
    Ok(Stamp { code, day })
}

/// What git says; nothing where there is no git, or no repository of it.
async fn git(args: &[&str]) -> anyhow::Result<Option<String>> {
    let mut command = Command::new("git");
    command.args(args).current_dir(root());
    match command.output().await {
        Ok(output) if output.status.success() => {
            Ok(Some(String::from_utf8(output.stdout)?.trim().to_owned()))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot run git"),
    }
}

async fn programs(options: &Options, screen: &Screen) -> anyhow::Result<Programs> {
    const NAMES: [&str; 2] = ["oms-operator", "oms-simulator"];
    let [operator, simulator] = match &options.programs {
        Some(folder) => NAMES.map(|name| folder.join(name)),
        None => {
            let what = "building the operator and OMS, as for a release";
            let building = build(screen, &PACKAGES, NAMES);
            screen.step(what, BUILD, building).await?
        }
    };
    Ok(Programs {
        operator,
        simulator,
    })
}

/// One measurement, on a control plane of its own.
#[derive(Clone, Copy, Debug)]
enum Run {
    Fleet(u32),
    Mappings,
    DeadOms,
    Takeover,
    Cycles,
}

impl Part {
    fn runs(self, options: &Options) -> Vec<Run> {
        match self {
            Part::Fleet => options.sizes.iter().copied().map(Run::Fleet).collect(),
            Part::Mappings => vec![Run::Mappings],
            Part::DeadOms => vec![Run::DeadOms],
            Part::Takeover => vec![Run::Takeover],
            Part::Cycles => vec![Run::Cycles],
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Run::Fleet(size) => write!(formatter, "a fleet of {size}"),
            Run::Mappings => formatter.write_str("large mappings against small ones"),
            Run::DeadOms => formatter.write_str("healthy OMS beside a slow and a dead one"),
            Run::Takeover => formatter.write_str("one process after another"),
            Run::Cycles => formatter.write_str("resources that come and go"),
        }
    }
}

impl Run {
    async fn measure(
        self,
        options: &Options,
        programs: &Programs,
        http: &Http,
        screen: &Screen,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        match self {
            Run::Fleet(size) => {
                let plan = fleet::Plan {
                    size: usize::try_from(size)?,
                    rest: Duration::from_secs(options.rest),
                };
                let fleet = fleet::measure(plan, programs, http, screen).await?;
                results.fleets.push(fleet);
                results.fleets.sort_by_key(|fleet| fleet.size);
            }
            Run::Mappings => {
                let plan = mappings::Plan {
                    count: usize::try_from(options.mappings)?,
                    tables: usize::try_from(options.tables)?,
                };
                results.mappings = Some(mappings::measure(plan, programs, http, screen).await?);
            }
            Run::DeadOms => {
                let count = usize::try_from(options.dead_oms)?;
                results.dead_oms = Some(dead::measure(count, programs, http, screen).await?);
            }
            Run::Takeover => {
                results.takeover = Some(takeover::measure(programs, http, screen).await?);
            }
            Run::Cycles => {
                let plan = cycles::Plan {
                    cycles: usize::try_from(options.cycles)?,
                    count: usize::try_from(options.per_cycle)?,
                };
                results.cycles = Some(cycles::measure(plan, programs, http, screen).await?);
            }
        }
        Ok(())
    }
}

fn keep(options: &Options, results: &Results) -> anyhow::Result<()> {
    if let Some(path) = &options.json {
        write(path, &format!("{:#}\n", serde_json::to_value(results)?))?;
    }
    if !options.write {
        return Ok(());
    }
    let all = results.clone().among(recorded()?);
    let text = format!("{:#}\n", serde_json::to_value(&all)?);
    write(&docs("benchmarks.json"), &text)?;
    render(&all)
}

fn docs(name: &str) -> PathBuf {
    root().join("docs").join(name)
}

/// What was written before, machine by machine.
fn recorded() -> anyhow::Result<Vec<Results>> {
    let path = docs("benchmarks.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .with_context(|| format!("{} is not what the bench writes", path.display())),
        Err(_) => Ok(Vec::new()),
    }
}

/// The page and the plot.
fn render(all: &[Results]) -> anyhow::Result<()> {
    let page = docs("benchmarks.md");
    let text = std::fs::read_to_string(&page)
        .with_context(|| format!("cannot read {}", page.display()))?;
    write(&page, &report::page(&text, all)?)?;
    plot::draw(all, &docs("benchmarks.svg"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
