//! One life of the operator: production's parts, over transports of ours.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt as _;
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use oms_operator::controller::{
    self, Claims, Clock, Context, Events, KeptProject, Kubernetes, Memory, NameLocks, Registry,
    Scope, Settings, Shares, Sweeps, Waker, Watch, connection,
};
use oms_operator::decide::{Naming, Timing};
use oms_operator::lease::Leadership;
use oms_operator::oms::Governors;
use oms_operator::telemetry::Metrics;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::acts::{OWN_NAMESPACE, id};
use crate::clock::SimulatedClock;
use crate::controller::{NoTimePasses, drive};
use crate::kubernetes::Kind;
use crate::transports::{ConnectBySimulation, REPLIED, SILENT, TIMEOUTS, Wires, kubernetes_client};
use crate::witness::Witness;

/// How many projects are reconciled at a time.
const AT_ONCE: usize = 8;

/// A Pod's grace period as deploy/default/operator.yaml sets it, less a little.
const GRACE: Duration = Duration::from_secs(90);

/// How long ids that are not written yet are tried when the process ends.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// How long what is gone may stay in the queue.
const SHORT: Duration = Duration::from_secs(600);

/// A running process. Dropping it kills it.
pub struct Process {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    context: Arc<Context>,
    wires: Wires,
}

impl Process {
    /// Starts it.
    pub fn start(wires: &Wires, began: Instant, ahead: Duration, seed: u64) -> Self {
        let life = wires.bus.begin_life();
        // The watch's back-off draws from this thread's generator.
        fastrand::seed(seed ^ life);
        let client = kubernetes_client(wires.clone(), life);
        let projects = Watch::<MigrationProject>::new(&client, &Scope::default());
        let connections = Watch::<OMSConnection>::new(&client, &Scope::default());
        let (wake_project, woken_projects) = Waker::new();
        let (wake_connection, woken_connections) = Waker::new();
        let (stored_projects, stored_connections) = (projects.store(), connections.store());
        let clock = Arc::new(SimulatedClock::new(began, ahead, seed ^ life));
        let stop = CancellationToken::new();
        let context = Arc::new(Context {
            kubernetes: Kubernetes::new(client.clone()),
            events: Events::new(client, None, clock.clone())
                .with_own_namespace(Some(OWN_NAMESPACE.to_owned())),
            projects: projects.store(),
            connections: connections.store(),
            connections_synced: connections.synced(),
            projects_synced: projects.synced(),
            registry: Registry::default(),
            governors: Governors::default(),
            shares: Shares::new(AT_ONCE / 2),
            sweeps: Sweeps::default(),
            claims: Arc::new(Claims::new(Naming::default(), None)),
            memory: Memory::default(),
            locks: NameLocks::default(),
            tasks: TaskTracker::new(),
            clock: clock.clone(),
            connect: Arc::new(ConnectBySimulation {
                wires: wires.clone(),
                life,
            }),
            metrics: Arc::new(Metrics::new()),
            leadership: Leadership::unopposed(),
            stop: stop.clone(),
            wake_project,
            wake_connection,
            settings: settings(clock.now()),
        });
        let mut tasks = JoinSet::new();
        let (at_hand, around) = (context.clone(), wires.clone());
        let driven = drive(
            projects.waking(context.clone()),
            woken_projects,
            stored_projects,
            AT_ONCE,
            stop.clone(),
            move |project| {
                let (context, wires) = (at_hand.clone(), around.clone());
                async move {
                    let going = is_going(&wires, &project);
                    let done = controller::reconcile(project.clone(), context.clone()).await;
                    let action = done.unwrap_or_else(|error| {
                        controller::error_policy(project.clone(), &error, context)
                    });
                    if going {
                        let_go_of(&wires, &project, action.after());
                    }
                    action.after()
                }
            },
        );
        tasks.spawn(told(driven, "a project", wires.witness.clone()));
        let at_hand = context.clone();
        let driven = drive(
            connections.waking(context.clone()),
            woken_connections,
            stored_connections,
            AT_ONCE,
            stop.clone(),
            move |object| {
                let context = at_hand.clone();
                async move {
                    let done = connection::reconcile(object.clone(), context.clone()).await;
                    let action = done
                        .unwrap_or_else(|error| connection::error_policy(object, &error, context));
                    action.after()
                }
            },
        );
        tasks.spawn(told(driven, "a connection", wires.witness.clone()));
        wires.bus.note(format_args!("life {life} begins"));
        Self {
            tasks,
            stop,
            context,
            wires: wires.clone(),
        }
    }

    /// Asks it to end, and waits until it has, as `run.rs` does; or until `cut`.
    pub async fn end(mut self, cut: impl Future<Output = ()>) {
        self.stop.cancel();
        let ending = async {
            while self.tasks.join_next().await.is_some() {}
            self.context.tasks.close();
            self.context.tasks.wait().await;
            controller::finish(&self.context, LAST_WRITES).await
        };
        tokio::select! {
            biased;
            () = cut => return self.kill(),
            ended = tokio::time::timeout(GRACE, ending) => match ended {
                Ok(_) => self.wires.witness.ended(),
                Err(_) => {
                    let what = "the process did not end when it was told to";
                    self.wires.witness.break_(what);
                }
            },
        }
        self.wires.bus.end_life();
        self.wires.bus.note("the life has ended");
    }

    /// Kills it.
    pub fn kill(self) {
        self.wires.bus.end_life();
        self.wires.witness.cut();
        self.wires.bus.note("the life is cut");
    }
}

/// Does it, and tells if it comes to no end.
async fn told(
    driven: impl Future<Output = Result<(), NoTimePasses>>,
    what: &'static str,
    witness: Witness,
) {
    if driven.await.is_err() {
        witness.break_(format!(
            "no time passes any more: {what} is reconciled on and on"
        ));
    }
}

/// Whether users have deleted a resource that is there still.
fn is_going(wires: &Wires, project: &KeptProject) -> bool {
    let found = wires
        .cluster
        .get(&id(Kind::MigrationProject, &project.name_any()));
    found.is_some_and(|found| !found["metadata"]["deletionTimestamp"].is_null())
}

/// What was deleted and is gone must not stay in the queue: kube keeps there whatever is to
/// come again, and thousands can go in the time of rest.
fn let_go_of(wires: &Wires, project: &KeptProject, after: Option<Duration>) {
    let name = project.name_any();
    let gone = || {
        wires
            .cluster
            .get(&id(Kind::MigrationProject, &name))
            .is_none()
    };
    if after.is_some_and(|after| after > SHORT) && gone() {
        let what = format!("{name} is gone, and to come again after {after:?}");
        wires.witness.break_(what);
    }
}

fn settings(started: jiff::Timestamp) -> Settings {
    let span = |duration| SignedDuration::try_from(duration).expect("a short time");
    Settings {
        cluster: "11111111-2222-4333-8444-555555555555".to_owned(),
        timing: Timing {
            call: span(TIMEOUTS.mutation),
            silent: span(SILENT),
            replied: span(REPLIED),
        },
        timeouts: TIMEOUTS,
        proxy: false,
        min_sweep_interval: Duration::from_secs(10),
        figures_interval: Duration::from_secs(10),
        secret_interval: Duration::from_secs(30),
        // Before everything counts as at rest: it is the last word on what cannot be seen.
        stale_after: Duration::from_secs(120),
        started,
        max_backoff: Duration::from_secs(60),
    }
}
