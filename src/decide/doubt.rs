//! Whether the OMS behind a connection is still the one that it was.
//!
//! An OMS that was swapped for another one behind the same address, or set back
//! to an older state, answers well and knows nothing of the projects of today.
//! Taken at its word, all of them would count as gone. So where many vanish at
//! once none of them does, until they are seen again or a human says that they
//! are gone.
//!
//! The rule needs no memory: it compares what the resources have recorded with
//! what one sweep shows, and so holds for the first sweep of a process, too. A
//! project that was found gone is marked as that in its resource and does not
//! count here any more.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::connection::Problem;
use super::verdict::{Readiness, Verdict};
use crate::api::keys::CONFIRM_GONE;
use crate::api::v1alpha1::Reason;

/// So many projects may vanish at once, and each is asked about by itself:
/// people do delete a few in one go.
const FEW: usize = 3;

/// Beyond a few, the part of a connection's projects that may vanish at once: one
/// in so many.
const ONE_IN: usize = 5;

/// What one sweep shows of the projects that resources have recorded.
#[derive(Clone, Debug)]
pub struct Sweep<'a> {
    /// Recorded, and not there any more.
    pub vanished: BTreeSet<String>,
    /// Recorded, and there.
    pub seen: usize,
    /// A recorded project has been seen under this very address before.
    pub proven: bool,
    /// The human's word that they are gone.
    pub word: Option<&'a str>,
    /// The time of day.
    pub now: Timestamp,
}

/// The projects that are not there any more, and what is made of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// Their ids.
    pub ids: BTreeSet<String>,
    /// Of so many, themselves included.
    pub of: usize,
    /// Whether they are doubted rather than asked about.
    pub doubt: Option<Doubt>,
}

/// A doubt whether this is the OMS that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Since when, in whole seconds. It names the doubt: by it a human answers.
    pub since: Timestamp,
    /// A human has said that the projects are gone.
    pub confirmed: bool,
}

/// What the status tells of a doubt that an earlier process had.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its beginning.
    pub since: Timestamp,
    /// How many projects it was about.
    pub projects: usize,
}

impl Doubt {
    fn is_answered_by(self, word: &str) -> bool {
        word == self.since.to_string()
    }
}

impl Vanished {
    /// The doubt, while it stands.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt.filter(|doubt| !doubt.confirmed)
    }

    /// How many projects are doubted.
    #[must_use]
    pub fn doubted(&self) -> usize {
        self.doubt().map_or(0, |_| self.ids.len())
    }

    /// Whether it is not known if the project `id` is there.
    #[must_use]
    pub fn is_doubtful(&self, id: &str) -> bool {
        self.doubt().is_some() && self.ids.contains(id)
    }

    /// The same after a human's `word`, if that answers the doubt that stands.
    #[must_use]
    pub fn answered(&self, word: &str) -> Option<Self> {
        let doubt = self.doubt()?;
        let confirmed = doubt.is_answered_by(word).then_some(Doubt {
            confirmed: true,
            ..doubt
        })?;
        Some(Self {
            doubt: Some(confirmed),
            ..self.clone()
        })
    }

    /// The doubt as the connection `namespace`/`name` tells it.
    #[must_use]
    pub fn problem(&self, url: &str, namespace: &str, name: &str) -> Option<Problem> {
        let since = self.doubt()?.since;
        let (vanished, of) = (self.ids.len(), self.of);
        Some(Problem::new(
            Reason::IdentityDoubtful,
            format!(
                "The OMS at {url} does not list {vanished} of the {of} projects that \
                 MigrationProjects have in it: it may be another OMS, or an older state of it. Until \
                 they are seen again none of them counts as gone, nothing is done to them, and no \
                 project is created here. If it is the wrong OMS, correct spec.url or what stands \
                 behind it. If they really are gone, say so:\n  kubectl annotate --overwrite \
                 omsconnection {name} -n {namespace} {CONFIRM_GONE}={since}"
            ),
        ))
    }
}

/// What a sweep makes of the doubt there was `before`; `told` counts where this
/// process has not swept yet. A doubt ends with the last of its projects, not when
/// they are few again: an OMS that comes up piece by piece is not half believed.
#[must_use]
pub fn judge(before: &Vanished, told: Option<Told>, sweep: Sweep<'_>) -> Vanished {
    let vanished = sweep.vanished.len();
    let of = vanished + sweep.seen;
    let told = told.filter(|_| before.doubt.is_none());
    let since = before.doubt.map(|doubt| doubt.since);
    let since = since.or(told.map(|told| told.since));
    // A human's word holds for those that it was said of.
    let grows = match told {
        Some(told) => vanished > told.projects,
        None => !sweep.vanished.is_subset(&before.ids),
    };
    let many = vanished > FEW && vanished * ONE_IN > of;
    let unproven = sweep.seen == 0 && !sweep.proven;
    let since = match since {
        _ if vanished == 0 => None,
        Some(since) if grows => Some(whole(sweep.now).max(since + SignedDuration::from_secs(1))),
        Some(since) => Some(since),
        None => (many || unproven).then(|| whole(sweep.now)),
    };
    let doubt = since.map(|since| {
        let open = Doubt {
            since,
            confirmed: false,
        };
        Doubt {
            confirmed: sweep.word.is_some_and(|word| open.is_answered_by(word)),
            ..open
        }
    });
    Vanished {
        ids: sweep.vanished,
        of,
        doubt,
    }
}

/// As a human copies it.
fn whole(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// What a resource says whose project has vanished with many others.
#[must_use]
pub fn of_project(id: &str, connection: &str) -> Verdict {
    Verdict {
        readiness: Readiness::Stale,
        reason: Reason::IdentityDoubtful,
        message: format!(
            "OMS no longer lists project {id}, and not only this one: it may not be the OMS that it \
             was. The project does not count as gone, and nothing is done to it, until it is seen \
             again. OMSConnection {connection} says more."
        ),
    }
}

/// Why nothing is looked for or created in an OMS whose identity is doubted: that
/// a name is free there means nothing.
#[must_use]
pub fn of_creation() -> Problem {
    Problem::new(
        Reason::IdentityDoubtful,
        "It may not be the OMS that it was, because many of its projects are not there.",
    )
}

#[cfg(test)]
mod tests;
