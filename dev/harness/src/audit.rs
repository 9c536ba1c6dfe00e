//! The API server's audit log, as the oracle of tests: "no write", "no 403", "Secrets only get".

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use parking_lot::Mutex;
use serde::Deserialize;

use crate::connection::Connection;
use crate::entries::{Entries, Entry};
use crate::wait::until_ok;

/// ConfigMaps of this name are asked for to find the present end of the log; there are none.
const MARKER: &str = "oms-harness-marker-";
const MARKER_DEADLINE: Duration = Duration::from_secs(30);

/// A place in the log: the requests before it are not of interest.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// Reads the audit log. Every request of anyone is one entry, in the order in which they were
/// answered (a watch: in which it began).
pub struct Audit {
    path: PathBuf,
    admin: Connection,
    markers: AtomicU64,
    read: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many bytes of the file are behind us.
    offset: u64,
    entries: Vec<Entry>,
    /// Index of the entry of each request, by audit id: a watch is logged when it begins and when it ends.
    known: HashMap<String, usize>,
    /// The highest marker seen in the log.
    marker: u64,
}

impl Audit {
    pub(crate) fn new(path: PathBuf, admin: Connection) -> Audit {
        Audit {
            path,
            admin,
            markers: AtomicU64::new(0),
            read: Mutex::default(),
        }
    }

    /// The present end of the log.
    pub async fn mark(&self) -> anyhow::Result<Mark> {
        self.flush().await?;
        Ok(Mark(self.read.lock().entries.len()))
    }

    /// The requests answered since `mark`, up to now.
    pub async fn since(&self, mark: Mark) -> anyhow::Result<Entries> {
        self.flush().await?;
        Ok(Entries::new(self.read.lock().entries[mark.0..].to_vec()))
    }

    /// All requests answered up to now.
    pub async fn all(&self) -> anyhow::Result<Entries> {
        self.since(Mark(0)).await
    }

    /// Waits until the log holds every request that was answered before this call.
    ///
    /// The server writes an entry when it has sent the answer. So a request of our own is sent and
    /// looked for in the log, twice in a row: the second begins when the first has been through the
    /// whole way, and with it whatever was answered earlier.
    pub async fn flush(&self) -> anyhow::Result<()> {
        let client = self.admin.client();
        for _ in 0..2 {
            let marker = self.markers.fetch_add(1, Ordering::Relaxed) + 1;
            let path = format!("/api/v1/namespaces/default/configmaps/{MARKER}{marker}");
            until_ok(
                MARKER_DEADLINE,
                "a request of our own to be answered",
                async || match client
                    .request_text(http::Request::get(&path).body(Vec::new())?)
                    .await
                {
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                    Err(error) => Err(error.into()),
                    Ok(body) => anyhow::bail!("a ConfigMap that nobody made: {body}"),
                },
            )
            .await?;
            until_ok(
                MARKER_DEADLINE,
                "the audit log to show a request",
                async || match self.read()? >= marker {
                    true => Ok(()),
                    false => {
                        anyhow::bail!("{} has no request number {marker}", self.path.display())
                    }
                },
            )
            .await?;
        }
        Ok(())
    }

    /// Takes in what is new in the file and returns the highest marker of all.
    fn read(&self) -> anyhow::Result<u64> {
        let mut state = self.read.lock();
        let mut file = File::open(&self.path)
            .with_context(|| format!("cannot open {}", self.path.display()))?;
        file.seek(SeekFrom::Start(state.offset))
            .context("cannot read the audit log")?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)
            .context("cannot read the audit log")?;
        // The last line may still be on its way.
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        for line in text[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let event: Event = serde_json::from_slice(line).with_context(|| {
                format!("not an audit event: {}", String::from_utf8_lossy(line))
            })?;
            state.take(event);
        }
        state.offset += whole as u64;
        Ok(state.marker)
    }
}

impl State {
    fn take(&mut self, event: Event) {
        let name = event
            .object_ref
            .as_ref()
            .and_then(|object| object.name.as_deref())
            .unwrap_or_default();
        if let Some(marker) = name.strip_prefix(MARKER) {
            self.marker = self.marker.max(marker.parse().unwrap_or(0));
            return;
        }
        let id = event.audit_id.clone();
        let entry = Entry::from(event);
        match self.known.get(&id) {
            Some(index) => self.entries[*index] = entry,
            None => {
                self.known.insert(id, self.entries.len());
                self.entries.push(entry);
            }
        }
    }
}

/// The parts of an `audit.k8s.io/v1` Event that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<ObjectRef>,
    response_status: Option<ResponseStatus>,
    request_received_timestamp: jiff::Timestamp,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef {
    resource: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    api_group: Option<String>,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl From<Event> for Entry {
    fn from(event: Event) -> Entry {
        let object = event.object_ref.unwrap_or_default();
        Entry {
            user: event.user.username,
            verb: event.verb,
            group: object.api_group.unwrap_or_default(),
            resource: object.resource.unwrap_or_default(),
            subresource: object.subresource,
            namespace: object.namespace,
            name: object.name,
            code: event.response_status.map_or(0, |status| status.code),
            stage: event.stage,
            uri: event.request_uri,
            timestamp: event.request_received_timestamp,
            user_agent: event.user_agent,
        }
    }
}
