//! What the loop has to do and when: the figures of its queue, and whether it
//! still attempts its work.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
enum Entry {
    /// It is worked on, since then; and again at once, if it was woken meanwhile.
    Running { since: Instant, again: bool },
    /// Nothing is to be done before this time, if ever.
    Due(Option<Instant>),
}

impl Entry {
    fn wake(&mut self) {
        let now = Instant::now();
        match self {
            Entry::Running { again, .. } => *again = true,
            Entry::Due(due) => *due = Some(due.map_or(now, |due| due.min(now))),
        }
    }
}

/// The resources of one kind, as the loop knows them.
#[derive(Default)]
pub struct Queue {
    entries: Mutex<HashMap<String, Entry>>,
}

/// How the loop is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many are due and not worked on.
    pub waiting: usize,
    /// How many are worked on.
    pub running: usize,
    /// How long the one that waits longest has been due.
    pub overdue: Duration,
    /// How long the one that takes longest has been worked on.
    pub longest: Duration,
}

impl Queue {
    /// The loop begins to work on a resource.
    pub fn begin(&self, resource: &str) {
        let entry = Entry::Running {
            since: Instant::now(),
            again: false,
        };
        self.entries.lock().insert(resource.to_owned(), entry);
    }

    /// The work on it takes long, and goes on: what takes the longest is counted from here.
    pub fn goes_on(&self, resource: &str) {
        if let Some(Entry::Running { since, .. }) = self.entries.lock().get_mut(resource) {
            *since = Instant::now();
        }
    }

    /// It has ended, and is to come again after a while, or not unasked.
    pub fn end(&self, resource: &str, after: Option<Duration>) {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get_mut(resource) {
            let woken = matches!(entry, Entry::Running { again: true, .. });
            let due = after.and_then(|after| now.checked_add(after));
            *entry = Entry::Due(if woken { Some(now) } else { due });
        }
    }

    /// The watch has brought a resource to the loop, which may never have worked on it.
    pub fn bring(&self, resource: &str) {
        let mut entries = self.entries.lock();
        match entries.get_mut(resource) {
            Some(entry) => entry.wake(),
            None => {
                entries.insert(resource.to_owned(), Entry::Due(Some(Instant::now())));
            }
        }
    }

    /// Something was seen that concerns a resource. One that the loop has never
    /// worked on is the watch's to bring.
    pub fn wake(&self, resource: &str) {
        if let Some(entry) = self.entries.lock().get_mut(resource) {
            entry.wake();
        }
    }

    /// The resource is gone.
    pub fn remove(&self, resource: &str) {
        self.entries.lock().remove(resource);
    }

    /// How it stands.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        let now = Instant::now();
        let mut backlog = Backlog::default();
        for entry in self.entries.lock().values() {
            match *entry {
                Entry::Running { since, .. } => {
                    backlog.running += 1;
                    backlog.longest = backlog.longest.max(now - since);
                }
                Entry::Due(Some(due)) if due <= now => {
                    backlog.waiting += 1;
                    backlog.overdue = backlog.overdue.max(now - due);
                }
                Entry::Due(_) => {}
            }
        }
        backlog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_due_waits_and_grows_overdue_until_it_is_worked_on() {
        let queue = Queue::default();
        queue.begin("a/b");
        assert_eq!((queue.backlog().running, queue.backlog().waiting), (1, 0));
        queue.end("a/b", Some(SECOND));
        assert_eq!(queue.backlog(), Backlog::default());
        tokio::time::advance(4 * SECOND).await;
        assert_eq!(
            (queue.backlog().waiting, queue.backlog().overdue),
            (1, 3 * SECOND)
        );
        queue.begin("a/b");
        tokio::time::advance(SECOND).await;
        let backlog = queue.backlog();
        assert_eq!((backlog.waiting, backlog.longest), (0, SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_woken_is_due_at_once_or_right_after() {
        let queue = Queue::default();
        queue.wake("a/b");
        assert_eq!(queue.backlog().waiting, 0, "never worked on");
        queue.begin("a/b");
        queue.wake("a/b");
        queue.end("a/b", Some(100 * SECOND));
        assert_eq!(queue.backlog().waiting, 1);
        queue.begin("a/b");
        queue.end("a/b", None);
        assert_eq!(queue.backlog().waiting, 0);
        queue.wake("a/b");
        assert_eq!(queue.backlog().waiting, 1);
        queue.remove("a/b");
        assert_eq!(queue.backlog(), Backlog::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_watch_brings_is_due_before_it_was_ever_worked_on() {
        let queue = Queue::default();
        queue.bring("a/b");
        tokio::time::advance(SECOND).await;
        queue.bring("a/b");
        let backlog = queue.backlog();
        assert_eq!((backlog.waiting, backlog.overdue), (1, SECOND));
        queue.begin("a/b");
        queue.end("a/b", Some(100 * SECOND));
        assert_eq!(queue.backlog(), Backlog::default());
        queue.bring("a/b");
        assert_eq!(queue.backlog().waiting, 1, "a change does not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn what_went_while_it_was_worked_on_does_not_come_back() {
        let queue = Queue::default();
        queue.begin("a/b");
        queue.remove("a/b");
        queue.end("a/b", Some(SECOND));
        tokio::time::advance(2 * SECOND).await;
        assert_eq!(queue.backlog(), Backlog::default());
    }
}
