//! A control plane to play with, until Ctrl-C.

use std::future::pending;

use oms_harness::{ControlPlane, Options};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let asked_to_stop = async {
        tokio::select! {
            Some(()) = interrupt.recv() => {}
            Some(()) = terminate.recv() => {}
            else => pending().await,
        }
    };
    let started = ControlPlane::start(Options::default());
    tokio::pin!(asked_to_stop);
    let control_plane = tokio::select! {
        started = started => started?,
        () = &mut asked_to_stop => return Ok(()),
    };
    for (name, pid) in control_plane.processes().await {
        println!("process {pid} {name}");
    }
    println!("export KUBECONFIG={}", control_plane.kubeconfig().display());
    asked_to_stop.await;
    control_plane.stop().await
}
