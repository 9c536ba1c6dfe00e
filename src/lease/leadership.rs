//! What the rest of the process may know of the lease.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Until when no other process takes this one's place.
#[derive(Clone, Debug, Default)]
pub struct Leadership {
    /// Absent: there is no election. `None` inside: not held.
    held_until: Option<Arc<Mutex<Option<Instant>>>>,
}

impl Leadership {
    /// Of a process that was started without election: nobody is expected
    /// beside it.
    #[must_use]
    pub fn unopposed() -> Self {
        Self::default()
    }

    /// Of a candidate.
    #[must_use]
    pub(super) fn candidate() -> Self {
        Self {
            held_until: Some(Arc::default()),
        }
    }

    /// Whether nobody else takes the lease for at least `span` from now on. A
    /// call that changes OMS is begun only if the lease outlives connecting and
    /// sending.
    #[must_use]
    pub fn outlives(&self, span: Duration) -> bool {
        let Some(held_until) = &self.held_until else {
            return true;
        };
        let held_until = *held_until.lock();
        held_until.is_some_and(|until| Instant::now() + span < until)
    }

    /// Held until then.
    pub(super) fn extend(&self, until: Instant) {
        self.set(Some(until));
    }

    /// Not held any more.
    pub(super) fn end(&self) {
        self.set(None);
    }

    fn set(&self, until: Option<Instant>) {
        if let Some(held_until) = &self.held_until {
            *held_until.lock() = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_span_that_ends_with_the_lease_is_too_long() {
        let span = Duration::from_secs(5);
        let one = Leadership::candidate();
        assert!(!one.outlives(Duration::ZERO), "not held yet");
        one.extend(Instant::now() + Duration::from_secs(15));
        assert!(one.outlives(span));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!one.outlives(span));
        assert!(one.outlives(Duration::from_secs(4)));
        one.end();
        assert!(!one.outlives(Duration::ZERO));
    }

    #[test]
    fn without_an_election_everything_may_be_begun() {
        assert!(Leadership::unopposed().outlives(Duration::MAX));
    }
}
