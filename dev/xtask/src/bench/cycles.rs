//! Resources that come and go: whether memory grows with those that were.

use std::time::{Duration, Instant};

use super::eyes::Seen;
use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::operator::Programs;
use super::results::Cycles;
use super::world::{EACH, MOMENTS, World};
use crate::screen::Screen;

/// For so long memory may grow: by names that are gone, which nobody else gets for `--create-quarantine` (10 minutes
/// by default), and by what the watch's filter knew of them.
const WARM_UP: Duration = Duration::from_secs(12 * 60);

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many cycles, after those that warm up.
    pub cycles: usize,
    /// How many resources in each.
    pub count: usize,
}

/// Measures it. Every cycle has names of its own; projects in OMS go with their resources.
pub async fn measure(
    plan: Plan,
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<Cycles> {
    let mut world = World::start(programs, http, screen).await?;
    let mut cycles = Cycles {
        count: plan.count,
        idle: world.operator.memory()?,
        ..Cycles::default()
    };
    let began = Instant::now();
    for cycle in 1.. {
        let names = load::names(&format!("cycle-{cycle:03}"), plan.count);
        world.create(&names, TABLES_SMALL).await?;
        remove(&mut world, &names).await?;
        let memory = world.operator.memory()?;
        screen.say(format_args!(
            "    cycle {cycle}: {:.1} MiB, {:.1} of them anonymous",
            mebibytes(memory.resident),
            mebibytes(memory.anonymous)
        ));
        match began.elapsed() < WARM_UP {
            true => cycles.warm_up.push(memory),
            false => cycles.after.push(memory),
        }
        if cycles.after.len() >= plan.cycles {
            break;
        }
    }
    world.stop().await?;
    Ok(cycles)
}

async fn remove(world: &mut World<'_>, names: &[String]) -> anyhow::Result<()> {
    let deadline = MOMENTS + EACH * u32::try_from(names.len())?;
    let (oms, eyes, client, screen) = (
        &world.oms,
        &mut world.eyes,
        &world.cluster.client,
        world.screen,
    );
    let removal = async {
        for name in names {
            if let Some((id, _)) = eyes.seen(name).and_then(|seen| seen.id) {
                oms.remove(&id).await?;
            }
        }
        load::delete_all(client, names).await?;
        let any = |_: &Seen| true;
        let told = |count| screen.doing(format_args!("{count} are left"));
        eyes.until("left", 0, deadline, any, told).await
    };
    screen.step("and gone again", deadline, removal).await
}

/// For people.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
