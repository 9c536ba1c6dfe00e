//! The order of events: everything goes wrong for a while, then nothing does, and then it is judged.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kube::api::DeleteParams;
use oms_harness::until_ok;
use oms_operator::api::{Kind, crds_yaml};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::arena::{Arena, GROUP};
use super::chronicle::{self, Chronicle};
use super::lives::Lives;
use super::slot::{Offered, Slot};
use super::told::Told;
use super::verdict::{condition, unsettled};
use super::weather::pause;
use super::witness::Witness;
use super::{Options, evidence, users, weather};
use crate::demo::operator::ACCOUNT;
use crate::screen::Screen;
use crate::steps::elapsed;

/// How long it may take until everything is at rest, and for each resource more: in-doubt creates wait out
/// their quarantine up to three times, and the last look at what waits for a human may be minutes ago.
const REST: Duration = Duration::from_secs(240);
const REST_FOR_EACH: Duration = Duration::from_millis(500);

/// For how long nothing is unfinished before it counts as rest.
const STILL: Duration = Duration::from_secs(4);

/// How often the world is looked at while it comes to rest.
const LOOK: Duration = Duration::from_secs(1);

/// The changes of OMS, as they are counted.
const ACTIONS: [(&str, &str); 6] = [
    ("CreateProject", "calls of CreateProject"),
    ("StartProject", "calls of StartProject"),
    ("StopProject", "calls of StopProject"),
    ("ResumeProject", "calls of ResumeProject"),
    ("ReleaseProject", "calls of ReleaseProject"),
    ("DeleteProject", "calls of DeleteProject"),
];

/// What of the verdict is printed; all of it is kept.
const PRINTED: usize = 20;

/// How old the leftovers of deleted resources get, in the mean, before somebody tidies up in the console:
/// otherwise their number would grow without end.
const TIDY: std::ops::Range<f64> = 4.0..8.0;

/// Plays, and judges.
pub async fn play(
    options: &Options,
    arena: &Arena,
    program: &Path,
    seed: u64,
    screen: &Screen,
) -> anyhow::Result<()> {
    let chronicle = Mutex::new(Chronicle::default());
    let history = arena.plane.history(GROUP).await?;
    tokio::select! {
        kept = chronicle::keep(history, &chronicle) => kept.context("the chronicle"),
        played = acts(options, arena, program, seed, screen, &chronicle) => played,
    }
}

async fn acts(
    options: &Options,
    arena: &Arena,
    program: &Path,
    seed: u64,
    screen: &Screen,
    chronicle: &Mutex<Chronicle>,
) -> anyhow::Result<()> {
    let random = |salt: u64| StdRng::seed_from_u64(seed ^ salt);
    let offered = offered()?;
    let slots = places(arena, options.resources);
    let mut lives = Lives::begin(arena, program, seed)?;
    let lasts = options.lasts();
    let end = Instant::now() + lasts;
    let storm = async {
        let (lived, administrated, slots, ..) = tokio::join!(
            lives.run(end),
            users::administrator(arena, random(0xAD), end),
            users::play(arena, &offered, slots, seed, end),
            weather::of_oms(arena, random(0x035), end),
            weather::of_the_way(arena, random(0x3A1), end),
            weather::of_the_api_server(arena, random(0xA91), end),
            tidy(arena, chronicle, random(0x71D), end),
            tell(arena, screen, end),
        );
        lived.and(administrated).map(|()| slots)
    };
    // Each of them ends by itself; some wait for an API server or a process first.
    let deadline = lasts + Duration::from_secs(300);
    let slots = screen
        .step("everything goes wrong", deadline, storm)
        .await?;

    let patience = REST + REST_FOR_EACH * options.resources;
    let rest = async {
        mend(arena, &slots).await?;
        tokio::select! {
            rests = rest(arena, screen, patience) => rests,
            lived = lives.stand(Instant::now() + 2 * patience) => lived.and_then(|()| bail!("no rest")),
        }
    };
    let rested = screen
        .step("nothing goes wrong any more", patience * 2, rest)
        .await;
    lives.finish().await?;
    let mut wrong = arena.score.all_wrong();
    if let Err(error) = rested {
        wrong.push(format!("{error:#}"));
    }
    let judged = judge(arena, chronicle, seed, &mut wrong).await;
    screen.say(arena.score.table());
    for one in wrong.iter().take(PRINTED) {
        screen.say(format_args!("WRONG: {one}"));
    }
    judged?;
    screen.say("    no project twice, none lost, none changed unasked, and every status is true");
    Ok(())
}

