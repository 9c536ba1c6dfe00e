//! What one walk over a connection's projects has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::decide::{Progress, ProjectStatus};

/// How long OMS is asked project by project before everything is walked over again.
const WALK_EVERY: Duration = Duration::from_secs(600);

const ENOUGH_IN_A_ROW: u32 = 2;

/// One project of a sweep, as far as a resource at rest needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The name, which may be that of a resource that has no project yet.
    pub name: String,
    /// The status.
    pub status: ProjectStatus,
    /// When OMS changed it last. A change of its configuration shows in a list
    /// by this alone.
    pub modified: Option<Timestamp>,
    /// How far it is.
    pub progress: Progress,
}

impl Seen {
    /// Whether both show a user the same.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.status == other.status
            && self.modified == other.modified
            && self.progress.shows_the_same(&other.progress)
    }
}

/// The projects of one OMS at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When the walk began, by the operator's clock.
    pub taken_at: Timestamp,
    /// The same by a clock that nobody sets: nothing that was changed later may be
    /// concluded from it.
    pub begun: Instant,
    /// By project id.
    pub projects: BTreeMap<String, Seen>,
    /// How many projects there are, whether they were looked at or not.
    pub total: u64,
    /// Only these were asked for, each by itself; `None`: all were walked over.
    pub asked: Option<BTreeSet<String>>,
    /// Walks over everything, up to this one or the last before it.
    pub walked: Walked,
}

/// When everything was walked over last, and how often in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// When the last walk began.
    pub last: Instant,
    /// Two show which projects are nobody's: one alone may be just being made.
    pub in_a_row: u32,
}

impl Walked {
    /// A walk after what was seen `before`. The first of all shows as much as two.
    #[must_use]
    pub fn again(before: Option<&Snapshot>, last: Instant) -> Self {
        let in_a_row = match before {
            None => ENOUGH_IN_A_ROW,
            Some(before) if before.asked.is_some() => 1,
            Some(before) => before.walked.in_a_row.saturating_add(1),
        };
        Self { last, in_a_row }
    }
}

impl Snapshot {
    /// Whether everything is to be walked over next, although asking for some would be cheaper: only
    /// that shows projects that nobody claims.
    #[must_use]
    pub fn is_walk_due(&self, now: Instant) -> bool {
        let Walked { last, in_a_row } = self.walked;
        match self.asked {
            Some(_) => now.duration_since(last) >= WALK_EVERY,
            None => in_a_row < ENOUGH_IN_A_ROW,
        }
    }

    /// Whether a project would be in here if it were in OMS.
    #[must_use]
    pub fn would_show(&self, id: &str) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.contains(id))
    }

    /// The projects that differ between the two, gone and new ones included, by
    /// id.
    pub fn changed<'a>(
        &'a self,
        before: Option<&'a Self>,
    ) -> impl Iterator<Item = (&'a str, &'a Seen)> {
        let gone = before
            .into_iter()
            .flat_map(|before| &before.projects)
            .filter(|(id, _)| !self.projects.contains_key(*id) && self.would_show(id));
        let moved = self.projects.iter().filter(move |(id, seen)| {
            let old = before.and_then(|before| before.projects.get(*id));
            old.is_none_or(|old| !old.shows_the_same(seen))
        });
        gone.chain(moved).map(|(id, seen)| (id.as_str(), seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_is_walked_over_twice_every_ten_minutes_where_some_are_asked_for() {
        let walk = |before: Option<&Snapshot>| Snapshot {
            walked: Walked::again(before, Instant::now()),
            ..snapshot(&[])
        };
        let ask = |before: &Snapshot| Snapshot {
            asked: Some(BTreeSet::new()),
            walked: before.walked,
            ..snapshot(&[])
        };
        let is_due = |now: &Snapshot| now.is_walk_due(Instant::now());
        let first = walk(None);
        assert!(!is_due(&first));
        let asked = ask(&first);
        tokio::time::advance(WALK_EVERY - Duration::from_secs(1)).await;
        assert!(!is_due(&ask(&asked)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(is_due(&asked));
        let again = walk(Some(&asked));
        assert!(is_due(&again), "one alone shows nobody's projects");
        let once_more = walk(Some(&again));
        assert!(!is_due(&once_more));
        assert!(!is_due(&ask(&once_more)));
    }

    fn snapshot(projects: &[(&str, &str)]) -> Snapshot {
        let projects = projects
            .iter()
            .map(|(id, status)| {
                let seen = Seen {
                    name: format!("name of {id}"),
                    status: ProjectStatus::parse(status),
                    modified: None,
                    progress: Progress::default(),
                };
                ((*id).to_owned(), seen)
            })
            .collect();
        Snapshot {
            taken_at: Timestamp::UNIX_EPOCH,
            begun: Instant::now(),
            total: 0,
            asked: None,
            walked: Walked::again(None, Instant::now()),
            projects,
        }
    }

    #[test]
    fn only_what_moved_came_or_went_is_changed() {
        let before = snapshot(&[("a", "INIT"), ("b", "RUNNING"), ("c", "RUNNING")]);
        let after = snapshot(&[("a", "RUNNING"), ("b", "RUNNING"), ("d", "INIT")]);
        let mut changed: Vec<&str> = after.changed(Some(&before)).map(|(id, _)| id).collect();
        changed.sort_unstable();
        assert_eq!(changed, ["a", "c", "d"]);
    }

    #[test]
    fn what_was_not_asked_for_has_not_gone() {
        let before = snapshot(&[("a", "INIT"), ("b", "RUNNING")]);
        let mut after = snapshot(&[]);
        after.asked = Some(["a".to_owned()].into());
        let changed: Vec<&str> = after.changed(Some(&before)).map(|(id, _)| id).collect();
        assert_eq!(changed, ["a"]);
    }

    #[test]
    fn nothing_is_changed_between_equal_snapshots() {
        let one = snapshot(&[("a", "INIT")]);
        assert_eq!(one.changed(Some(&one)).count(), 0);
        assert_eq!(one.changed(None).count(), 1);
    }
}
