//! When a project counts as caught up: its lag stays under a limit for a while.

use jiff::{SignedDuration, Timestamp};

/// What `spec.readiness` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The lag that still counts as caught up, in seconds.
    pub max_lag: u64,
    /// How long it has to stay on one side of that before the answer changes.
    pub stable_for: SignedDuration,
}

/// On which side of the limit the lag has been, and since when, as far as this
/// process has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Within the limit.
    pub within: bool,
    /// Since when.
    pub since: Timestamp,
}

/// The side after a new measurement.
#[must_use]
pub fn side(lag: u64, limit: Limit, before: Option<Side>, now: Timestamp) -> Side {
    let within = lag <= limit.max_lag;
    match before {
        Some(before) if before.within == within => before,
        _ => Side { within, since: now },
    }
}

/// Whether the project is caught up, and when to ask again if that is not
/// settled. `before` is the answer that stands.
#[must_use]
pub fn caught_up(
    side: Side,
    limit: Limit,
    before: Option<bool>,
    now: Timestamp,
) -> (bool, Option<Timestamp>) {
    let stands = before.unwrap_or(false);
    if stands == side.within {
        return (stands, None);
    }
    let settled = side.since + limit.stable_for;
    if now >= settled {
        (side.within, None)
    } else {
        (stands, Some(settled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        max_lag: 60,
        stable_for: SignedDuration::from_secs(30),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn only_a_lag_that_stays_changes_the_answer() {
        let within = side(5, LIMIT, None, at(0));
        assert_eq!(caught_up(within, LIMIT, None, at(0)), (false, Some(at(30))));
        let still = side(50, LIMIT, Some(within), at(20));
        assert_eq!(caught_up(still, LIMIT, Some(false), at(30)), (true, None));
        let beyond = side(61, LIMIT, Some(still), at(40));
        assert_eq!(
            caught_up(beyond, LIMIT, Some(true), at(41)),
            (true, Some(at(70)))
        );
        let back = side(10, LIMIT, Some(beyond), at(50));
        assert_eq!(caught_up(back, LIMIT, Some(true), at(50)), (true, None));
        assert_eq!(caught_up(beyond, LIMIT, Some(true), at(70)), (false, None));
    }
}
