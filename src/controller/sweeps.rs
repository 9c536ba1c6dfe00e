//! When each connection is to be swept and spoken of, and how it has gone so far.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::claims::Key;

/// Least time between two sweeps that mutations have brought forward: long
/// enough that a burst of creates shares one, short enough for a person who
/// watches.
const SPACING: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
struct Schedule {
    next: Instant,
    last_end: Option<Instant>,
    took: Duration,
    failures: u32,
    secret_read: Option<Instant>,
    figures_written: Option<Instant>,
    /// When a change in OMS last asked for a sweep.
    asked: Option<Instant>,
    /// The human's word by which the connection was looked at.
    obeyed: Option<String>,
}

/// The schedules of all connections.
#[derive(Default)]
pub struct Sweeps {
    schedules: Mutex<HashMap<Key, Schedule>>,
}

impl Sweeps {
    fn change<T>(&self, key: &Key, change: impl FnOnce(&mut Schedule) -> T) -> T {
        let mut schedules = self.schedules.lock();
        let fresh = Schedule {
            next: Instant::now(),
            last_end: None,
            took: Duration::ZERO,
            failures: 0,
            secret_read: None,
            figures_written: None,
            asked: None,
            obeyed: None,
        };
        change(schedules.entry(key.clone()).or_insert(fresh))
    }

    /// How long until the next sweep; zero when it is due.
    #[must_use]
    pub fn due_in(&self, key: &Key) -> Duration {
        self.change(key, |schedule| {
            schedule.next.saturating_duration_since(Instant::now())
        })
    }

    /// Sweep as soon as the spacing allows. A big OMS, whose sweep takes long,
    /// is swept at most a third of the time. Whether that is sooner than was planned:
    /// if not, the connection comes by itself, or its sweep is under way.
    pub fn bring_forward(&self, key: &Key) -> bool {
        self.change(key, |schedule| {
            let spacing = spacing(schedule.took);
            schedule.asked = Some(Instant::now());
            let soonest = schedule
                .last_end
                .map_or_else(Instant::now, |end| end + spacing);
            let soonest = soonest.max(Instant::now() + SPACING / 5);
            let sooner = schedule.failures == 0 && soonest < schedule.next;
            if sooner {
                schedule.next = soonest;
            }
            sooner
        })
    }

    /// Sweep now: the connection is another than it was.
    pub fn start_over(&self, key: &Key) {
        self.change(key, |schedule| {
            schedule.next = Instant::now();
            schedule.failures = 0;
        });
    }

    /// Read the Secret and sweep now: a human asks for it by a `word` of the connection's own,
    /// which is obeyed once, whether it can be acknowledged or not. Whether it was new.
    pub fn obey(&self, key: &Key, word: &str) -> bool {
        let is_new = self.change(key, |schedule| {
            let is_new = schedule.obeyed.as_deref() != Some(word);
            schedule.obeyed = Some(word.to_owned());
            is_new
        });
        if is_new {
            self.start_over(key);
            self.change(key, |schedule| schedule.secret_read = None);
        }
        is_new
    }

    /// Read the Secret, and sweep if the last one is `least` ago, or else then: one of the
    /// resources asks for it, and all of them may. Whether it is now.
    pub fn ask(&self, key: &Key, least: Duration) -> bool {
        self.change(key, |schedule| {
            let now = Instant::now();
            let least = least.max(spacing(schedule.took));
            let soonest = schedule.last_end.map_or(now, |end| now.max(end + least));
            schedule.next = schedule.next.min(soonest);
            schedule.secret_read = None;
            soonest <= now
        })
    }

    /// A sweep went well. What was changed while it ran is not in it: then the
    /// next one is not the interval away.
    pub fn succeeded(&self, key: &Key, took: Duration, interval: Duration) {
        self.change(key, |schedule| {
            let now = Instant::now();
            let asked = schedule.asked.take();
            let missed = asked.is_some_and(|asked| now.duration_since(asked) <= took);
            let wait = if missed { spacing(took) } else { interval };
            schedule.last_end = Some(now);
            schedule.took = took;
            schedule.failures = 0;
            schedule.next = now + wait.min(interval);
        });
    }

    /// A sweep failed: the next one is put off, doubling from `first` to `cap`.
    /// Returns how long.
    pub fn failed(&self, key: &Key, first: Duration, cap: Duration) -> Duration {
        self.change(key, |schedule| {
            let wait = first
                .saturating_mul(1 << schedule.failures.min(16))
                .min(cap.max(first));
            schedule.failures = schedule.failures.saturating_add(1);
            schedule.last_end = Some(Instant::now());
            schedule.next = Instant::now() + wait;
            wait
        })
    }

    /// Whether the Secret has to be read again.
    #[must_use]
    pub fn secret_is_due(&self, key: &Key, interval: Duration) -> bool {
        self.change(key, |schedule| {
            schedule
                .secret_read
                .is_none_or(|read| read.elapsed() >= interval)
        })
    }

