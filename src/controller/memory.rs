//! What this process remembers of a resource: what it has done and not yet
//! written down, what it keeps others from doing, and how often it has failed.
//! After a crash the annotation and the status have to do.

mod failures;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::failures::Bounds;
use self::failures::Failures;
use super::claims::Key;
use super::details::Marks;
use crate::api::v1alpha1::RetriesStatus;
use crate::decide::caught_up::Side;
use crate::decide::{Ending, FirstSeen, Mutation, OpenAttempt, Reservation, Timing, Trace, later};

/// The last change this process made to a project in OMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastMutation {
    /// It was created.
    Created,
    /// Something else was asked of OMS, with whatever outcome.
    Changed,
}

/// An attempt to resume a project that failed, which was recorded and not made.
#[derive(Clone, Debug)]
pub struct UnmadeRetry {
    /// What was recorded for it.
    pub recorded: Option<RetriesStatus>,
    /// What was on record before.
    pub before: Option<RetriesStatus>,
}

/// A project that was made a moment ago.
#[derive(Clone, Debug)]
pub struct Guard {
    /// In which OMS.
    pub url: String,
    /// Under which name.
    pub name: String,
    /// When OMS had answered.
    pub since: Timestamp,
    /// From then on OMS shows it.
    pub until: Timestamp,
}

/// What is remembered of one resource.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Which resource.
    pub key: Key,
    /// The attempt that was seen last, and when it was seen first.
    pub first_seen: Option<FirstSeen>,
    /// The last attempt this process made.
    pub attempt: Option<Box<Trace>>,
    /// A project that OMS has made and whose id is not written yet.
    pub made: Option<String>,
    /// What the project was made by, until it is known that the spec is still
    /// the one it was made from. The annotation can be stripped meanwhile.
    pub made_by: Option<Box<Reservation>>,
    /// The name is not free for another resource before this, although OMS may
    /// not show the project yet.
    pub guard: Option<Box<Guard>>,
    /// The last change that was asked of OMS, and when that was answered: what
    /// was seen before says nothing any more.
    pub mutated: Option<(LastMutation, Instant)>,
    /// OMS said, then, that it has done this, and what it shows since was not
    /// another for it yet.
    pub accepted: Option<(Mutation, Instant)>,
    /// OMS said that it has paused the project, as the spec of this generation
    /// asked, and the project was not seen since.
    pub paused_for: Option<i64>,
    /// The word to try again on which OMS certainly did nothing.
    pub unheard_retry: Option<String>,
    /// The word to try again that stood, if any, when the resource began to ask whether another
    /// project is its own: only a later one is the answer.
    pub asked_with: Option<String>,
    /// The retries that stand although the status tells of one more: that one never
    /// reached OMS.
    pub unmade_retry: Option<Box<UnmadeRetry>>,
    /// A foreign reservation was told of.
    pub told_foreign: bool,
    /// On which side of its limit the lag has been, and since when.
    pub lag_side: Option<Side>,
    /// Since when nothing was to be learnt of its project, although it was asked
    /// for alone.
    pub unseen_since: Option<Timestamp>,
    /// Since when it is being deleted and its connection not to be told.
    unlinked_since: Option<Instant>,
    /// What was asked of its project alone, and as of when.
    pub details: Marks,
    figures_written: Option<Instant>,
    failures: Option<Box<Failures>>,
    broken_off: Option<Box<Failures>>,
    conflicts: u32,
}

impl Remembered {
    fn new(key: Key) -> Self {
        Self {
            key,
            first_seen: None,
            attempt: None,
            made: None,
            made_by: None,
            guard: None,
            mutated: None,
            accepted: None,
            paused_for: None,
            unheard_retry: None,
            asked_with: None,
            unmade_retry: None,
            told_foreign: false,
            lag_side: None,
            unseen_since: None,
            unlinked_since: None,
            details: Marks::default(),
            figures_written: None,
            failures: None,
            broken_off: None,
            conflicts: 0,
        }
    }

