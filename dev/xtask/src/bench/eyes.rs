//! A watch over all MigrationProjects that notes when each was first seen in which state.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::StreamExt;
use kube::Client;
use kube::api::WatchParams;
use kube::core::{Request, WatchEvent};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where all of them are listed and watched.
const PATH: &str = "/apis/oms.oceanbase.com/v1alpha1/migrationprojects";

/// A resource, as far as it is looked at: what is not named here costs nothing to read.
#[derive(Clone, Debug, Default, Deserialize)]
struct Resource {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    resource_version: String,
    #[serde(default)]
    generation: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    project_id: Option<String>,
    project_status: Option<String>,
    #[serde(default)]
    observed_generation: i64,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
}

/// What was seen of one resource, and when first.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// It has an id, which is this.
    pub id: Option<(String, Instant)>,
    /// The first time RUNNING.
    pub running: Option<Instant>,
    /// How often it was written after it was made, until it was first RUNNING.
    pub writes: u64,
    /// How often it was written since.
    pub later_writes: u64,
    /// The last generation that its status speaks of, and since when.
    pub observed: Option<(i64, Instant)>,
    /// The word of OMS now, and since when.
    pub word: Option<(String, Instant)>,
    /// CaughtUp is True.
    pub caught_up: bool,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<HashMap<String, Seen>>,
    broken: Mutex<Option<String>>,
}

/// The watch.
pub struct Eyes {
    shared: Arc<Shared>,
    events: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Eyes {
    /// Begins to look. Nothing is there yet.
    pub fn open(client: Client) -> Eyes {
        let shared = Arc::new(Shared::default());
        let (count, events) = watch::channel(0);
        let looking = shared.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = look(client, &looking, &count).await {
                *looking.broken.lock() = Some(format!("{error:#}"));
                count.send_modify(|count| *count += 1);
            }
        });
        Eyes {
            shared,
            events,
            task,
        }
    }

    /// What was seen of a resource.
    pub fn seen(&self, name: &str) -> Option<Seen> {
        self.shared.seen.lock().get(name).cloned()
    }

    /// How many of all that are there are so.
    pub fn count(&self, is: impl Fn(&Seen) -> bool) -> usize {
        self.shared
            .seen
            .lock()
            .values()
            .filter(|one| is(one))
            .count()
    }

    /// How often all but these were written so far, by whomever.
    pub fn writes(&self, but: &[&str]) -> u64 {
        let seen = self.shared.seen.lock();
        let others = seen
            .values()
            .filter(|one| !but.contains(&one.name.as_str()));
        others.map(|one| one.writes + one.later_writes).sum()
    }

    /// Waits until `count` of all that are there are so. `told` hears how many are.
    pub async fn until(
        &mut self,
        what: &str,
        count: usize,
        deadline: Duration,
        is: impl Fn(&Seen) -> bool,
        told: impl Fn(usize),
    ) -> anyhow::Result<()> {
        let end = Instant::now() + deadline;
        loop {
            self.events.mark_unchanged();
            let now = self.count(&is);
            told(now);
            if now == count {
                return Ok(());
            }
            if let Some(why) = &*self.shared.broken.lock() {
                bail!("the watch of the bench broke: {why}");
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{now} instead of {count} are {what} after {deadline:?}");
            }
            // Not at each event: to look is not to slow down what is looked at.
            let pause = Duration::from_millis(50).min(left);
            let _ = tokio::time::timeout(left, self.events.changed()).await;
            tokio::time::sleep(pause).await;
        }
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(client: Client, shared: &Shared, count: &watch::Sender<u64>) -> anyhow::Result<()> {
    // From whatever is there on; afterwards from what was seen last.
    let mut version = "0".to_owned();
    loop {
        let request = Request::new(PATH).watch(&WatchParams::default(), &version)?;
        let events = client.request_events::<Resource>(request).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let at = Instant::now();
            match event.context("the API server ended it")? {
                WatchEvent::Added(one) => {
                    version.clone_from(&one.metadata.resource_version);
                    note(shared, one, at, 0);
                }
                // The API server tells of each write by itself.
                WatchEvent::Modified(one) => {
                    version.clone_from(&one.metadata.resource_version);
                    note(shared, one, at, 1);
                }
                WatchEvent::Deleted(one) => {
                    version = one.metadata.resource_version;
                    shared.seen.lock().remove(&one.metadata.name);
                }
                WatchEvent::Bookmark(mark) => version = mark.metadata.resource_version,
                WatchEvent::Error(status) => bail!("{status}"),
            }
            count.send_modify(|count| *count += 1);
        }
    }
}

fn note(shared: &Shared, resource: Resource, at: Instant, writes: u64) {
    let Resource { metadata, status } = resource;
    let mut seen = shared.seen.lock();
    let name = metadata.name;
    let one = seen.entry(name.clone()).or_insert_with(|| Seen {
        name,
        ..Seen::default()
    });
    match one.running {
        None => one.writes += writes,
        Some(_) => one.later_writes += writes,
    }
    let observed = status.observed_generation;
    if observed == metadata.generation && one.observed.is_none_or(|(before, _)| before < observed) {
        one.observed = Some((observed, at));
    }
    if let (None, Some(id)) = (&one.id, status.project_id) {
        one.id = Some((id, at));
    }
    let word = status.project_status;
    if one.running.is_none() && word.as_deref() == Some("RUNNING") {
        one.running = Some(at);
    }
    if one.word.as_ref().map(|(word, _)| word) != word.as_ref() {
        one.word = word.map(|word| (word, at));
    }
    one.caught_up = status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "CaughtUp" && condition.status == "True");
}
