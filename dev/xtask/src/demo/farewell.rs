//! What there is to explore, once everything is there.

use std::path::Path;

use anyhow::Context;
use oms_simulator::Simulator;

use super::cluster::Cluster;
use crate::screen::Screen;

/// Says what to type in another terminal.
pub fn say(
    cluster: &Cluster,
    simulator: &Simulator,
    folder: &Path,
    log: &Path,
    screen: &Screen,
) -> anyhow::Result<()> {
    let ca = folder.join("oms-ca.crt");
    std::fs::write(&ca, simulator.ca_pem().unwrap_or_default())
        .with_context(|| format!("cannot write {}", ca.display()))?;
    let (export, kubectl) = cluster.kubectl();
    let lines = [
        "get migrationprojects,omsconnections -o wide",
        "describe migrationproject orders       # the lost answer, in its Events",
        "describe migrationproject billing      # why the precheck failed, and what OMS advises",
        "explain migrationproject.spec.project",
        "explain migrationproject.status.conditions",
        "wait migrationproject/shop --for=condition=CaughtUp --timeout=1m",
        "get migrationproject vendor-example -o yaml",
        "delete migrationproject shop           # its project stays in OMS",
    ];
    screen.say("");
    screen.say("To look around, in another terminal:");
    screen.say("");
    if let Some(line) = export {
        screen.say(format_args!("  {line}"));
    }
    for line in lines {
        screen.say(format_args!("  {kubectl} {line}"));
    }
    screen.say(format_args!("  tail -f {}", log.display()));
    screen.say(format_args!(
        "  curl --cacert {} {}/admin     # make OMS fail: it lists how",
        ca.display(),
        simulator.url()
    ));
    screen.say("");
    screen.say("Ctrl-C ends it, and everything with it. Until then, what changes is shown:");
    screen.say("");
    Ok(())
}
