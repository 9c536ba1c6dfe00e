//! The id on the resource: written next after the call, and before anything
//! else.

use std::time::Duration;

use kube::ResourceExt;

use crate::api::keys::RECREATE;
use crate::api::v1alpha1::{MigrationProject, PinnedConnection, Reason};
use crate::controller::audit::{Asker, audit};
use crate::controller::claims::Key;
use crate::controller::context::Context;
use crate::controller::failure::chain;
use crate::controller::kubernetes::Recorded;
use crate::controller::link::{Link, link};
use crate::controller::me::{Me, annotation, retry_word};
use crate::controller::pass::{Error, Step};
use crate::decide::{ReservedConnection, Suspension, body};
use crate::oms;

/// How often the id is written at once before the pass gives its slot back.
/// The next pass goes on with it, from memory.
const RECORD_TRIES: u32 = 5;

/// Writes the id of a project that OMS has made for this resource. `generation`
/// is that of the spec it was made from, where that was read for certain.
pub async fn record(
    context: &Context,
    me: &Me,
    id: &str,
    generation: Option<i64>,
) -> Result<Step, Error> {
    let Some(trace) = context.memory.recall(&me.uid).and_then(|mine| mine.attempt) else {
        return Ok(Step::Again);
    };
    let made_by = trace.reservation;
    let project = Project {
        id,
        name: &made_by.project_name,
        connection: pinned(context, &made_by.connection),
        made_from: Some(&made_by.body_hash),
        asked_by: None,
        is_older: false,
    };
    match write_id(context, me, &project, generation).await? {
        Written::Yes(written) => {
            context.memory.remember(&me.uid, &me.key, |mine| {
                mine.made_by = Some(Box::new(made_by.clone()))
            });
            settle(context, me);
            let note = format!("Project {id} (\"{}\") was created.", made_by.project_name);
            context
                .events
                .normal(&*written, Reason::ProjectCreated, &note)
                .await;
            context.metrics.projects().created(age(context, &written));
            Ok(Step::Reread(written))
        }
        Written::ResourceGone => {
            tracing::warn!(
                target: "audit",
                resource = %me.key, uid = me.uid, project = id,
                "the resource went away while its project was being created; the project stays in OMS"
            );
            context.metrics.projects().left();
            settle(context, me);
            context.memory.forget(&me.uid);
            Ok(Step::Again)
        }
        Written::OtherId(live) => surplus(context, me, &live, &made_by.connection.url, id).await,
        Written::NotAskedFor => Ok(Step::Again),
    }
}

/// How long ago the resource came, if this is its first project.
fn age(context: &Context, written: &MigrationProject) -> Option<Duration> {
    if annotation(written, RECREATE).is_some() {
        return None;
    }
    let came = written.metadata.creation_timestamp.as_ref()?.0;
    Duration::try_from(context.clock.now().duration_since(came)).ok()
}

fn settle(context: &Context, me: &Me) {
    context.memory.remember(&me.uid, &me.key, |mine| {
        mine.made = None;
        mine.attempt = None;
        mine.first_seen = None;
    });
}

/// The connection that a call was made through, as the status names it. The
/// spec may name another one by now.
fn pinned(context: &Context, reserved: &ReservedConnection) -> PinnedConnection {
    let connections = context.connections.state();
    let found = connections
        .iter()
        .find(|connection| connection.uid().as_deref() == Some(reserved.uid.as_str()))
        .map(|connection| Key::of(&**connection));
    PinnedConnection {
        namespace: found.as_ref().map(|key| key.namespace.clone()),
        name: found.map(|key| key.name),
        uid: Some(reserved.uid.clone()),
        url: Some(reserved.url.clone()),
    }
}

