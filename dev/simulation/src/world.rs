//! The world of one simulation: Kubernetes, the OMSes, the operator, time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oms_simulator::{Clock, Config, Durations, Oms, ProjectView};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::acts::{Act, HOSTS, NAMESPACE, OWN_NAMESPACE, connection_id, id};
use crate::bus::{Ask, Bus, Meddling};
use crate::clock::beginning;
use crate::faults::Mishaps;
use crate::kubernetes::{Cluster, Kind, Lag};
use crate::process::Process;
use crate::transports::Wires;
use crate::verdict;
use crate::witness::Witness;

/// The longest time in which everything has to have come to rest once nothing
/// goes wrong any more: three attempts whose outcome nobody knows, and the
/// rare looks at what waits for a human.
const REST: Duration = Duration::from_secs(1800);

/// The longest time for which the process is down.
pub const LONGEST_DOWN: Duration = Duration::from_secs(90);

/// How what is given to a simulation is made different.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Of every choice that is left to chance.
    pub seed: u64,
    /// How late the watches are.
    pub lag: Lag,
    /// How much the operator's clock is ahead of the API server's.
    pub operator_ahead: Duration,
    /// How much OMS's clock is ahead.
    pub oms_ahead: Duration,
}

impl Circumstances {
    /// Everything as it should be.
    pub fn good(seed: u64) -> Self {
        Self {
            seed,
            lag: Lag {
                usual: Duration::from_millis(30),
                most: Duration::from_millis(30),
                often: 0,
            },
            operator_ahead: Duration::ZERO,
            oms_ahead: Duration::ZERO,
        }
    }

    /// As they come by chance.
    pub fn by_chance(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0xC1C5);
        let seconds = |most: u64, random: &mut StdRng| {
            Duration::from_secs(if random.random_ratio(1, 3) {
                random.random_range(0..=most)
            } else {
                0
            })
        };
        let lag = Lag {
            usual: Duration::from_millis(random.random_range(5..500)),
            most: Duration::from_millis(random.random_range(500..20_000)),
            often: random.random_range(0..25),
        };
        Self {
            seed,
            lag,
            operator_ahead: seconds(40, &mut random),
            oms_ahead: seconds(40, &mut random),
        }
    }
}

