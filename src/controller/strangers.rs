//! Strangers: projects in OMS that no resource has recorded, and ids on
//! resources that OMS does not list.

use std::collections::BTreeSet;

use super::claims::{Claim, Key};
use super::context::Context;
use super::link::may_be_in;
use super::registry::Live;
use crate::observe::Snapshot;

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strangers {
    /// Projects that nobody has recorded.
    pub unclaimed: usize,
    /// Ids that are recorded and not listed.
    pub missing: usize,
}

/// The ids that resources have recorded through a connection. To be taken before
/// a sweep: what is recorded while it walks, it may have passed already.
pub fn recorded(context: &Context, key: &Key, live: &Live) -> BTreeSet<String> {
    context.claims.ids_of(key, |url| live.is_same_oms(url))
}

/// Counts what the sweep `now` has shown. A project counts only if the sweep before
/// has shown it, too: one that is just being made is nobody's for a moment, and a
/// number that comes and goes would be written each time.
pub fn count(
    context: &Context,
    live: &Live,
    recorded: &BTreeSet<String>,
    now: &Snapshot,
) -> Strangers {
    let missing = recorded.iter().filter(|id| !now.projects.contains_key(*id));
    let missing = missing.count();
    let before = live.snapshot.as_deref();
    if now.asked.is_some() || before.is_some_and(|before| before.asked.is_some()) {
        // Nobody else's was looked at, this time or last: what was counted then stands.
        let unclaimed = live.strangers.unclaimed;
        return Strangers { unclaimed, missing };
    }
    let is_here = |claim: &Claim| may_be_in(context, &live.url, claim);
    let was_there = |id: &str| before.is_none_or(|before| before.projects.contains_key(id));
    let unclaimed = now.projects.iter().filter(|(id, seen)| {
        was_there(id) && !seen.status.is_over() && !context.claims.is_recorded(id, is_here)
    });
    Strangers {
        unclaimed: unclaimed.count(),
        missing,
    }
}
