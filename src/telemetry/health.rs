//! Whether the process is alive, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Queue;

/// A resource that has been due for so long was not even attempted: the loop is
/// stuck. Ten times what thousands of resources take after a start.
const OVERDUE: Duration = Duration::from_secs(300);

/// A resource that is worked on for so long is not let go of any more. The longest
/// honest work is a few passes that each wait for a call of `--oms-mutation-timeout`.
const STUCK: Duration = Duration::from_secs(3600);

/// What the probes ask. A dead OMS never makes the operator unhealthy: to
/// restart it would mend nothing.
#[derive(Clone, Default)]
pub struct Health {
    queues: Vec<(&'static str, Arc<Queue>)>,
    synced: Vec<Arc<AtomicBool>>,
    stopping: Arc<AtomicBool>,
    standing_by: Arc<AtomicBool>,
}

impl Health {
    /// Health of a process whose watches have these flags, and whose loops work
    /// off these queues, each with its kind of resource.
    #[must_use]
    pub fn new(synced: Vec<Arc<AtomicBool>>, queues: Vec<(&'static str, Arc<Queue>)>) -> Self {
        Self {
            queues,
            synced,
            stopping: Arc::default(),
            standing_by: Arc::default(),
        }
    }

    /// What the loop has not attempted in time, if anything. How the attempts went
    /// does not count: an OMS that is away, a suspension or a pause is not the
    /// process's fault.
    #[must_use]
    pub fn ailment(&self) -> Option<String> {
        self.queues.iter().find_map(|(kind, queue)| {
            let backlog = queue.backlog();
            if backlog.overdue > OVERDUE {
                let seconds = backlog.overdue.as_secs();
                return Some(format!("a {kind} has been due for {seconds} s"));
            }
            (backlog.longest > STUCK).then(|| {
                let seconds = backlog.longest.as_secs();
                format!("one pass over a {kind} has taken {seconds} s so far")
            })
        })
    }

    /// Ready: every watch has its first list, or another process leads and this
    /// one is there to take over. Not one that cannot have the lease at all: in an
    /// upgrade it would take the place of one that can.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let synced = || {
            self.synced
                .iter()
                .all(|synced| synced.load(Ordering::Relaxed))
        };
        !self.stopping.load(Ordering::Relaxed)
            && (self.standing_by.load(Ordering::Relaxed) || synced())
    }

    /// Whether another process was found to lead.
    pub fn stand_by(&self, standing_by: bool) {
        self.standing_by.store(standing_by, Ordering::Relaxed);
    }

    /// The process drains and takes no more work.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(queue: &Arc<Queue>) -> Health {
        Health::new(Vec::new(), vec![("MigrationProject", queue.clone())])
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_nobody_attempts_makes_it_ill_and_an_attempt_well() {
        let queue = Arc::new(Queue::default());
        let health = health(&queue);
        queue.begin("shop/orders");
        queue.end("shop/orders", Some(Duration::from_secs(60)));
        tokio::time::advance(Duration::from_secs(60) + OVERDUE).await;
        assert_eq!(health.ailment(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(health.ailment().unwrap().contains("MigrationProject"));
        queue.begin("shop/orders");
        assert_eq!(health.ailment(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_that_never_ends_makes_it_ill() {
        let queue = Arc::new(Queue::default());
        queue.begin("shop/orders");
        tokio::time::advance(STUCK + Duration::from_secs(1)).await;
        assert!(health(&queue).ailment().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_do_is_no_ailment_however_long() {
        let queue = Arc::new(Queue::default());
        queue.begin("shop/orders");
        queue.end("shop/orders", None);
        tokio::time::advance(100 * STUCK).await;
        assert_eq!(health(&queue).ailment(), None);
    }
}
