//! `cargo xtask generate`: the files that follow from the code.

mod api;
mod argocd;
mod chart;
mod cli;
mod deploy;
mod markdown;
mod metrics;
mod reasons;
mod version;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use oms_operator::api::{Kind, crds_yaml};

use crate::paths::{root, shown};

/// Every file that follows from the code alone, with the text that it should have.
fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let definition = |kind: Kind| {
        let path = format!("crds/{}.yaml", kind.definition_name());
        (root().join(path), crds_yaml(kind))
    };
    let pages = [
        ("docs/reasons.md", reasons::page()),
        ("docs/cli.md", cli::page()),
        ("docs/metrics.md", metrics::page()),
        ("docs/reference/api.md", api::page()),
    ];
    let pages = pages.map(|(path, text)| (root().join(path), text));
    let mut files: Vec<_> = Kind::ALL.into_iter().map(definition).chain(pages).collect();
    files.extend(argocd::files()?);
    files.extend(chart::files()?);
    files.extend(deploy::definitions());
    files.extend(version::files()?);
    Ok(files)
}

/// Writes the files that differ, or with `check` says which do.
pub fn generate(check: bool) -> anyhow::Result<()> {
    let mut stale = settle(files()?, check)?;
    // After the files of the chart, of which these are rendered.
    stale.extend(settle(deploy::rendered()?, check)?);
    if stale.is_empty() {
        return Ok(());
    }
    bail!(
        "{}; run `cargo xtask generate` and commit what it writes",
        stale.join("; ")
    )
}

/// The same for these files; says which differ and were not written.
fn settle(files: Vec<(PathBuf, String)>, check: bool) -> anyhow::Result<Vec<String>> {
    let mut stale = Vec::new();
    for (path, wanted) in files {
        let name = shown(&path);
        // A file that is not there differs, too.
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == wanted {
            println!("    {name} is up to date");
        } else if check {
            stale.push(difference(&name, &found, &wanted));
        } else {
            let folder = path.parent().context("every generated file has a folder")?;
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, wanted))
                .with_context(|| format!("cannot write {name}"))?;
            println!("    {name} written");
        }
    }
    Ok(stale)
}

/// The first line in which the file is not what it should be.
fn difference(name: &str, found: &str, wanted: &str) -> String {
    if found.is_empty() {
        return format!("{name} is missing");
    }
    let (mut found, mut wanted) = (found.lines(), wanted.lines());
    for number in 1.. {
        match (found.next(), wanted.next()) {
            (None, None) => break,
            (has, wants) if has == wants => {}
            (has, wants) => {
                let text = |line: Option<&str>| line.unwrap_or("(the end)").trim().to_owned();
                return format!(
                    "{name} differs from the code at line {number}: it has {:?}, the code gives {:?}",
                    text(has),
                    text(wants)
                );
            }
        }
    }
    format!("{name} differs from the code in its line ends")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        let words = difference("crds/a.yaml", "a: 1\nb: 2\n", "a: 1\nb: 3\n");
        assert!(
            words.contains("crds/a.yaml differs from the code at line 2"),
            "{words}"
        );
        assert!(words.contains("b: 2") && words.contains("b: 3"), "{words}");
    }

    #[test]
    fn a_missing_file_and_a_missing_end_are_told_apart() {
        assert_eq!(difference("x", "", "a\n"), "x is missing");
        assert!(difference("x", "a\n", "a\nb\n").contains("(the end)"));
    }
}