/// The id of a project that was there already: found again, or taken over. Of
/// several that ask for one project, by its id or by its name, one gets it.
pub async fn take_over(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: &Link,
    name: &str,
    id: &str,
    why: Why<'_>,
) -> Result<Step, Error> {
    // A space is in no project name, so this is never the lock that a pass
    // holds on the name.
    let id_lock = format!("id {id}");
    let _lock = context.locks.lock(link.live.url.as_str(), &id_lock).await;
    if link.claimant_of(context, id, &me.key).is_some() {
        return Ok(Step::Again);
    }
    if read.metadata.deletion_timestamp.is_none() {
        let held = context.kubernetes.hold(read).await?;
        context.note(&held);
    }
    let (made_from, asked_by) = match why {
        Why::Recovered(made_from) => (Some(made_from), None),
        Why::Adopted => (None, read.metadata.generation),
        Why::Restored => (None, None),
    };
    let project = Project {
        id,
        name,
        connection: link.pin(),
        made_from,
        asked_by,
        is_older: !matches!(why, Why::Recovered(_)),
    };
    match write_id(context, me, &project, None).await? {
        Written::Yes(written) => {
            settle(context, me);
            let note = match why {
                Why::Recovered(_) => format!(
                    "Project {id} (\"{name}\") was created; it was found again after its answer \
                     was lost."
                ),
                Why::Adopted => format!("Project {id} (\"{name}\") was taken over."),
                Why::Restored => {
                    format!("Project {id} (\"{name}\") was found again after a restore.")
                }
            };
            let reason = match why {
                Why::Recovered(_) => Reason::ProjectCreated,
                Why::Adopted | Why::Restored => Reason::ProjectAdopted,
            };
            context.events.normal(&*written, reason, &note).await;
            tracing::info!(target: "audit", resource = %me.key, uid = me.uid, project = id, "{note}");
            Ok(Step::Reread(written))
        }
        Written::ResourceGone | Written::OtherId(_) | Written::NotAskedFor => Ok(Step::Again),
    }
}

/// Why an id is written that no call of this process has returned.
#[derive(Clone, Copy)]
pub enum Why<'a> {
    /// It is the project of this resource's own interrupted create, made from
    /// the spec with this hash.
    Recovered(&'a str),
    /// The resource asked to take it over.
    Adopted,
    /// A restored resource found the project it had before.
    Restored,
}

/// A project whose id is to be written.
struct Project<'a> {
    id: &'a str,
    name: &'a str,
    connection: PinnedConnection,
    /// Hash of the spec that it was made from, where that matters.
    made_from: Option<&'a str>,
    /// Generation of the spec that asks for it. What was made for the resource
    /// is its own, whatever the spec says by now.
    asked_by: Option<i64>,
    /// It was there before this resource was: no word to try again was given for it yet.
    is_older: bool,
}

impl Project<'_> {
    fn mismatches(&self, live: &MigrationProject) -> bool {
        self.made_from
            .is_some_and(|made_from| made_from != body::spec_hash(&live.spec))
    }

    /// Whether the spec has changed since it asked for this project, and may not
    /// ask for it any more.
    fn may_be_unwanted(&self, live: &MigrationProject) -> bool {
        self.asked_by
            .is_some_and(|asked_by| live.metadata.generation != Some(asked_by))
    }
}

enum Written {
    /// The resource carries the id.
    Yes(Box<MigrationProject>),
    /// The resource is gone, or another one has its name.
    ResourceGone,
    /// It carries another id.
    OtherId(Box<MigrationProject>),
    /// Its spec has changed, and has to be read anew.
    NotAskedFor,
}

