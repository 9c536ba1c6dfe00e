//! `Dockerfile` and `.dockerignore`, as far as they can be judged without
//! building an image; `tests/it/image.rs` tries the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions, each on one line, without comments.
fn instructions() -> Vec<String> {
    let text = read("Dockerfile");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let instructions = joined.lines().map(str::trim);
    instructions
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What stands after an instruction, of each time it is there.
fn of<'a>(instructions: &'a [String], word: &str) -> Vec<&'a str> {
    let after = |line: &'a String| line.split_once(' ').filter(|(first, _)| *first == word);
    instructions
        .iter()
        .filter_map(|line| after(line).map(|(_, rest)| rest))
        .collect()
}

#[test]
fn it_is_built_by_the_oldest_rust_that_may_and_on_the_debian_that_it_runs_on() {
    let instructions = instructions();
    let rust = concat!("RUST_VERSION=", env!("CARGO_PKG_RUST_VERSION"));
    assert_eq!(of(&instructions, "ARG"), [rust]);
    assert_eq!(
        of(&instructions, "FROM"),
        [
            "rust:${RUST_VERSION}-bookworm AS build",
            // Bookworm is Debian 12.
            "gcr.io/distroless/cc-debian12:nonroot",
        ]
    );
    assert!(read("Dockerfile").contains("cargo auditable build --release --locked"));
}

#[test]
fn what_ships_is_one_file_without_a_shell_run_by_a_numbered_user() {
    let instructions = instructions();
    let last = instructions
        .iter()
        .rposition(|line| line.starts_with("FROM"));
    let ships = &instructions[last.expect("a FROM") + 1..];
    assert!(of(ships, "RUN").is_empty() && of(ships, "ADD").is_empty());
    assert_eq!(
        of(ships, "COPY"),
        ["--from=build /image/oms-operator /oms-operator"]
    );
    assert_eq!(of(ships, "ENTRYPOINT"), [r#"["/oms-operator"]"#]);
    assert_eq!(of(ships, "USER"), ["65532:65532"]);
}

/// Cargo reads the manifest of every member, and looks for each target in it before it builds the one that is asked
/// for.
#[test]
fn the_build_sees_every_target_of_the_workspace() {
    let ignore = read(".dockerignore");
    let allowed: Vec<&str> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let sees = |path: &Path| allowed.iter().any(|one| path.starts_with(one));
    let root = root().canonicalize().expect("the root");
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(&root)
        .output()
        .expect("cargo");
    let metadata: Value = serde_json::from_slice(&cargo.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&cargo.stderr)));
    let mut needed = vec![Path::new("Cargo.lock")];
    for package in metadata["packages"].as_array().expect("packages") {
        let targets = package["targets"].as_array().expect("targets");
        let sources = targets.iter().map(|target| &target["src_path"]);
        for path in sources.chain([&package["manifest_path"]]) {
            let path = Path::new(path.as_str().expect("a path"));
            needed.push(path.strip_prefix(&root).expect("a path in the workspace"));
        }
    }
    assert!(needed.contains(&Path::new("benches/core.rs")), "{needed:?}");
    for path in needed {
        assert!(sees(path), ".dockerignore leaves out {}", path.display());
    }
    for path in ["target", ".git", "docs", "examples"] {
        assert!(!sees(Path::new(path)), ".dockerignore lets {path} in");
    }
}
