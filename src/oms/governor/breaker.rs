//! Whether OMS is asked at all: not any more after several calls in a row that
//! got no answer, until one call has got one.
//!
//! It has no clock: when OMS is tried again, the connection's own schedule says
//! (docs/decisions/0030). The sweep that comes then is the probe.

/// So many calls in a row without an answer, and OMS is taken to be away. Less
/// than the calls that may be under way at first, so that a burst finds out.
const ENOUGH: u32 = 5;

/// Whether calls go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Circuit {
    /// Calls go out.
    #[default]
    Closed,
    /// No call goes out, but a probe may.
    Open,
    /// One call is on its way to find out.
    Probing,
}

/// What becomes of a call that wants to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It goes.
    Go,
    /// It goes, and everybody waits for what comes of it.
    Probe,
    /// It waits for the probe.
    Wait,
    /// It does not go.
    Refuse,
}

/// The breaker of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    circuit: Circuit,
    unanswered: u32,
}

impl Breaker {
    /// How it stands.
    pub fn circuit(&self) -> Circuit {
        self.circuit
    }

    /// Whether a call goes out; only one that `may_probe` finds out whether OMS
    /// is back.
    pub fn ask(&self, may_probe: bool) -> Asked {
        match (self.circuit, may_probe) {
            (Circuit::Closed, _) => Asked::Go,
            (Circuit::Open, true) => Asked::Probe,
            (Circuit::Probing, true) => Asked::Wait,
            (Circuit::Open | Circuit::Probing, false) => Asked::Refuse,
        }
    }

    /// The probe goes out.
    pub fn probe(&mut self) {
        self.circuit = Circuit::Probing;
    }

    /// A call was answered, whichever and whatever: OMS is there.
    pub fn answered(&mut self) {
        *self = Breaker::default();
    }

    /// A call got no answer.
    pub fn unanswered(&mut self, probe: bool) {
        self.unanswered = self.unanswered.saturating_add(1);
        match self.circuit {
            Circuit::Closed if self.unanswered >= ENOUGH => self.circuit = Circuit::Open,
            Circuit::Probing if probe => self.circuit = Circuit::Open,
            Circuit::Closed | Circuit::Open | Circuit::Probing => {}
        }
    }

    /// The probe came to no end that tells anything.
    pub fn probe_is_void(&mut self) {
        if self.circuit == Circuit::Probing {
            self.circuit = Circuit::Open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        (0..ENOUGH).for_each(|_| breaker.unanswered(false));
        breaker
    }

    #[test]
    fn one_answer_among_failures_keeps_it_closed() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            (1..ENOUGH).for_each(|_| breaker.unanswered(false));
            assert_eq!(breaker.ask(false), Asked::Go);
            breaker.answered();
        }
    }

    #[test]
    fn open_lets_one_probe_out_and_nothing_else() {
        let mut breaker = open();
        assert_eq!(breaker.ask(false), Asked::Refuse);
        assert_eq!(breaker.ask(true), Asked::Probe);
        breaker.probe();
        assert_eq!(
            (breaker.ask(false), breaker.ask(true)),
            (Asked::Refuse, Asked::Wait)
        );
    }

    #[test]
    fn the_probe_decides() {
        let mut breaker = open();
        breaker.probe();
        breaker.unanswered(true);
        assert_eq!(breaker.circuit(), Circuit::Open);
        breaker.probe();
        breaker.probe_is_void();
        assert_eq!(breaker.ask(true), Asked::Probe, "a probe that was given up");
        breaker.probe();
        breaker.answered();
        assert_eq!(breaker.ask(false), Asked::Go);
    }

    #[test]
    fn who_set_out_before_it_opened_says_nothing_of_the_probe() {
        let mut breaker = open();
        breaker.probe();
        breaker.unanswered(false);
        assert_eq!(breaker.circuit(), Circuit::Probing);
        breaker.answered();
        assert_eq!(breaker.circuit(), Circuit::Closed, "but an answer is one");
    }

    proptest! {
        /// Whatever happens: a probe that is asked for either goes out, or another is under way.
        #[test]
        fn it_never_locks_itself_up(events in proptest::collection::vec(0_u8..5, 0..60)) {
            let mut breaker = Breaker::default();
            let mut probing = false;
            for event in events {
                match event {
                    0 => { breaker.unanswered(false); }
                    1 => { breaker.answered(); }
                    2 if breaker.ask(true) == Asked::Probe => { breaker.probe(); probing = true; }
                    3 if probing => { breaker.unanswered(true); probing = false; }
                    4 if probing => { breaker.probe_is_void(); probing = false; }
                    _ => {}
                }
                match breaker.ask(true) {
                    Asked::Go | Asked::Probe => {}
                    Asked::Wait => prop_assert!(probing),
                    Asked::Refuse => prop_assert!(false, "nobody could ever find out"),
                }
            }
        }
    }
}