/// Writes the id until the reply carries it.
async fn write_id(
    context: &Context,
    me: &Me,
    project: &Project<'_>,
    generation: Option<i64>,
) -> Result<Written, Error> {
    let (key, id) = (&me.key, project.id);
    // The generation, whether its spec is another than the project's, and the word that stands.
    let mut known = generation.map(|generation| (generation, false, None));
    let mut wait = Duration::from_millis(50);
    let mut tries = 0;
    loop {
        let (generation, spec_mismatch, word) = match known.clone() {
            Some(known) => known,
            None => match context.kubernetes.live(key).await? {
                Some(live) if live.uid().as_deref() == Some(me.uid.as_str()) => {
                    match any_id(&live) {
                        Some(there) if there == id => return Ok(Written::Yes(Box::new(live))),
                        Some(_) => return Ok(Written::OtherId(Box::new(live))),
                        None if project.may_be_unwanted(&live) => return Ok(Written::NotAskedFor),
                        None => {}
                    }
                    (
                        live.metadata.generation.unwrap_or_default(),
                        project.mismatches(&live),
                        retry_word(&live).filter(|_| project.is_older),
                    )
                }
                _ => return Ok(Written::ResourceGone),
            },
        };
        let recorded = Recorded {
            id,
            name: project.name,
            connection: &project.connection,
            spec_mismatch,
            spent_word: word.as_deref(),
        };
        tries += 1;
        let error = match context
            .kubernetes
            .record_id(key, &me.uid, generation, &recorded)
            .await
        {
            Ok(written) if any_id(&written) == Some(id) => {
                context.note(&written);
                return Ok(Written::Yes(Box::new(written)));
            }
            Ok(_) => Error::NotRecorded,
            Err(error) => {
                // A test failed, or a rule: what stands there now tells which.
                known = if error.is_invalid() || error.is_not_found() {
                    None
                } else {
                    known
                };
                Error::Kubernetes(error)
            }
        };
        if tries >= RECORD_TRIES {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        wait *= 3;
    }
}

fn any_id(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_id.as_deref()
}

/// Another process was faster: its project is the resource's. Ours is deleted
/// again, if it can be seen to be what this process knows of it: not started,
/// and nobody's. Otherwise it is said, and left to a human.
async fn surplus(
    context: &Context,
    me: &Me,
    live: &MigrationProject,
    url: &str,
    id: &str,
) -> Result<Step, Error> {
    context.metrics.projects().surplus();
    let note = match delete_surplus(context, me, live, url, id).await? {
        Ok(()) => format!("Project {id} was made a second time in a race and is deleted again."),
        Err(why) => format!(
            "Project {id} was made a second time in a race, in the OMS at {url}, and is not \
             deleted: {why}. Look at it there."
        ),
    };
    tracing::warn!(target: "audit", resource = %me.key, uid = me.uid, project = id, "{note}");
    context
        .events
        .warning(live, Reason::SurplusProject, &note)
        .await;
    settle(context, me);
    Ok(Step::Again)
}

async fn delete_surplus(
    context: &Context,
    me: &Me,
    live: &MigrationProject,
    url: &str,
    id: &str,
) -> Result<Result<(), String>, Error> {
    let Some(mut link) = link(context, live)
        .await?
        .ok()
        .filter(|link| link.live.is_same_oms(url))
    else {
        return Ok(Err(
            "that OMS cannot be reached through the connection".to_owned()
        ));
    };
    if let Err(why) = look_at_surplus(&mut link, id).await {
        return Ok(Err(why));
    }
    // It was waited for the turn: whether it may be done is asked last.
    match link.suspension(live) {
        None => {}
        Some(Suspension::Resource) => return Ok(Err("spec.suspend is set".to_owned())),
        Some(Suspension::Connection(name)) => {
            return Ok(Err(format!("OMSConnection {name} is suspended")));
        }
    }
    if !link.says_the_same(context) {
        return Ok(Err(format!("OMSConnection {} was changed", link.key)));
    }
    if !context.may_finish_a_change() {
        return Ok(Err("this process does not lead any more".to_owned()));
    }
    if let Some(owner) = link.claimant_of(context, id, &me.key) {
        return Ok(Err(format!(
            "it belongs to MigrationProject {owner} by now"
        )));
    }
    let outcome = link.live.client.delete_project(id).await;
    let asker = Asker {
        key: &me.key,
        uid: &me.uid,
        generation: me.generation,
    };
    audit(&asker, oms::Action::DeleteProject, None, Some(id), &outcome);
    Ok(match outcome.error() {
        None => Ok(()),
        Some(error) => Err(error.to_string()),
    })
}

/// Sees that the surplus project is as its creation left it: or why it is left to a human. From
/// then on the link holds the turn to delete it.
async fn look_at_surplus(link: &mut Link, id: &str) -> Result<(), String> {
    let delete = oms::Action::DeleteProject;
    let turn = link.live.client.in_a_place(delete).await;
    link.take_place_of(&turn.map_err(|error| error.to_string())?);
    let client = &link.live.client;
    match client.describe_project(id).await {
        Ok(project) if project.status.as_deref() == Some("INIT") => {}
        Ok(project) => {
            return Err(format!(
                "it is {} by now",
                project.status.unwrap_or_default()
            ));
        }
        // What was made just now may not be shown yet.
        Err(error) if error.is_not_found() => return Err("OMS does not show it".to_owned()),
        // Known to be INIT all the same: this process has made it just now.
        Err(error) if error.is_unsupported() => {}
        Err(error) => return Err(error.to_string()),
    }
    let prepared = client.prepare(delete).await;
    prepared.map_err(|error| error.to_string())
}

/// Writes the ids that are not written yet, when the process ends. Returns those
/// that could not be.
pub async fn finish(context: &Context, patience: Duration) -> Vec<String> {
    let end = tokio::time::Instant::now() + patience;
    loop {
        let unwritten = context.memory.unwritten();
        if unwritten.is_empty() || tokio::time::Instant::now() >= end {
            return unwritten.into_iter().map(|(_, _, id)| id).collect();
        }
        for (uid, key, id) in unwritten {
            let me = Me {
                key,
                uid,
                generation: 0,
                cause: 0,
            };
            if let Err(error) = record(context, &me, &id, None).await {
                tracing::warn!(resource = %me.key, project = id, error = chain(&error), "id not written yet");
            }
        }
    }
}