    /// Until when an attempt may make a project of that name, if it may still.
    fn open_until(
        &self,
        same_oms: impl Fn(&str) -> bool,
        name: &str,
        now: Timestamp,
        timing: Timing,
    ) -> Option<Timestamp> {
        if let Some(guard) = self.guard.as_ref().filter(|guard| guard.until > now) {
            let is_it = guard.name == name && same_oms(&guard.url);
            return is_it.then_some(guard.until);
        }
        let reservation = &self.attempt.as_ref()?.reservation;
        let is_it = reservation.project_name == name && same_oms(&reservation.connection.url);
        match self.made {
            None if is_it => self.quarantine(now, timing),
            _ => None,
        }
    }

    /// The end of the quarantine of an attempt of unknown outcome.
    fn quarantine(&self, now: Timestamp, timing: Timing) -> Option<Timestamp> {
        let trace = self.attempt.as_ref()?;
        let Ending::Unknown { replied } = trace.ending else {
            return None;
        };
        let open = OpenAttempt {
            reservation: trace.reservation.clone(),
            replied,
            first_look: self.first_seen.map_or(now, |first| first.seen),
            spent: trace.spent,
            vouched_for: true,
        };
        Some(open.quarantine(timing))
    }

    /// Whether it may still matter to anybody. A guard that has expired is taken
    /// off.
    fn is_of_use(&mut self, alive: bool, now: Timestamp, timing: Timing) -> bool {
        if self.guard.as_ref().is_some_and(|guard| guard.until > now) {
            return true;
        }
        self.guard = None;
        if self.made.is_some() || alive {
            return true;
        }
        match &self.attempt {
            None => false,
            Some(trace) if matches!(trace.ending, Ending::Unknown { .. }) => self
                .quarantine(now, timing)
                .is_some_and(|until| until > now),
            // Its call may be about to be made, in a pass that began before the resource went.
            Some(trace) => later(trace.reservation.not_after, timing.call) > now,
        }
    }
}

/// Longest wait after a pass that was broken off: the API server comes back by
/// itself, and the resource is then worked on by the usual means.
const LONGEST_BREAK: Duration = Duration::from_secs(60);

/// First wait after a conflict: a watch is rarely further behind.
const FIRST_CONFLICT: Duration = Duration::from_millis(50);

/// Longest wait after a conflict, but for chance.
const LONGEST_CONFLICT: Duration = Duration::from_secs(1);

/// Everything remembered, by UID. Sorted, so that the same seed of a simulation
/// gives the same order of writes. Boxed, as is what only an open create has: ten
/// thousand at rest need next to nothing of it, and a tree has room for twice of each.
#[derive(Default)]
pub struct Memory {
    by_uid: Mutex<BTreeMap<String, Box<Remembered>>>,
    open: Mutex<Open>,
}

/// Who may still make a project of which name. It may hold some who no longer do,
/// until the next time that all are looked at; it lacks none.
#[derive(Default)]
struct Open {
    /// Name and UID.
    uids: BTreeSet<(String, String)>,
    looked: Option<Timestamp>,
}

impl Open {
    /// What is remembered of this resource has changed.
    fn note(&mut self, uid: &str, remembered: &Remembered) {
        let guard = remembered.guard.as_ref().map(|guard| &guard.name);
        let attempt = remembered.attempt.as_ref();
        let attempt = attempt.map(|trace| &trace.reservation.project_name);
        let names = [guard, attempt].into_iter().flatten();
        self.uids
            .extend(names.map(|name| (name.clone(), uid.to_owned())));
    }

    /// The resources that are noted with this name.
    fn under<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a String> {
        let first = (name.to_owned(), String::new());
        let noted = self.uids.range(first..);
        noted
            .take_while(move |(noted, _)| noted == name)
            .map(|(_, uid)| uid)
    }
}

/// How often all that is remembered is looked at, to drop what is settled. Each
/// create asks about one name: to look at ten thousand for it would be a
/// millisecond, and more the more there are.
const LOOK: SignedDuration = SignedDuration::from_secs(60);

impl Memory {
    /// A copy of what is remembered of a resource.
    #[must_use]
    pub fn recall(&self, uid: &str) -> Option<Remembered> {
        let by_uid = self.by_uid.lock();
        by_uid.get(uid).map(|remembered| (**remembered).clone())
    }

    /// Every project whose id is not written yet: UID and key of its resource,
    /// and the id.
    #[must_use]
    pub fn unwritten(&self) -> Vec<(String, Key, String)> {
        let by_uid = self.by_uid.lock();
        let unwritten = by_uid.iter().filter_map(|(uid, remembered)| {
            Some((
                uid.clone(),
                remembered.key.clone(),
                remembered.made.clone()?,
            ))
        });
        unwritten.collect()
    }

