//! The simulated OMS, as a process of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use http::Method;
use oms_harness::Process;
use serde_json::{Value, json};

use super::http::Http;

/// How long each call takes at least: a database behind it, in the same data centre.
pub const CALL: Duration = Duration::from_millis(5);

/// A project is through its steps in milliseconds: how long OMS works is not what is measured.
const SPEED: &str = "--speed=1000";

const START: Duration = Duration::from_secs(30);

/// The look before a create: a list of those with that name. Counted by itself, and not as a walk over all.
pub const LOOK: &str = "ListProjects by name";

/// Calls by action.
pub type Counts = BTreeMap<String, u64>;

/// One OMS.
pub struct Oms {
    process: Process,
    url: String,
    http: Http,
}

impl Oms {
    /// Starts one.
    pub async fn start(program: &Path, http: &Http) -> anyhow::Result<Oms> {
        let args = ["--listen=127.0.0.1:0", SPEED];
        let process = Process::spawn("oms-simulator", program, &args, &[("RUST_LOG", "warn")])?;
        let line = process.wait_for_log("http://", START).await?;
        let oms = Oms {
            url: line.trim().to_owned(),
            process,
            http: http.clone(),
        };
        let delay = json!({"type": "delay", "seconds": CALL.as_secs_f64()});
        oms.fault(&delay).await?;
        Ok(oms)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on no call is answered any more, and every connection stays open.
    pub async fn die(&self) -> anyhow::Result<()> {
        self.fault(&json!({"type": "hang"})).await
    }

    /// From now on each call takes so much longer.
    pub async fn slow_down(&self, by: Duration) -> anyhow::Result<()> {
        self.fault(&json!({"type": "delay", "seconds": by.as_secs_f64()}))
            .await
    }

    async fn fault(&self, kind: &Value) -> anyhow::Result<()> {
        let fault = json!({"action": "*", "kind": kind});
        self.admin(Method::POST, "faults", &fault).await
    }

    /// How often each action was called so far.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let text = self.http.get(&format!("{}/admin/counts", self.url)).await?;
        let mut counts: Counts =
            serde_json::from_str(&text).context("the simulator's counts are not to be read")?;
        // Data sources are searched for, too; those of the bench are named by their ids.
        let looks = counts.remove("searches").unwrap_or_default();
        if let Some(lists) = counts.get_mut("ListProjects") {
            *lists = lists.saturating_sub(looks);
        }
        counts.insert(LOOK.to_owned(), looks);
        counts.retain(|_, count| *count > 0);
        Ok(counts)
    }

    /// Sets the status of a project, as its own work or a human would.
    pub async fn set_status(&self, id: &str, status: &str) -> anyhow::Result<()> {
        let path = format!("projects/{id}");
        self.admin(Method::PATCH, &path, &json!({"status": status}))
            .await
    }

    /// Takes a project away.
    pub async fn remove(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("projects/{id}");
        self.admin(Method::DELETE, &path, &json!({})).await
    }

    async fn admin(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<()> {
        let url = format!("{}/admin/{path}", self.url);
        self.http.put(method, &url, body).await.map(drop)
    }

    /// Ends it.
    pub async fn stop(self) {
        self.process.kill().await;
    }
}

/// What was called between two counts.
pub fn between(before: &Counts, after: &Counts) -> Counts {
    let each = after.iter().map(|(action, count)| {
        let before = before.get(action).copied().unwrap_or_default();
        (action.clone(), count.saturating_sub(before))
    });
    each.filter(|(_, count)| *count > 0).collect()
}

/// All of them.
pub fn total(counts: &Counts) -> u64 {
    counts.values().sum()
}
