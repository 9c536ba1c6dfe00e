//! The two transports that the operator's clients are given instead of sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use oms_operator::controller::Connect;
use oms_operator::oms::{self, Action, Transport, TransportError};
use oms_simulator::{Delivery, Fault, Kind, Oms, Reply};
use tower::BoxError;

use crate::bus::{Bus, Sent};
use crate::faults::{KubernetesFault, OmsFault};
use crate::kubernetes::{self, Body, Cluster, Refusal};
use crate::witness::Witness;

/// Longer than the operator waits for the API server.
const SLOW: Duration = Duration::from_secs(20);

/// The time-outs of calls to OMS in a simulation.
pub const TIMEOUTS: oms::Timeouts = oms::Timeouts {
    connect: Duration::from_secs(2),
    read: Duration::from_secs(5),
    mutation: Duration::from_secs(10),
};

/// How long a create may take effect after it was made, of which nobody knows
/// what became: what OMS is assumed to keep to, and the flag is set to.
pub const SILENT: Duration = Duration::from_secs(60);

/// The same, after a replied failure.
pub const REPLIED: Duration = Duration::from_secs(20);

/// The world as the transports see it.
#[derive(Clone)]
pub struct Wires {
    /// Counts and meets every call.
    pub bus: Bus,
    /// Kubernetes.
    pub cluster: Cluster,
    /// Each OMS with its number, by the host and port of its addresses.
    pub omses: Arc<BTreeMap<String, (usize, Oms)>>,
    /// Sees what is done.
    pub witness: Witness,
}

impl Wires {
    /// The state of the world, as far as a call can change it.
    fn world(&self) -> (u64, u64) {
        (self.cluster.version(), self.witness.mutations())
    }
}

/// A client for the API server in one life of the process.
pub fn kubernetes_client(wires: Wires, life: u64) -> kube::Client {
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let wires = wires.clone();
        async move { carry(wires, life, request).await }
    });
    kube::Client::new(service, "default")
}

async fn carry(
    wires: Wires,
    life: u64,
    request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, body.collect().await?.to_bytes());
    let Some(asked) = kubernetes::describe(&request) else {
        return Err(format!("no such request: {} {}", request.method(), request.uri()).into());
    };
    let words = asked.to_string();
    if asked.verb == "watch" {
        // A watch that breaks is begun again; that is all there is to it.
        wires.bus.note(&words);
        return Ok(kubernetes::answer(&wires.cluster, &asked, &request));
    }
    let writes = !matches!(asked.verb, "get" | "list");
    let sent = wires
        .bus
        .send(life, &words, false, writes, wires.world())
        .await;
    let refused = |code, reason| Ok(kubernetes::refuse(&Refusal::new(code, reason, "a fault")));
    let fault = sent.kubernetes_fault();
    let answer = match fault {
        Some(KubernetesFault::Conflict) if writes => refused(409, "Conflict"),
        Some(KubernetesFault::Throttled) => refused(429, "TooManyRequests"),
        Some(KubernetesFault::Failed | KubernetesFault::Conflict) => refused(500, "InternalError"),
        Some(KubernetesFault::Refused) => Err("connection refused"),
        Some(KubernetesFault::AnswerLost | KubernetesFault::Slow) | None => {
            let before = wires.cluster.get(&asked.id);
            let answer = kubernetes::answer(&wires.cluster, &asked, &request);
            let after = wires.cluster.get(&asked.id);
            wires.witness.kubernetes(
                &asked,
                before.as_deref(),
                after.as_deref(),
                answer.status(),
                request.body(),
            );
            Ok(answer)
        }
    };
    let answer = match fault {
        Some(KubernetesFault::AnswerLost) => Err("connection reset"),
        Some(KubernetesFault::Slow) => {
            tokio::time::sleep(SLOW).await;
            answer
        }
        _ => answer,
    };
    let words = match &answer {
        Ok(response) => response.status().as_u16().to_string(),
        Err(why) => (*why).to_owned(),
    };
    wires.bus.receive(&sent, words).await;
    answer.map_err(Into::into)
}

/// Makes clients for OMS in one life of the process.
pub struct ConnectBySimulation {
    /// The world.
    pub wires: Wires,
    /// Which life.
    pub life: u64,
}

impl Connect for ConnectBySimulation {
    fn connect(&self, settings: oms::Settings) -> Result<oms::Client, oms::BuildError> {
        let (wires, life) = (self.wires.clone(), self.life);
        let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
            call(wires.clone(), life, request)
        }));
        Ok(oms::Client::with_transport(settings, transport))
    }
}

