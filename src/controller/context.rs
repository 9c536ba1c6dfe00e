//! What every reconcile has at hand.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::claims::{Claims, GivenUp, Key};
use super::clock::Clock;
use super::events::Events;
use super::failure;
use super::kept::KeptProject;
use super::kubernetes::Kubernetes;
use super::locks::NameLocks;
use super::memory::Memory;
use super::registry::Registry;
use super::shares::Shares;
use super::sweeps::Sweeps;
use super::wake::Waker;
use crate::api::v1alpha1::{MigrationProject, OMSConnection, Reason};
use crate::decide::{Answer, Identity, Problem, Timing};
use crate::lease::Leadership;
use crate::oms;
use crate::telemetry::Metrics;

/// How long it takes at most to send a call once it is connected: the largest
/// body is that of 5,000 tables, 400 kB.
pub const SENDING: Duration = Duration::from_secs(2);

/// Makes a client for an OMS. Production opens sockets; a simulation does not.
pub trait Connect: Send + Sync + 'static {
    /// A client for `settings`.
    fn connect(&self, settings: oms::Settings) -> Result<oms::Client, oms::BuildError>;
}

/// Opens sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectByNetwork;

impl Connect for ConnectByNetwork {
    fn connect(&self, settings: oms::Settings) -> Result<oms::Client, oms::BuildError> {
        oms::Client::new(settings)
    }
}

/// What the operator was started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The UID of the namespace `kube-system`: which cluster this is.
    pub cluster: String,
    /// How long an unanswered create is waited for.
    pub timing: Timing,
    /// Time-outs of calls to OMS.
    pub timeouts: oms::Timeouts,
    /// Whether calls to OMS go through the proxy that the environment names.
    pub proxy: bool,
    /// No connection is swept more often than this unasked, but after a sweep that failed.
    pub min_sweep_interval: Duration,
    /// No resource is written more often than this for progress and lag alone.
    pub figures_interval: Duration,
    /// How long credentials are used before their Secret is read again.
    pub secret_interval: Duration,
    /// Longest wait after failures in a row.
    pub max_backoff: Duration,
    /// How long what was seen of a project is vouched for.
    pub stale_after: Duration,
    /// When the process began.
    pub started: Timestamp,
}

impl Settings {
    /// How long what was seen of a project is vouched for.
    #[must_use]
    pub fn stale_after(&self) -> SignedDuration {
        SignedDuration::try_from(self.stale_after).unwrap_or(SignedDuration::MAX)
    }
}

/// What every reconcile has at hand.
pub struct Context {
    /// Requests to the API server.
    pub kubernetes: Kubernetes,
    /// Events for the user's eyes.
    pub events: Events,
    /// The resources, as the watch has them.
    pub projects: Store<KeptProject>,
    /// The connections, as the watch has them.
    pub connections: Store<OMSConnection>,
    /// Whether their first list is in: until then, one that is not there may
    /// only not be known.
    pub connections_synced: Arc<AtomicBool>,
    /// Whether every project is known, and with them the users of a connection.
    pub projects_synced: Arc<AtomicBool>,
    /// The connections in use.
    pub registry: Registry,
    /// What lets calls to each OMS out.
    pub governors: oms::Governors,
    /// What each OMS may have of this process.
    pub shares: Shares,
    /// When each connection is to be swept.
    pub sweeps: Sweeps,
    /// Who claims what.
    pub claims: Arc<Claims>,
    /// What this process remembers.
    pub memory: Memory,
    /// One create at a time for a name.
    pub locks: NameLocks,
    /// Calls that must not be cancelled.
    pub tasks: TaskTracker,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Makes clients.
    pub connect: Arc<dyn Connect>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Whether this process leads.
    pub leadership: Leadership,
    /// This process was told to stop.
    pub stop: CancellationToken,
    /// Wakes projects.
    pub wake_project: Waker<KeptProject>,
    /// Wakes connections.
    pub wake_connection: Waker<OMSConnection>,
    /// What the operator was started with.
    pub settings: Settings,
}

