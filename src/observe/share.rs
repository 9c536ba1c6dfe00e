//! Projects whose steps are equal have them once: most of a fleet at rest is at
//! the same step, and the steps are nearly all that is kept of a project.

use std::collections::HashSet;
use std::sync::Arc;

use super::Seen;
use crate::decide::progress::Step;

/// The steps of one sweep.
#[derive(Default)]
pub struct Shared(HashSet<Arc<[Step]>>);

impl Shared {
    /// `seen`, with the steps that it shares with others of this sweep, or with
    /// itself as it was seen `before`.
    pub fn share(&mut self, mut seen: Seen, before: Option<&Seen>) -> Seen {
        let steps = &mut seen.progress.steps;
        if let Some(before) = before.filter(|before| before.progress.steps == *steps) {
            steps.clone_from(&before.progress.steps);
        }
        match self.0.get(&**steps) {
            Some(known) => steps.clone_from(known),
            None => {
                self.0.insert(steps.clone());
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Progress, ProjectStatus};

    fn seen(progress: u8) -> Seen {
        let step = Step {
            name: "FULL_TRANSFER".into(),
            progress: Some(progress),
            ..Step::default()
        };
        Seen {
            name: "shop.orders".into(),
            status: ProjectStatus::Running,
            modified: None,
            progress: Progress {
                steps: [step].into(),
                ..Progress::default()
            },
        }
    }

    fn same(one: &Seen, other: &Seen) -> bool {
        Arc::ptr_eq(&one.progress.steps, &other.progress.steps)
    }

    #[test]
    fn equal_steps_are_there_once_over_projects_and_sweeps() {
        let mut first = Shared::default();
        let (a, b) = (first.share(seen(7), None), first.share(seen(7), None));
        let c = first.share(seen(8), None);
        assert!(same(&a, &b) && !same(&a, &c));
        let mut second = Shared::default();
        assert!(same(&second.share(seen(7), Some(&a)), &a));
        assert!(same(&second.share(seen(7), Some(&c)), &a), "moved to it");
        assert_eq!(second.share(seen(8), Some(&a)), c, "and never to another");
    }
}
