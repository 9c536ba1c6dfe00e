//! The governor: every call to one OMS passes it, whichever connection it comes through.
//!
//! It says whether a call goes out now, later, or not at all; it makes and repeats none. What it goes by:
//! a limit on calls under way that adapts to what OMS can take (`limit.rs`), an order among those who wait
//! (`lanes.rs`), a rate if the connection sets one (`bucket.rs`), OMS's own word to pause (`Retry-After`),
//! and whether OMS answers at all (`breaker.rs`). Each is a value without a clock of its own or I/O; this
//! file brings them together with the time and those who wait.
//!
//! A call that is refused was never sent, which is the best of all failures. Waiting here is no part of a
//! call's own time-out.

mod breaker;
mod bucket;
mod ending;
mod endpoints;
mod lanes;
mod limit;
mod standing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

pub use self::breaker::Circuit;
use self::breaker::{Asked, Breaker};
use self::bucket::Bucket;
use self::ending::{Ending, Heard};
pub use self::endpoints::Governors;
pub use self::lanes::Lane;
use self::lanes::Lanes;
use self::limit::{CEILING, Limit};
pub use self::standing::Standing;
use super::{Action, Error};

/// A pause that is longer than this is not waited for in the queue: who waits there keeps others from
/// working.
const SHORT_PAUSE: Duration = Duration::from_secs(5);

/// How long after its last word OMS counts as one that asks for fewer calls. Long enough that a condition
/// which says so does not come and go with every burst.
const ASKED_FOR: Duration = Duration::from_secs(300);

/// What a connection sets for its OMS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// So many calls may begin in a second.
    pub requests_per_second: Option<NonZeroU32>,
    /// So many calls may be under way at most.
    pub max_in_flight: Option<NonZeroU32>,
}

/// Why a call was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// OMS has not answered for a while.
    #[error("OMS has left the last calls unanswered")]
    Open,
    /// OMS has asked for a pause; that much of it is left.
    #[error("OMS has asked for a pause in calls")]
    Paused(Duration),
}

/// The governor of one endpoint.
#[derive(Default)]
pub struct Governor {
    state: Mutex<State>,
    /// What the waiting go by has changed.
    changed: Notify,
}

struct State {
    /// The limits of those who use the endpoint; the strictest count.
    members: BTreeMap<String, Limits>,
    lanes: Lanes<Waiting>,
    limit: Limit,
    bucket: Bucket,
    breaker: Breaker,
    paused_until: Option<Instant>,
    asked_for_fewer: Option<Instant>,
    under_way: u32,
    /// Numbers the calls.
    latest: u64,
    refused_open: u64,
    refused_paused: u64,
}

impl Default for State {
    fn default() -> State {
        State {
            members: BTreeMap::new(),
            lanes: Lanes::default(),
            limit: Limit::new(CEILING),
            bucket: Bucket::default(),
            breaker: Breaker::default(),
            paused_until: None,
            asked_for_fewer: None,
            under_way: 0,
            latest: 0,
            refused_open: 0,
            refused_paused: 0,
        }
    }
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// To have one call after another under way.
    Place,
    /// One call.
    Call { may_probe: bool },
}

struct Waiting {
    want: Want,
    reply: oneshot::Sender<Result<Turn, NotSent>>,
}

/// One of the places that the limit gives. Calls are made in it one at a time; dropping it frees it.
pub(super) struct Place {
    governor: Arc<Governor>,
    /// A call that was let out before it is made, so that nothing can hold it back any more.
    prepared: Mutex<Option<(Action, Box<Turn>)>>,
}

/// Leave to make one call, now.
pub(super) struct Turn {
    governor: Arc<Governor>,
    place: Option<Place>,
    number: u64,
    probe: bool,
}

impl Governor {
    /// Waits for leave to make one call. In a place that is held, nobody is waited for but the rate.
    pub(super) async fn turn(
        self: &Arc<Self>,
        action: Action,
        place: Option<&Place>,
    ) -> Result<Turn, NotSent> {
        let Some(place) = place else {
            // The sweep, and a connection's first look.
            let may_probe = action == Action::ListProjects;
            return self.wait(Lane::of(action), Want::Call { may_probe }).await;
        };
        let prepared = place.prepared.lock().take();
        if let Some((prepared, turn)) = prepared
            && prepared == action
        {
            return Ok(*turn);
        }
        let want = Want::Call { may_probe: false };
        self.wait(Lane::UnderWay, want).await
    }

    /// Waits for a place, in the lane of `action`.
    pub(super) async fn place(self: &Arc<Self>, action: Action) -> Result<Place, NotSent> {
        let mut turn = self.wait(Lane::of(action), Want::Place).await?;
        Ok(turn.place.take().expect("a place was asked for"))
    }

