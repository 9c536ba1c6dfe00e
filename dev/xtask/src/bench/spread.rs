//! Many durations in three figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// In seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// Half took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// Of at least one duration.
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Option<Spread> {
        let mut all: Vec<f64> = durations.into_iter().map(|one| one.as_secs_f64()).collect();
        all.sort_by(f64::total_cmp);
        // The nearest rank: a value that was measured.
        let rank = |share: f64| (share * all.len() as f64).ceil() as usize;
        let at = |share| all.get(rank(share).max(1) - 1).copied();
        Some(Spread {
            p50: at(0.50)?,
            p99: at(0.99)?,
            max: *all.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_among_what_was_measured() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_secs)).unwrap();
        assert_eq!((spread.p50, spread.p99, spread.max), (100.0, 198.0, 200.0));
        let one = Spread::of([Duration::from_secs(3)]).unwrap();
        assert_eq!((one.p50, one.p99, one.max), (3.0, 3.0, 3.0));
        assert_eq!(Spread::of([]), None);
    }
}
