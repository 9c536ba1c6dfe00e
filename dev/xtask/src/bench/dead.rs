//! Two healthy OMS, alone and beside a third one that takes calls and answers none.

use std::collections::HashMap;
use std::time::Instant;

use futures::future::try_join;

use super::eyes::Seen;
use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::oms::Oms;
use super::operator::Programs;
use super::results::{DeadOms, Pair};
use super::world::{CONNECTION, EACH, MOMENTS, World, pair};
use crate::screen::Screen;

/// Measures it, with so many resources on each OMS.
pub async fn measure(
    count: usize,
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<DeadOms> {
    let mut world = World::start(programs, http, screen).await?;
    let (second, third) = try_join(
        Oms::start(&programs.simulator, http),
        Oms::start(&programs.simulator, http),
    )
    .await?;
    world.cluster.connection("second", second.url()).await?;
    world.cluster.connection("third", third.url()).await?;
    // One at a time, so that neither run pays for the other: the third has a fleet of its own before it dies.
    create(&mut world, "third-alive", &["third"], count).await?;
    let alone = create(&mut world, "alone", &[CONNECTION, "second"], count).await?;
    third.die().await?;
    // They can only wait.
    let waiting = load::names("third-dead", count);
    load::apply_all(
        &world.cluster.client,
        &waiting,
        "third",
        TABLES_SMALL,
        |_| {},
    )
    .await?;
    let beside = create(&mut world, "beside", &[CONNECTION, "second"], count).await?;
    world.stop().await?;
    Ok(DeadOms {
        count,
        alone,
        beside,
    })
}

/// So many resources on each of these connections at once, until each is RUNNING.
async fn create(
    world: &mut World<'_>,
    prefix: &str,
    connections: &[&str],
    count: usize,
) -> anyhow::Result<Pair> {
    let (client, screen, eyes) = (&world.cluster.client, world.screen, &mut world.eyes);
    let running = |one: &Seen| one.running.is_some();
    let there = eyes.count(running);
    let all = there + count * connections.len();
    let deadline = MOMENTS + EACH * u32::try_from(all)?;
    let work = async {
        let each = connections.iter().map(|connection| async move {
            let names = load::names(&format!("{prefix}-{connection}"), count);
            load::apply_all(client, &names, connection, TABLES_SMALL, |_| {}).await
        });
        let begun = futures::future::try_join_all(each).await?;
        let told = |count| screen.doing(format_args!("{count} of {all} are RUNNING"));
        eyes.until("RUNNING", all, deadline, running, told).await?;
        anyhow::Ok(begun.into_iter().flatten().collect())
    };
    let what = format!("{count} on each of {}", connections.join(" and "));
    let begun: HashMap<String, Instant> = screen.step(what, deadline, work).await?;
    Ok(pair(&begun, |name| world.eyes.seen(name)))
}
