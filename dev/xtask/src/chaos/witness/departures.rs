//! What has become of the projects whose resources are gone.

use super::Witness;
use crate::chaos::score::Score;

impl Witness<'_> {
    pub(super) fn departures(&self, score: &Score, wrong: &mut Vec<String>) {
        for life in self.chronicle.lives.values() {
            let Some(last) = life.versions.last().filter(|_| life.ended.is_some()) else {
                continue;
            };
            // What the operator does not hold goes without it.
            let (true, Some(id)) = (last.held, last.project.as_deref()) else {
                continue;
            };
            let project = self.projects.iter().find(|project| project.id == id);
            let is = project.map(|project| project.status.as_str());
            match (last.policy.as_str(), is) {
                ("Retain", _) => score.count("resources gone under Retain"),
                ("Release", None | Some("RELEASED")) => {
                    score.count("resources gone under Release, carried out");
                }
                ("Delete", None) => score.count("resources gone under Delete, carried out"),
                _ if self.told.left(id).is_some() => {
                    score.count("resources gone, policy not carried out, and told of");
                }
                (policy, is) => wrong.push(format!(
                    "{} is gone under {policy}, {id} is {}, and nobody was told",
                    life.name,
                    is.unwrap_or("gone")
                )),
            }
        }
    }
}
