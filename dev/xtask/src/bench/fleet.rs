//! One size: created at once, at rest, changed, and started again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::eyes::Seen;
use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::oms::between;
use super::operator::Programs;
use super::results::{Change, Fleet, Pair, Rest, Restart};
use super::spread::Spread;
use super::world::{CONNECTION, EACH, MOMENTS, World, pair};
use crate::screen::Screen;

/// The default of `sweepInterval`, which the connections of the bench have.
const SWEEP: Duration = Duration::from_secs(30);

/// What a sweep has shown is written by then: figures are, every 10 s at most.
const WRITTEN: Duration = Duration::from_secs(15);

/// After so long without a reconcile every resource has had its turn.
const NO_MORE: Duration = Duration::from_secs(2);

/// So many resources are applied one at a time.
const SINGLES: usize = 10;

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many resources.
    pub size: usize,
    /// How long they are watched at rest.
    pub rest: Duration,
}

/// Measures one size.
pub async fn measure(
    plan: Plan,
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<Fleet> {
    let mut world = World::start(programs, http, screen).await?;
    let idle = world.operator.memory()?;
    let names = load::names("fleet", plan.size);
    let mut creation = world.create(&names, TABLES_SMALL).await?;
    let settling = world.settle().await?;
    creation.peak = world.operator.peak()?;
    let rest = rest(&world, plan.rest).await?;
    let change = change(&mut world, &names).await?;
    let single = single(&mut world).await?;
    world.settle().await?;
    let (world, restart) = restart(world, &names[0]).await?;
    world.stop().await?;
    Ok(Fleet {
        size: plan.size,
        idle,
        creation,
        settling,
        rest,
        single,
        change,
        restart,
    })
}

async fn rest(world: &World<'_>, long: Duration) -> anyhow::Result<Rest> {
    let swept = world.operator.sweeps().await?;
    let before = world.count().await?;
    let wait = async {
        tokio::time::sleep(long).await;
        Ok(())
    };
    let what = format!("at rest, for {} s", long.as_secs());
    world.screen.step(what, long + MOMENTS, wait).await?;
    let after = world.count().await?;
    let sweeps = world.operator.sweeps().await? - swept;
    let writes = after.writes - before.writes;
    Ok(Rest {
        seconds: after.at.duration_since(before.at).as_secs_f64(),
        calls: between(&before.calls, &after.calls),
        writes: writes.projects,
        events: writes.events,
        sweeps: Some(sweeps),
        cpu: (after.cpu - before.cpu).as_secs_f64(),
        memory: world.operator.memory()?,
    })
}

/// There and back again, so that it ends as it began.
async fn change(world: &mut World<'_>, names: &[String]) -> anyhow::Result<Change> {
    let count = names.len().div_ceil(100);
    let chosen: Vec<&String> = names.iter().step_by(100).take(count).collect();
    let before = world.count().await?;
    let mut delays = Vec::new();
    for word in ["SUSPEND", "RUNNING"] {
        let mut changed = HashMap::new();
        let (screen, oms, eyes) = (world.screen, &world.oms, &mut world.eyes);
        let round = async {
            for name in &chosen {
                if let Some((id, _)) = eyes.seen(name).and_then(|seen| seen.id) {
                    oms.set_status(&id, word).await?;
                    changed.insert(name.to_string(), Instant::now());
                }
            }
            // By another number than before: those that are so are counted among all.
            let others = eyes.count(|_| true) - changed.len();
            let expected = if word == "RUNNING" {
                others + changed.len()
            } else {
                changed.len()
            };
            let is = |one: &Seen| one.word.as_ref().is_some_and(|(now, _)| now == word);
            let told = |count| screen.doing(format_args!("{count} are {word}"));
            eyes.until(word, expected, MOMENTS, is, told).await
        };
        let what = format!("{count} of the projects become {word} in OMS");
        screen.step(what, MOMENTS, round).await?;
        delays.extend(changed.iter().filter_map(|(name, at)| {
            let (_, seen) = world.eyes.seen(name)?.word?;
            Some(seen.saturating_duration_since(*at))
        }));
    }
    // What is written on the next sweeps belongs to it.
    let screen = world.screen;
    let wait = async {
        tokio::time::sleep(SWEEP + WRITTEN).await;
        Ok(())
    };
    screen.step("what follows from it", MOMENTS, wait).await?;
    let after = world.count().await?;
    Ok(Change {
        projects: delays.len(),
        delay: Spread::of(delays).unwrap_or_default(),
        writes: (after.writes - before.writes).projects,
    })
}

async fn single(world: &mut World<'_>) -> anyhow::Result<Option<Pair>> {
    let names = load::names("single", SINGLES);
    let there = world.eyes.count(|_| true);
    let (screen, eyes) = (world.screen, &mut world.eyes);
    let client = world.cluster.client.clone();
    let mut begun = HashMap::new();
    let one_by_one = async {
        for (number, name) in names.iter().enumerate() {
            let project = load::project(name, CONNECTION, TABLES_SMALL);
            begun.insert(name.clone(), load::apply(&client, &project).await?);
            let running = |one: &Seen| one.running.is_some();
            let all = there + number + 1;
            eyes.until("RUNNING", all, MOMENTS, running, |_| {}).await?;
            screen.doing(format_args!("{} of {SINGLES}", number + 1));
        }
        Ok(())
    };
    let what = format!("{SINGLES} more, one at a time");
    // Each waits for a sweep, which takes the longer the more there are.
    let deadline = MOMENTS + EACH * u32::try_from(there)?;
    screen.step(what, deadline, one_by_one).await?;
    Ok(Some(pair(&begun, |name| world.eyes.seen(name))))
}

/// With one resource that is applied as soon as the process is ready, and one whose spec is changed then.
async fn restart<'a>(world: World<'a>, old: &str) -> anyhow::Result<(World<'a>, Restart)> {
    let before = world.count().await?;
    let all = world.eyes.count(|_| true);
    let name = "after-the-restart";
    let written = world.eyes.writes(&[old, name]);
    let (mut world, ready) = world.restart().await?;
    let project = load::project(name, CONNECTION, TABLES_SMALL);
    let client = &world.cluster.client;
    let (generation, changed) = load::change(client, old).await?;
    let began = load::apply(client, &project).await?;
    let deadline = MOMENTS + EACH * u32::try_from(all)?;
    // Two passes of each: the first finds that OMS has not been asked yet.
    let passes = 2 * u64::try_from(all)?;
    let checking = world.operator.checked(passes, NO_MORE, deadline);
    let (checked, cpu) = world
        .screen
        .step("every resource is looked at", deadline, checking)
        .await?;
    let has_id = |one: &Seen| one.id.is_some();
    let eyes = &mut world.eyes;
    eyes.until("with an id", all + 1, MOMENTS, has_id, |_| {})
        .await?;
    let is_served = |one: &Seen| {
        one.name == old
            && one
                .observed
                .is_some_and(|(observed, _)| observed >= generation)
    };
    eyes.until("served", 1, MOMENTS, is_served, |_| {}).await?;
    // With all that the two take.
    let after = world.count().await?;
    let eyes = &mut world.eyes;
    let (_, new) = eyes.seen(name).and_then(|seen| seen.id).context("no id")?;
    let served = eyes.seen(old).and_then(|seen| seen.observed);
    let (_, served) = served.context("nothing observed")?;
    let wait = async {
        tokio::time::sleep(SWEEP + WRITTEN).await;
        Ok(())
    };
    world.screen.step("a sweep later", MOMENTS, wait).await?;
    let restart = Restart {
        ready: ready.as_secs_f64(),
        new_id: new.saturating_duration_since(began).as_secs_f64(),
        changed: Some(served.saturating_duration_since(changed).as_secs_f64()),
        others: Some(world.eyes.writes(&[old, name]) - written),
        checked: checked.as_secs_f64(),
        cpu: cpu.as_secs_f64(),
        calls: between(&before.calls, &after.calls),
        writes: (after.writes - before.writes).projects,
        peak: world.operator.peak()?,
        memory: world.operator.memory()?,
    };
    Ok((world, restart))
}
