//! The core: an OMS without a network, driven by calls and a clock.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::actions::{ACTIONS, Work};
use crate::calls::{Call, Outcome};
use crate::clock::Clock;
use crate::config::{Config, Unauthorized};
use crate::fault::{About, Kind, Struck, When};
use crate::gate::GateState;
use crate::reply::{Answer, Delivery, Refusal, Reply, envelope};
use crate::state::State;
use crate::time::timestamp;
use crate::validate;

/// An OMS: state and clock, no network, no thread, no task.
///
/// Clones are handles on the same OMS. [`Oms::handle`] answers a call at once;
/// the handles that steer it are methods too.
#[derive(Clone)]
pub struct Oms {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub config: Config,
    pub clock: Clock,
    pub state: Mutex<State>,
    /// Sent whenever a call or a handle has changed something.
    pub changed: watch::Sender<u64>,
}

/// A call on its way through the OMS. A transport takes it through its stages:
/// [`Oms::arrive`], [`Oms::before_work`], [`Oms::work`], [`Oms::after_work`].
#[derive(Debug)]
pub struct Exchange {
    number: u64,
    action: String,
    authorization: Option<String>,
    body: Vec<u8>,
    /// Name, id and searchKey of the project that it is about.
    words: Vec<String>,
    struck: Struck,
    /// What came of the work.
    outcome: Outcome,
}

impl Exchange {
    /// How long a fault makes it wait before the work.
    pub fn delay_before(&self) -> Duration {
        self.struck.delay_before
    }

    /// How long a fault makes it wait after the work.
    pub fn delay_after(&self) -> Duration {
        self.struck.delay_after
    }

    fn about(&self) -> About<'_> {
        About {
            action: &self.action,
            words: self.words.iter().map(String::as_str).collect(),
        }
    }
}

impl Oms {
    /// An OMS that follows the machine's clock.
    pub fn new(config: Config) -> Self {
        let clock = Clock::real(config.speed);
        Self::with_clock(config, clock)
    }

    /// An OMS that follows a clock of the caller's; `config.speed` is not used.
    pub fn with_clock(config: Config, clock: Clock) -> Self {
        let state = State::new(&config, clock.now());
        Self {
            shared: Arc::new(Shared {
                config,
                clock,
                state: Mutex::new(state),
                changed: watch::Sender::new(0),
            }),
        }
    }

    /// Answers a call: the value of `Action`, of the `Authorization` header, and
    /// the body. Faults strike; gates are not waited at, and a delay is not
    /// waited for but reported in the reply.
    pub fn handle(&self, action: &str, authorization: Option<&str>, body: &[u8]) -> Reply {
        let mut exchange = self.arrive(action, authorization, body);
        let delay = exchange.delay_before();
        if let Some(mut reply) = self.before_work(&exchange) {
            reply.delay = delay;
            return reply;
        }
        let reply = self.work(&mut exchange);
        let delay = delay + exchange.delay_after();
        let mut reply = self.after_work(exchange, reply);
        reply.delay = delay;
        reply
    }

    /// First stage: logs the call and decides which faults strike it.
    pub fn arrive(&self, action: &str, authorization: Option<&str>, body: &[u8]) -> Exchange {
        let parsed: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| parsed.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut state = self.shared.state.lock();
        let now = self.shared.clock.now();
        let project_id = text("id").or_else(|| text("projectId"));
        let known = project_id
            .as_deref()
            .and_then(|id| state.projects.get_mut(id));
        let project_name = match known {
            Some(project) => {
                *project.requests.entry(action.to_owned()).or_default() += 1;
                Some(project.name.clone())
            }
            None => text("name"),
        };
        let search_key = text("searchKey");
        let words = [&project_id, &project_name, &search_key];
        let mut exchange = Exchange {
            number: 0,
            action: action.to_owned(),
            authorization: authorization.map(str::to_owned),
            body: body.to_vec(),
            words: words.into_iter().flatten().cloned().collect(),
            struck: Struck::default(),
            outcome: Outcome::Pending,
        };
        exchange.struck = state.faults.strike(&exchange.about());
        let call = Call {
            number: 0,
            action: action.to_owned(),
            time: timestamp(now.wall),
            project_id,
            project_name,
            search_key,
            page_number: parsed.get("pageNumber").and_then(Value::as_u64),
            user: None,
            worked: false,
            outcome: Outcome::Pending,
            request_id: None,
        };
        exchange.number = state.calls.arrive(call, self.shared.config.call_log);
        drop(state);
        self.notify();
        exchange
    }

    /// Second stage: the reply of a fault that prevents the work, if one does.
    pub fn before_work(&self, exchange: &Exchange) -> Option<Reply> {
        let kind = exchange.struck.before.as_ref()?;
        Some(self.faulty(exchange, kind))
    }