fn offered() -> anyhow::Result<Offered> {
    let definition: Value = serde_saphyr::from_str(&crds_yaml(Kind::MigrationProject))?;
    Ok(Offered::of(&definition))
}

fn places(arena: &Arena, count: u32) -> Vec<Slot> {
    let namespaces = arena.namespaces.iter().cycle();
    let numbered = namespaces.zip(0..count);
    numbered
        .map(|(namespace, number)| Slot::new(namespace, number))
        .collect()
}

/// Somebody tidies up in the console: what a deleted resource has left goes at some time.
async fn tidy(arena: &Arena, chronicle: &Mutex<Chronicle>, mut random: StdRng, end: Instant) {
    let oms = arena.simulator.oms();
    while Instant::now() < end {
        pause(&mut random, TIDY, end).await;
        let left: Vec<String> = {
            let chronicle = chronicle.lock();
            let all = oms.projects().into_iter().map(|project| project.id);
            all.filter(|id| {
                let mut holders = chronicle.holders(id).peekable();
                holders.peek().is_some() && holders.all(|(_, life)| life.ended.is_some())
                    || arena.console.has_planted(id)
            })
            .collect()
        };
        for id in left {
            if random.random_ratio(1, 4) && arena.console.remove(oms, &id) {
                arena.score.count("console: tidied up");
            }
        }
    }
}

/// Says from time to time how it goes.
async fn tell(arena: &Arena, screen: &Screen, end: Instant) {
    while Instant::now() < end {
        let score = &arena.score;
        let oms = arena.simulator.oms();
        let left = end.saturating_duration_since(Instant::now());
        screen.doing(format_args!(
            "{} left; {} starts of the operator, {} of the API server again, {} faults of OMS, {} creates, \
             {} projects, {} applied{}",
            elapsed(left),
            score.of("operator: starts"),
            score.of("API server: SIGKILL") + score.of("API server: restarts"),
            score.of("OMS: faults set"),
            oms.count("CreateProject"),
            oms.projects().len(),
            score.of("users: applied"),
            if score.has_failed() { "; SOMETHING IS WRONG" } else { "" },
        ));
        tokio::time::sleep(LOOK.min(left)).await;
    }
}

/// What users have taken away comes back; what they have broken is set right.
async fn mend(arena: &Arena, slots: &[Slot]) -> anyhow::Result<()> {
    for namespace in &arena.namespaces {
        arena
            .secret(namespace, super::arena::PASSWORD)
            .await
            .context("the Secret again")?;
        arena
            .connection(namespace, json!({}))
            .await
            .context("the connection again")?;
    }
    for slot in slots {
        // A resource that is not there needs nothing, and an edit of one that has a project is refused
        // unless it was made from another text.
        users::merge(arena, slot, users::revert()).await;
        users::merge(arena, slot, json!({"spec": {"suspend": null}})).await;
    }
    Ok(())
}

/// Waits until everything is at rest.
async fn rest(arena: &Arena, screen: &Screen, patience: Duration) -> anyhow::Result<()> {
    let oms = arena.simulator.oms();
    let mut still_since: Option<Instant> = None;
    let mut asked = std::collections::BTreeSet::new();
    until_ok(patience, "everything to come to rest", async || {
        tokio::time::sleep(LOOK).await;
        let resources = arena.resources().await?;
        for resource in &resources {
            encourage(arena, resource, &mut asked).await?;
        }
        let moving: Vec<String> = resources
            .iter()
            .filter_map(|resource| unsettled(resource, oms, &arena.console))
            .collect();
        screen.doing(format_args!(
            "{} of {} resources are not at rest{}",
            moving.len(),
            resources.len(),
            moving
                .first()
                .map_or_else(String::new, |one| format!("; {one}")),
        ));
        if !moving.is_empty() {
            still_since = None;
            bail!("{} are not: {}", moving.len(), moving.join("\n    "));
        }
        let since = *still_since.get_or_insert_with(Instant::now);
        anyhow::ensure!(since.elapsed() >= STILL, "just now");
        Ok(())
    })
    .await
}

