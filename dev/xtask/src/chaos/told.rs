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
    /// Nothing but this.
    #[cfg(test)]
    pub fn saying(lines: &[&str]) -> Told {
        Told {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

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

/// The last words about resources that are gone, and about projects that never were anybody's.
fn logs(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        lines.extend(text.lines().filter_map(last_word));
    }
    Ok(lines)
}

fn last_word(line: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["deleted: ", "stays in OMS", "a second time in a race"];
    if !WORDS.iter().any(|word| line.contains(word)) {
        return None;
    }
    // That a project was released or deleted as asked is no warning.
    Some(match line.contains(" WARN ") {
        true => format!("{LEFT}: {line}"),
        false => line.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_warning_says_that_something_was_left() {
        let told = |line: &str| Told {
            lines: last_word(line).into_iter().collect(),
        };
        let left = told("T  WARN deleted: project np_1 stays in OMS resource=shop/orders");
        assert!(left.left("np_1").is_some() && left.left("np_2").is_none());
        let gone = told("T  INFO deleted: Project np_1 is gone from OMS. resource=shop/orders");
        assert!(gone.left("np_1").is_none() && gone.of("np_1").is_some());
        assert!(
            told("T  WARN OMS refused to stop np_1")
                .of("np_1")
                .is_none()
        );
    }
}
