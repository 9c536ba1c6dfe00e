//! Every call that the operator makes goes over the bus: there it is counted,
//! written down, and met by its mishap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::acts::Act;
use crate::faults::{Call, KubernetesFault, Mishap, Mishaps, OmsFault};

/// The longest that a call is under way in one direction where nothing is wrong.
const UNDER_WAY: Duration = Duration::from_millis(20);

/// What the bus asks of the world.
#[derive(Debug)]
pub enum Ask {
    /// The process has ended at this call.
    Cut,
    /// The process is asked to end.
    Stop,
}

/// What users are to do now, and whom to tell when it is done.
pub type Meddling = (Vec<Act>, oneshot::Sender<()>);

/// What the bus asks for, and where.
pub struct Asks {
    /// Of the keeper of the process.
    pub keeper: mpsc::UnboundedReceiver<Ask>,
    /// Of the users.
    pub users: mpsc::UnboundedReceiver<Meddling>,
}

/// A point at which a call can be met: two with the same words and the same
/// world around them need not both be tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Of the call.
    pub number: u64,
    /// What it asks.
    pub what: String,
    /// Whether it goes to OMS.
    pub to_oms: bool,
    /// Whether it changes something, as far as its verb tells.
    pub writes: bool,
    /// The state of the world when it was made.
    pub world: (u64, u64),
}

struct State {
    life: u64,
    calls: u64,
    /// How many in each minute.
    by_minute: BTreeMap<u64, u64>,
    mishaps: Mishaps,
    latency: StdRng,
    trace: Vec<String>,
    points: Vec<Point>,
}

/// The bus. Clones are handles on the same one.
#[derive(Clone)]
pub struct Bus {
    state: Arc<Mutex<State>>,
    asks: mpsc::UnboundedSender<Ask>,
    users: mpsc::UnboundedSender<Meddling>,
    began: Instant,
}

/// A call that has left the process.
#[derive(Debug)]
pub struct Sent {
    life: u64,
    /// Its number.
    pub number: u64,
    /// What happens to it at the other end.
    pub mishap: Option<Mishap>,
}

impl Sent {
    /// Its fault, if Kubernetes makes one.
    pub fn kubernetes_fault(&self) -> Option<KubernetesFault> {
        match self.mishap {
            Some(Mishap::Kubernetes(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Its fault, if OMS makes one.
    pub fn oms_fault(&self) -> Option<OmsFault> {
        match self.mishap {
            Some(Mishap::Oms(fault)) => Some(fault),
            _ => None,
        }
    }
}

impl Bus {
    /// A bus with these mishaps, and what it asks of the world.
    pub fn new(seed: u64, mishaps: Mishaps) -> (Self, Asks) {
        let (asks, keeper) = mpsc::unbounded_channel();
        let (users, meddling) = mpsc::unbounded_channel();
        let bus = Self {
            state: Arc::new(Mutex::new(State {
                life: 0,
                calls: 0,
                by_minute: BTreeMap::new(),
                mishaps,
                latency: StdRng::seed_from_u64(seed),
                trace: Vec::new(),
                points: Vec::new(),
            })),
            asks,
            users,
            began: Instant::now(),
        };
        let users = meddling;
        (bus, Asks { keeper, users })
    }

    /// A new life of the process begins; the calls of the one before are heard
    /// no more.
    pub fn begin_life(&self) -> u64 {
        let mut state = self.state.lock();
        state.life += 1;
        state.life
    }

    /// The process is dead: nothing reaches it, and nothing leaves it.
    pub fn end_life(&self) {
        self.state.lock().life += 1;
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        self.state.lock().mishaps = Mishaps::Named(Default::default());
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// How many calls there were in the busiest minute.
    pub fn in_busiest_minute(&self) -> u64 {
        let state = self.state.lock();
        state.by_minute.values().copied().max().unwrap_or_default()
    }

    /// Every call, in order.
    pub fn points(&self) -> Vec<Point> {
        self.state.lock().points.clone()
    }

    /// Writes a line of the trace.
    pub fn note(&self, line: impl std::fmt::Display) {
        let at = self.began.elapsed().as_millis();
        self.state.lock().trace.push(format!("{at:>9} {line}"));
    }

    /// Everything that happened, a line each.
    pub fn trace(&self) -> Vec<String> {
        self.state.lock().trace.clone()
    }

    /// A call leaves the process. Returns when it has arrived; never, if the
    /// process ends before that.
    pub async fn send(
        &self,
        life: u64,
        what: &str,
        to_oms: bool,
        writes: bool,
        world: (u64, u64),
    ) -> Sent {
        if !self.is_alive(life) {
            return std::future::pending().await;
        }
        let (sent, mut wait) = {
            let mut state = self.state.lock();
            state.calls += 1;
            let number = state.calls;
            let minute = self.began.elapsed().as_secs() / 60;
            *state.by_minute.entry(minute).or_default() += 1;
            let call = Call {
                number,
                after: self.began.elapsed(),
                to_oms,
                creates: to_oms && what.starts_with("CreateProject"),
            };
            let mishap = state.mishaps.at(call);
            state.points.push(Point {
                number,
                what: what.to_owned(),
                to_oms,
                writes,
                world,
            });
            let under_way = UNDER_WAY.mul_f64(state.latency.random());
            let sent = Sent {
                life,
                number,
                mishap,
            };
            (sent, under_way)
        };
        let met = sent.mishap.as_ref().map(|mishap| format!(" !{mishap:?}"));
        self.note(format_args!(
            "#{} {what}{}",
            sent.number,
            met.unwrap_or_default()
        ));
        match &sent.mishap {
            Some(Mishap::CutBefore) => return self.cut().await,
            Some(Mishap::Stop) => self.ask(Ask::Stop),
            Some(Mishap::Meddle(acts)) => {
                let (done, wait) = oneshot::channel();
                // Nobody does anything once the simulation is over.
                let _ = self.users.send((acts.clone(), done));
                let _ = wait.await;
            }
            Some(Mishap::Kubernetes(KubernetesFault::Slow)) => wait += UNDER_WAY,
            _ => {}
        }
        tokio::time::sleep(wait).await;
        sent
    }

    /// The answer reaches the process; never, if that has ended.
    pub async fn receive(&self, sent: &Sent, what: impl std::fmt::Display) {
        if sent.mishap == Some(Mishap::CutAfter) && self.is_alive(sent.life) {
            return self.cut().await;
        }
        let wait = UNDER_WAY.mul_f64(self.state.lock().latency.random());
        tokio::time::sleep(wait).await;
        if !self.is_alive(sent.life) {
            return std::future::pending().await;
        }
        self.note(format_args!("#{} = {what}", sent.number));
    }

    fn is_alive(&self, life: u64) -> bool {
        self.state.lock().life == life
    }

    async fn cut<T>(&self) -> T {
        self.end_life();
        self.ask(Ask::Cut);
        std::future::pending().await
    }

    fn ask(&self, ask: Ask) {
        // Nobody listens once the simulation is over.
        let _ = self.asks.send(ask);
    }
}