    /// The resources that this process has called CreateProject for, of which it is not known
    /// whether that made a project.
    #[must_use]
    pub fn unresolved(&self) -> BTreeSet<Key> {
        let by_uid = self.by_uid.lock();
        let in_doubt = by_uid.values().filter(|one| {
            let attempt = one.attempt.as_ref();
            attempt.is_some_and(|trace| matches!(trace.ending, Ending::Unknown { .. }))
        });
        in_doubt.map(|one| one.key.clone()).collect()
    }

    /// The resources whose last change in OMS is of `from` or later, and of before `to`.
    #[must_use]
    pub fn mutated(&self, from: Instant, to: Instant) -> Vec<Key> {
        let by_uid = self.by_uid.lock();
        let then = by_uid.values().filter(|one| {
            let at = one.mutated.map(|(_, at)| at);
            at.is_some_and(|at| from <= at && at < to)
        });
        then.map(|one| one.key.clone()).collect()
    }

    /// For how long a resource that is being deleted has waited for its connection, if it still
    /// `waits`.
    pub fn unlinked(&self, uid: &str, key: &Key, waits: bool) -> Duration {
        if waits {
            return self.remember(uid, key, |mine| {
                let since = mine.unlinked_since.get_or_insert_with(Instant::now);
                since.elapsed()
            });
        }
        if let Some(mine) = self.by_uid.lock().get_mut(uid) {
            mine.unlinked_since = None;
        }
        Duration::ZERO
    }

    /// Whether OMS has made a project for this resource whose id is not
    /// written yet.
    #[must_use]
    pub fn holds_unwritten_id(&self, uid: &str) -> bool {
        let by_uid = self.by_uid.lock();
        by_uid
            .get(uid)
            .is_some_and(|remembered| remembered.made.is_some())
    }

    /// Changes what is remembered of a resource.
    pub fn remember<T>(
        &self,
        uid: &str,
        key: &Key,
        change: impl FnOnce(&mut Remembered) -> T,
    ) -> T {
        let mut by_uid = self.by_uid.lock();
        let remembered = by_uid
            .entry(uid.to_owned())
            .or_insert_with(|| Box::new(Remembered::new(key.clone())));
        let changed = change(remembered);
        self.open.lock().note(uid, remembered);
        changed
    }

    /// The resource's project is gone and another one is to be made: what was
    /// remembered of the old one says nothing of that.
    pub fn begin_anew(&self, uid: &str) {
        if let Some(remembered) = self.by_uid.lock().get_mut(uid) {
            **remembered = Remembered::new(remembered.key.clone());
        }
    }

    /// The resource is gone. What may still take effect in OMS is kept.
    pub fn forget(&self, uid: &str) {
        let mut by_uid = self.by_uid.lock();
        let open = by_uid.get(uid).is_some_and(|remembered| {
            if remembered.made.is_some() || remembered.guard.is_some() {
                return true;
            }
            let attempt = remembered.attempt.as_ref();
            attempt.is_some_and(|trace| matches!(trace.ending, Ending::Unknown { .. }))
        });
        if !open {
            by_uid.remove(uid);
        }
    }

    /// Until when an attempt for a resource that is gone may still make a
    /// project with `name` in the OMS of which `same_oms` says by its address
    /// that it is the one in question.
    pub fn others_attempt(
        &self,
        same_oms: impl Fn(&str) -> bool,
        name: &str,
        now: Timestamp,
        timing: Timing,
        is_alive: impl Fn(&Key, &str) -> bool,
    ) -> Option<Timestamp> {
        self.tidy(now, timing, &is_alive);
        let (by_uid, open) = (self.by_uid.lock(), self.open.lock());
        let known = open.under(name);
        known
            .filter_map(|uid| Some((uid, by_uid.get(uid)?)))
            .filter(|(uid, remembered)| !is_alive(&remembered.key, uid))
            .filter_map(|(_, remembered)| remembered.open_until(&same_oms, name, now, timing))
            .max()
    }

