//! `cargo xtask simulate`: the simulation; and with `--mutants` the proof that it sees what it is there to
//! see.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tokio::process::Command;

use crate::cargo::{cargo, run, run_lines};
use crate::paths::{root, shown};
use crate::steps::step;

/// The seeds within which a mutant has to be found.
const SEEDS: &str = "2000";

#[derive(Debug, Args)]
pub struct Options {
    /// Break the protocol in a copy of the tree, by each of dev/mutants/*.patch, and expect that some seed sees
    /// it. With further arguments: only by the patches of these names.
    #[arg(long)]
    mutants: bool,
    /// What the simulation is to do: `cargo xtask simulate -- --help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the simulation, or tries it.
pub async fn simulate(options: Options) -> anyhow::Result<()> {
    if options.mutants {
        return mutants(&options.arguments).await;
    }
    let mut command = cargo(&["run", "--quiet"]);
    command
        .args(OF_THE_SIMULATION)
        .arg("--")
        .args(&options.arguments);
    run(command).await
}

const OF_THE_SIMULATION: [&str; 2] = ["--package", "oms-simulation"];

async fn mutants(names: &[String]) -> anyhow::Result<()> {
    let all = patches(&root().join("dev/mutants"))?;
    let wanted: Vec<&PathBuf> = all
        .iter()
        .filter(|patch| names.is_empty() || names.iter().any(|name| name == name_of(patch)))
        .collect();
    if wanted.is_empty() {
        bail!("there is no such mutant in dev/mutants");
    }
    let scratch = tempfile::tempdir().context("no room for a copy of the tree")?;
    copy_tree(scratch.path()).await?;
    let mut missed = Vec::new();
    for patch in &wanted {
        let found = step(name_of(patch), try_mutant(patch, scratch.path())).await?;
        if !found {
            missed.push(name_of(patch));
        }
    }
    println!(
        "{} of {} mutants were seen",
        wanted.len() - missed.len(),
        wanted.len()
    );
    if !missed.is_empty() {
        bail!("nothing saw {}", missed.join(", "));
    }
    Ok(())
}

/// Whether the simulation fails on the tree with this patch. The patch is taken off again.
async fn try_mutant(patch: &Path, tree: &Path) -> anyhow::Result<bool> {
    apply(patch, tree, &[]).await?;
    let mut command = cargo(&["build", "--quiet"]);
    in_copy(command.args(OF_THE_SIMULATION), tree);
    run(command)
        .await
        .with_context(|| format!("{} does not compile", shown(patch)))?;
    let mut command = cargo(&["run", "--quiet"]);
    command
        .args(OF_THE_SIMULATION)
        .args(["--", "--fail-fast", "--seeds", SEEDS]);
    in_copy(&mut command, tree);
    let mut seen = false;
    let status = run_lines(command, |line| {
        if !seen && line.starts_with("FAILED: ") {
            println!("    {}", line.trim_start_matches("FAILED: "));
        }
        seen = seen || line.starts_with("FAILED: ");
    });
    let failed = !status.await?.success();
    apply(patch, tree, &["--reverse"]).await?;
    Ok(failed && seen)
}

fn in_copy(command: &mut Command, tree: &Path) {
    // Beside the builds of the tree itself, which a mutant must not replace.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    command
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target.join("mutants"))
        .stderr(std::process::Stdio::null());
}

async fn apply(patch: &Path, tree: &Path, more: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    let patch = patch.canonicalize()?;
    command
        .arg("apply")
        .args(more)
        .arg(&patch)
        .current_dir(tree);
    // Not the repository that the copy may lie in.
    command.env("GIT_CEILING_DIRECTORIES", tree);
    let done = command.status().await.context("cannot run git")?;
    if !done.success() {
        bail!(
            "{} does not fit the code any more: write it anew",
            shown(&patch)
        );
    }
    Ok(())
}

/// Copies what Git knows, and what it would take in.
async fn copy_tree(to: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    command
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root());
    let listed = command.output().await.context("cannot run git")?;
    let listed = String::from_utf8(listed.stdout)?;
    for file in listed.split_terminator('\0') {
        let from = root().join(file);
        // Deleted and not yet committed.
        if !from.is_file() {
            continue;
        }
        let to = to.join(file);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(&from, &to).with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}

fn patches(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", shown(folder)))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("patch")));
    paths.sort();
    Ok(paths)
}

fn name_of(patch: &Path) -> &str {
    patch
        .file_stem()
        .and_then(OsStr::to_str)
        .unwrap_or_default()
}
