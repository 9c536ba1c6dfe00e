//! `deploy/argocd`, run as Argo CD runs it.

mod actions;
mod health;
mod patch;
mod sandbox;
mod snippet;

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

const KINDS: [&str; 2] = ["MigrationProject", "OMSConnection"];

/// The folder of a kind.
fn folder(kind: &str) -> PathBuf {
    let group = "../../deploy/argocd/resource_customizations/oms.oceanbase.com";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(group).join(kind)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml<T: DeserializeOwned>(path: &Path) -> T {
    serde_saphyr::from_str(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}