enum Order {
    Kill(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The world. Clones are handles on the same one.
#[derive(Clone)]
pub struct World {
    /// What the operator's calls go through.
    pub wires: Wires,
    /// Backups of resources, by name.
    pub backups: Arc<Mutex<BTreeMap<String, Arc<serde_json::Value>>>>,
    orders: mpsc::UnboundedSender<Order>,
}

impl World {
    /// A world with a namespace, a Secret and a connection, and an operator in
    /// it. Its tasks end with the runtime.
    pub async fn begin(circumstances: Circumstances, mishaps: Mishaps) -> Self {
        let began = Instant::now();
        let Circumstances { seed, lag, .. } = circumstances;
        let (bus, asks) = Bus::new(seed, mishaps);
        let cluster = Cluster::new(seed, lag, beginning());
        let oms = |number: u64| {
            let epoch = Duration::from_secs(beginning().as_second().unsigned_abs());
            let clock = Clock::from_source(move || epoch + began.elapsed(), 1.0);
            clock.advance(circumstances.oms_ahead);
            let config = Config {
                seed: seed ^ (number << 32),
                call_log: 8,
                durations: Durations {
                    backlog: Duration::from_secs(20),
                    ..Durations::default()
                },
                ..Config::default()
            };
            Oms::with_clock(config, clock)
        };
        let omses = vec![oms(1), oms(2)];
        let hosts = [0, 0, 1].into_iter().zip(HOSTS);
        let hosts = hosts.map(|(number, host): (usize, _)| {
            (format!("{host}:8089"), (number, omses[number].clone()))
        });
        let wires = Wires {
            bus,
            omses: Arc::new(hosts.collect()),
            witness: Witness::new(cluster.clone(), omses.clone()),
            cluster,
        };
        let (orders, ordered) = mpsc::unbounded_channel();
        let world = Self {
            wires,
            backups: Arc::default(),
            orders,
        };
        for name in [NAMESPACE, OWN_NAMESPACE] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let made = world
                .wires
                .cluster
                .create(&id(Kind::Namespace, name), namespace);
            made.expect("a namespace");
        }
        world.act(&Act::ApplySecret("admin-password")).await;
        world.act(&Act::ApplyConnection(0, Vec::new())).await;
        let keeper = Keeper {
            world: world.clone(),
            began,
            ahead: circumstances.operator_ahead,
            seed,
            random: StdRng::seed_from_u64(seed ^ 0x11FE),
        };
        tokio::spawn(keeper.keep(asks.keeper, ordered));
        tokio::spawn(meddle(world.clone(), asks.users));
        world
    }

    /// The OMS that everything begins with.
    pub fn oms(&self) -> Oms {
        self.wires.omses[&format!("{}:8089", HOSTS[0])].1.clone()
    }

    /// The OMS that the connection leads to, if there is one.
    pub fn connected(&self) -> Option<Oms> {
        let connection = self.wires.cluster.get(&connection_id())?;
        let url = connection["spec"]["url"].as_str()?;
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        Some(self.wires.omses.get(host)?.1.clone())
    }

    /// A project, in whichever OMS it is.
    pub fn project(&self, id: &str) -> Option<ProjectView> {
        let mut omses = self.wires.omses.values();
        omses.find_map(|(_, oms)| oms.project(id).ok())
    }

    /// The projects of a name, in whichever OMS they are.
    pub fn projects_named(&self, name: &str) -> Vec<ProjectView> {
        let hosts = [HOSTS[0], HOSTS[2]].into_iter();
        let omses = hosts.map(|host| &self.wires.omses[&format!("{host}:8089")].1);
        omses.flat_map(|oms| oms.projects_named(name)).collect()
    }

    /// Waits until everything has come to rest, and what rests is as it must be.
    pub async fn settle(&self) -> bool {
        tokio::time::sleep(verdict::STILL).await;
        let began = Instant::now();
        while began.elapsed() < REST {
            if verdict::unsettled(self).is_none() {
                return true;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        false
    }

    /// Ends the process: at once, or in an orderly way.
    pub async fn end_process(&self, at_once: bool) {
        let (done, wait) = oneshot::channel();
        let order = if at_once {
            Order::Kill(done)
        } else {
            Order::Stop(done)
        };
        if self.orders.send(order).is_ok() {
            let _ = wait.await;
        }
    }
}

/// Users who act while a call is under way.
async fn meddle(world: World, mut asked: mpsc::UnboundedReceiver<Meddling>) {
    while let Some((acts, done)) = asked.recv().await {
        for act in &acts {
            world.act(act).await;
        }
        // The caller may have ended meanwhile.
        let _ = done.send(());
    }
}

/// Ends the process in an orderly way, unless it is cut on the way.
async fn end(process: Process, asks: &mut mpsc::UnboundedReceiver<Ask>) {
    let cut = async { while !matches!(asks.recv().await, Some(Ask::Cut) | None) {} };
    process.end(cut).await;
}

/// Keeps the operator running.
struct Keeper {
    world: World,
    began: Instant,
    ahead: Duration,
    seed: u64,
    random: StdRng,
}

impl Keeper {
    async fn keep(
        mut self,
        mut asks: mpsc::UnboundedReceiver<Ask>,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) {
        let mut process = self.start();
        loop {
            tokio::select! {
                biased;
                Some(ask) = asks.recv() => match ask {
                    Ask::Cut => {
                        process.kill();
                        process = self.start_later().await;
                    }
                    Ask::Stop => {
                        end(process, &mut asks).await;
                        process = self.start_later().await;
                    }
                },
                Some(order) = orders.recv() => {
                    let done = match order {
                        Order::Kill(done) => {
                            process.kill();
                            done
                        }
                        Order::Stop(done) => {
                            end(process, &mut asks).await;
                            done
                        }
                    };
                    process = self.start_later().await;
                    // Whoever waits may be gone with the simulation.
                    let _ = done.send(());
                }
                else => return,
            }
        }
    }

    fn start(&self) -> Process {
        Process::start(&self.world.wires, self.began, self.ahead, self.seed)
    }

    async fn start_later(&mut self) -> Process {
        let most = if self.random.random_ratio(1, 4) {
            LONGEST_DOWN
        } else {
            Duration::from_secs(4)
        };
        let down = most.mul_f64(self.random.random());
        tokio::time::sleep(down).await;
        self.start()
    }
}