impl Context {
    /// Which resource this is.
    #[must_use]
    pub fn identity(&self, key: &Key, uid: &str) -> Identity {
        Identity {
            cluster: self.settings.cluster.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: uid.to_owned(),
        }
    }

    /// A connection, as the watch has it.
    #[must_use]
    pub fn connection(&self, key: &Key) -> Option<Arc<OMSConnection>> {
        let reference = ObjectRef::new(&key.name).within(&key.namespace);
        self.connections.get(&reference)
    }

    /// Takes in what a write of our own has returned, or a read that is newer than the watch.
    pub fn note(&self, written: &MigrationProject) {
        if let Some(given_up) = self.claims.note(written) {
            self.given_up(&given_up);
        }
    }

    /// Wakes whom it concerns that a claim is given up.
    pub fn given_up(&self, given_up: &GivenUp) {
        let GivenUp {
            key,
            claim,
            is_gone,
        } = given_up;
        let named = claim.names().flat_map(|name| self.claims.named(name));
        let adopted = claim.project_id.as_deref().filter(|_| *is_gone);
        let adopting = adopted.map(|id| self.claims.adopting(id));
        for waiting in named.chain(adopting.unwrap_or_default()) {
            self.wake_project.wake(&waiting);
        }
        if !is_gone {
            return;
        }
        self.memory.forget(&claim.uid);
        self.wake_project.queue().remove(&key.to_string());
        for next in self.shares.forget(key) {
            self.wake_project.wake(&next);
        }
        if let Some(connection) = &claim.connection {
            self.wake_connection.wake(connection);
        }
    }

    /// Whether a change of OMS may be begun. Not by a process that was told to stop: its
    /// watches end before what it is at, and it would not see that a connection is suspended.
    #[must_use]
    pub fn may_begin_a_change(&self) -> bool {
        !self.stop.is_cancelled() && self.may_finish_a_change()
    }

    /// Whether a call may be made for what has been begun: nobody else leads before it has
    /// been sent.
    #[must_use]
    pub fn may_finish_a_change(&self) -> bool {
        self.leadership
            .outlives(self.settings.timeouts.connect + SENDING)
    }

    /// What comes of waiting for something; nothing, once this process is told to stop: what is
    /// waited for is for a change that it does not begin any more.
    pub async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            came = wait => Some(came),
        }
    }

    /// A human asks for a look at once, by this `word` of the connection: whatever is waited
    /// for with it is not waited for any longer.
    pub fn look_at_once(&self, connection: &Key, word: &str) {
        if self.sweeps.obey(connection, word)
            && let Some(live) = self.registry.get(connection).live
        {
            live.client.end_pause();
        }
    }

    /// The same by a word of a resource that waits for the connection. Thousands may be given
    /// one at once, so an account that is refused, or an OMS that wants fewer calls, is not
    /// asked for each of them.
    pub fn look_soon(&self, connection: &Key) {
        let entry = self.registry.get(connection);
        let least = match &entry.answer {
            Answer::Failed(Problem {
                reason: Reason::AuthenticationFailed | Reason::Throttled,
                ..
            }) => failure::SLOW.min(self.settings.max_backoff),
            Answer::Pending | Answer::Good | Answer::Failed(_) => Duration::ZERO,
        };
        if self.sweeps.ask(connection, least)
            && let Some(live) = entry.live
        {
            live.client.end_pause();
        }
        self.wake_connection.wake(connection);
    }

    /// The connection is gone.
    pub fn forget_connection(&self, connection: &Key) {
        self.registry.remove(connection);
        self.sweeps.remove(connection);
        self.governors.leave(&connection.to_string());
        self.metrics.forget_connection(connection);
    }

    /// Has a connection swept soon, because something in its OMS has just been
    /// changed. All that wait for it share the one sweep.
    pub fn bring_sweep_forward(&self, connection: &Key) {
        if self.sweeps.bring_forward(connection) {
            self.wake_connection.wake(connection);
        }
    }
}
