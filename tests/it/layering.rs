//! The table of `src/lib.rs`, held against the `use` lines of the code: which
//! module may use which, and what none of them may.

use std::path::{Path, PathBuf};

/// A row: the module, which of our modules it may use, and what it may not
/// mention at all.
struct Row {
    module: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

const CLIENTS: &[&str] = &[
    "kube::Client",
    "kube::Api",
    "kube::api::",
    "reqwest",
    "tokio",
    "hyper",
];

const TABLE: &[Row] = &[
    Row {
        module: "api",
        may_use: &[],
        never: CLIENTS,
    },
    Row {
        module: "oms",
        may_use: &[],
        never: &["kube::", "k8s_openapi::"],
    },
    Row {
        module: "decide",
        may_use: &["api"],
        never: &[
            "kube::",
            "reqwest",
            "tokio",
            "hyper",
            "tracing",
            "rand::",
            "std::env",
            "std::fs",
            "std::net",
            "std::time::Instant",
            "SystemTime",
            "async fn",
            "Timestamp::now",
        ],
    },
    Row {
        module: "observe",
        may_use: &["oms", "decide", "telemetry"],
        never: &[
            "kube::",
            "create_project",
            "start_project",
            "delete_project",
        ],
    },
    Row {
        module: "controller",
        may_use: &["api", "decide", "lease", "oms", "observe", "telemetry"],
        never: &["reqwest", "std::env", "std::fs"],
    },
    Row {
        module: "lease",
        may_use: &[],
        never: &["reqwest", "v1alpha1", "std::env", "std::fs"],
    },
    Row {
        module: "telemetry",
        may_use: &["oms"],
        never: &["kube::", "reqwest::"],
    },
    Row {
        module: "check",
        may_use: &["api", "decide", "oms"],
        never: &[
            "kube::Client",
            "kube::Api",
            "kube::api::",
            "oms::Client",
            "reqwest",
            "tokio",
            "hyper",
            "async fn",
            "std::env",
            "std::net",
        ],
    },
    Row {
        module: "release",
        may_use: &["api", "cli", "controller", "decide", "lease", "run"],
        never: &["reqwest", "oms::Client", ".delete(", "std::env"],
    },
];

#[test]
fn modules_use_only_what_their_row_allows() {
    let mut broken = Vec::new();
    for row in TABLE {
        for file in files(row.module) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            broken.extend(check(row, &file, &text));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_simulator_knows_nothing_of_the_operator() {
    for file in rust_files(&root().join("dev/simulator")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        assert!(
            !text.contains("oms_operator"),
            "{} mentions oms_operator",
            file.display()
        );
    }
    let manifest = std::fs::read_to_string(root().join("dev/simulator/Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("oms-operator"),
        "dev/simulator depends on the operator"
    );
}

#[test]
fn every_module_has_a_row_or_may_use_everything() {
    let top = ["run", "preflight", "main", "cli", "lib"];
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        let known = TABLE.iter().any(|row| row.module == module) || top.contains(&module);
        assert!(
            known,
            "src/{name} has no row in the table of src/lib.rs and tests/it/layering.rs"
        );
    }
}

#[test]
fn every_condition_and_reason_is_given_by_some_code() {
    use oms_operator::api::v1alpha1::{ConditionType, Reason};

    let mut code = String::new();
    for file in rust_files(&root().join("src")) {
        if !is_test(&file) && !file.ends_with("v1alpha1/conditions.rs") {
            let text = std::fs::read_to_string(&file).expect("a source file");
            code.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
        }
    }
    let reasons = Reason::ALL.iter().map(|one| format!("Reason::{one}"));
    let types = ConditionType::ALL.iter().map(|one| format!("Type::{one}"));
    let dead: Vec<String> = reasons
        .chain(types)
        .filter(|path| !names(&code, path))
        .collect();
    assert!(dead.is_empty(), "nothing in src gives {dead:?}");
    assert!(!names(&code, "Reason::Runnin") && !names(&code, "Reason::Nothing"));
}

/// Whether `code` names `path` as a whole.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, path)| {
        let next = code[at + path.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
    })
}

#[test]
fn a_broken_row_is_found() {
    let row = &TABLE[2];
    let text = "use crate::oms::Client;\n// tokio in a comment is none\nuse tokio::time;\n";
    let broken = check(row, Path::new("src/decide/x.rs"), text);
    assert_eq!(broken.len(), 2, "{broken:#?}");
    assert!(broken[0].contains("src/decide/x.rs:1") && broken[0].contains("decide"));
}

/// The lines of a file that break a row, as `file:line: what`. Tests inside a
/// file may use what they like.
fn check(row: &Row, file: &Path, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut broken = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        let place = format!("{}:{}", file.display(), number + 1);
        for used in line
            .match_indices("crate::")
            .map(|(at, path)| &line[at + path.len()..])
        {
            let module: String = used
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            if module.is_empty() || module == row.module || row.may_use.contains(&module.as_str()) {
                continue;
            }
            broken.push(format!(
                "{place}: {} may use {:?}, not {module}: {line}",
                row.module, row.may_use
            ));
        }
        for never in row.never.iter().filter(|never| line.contains(**never)) {
            broken.push(format!(
                "{place}: {} never uses {never}: {line}",
                row.module
            ));
        }
    }
    broken
}

fn files(module: &str) -> Vec<PathBuf> {
    let files = rust_files(&root().join("src").join(module));
    assert!(!files.is_empty(), "src/{module} has no files");
    files.into_iter().filter(|file| !is_test(file)).collect()
}

/// A folder `tests` holds tests.
fn is_test(file: &Path) -> bool {
    let mut parts = file.strip_prefix(root()).unwrap_or(file).components();
    parts.any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
