//! A plain-HTTP proxy in front of the API server that holds, cuts or refuses named requests, so that
//! a test can stop a client at an exact point.
//!
//! Requests are read whole before anything happens to them. Answers are streamed, so that watches
//! work; only one that is to be cut off or held after the work is read whole first.

mod fault;
mod forward;
mod gate;
mod matching;
mod request;
mod serve;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use kube::Client;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::control_plane::ControlPlane;
use fault::{Action, Rule};
use forward::Upstream;

pub use fault::{Fault, Refusal};
pub use gate::Gate;
pub use matching::Match;
pub use request::Request;

/// A running proxy; it ends with the runtime that started it, or when dropped.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    running: CancellationToken,
}

/// What the connections of a proxy have in common.
struct Shared {
    upstream: Upstream,
    rules: Mutex<Vec<Arc<Rule>>>,
    requests: Mutex<Vec<Request>>,
    /// Cancelled to cut every connection that is open now, and then replaced.
    connections: Mutex<CancellationToken>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    pub async fn start(control_plane: &ControlPlane) -> anyhow::Result<Proxy> {
        Proxy::start_as(control_plane, "").await
    }

    /// One whose requests without credentials go with `token`: client-go, and so kubectl, sends none
    /// over plain HTTP.
    pub async fn start_as(control_plane: &ControlPlane, token: &str) -> anyhow::Result<Proxy> {
        let upstream = Upstream::new(&control_plane.connection(token))?;
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot bind a port for the proxy")?;
        let url = format!(
            "http://{}",
            listener
                .local_addr()
                .context("a bound socket has an address")?
        );
        let running = CancellationToken::new();
        let shared = Arc::new(Shared {
            upstream,
            rules: Mutex::default(),
            requests: Mutex::default(),
            connections: Mutex::new(running.child_token()),
        });
        tokio::spawn(serve::serve(listener, shared.clone(), running.clone()));
        Ok(Proxy {
            url,
            shared,
            running,
        })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client through the proxy. It belongs to the runtime of the caller, and retries nothing by itself.
    pub fn client(&self, token: &str) -> Client {
        Connection {
            url: self.url.clone(),
            ca_der: None,
            token: token.to_owned(),
        }
        .client()
    }

    /// A kubeconfig through the proxy, as a file that lives as long as the control plane.
    pub fn kubeconfig(&self, control_plane: &ControlPlane, token: &str) -> anyhow::Result<PathBuf> {
        control_plane.write_kubeconfig(token, Some(&self.url))
    }

    /// Answers matching requests with an error, without asking the API server.
    pub fn refuse(&self, which: Match, refusal: impl Into<Refusal>) -> Fault {
        self.add(which, Action::Refuse(refusal.into()))
    }

    /// Closes the connection on matching requests: nothing was done.
    pub fn cut_before(&self, which: Match) -> Fault {
        self.add(which, Action::CutBefore)
    }

    /// Lets the API server do its work, then closes the connection: the answer is lost.
    pub fn cut_after(&self, which: Match) -> Fault {
        self.add(which, Action::CutAfter)
    }

    /// Holds matching requests before the API server sees them.
    pub fn hold_before(&self, which: Match) -> Gate {
        let gate = Arc::default();
        Gate::new(self.add(which, Action::HoldBefore(Arc::clone(&gate))), gate)
    }

    /// Lets the API server do its work, then holds the answer.
    pub fn hold_after(&self, which: Match) -> Gate {
        let gate = Arc::default();
        Gate::new(self.add(which, Action::HoldAfter(Arc::clone(&gate))), gate)
    }

    /// Takes every fault away. Held requests stay held until their gate opens.
    pub fn clear(&self) {
        self.shared.rules.lock().clear();
    }

    /// Closes every connection that is open now, watches included. New ones are served.
    pub fn cut_connections(&self) {
        let next = self.running.child_token();
        std::mem::replace(&mut *self.shared.connections.lock(), next).cancel();
    }

    /// Every request that has come in, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().clone()
    }

    fn add(&self, which: Match, action: Action) -> Fault {
        let rule = Arc::new(Rule::new(which, action));
        self.shared.rules.lock().push(rule.clone());
        Fault::new(rule, Arc::downgrade(&self.shared))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.cancel();
    }
}
