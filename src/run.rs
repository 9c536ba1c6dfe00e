//! `oms-operator run`: puts the parts together, and takes them down again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::controller::{
    self, Claims, Clock, ConnectByNetwork, Context, Events, Key, Kubernetes, Memory, NameLocks,
    Registry, Scope, Settings, Shares, Sweeps, SystemClock, Waker, Wakes, Watch,
};
use crate::decide::{Naming, Timing};
use crate::lease::{self, Elector, Leadership};
use crate::oms::{Governors, Timeouts};
use crate::preflight;
use crate::telemetry::{CountRequests, Health, Metrics, serve};

/// How long ids that are not written yet are tried when the process ends. With
/// the longest call it stays within the Pod's grace period (deploy/default/operator.yaml).
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The Lease of an operator that does all the work of what it watches.
pub const DEFAULT_LEASE: &str = "oms-operator";

/// What `run` was asked to do; see the command line for each.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the flags of the command line document them")]
pub struct Options {
    pub scope: Scope,
    pub default_connection: Option<Key>,
    pub health_addr: SocketAddr,
    pub metrics_addr: SocketAddr,
    pub concurrency: u16,
    pub create_quarantine: Duration,
    pub create_quarantine_replied: Duration,
    pub min_sweep_interval: Duration,
    pub figures_interval: Duration,
    pub secret_interval: Duration,
    pub max_backoff: Duration,
    pub stale_after: Duration,
    pub timeouts: Timeouts,
    pub proxy: bool,
    pub naming: Naming,
    pub own_namespace: Option<String>,
    pub cluster_id: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    pub election: Option<Election>,
}

/// How processes take turns; see the command line for each.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the flags of the command line document them")]
pub struct Election {
    pub name: String,
    pub namespace: Option<String>,
    pub lease_duration: Duration,
    pub renew_deadline: Duration,
    pub retry_period: Duration,
}

impl Election {
    /// Checked settings. A change in OMS is begun only if the lease outlives
    /// connecting and sending: it must be able to.
    fn settings(
        &self,
        client: &Client,
        connect: Duration,
        selects: bool,
    ) -> anyhow::Result<lease::Settings> {
        let namespace = self.namespace.clone();
        let host = rustix::system::uname();
        let settings = lease::Settings {
            // In a Pod that is the Pod's own.
            namespace: namespace.unwrap_or_else(|| client.default_namespace().to_owned()),
            name: self.name.clone(),
            identity: format!(
                "{}_{:016x}",
                host.nodename().to_string_lossy(),
                rand::random::<u64>()
            ),
            lease_duration: self.lease_duration,
            renew_deadline: self.renew_deadline,
            retry_period: self.retry_period,
        };
        settings.check()?;
        if selects && settings.name == DEFAULT_LEASE {
            bail!(
                "--watch-selector shares the work with other operators, and with one Lease only one of \
                 all would work: give each part a Lease of its own (--leader-elect-name)"
            );
        }
        let needed = self.retry_period + connect + controller::SENDING;
        if self.lease_duration <= needed {
            bail!(
                "--lease-duration must be longer than --retry-period, --oms-connect-timeout and \
                 {:?} for sending together ({needed:?}): nothing would ever be created",
                controller::SENDING
            );
        }
        Ok(settings)
    }
}

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, with words that name the command which helps; and
/// when it ends without having been asked to.
pub fn block_on(options: Options) -> anyhow::Result<()> {
    runtime()?.block_on(run(options))
}

