//! Large specs against small ones: what a mapping of thousands of tables costs at rest.

use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::operator::Programs;
use super::results::{Mappings, Weight};
use super::world::{CONNECTION, World};
use crate::screen::Screen;

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many resources.
    pub count: usize,
    /// Tables of a large one.
    pub tables: usize,
}

/// Measures both.
pub async fn measure(
    plan: Plan,
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<Mappings> {
    let mut weights = Vec::new();
    for tables in [TABLES_SMALL, plan.tables] {
        screen.say(format_args!(
            "--- {} resources of {tables} tables",
            plan.count
        ));
        weights.push(weigh(plan.count, tables, programs, http, screen).await?);
    }
    let large = weights.pop().unwrap_or_default();
    Ok(Mappings {
        count: plan.count,
        tables: plan.tables,
        small: weights.pop().unwrap_or_default(),
        large,
    })
}

async fn weigh(
    count: usize,
    tables: usize,
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<Weight> {
    let mut world = World::start(programs, http, screen).await?;
    let idle = world.operator.memory()?;
    let names = load::names("mapping", count);
    world.create(&names, tables).await?;
    world.settle().await?;
    let peak = world.operator.peak()?;
    let rest = world.operator.memory()?;
    let (mut world, _) = world.restart().await?;
    world.settle().await?;
    let restart_peak = world.operator.peak()?;
    let restart_rest = world.operator.memory()?;
    world.stop().await?;
    Ok(Weight {
        json: load::project(&names[0], CONNECTION, tables)
            .to_string()
            .len(),
        idle,
        peak,
        rest,
        restart_peak,
        restart_rest,
    })
}
