//! `deploy/argocd`: what follows from the Lua there and from the statuses in
//! `tests/fixtures/status/`. The tests of Argo CD's own repository read these
//! files; ours (`dev/xtask/tests/it/argocd/`) do so after the same rules.

mod actions;
mod config_map;
mod health;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::paths::root;

/// Above the folders of the kinds, as Argo CD wants it.
const FOLDER: &str = "deploy/argocd/resource_customizations/oms.oceanbase.com";

/// The kinds, each with a folder of its own.
const KINDS: [&str; 2] = ["MigrationProject", "OMSConnection"];

/// A status out of a real run.
struct Status {
    name: String,
    /// What kstatus makes of it: `dev/kstatus` holds that word to the library.
    word: String,
    /// The object as the API server gave it.
    text: String,
    object: Value,
}

/// Every file with its text.
pub fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let statuses = statuses()?;
    let mut files = vec![(
        root().join("deploy/argocd/argocd-cm.yaml"),
        config_map::text()?,
    )];
    for kind in KINDS {
        let of_kind: Vec<&Status> = statuses.iter().filter(|one| one.kind() == kind).collect();
        let folder = root().join(FOLDER).join(kind);
        for status in &of_kind {
            let path = format!("testdata/{}.yaml", status.name);
            files.push((folder.join(path), status.text.clone()));
        }
        files.push((folder.join("health_test.yaml"), health::tests(&of_kind)?));
        for (path, text) in actions::files(kind, &of_kind)? {
            files.push((folder.join("actions").join(path), text));
        }
    }
    Ok(files)
}

fn statuses() -> anyhow::Result<Vec<Status>> {
    let folder = root().join("tests/fixtures/status");
    let mut statuses = Vec::new();
    for entry in fs::read_dir(&folder).context("tests/fixtures/status")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let read = fs::read_to_string(&path).with_context(|| format!("status {name}"))?;
        let (first, text) = read.split_once('\n').unwrap_or_default();
        let Some(word) = first.strip_prefix("# kstatus: ") else {
            bail!("the status {name} does not begin with `# kstatus: ` and a word");
        };
        let object = serde_saphyr::from_str(text).with_context(|| format!("status {name}"))?;
        statuses.push(Status {
            name: name.into_owned(),
            word: word.to_owned(),
            text: text.to_owned(),
            object,
        });
    }
    statuses.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(statuses)
}

impl Status {
    fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    /// The condition Ready.
    fn ready(&self) -> &Value {
        let conditions = self.object.pointer("/status/conditions");
        let conditions = conditions.and_then(Value::as_array);
        conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Ready")
            .unwrap_or(&Value::Null)
    }

    /// Whether the status is of the spec that stands there.
    fn is_of_this_generation(&self) -> bool {
        self.object.pointer("/status/observedGeneration")
            == self.object.pointer("/metadata/generation")
    }
}