async fn call(
    wires: Wires,
    life: u64,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, TransportError> {
    let action = *request
        .extensions()
        .get::<Action>()
        .expect("the client names its action");
    let body = String::from_utf8_lossy(request.body());
    let words = format!("{action} {}", words_of(&body));
    let writes = action.is_mutation();
    let asked = writes.then(|| wires.witness.asked(action, request.body()));
    let sent = wires
        .bus
        .send(life, &words, true, writes, wires.world())
        .await;
    let host = request
        .uri()
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let found = wires.omses.get(&host).cloned();
    let (Some((number, oms)), false) = (found, sent.oms_fault() == Some(OmsFault::Refused)) else {
        if let Some(asked) = asked {
            wires.witness.refused(&asked);
        }
        wires.bus.receive(&sent, "refused").await;
        return Err(TransportError::never_connected("connection refused"));
    };
    // A task of its own: OMS goes on with a call whose caller is gone.
    let fault = sent.oms_fault();
    let witness = wires.witness.clone();
    let work = tokio::spawn(async move {
        if fault == Some(OmsFault::WorkedLateListedLate) {
            tokio::time::sleep(TIMEOUTS.mutation.mul_f64(0.95)).await;
        }
        let reply = work(&oms, action, &request, fault);
        if let Some(asked) = asked {
            witness.worked(number, asked);
        }
        reply
    });
    let reply = match work.await {
        Ok(reply) => reply,
        Err(_) => return Err(TransportError::broken("the simulator panicked")),
    };
    answer(&wires, &sent, reply).await
}

/// What of a body names what a call is about.
fn words_of(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let words = ["id", "name", "searchKey", "sortField", "order"].iter();
    let words = words.filter_map(|key| body[key].as_str());
    words.collect::<Vec<_>>().join(" ")
}

fn work(oms: &Oms, action: Action, request: &Request<Bytes>, fault: Option<OmsFault>) -> Reply {
    let name = action.as_str();
    let changes = action.is_mutation() && action != Action::CreateProject;
    let mut ids = Vec::new();
    let mut strike = |fault: Fault| ids.push(oms.fault(fault.times(1)));
    let late = |most: Duration| {
        Fault::new(
            "CreateProject",
            Kind::ListedLate {
                seconds: most.mul_f64(0.95),
            },
        )
    };
    match fault {
        Some(OmsFault::Throttled) => {
            strike(Fault::new(
                name,
                Kind::too_many_requests(Duration::from_secs(3)),
            ));
        }
        Some(OmsFault::Failed) => strike(Fault::new(name, Kind::http(500))),
        Some(OmsFault::AnswerLost) => strike(Fault::new(name, Kind::Drop).after_work()),
        Some(OmsFault::AnswerLostListedLate | OmsFault::WorkedLateListedLate) => {
            strike(late(SILENT));
            strike(Fault::new(name, Kind::Drop).after_work());
        }
        Some(OmsFault::FailedAfterWork) => strike(Fault::new(name, Kind::http(500)).after_work()),
        Some(OmsFault::FailedAfterWorkListedLate) => {
            strike(late(REPLIED));
            strike(Fault::new(name, Kind::http(500)).after_work());
        }
        Some(OmsFault::InnerError | OmsFault::InnerErrorListedLate) => {
            if fault == Some(OmsFault::InnerErrorListedLate) {
                strike(late(REPLIED));
            }
            let kind = Kind::business("INNER_ERROR", "A system error occurred.");
            strike(Fault::new(name, kind).after_work());
        }
        Some(OmsFault::Garbage) => strike(Fault::new(name, Kind::Garbage).after_work()),
        Some(OmsFault::Hang) => strike(Fault::new(name, Kind::Hang)),
        Some(OmsFault::ListedLate) => strike(late(REPLIED)),
        Some(OmsFault::ShownLate) => {
            strike(Fault::new(name, Kind::shown_late(REPLIED.mul_f64(0.95))));
        }
        Some(OmsFault::Unheeded) if changes => {
            strike(Fault::new(name, Kind::unheeded()));
        }
        Some(OmsFault::Unheeded | OmsFault::Refused) | None => {}
    }
    let header = request.headers().get(http::header::AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    let reply = oms.handle(name, header, request.body());
    for id in ids {
        oms.remove_fault(id);
    }
    reply
}

async fn answer(
    wires: &Wires,
    sent: &Sent,
    reply: Reply,
) -> Result<Response<Bytes>, TransportError> {
    match reply.delivery {
        Delivery::Send => {
            wires.bus.receive(sent, reply.status).await;
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            response
                .body(Bytes::from(reply.body))
                .map_err(TransportError::broken)
        }
        Delivery::Drop => {
            wires.bus.receive(sent, "connection reset").await;
            Err(TransportError::broken("connection reset"))
        }
        Delivery::Hang => std::future::pending().await,
    }
}
