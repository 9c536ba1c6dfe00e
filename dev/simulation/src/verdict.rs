//! Whether the world has come to rest, and whether it rests as it must.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::acts::{Act, FINALIZER, NAMESPACE, connection_id, id};
use crate::kubernetes::{Kind, finalizers};
use crate::witness::{Made, reservation_of, uid_of};
use crate::world::{LONGEST_DOWN, World};

/// Nothing is written for so long, before the world counts as at rest: longer
/// than what waits for a human is left alone.
pub const STILL: Duration = Duration::from_secs(340);

/// How long what rests is watched for calls that it does not need. What is done
/// more rarely than that, and again and again, keeps the world from coming to rest.
const WATCHED: Duration = Duration::from_secs(120);

/// The most calls in a minute, whatever happens: twice what any of 1,000 seeds came to, and a
/// third of what one resource makes that is looked at again without a wait.
const IN_A_MINUTE: u64 = 400;

/// What is not at rest yet, if anything.
pub fn unsettled(world: &World) -> Option<String> {
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    for resource in &resources {
        if let Some(why) = moving(world, resource) {
            return Some(format!("{}: {why}", name_of(resource)));
        }
    }
    let connection = connection_id();
    let connection = world.wires.cluster.get(&connection);
    if connection.is_some_and(|it| is_deleting(&it) && resources.is_empty()) {
        return Some("the connection is still being deleted".to_owned());
    }
    let written = Instant::now()
        .checked_sub(STILL)
        .map(|then| world.wires.witness.writes_since(then));
    written?.pop()
}

/// What of a resource is not at rest yet, if anything.
pub fn moving(world: &World, resource: &Value) -> Option<String> {
    if is_deleting(resource) {
        return Some("still being deleted".to_owned());
    }
    if resource["status"]["observedGeneration"] != resource["metadata"]["generation"] {
        return Some("its spec is not looked at".to_owned());
    }
    let project = resource["status"]["projectId"].as_str();
    if project.is_some() && !finalizers(resource).contains(&FINALIZER) {
        return Some("nothing holds it".to_owned());
    }
    let ready = condition(resource, "Ready");
    if condition(resource, "Stalled").is_some_and(|it| it["status"] == "True") {
        return None;
    }
    let Some(ready) = ready else {
        return Some("says nothing".to_owned());
    };
    let reason = ready["reason"].as_str().unwrap_or_default();
    if ready["status"] != "True" {
        return (!waits_rightly(world, resource, reason))
            .then(|| format!("{reason}: {}", ready["message"]));
    }
    let project = project.and_then(|id| world.project(id));
    let shown = resource["status"]["projectStatus"].as_str();
    match project {
        Some(project) if Some(project.status.as_str()) != shown => {
            Some(format!("shows {shown:?}, and is {}", project.status))
        }
        Some(project) if !is_as_wished(resource, &project.status) => {
            Some(format!("is ready, and its project {}", project.status))
        }
        Some(_) => None,
        None => Some("is ready without a project".to_owned()),
    }
}

/// Why a resource waits for a human, if it does.
pub fn stalled(resource: &Value) -> Option<String> {
    let stalled = condition(resource, "Stalled")?;
    Some(format!("has stalled: {}", stalled["message"]))
}

/// Whether a project in that status is what the spec asks for.
fn is_as_wished(resource: &Value, status: &str) -> bool {
    let wished: &[&str] = match resource["spec"]["state"].as_str() {
        Some("Paused") => &["INIT", "SUSPEND"],
        Some("Created") => &["INIT", "RUNNING"],
        _ => &["RUNNING"],
    };
    status == "FINISHED" || wished.contains(&status)
}

/// What nobody but a human can bring on.
fn waits_rightly(world: &World, resource: &Value, reason: &str) -> bool {
    let missing = |kind| {
        world
            .wires
            .cluster
            .get(&id(kind, "oms"))
            .is_none_or(|it| is_deleting(&it))
    };
    match reason {
        "Suspended" => {
            let connection = world.wires.cluster.get(&connection_id());
            let suspended = |object: &Value| object["spec"]["suspend"] == true;
            suspended(resource) || connection.is_some_and(|it| suspended(&it))
        }
        "ConnectionNotFound" => missing(Kind::OMSConnection),
        // Under the new address there was nothing to know the OMS by.
        "IdentityDoubtful" => {
            let acts = world.wires.witness.acts();
            acts.iter()
                .any(|act| matches!(act, Act::ApplyConnection(1, _)))
                && some_recorded_is_gone(world)
        }
        // What was seen does not count for ever.
        "ConnectionNotReady" | "StatusStale" => {
            missing(Kind::OMSConnection) || missing(Kind::Secret)
        }
        _ => false,
    }
}

