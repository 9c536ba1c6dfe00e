//! What must not have been, whatever went wrong: by OMS's own log of calls, held against the chronicle of the
//! resources.
//!
//! 1. CreateProject is called only under a reservation that stands, or has just stood, on the resource, and for
//!    none that is being deleted.
//! 2. A resource never has a second project beside its first, unless that one is told of or taken away again.
//! 3. A resource records one id in its life, and an id is recorded by one resource at a time.
//! 4. No other change of OMS than a spec asked for at that time (`changes.rs`); none of any kind while suspended.
//! 5. A project that is gone was removed in the console, or its resource asked for its deletion.
//! 6. A project that is there and that no resource has ever recorded is told of.
//! 7. A resource goes when its deletion policy is carried out, or its user is told that it is not
//!    (`departures.rs`).

mod changes;
mod departures;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use oms_simulator::{Call, ProjectView};

use super::chronicle::{Chronicle, Life, Version};
use super::console::Console;
use super::score::Score;
use super::told::Told;

/// How long after a spec has changed a call may still go by its old text: a pass may be under way that long,
/// with a frozen or a throttled operator longer than with a busy one.
const GRACE: SignedDuration = SignedDuration::from_secs(25);

/// How much later than it was written the chronicle may have seen a version.
const LATE: SignedDuration = SignedDuration::from_secs(10);

/// All there is to judge by.
pub struct Witness<'a> {
    /// Of the resources.
    pub chronicle: &'a Chronicle,
    /// Every call that OMS got, in order.
    pub calls: &'a [Call],
    /// Every project that OMS has.
    pub projects: &'a [ProjectView],
    /// What people did in the console.
    pub console: &'a Console,
    /// What the operator has said.
    pub told: &'a Told,
}

/// A project that a call has made.
struct Made<'a> {
    call: &'a Call,
    name: &'a str,
    id: &'a str,
    /// For this resource.
    uid: Option<&'a str>,
}

