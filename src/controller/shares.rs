//! What each OMS may have of this process: so many projects are worked on at a
//! time for one of them. The passes of one that hangs fill its own share, and
//! none of another's.

use std::collections::{BTreeMap, HashSet, VecDeque};

use parking_lot::Mutex;

use super::claims::Key;

#[derive(Default)]
struct Share {
    taken: usize,
    /// Who came while all was taken, in order, and the same for look-up.
    parked: VecDeque<Key>,
    is_parked: HashSet<Key>,
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

    /// Takes a part of a share. False: all is taken, and
    /// [`leave`](Self::leave) names the resource when its time has come.
    #[must_use]
    pub fn enter(&self, endpoint: &str, resource: &Key) -> bool {
        let mut shares = self.by_endpoint.lock();
        let share = shares.entry(endpoint.to_owned()).or_default();
        let free = share.taken < self.size;
        if free {
            share.taken += 1;
        } else if share.is_parked.insert(resource.clone()) {
            share.parked.push_back(resource.clone());
        }
        free
    }

    /// Gives a part back. Returns the resource to wake. It may be one that does
    /// not come any more, so whoever waits also has to come again without it.
    pub fn leave(&self, endpoint: &str) -> Option<Key> {
        let mut shares = self.by_endpoint.lock();
        let share = shares.get_mut(endpoint)?;
        share.taken = share.taken.saturating_sub(1);
        let next = share.parked.pop_front();
        if let Some(next) = &next {
            share.is_parked.remove(next);
        }
        if share.taken == 0 && share.parked.is_empty() {
            shares.remove(endpoint);
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
        let enter = |endpoint: &str, name: &str| shares.enter(endpoint, &key(name));
        assert!(enter("hangs", "a") && enter("hangs", "b"));
        assert!(!enter("hangs", "c"));
        assert!(enter("works", "d"));
    }

    #[test]
    fn who_waits_is_woken_in_order_and_once() {
        let shares = Shares::new(1);
        assert!(shares.enter("oms", &key("a")));
        for name in ["b", "c", "b"] {
            assert!(!shares.enter("oms", &key(name)));
        }
        assert_eq!(shares.leave("oms"), Some(key("b")));
        assert!(shares.enter("oms", &key("b")));
        assert_eq!(shares.leave("oms"), Some(key("c")));
        assert!(shares.enter("oms", &key("c")));
        assert_eq!(shares.leave("oms"), None);
        assert!(
            shares.by_endpoint.lock().is_empty(),
            "nothing is left behind"
        );
    }
}
