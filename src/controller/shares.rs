//! What each OMS may have of this process: so many projects are worked on at a
//! time for one of them. The passes of one that hangs fill its own share, and
//! none of another's.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::claims::Key;
use super::pass::SOON;

/// How many of those that wait for one OMS look again by themselves in a second. They
/// need not, as they are woken; but a wake may go to one that is no more.
const LOOKS_IN_A_SECOND: u32 = 20;

/// How long a part is kept for the resource that was woken for it. It may be one that is
/// no more.
const KEPT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Share {
    taken: usize,
    /// For whom a part is kept, and since when: who comes by chance must not have it before
    /// those that have waited.
    kept: HashMap<Key, Instant>,
    /// Who came while all was taken, in order; also those that have gone since.
    parked: VecDeque<Key>,
    is_parked: HashSet<Key>,
}

impl Share {
    fn is_full(&self, size: usize) -> bool {
        self.taken + self.kept.len() >= size
    }

    /// The one that has waited longest, if there is a part for it, which is kept.
    fn next(&mut self, size: usize) -> Option<Key> {
        while !self.is_full(size) {
            let next = self.parked.pop_front()?;
            if self.is_parked.remove(&next) {
                self.kept.insert(next.clone(), Instant::now());
                return Some(next);
            }
        }
        None
    }

    fn is_idle(&self) -> bool {
        self.taken == 0 && self.is_parked.is_empty() && self.kept.is_empty()
    }
}

/// The shares, by address of the OMS.
pub struct Shares {
    size: usize,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_endpoint: BTreeMap<String, Share>,
    /// Where each waits that does: its OMS may become another meanwhile.
    waits_at: HashMap<Key, String>,
}

impl All {
    /// The resource waits nowhere any more but at `endpoint`, if there.
    fn move_to(&mut self, endpoint: &str, resource: &Key) {
        if self.waits_at.get(resource).is_none_or(|at| at == endpoint) {
            return;
        }
        if let Some(before) = self.waits_at.remove(resource)
            && let Some(share) = self.by_endpoint.get_mut(&before)
        {
            share.is_parked.remove(resource);
            share.kept.remove(resource);
            if share.is_idle() {
                self.by_endpoint.remove(&before);
            }
        }
    }
}