fn some_recorded_is_gone(world: &World) -> bool {
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    let mut recorded = resources
        .iter()
        .filter_map(|resource| resource["status"]["projectId"].as_str());
    recorded.any(|id| {
        world
            .project(id)
            .is_none_or(|project| project.status == "DELETED")
    })
}

/// Everything that is wrong at the end.
pub async fn judge(world: &World) -> Vec<String> {
    // Nobody writes while the process is down.
    tokio::time::sleep(LONGEST_DOWN).await;
    let settled = world.settle().await;
    let mut wrong = Vec::new();
    if !settled {
        let what = unsettled(world).unwrap_or_default();
        wrong.push(format!("does not come to rest: {what}"));
    } else {
        wrong.extend(busy(world).await);
    }
    let busiest = world.wires.bus.in_busiest_minute();
    if busiest > IN_A_MINUTE {
        wrong.push(format!("{busiest} calls in one minute"));
    }
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    for resource in &resources {
        wrong.extend(unexcused(world, resource));
    }
    wrong.extend(lost(world));
    wrong.extend(world.wires.witness.broken());
    wrong
}

/// Calls and writes that nothing gives a reason for.
async fn busy(world: &World) -> Vec<String> {
    let (then, calls) = (Instant::now(), world.wires.bus.calls());
    tokio::time::sleep(WATCHED).await;
    let mut wrong: Vec<String> = world
        .wires
        .witness
        .writes_since(then)
        .into_iter()
        // A project that does nothing falls behind, ever more rarely by a range.
        .filter(|what| !what.ends_with("/status lagSeconds"))
        .map(|what| format!("a write at rest: {what}"))
        .collect();
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    // A sweep and a read of the Secret every 30 s; a few calls for each
    // resource that waits for a human.
    let allowed = 2 * WATCHED.as_secs() / 30 + 10 + 12 * resources.len() as u64;
    let made = world.wires.bus.calls() - calls;
    if made > allowed {
        wrong.push(format!("{made} calls in {} s of rest", WATCHED.as_secs()));
    }
    wrong
}

/// A resource that has stalled without a reason that the users gave.
fn unexcused(world: &World, resource: &Value) -> Option<String> {
    let stalled = condition(resource, "Stalled")?;
    let reason = stalled["reason"].as_str().unwrap_or_default();
    let (witness, uid) = (&world.wires.witness, uid_of(resource).unwrap_or_default());
    let acts = witness.acts();
    let did = |test: fn(&Act) -> bool| acts.iter().any(test);
    let adopts = !resource["spec"]["adopt"].is_null();
    let restored = witness.is_restored(&uid);
    let recorded = resource["status"]["projectId"].as_str();
    let there = recorded
        .and_then(|id| world.project(id))
        .map(|project| project.status);
    let excused = match reason {
        "NameConflict" => contested(world, resource, &uid) || has_one_out_of_sight(world, &uid),
        "CreateUnknown" => {
            witness.open_attempts(&uid) >= 3 || did(|act| matches!(act, Act::Unsupported(_)))
        }
        // A project like it that belongs to nobody, of which nobody has said whose it is.
        "CreateAmbiguous" => {
            let names = |id: &String| {
                stalled["message"]
                    .as_str()
                    .is_some_and(|it| it.contains(id))
            };
            let open = |id: &&String| !witness.has_answered(resource, id);
            unclaimed(world).iter().filter(open).any(names)
        }
        "SpecChangedDuringCreate" => edits(&acts, name_of(resource)) > 1,
        "EndpointChanged" => !witness.is_known_as(own_url(resource).as_deref()),
        "ProjectGone" => there.is_none_or(|status| status == "DELETED"),
        "Released" => there.as_deref() == Some("RELEASED"),
        "PausedOutside" => {
            // A copy knows nothing of what its resource had paused, nor who takes a project over of
            // what its last one had.
            let nobodys = |id| {
                witness.is_paused_outside(id)
                    || witness.is_paused_by_an_earlier_life(id)
                    || restored && witness.is_paused(id)
                    || witness.is_paused_for_another(id, &uid)
            };
            // Whoever paused it: Created takes no project that was started any further.
            let is_left = resource["spec"]["state"] == "Created";
            there.as_deref() == Some("SUSPEND") && (is_left || recorded.is_some_and(nobodys))
        }
        "Failed" => there.as_deref() == Some("FAILED"),
        "RestoredWithoutProject" | "RestoreAmbiguous" => restored,
        "AdoptRefused" => adopts || restored,
        "AdoptNotFound" => adopts && !has_what_it_adopts(world, resource),
        "ProjectClaimed" => adopts && is_someone_elses(world, &stalled["message"], &uid),
        "ActionMissing" => did(|act| matches!(act, Act::Unsupported(_))),
        _ => false,
    };
    let message = &stalled["message"];
    (!excused).then(|| {
        format!(
            "{} stalls without a cause: {reason}: {message}",
            name_of(resource)
        )
    })
}

