//! What is kept of a run that has failed: all that was written, said, called and found.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use super::arena::Arena;
use super::chronicle::Chronicle;
use crate::paths::root;

/// Keeps it, and says where.
pub fn keep(
    arena: &Arena,
    chronicle: &Chronicle,
    resources: &[serde_json::Value],
    wrong: &[String],
    seed: u64,
) -> anyhow::Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("chaos").join(format!("seed-{seed}"));
    // Of an earlier run with this seed.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(folder.join("wrong.txt"), wrong.join("\n"))?;
    fs::write(folder.join("chronicle.txt"), lives(chronicle))?;
    fs::write(
        folder.join("resources.json"),
        serde_json::to_string_pretty(resources)?,
    )?;
    let oms = &arena.simulator;
    fs::write(
        folder.join("projects.json"),
        serde_json::to_string_pretty(&oms.projects())?,
    )?;
    let mut calls = String::new();
    for call in oms.calls() {
        // The sweeps would bury the rest.
        if call.action == "ListProjects" && call.search_key.is_none() {
            continue;
        }
        let about = call.project_id.or(call.search_key).unwrap_or_default();
        let name = call.project_name.unwrap_or_default();
        writeln!(
            calls,
            "{} {} {about} {name} worked={} {:?}",
            call.time, call.action, call.worked, call.outcome
        )?;
    }
    fs::write(folder.join("calls.txt"), calls)?;
    for entry in fs::read_dir(arena.folder.path())? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(folder.canonicalize().unwrap_or(folder))
}

fn lives(chronicle: &Chronicle) -> String {
    let mut text = String::new();
    for (uid, life) in &chronicle.lives {
        let _ = writeln!(text, "{} {uid}", life.name);
        for version in &life.versions {
            let _ = writeln!(
                text,
                "  {} #{} {}{}{} {} id={} reserved={} {}",
                version.at,
                version.revision,
                version.state,
                if version.suspended { " suspended" } else { "" },
                if version.deleting { " deleting" } else { "" },
                version.policy,
                version.project.as_deref().unwrap_or("-"),
                version.reserved.as_deref().unwrap_or("-"),
                version.says,
            );
        }
        if let Some(ended) = life.ended {
            let _ = writeln!(text, "  {ended} gone");
        }
    }
    text
}
