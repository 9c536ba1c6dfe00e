//! Everything that was ever stored, straight from etcd: what no client that watches the API server can see
//! whole, because that forgets its own past when it is restarted.

use std::collections::VecDeque;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// One version of an object, or its end.
#[derive(Clone, Debug)]
pub struct Write {
    /// Of the whole store; what Kubernetes calls resourceVersion.
    pub revision: u64,
    /// Where it is stored: `/registry/GROUP/RESOURCE/NAMESPACE/NAME`.
    pub key: String,
    /// As it was written; `None` when it went.
    pub object: Option<Value>,
}

/// All writes below a key, from the first on, and those still to come.
pub struct History {
    body: Incoming,
    unread: BytesMut,
    writes: VecDeque<Write>,
}

impl History {
    /// Begins with the first write below `prefix`. Only objects that are stored as JSON can be read: those of
    /// custom resources.
    pub(crate) async fn open(etcd: &str, prefix: &str) -> anyhow::Result<History> {
        let address = etcd.trim_start_matches("http://");
        let stream = TcpStream::connect(address)
            .await
            .context("cannot reach etcd")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end shows as the end of the body.
        tokio::spawn(connection);
        let ask = json!({"create_request": {
            "key": STANDARD.encode(prefix), "range_end": STANDARD.encode(after(prefix)),
            "start_revision": 1,
        }});
        let request = http::Request::post("/v3/watch")
            .header("host", address)
            .body(Full::<Bytes>::from(ask.to_string()))?;
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            bail!("etcd answers a watch with {}", response.status());
        }
        Ok(History {
            body: response.into_body(),
            unread: BytesMut::new(),
            writes: VecDeque::new(),
        })
    }

    /// The next write; waits for one. Can be dropped without loss.
    pub async fn next(&mut self) -> anyhow::Result<Write> {
        loop {
            if let Some(write) = self.writes.pop_front() {
                return Ok(write);
            }
            let frame = self.body.frame().await.context("etcd has ended")?;
            if let Ok(data) = frame.context("cannot read from etcd")?.into_data() {
                self.unread.extend_from_slice(&data);
            }
            while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line = self.unread.split_to(end + 1);
                self.writes.extend(writes(&line)?);
            }
        }
    }
}

/// The first key that does not begin with `prefix`.
fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        // A path ends with a letter or a slash.
        *last += 1;
    }
    end
}

#[derive(Deserialize)]
struct Message {
    result: Option<Batch>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    canceled: bool,
    compact_revision: Option<String>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    /// Absent for a put.
    #[serde(rename = "type")]
    kind: Option<String>,
    kv: KeyValue,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    mod_revision: String,
    value: Option<String>,
}

fn writes(line: &[u8]) -> anyhow::Result<Vec<Write>> {
    let message: Message = serde_json::from_slice(line)
        .with_context(|| format!("etcd says {}", String::from_utf8_lossy(line)))?;
    let Some(batch) = message.result else {
        bail!("etcd says {:?}", message.error);
    };
    if batch.canceled {
        bail!(
            "etcd has forgotten its past ({:?}): start the API server with --etcd-compaction-interval=0",
            batch.compact_revision
        );
    }
    let events = batch.events.into_iter().map(|event| {
        let object = match (event.kind.as_deref(), event.kv.value) {
            (Some("DELETE"), _) | (_, None) => None,
            (_, Some(value)) => Some(serde_json::from_slice(&STANDARD.decode(value)?)?),
        };
        Ok(Write {
            revision: event.kv.mod_revision.parse()?,
            key: String::from_utf8(STANDARD.decode(event.kv.key)?)?,
            object,
        })
    });
    events.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_range_is_the_next_key() {
        assert_eq!(after("/registry/x/"), b"/registry/x0");
    }

    #[test]
    fn puts_and_deletions_are_read_and_a_forgotten_past_is_said() {
        let key = STANDARD.encode("/registry/a");
        let put = json!({"result": {"header": {}, "events": [
            {"kv": {"key": key, "mod_revision": "7", "value": STANDARD.encode("{\"a\":1}")}},
            {"type": "DELETE", "kv": {"key": key, "mod_revision": "8"}},
        ]}});
        let read = writes(put.to_string().as_bytes()).unwrap();
        assert_eq!(read[0].object, Some(json!({"a": 1})));
        assert_eq!((read[1].revision, read[1].object.as_ref()), (8, None));
        let gone = br#"{"result":{"canceled":true,"compact_revision":"9"}}"#;
        assert!(writes(gone).unwrap_err().to_string().contains("compaction"));
    }
}