/// Whether somebody else has, or wants, the project name of a resource.
fn contested(world: &World, resource: &Value, uid: &str) -> bool {
    let name = project_name(resource);
    let made = world.wires.witness.made();
    let strange = world.projects_named(&name).into_iter().any(|project| {
        let made = made.iter().find(|made| made.id == project.id);
        project.status != "RELEASED" && made.is_some_and(|made| made.uid.as_deref() != Some(uid))
    });
    let (_, all) = world.wires.cluster.list(Kind::MigrationProject);
    let mut others = all.iter().filter(|one| uid_of(one).as_deref() != Some(uid));
    // Of those that want one name, one gets it.
    let waits =
        |one: &Value| condition(one, "Stalled").is_some_and(|it| it["reason"] == "NameConflict");
    // A name that is reserved stays so while its resource is renamed.
    let reserved = |one: &Value| {
        let create = &one["status"]["create"];
        let ended = |it: &Value| create["outcome"] == "NotDone" && create["at"] == it["at"];
        let own =
            reservation_of(one).filter(|it| it["uid"] == one["metadata"]["uid"] && !ended(it));
        one["status"]["projectId"].is_null() && own.is_some_and(|it| it["projectName"] == *name)
    };
    strange || others.any(|one| (project_name(one) == name || reserved(one)) && !waits(one))
}

/// Whether a project that the message names is recorded by another resource.
fn is_someone_elses(world: &World, message: &Value, uid: &str) -> bool {
    let (_, all) = world.wires.cluster.list(Kind::MigrationProject);
    let mut others = all.iter().filter(|one| uid_of(one).as_deref() != Some(uid));
    others.any(|one| {
        let recorded = one["status"]["projectId"].as_str();
        recorded.is_some_and(|id| message.as_str().is_some_and(|it| it.contains(id)))
    })
}

/// Whether the project that a resource is to take over is in the OMS of its connection.
fn has_what_it_adopts(world: &World, resource: &Value) -> bool {
    let Some(oms) = world.connected() else {
        return false;
    };
    let found = match resource["spec"]["adopt"]["projectId"].as_str() {
        Some(id) => Vec::from_iter(oms.project(id).ok()),
        None => oms.projects_named(&project_name(resource)),
    };
    found.iter().any(|project| project.status != "RELEASED")
}

/// Whether there is a project of the resource's of which nothing tells any more.
fn has_one_out_of_sight(world: &World, uid: &str) -> bool {
    let witness = &world.wires.witness;
    witness.made().iter().any(|made| {
        made.uid.as_deref() == Some(uid)
            && world.project(&made.id).is_some()
            && witness.is_out_of_sight(made)
    })
}

/// The address of the OMS in which the resource has a project, or may have.
fn own_url(resource: &Value) -> Option<String> {
    let pinned = resource["status"]["connection"]["url"].as_str();
    let tried = resource["status"]["create"]["connection"]["url"].as_str();
    let reserved = reservation_of(resource);
    let reserved = reserved
        .as_ref()
        .and_then(|it| it["connection"]["url"].as_str());
    pinned.or(reserved).or(tried).map(str::to_owned)
}

