//! Scenarios: what users do, and how it must end whatever goes wrong.

use std::sync::Arc;

use serde_json::Value;

use crate::acts::{Act, id};
use crate::kubernetes::Kind;
use crate::verdict::{condition, project_name};
use crate::world::World;

/// How something must be in the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The resource is ready, and so many projects of its name are in OMS.
    Ready(&'static str, usize),
    /// The resource has stalled for one of these reasons.
    Stalled(&'static str, &'static [&'static str]),
    /// One of both: what went wrong may have cost the word of a user, who then has to repeat it.
    ReadyOrStalled(&'static str, &'static [&'static str]),
    /// OMS has exactly one project of a name, in this status.
    Is(&'static str, &'static str),
    /// The resource is gone.
    Gone(&'static str),
    /// OMS has so many projects of a name.
    Projects(&'static str, usize),
    /// OMS has at most so many projects of a name.
    AtMost(&'static str, usize),
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Names it on the command line.
    pub name: &'static str,
    /// What users do, in order; then the world comes to rest.
    pub acts: Vec<Act>,
    /// What a user does in between, at each call in turn; instead of faults.
    pub meddling: Vec<Act>,
    /// How it must end.
    pub endings: Vec<Ending>,
}

impl Scenario {
    /// What is not as it must be.
    pub fn judge(&self, world: &World) -> Vec<String> {
        let wrong = self
            .endings
            .iter()
            .filter_map(|ending| wrong(world, ending));
        wrong.collect()
    }
}

fn wrong(world: &World, ending: &Ending) -> Option<String> {
    let resource = |name: &str| world.wires.cluster.get(&id(Kind::MigrationProject, name));
    let said = |resource: &Option<Arc<Value>>, kind: &str| {
        let it = resource
            .as_ref()
            .and_then(|it| condition(it, kind).cloned());
        it.unwrap_or_default()
    };
    let (right, is) = match ending {
        Ending::Ready(name, projects) => {
            let found = resource(name);
            let ready = said(&found, "Ready");
            let count = found
                .as_ref()
                .map(|it| world.projects_named(&project_name(it)).len());
            let right = ready["status"] == "True" && count == Some(*projects);
            (right, format!("{ready}, {count:?} projects"))
        }
        Ending::Stalled(name, reasons) => {
            let stalled = said(&resource(name), "Stalled");
            let reason = stalled["reason"].as_str().unwrap_or_default();
            (reasons.contains(&reason), stalled.to_string())
        }
        Ending::ReadyOrStalled(name, reasons) => {
            let found = resource(name);
            let (ready, stalled) = (said(&found, "Ready"), said(&found, "Stalled"));
            let reason = stalled["reason"].as_str().unwrap_or_default();
            let right = ready["status"] == "True" || reasons.contains(&reason);
            (right, ready.to_string())
        }
        Ending::Is(name, status) => {
            let found = world.projects_named(name).into_iter();
            let found: Vec<String> = found.map(|project| project.status).collect();
            (found == [*status], format!("{found:?}"))
        }
        Ending::Gone(name) => (resource(name).is_none(), "there".to_owned()),
        Ending::Projects(name, count) => {
            let is = world.projects_named(name).len();
            (is == *count, is.to_string())
        }
        Ending::AtMost(name, count) => {
            let is = world.projects_named(name).len();
            (is <= *count, is.to_string())
        }
    };
    (!right).then(|| format!("must end as {ending:?}, and is {is}"))
}
