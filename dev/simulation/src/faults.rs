//! What goes wrong: at which call, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use crate::acts::Act;

/// A fault of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubernetesFault {
    /// Somebody else was faster (409); nothing is done.
    Conflict,
    /// Too many requests (429); nothing is done.
    Throttled,
    /// It failed (500); nothing is done.
    Failed,
    /// No connection; nothing is done.
    Refused,
    /// Done, and the answer is lost.
    AnswerLost,
    /// Done, and the answer comes after the operator has stopped waiting.
    Slow,
}

impl KubernetesFault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Conflict,
        Self::Throttled,
        Self::Failed,
        Self::Refused,
        Self::AnswerLost,
        Self::Slow,
    ];
}

/// A fault of OMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OmsFault {
    /// No connection; nothing is done.
    Refused,
    /// Too many requests (429); nothing is done.
    Throttled,
    /// HTTP 500 without any work.
    Failed,
    /// Done, and the answer is lost.
    AnswerLost,
    /// Done and listed much later, and the answer is lost.
    AnswerLostListedLate,
    /// Done long after the call has arrived and listed much later still; the
    /// client has stopped waiting by then.
    WorkedLateListedLate,
    /// Done, and answered with HTTP 500.
    FailedAfterWork,
    /// Done and listed some seconds later, and answered with HTTP 500.
    FailedAfterWorkListedLate,
    /// Done, and answered with INNER_ERROR.
    InnerError,
    /// Done and listed some seconds later, and answered with INNER_ERROR.
    InnerErrorListedLate,
    /// Done, and answered with half a JSON text.
    Garbage,
    /// Nothing is done, and nothing answered.
    Hang,
    /// Done and answered well, but listed only later.
    ListedLate,
    /// Done and answered well, but only later known to OMS by its id, too.
    ShownLate,
    /// Answered well, and nothing is done.
    Unheeded,
}

impl OmsFault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Refused,
        Self::Throttled,
        Self::Failed,
        Self::AnswerLost,
        Self::AnswerLostListedLate,
        Self::WorkedLateListedLate,
        Self::FailedAfterWork,
        Self::FailedAfterWorkListedLate,
        Self::InnerError,
        Self::InnerErrorListedLate,
        Self::Garbage,
        Self::Hang,
        Self::ListedLate,
        Self::ShownLate,
        Self::Unheeded,
    ];
}

/// What happens at one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Mishap {
    /// The process ends before the call leaves it.
    CutBefore,
    /// The process ends before the answer reaches it.
    CutAfter,
    /// The process is asked to end (SIGTERM) while the call is under way.
    Stop,
    /// Users do this before the call arrives.
    Meddle(Vec<Act>),
    /// If it is a call to Kubernetes.
    Kubernetes(KubernetesFault),
    /// If it is a call to OMS.
    Oms(OmsFault),
}

impl OmsFault {
    /// Whether it differs from others for a call that creates, or changes what is there.
    pub fn is_for(self, creates: bool, changes: bool) -> bool {
        match self {
            Self::AnswerLostListedLate
            | Self::WorkedLateListedLate
            | Self::FailedAfterWorkListedLate
            | Self::InnerErrorListedLate
            | Self::ListedLate
            | Self::ShownLate => creates,
            Self::Unheeded => changes,
            _ => true,
        }
    }
}

impl Mishap {
    /// Its name on the command line.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Meddle(_) => "Meddle".to_owned(),
            Self::Kubernetes(fault) => format!("Kubernetes{fault:?}"),
            Self::Oms(fault) => format!("Oms{fault:?}"),
            other => format!("{other:?}"),
        }
    }
}

/// Where mishaps come from.
pub enum Mishaps {
    /// The ones named, by the number of the call.
    Named(BTreeMap<u64, Mishap>),
    /// By chance.
    Chance(Box<Chances>),
}

/// How likely what is.
pub struct Chances {
    /// Decides.
    pub random: StdRng,
    /// Faults of Kubernetes in a thousand calls.
    pub kubernetes: u32,
    /// Faults of OMS in a thousand calls.
    pub oms: u32,
    /// Of faults that strike a create, in a hundred.
    pub creates: u32,
    /// Ends of the process in ten thousand calls.
    pub cuts: u32,
    /// Users' deeds that wait for their call, by the number of calls to let pass.
    pub meddling: BTreeMap<u64, Vec<Act>>,
    /// After so long nothing goes wrong any more.
    pub until: Duration,
}

/// What a mishap may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its number.
    pub number: u64,
    /// How long the simulation has lasted.
    pub after: Duration,
    /// Whether it goes to OMS.
    pub to_oms: bool,
    /// Whether it is a CreateProject.
    pub creates: bool,
}

impl Mishaps {
    /// What happens at a call.
    pub fn at(&mut self, call: Call) -> Option<Mishap> {
        match self {
            Self::Named(named) => named.remove(&call.number),
            Self::Chance(chances) => chances.at(call),
        }
    }
}

impl Chances {
    fn at(&mut self, call: Call) -> Option<Mishap> {
        if let Some(acts) = self.meddling.remove(&call.number) {
            return Some(Mishap::Meddle(acts));
        }
        if call.after >= self.until {
            return None;
        }
        if self.random.random_ratio(self.cuts, 10_000) {
            return Some(match self.random.random_range(0..5) {
                0 => Mishap::Stop,
                1 | 2 => Mishap::CutBefore,
                _ => Mishap::CutAfter,
            });
        }
        if call.creates {
            // The call that matters most is struck most.
            return self.random.random_ratio(self.creates, 100).then(|| {
                let at = self.random.random_range(0..OmsFault::ALL.len() + 4);
                match OmsFault::ALL.get(at) {
                    Some(fault) => Mishap::Oms(*fault),
                    // Where no process may end, none does here.
                    None if at % 2 == 0 && self.cuts > 0 => Mishap::CutAfter,
                    None => Mishap::Oms(OmsFault::AnswerLostListedLate),
                }
            });
        }
        if call.to_oms {
            return self.random.random_ratio(self.oms, 1000).then(|| {
                let at = self.random.random_range(0..OmsFault::ALL.len());
                Mishap::Oms(OmsFault::ALL[at])
            });
        }
        self.random.random_ratio(self.kubernetes, 1000).then(|| {
            let at = self.random.random_range(0..KubernetesFault::ALL.len());
            Mishap::Kubernetes(KubernetesFault::ALL[at])
        })
    }
}