/// Projects that no resource has recorded.
fn unclaimed(world: &World) -> Vec<String> {
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    let recorded = |id: &str| {
        let mut ids = resources.iter().map(|one| &one["status"]["projectId"]);
        ids.any(|recorded| recorded.as_str() == Some(id))
    };
    let made = world.wires.witness.made().into_iter().map(|made| made.id);
    made.filter(|id| world.project(id).is_some() && !recorded(id))
        .collect()
}

/// Projects that were made for a resource, and of which nothing tells.
fn lost(world: &World) -> Vec<String> {
    let witness = &world.wires.witness;
    let (_, resources) = world.wires.cluster.list(Kind::MigrationProject);
    let history = world.wires.cluster.changes(Kind::MigrationProject, 0);
    let mut lost = Vec::new();
    for made in witness.made() {
        let Some(uid) = made.uid.as_deref() else {
            continue;
        };
        let recorded = history
            .iter()
            .any(|change| change.object["status"]["projectId"].as_str() == Some(made.id.as_str()));
        let out_of_hand = witness.is_forced(uid)
            || witness.is_out_of_sight(&made)
            || witness.is_disowned(&made, uid);
        if world.project(&made.id).is_none() || recorded || out_of_hand || mistaken(world, &made) {
            continue;
        }
        let tells = |text: &str| text.contains(&made.id) || text.contains(&made.name);
        let said = witness.said(uid);
        let said = said.iter().any(|(reason, note)| {
            // Its name alone is in good news too, and then of another.
            note.contains(&made.id) || (reason == "LeftInOms" && tells(note))
        });
        let shown = resources.iter().any(|resource| {
            let says = |kind| condition(resource, kind);
            let named = |it: &Value| it["message"].as_str().is_some_and(tells);
            uid_of(resource).as_deref() == Some(uid)
                && (says("Stalled").is_some_and(named)
                    // Until a human says which OMS it is, nothing is settled.
                    || (says("Ready").is_some_and(|it| it["reason"] == "IdentityDoubtful")
                        && remembers(resource, &made)))
        });
        if !said && !shown {
            lost.push(format!(
                "project {} ({}) was made for {uid} and is lost",
                made.id, made.name
            ));
        }
    }
    lost
}

/// Whether a resource still tells of the attempt that made a project.
fn remembers(resource: &Value, made: &Made) -> bool {
    let reserved = reservation_of(resource).is_some_and(|it| it["projectName"] == *made.name);
    reserved || resource["status"]["create"]["projectName"] == *made.name
}

/// Whether the resource has taken another project for this one: somebody made one that is equal, under its
/// name, while the attempt was open (docs/safety.md, what is assumed of OMS, 6); or one before it did that was
/// rid of its finalizer and deleted, and applied again before OMS showed its project.
fn mistaken(world: &World, made: &Made) -> bool {
    let history = world.wires.cluster.changes(Kind::MigrationProject, 0);
    let all = world.wires.witness.made();
    let mut alike = all.iter().filter(|one| {
        let uid = made.uid.as_deref().unwrap_or_default();
        let nobodys = match &one.uid {
            None => world.wires.witness.had_reserved(uid, one),
            Some(of) => of != uid && world.wires.witness.is_forced(of),
        };
        nobodys && one.name == made.name
    });
    alike.any(|one| {
        history.iter().any(|change| {
            change.at >= made.at
                && uid_of(&change.object) == made.uid
                && change.object["status"]["projectId"].as_str() == Some(one.id.as_str())
        })
    })
}

/// How often users wrote the spec of a resource.
fn edits(acts: &[Act], name: &str) -> usize {
    let of = |act: &&Act| match act {
        Act::Apply(manifest) | Act::Replace(manifest) => manifest.resource == name,
        Act::Patch(resource, patch) => *resource == name && !patch["spec"]["project"].is_null(),
        _ => false,
    };
    acts.iter().filter(of).count()
}

/// The name that a resource's project has or is to have.
pub fn project_name(resource: &Value) -> String {
    let given = resource["spec"]["project"]["name"].as_str();
    let recorded = resource["status"]["projectName"].as_str();
    let own = format!("{NAMESPACE}.{}", name_of(resource));
    recorded.or(given).map_or(own, str::to_owned)
}

/// A condition of a resource.
pub fn condition<'a>(resource: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = resource["status"]["conditions"].as_array()?;
    all.iter().find(|condition| condition["type"] == kind)
}

fn name_of(resource: &Value) -> &str {
    resource["metadata"]["name"].as_str().unwrap_or_default()
}

fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}