/// What waits for a human gets its answer, once: there is no such project, try again.
async fn encourage(
    arena: &Arena,
    resource: &Value,
    asked: &mut std::collections::BTreeSet<String>,
) -> anyhow::Result<()> {
    let unknown = condition(resource, "Stalled")
        .is_some_and(|(_, reason, _)| matches!(reason, "CreateUnknown" | "CreateAmbiguous"));
    let text = |key: &str| resource["metadata"][key].as_str().unwrap_or_default();
    if !unknown || !asked.insert(text("uid").to_owned()) {
        return Ok(());
    }
    arena.score.count("users: answered what nobody knew");
    let patch = json!({"metadata": {"annotations": {"oms.oceanbase.com/retry": "in the end"}}});
    let api = arena.projects(text("namespace"));
    let patch = kube::api::Patch::Merge(patch);
    api.patch(text("name"), &Default::default(), &patch).await?;
    Ok(())
}

/// The end of the chronicle is reached when this has been seen there.
async fn catch_up(arena: &Arena, chronicle: &Mutex<Chronicle>) -> anyhow::Result<()> {
    const MARK: &str = "the-end";
    let namespace = arena.namespaces.first().context("no namespace")?;
    let mark = json!({
        "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "OMSConnection",
        "metadata": {"name": MARK},
        "spec": {"url": "http://127.0.0.1:9", "credentialsSecretRef": {"name": "none"}},
    });
    oms_harness::apply_yaml(&arena.client, namespace, &mark.to_string()).await?;
    let what = "the chronicle to have been written to its end";
    oms_harness::until(Duration::from_secs(60), what, async || {
        let seen = chronicle.lock().has_connection(namespace, MARK);
        seen.then_some(())
    })
    .await?;
    let connections = arena.connections(namespace);
    connections.delete(MARK, &DeleteParams::default()).await?;
    Ok(())
}

async fn judge(
    arena: &Arena,
    chronicle: &Mutex<Chronicle>,
    seed: u64,
    wrong: &mut Vec<String>,
) -> anyhow::Result<()> {
    catch_up(arena, chronicle).await?;
    let resources = arena.resources().await?;
    let told = Told::gather(arena, &resources).await?;
    let audit = arena.plane.audit().all().await?;
    let requests = audit.service_account(ACCOUNT.0, ACCOUNT.1);
    let (calls, projects) = (arena.simulator.calls(), arena.simulator.projects());
    let chronicle = chronicle.lock();
    let witness = Witness {
        chronicle: &chronicle,
        calls: &calls,
        projects: &projects,
        console: &arena.console,
        told: &told,
    };
    wrong.extend(witness.judge(&arena.score));
    let refused = requests.forbidden();
    for refused in refused.filter(|it| !arena.outages.cover(it.timestamp)) {
        wrong.push(format!("deploy/default/rbac.yaml lacks a right: {refused}"));
    }
    for other in requests.resource("secrets").filter(|it| it.verb != "get") {
        wrong.push(format!("Secrets are only ever got: {other}"));
    }
    let score = &arena.score;
    score.set("requests to Kubernetes", requests.len());
    score.set("calls of OMS", calls.len());
    for (action, what) in ACTIONS {
        let asked = calls.iter().filter(|call| call.action == action);
        score.set(what, asked.count());
    }
    score.set("resources in the end", resources.len());
    score.set("projects in the end", projects.len());
    let ready = resources
        .iter()
        .filter(|it| condition(it, "Ready").is_some_and(|(status, ..)| status == "True"));
    score.set("resources in the end that are Ready", ready.count());
    if wrong.is_empty() {
        return Ok(());
    }
    let folder = evidence::keep(arena, &chronicle, &resources, wrong, seed)?;
    bail!(
        "{} things are wrong, seed {seed}; everything that was seen is in {}",
        wrong.len(),
        folder.display()
    )
}
