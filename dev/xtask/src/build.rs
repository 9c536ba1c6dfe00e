//! Builds programs of this repository, and shows what is being built meanwhile.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::cargo::{Stream, cargo, run_watched, succeeded};
use crate::screen::Screen;

/// How much of what Cargo has said an error quotes: the first errors and their surroundings.
const QUOTED_LINES: usize = 60;

/// Builds the operator, as for development. This program is built already; but alone, the operator would be built
/// from dependencies with other features.
pub async fn operator(screen: &Screen) -> anyhow::Result<PathBuf> {
    let packages = ["--package=oms-operator", "--package=xtask"];
    let [operator] = build(screen, &packages, ["oms-operator"]).await?;
    Ok(operator)
}

/// Builds with these arguments (profile and packages), and says where the binaries of these names are.
pub async fn build<const N: usize>(
    screen: &Screen,
    what: &[&str],
    names: [&str; N],
) -> anyhow::Result<[PathBuf; N]> {
    let fixed = [
        "build",
        "--locked",
        "--bins",
        "--message-format=json-render-diagnostics",
    ];
    let mut programs = names.map(|_| None);
    let mut crates = 0;
    let mut problems = Vec::new();
    let status = run_watched(
        cargo(&[&fixed, what].concat()),
        |stream, line| match stream {
            Stream::Out => {
                for (program, name) in programs.iter_mut().zip(names) {
                    *program = executable(line, name).or(program.take());
                }
            }
            Stream::Err => match progress(line) {
                Some(compiling) => {
                    crates += usize::from(compiling.starts_with("Compiling"));
                    screen.doing(format_args!("{compiling} ({crates} so far)"));
                }
                None => problems.push(line.to_owned()),
            },
        },
    );
    let status = status.await?;
    if !status.success() {
        for line in problems.iter().take(QUOTED_LINES) {
            screen.say(line);
        }
    }
    succeeded(status, &format!("cargo build {}", what.join(" ")))?;
    let found: Option<Vec<PathBuf>> = programs.into_iter().collect();
    let found = found.and_then(|found| <[PathBuf; N]>::try_from(found).ok());
    found.with_context(|| format!("cargo did not say where it has put {}", names.join(" and ")))
}

/// What Cargo is at, if the line tells that.
fn progress(line: &str) -> Option<&str> {
    const WORDS: [&str; 7] = [
        "Blocking",
        "Compiling",
        "Downloaded",
        "Downloading",
        "Finished",
        "Locking",
        "Updating",
    ];
    let line = line.trim();
    let word = line.split_whitespace().next()?;
    // Crates of this repository come with the folder: long, and the same for all.
    WORDS
        .contains(&word)
        .then(|| line.split(" (/").next().unwrap_or(line))
}

/// The program of this name, if a message of Cargo tells of it.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message.pointer("/target/name")?.as_str()? == name;
    let program = message.get("executable")?.as_str()?;
    is_it.then(|| PathBuf::from(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages_of_cargo() {
        let name = "oms-operator";
        let ours = r#"{"reason":"compiler-artifact","target":{"name":"oms-operator"},"executable":"/t/oms-operator"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"oms_operator"},"executable":null}"#;
        assert_eq!(
            executable(ours, name),
            Some(PathBuf::from("/t/oms-operator"))
        );
        assert_eq!(executable(ours, "oms-simulator"), None);
        assert_eq!(executable(library, name), None);
        assert_eq!(executable("not JSON", name), None);
    }

    #[test]
    fn what_cargo_is_at_is_told_from_what_it_complains_of() {
        assert_eq!(
            progress("   Compiling kube v5.0.0"),
            Some("Compiling kube v5.0.0")
        );
        assert_eq!(
            progress("   Compiling oms-operator v0.1.0 (/somewhere/here)"),
            Some("Compiling oms-operator v0.1.0")
        );
        assert!(progress("    Blocking waiting for file lock on build directory").is_some());
        assert_eq!(progress("error[E0425]: cannot find value `x`"), None);
        assert_eq!(progress(""), None);
    }
}
