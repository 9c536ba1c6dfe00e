//! The checks beside the tests, each with the command that mends what it finds.

use anyhow::{Context, bail};
use oms_harness::{Binaries, Tools};

use crate::cargo::{cargo, has, run};
use crate::generate;

/// The components of Rust that are not in every installation.
pub async fn tools() -> anyhow::Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !has(command).await {
            bail!(
                "there is no `cargo {command}`: install it with `rustup component add {component}`"
            );
        }
    }
    Ok(())
}

pub async fn format() -> anyhow::Result<()> {
    run(cargo(&["fmt", "--all", "--check"]))
        .await
        .context("`cargo fmt --all` mends it")
}

pub async fn lints() -> anyhow::Result<()> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    run(cargo(&args)).await
}

pub async fn documentation() -> anyhow::Result<()> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run(command).await
}

pub async fn generated_files() -> anyhow::Result<()> {
    generate::generate(true)
}

/// Licences, banned and doubled crates, and where crates come from. Advisories are left to a
/// scheduled job: they change without a change here.
pub async fn dependencies() -> anyhow::Result<()> {
    if !has("deny").await {
        println!(
            "    left out: there is no cargo-deny (`cargo install --locked cargo-deny` gets it)"
        );
        return Ok(());
    }
    run(cargo(&[
        "deny", "--locked", "check", "bans", "licenses", "sources",
    ]))
    .await
}

/// Finds the programs of a control plane, or builds them: before the tests, so that no test's
/// deadline runs meanwhile.
pub async fn control_plane() -> anyhow::Result<()> {
    println!("    {}", programs().await?.api_server.display());
    Ok(())
}

/// The same, and says where they are.
pub async fn programs() -> anyhow::Result<Binaries> {
    looked_for(Binaries::find).await
}

/// Finds Helm and kubectl, or builds them: `deploy/` is rendered with them, and tests install with them.
pub async fn helm() -> anyhow::Result<()> {
    for helm in looked_for(Tools::find).await?.helms() {
        println!("    {}", helm.display());
    }
    Ok(())
}

async fn looked_for<T: Send + 'static>(
    find: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (found, programs) = tokio::sync::oneshot::channel();
    // A plain thread: a runtime that shuts down would wait for a task of its own, and a build takes
    // minutes. This one ends with the process, and Go with it.
    std::thread::spawn(move || found.send(find()));
    programs
        .await
        .context("looking for the programs panicked")?
}
