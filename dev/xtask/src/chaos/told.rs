//! What the operator has said: in Events, in conditions, and, where a namespace takes no Event any more, in its
//! log.

use std::path::Path;

use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use serde_json::Value;

use super::arena::Arena;

/// The reason of the Event about a project that stays behind.
const LEFT: &str = "LeftInOms";

/// Everything that it has said.
pub struct Told {
    lines: Vec<String>,
}

impl Told {
    /// Gathers it.
    pub async fn gather(arena: &Arena, resources: &[Value]) -> anyhow::Result<Told> {
        let mut lines = Vec::new();
        let events: Api<Event> = Api::all(arena.client.clone());
        for event in events.list(&ListParams::default()).await? {
            let (reason, note) = (event.reason, event.note);
            // A project's name is part of good news, too.
            lines.push(format!(
                "{}: {}",
                reason.unwrap_or_default(),
                note.unwrap_or_default()
            ));
        }
        for resource in resources {
            let conditions = resource["status"]["conditions"].as_array();
            let stalled = conditions
                .into_iter()
                .flatten()
                .filter(|it| it["type"] == "Stalled");
            for condition in stalled {
                let text = |key: &str| condition[key].as_str().unwrap_or_default();
                lines.push(format!("{}: {}", text("reason"), text("message")));
            }
        }
        lines.extend(logs(arena.folder.path())?);
        Ok(Told { lines })
    }

    /// What was said of the project with this id.
    pub fn of(&self, id: &str) -> Option<&str> {
        let mut all = self.lines.iter();
        all.find(|line| line.contains(id)).map(String::as_str)
    }

    /// What was said of a project of this name that may be left behind.
    pub fn left(&self, name: &str) -> Option<&str> {
        let mut all = self.lines.iter();
        let of = |line: &&String| line.starts_with(LEFT) && line.contains(name);
        all.find(of).map(String::as_str)
    }
}

/// The last words about resources that are gone.
fn logs(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let last = text.lines().filter(|line| line.contains("deleted: "));
        lines.extend(last.map(|line| format!("{LEFT}: {line}")));
    }
    Ok(lines)
}
