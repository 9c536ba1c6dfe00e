//! The parts of a run, and what several measurements do with them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, Writes};
use super::eyes::{Eyes, Seen};
use super::http::Http;
use super::load;
use super::oms::{Counts, Oms, between};
use super::operator::{Operator, Programs};
use super::results::{Creation, Pair, Settling};
use super::spread::Spread;
use crate::screen::Screen;

/// What takes a moment, on a machine that is busy with other things.
pub const MOMENTS: Duration = Duration::from_secs(300);

/// At most so long for one resource, on a machine that is busy with other things.
pub const EACH: Duration = Duration::from_millis(500);

/// And for each of its tables: the API server takes 0.3 s of CPU and more for a write of 5,000, and three are
/// made of each resource until it is RUNNING.
const EACH_TABLE: Duration = Duration::from_millis(1);

/// The first sweep of an OMS without projects is over by then.
const FIRST_SWEEP: Duration = Duration::from_secs(2);

/// No write for so long: at rest. Figures are written every 10 s at most, a new project is compared with its
/// spec within a minute, and the API server closes connections that have been idle for 90 s, with their buffers.
const CALM: Duration = Duration::from_secs(100);

/// After so long what a process has made is compared with its spec.
const COMPARED: Duration = Duration::from_secs(60);

/// The connection that every run has.
pub const CONNECTION: &str = "oms";

/// The parts of a run.
pub struct World<'a> {
    /// Kubernetes.
    pub cluster: Cluster,
    /// OMS.
    pub oms: Oms,
    /// The operator.
    pub operator: Operator,
    /// What is seen.
    pub eyes: Eyes,
    /// Where progress is shown.
    pub screen: &'a Screen,
    programs: &'a Programs,
    http: &'a Http,
    /// At most so long for one of the resources that are there.
    each: Duration,
}

/// All counts at one time.
pub struct Counted {
    /// When.
    pub at: Instant,
    /// Of the operator, in Kubernetes.
    pub writes: Writes,
    /// Of OMS.
    pub calls: Counts,
    /// Of the operator.
    pub cpu: Duration,
    /// Of the API server and etcd.
    pub cpu_kubernetes: Duration,
}