impl Shares {
    /// Shares of `size` passes each.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            all: Mutex::default(),
        }
    }

    /// Takes a part of a share.
    ///
    /// # Errors
    ///
    /// All is taken, and [`leave`](Self::leave) names the resource when its time has
    /// come. The error is how long to wait for that: the longer the more wait, so that
    /// ten thousand do not spend their time looking.
    pub fn enter(&self, endpoint: &str, resource: &Key) -> Result<(), Duration> {
        let mut all = self.all.lock();
        all.move_to(endpoint, resource);
        let All {
            by_endpoint,
            waits_at,
        } = &mut *all;
        let share = by_endpoint.entry(endpoint.to_owned()).or_default();
        share.kept.retain(|_, since| since.elapsed() < KEPT);
        share.kept.remove(resource);
        if !share.is_full(self.size) {
            share.taken += 1;
            share.is_parked.remove(resource);
            waits_at.remove(resource);
            return Ok(());
        }
        waits_at.insert(resource.clone(), endpoint.to_owned());
        if share.is_parked.insert(resource.clone()) {
            share.parked.push_back(resource.clone());
        }
        let parked = u32::try_from(share.is_parked.len()).unwrap_or(u32::MAX);
        Err(SOON.max(Duration::from_secs(1) * parked / LOOKS_IN_A_SECOND))
    }

    /// Gives a part back. Returns the resource to wake. It may be one that does
    /// not come any more, so whoever waits also has to come again without it.
    pub fn leave(&self, endpoint: &str) -> Option<Key> {
        self.change(endpoint, |share| {
            share.taken = share.taken.saturating_sub(1);
        })
    }

    /// Who else may come, if a part is free: for one that was woken and has no use
    /// for it.
    pub fn pass_on(&self, endpoint: &str, resource: &Key) -> Option<Key> {
        self.change(endpoint, |share| {
            share.kept.remove(resource);
        })
    }

    /// The resource is gone. Returns who is to be woken for the parts that were kept for it.
    pub fn forget(&self, resource: &Key) -> Vec<Key> {
        let endpoints: Vec<String> = {
            let mut all = self.all.lock();
            all.waits_at.remove(resource);
            all.by_endpoint.keys().cloned().collect()
        };
        let next = endpoints.iter().filter_map(|endpoint| {
            self.change(endpoint, |share| {
                share.is_parked.remove(resource);
                share.kept.remove(resource);
            })
        });
        next.collect()
    }

    /// How many wait for a part of each OMS's share.
    pub fn parked(&self) -> BTreeMap<String, usize> {
        let all = self.all.lock();
        let each = all.by_endpoint.iter();
        each.map(|(endpoint, share)| (endpoint.clone(), share.is_parked.len()))
            .collect()
    }

    fn change(&self, endpoint: &str, change: impl FnOnce(&mut Share)) -> Option<Key> {
        let mut all = self.all.lock();
        let share = all.by_endpoint.get_mut(endpoint)?;
        change(share);
        let next = share.next(self.size);
        if share.is_idle() {
            all.by_endpoint.remove(endpoint);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_full_share_leaves_the_others_alone() {
        let shares = Shares::new(2);
        let enter = |endpoint: &str, name: &str| shares.enter(endpoint, &key(name)).is_ok();
        assert!(enter("hangs", "a") && enter("hangs", "b"));
        assert!(!enter("hangs", "c"));
        assert!(enter("works", "d"));
    }

    #[test]
    fn who_waits_is_woken_in_order_and_once() {
        let shares = Shares::new(1);
        let enter = |name: &str| shares.enter("oms", &key(name)).is_ok();
        assert!(enter("a"));
        for name in ["b", "c", "b"] {
            assert!(!enter(name));
        }
        assert_eq!(shares.parked(), BTreeMap::from([("oms".to_owned(), 2)]));
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert!(enter("b"));
        assert_eq!(shares.leave("oms"), Some(key("c")));
        assert!(enter("c"));
        assert_eq!(shares.leave("oms"), None);
        assert!(
            shares.all.lock().by_endpoint.is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn a_wake_without_use_goes_to_the_next_one_while_a_part_is_free() {
        let shares = Shares::new(1);
        let enter = |name: &str| shares.enter("oms", &key(name)).is_ok();
        assert!(enter("a") && !enter("b") && !enter("c"));
        let pass_on = |name: &str| shares.pass_on("oms", &key(name));
        assert_eq!(pass_on("d"), None, "none is free");
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert_eq!(pass_on("d"), None, "it is b's");
        assert_eq!(pass_on("b"), Some(key("c")), "b has no use for it");
        assert_eq!(pass_on("c"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_by_chance_does_not_overtake_those_that_wait() {
        let shares = Shares::new(1);
        let enter = |name: &str| shares.enter("oms", &key(name)).is_ok();
        assert!(enter("a") && !enter("b") && !enter("c"));
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert!(!enter("d"), "the part is kept for b");
        assert!(enter("b"));
        assert_eq!(shares.leave("oms"), Some(key("c")));
        // It never comes; and the part is not lost.
        tokio::time::advance(KEPT).await;
        assert!(enter("d"));
    }

    #[test]
    fn what_is_gone_is_waited_for_by_nobody() {
        let shares = Shares::new(1);
        let enter = |name: &str| shares.enter("oms", &key(name)).is_ok();
        assert!(enter("a"));
        for name in ["b", "c", "d"] {
            assert!(!enter(name));
        }
        assert_eq!(shares.forget(&key("c")), []);
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert_eq!(shares.forget(&key("b")), [key("d")]);
        assert_eq!(shares.forget(&key("d")), []);
        assert!(
            shares.all.lock().by_endpoint.is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn who_waits_for_another_oms_by_now_waits_for_the_first_no_more() {
        let shares = Shares::new(1);
        let enter = |endpoint: &str, name: &str| shares.enter(endpoint, &key(name)).is_ok();
        assert!(enter("old", "a") && !enter("old", "b") && !enter("old", "c"));
        assert_eq!(shares.leave("old"), Some(key("b")));
        // Its part is free again, and so is its place.
        assert!(enter("new", "b") && !enter("new", "c"));
        let waits = BTreeMap::from([("new".to_owned(), 1)]);
        assert_eq!(shares.parked(), waits, "nothing is left at the old one");
        assert_eq!(shares.leave("new"), Some(key("c")));
        assert!(enter("new", "c"));
        assert_eq!(shares.leave("new"), None);
        assert!(shares.all.lock().waits_at.is_empty());
    }

    #[test]
    fn many_look_again_the_less_often() {
        let shares = Shares::new(1);
        assert_eq!(shares.enter("oms", &key("first")), Ok(()));
        assert_eq!(shares.enter("oms", &key("second")), Err(SOON));
        for number in 1..10_000 {
            let _ = shares.enter("oms", &key(&number.to_string()));
        }
        let wait = shares.enter("oms", &key("second"));
        assert_eq!(wait, Err(Duration::from_secs(500)));
    }
}
