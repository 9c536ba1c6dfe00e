//! Nothing stays behind, whichever way it ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use oms_harness::{ControlPlane, Options, Process, until};

use crate::SOON;

/// Whether a process runs. A zombie does not: its reaper is not of our making.
fn runs(pid: u32) -> bool {
    let ps = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&ps.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

async fn all_gone(pids: &[u32], folder: &Path) {
    until(SOON, "processes and folder to be gone", async || {
        (!pids.iter().any(|pid| runs(*pid)) && !folder.exists()).then_some(())
    })
    .await
    .unwrap();
}

/// A second process that has a control plane of its own.
struct Owner {
    process: Child,
    children: Vec<u32>,
    folder: PathBuf,
}

impl Owner {
    fn start() -> Owner {
        let mut process = Command::new(env!("CARGO_BIN_EXE_oms-harness"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut children = Vec::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(kubeconfig) = line.strip_prefix("export KUBECONFIG=") {
                let folder = Path::new(kubeconfig).parent().unwrap().to_owned();
                return Owner {
                    process,
                    children,
                    folder,
                };
            }
            let pid = line
                .strip_prefix("process ")
                .and_then(|rest| rest.split(' ').next())
                .unwrap();
            children.push(pid.parse().unwrap());
        }
        panic!("the owner ended without a kubeconfig: {:?}", process.wait());
    }
}

#[tokio::test]
async fn a_killed_owner_takes_its_control_plane_along() {
    let mut owner = Owner::start();
    assert!(owner.children.len() >= 2, "{:?}", owner.children);
    assert!(owner.children.iter().all(|pid| runs(*pid)) && owner.folder.exists());
    owner.process.kill().unwrap();
    owner.process.wait().unwrap();
    all_gone(&owner.children, &owner.folder).await;
}

#[tokio::test]
async fn an_owner_asked_to_stop_leaves_nothing_and_ends_with_zero() {
    let mut owner = Owner::start();
    let asked = Command::new("kill")
        .arg(owner.process.id().to_string())
        .status()
        .unwrap();
    assert!(asked.success());
    assert!(owner.process.wait().unwrap().success());
    assert!(!owner.children.iter().any(|pid| runs(*pid)) && !owner.folder.exists());
}

#[tokio::test]
async fn stopping_and_dropping_leave_nothing() {
    let stopped = ControlPlane::start(Options::default()).await.unwrap();
    let pids: Vec<u32> = stopped
        .processes()
        .await
        .into_iter()
        .map(|(_, pid)| pid)
        .collect();
    let folder = stopped.folder().to_owned();
    stopped.stop().await.unwrap();
    assert!(!pids.iter().any(|pid| runs(*pid)) && !folder.exists());

    let dropped = ControlPlane::start(Options {
        controllers: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let pids: Vec<u32> = dropped
        .processes()
        .await
        .into_iter()
        .map(|(_, pid)| pid)
        .collect();
    assert_eq!(pids.len(), 2);
    let folder = dropped.folder().to_owned();
    drop(dropped);
    all_gone(&pids, &folder).await;
}

#[tokio::test]
async fn what_the_child_has_started_dies_with_its_owner_too() {
    let process = Process::spawn(
        "family",
        "sh",
        &["-c", "sleep 600 & echo pid $!; wait"],
        &[],
    )
    .unwrap();
    let line = process.wait_for_log("pid ", SOON).await.unwrap();
    let grandchild = line.trim_start_matches("pid ").parse().unwrap();
    let child = process.pid();
    assert!(runs(child) && runs(grandchild));
    drop(process);
    all_gone(&[child, grandchild], Path::new("/nonexistent")).await;
}
