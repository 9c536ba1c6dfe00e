//! What somebody does to a resource, or to its project in the console.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::slot::Offered;

/// A deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A new text in an annotation.
    Annotate(&'static str),
    /// Another text of the request; refused once the project exists.
    Edit,
    /// The text of before.
    Revert,
    /// `kubectl replace`: annotations and finalizers are lost.
    Replace,
    /// Another wanted run state.
    State(String),
    /// What is to run is to pause, and the other way round.
    Turn,
    /// Hands off, or on again.
    Suspend(bool),
    /// Another deletion policy.
    Policy(String),
    /// `kubectl delete`.
    Delete,
    /// `kubectl delete`, and `apply` as soon as the name is free.
    DeleteAndApply,
    /// In the console: another status.
    Console(&'static str),
    /// In the console: taken away.
    Remove,
    /// In the console: somebody makes a project under the name of the next resource.
    PlantNext,
}

impl Deed {
    /// One by chance, of those that the schema offers.
    pub fn choose(offered: &Offered, random: &mut StdRng) -> Deed {
        let state = offered.states.len() > 2;
        let policy = offered.policies.len() > 1;
        match random.random_range(0..30) {
            0 | 1 => Deed::Annotate("retry"),
            2 => Deed::Annotate("reconcile-requested-at"),
            3 | 4 => Deed::Edit,
            5..=7 => Deed::Revert,
            8 => Deed::Replace,
            9 if state => Deed::State(offered.state(random).to_owned()),
            10..=12 if state => Deed::Turn,
            13 if offered.suspend => Deed::Suspend(true),
            14 | 15 if offered.suspend => Deed::Suspend(false),
            16 if policy => Deed::Policy(offered.policy(random).to_owned()),
            17..=21 => Deed::Delete,
            22 => Deed::DeleteAndApply,
            23 | 24 => Deed::Console("SUSPEND"),
            25 => Deed::Console("FAILED"),
            26 => Deed::Console("RUNNING"),
            27 => {
                let words = ["RELEASED", "RUNNING", "SUSPEND"];
                Deed::Console(words.choose(random).unwrap_or(&"RUNNING"))
            }
            28 => Deed::Remove,
            29 => Deed::PlantNext,
            _ => Deed::Annotate("reconcile-requested-at"),
        }
    }

    /// One by chance, to a resource that is being deleted already; mostly none.
    pub fn choose_late(offered: &Offered, random: &mut StdRng) -> Option<Deed> {
        match random.random_range(0..12) {
            0 | 1 => Some(Deed::Policy(offered.policy(random).to_owned())),
            2 => Some(Deed::State(offered.state(random).to_owned())),
            3 => Some(Deed::Suspend(true)),
            4..=6 => Some(Deed::Suspend(false)),
            _ => None,
        }
    }

    /// How it is counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Deed::Annotate(_) => "users: annotations",
            Deed::Edit | Deed::Revert => "users: edits of the request",
            Deed::Replace => "users: replacements",
            Deed::State(_) | Deed::Turn => "users: run states",
            Deed::Suspend(_) => "users: suspend",
            Deed::Policy(_) => "users: deletion policies",
            Deed::Delete => "users: deletions",
            Deed::DeleteAndApply => "users: deleted and applied again",
            Deed::Console(_) => "console: another status",
            Deed::Remove => "console: removed",
            Deed::PlantNext => "console: made a namesake",
        }
    }
}