    async fn wait(self: &Arc<Self>, lane: Lane, want: Want) -> Result<Turn, NotSent> {
        let (reply, mut answer) = oneshot::channel();
        self.state.lock().lanes.push(lane, Waiting { want, reply });
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next = self.serve();
            tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or(Err(NotSent::Open)),
                () = changed => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// Lets out who may go. Returns when the next may, if only time is in the way.
    fn serve(self: &Arc<Self>) -> Option<Instant> {
        let mut served = Vec::new();
        let next = self.state.lock().serve(self, &mut served);
        // Who has given up waiting gives its turn back here, which takes the lock.
        for (waiting, answer) in served {
            drop(waiting.reply.send(answer));
        }
        next
    }

    /// After a change of what decides. Who waits learns of a new time to look again.
    fn go_on(self: &Arc<Self>) {
        if self.serve().is_some() {
            self.changed.notify_waiters();
        }
    }

    fn set_limits(&self, member: &str, limits: Option<Limits>) -> bool {
        let mut state = self.state.lock();
        match limits {
            Some(limits) => state.members.insert(member.to_owned(), limits),
            None => state.members.remove(member),
        };
        let strictest = |limit: fn(&Limits) -> Option<NonZeroU32>| {
            state.members.values().filter_map(limit).min()
        };
        let rate = strictest(|limits| limits.requests_per_second);
        let ceiling = strictest(|limits| limits.max_in_flight);
        state.bucket.set_rate(rate);
        state
            .limit
            .set_ceiling(ceiling.map_or(CEILING, NonZeroU32::get));
        !state.members.is_empty()
    }

    /// How the endpoint stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let state = self.state.lock();
        let now = Instant::now();
        Standing {
            circuit: state.breaker.circuit(),
            paused_for: state.pause_left(now),
            asked_for_fewer: state
                .asked_for_fewer
                .is_some_and(|asked| now < asked + ASKED_FOR),
            under_way: state.under_way,
            limit: state.limit.now(),
            waiting: Lane::ALL.map(|lane| state.lanes.waiting(lane)),
            refused_open: state.refused_open,
            refused_paused: state.refused_paused,
        }
    }

    /// A human wants a look at once: OMS's word to pause is not waited out.
    pub fn end_pause(self: &Arc<Self>) {
        self.state.lock().paused_until = None;
        self.go_on();
    }
}

impl State {
    fn pause_left(&self, now: Instant) -> Option<Duration> {
        let left = self.paused_until?.checked_duration_since(now)?;
        (!left.is_zero()).then_some(left)
    }

    fn serve(
        &mut self,
        governor: &Arc<Governor>,
        served: &mut Vec<(Waiting, Result<Turn, NotSent>)>,
    ) -> Option<Instant> {
        drop(self.lanes.take_out(|waiting| waiting.reply.is_closed()));
        let now = Instant::now();
        loop {
            let breaker = &self.breaker;
            let ask =
                |waiting: &Waiting| breaker.ask(waiting.want == Want::Call { may_probe: true });
            let refused = self.lanes.take_out(|waiting| ask(waiting) == Asked::Refuse);
            self.refused_open += refused.len() as u64;
            served.extend(refused.into_iter().map(|one| (one, Err(NotSent::Open))));
            if let Some(left) = self.pause_left(now) {
                if left <= SHORT_PAUSE {
                    return self.paused_until;
                }
                let all = self.lanes.take_out(|_| true);
                self.refused_paused += all.len() as u64;
                served.extend(all.into_iter().map(|one| (one, Err(NotSent::Paused(left)))));
                return None;
            }
            let free = self.under_way < self.limit.now();
            let lane = self.lanes.next(|lane, waiting| {
                (free || lane == Lane::UnderWay) && ask(waiting) != Asked::Wait
            })?;
            let first = self.lanes.first(lane)?;
            let want = first.want;
            let probe = ask(first) == Asked::Probe;
            if let Want::Call { .. } = want {
                if let Err(wait) = self.bucket.take() {
                    return Some(now + wait);
                }
                self.latest += 1;
            }
            let place = (lane != Lane::UnderWay).then(|| Place {
                governor: governor.clone(),
                prepared: Mutex::new(None),
            });
            self.under_way += u32::from(place.is_some());
            if probe {
                self.breaker.probe();
            }
            let turn = Turn {
                governor: governor.clone(),
                place,
                number: self.latest,
                probe,
            };
            served.extend(self.lanes.pop(lane).map(|waiting| (waiting, Ok(turn))));
        }
    }

    fn ended(&mut self, number: u64, probe: bool, ending: Ending, now: Instant) {
        match ending.heard {
            Heard::Yes => self.breaker.answered(),
            Heard::No => self.breaker.unanswered(probe),
            Heard::Unclear if probe => self.breaker.probe_is_void(),
            Heard::Unclear => {}
        }
        if ending.overloaded {
            self.limit.overloaded(number, self.latest);
        } else if ending.heard == Heard::Yes {
            self.limit.answered(self.under_way);
        }
        if ending.asks_for_fewer {
            self.asked_for_fewer = Some(now);
        }
        let until = ending.pause.and_then(|pause| now.checked_add(pause));
        self.paused_until = self.paused_until.max(until);
    }
}

impl Turn {
    /// The call has ended: in `error`, or well.
    pub(super) fn end(mut self, error: Option<&Error>) {
        let ending = Ending::of(error);
        let probe = std::mem::take(&mut self.probe);
        let mut state = self.governor.state.lock();
        state.ended(self.number, probe, ending, Instant::now());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A call that nobody waited for the end of.
        if self.probe {
            self.governor.state.lock().breaker.probe_is_void();
        }
        match self.place.take() {
            // Frees itself, and goes on.
            Some(place) => drop(place),
            None => self.governor.go_on(),
        }
    }
}

impl Place {
    /// Waits for leave to make one call of `action` later: nothing holds it back then.
    pub(super) async fn prepare(&self, action: Action) -> Result<(), NotSent> {
        let turn = self.governor.turn(action, Some(self)).await?;
        *self.prepared.lock() = Some((action, Box::new(turn)));
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.prepared.get_mut().take();
        self.governor.state.lock().under_way -= 1;
        self.governor.go_on();
    }
}

async fn sleep_until(next: Option<Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next).await,
        None => std::future::pending().await,
    }
}
