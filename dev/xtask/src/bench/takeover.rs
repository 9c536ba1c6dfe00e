//! How soon another process does the work of the one that leads and is gone.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::cluster::Cluster;
use super::eyes::{Eyes, Seen};
use super::http::Http;
use super::load::{self, TABLES_SMALL};
use super::oms::Oms;
use super::operator::{Operator, Programs};
use super::results::Takeover;
use super::spread::Spread;
use super::world::{CONNECTION, MOMENTS};
use crate::screen::Screen;

/// How often each.
const TIMES: usize = 5;

/// How long one turn may take: a lease of 15 s, and what it takes to begin.
const TURN: Duration = Duration::from_secs(120);

/// Measures it: from the end of one process until a resource that was applied then has its id by the next.
pub async fn measure(
    programs: &Programs,
    http: &Http,
    screen: &Screen,
) -> anyhow::Result<Takeover> {
    let start = async {
        let cluster = Cluster::start().await?;
        let oms = Oms::start(&programs.simulator, http).await?;
        cluster.connection(CONNECTION, oms.url()).await?;
        anyhow::Ok((cluster, oms))
    };
    let what = "a control plane and OMS";
    let (cluster, oms) = screen.step(what, MOMENTS, start).await?;
    let mut eyes = Eyes::open(cluster.client.clone());
    let candidate = async || {
        let program = &programs.operator;
        let one = Operator::candidate(program, &cluster.kubeconfig, http).await?;
        one.ready().await?;
        anyhow::Ok(one)
    };
    let mut leader = candidate().await?;
    let (mut killed, mut stopped) = (Vec::new(), Vec::new());
    for turn in 0..TIMES * 2 {
        let next = candidate().await?;
        let is_killed = turn % 2 == 0;
        let change = async {
            let began = Instant::now();
            match is_killed {
                true => leader.kill().await,
                false => leader.stop().await?,
            }
            let name = format!("turn-{turn}");
            let project = load::project(&name, CONNECTION, TABLES_SMALL);
            load::apply(&cluster.client, &project).await?;
            let has_id = |one: &Seen| one.id.is_some();
            let all = turn + 1;
            eyes.until("with an id", all, TURN, has_id, |_| {}).await?;
            let id = eyes.seen(&name).and_then(|seen| seen.id);
            let (_, at) = id.context("it was seen with an id")?;
            anyhow::Ok(at.duration_since(began))
        };
        let what = match is_killed {
            true => "the one that leads is killed",
            false => "the one that leads is told to stop",
        };
        let took = screen.step(what, TURN + MOMENTS, change).await?;
        match is_killed {
            true => killed.push(took),
            false => stopped.push(took),
        }
        leader = next;
    }
    leader.stop().await?;
    drop(eyes);
    oms.stop().await;
    cluster.stop().await?;
    Ok(Takeover {
        killed: Spread::of(killed).unwrap_or_default(),
        stopped: Spread::of(stopped).unwrap_or_default(),
    })
}