impl<'a> World<'a> {
    /// Starts everything, with one connection and no resource, and lets it come to rest.
    pub async fn start(
        programs: &'a Programs,
        http: &'a Http,
        screen: &'a Screen,
    ) -> anyhow::Result<World<'a>> {
        let start = async {
            let cluster = Cluster::start().await?;
            let oms = Oms::start(&programs.simulator, http).await?;
            let operator = Operator::start(&programs.operator, &cluster.kubeconfig, http).await?;
            operator.ready().await?;
            cluster.connection(CONNECTION, oms.url()).await?;
            let eyes = Eyes::open(cluster.client.clone());
            tokio::time::sleep(FIRST_SWEEP).await;
            anyhow::Ok(World {
                cluster,
                oms,
                operator,
                eyes,
                screen,
                programs,
                http,
                each: EACH,
            })
        };
        screen
            .step("a control plane, OMS and the operator", MOMENTS, start)
            .await
    }

    /// Ends everything.
    pub async fn stop(self) -> anyhow::Result<()> {
        let World {
            cluster,
            oms,
            operator,
            eyes,
            screen,
            ..
        } = self;
        let stop = async {
            operator.stop().await?;
            drop(eyes);
            oms.stop().await;
            cluster.stop().await
        };
        screen.step("stopping everything", MOMENTS, stop).await
    }

    /// All counts, now.
    pub async fn count(&self) -> anyhow::Result<Counted> {
        Ok(Counted {
            at: Instant::now(),
            writes: self.cluster.writes().await?,
            calls: self.oms.counts().await?,
            cpu: self.operator.cpu()?,
            cpu_kubernetes: self.cluster.cpu().await?,
        })
    }

    /// Applies resources of these names at once and waits until each is seen RUNNING.
    pub async fn create(&mut self, names: &[String], tables: usize) -> anyhow::Result<Creation> {
        let there = self.eyes.count(|_| true);
        let seen_before = self.eyes.writes(&[]);
        let before = self.count().await?;
        let (client, screen) = (self.cluster.client.clone(), self.screen);
        let what = format!("{} resources, from nothing to RUNNING", names.len());
        self.each = self.each.max(EACH + EACH_TABLE * u32::try_from(tables)?);
        let deadline = MOMENTS + self.each * u32::try_from(names.len())?;
        let eyes = &mut self.eyes;
        let work = async {
            let applying = load::apply_all(&client, names, CONNECTION, tables, |count| {
                if count % 50 == 0 {
                    screen.doing(format_args!("{count} applied"));
                }
            });
            let begun = applying.await?;
            let applied = before.at.elapsed();
            let running = |one: &Seen| one.running.is_some();
            let told = |count| screen.doing(format_args!("{count} are RUNNING"));
            let all = there + names.len();
            eyes.until("RUNNING", all, deadline, running, told).await?;
            anyhow::Ok((begun, applied))
        };
        let (begun, applied) = self.screen.step(what, deadline, work).await?;
        let after = self.count().await?;
        let seen: HashMap<&String, Seen> = names
            .iter()
            .filter_map(|name| Some((name, self.eyes.seen(name)?)))
            .collect();
        let last = |at: fn(&Seen) -> Option<Instant>| {
            let last = seen.values().filter_map(at).max();
            last.map_or(0.0, |last| last.duration_since(before.at).as_secs_f64())
        };
        let count = |is: &dyn Fn(&Seen) -> bool| seen.values().filter(|one| is(one)).count();
        let writes = after.writes - before.writes;
        Ok(Creation {
            applied: applied.as_secs_f64(),
            all_ids: last(|seen| Some(seen.id.as_ref()?.1)),
            all_running: last(|seen| seen.running),
            each: pair(&begun, |name| seen.get(name).cloned()),
            calls: between(&before.calls, &after.calls),
            writes: writes.projects,
            events: writes.events,
            refused: writes.refused,
            writes_until_running: Some(
                seen.values().map(|one| one.writes as f64).sum::<f64>() / names.len().max(1) as f64,
            ),
            // The watch may tell of the last ones a moment later than the API server counts them.
            idle_writes: Some(
                writes
                    .projects
                    .saturating_sub(self.eyes.writes(&[]) - seen_before),
            ),
            caught_up: Some(count(&|one| one.caught_up)),
            compared: Some(count(&|one| {
                let id = one.id.as_ref();
                id.is_some_and(|(_, since)| after.at.saturating_duration_since(*since) >= COMPARED)
            })),
            cpu: (after.cpu - before.cpu).as_secs_f64(),
            cpu_kubernetes: (after.cpu_kubernetes - before.cpu_kubernetes).as_secs_f64(),
            peak: 0,
        })
    }

    /// Waits until nothing is written any more.
    pub async fn settle(&mut self) -> anyhow::Result<Settling> {
        let before = self.count().await?;
        let screen = self.screen;
        let all = self.eyes.count(|_| true);
        let deadline = MOMENTS + self.each * u32::try_from(all)?;
        let (eyes, cluster) = (&mut self.eyes, &self.cluster);
        let settle = async {
            let caught_up = |one: &Seen| one.caught_up;
            let told = |count| screen.doing(format_args!("{count} have caught up"));
            // Whatever does not come about is reported, not waited for for ever.
            let reached = eyes.until("caught up", all, deadline / 2, caught_up, told);
            let complete = reached.await.is_ok();
            anyhow::Ok(calm(cluster, screen, deadline / 2).await? && complete)
        };
        let complete = screen
            .step("until all is at rest", deadline, settle)
            .await?;
        let after = self.count().await?;
        let writes = after.writes - before.writes;
        Ok(Settling {
            seconds: after.at.duration_since(before.at).as_secs_f64(),
            calls: between(&before.calls, &after.calls),
            writes: writes.projects,
            events: writes.events,
            complete,
        })
    }

    /// Waits until nothing is written any more, whatever has become of the resources.
    pub async fn calm(&self) -> anyhow::Result<()> {
        let within = CALM * 4;
        let calm = calm(&self.cluster, self.screen, within);
        let calm = self.screen.step("until nothing is written", within, calm);
        calm.await.map(drop)
    }

    /// Ends the operator and starts it anew. It is ready then, and no more.
    pub async fn restart(self) -> anyhow::Result<(World<'a>, Duration)> {
        let screen = self.screen;
        let restart = async {
            self.operator.stop().await?;
            let program = &self.programs.operator;
            let operator = Operator::start(program, &self.cluster.kubeconfig, self.http).await?;
            let ready = operator.ready().await?;
            anyhow::Ok((World { operator, ..self }, ready))
        };
        screen.step("the operator anew", MOMENTS, restart).await
    }
}

/// Whether nothing is written any more, within that time.
async fn calm(cluster: &Cluster, screen: &Screen, within: Duration) -> anyhow::Result<bool> {
    let mut last = cluster.writes().await?;
    let mut since = Instant::now();
    let end = Instant::now() + within;
    while since.elapsed() < CALM && Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = cluster.writes().await?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        screen.doing(format_args!("{} writes so far", now.projects));
    }
    Ok(since.elapsed() >= CALM)
}

/// From when each was begun until it had its id, and was RUNNING.
pub fn pair(begun: &HashMap<String, Instant>, seen: impl Fn(&String) -> Option<Seen>) -> Pair {
    let spread = |at: fn(&Seen) -> Option<Instant>| {
        let each = begun.iter().filter_map(|(name, began)| {
            let at = at(&seen(name)?)?;
            Some(at.saturating_duration_since(*began))
        });
        Spread::of(each).unwrap_or_default()
    };
    Pair {
        id: spread(|seen| Some(seen.id.as_ref()?.1)),
        running: spread(|seen| seen.running),
    }
}
