//! How many calls may be under way at once: more while OMS keeps up, half as
//! many when it does not (additive increase, multiplicative decrease).

/// Where the limit begins: what a small OMS stands, and enough that a sweep and
/// a handful of changes do not wait for one another.
const START: u32 = 8;

/// The highest limit where the connection sets none. At 5 ms for each call it
/// is more than 10,000 calls a second, which no OMS is asked for.
pub const CEILING: u32 = 64;

/// The limit. It knows calls by their numbers and no clock.
#[derive(Clone, Debug)]
pub struct Limit {
    current: f64,
    ceiling: u32,
    /// The last call that was begun before the limit was halved.
    halved_at: u64,
}

impl Limit {
    /// The limit of an endpoint about which nothing is known yet.
    pub fn new(ceiling: u32) -> Limit {
        let ceiling = ceiling.max(1);
        Limit {
            current: f64::from(START.min(ceiling)),
            ceiling,
            halved_at: 0,
        }
    }

    /// So many calls may be under way.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 1 and the ceiling"
    )]
    pub fn now(&self) -> u32 {
        self.current as u32
    }

    /// It never goes beyond `ceiling`.
    pub fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = ceiling.max(1);
        self.current = self.current.min(f64::from(self.ceiling));
    }

    /// A call was answered while `under_way` were on their way, itself included.
    /// The limit grows by one for each round of calls, if they make use of it.
    pub fn answered(&mut self, under_way: u32) {
        if under_way.saturating_mul(2) >= self.now() {
            let grown = self.current + 1.0 / self.current;
            self.current = grown.min(f64::from(self.ceiling));
        }
    }

    /// OMS could not cope with the call `number`, when `latest` was the last that
    /// had been begun. Of the calls of one round the first halves the limit;
    /// the others tell of the same trouble.
    pub fn overloaded(&mut self, number: u64, latest: u64) {
        if number > self.halved_at {
            self.current = (self.current / 2.0).max(1.0);
            self.halved_at = latest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_grows_by_one_a_round_while_it_is_made_use_of() {
        let mut limit = Limit::new(CEILING);
        assert_eq!(limit.now(), START);
        for _ in 0..=START {
            limit.answered(START);
        }
        assert_eq!(limit.now(), START + 1);
        for _ in 0..100 {
            limit.answered(1);
        }
        assert_eq!(limit.now(), START + 1, "nobody needs more");
    }

    #[test]
    fn a_round_that_fails_as_a_whole_halves_it_once() {
        let mut limit = Limit::new(CEILING);
        for number in 1..=8 {
            limit.overloaded(number, 8);
        }
        assert_eq!(limit.now(), START / 2);
        limit.overloaded(9, 12);
        assert_eq!(limit.now(), START / 4);
    }

    #[test]
    fn a_lower_ceiling_counts_at_once() {
        let mut limit = Limit::new(CEILING);
        limit.set_ceiling(3);
        assert_eq!(limit.now(), 3);
        for _ in 0..100 {
            limit.answered(3);
        }
        assert_eq!(limit.now(), 3);
    }

    proptest! {
        #[test]
        fn it_stays_between_one_and_its_ceiling(
            ceiling in 0_u32..100,
            ends in proptest::collection::vec((any::<bool>(), 0_u32..100), 0..400),
        ) {
            let mut limit = Limit::new(ceiling);
            for (number, (good, under_way)) in (1..).zip(ends) {
                let before = limit.now();
                match good {
                    true => limit.answered(under_way),
                    false => limit.overloaded(number, number),
                }
                prop_assert!((1..=ceiling.max(1)).contains(&limit.now()));
                let fits = if good { limit.now() >= before } else { limit.now() <= before };
                prop_assert!(fits);
            }
        }
    }
}
