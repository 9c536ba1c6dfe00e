//! Builds the operator, and shows what is being built meanwhile.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use super::screen::Screen;
use crate::cargo::{Stream, cargo, run_watched, succeeded};

/// How much of what Cargo has said an error quotes: the first errors and their surroundings.
const QUOTED_LINES: usize = 60;

/// Builds the binary and says where it is.
pub async fn build(screen: &Screen) -> anyhow::Result<PathBuf> {
    let args = [
        "build",
        "--locked",
        "--package=oms-operator",
        // Built already. But alone, the operator would be built from dependencies with other features.
        "--package=xtask",
        "--bins",
        "--message-format=json-render-diagnostics",
    ];
    let mut program = None;
    let mut crates = 0;
    let mut problems = Vec::new();
    let status = run_watched(cargo(&args), |stream, line| match stream {
        Stream::Out => program = executable(line).or(program.take()),
        Stream::Err => match progress(line) {
            Some(compiling) => {
                crates += usize::from(compiling.starts_with("Compiling"));
                screen.doing(format_args!("{compiling} ({crates} so far)"));
            }
            None => problems.push(line.to_owned()),
        },
    });
    let status = status.await?;
    if !status.success() {
        for line in problems.iter().take(QUOTED_LINES) {
            screen.say(line);
        }
    }
    succeeded(status, "cargo build --package=oms-operator")?;
    program.context("cargo did not say where it has put the operator")
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

/// The program that a message of Cargo tells of.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_ours = message.pointer("/target/name")?.as_str()? == "oms-operator";
    let program = message.get("executable")?.as_str()?;
    is_ours.then(|| PathBuf::from(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages_of_cargo() {
        let ours = r#"{"reason":"compiler-artifact","target":{"name":"oms-operator"},"executable":"/t/oms-operator"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"oms_operator"},"executable":null}"#;
        assert_eq!(executable(ours), Some(PathBuf::from("/t/oms-operator")));
        assert_eq!(executable(library), None);
        assert_eq!(executable("not JSON"), None);
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
