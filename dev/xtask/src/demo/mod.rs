//! `cargo xtask demo`: the whole on one machine, with real parts but for OMS, which is simulated.

mod examples;
mod operator;
mod parts;
mod table;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use oms_harness::ControlPlane;
use oms_operator::api::{Kind, crds_yaml};
use oms_simulator::{Config, Simulator, Tls};
use tokio::signal::unix::{SignalKind, signal};

use crate::checks;
use crate::demo::examples::Examples;
use crate::demo::operator::ACCOUNT;
use crate::demo::parts::Parts;
use crate::demo::table::Table;
use crate::paths::root;
use crate::steps::step;

/// Projects run within seconds; compilers of others on the machine make it more.
const DEADLINE: Duration = Duration::from_secs(120);

/// Where the examples go: what kubectl takes when it is told no namespace.
const NAMESPACE: &str = "default";

#[derive(Debug, Args)]
pub struct Options {
    /// End as soon as every project is as its example says.
    #[arg(long)]
    once: bool,

    /// How many times as fast as real time the simulated OMS works.
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0)]
    speed: f64,
}

/// Shows the demo until it is told to stop. Whatever happens, nothing stays behind.
pub async fn demo(options: Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut parts = Parts::default();
    let played = tokio::select! {
        played = play(&options, &mut parts) => Some(played),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    println!();
    let all_there = parts.all_there;
    let stopped = tokio::select! {
        stopped = step("stopping everything", parts.stop()) => stopped,
        // Everything runs under a supervisor that ends it when this process is gone.
        _ = interrupt.recv() => bail!("interrupted twice: what still ran is killed"),
    };
    match played {
        Some(played) => played.and(stopped),
        None if all_there => stopped,
        None => bail!("stopped before every project was as its example says"),
    }
}

async fn play(options: &Options, parts: &mut Parts) -> anyhow::Result<()> {
    let program = step("operator", operator::build()).await?;
    step("control plane", checks::control_plane()).await?;
    let control_plane = step("Kubernetes (API server, etcd, controllers)", async {
        let started = ControlPlane::start(oms_harness::Options::default()).await?;
        println!("    {}", started.url());
        Ok(started)
    });
    let control_plane = &*parts.control_plane.insert(control_plane.await?);

    let mut examples = Examples::read(&root().join("examples"))?;
    let simulator = step("OMS (simulated)", async {
        let (username, password) = examples.credentials()?;
        let simulator = Simulator::start(Config {
            username,
            password,
            speed: options.speed,
            tls: Some(Tls::new(&[])?),
            ..Config::default()
        });
        let simulator = simulator.await?;
        println!("    {}", simulator.url());
        Ok(simulator)
    });
    let simulator = &*parts.simulator.insert(simulator.await?);

    step("resource definitions and rights", async {
        for kind in Kind::ALL {
            control_plane.apply_yaml(&crds_yaml(kind)).await?;
            println!("    {}", kind.definition_name());
        }
        let path = root().join("deploy/rbac.yaml");
        let rights = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        control_plane.apply_yaml(&rights).await?;
        println!("    deploy/rbac.yaml");
        Ok(())
    })
    .await?;

    let operator = step("operator process", operator::start(&program, control_plane));
    let operator = &*parts.operator.insert(operator.await?);
    let log = operator::keep_log(operator, control_plane)?;

    step("examples", async {
        let ca = simulator.ca_pem().context("the simulator serves HTTPS")?;
        for note in examples.point_to(&simulator.url(), ca) {
            println!("    {note}");
        }
        for example in examples.documents() {
            control_plane
                .apply_yaml_in(NAMESPACE, &example.value.to_string())
                .await
                .with_context(|| example.file.clone())?;
            println!("    {} from {}", example.what(), example.file);
        }
        Ok(())
    })
    .await?;

    println!();
    let mut table = Table::new(control_plane.client(), NAMESPACE, examples.projects());
    let running = tokio::select! {
        never = log.copy() => match never {},
        running = table.until_as_declared(operator, DEADLINE) => running,
    };
    running.with_context(|| operator.log_tail())?;
    println!();
    step("rights", only_what_it_may(control_plane)).await?;
    parts.all_there = true;
    if options.once {
        return Ok(());
    }
    farewell(control_plane, simulator, log.path())?;
    table.headline();
    tokio::select! {
        never = log.copy() => match never {},
        ended = table.follow(operator) => ended.with_context(|| operator.log_tail()),
    }
}

/// The demo is a proof, too: that the operator got along with the rights of `deploy/rbac.yaml`.
async fn only_what_it_may(control_plane: &ControlPlane) -> anyhow::Result<()> {
    let all = control_plane.audit().all().await?;
    let requests = all.service_account(ACCOUNT.0, ACCOUNT.1);
    let forbidden = requests.forbidden();
    if !forbidden.is_empty() {
        bail!("deploy/rbac.yaml lacks a right that the operator needs: {forbidden}");
    }
    println!(
        "    {} requests of the operator, none refused",
        requests.len()
    );
    Ok(())
}

fn farewell(
    control_plane: &ControlPlane,
    simulator: &Simulator,
    log: &std::path::Path,
) -> anyhow::Result<()> {
    let ca = control_plane.folder().join("oms-ca.crt");
    std::fs::write(&ca, simulator.ca_pem().unwrap_or_default())
        .with_context(|| format!("cannot write {}", ca.display()))?;
    println!();
    println!("To look around, in another terminal:");
    println!();
    println!(
        "  export KUBECONFIG={}",
        control_plane.kubeconfig().display()
    );
    println!("  kubectl get migrationprojects,omsconnections -o wide");
    println!("  kubectl describe mp shop");
    println!("  kubectl explain migrationproject.spec.project");
    println!("  kubectl delete mp shop        # its project stays in OMS");
    println!("  tail -f {}", log.display());
    println!("  curl --cacert {} {}/admin", ca.display(), simulator.url());
    println!();
    println!("Ctrl-C ends it, and everything with it. Until then, what changes:");
    println!();
    Ok(())
}