impl Witness<'_> {
    /// Everything that must not have been.
    pub fn judge(&self, score: &Score) -> Vec<String> {
        let mut wrong = Vec::new();
        let made = self.made(&mut wrong);
        self.changes(&made, &mut wrong);
        self.twice(&made, score, &mut wrong);
        self.records(&mut wrong);
        self.vanished(&made, &mut wrong);
        self.lost(&made, score, &mut wrong);
        self.departures(score, &mut wrong);
        score.set("projects made", made.len());
        score.set("resources in all", self.chronicle.lives.len());
        wrong
    }

    fn made(&self, wrong: &mut Vec<String>) -> Vec<Made<'_>> {
        let mut all = Vec::new();
        for call in self
            .calls
            .iter()
            .filter(|call| call.action == "CreateProject")
        {
            let name = call.project_name.as_deref().unwrap_or_default();
            let uid = self.reserved_for(name, call.time);
            if uid.is_none() {
                wrong.push(format!(
                    "CreateProject {name} at {} without a reservation, or for a resource that is suspended or \
                     being deleted",
                    call.time
                ));
            }
            if let (true, Some(id)) = (call.worked, call.project_id.as_deref()) {
                all.push(Made {
                    call,
                    name,
                    id,
                    uid,
                });
            }
        }
        all
    }

    /// The resource on which a reservation for `name` stood then, the youngest of several.
    fn reserved_for<'a>(&'a self, name: &'a str, at: Timestamp) -> Option<&'a str> {
        let found = self.reservers(name, at);
        let found = found.max_by_key(|(version, ..)| version.revision);
        found.map(|(_, uid, _)| uid)
    }

    /// Every resource on which a reservation for `name` stood then, under which a project may be made.
    fn reservers<'a>(
        &'a self,
        name: &'a str,
        at: Timestamp,
    ) -> impl Iterator<Item = (&'a Version, &'a str, &'a Life)> {
        let reserves = move |version: &&Version| {
            version.reserved.as_deref() == Some(name)
                && (version.project.is_none() || version.gone)
                && !version.deleting
                && !version.suspended
        };
        let all = self.chronicle.lives.iter();
        all.filter_map(move |(uid, life)| {
            if self.is_suspended(life.namespace(), at - GRACE, at) {
                return None;
            }
            let standing = life.standing(at - GRACE, at + LATE).filter(reserves);
            Some((standing.last()?, uid.as_str(), life))
        })
    }

    /// Whether the connection of a namespace was suspended all that time.
    fn is_suspended(&self, namespace: &str, from: Timestamp, to: Timestamp) -> bool {
        let turns = self.chronicle.suspended.get(namespace);
        let turns = turns.map_or(&[][..], Vec::as_slice);
        let before = turns.iter().rev().find(|(at, _)| *at <= from);
        let between = turns.iter().any(|(at, _)| *at > from && *at <= to);
        !between && before.is_some_and(|(_, suspended)| *suspended)
    }

    fn twice(&self, made: &[Made<'_>], score: &Score, wrong: &mut Vec<String>) {
        let mut of: BTreeMap<&str, Vec<&Made<'_>>> = BTreeMap::new();
        for one in made {
            if let Some(uid) = one.uid {
                of.entry(uid).or_default().push(one);
            }
        }
        for (uid, all) in of {
            for (number, later) in all.iter().enumerate() {
                let beside = all[..number].iter().find(|earlier| {
                    self.went(earlier.id)
                        .is_none_or(|went| went > later.call.time)
                });
                let Some(earlier) = beside else { continue };
                score.count("second projects");
                let settled = |id: &str| self.went(id).is_some() || self.told.of(id).is_some();
                if !settled(earlier.id) && !settled(later.id) {
                    wrong.push(format!(
                        "{uid} has a second project {} beside {}, and nobody was told",
                        later.id, earlier.id
                    ));
                }
            }
        }
    }

    /// When a project went, by whosever hand.
    fn went(&self, id: &str) -> Option<Timestamp> {
        let mut calls = self.calls.iter();
        let deleted = calls.find(|call| {
            call.action == "DeleteProject" && call.worked && call.project_id.as_deref() == Some(id)
        });
        deleted
            .map(|call| call.time)
            .or_else(|| self.console.removed(id))
    }

    fn records(&self, wrong: &mut Vec<String>) {
        let mut holders: BTreeMap<&str, Vec<&Life>> = BTreeMap::new();
        for (uid, life) in &self.chronicle.lives {
            let ids = life.ids();
            for pair in ids.windows(2) {
                let before = life
                    .versions
                    .iter()
                    .rfind(|version| version.project.as_deref() == Some(pair[0]));
                if !before.is_some_and(|version| version.gone) {
                    wrong.push(format!("{uid} has recorded {} after {}", pair[1], pair[0]));
                }
            }
            for id in ids {
                holders.entry(id).or_default().push(life);
            }
        }
        for (id, lives) in holders {
            let span = |life: &Life| {
                let has = |version: &&Version| version.project.as_deref() == Some(id);
                let first = life
                    .versions
                    .iter()
                    .find(has)
                    .map(|version| version.revision);
                let after = life.versions.iter().rfind(has);
                (first, after.map(|version| version.revision))
            };
            for (number, one) in lives.iter().enumerate() {
                for other in &lives[..number] {
                    let ((a, b), (c, d)) = (span(one), span(other));
                    if a <= d && c <= b {
                        wrong.push(format!(
                            "{id} was recorded by {} and by {} at one time",
                            one.name, other.name
                        ));
                    }
                }
            }
        }
    }

    /// Whether what is gone was taken away by somebody who may.
    fn vanished(&self, made: &[Made<'_>], wrong: &mut Vec<String>) {
        let there = |id: &str| self.projects.iter().any(|project| project.id == id);
        for one in made.iter().filter(|one| !there(one.id)) {
            // Who deleted it was judged with the call.
            if self.went(one.id).is_none() {
                wrong.push(format!("{} is gone, and nobody took it away", one.id));
            }
        }
    }

    fn lost(&self, made: &[Made<'_>], score: &Score, wrong: &mut Vec<String>) {
        for project in self.projects {
            let id = project.id.as_str();
            if self.console.has_planted(id) || self.chronicle.holders(id).next().is_some() {
                continue;
            }
            let name = project.name.as_str();
            if self.told.of(id).or_else(|| self.told.left(name)).is_some() {
                score.count("projects left, and told of");
                continue;
            }
            let call = made.iter().find(|one| one.id == id);
            let maker = call.and_then(|one| one.uid).unwrap_or("nobody");
            wrong.push(format!(
                "{id} ({name}), made for {maker}, is lost: no resource has it, and nobody was told"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
