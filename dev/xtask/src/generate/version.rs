//! What is written by hand and names the version: commands and addresses that are there to be copied.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::paths::root;

/// The version of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const FILES: [&str; 7] = [
    "docs/install.md",
    "docs/uninstall.md",
    "deploy/argocd/waves/kustomization.yaml",
    "deploy/elsewhere/kustomization.yaml",
    "deploy/flux/operator.yaml",
    "deploy/release-all/job.yaml",
    "deploy/release-all/kustomization.yaml",
];

/// What a version stands behind.
const BEFORE: [&str; 3] = ["oms-operator:", "VERSION=", "?ref=v"];

/// What a range of versions stands behind: all patches of this minor version.
const BEFORE_A_RANGE: &str = "semver: ";

/// These files, with the version of the workspace.
pub fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let file = |name: &str| {
        let path = root().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let new = versioned(&text);
        Ok((path, new))
    };
    FILES.into_iter().map(file).collect()
}

fn versioned(text: &str) -> String {
    let with_versions = BEFORE.into_iter().fold(text.to_owned(), |text, marker| {
        replaced(&text, marker, VERSION)
    });
    replaced(
        &with_versions,
        BEFORE_A_RANGE,
        &format!("{}.x", minor_of(VERSION)),
    )
}

/// Major and minor version.
fn minor_of(version: &str) -> String {
    let mut parts = version.splitn(3, '.');
    let (major, minor) = (parts.next(), parts.next());
    format!(
        "{}.{}",
        major.unwrap_or_default(),
        minor.unwrap_or_default()
    )
}

/// The text with another version wherever one follows the marker.
fn replaced(text: &str, marker: &str, version: &str) -> String {
    let mut parts = text.split(marker);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_of_a_version =
            |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
        let end = part.find(|letter| !is_of_a_version(letter));
        let end = end.unwrap_or(part.len());
        out.push_str(marker);
        match part.starts_with(|first: char| first.is_ascii_digit()) {
            true => out.push_str(&format!("{version}{}", &part[end..])),
            false => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_replaced_and_a_variable_is_not() {
        let text = "docker push x/oms-operator:0.0.9-rc.1 .\nVERSION=0.0.9\ny/oms-operator:$VERSION\n?ref=v0.0.9\"]\n";
        let wanted = "docker push x/oms-operator:1.2.3 .\nVERSION=1.2.3\ny/oms-operator:$VERSION\n?ref=v1.2.3\"]\n";
        let new = BEFORE.into_iter().fold(text.to_owned(), |text, marker| {
            replaced(&text, marker, "1.2.3")
        });
        assert_eq!(new, wanted);
    }

    #[test]
    fn a_range_is_of_the_minor_version() {
        assert_eq!(minor_of("1.2.3"), "1.2");
        assert_eq!(minor_of("1.2.3-rc.1"), "1.2");
        assert_eq!(
            replaced("semver: 0.0.x\n", BEFORE_A_RANGE, "1.2.x"),
            "semver: 1.2.x\n"
        );
    }

    /// A page that names a version in a way that is not known here would keep it for ever.
    #[test]
    fn every_file_has_something_to_replace() {
        for (path, text) in files().unwrap() {
            let range = format!("{BEFORE_A_RANGE}{}.x", minor_of(VERSION));
            let names = BEFORE
                .iter()
                .any(|marker| text.contains(&format!("{marker}{VERSION}")));
            assert!(names || text.contains(&range), "{}", path.display());
        }
    }
}
