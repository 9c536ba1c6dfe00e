//! Two healthy OMS beside a third that has nothing to do, is healthy, slow, and takes calls and answers none.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::future::try_join;

use super::eyes::Seen;
use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::oms::Oms;
use super::operator::Programs;
use super::results::{DeadOms, Pair};
use super::world::{CONNECTION, EACH, MOMENTS, World, pair};
use crate::screen::Screen;

/// So much longer takes each call of the slow one: well within the time that a call may take.
pub const SLOW: Duration = Duration::from_secs(5);

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
    let both = [CONNECTION, "second"];
    // What a process does for the first time, and limits that have yet to grow, belong to no row.
    create(&mut world, "warm-up", &both, count).await?;
    world.calm().await?;
    let beside_idle = Some(create(&mut world, "beside-idle", &both, count).await?);
    // From here on the third has each time as much to do, and the others are at rest before.
    let mut beside = async |kind: &str| {
        world.calm().await?;
        wait_for_the_third(&world, &format!("third-{kind}"), count).await?;
        create(&mut world, &format!("beside-{kind}"), &both, count).await
    };
    let beside_healthy = Some(beside("healthy").await?);
    third.slow_down(SLOW).await?;
    let beside_slow = Some(beside("slow").await?);
    third.die().await?;
    let beside_dead = Some(beside("dead").await?);
    world.stop().await?;
    Ok(DeadOms {
        count,
        beside_idle,
        beside_healthy,
        beside_slow,
        beside_dead,
    })
}

/// So many more that the third has to serve, and nobody waits for.
async fn wait_for_the_third(world: &World<'_>, prefix: &str, count: usize) -> anyhow::Result<()> {
    let names = load::names(prefix, count);
    let client = &world.cluster.client;
    load::apply_all(client, &names, "third", TABLES_SMALL, |_| {}).await?;
    Ok(())
}

/// So many resources on each of these connections at once, until each is RUNNING.
async fn create(
    world: &mut World<'_>,
    prefix: &str,
    connections: &[&str],
    count: usize,
) -> anyhow::Result<Pair> {
    let (client, screen, eyes) = (&world.cluster.client, world.screen, &mut world.eyes);
    // Those of the third may become so meanwhile, and are not waited for.
    let begin = format!("{prefix}-of-");
    let running = |one: &Seen| one.running.is_some() && one.name.starts_with(&begin);
    let all = count * connections.len();
    let deadline = MOMENTS + EACH * u32::try_from(all)?;
    let work = async {
        let each = connections.iter().map(|connection| async move {
            let names = load::names(&format!("{prefix}-of-{connection}"), count);
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