/// What every client runs on.
///
/// # Errors
/// When it cannot be made.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // One TLS provider for the process, before any client is made: two would
    // make rustls panic at its first use.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider is installed already"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    listen_for_signals(stop.clone())?;
    // The probes are answered until the end: it is they who tell that the
    // process takes no more work.
    let serving = CancellationToken::new();
    let config = config(options.kubeconfig.as_deref()).await?;
    let address = config.cluster_url.to_string();
    let metrics = Arc::new(Metrics::new());
    let client = ClientBuilder::try_from(config)
        .context("cannot make a client for the API server")?
        .with_layer(&CountRequests(metrics.clone()))
        .build();
    let projects = Watch::new(&client, &options.scope);
    let connections = Watch::new(&client, &options.scope);
    let (wake_project, woken_projects) = Waker::new();
    let (wake_connection, woken_connections) = Waker::new();
    let health = Health::new(
        vec![projects.synced(), connections.synced()],
        vec![
            ("MigrationProject", wake_project.queue().clone()),
            ("OMSConnection", wake_connection.queue().clone()),
        ],
    );
    serve(
        health.clone(),
        metrics.clone(),
        options.health_addr,
        options.metrics_addr,
        serving.clone(),
    )
    .await?;
    tokio::spawn({
        let (stop, health) = (stop.clone(), health.clone());
        async move {
            stop.cancelled().await;
            health.stop();
        }
    });
    let cluster = tokio::select! {
        checked = preflight::check(&client, &options.scope, options.cluster_id.as_deref()) => {
            checked.with_context(|| format!("cannot start with the API server at {address}"))?
        }
        () = stop.cancelled() => return Ok(()),
    };
    let mut elector = match &options.election {
        Some(election) => {
            let settings = election.settings(
                &client,
                options.timeouts.connect,
                options.scope.selector.is_some(),
            )?;
            Some(Elector::new(client.clone(), settings, || SystemClock.now()))
        }
        None => None,
    };
    if let Some(elector) = &mut elector {
        tokio::select! {
            () = elector.acquire(|stands_by| health.stand_by(stands_by)) => health.stand_by(false),
            () = stop.cancelled() => return Ok(()),
        }
    }
    let leadership = match &elector {
        Some(elector) => elector.leadership(),
        None => Leadership::unopposed(),
    };
    let drained = CancellationToken::new();
    let leading = elector.map(|elector| {
        // Nobody works on when nobody keeps the lease, for whatever cause.
        let ended = stop.clone().drop_guard();
        let leading = lease::lead(elector, stop.clone(), drained.clone());
        tokio::spawn(async move {
            let _ended = ended;
            leading.await
        })
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let context = Arc::new(Context {
        kubernetes: Kubernetes::new(client.clone()),
        events: Events::new(client, None, clock.clone())
            .with_own_namespace(options.own_namespace.clone()),
        projects: projects.store(),
        connections: connections.store(),
        connections_synced: connections.synced(),
        projects_synced: projects.synced(),
        registry: Registry::default(),
        governors: Governors::default(),
        shares: Shares::new(options.concurrency.into()),
        sweeps: Sweeps::default(),
        claims: Arc::new(Claims::new(
            options.naming.clone(),
            options.default_connection.clone(),
        )),
        memory: Memory::default(),
        locks: NameLocks::default(),
        tasks: tokio_util::task::TaskTracker::new(),
        clock: clock.clone(),
        connect: Arc::new(ConnectByNetwork),
        metrics,
        leadership,
        stop: stop.clone(),
        wake_project,
        wake_connection,
        settings: settings(&options, cluster, clock.now())?,
    });
    context.metrics.leads(true);
    let counted = Arc::downgrade(&context);
    context.metrics.at_scrape(move |metrics| {
        if let Some(context) = counted.upgrade() {
            controller::census(&context, metrics);
        }
    });
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    let wakes = Wakes {
        projects: woken_projects,
        connections: woken_connections,
    };
    let controllers = controller::run(context.clone(), projects, connections, wakes, stop.clone());
    tokio::select! {
        () = controllers => {}
        () = stopped_too_early(&context, &stop) => {}
    }
    context.metrics.leads(false);
    context.tasks.close();
    context.tasks.wait().await;
    let unwritten = controller::finish(&context, LAST_WRITES).await;
    drained.cancel();
    let led = match leading {
        Some(leading) => leading.await.context("keeping the lease panicked")?,
        None => Ok(()),
    };
    serving.cancel();
    if !unwritten.is_empty() {
        bail!(
            "the ids of these projects could not be written: {}. The next start looks for them \
             by their names",
            unwritten.join(", ")
        );
    }
    led.context("the leadership was lost")?;
    if !stop.is_cancelled() {
        bail!("the controllers ended by themselves; this is a bug, please report it");
    }
    tracing::info!("stopped; nothing was in flight any more");
    Ok(())
}

/// Ends when the process is told to stop before both first lists are in. A
/// controller would never end then, because it waits for a list that nobody
/// reads any more; and nothing is in flight, because nothing is begun before.
async fn stopped_too_early(context: &Context, stop: &CancellationToken) {
    stop.cancelled().await;
    let synced = [&context.projects_synced, &context.connections_synced];
    if synced.iter().all(|synced| synced.load(Ordering::Relaxed)) {
        std::future::pending().await
    }
}

fn settings(options: &Options, cluster: String, started: Timestamp) -> anyhow::Result<Settings> {
    let span = |duration: Duration| {
        SignedDuration::try_from(duration).context("a duration is too long to be counted")
    };
    Ok(Settings {
        cluster,
        timing: Timing {
            call: span(options.timeouts.mutation)?,
            silent: span(options.create_quarantine)?,
            replied: span(options.create_quarantine_replied)?,
        },
        timeouts: options.timeouts,
        proxy: options.proxy,
        min_sweep_interval: options.min_sweep_interval,
        figures_interval: options.figures_interval,
        secret_interval: options.secret_interval,
        max_backoff: options.max_backoff,
        stale_after: options.stale_after,
        started,
    })
}

/// How the API server is reached.
///
/// # Errors
/// When nothing tells, or the file is not usable.
pub async fn config(kubeconfig: Option<&std::path::Path>) -> anyhow::Result<Config> {
    let mut config = match kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path)
                .map_err(|error| match error {
                    // Its own text repeats the path.
                    KubeconfigError::ReadConfig(cause, _) => anyhow::Error::new(cause),
                    other => other.into(),
                })
                .with_context(|| format!("cannot read the kubeconfig {}", path.display()))?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .with_context(|| format!("the kubeconfig {} cannot be used", path.display()))?
        }
        None => Config::infer().await.context(
            "there is neither a usable kubeconfig nor a Pod's service account; name one with \
             --kubeconfig FILE",
        )?,
    };
    // kube's own retry would hold a reconcile's slot for minutes; the
    // controller has a back-off of its own.
    config.default_retry = false;
    Ok(config)
}

fn listen_for_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: what is in flight is finished first");
        stop.cancel();
    });
    Ok(())
}
