//! A gate at which requests wait for the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::fault::Fault;
use super::request::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Cut,
}

pub(super) struct Hold {
    waiting: AtomicUsize,
    arrived: watch::Sender<Vec<Request>>,
    verdict: watch::Sender<Option<Verdict>>,
}

impl Default for Hold {
    fn default() -> Self {
        Hold {
            waiting: AtomicUsize::new(0),
            arrived: watch::Sender::new(Vec::new()),
            verdict: watch::Sender::new(None),
        }
    }
}

impl Hold {
    pub(super) fn is_open(&self) -> bool {
        self.verdict.borrow().is_some()
    }

    /// Announces a request and waits for the word of the test.
    pub(super) async fn pass(&self, request: Request) -> Verdict {
        let _waiting = Waiting::begin(&self.waiting);
        self.arrived.send_modify(|arrived| arrived.push(request));
        let mut verdict = self.verdict.subscribe();
        match verdict.wait_for(Option::is_some).await {
            Ok(verdict) => verdict.unwrap_or(Verdict::Pass),
            Err(_) => Verdict::Pass,
        }
    }
}

/// Counts a request as long as it waits: it may be released, or dropped with the connection of its client.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn begin(count: &AtomicUsize) -> Waiting<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Holds requests until it is opened. Dropping opens it too, so that a failed test does not hang.
///
/// A client that goes away while it is held *before* the work has asked for nothing: the request
/// is not forwarded. The proxy learns from the socket that it has gone, see [`Gate::held`].
pub struct Gate {
    fault: Fault,
    hold: Arc<Hold>,
    seen: Mutex<usize>,
}

impl Gate {
    pub(super) fn new(fault: Fault, hold: Arc<Hold>) -> Gate {
        Gate {
            fault,
            hold,
            seen: Mutex::default(),
        }
    }

    /// Waits for the next request at the gate and returns it; it stays held.
    pub async fn arrived(&self, deadline: Duration) -> anyhow::Result<Request> {
        let mut arrived = self.hold.arrived.subscribe();
        let number = *self.seen.lock();
        let next =
            tokio::time::timeout(deadline, arrived.wait_for(|arrived| arrived.len() > number))
                .await;
        match next {
            Ok(Ok(arrived)) => {
                *self.seen.lock() = number + 1;
                Ok(arrived[number].clone())
            }
            _ => anyhow::bail!(
                "no request came to the gate within {} s",
                deadline.as_secs_f32()
            ),
        }
    }

    /// Lets everything through that waits here, and whatever comes later.
    pub fn release(&self) {
        self.open(Verdict::Pass);
    }

    /// Closes the connection of everything that waits here; what comes later goes through.
    pub fn cut(&self) {
        self.open(Verdict::Cut);
    }

    /// How many requests wait here now; a killed client's do no longer.
    pub fn held(&self) -> usize {
        self.hold.waiting.load(Ordering::SeqCst)
    }

    /// How many requests have come here.
    pub fn fired(&self) -> usize {
        self.fault.fired()
    }

    fn open(&self, word: Verdict) {
        self.fault.remove();
        self.hold.verdict.send_if_modified(|verdict| {
            let first = verdict.is_none();
            verdict.get_or_insert(word);
            first
        });
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}
