//! The show, from the first step to the last line.

use std::time::Duration;

use anyhow::Context;
use oms_harness::{ControlPlane, Process};
use oms_simulator::{Config, Simulator, Tls};
use tempfile::TempDir;

use super::Options;
use super::cluster::Cluster;
use super::documents::Documents;
use super::parts::Parts;
use super::theirs::Theirs;
use super::watch::Projects;
use super::{farewell, operator, scene};
use crate::build;
use crate::checks;
use crate::screen::Screen;

/// Hundreds of crates, or a control plane, on a slow machine.
const BUILD: Duration = Duration::from_secs(3600);

/// What takes seconds on an idle machine; compilers of others make it more.
const STEP: Duration = Duration::from_secs(180);

/// What does not get faster with the speed of OMS, and the compilers of others.
const SHOW: Duration = Duration::from_secs(120);

/// What OMS works for the slowest project of the scene, at speed 1, with room.
const WORK: Duration = Duration::from_secs(600);

/// Plays it. Whatever is started is in `parts`.
pub async fn play(options: &Options, screen: &Screen, parts: &mut Parts) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("oms-demo-").tempdir();
    let folder = &*parts
        .folder
        .insert(folder.context("cannot make a temporary folder")?);
    let cluster = match &options.context {
        // First of all: a wrong name is not worth a build.
        Some(context) => Some(theirs(context, folder, screen).await?),
        None => None,
    };
    let building = build::operator(screen);
    let program = screen
        .step("building the operator", BUILD, building)
        .await?;
    let cluster = match cluster {
        Some(cluster) => cluster,
        None => own(screen).await?,
    };
    let cluster = &*parts.cluster.insert(cluster);

    let mut documents = Documents::read(scene::files())?;
    let simulator = oms(options, &documents, cluster, screen).await?;
    let simulator = &*parts.simulator.insert(simulator);
    screen
        .step("definitions and rights", STEP, cluster.install(screen))
        .await?;

    let operator = screen.step("the operator, as a process", STEP, async {
        let kubeconfig = cluster.operators_kubeconfig(folder.path()).await?;
        operator::start(&program, &kubeconfig, screen).await
    });
    let operator = &*parts.operator.insert(operator.await?);
    let log = operator::keep_log(operator, folder.path())?;

    let applied = screen.step("the resources", STEP, async {
        let ca = simulator.ca_pem().context("the simulator serves HTTPS")?;
        for note in documents.point_to(&simulator.url(), ca) {
            screen.say(format_args!("    {note}"));
        }
        for note in documents.hasten(scene::SWEEP, scene::STABLE) {
            screen.say(format_args!("    {note}"));
        }
        cluster.apply(&documents, screen).await
    });
    applied.await?;

    screen.say("");
    let mut projects = Projects::new(cluster.client(), cluster.namespace(), screen);
    let deadline = SHOW + WORK.div_f64(options.speed);
    let played = tokio::select! {
        never = log.copy() => match never {},
        played = projects.until_the_end(operator, deadline) => played,
    };
    screen.keep();
    played.map_err(|error| with_log(error, operator))?;
    screen.say("");
    screen.say("Every project has come to the end that the scene has for it:");
    screen.say(format_args!("    {}", scene::once_each(simulator)?));
    cluster.only_what_it_may(screen).await?;
    parts.all_there = true;
    if options.once {
        return Ok(());
    }
    farewell::say(cluster, simulator, folder.path(), log.path(), screen)?;
    tokio::select! {
        never = log.copy() => match never {},
        ended = projects.follow(operator) => ended.map_err(|error| with_log(error, operator)),
    }
}

/// What went wrong, and what the operator has said last.
fn with_log(error: anyhow::Error, operator: &Process) -> anyhow::Error {
    anyhow::anyhow!("{error:#}\n{}", operator.log_tail())
}

async fn theirs(context: &str, folder: &TempDir, screen: &Screen) -> anyhow::Result<Cluster> {
    let run = folder.path().file_name().unwrap_or_default();
    let run = run.to_string_lossy();
    let cluster = screen.step(format!("Kubernetes: your context {context}"), STEP, async {
        let theirs = Theirs::connect(context, &run).await?;
        theirs.refuse_what_is_there().await?;
        Ok(theirs)
    });
    Ok(Cluster::Theirs(Box::new(cluster.await?)))
}

async fn own(screen: &Screen) -> anyhow::Result<Cluster> {
    let programs = screen.step("the programs of a control plane", BUILD, async {
        let binaries = checks::programs().await?;
        screen.say(format_args!("    {}", binaries.api_server.display()));
        Ok(())
    });
    programs.await?;
    let started = screen.step("Kubernetes (API server, etcd, controllers)", STEP, async {
        let started = ControlPlane::start(oms_harness::Options::default()).await?;
        screen.say(format_args!("    {}", started.url()));
        Ok(started)
    });
    Ok(Cluster::Own(Box::new(started.await?)))
}

async fn oms(
    options: &Options,
    documents: &Documents,
    cluster: &Cluster,
    screen: &Screen,
) -> anyhow::Result<Simulator> {
    let started = screen.step("OMS (simulated)", STEP, async {
        let (username, password) = documents.credentials()?;
        let simulator = Simulator::start(Config {
            username,
            password,
            speed: options.speed,
            durations: scene::durations(),
            tls: Some(Tls::new(&[])?),
            ..Config::default()
        });
        let simulator = simulator.await?;
        scene::set(&simulator, cluster.namespace());
        screen.say(format_args!(
            "    {}, {} times as fast as real time",
            simulator.url(),
            options.speed
        ));
        Ok(simulator)
    });
    started.await
}
