//! `cargo xtask simulate`: the simulation; and with `--mutants` the proof that it sees what it is there to
//! see.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tokio::process::Command;

use crate::cargo::{cargo, run, run_lines};
use crate::paths::{root, shown};
use crate::steps::step;

/// What a mutant has to be found by, the cheaper first: random seeds, or else one in so
/// many of the exhaustive runs.
const BY: [(&str, &[&str]); 2] = [
    ("2,000 seeds", &["--seeds", "2000"]),
    ("exhaustive runs", &["--exhaustive", "--every", "20"]),
];

/// Of all mutants at least so many are seen by seeds, which is what every change is checked with.
const BY_SEEDS: usize = 16;

#[derive(Debug, Args)]
pub struct Options {
    /// Break the protocol in a copy of the tree, by each of dev/mutants/*.patch, and expect that some run sees
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
    let arguments: Vec<&str> = options.arguments.iter().map(String::as_str).collect();
    run_with(&arguments).await
}

/// Runs the simulation with these arguments.
pub async fn run_with(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo(&["run", "--quiet", "--locked"]);
    command.args(OF_THE_SIMULATION).arg("--").args(arguments);
    run(command).await
}

/// Optimised a little (the root `Cargo.toml` has the profile): it is run thousands of times.
const OF_THE_SIMULATION: [&str; 4] = ["--package", "oms-simulation", "--profile", "simulation"];

async fn mutants(names: &[String]) -> anyhow::Result<()> {
    let all = patches(&root().join("dev/mutants"))?;
    let wanted: Vec<&PathBuf> = all
        .iter()
        .filter(|patch| names.is_empty() || names.iter().any(|name| name == name_of(patch)))
        .collect();
    if wanted.is_empty() {
        bail!("there is no such mutant in dev/mutants");
    }
    // Always the same place: what has been built there stays good, for the next patch and the next time.
    let copy = target().join("mutants");
    std::fs::create_dir_all(&copy).with_context(|| format!("cannot make {}", copy.display()))?;
    let copy = copy.canonicalize()?;
    copy_tree(&copy).await?;
    let mut missed = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for patch in &wanted {
        match step(name_of(patch), try_mutant(patch, &copy)).await? {
            Some(by) => *seen.entry(by).or_default() += 1,
            None => missed.push(name_of(patch)),
        }
    }
    println!(
        "{} of {} mutants were seen",
        wanted.len() - missed.len(),
        wanted.len()
    );
    for (by, count) in &seen {
        println!("    {count} by {by}");
    }
    if !missed.is_empty() {
        bail!("nothing saw {}", missed.join(", "));
    }
    let by_seeds = seen.get(BY[0].0).copied().unwrap_or_default();
    if names.is_empty() && by_seeds < BY_SEEDS {
        bail!("seeds alone saw only {by_seeds}: too few break what they do");
    }
    Ok(())
}

/// By what the simulation sees this patch of the tree, if it does. The patch is taken off again.
async fn try_mutant(patch: &Path, tree: &Path) -> anyhow::Result<Option<&'static str>> {
    apply(patch, tree, &[]).await?;
    let mut command = cargo(&["build", "--quiet"]);
    in_copy(command.args(OF_THE_SIMULATION), tree);
    run(command)
        .await
        .with_context(|| format!("{} does not compile", shown(patch)))?;
    let mut seen = None;
    for (by, which) in BY {
        if seen.is_none() && fails(tree, which).await? {
            println!("    seen by {by}");
            seen = Some(by);
        }
    }
    apply(patch, tree, &["--reverse"]).await?;
    Ok(seen)
}

/// Whether some run of the simulation of this tree fails. Prints which, and how.
async fn fails(tree: &Path, which: &[&str]) -> anyhow::Result<bool> {
    let mut command = cargo(&["run", "--quiet"]);
    command
        .args(OF_THE_SIMULATION)
        .args(["--", "--fail-fast"])
        .args(which);
    in_copy(&mut command, tree);
    let mut lines = 0;
    let status = run_lines(command, |line| {
        let tells = line.starts_with("FAILED: ") || line.contains("again: ");
        if tells && lines < 2 {
            lines += 1;
            println!("    {}", line.trim_start_matches("FAILED: ").trim_start());
        }
    });
    Ok(!status.await?.success() && lines > 0)
}

fn in_copy(command: &mut Command, tree: &Path) {
    // A folder of its own, although that builds the dependencies once more: Cargo names what it builds by the
    // path inside the workspace, so the tree itself could be given a broken library as its own.
    command
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target().join("mutants-built"))
        .stderr(std::process::Stdio::null());
}

fn target() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.canonicalize().unwrap_or(target)
}

async fn apply(patch: &Path, tree: &Path, more: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    let patch = patch.canonicalize()?;
    command
        .arg("apply")
        .args(more)
        .arg(&patch)
        .current_dir(tree);
    // Not the repository that the copy lies in, which ignores it.
    command.env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree));
    let done = command.status().await.context("cannot run git")?;
    if !done.success() {
        bail!(
            "{} does not fit the code any more: write it anew",
            shown(&patch)
        );
    }
    Ok(())
}

/// Copies what Git knows, and what it would take in, where the copy has another text; and takes away what the
/// copy has beyond that.
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
    let mut copied = BTreeSet::new();
    for file in listed.split_terminator('\0') {
        let from = root().join(file);
        // Deleted and not yet committed.
        if !from.is_file() {
            continue;
        }
        let to = to.join(file);
        let text = std::fs::read(&from).with_context(|| format!("cannot read {file}"))?;
        if std::fs::read(&to).is_ok_and(|there| there == text) {
            copied.insert(to);
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&to, text).with_context(|| format!("cannot copy {file}"))?;
        copied.insert(to);
    }
    remove_others(to, &copied)
}

fn remove_others(folder: &Path, keep: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, keep)?;
        } else if !keep.contains(&path) {
            std::fs::remove_file(&path)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_mutant_fits_the_code() {
        let patches = patches(&root().join("dev/mutants")).unwrap();
        assert!(patches.len() >= 33, "{patches:?}");
        for patch in patches {
            apply(&patch, &root(), &["--check"]).await.unwrap();
        }
    }
}