    /// Third stage: checks the credentials and does the work.
    pub fn work(&self, exchange: &mut Exchange) -> Reply {
        let shared = &self.shared;
        let mut state = shared.state.lock();
        // Read under the lock, so that later work never has an earlier time.
        let now = shared.clock.now();
        let request_id = state.request_id();
        let form = state.reply_form;
        let user = user(&state, exchange.authorization.as_deref());
        let (result, outcome, status) = match &user {
            None => {
                let (refusal, status) = unauthorized(shared.config.unauthorized);
                (Err(refusal), Outcome::Unauthorized, status)
            }
            Some(_) => {
                let action = exchange.action.as_str();
                let known = ACTIONS.contains(&action) && !state.unsupported.contains(action);
                let result = if known {
                    validate::object(&exchange.body).and_then(|body| {
                        let work = Work {
                            state: &mut state,
                            clock: &shared.clock,
                            config: &shared.config,
                            now,
                            body,
                            late: exchange.struck.late,
                        };
                        work.perform(action)
                    })
                } else {
                    Err(Refusal::unsupported(action))
                };
                let outcome = outcome(&result);
                (result, outcome, 200)
            }
        };
        let created = match (&result, exchange.action.as_str()) {
            (Ok(answer), "CreateProject") => answer.data.as_str().map(str::to_owned),
            _ => None,
        };
        state.calls.update(exchange.number, |call| {
            call.worked = result.is_ok();
            call.user = user;
            call.request_id = Some(request_id.clone());
            call.project_id = created.or(call.project_id.take());
        });
        drop(state);
        self.notify();
        exchange.outcome = outcome;
        let body = envelope(result, &request_id, form);
        let mut reply = Reply::new(status, JSON, body).dated(now.wall);
        if status == 401 {
            reply
                .headers
                .push(("www-authenticate".into(), "Basic realm=\"OMS\"".into()));
        }
        reply
    }

    /// Last stage: what the caller gets in the end.
    pub fn after_work(&self, exchange: Exchange, reply: Reply) -> Reply {
        if let Some(kind) = &exchange.struck.after {
            return self.faulty(&exchange, kind);
        }
        let mut state = self.shared.state.lock();
        let outcome = exchange.outcome;
        state
            .calls
            .update(exchange.number, |call| call.outcome = outcome);
        drop(state);
        self.notify();
        reply
    }

    pub(crate) fn gates(&self, exchange: &Exchange, when: When) -> Vec<Arc<GateState>> {
        let mut state = self.shared.state.lock();
        state.gates.standing(when, &exchange.about())
    }

    pub(crate) fn notify(&self) {
        self.shared.changed.send_modify(|changes| *changes += 1);
    }

    fn faulty(&self, exchange: &Exchange, kind: &Kind) -> Reply {
        let now = self.shared.clock.now();
        let mut state = self.shared.state.lock();
        let request_id = state.request_id();
        let form = state.reply_form;
        state.calls.update(exchange.number, |call| {
            call.outcome = Outcome::Fault { fault: kind.name() };
            call.request_id = Some(request_id.clone());
        });
        drop(state);
        self.notify();
        match kind {
            Kind::Drop => Reply::undelivered(Delivery::Drop),
            // The two that replace no reply never come here; see `Fault::strike`.
            Kind::Hang | Kind::Delay { .. } | Kind::ListedLate { .. } | Kind::ShownLate { .. } => {
                Reply::undelivered(Delivery::Hang)
            }
            Kind::Http {
                status,
                headers,
                body,
            } => {
                let mut reply = Reply::new(*status, "text/plain", body.clone().into_bytes());
                for (name, value) in headers {
                    reply
                        .headers
                        .push((name.to_ascii_lowercase(), value.clone()));
                }
                reply.dated(now.wall)
            }
            Kind::Business {
                code,
                message,
                advice,
            } => {
                let result = Err(Refusal::new(code, message, advice));
                Reply::new(200, JSON, envelope(result, &request_id, form)).dated(now.wall)
            }
            Kind::Garbage => {
                Reply::new(200, JSON, br#"{"success":true,"data":"np_"#.to_vec()).dated(now.wall)
            }
            Kind::Html => Reply::new(200, "text/html", HTML.into()).dated(now.wall),
        }
    }
}

const JSON: &str = "application/json;charset=UTF-8";
const HTML: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

fn outcome(result: &Result<Answer, Refusal>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(refusal) => Outcome::Refused {
            code: refusal.code.clone(),
            message: refusal.message.clone(),
        },
    }
}

/// Whose credentials the header carries, if they are right.
fn user(state: &State, authorization: Option<&str>) -> Option<String> {
    let (scheme, token) = authorization?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    let known = state.users.get(user).is_some_and(|right| right == password);
    known.then(|| user.to_owned())
}

/// Code and words are ours: no source shows OMS's.
fn unauthorized(how: Unauthorized) -> (Refusal, u16) {
    let refusal = Refusal::new(
        "UNAUTHORIZED",
        "Authentication failed.",
        "Check the user name and the password.",
    );
    let status = match how {
        Unauthorized::Http401 => 401,
        Unauthorized::Http403 => 403,
        Unauthorized::Envelope => 200,
    };
    (refusal, status)
}
