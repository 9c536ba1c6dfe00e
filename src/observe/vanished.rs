//! Which of the projects that resources have recorded are not there any more.

use std::collections::BTreeSet;

use super::Snapshot;

/// Of `recorded`, those that `now` does not show although they were there: the
/// snapshot `before` showed them, or they were among the `vanished` already. Before
/// the first snapshot of a process whatever is recorded counts as having been there.
///
/// What no list has shown yet has not vanished: OMS may list a new project late.
#[must_use]
pub fn vanished<'a>(
    recorded: impl IntoIterator<Item = &'a str>,
    before: Option<&Snapshot>,
    vanished: &BTreeSet<String>,
    now: &Snapshot,
) -> BTreeSet<String> {
    let was_there = |id: &str| {
        before.is_none_or(|before| before.projects.contains_key(id)) || vanished.contains(id)
    };
    recorded
        .into_iter()
        .filter(|id| !now.projects.contains_key(*id) && was_there(id))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::decide::{Progress, ProjectStatus};
    use crate::observe::{Seen, Walked};

    fn snapshot(ids: &[&str]) -> Snapshot {
        let seen = Seen {
            name: String::new(),
            status: ProjectStatus::Running,
            modified: None,
            progress: Progress::default(),
        };
        Snapshot {
            taken_at: Timestamp::UNIX_EPOCH,
            begun: tokio::time::Instant::now(),
            total: 0,
            asked: None,
            walked: Walked::again(None, tokio::time::Instant::now()),
            projects: ids
                .iter()
                .map(|id| ((*id).to_owned(), seen.clone()))
                .collect(),
        }
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn only_what_was_there_and_is_recorded_can_vanish() {
        let (before, now) = (snapshot(&["a", "b", "stranger"]), snapshot(&["b"]));
        let recorded = ["a", "b", "new"];
        let gone = vanished(recorded, Some(&before), &set(&[]), &now);
        assert_eq!(gone, set(&["a"]));
        // It stays vanished although the last snapshot does not show it either.
        let gone = vanished(recorded, Some(&now), &gone, &now);
        assert_eq!(gone, set(&["a"]));
        assert_eq!(
            vanished(recorded, Some(&now), &set(&["a"]), &before),
            set(&[])
        );
    }

    #[test]
    fn at_first_everything_recorded_was_there() {
        let gone = vanished(["a", "b"], None, &set(&[]), &snapshot(&["b"]));
        assert_eq!(gone, set(&["a"]));
    }
}
