//! What each OMS may have of this process: so many projects are worked on at a
//! time for one of them. The passes of one that hangs fill its own share, and
//! none of another's.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;

use super::claims::Key;
use super::pass::SOON;

/// How many of those that wait for one OMS look again by themselves in a second. They
/// need not, as they are woken; but a wake may go to one that is no more.
const LOOKS_IN_A_SECOND: u32 = 20;

#[derive(Default)]
struct Share {
    taken: usize,
    /// Who came while all was taken, in order, and the same for look-up.
    parked: VecDeque<Key>,
    is_parked: HashSet<Key>,
}

impl Share {
    /// The one that has waited longest.
    fn next(&mut self) -> Option<Key> {
        let next = self.parked.pop_front()?;
        self.is_parked.remove(&next);
        Some(next)
    }
}

/// The shares, by address of the OMS.
pub struct Shares {
    size: usize,
    by_endpoint: Mutex<BTreeMap<String, Share>>,
}

impl Shares {
    /// Shares of `size` passes each.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            by_endpoint: Mutex::default(),
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
        let mut shares = self.by_endpoint.lock();
        let share = shares.entry(endpoint.to_owned()).or_default();
        if share.taken < self.size {
            share.taken += 1;
            return Ok(());
        }
        if share.is_parked.insert(resource.clone()) {
            share.parked.push_back(resource.clone());
        }
        let parked = u32::try_from(share.parked.len()).unwrap_or(u32::MAX);
        Err(SOON.max(Duration::from_secs(1) * parked / LOOKS_IN_A_SECOND))
    }

    /// Gives a part back. Returns the resource to wake. It may be one that does
    /// not come any more, so whoever waits also has to come again without it.
    pub fn leave(&self, endpoint: &str) -> Option<Key> {
        let mut shares = self.by_endpoint.lock();
        let share = shares.get_mut(endpoint)?;
        share.taken = share.taken.saturating_sub(1);
        let next = share.next();
        if share.taken == 0 && share.parked.is_empty() {
            shares.remove(endpoint);
        }
        next
    }

    /// Who else may come, if a part is free: for one that was woken and has no use
    /// for it.
    pub fn pass_on(&self, endpoint: &str) -> Option<Key> {
        let mut shares = self.by_endpoint.lock();
        let share = shares.get_mut(endpoint)?;
        (share.taken < self.size).then(|| share.next())?
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
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert!(enter("b"));
        assert_eq!(shares.leave("oms"), Some(key("c")));
        assert!(enter("c"));
        assert_eq!(shares.leave("oms"), None);
        assert!(
            shares.by_endpoint.lock().is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn a_wake_without_use_goes_to_the_next_one_while_a_part_is_free() {
        let shares = Shares::new(1);
        let enter = |name: &str| shares.enter("oms", &key(name)).is_ok();
        assert!(enter("a") && !enter("b") && !enter("c"));
        assert_eq!(shares.pass_on("oms"), None, "none is free");
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert_eq!(shares.pass_on("oms"), Some(key("c")), "b has no use for it");
        assert_eq!(shares.pass_on("oms"), None);
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
