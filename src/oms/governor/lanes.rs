//! Who goes next, of those who wait for OMS.

use std::collections::VecDeque;

use crate::oms::Action;

/// A lane is passed over so often at most while somebody waits in it.
const PATIENCE: u32 = 8;

/// A queue of its own for each kind of call, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Calls of somebody who has a place already: to end what was begun frees
    /// the place for others.
    UnderWay,
    /// What somebody asked for: start, stop, resume, release, delete.
    Change,
    /// What makes new projects.
    Create,
    /// What only looks: sweeps and details.
    Look,
}

impl Lane {
    /// Every one, the most urgent first.
    pub const ALL: [Lane; 4] = [Lane::UnderWay, Lane::Change, Lane::Create, Lane::Look];

    /// The lane of an action.
    pub const fn of(action: Action) -> Lane {
        match action {
            // A data source is looked up only for a project that is to be made.
            Action::CreateProject | Action::ListDataSource => Lane::Create,
            action if action.is_mutation() => Lane::Change,
            _ => Lane::Look,
        }
    }

    /// A word for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::UnderWay => "under_way",
            Lane::Change => "change",
            Lane::Create => "create",
            Lane::Look => "look",
        }
    }
}

/// Those who wait, in their lanes.
#[derive(Debug)]
pub struct Lanes<T> {
    queues: [VecDeque<T>; 4],
    passed_over: [u32; 4],
}

impl<T> Default for Lanes<T> {
    fn default() -> Lanes<T> {
        Lanes {
            queues: Default::default(),
            passed_over: [0; 4],
        }
    }
}

impl<T> Lanes<T> {
    /// Somebody waits, behind all others of the lane.
    pub fn push(&mut self, lane: Lane, one: T) {
        self.queues[lane as usize].push_back(one);
    }

    /// How many wait in a lane.
    pub fn waiting(&self, lane: Lane) -> usize {
        self.queues[lane as usize].len()
    }

    /// Takes out those of whom `leave` is true, the most urgent first.
    pub fn take_out(&mut self, mut leave: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut left = Vec::new();
        for queue in &mut self.queues {
            let (out, stay) = std::mem::take(queue).into_iter().partition(&mut leave);
            *queue = stay;
            left.extend::<VecDeque<T>>(out);
        }
        left
    }

    /// The lane whose first goes next, of those that `may_go`: the most urgent,
    /// unless another has been passed over too often.
    pub fn next(&self, may_go: impl Fn(Lane, &T) -> bool) -> Option<Lane> {
        let ready = |lane: &Lane| {
            let first = self.queues[*lane as usize].front();
            first.is_some_and(|first| may_go(*lane, first))
        };
        let tired = |lane: &Lane| self.passed_over[*lane as usize] >= PATIENCE;
        let lanes = Lane::ALL;
        let tired = lanes.iter().find(|lane| tired(lane) && ready(lane));
        tired
            .or_else(|| lanes.iter().find(|lane| ready(lane)))
            .copied()
    }

    /// Who is first in a lane.
    pub fn first(&self, lane: Lane) -> Option<&T> {
        self.queues[lane as usize].front()
    }

    /// The first of a lane goes.
    pub fn pop(&mut self, lane: Lane) -> Option<T> {
        let one = self.queues[lane as usize].pop_front()?;
        for other in Lane::ALL {
            let index = other as usize;
            match other == lane || self.queues[index].is_empty() {
                true => self.passed_over[index] = 0,
                false => self.passed_over[index] += 1,
            }
        }
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| {
            let lane = lanes.next(|_, _| true)?;
            lanes.pop(lane)
        })
        .collect()
    }

    #[test]
    fn the_lane_follows_from_the_action() {
        for action in Action::ALL {
            let lane = Lane::of(action);
            assert_eq!(
                lane == Lane::Look,
                !action.is_mutation() && action != Action::ListDataSource
            );
        }
        assert_eq!(Lane::of(Action::CreateProject), Lane::Create);
        assert_eq!(Lane::of(Action::DeleteProject), Lane::Change);
    }

    #[test]
    fn changes_come_before_creates_before_looks() {
        let mut lanes = Lanes::default();
        lanes.push(Lane::Look, 4);
        lanes.push(Lane::Create, 3);
        lanes.push(Lane::Change, 1);
        lanes.push(Lane::Change, 2);
        assert_eq!(drain(&mut lanes), [1, 2, 3, 4]);
    }

    #[test]
    fn nobody_is_passed_over_for_ever() {
        let mut lanes = Lanes::default();
        lanes.push(Lane::Look, 1000);
        (0..100).for_each(|one| lanes.push(Lane::Change, one));
        let order = drain(&mut lanes);
        assert_eq!(
            order.iter().position(|one| *one == 1000),
            Some(PATIENCE as usize)
        );
        assert_eq!(order.len(), 101);
    }

    #[test]
    fn who_may_not_go_holds_up_only_the_own_lane() {
        let mut lanes = Lanes::default();
        lanes.push(Lane::Change, 1);
        lanes.push(Lane::UnderWay, 2);
        assert_eq!(
            lanes.next(|lane, _| lane == Lane::UnderWay),
            Some(Lane::UnderWay)
        );
        assert_eq!(lanes.next(|lane, _| lane == Lane::Create), None);
    }

    proptest! {
        #[test]
        fn in_a_lane_the_order_is_kept_and_no_wait_is_long(
            arrivals in proptest::collection::vec((0_usize..4, 0_u8..3), 1..300),
        ) {
            let mut lanes = Lanes::default();
            let mut gone: Vec<(usize, u32)> = Vec::new();
            let mut since = [0_u32; 4];
            let mut step = |lanes: &mut Lanes<(usize, u32)>| {
                let Some(lane) = lanes.next(|_, _| true) else { return true };
                let waited = Lane::ALL.map(|lane| lanes.waiting(lane) > 0);
                gone.extend(lanes.pop(lane));
                for index in 0..4 {
                    since[index] = if index == lane as usize || !waited[index] { 0 } else { since[index] + 1 };
                }
                // All of three other lanes may be as tired.
                since.iter().all(|passed| *passed <= PATIENCE + 3)
            };
            for (number, (lane, served)) in (0..).zip(&arrivals) {
                lanes.push(Lane::ALL[*lane], (*lane, number));
                for _ in 0..*served {
                    prop_assert!(step(&mut lanes));
                }
            }
            for _ in 0..arrivals.len() {
                prop_assert!(step(&mut lanes));
            }
            prop_assert_eq!(gone.len(), arrivals.len());
            for lane in 0..4 {
                let numbers: Vec<u32> = gone.iter().filter(|(of, _)| *of == lane).map(|(_, n)| *n).collect();
                prop_assert!(numbers.is_sorted());
            }
        }
    }
}