    /// Drops what is settled, if that was not done a moment ago.
    pub fn tidy(&self, now: Timestamp, timing: Timing, is_alive: impl Fn(&Key, &str) -> bool) {
        let mut by_uid = self.by_uid.lock();
        let mut open = self.open.lock();
        let is_old = |looked: Timestamp| now.duration_since(looked).abs() >= LOOK;
        if !open.looked.is_none_or(is_old) {
            return;
        }
        by_uid.retain(|uid, remembered| {
            let alive = is_alive(&remembered.key, uid);
            remembered.is_of_use(alive, now, timing)
        });
        *open = Open {
            looked: Some(now),
            ..Open::default()
        };
        for (uid, remembered) in &*by_uid {
            open.note(uid, remembered);
        }
    }

    /// Counts a failure that `cause` stands for. Returns how long to wait:
    /// doubling within `bounds`; `chance`, from 0 to 1, spreads what failed
    /// together by a tenth either way.
    pub fn failed(
        &self,
        uid: &str,
        key: &Key,
        cause: u64,
        bounds: Bounds,
        chance: f64,
    ) -> Duration {
        self.remember(uid, key, |remembered| {
            let failures = remembered.failures.get_or_insert_default();
            failures.add(cause, bounds, chance)
        })
    }

    /// A pass was broken off, because the API server did not do what was asked.
    /// Returns how long to wait.
    pub fn broken_off(&self, uid: &str, key: &Key, cause: u64, chance: f64) -> Duration {
        self.remember(uid, key, |remembered| {
            let broken_off = remembered.broken_off.get_or_insert_default();
            broken_off.add(cause, Bounds::up_to(LONGEST_BREAK), chance)
        })
    }

    /// A pass was broken off, because the resource is another by now. Returns how long to wait for the watch
    /// to tell of that, which wakes the resource sooner: doubling, as it may be far behind.
    pub fn conflicted(&self, uid: &str, key: &Key, chance: f64) -> Duration {
        let before = self.remember(uid, key, |remembered| {
            let more = remembered.conflicts.saturating_add(1);
            std::mem::replace(&mut remembered.conflicts, more)
        });
        let doubled = FIRST_CONFLICT.saturating_mul(1 << before.min(16));
        doubled.min(LONGEST_CONFLICT).mul_f64(1.0 + chance)
    }

    /// Whether writes were refused more than once because the resource was another by then: the
    /// watch is behind, and only the API server tells what it is.
    #[must_use]
    pub fn is_behind(&self, uid: &str) -> bool {
        let by_uid = self.by_uid.lock();
        by_uid.get(uid).is_some_and(|mine| mine.conflicts > 1)
    }

    /// A pass went through, whatever it has come to.
    pub fn went_through(&self, uid: &str) {
        if let Some(remembered) = self.by_uid.lock().get_mut(uid) {
            remembered.broken_off = None;
            remembered.conflicts = 0;
        }
    }

    /// The status has just been written.
    pub fn figures_written(&self, uid: &str, key: &Key) {
        self.remember(uid, key, |mine| mine.figures_written = Some(Instant::now()));
    }

    /// How long figures alone are not worth another write of the status.
    #[must_use]
    pub fn figures_wait(&self, uid: &str, interval: Duration) -> Option<Duration> {
        let written = self.by_uid.lock().get(uid)?.figures_written?;
        let left = interval.saturating_sub(written.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// The work went well: the next failure starts small.
    pub fn succeeded(&self, uid: &str) {
        if let Some(remembered) = self.by_uid.lock().get_mut(uid) {
            remembered.failures = None;
        }
    }

    /// What OMS has accepted shows, or is not asked for any more.
    pub fn shows(&self, uid: &str) {
        if let Some(remembered) = self.by_uid.lock().get_mut(uid)
            && remembered.accepted.take().is_some()
        {
            remembered.failures = None;
        }
    }

    /// How long to hold back still, unless something has changed since.
    #[must_use]
    pub fn hold_back(&self, uid: &str, cause: u64) -> Option<Duration> {
        let by_uid = self.by_uid.lock();
        let remembered = by_uid.get(uid)?;
        let failures = [&remembered.failures, &remembered.broken_off];
        failures
            .into_iter()
            .filter_map(|failures| failures.as_ref()?.hold_back(cause))
            .max()
    }
}

#[cfg(test)]
mod tests;