    /// The Secret has been read.
    pub fn secret_was_read(&self, key: &Key) {
        self.change(key, |schedule| schedule.secret_read = Some(Instant::now()));
    }

    /// The status has just been written.
    pub fn figures_written(&self, key: &Key) {
        self.change(key, |schedule| {
            schedule.figures_written = Some(Instant::now());
        });
    }

    /// How long numbers alone are not worth another write of the status.
    #[must_use]
    pub fn figures_wait(&self, key: &Key, interval: Duration) -> Option<Duration> {
        let written = self.change(key, |schedule| schedule.figures_written)?;
        let left = interval.saturating_sub(written.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// The connection is gone.
    pub fn remove(&self, key: &Key) {
        self.schedules.lock().remove(key);
    }
}

/// The least time between two sweeps of an OMS of which the last one took so long.
fn spacing(took: Duration) -> Duration {
    SPACING.max(took * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn key() -> Key {
        Key {
            namespace: "oms".into(),
            name: "prod".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_word_is_obeyed_once() {
        let sweeps = Sweeps::default();
        sweeps.failed(&key(), INTERVAL, INTERVAL);
        assert!(sweeps.obey(&key(), "one"));
        assert!(sweeps.due_in(&key()).is_zero());
        sweeps.failed(&key(), INTERVAL, INTERVAL);
        assert!(!sweeps.obey(&key(), "one"));
        assert_eq!(sweeps.due_in(&key()), INTERVAL);
        assert!(sweeps.obey(&key(), "two"));
        assert!(sweeps.due_in(&key()).is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_resources_ask_their_oms_is_asked_now_and_then() {
        let sweeps = Sweeps::default();
        let least = Duration::from_secs(60);
        assert!(sweeps.ask(&key(), least), "nobody has asked yet");
        sweeps.failed(&key(), least * 5, least * 5);
        let now = (0..100).filter(|_| sweeps.ask(&key(), least)).count();
        assert_eq!(now, 0);
        assert_eq!(sweeps.due_in(&key()), least, "sooner than by itself");
        tokio::time::advance(least).await;
        assert!(sweeps.ask(&key(), least));
        assert_eq!(sweeps.failed(&key(), least, least * 5), least * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn numbers_rest_for_a_while_after_each_write() {
        let sweeps = Sweeps::default();
        assert_eq!(sweeps.figures_wait(&key(), INTERVAL), None, "never written");
        sweeps.figures_written(&key());
        tokio::time::advance(INTERVAL / 3).await;
        assert_eq!(
            sweeps.figures_wait(&key(), INTERVAL),
            Some(INTERVAL * 2 / 3)
        );
        tokio::time::advance(INTERVAL).await;
        assert_eq!(sweeps.figures_wait(&key(), INTERVAL), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_changes_shares_one_sweep_soon() {
        let sweeps = Sweeps::default();
        sweeps.succeeded(&key(), Duration::from_millis(100), INTERVAL);
        let sooner: Vec<bool> = (0..100).map(|_| sweeps.bring_forward(&key())).collect();
        assert_eq!(sweeps.due_in(&key()), SPACING);
        // And of all who ask for it one wakes the connection.
        assert!(sooner[0] && sooner[1..].iter().all(|sooner| !sooner));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_changed_during_a_sweep_is_seen_by_the_next_one_soon() {
        let sweeps = Sweeps::default();
        sweeps.bring_forward(&key());
        tokio::time::advance(Duration::from_secs(1)).await;
        let took = Duration::from_millis(100);
        sweeps.succeeded(&key(), took, INTERVAL);
        assert_eq!(sweeps.due_in(&key()), INTERVAL, "it has seen that");
        tokio::time::advance(INTERVAL).await;
        sweeps.bring_forward(&key());
        tokio::time::advance(took).await;
        sweeps.succeeded(&key(), took, INTERVAL);
        assert_eq!(sweeps.due_in(&key()), SPACING, "it may have missed that");
        tokio::time::advance(SPACING + took).await;
        sweeps.succeeded(&key(), took, INTERVAL);
        assert_eq!(sweeps.due_in(&key()), INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_oms_is_swept_at_most_a_third_of_the_time() {
        let sweeps = Sweeps::default();
        sweeps.succeeded(&key(), Duration::from_secs(6), INTERVAL);
        sweeps.bring_forward(&key());
        assert_eq!(sweeps.due_in(&key()), Duration::from_secs(12));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_oms_is_left_alone_ever_longer_and_not_brought_forward() {
        let sweeps = Sweeps::default();
        let (first, cap) = (Duration::from_secs(2), Duration::from_secs(5));
        let waits: Vec<u64> = (0..3)
            .map(|_| sweeps.failed(&key(), first, cap).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 5]);
        sweeps.bring_forward(&key());
        assert_eq!(sweeps.due_in(&key()), Duration::from_secs(5));
        sweeps.start_over(&key());
        assert!(sweeps.due_in(&key()).is_zero());
    }
}
