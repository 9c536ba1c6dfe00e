//! One run: a scenario in a world, to its end.

use std::time::Duration;

use serde_json::json;

use crate::acts::{Act, RESOURCES};
use crate::bus::Point;
use crate::faults::Mishaps;
use crate::kubernetes::Kind;
use crate::scenario::Scenario;
use crate::verdict;
use crate::world::{Circumstances, World};

/// The longest that a run may take by its own clock.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What came of a run.
pub struct Outcome {
    /// What must not have been.
    pub wrong: Vec<String>,
    /// Every call at which something could go wrong, in order.
    pub points: Vec<Point>,
    /// Everything that happened, a line each.
    pub trace: Vec<String>,
}

/// Runs a scenario.
pub fn run(scenario: &Scenario, circumstances: Circumstances, mishaps: Mishaps) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::begin(circumstances, mishaps).await;
        let mut points = Vec::new();
        let play = async {
            for act in &scenario.acts {
                world.act(act).await;
            }
            // From here on nothing goes wrong any more, and what users have
            // taken away is there again.
            world.wires.bus.calm();
            points = world.wires.bus.points();
            for act in mended() {
                world.act(&act).await;
            }
            let mut wrong = verdict::judge(&world).await;
            wrong.extend(scenario.judge(&world));
            wrong
        };
        let wrong = tokio::time::timeout(LONGEST, play).await;
        let wrong = wrong.unwrap_or_else(|_| vec!["does not end".to_owned()]);
        for kind in [Kind::OMSConnection, Kind::MigrationProject] {
            for object in world.wires.cluster.list(kind).1 {
                world.wires.bus.note(format_args!("in the end: {object}"));
            }
        }
        Outcome {
            wrong,
            points,
            trace: world.wires.bus.trace(),
        }
    })
}

fn mended() -> Vec<Act> {
    let mut acts = vec![
        Act::OmsPassword("admin-password"),
        Act::ApplySecret("admin-password"),
        Act::Suspend(false),
    ];
    // Most of a run is rest, and most of that is sweeps.
    let rarely = json!({"spec": {"sweepInterval": "90s"}});
    acts.push(Act::PatchConnection(rarely));
    let unsuspend = json!({"spec": {"suspend": null}});
    acts.extend(RESOURCES.map(|resource| Act::Patch(resource, unsuspend.clone())));
    acts
}
