//! The id on the resource: written next after the call, and before anything
//! else.

use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use crate::api::v1alpha1::{MigrationProject, PinnedConnection, Reason};
use crate::controller::audit::{Asker, audit};
use crate::controller::claims::Key;
use crate::controller::context::Context;
use crate::controller::link::{Link, link};
use crate::controller::me::Me;
use crate::controller::pass::{Error, Step};
use crate::decide::create::Provenance;
use crate::oms;

/// How soon a surplus project is taken up again whose connection cannot be used
/// just now.
const SURPLUS_RETRY: Duration = Duration::from_secs(5);

/// How often the id is written at once before the pass gives its slot back.
/// The next pass goes on with it, from memory.
const RECORD_TRIES: u32 = 5;

/// Writes the id of a project that OMS has made for this resource.
pub async fn record(context: &Context, me: &Me, id: &str) -> Result<Step, Error> {
    let Some(trace) = context.memory.recall(&me.uid).and_then(|mine| mine.attempt) else {
        return Ok(Step::Again);
    };
    let reservation = trace.reservation;
    let made_by = reservation.clone();
    let pinned = PinnedConnection {
        uid: Some(reservation.connection.uid),
        url: Some(reservation.connection.url),
        ..pinned_name(context, &me.key)
    };
    match write_id(
        context,
        &me.key,
        &me.uid,
        id,
        &reservation.project_name,
        &pinned,
    )
    .await?
    {
        Written::Yes(written) => {
            let made_by = made_by.clone();
            context
                .memory
                .remember(&me.uid, &me.key, |mine| mine.made_by = Some(made_by));
            settle(context, me);
            let note = format!(
                "Project {id} (\"{}\") was created.",
                reservation.project_name
            );
            context
                .events
                .normal(&*written, Reason::ProjectCreated, &note)
                .await;
            context.metrics.project_created();
            Ok(Step::Reread(written))
        }
        Written::ResourceGone => {
            tracing::warn!(
                target: "audit",
                resource = %me.key, uid = me.uid, project = id,
                "the resource went away while its project was being created; the project stays in OMS"
            );
            context.metrics.project_left();
            settle(context, me);
            context.memory.forget(&me.uid);
            Ok(Step::Again)
        }
        Written::OtherId(live) => surplus(context, me, &live, &made_by.connection.url, id).await,
    }
}

fn settle(context: &Context, me: &Me) {
    context.memory.remember(&me.uid, &me.key, |mine| {
        mine.made = None;
        mine.attempt = None;
        mine.first_seen = None;
    });
}

fn pinned_name(context: &Context, key: &Key) -> PinnedConnection {
    let reference = ObjectRef::new(&key.name).within(&key.namespace);
    let connection = context
        .projects
        .get(&reference)
        .and_then(|project| context.claims.connection_of(&project));
    PinnedConnection {
        namespace: connection.as_ref().map(|key| key.namespace.clone()),
        name: connection.map(|key| key.name),
        ..PinnedConnection::default()
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
    why: Provenance,
) -> Result<Step, Error> {
    // A space is in no project name, so this is never the lock that a pass
    // holds on the name.
    let id_lock = format!("id {id}");
    let _lock = context.locks.lock(link.live.url.as_str(), &id_lock).await;
    let same_oms = |url: &str| link.live.is_same_oms(url);
    if context.claims.claimant_of(id, &me.key, same_oms).is_some() {
        return Ok(Step::Again);
    }
    if read.metadata.deletion_timestamp.is_none() {
        let held = context.kubernetes.hold(read).await?;
        context.claims.note(&held);
    }
    let pinned = PinnedConnection {
        namespace: Some(link.key.namespace.clone()),
        name: Some(link.key.name.clone()),
        uid: Some(link.live.uid.clone()),
        url: Some(link.live.url.to_string()),
    };
    match write_id(context, &me.key, &me.uid, id, name, &pinned).await? {
        Written::Yes(written) => {
            settle(context, me);
            let note = match why {
                Provenance::Recovered => format!(
                    "Project {id} (\"{name}\") was created; it was found again after its answer \
                     was lost."
                ),
                Provenance::Adopted => format!("Project {id} (\"{name}\") was taken over."),
                Provenance::Restored => {
                    format!("Project {id} (\"{name}\") was found again after a restore.")
                }
            };
            let reason = match why {
                Provenance::Recovered => Reason::ProjectCreated,
                Provenance::Adopted | Provenance::Restored => Reason::ProjectAdopted,
            };
            context.events.normal(&*written, reason, &note).await;
            tracing::info!(target: "audit", resource = %me.key, uid = me.uid, project = id, "{note}");
            Ok(Step::Reread(written))
        }
        Written::ResourceGone | Written::OtherId(_) => Ok(Step::Again),
    }
}

enum Written {
    /// The resource carries the id.
    Yes(Box<MigrationProject>),
    /// The resource is gone, or another one has its name.
    ResourceGone,
    /// It carries another id.
    OtherId(Box<MigrationProject>),
}

/// Writes the id until the reply carries it.
async fn write_id(
    context: &Context,
    key: &Key,
    uid: &str,
    id: &str,
    name: &str,
    pinned: &PinnedConnection,
) -> Result<Written, Error> {
    let mut wait = Duration::from_millis(50);
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match context
            .kubernetes
            .record_id(key, uid, id, name, pinned)
            .await
        {
            Ok(written) if has_id(&written, id) => {
                context.claims.note(&written);
                return Ok(Written::Yes(Box::new(written)));
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        // Refused for good, or only not answered: what stands there tells.
        if error
            .as_ref()
            .is_none_or(|error| error.is_invalid() || error.is_not_found())
        {
            match context.kubernetes.live(key).await {
                Ok(None) => return Ok(Written::ResourceGone),
                Ok(Some(live)) if live.uid().as_deref() != Some(uid) => {
                    return Ok(Written::ResourceGone);
                }
                Ok(Some(live)) if has_id(&live, id) => return Ok(Written::Yes(Box::new(live))),
                Ok(Some(live)) if any_id(&live).is_some() => {
                    return Ok(Written::OtherId(Box::new(live)));
                }
                Ok(Some(_)) | Err(_) => {}
            }
        }
        if tries >= RECORD_TRIES {
            return Err(match error {
                Some(error) => Error::Kubernetes(error),
                None => Error::NotRecorded,
            });
        }
        tokio::time::sleep(wait).await;
        wait *= 3;
    }
}

fn any_id(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_id.as_deref()
}

fn has_id(project: &MigrationProject, id: &str) -> bool {
    any_id(project) == Some(id)
}

/// Another process was faster: its project is the resource's, and ours, of
/// which we know that nobody has started it, is deleted again.
async fn surplus(
    context: &Context,
    me: &Me,
    live: &MigrationProject,
    url: &str,
    id: &str,
) -> Result<Step, Error> {
    let Some(link) = link(context, live).await?.ok() else {
        return Ok(Step::After(SURPLUS_RETRY));
    };
    context.metrics.surplus_project();
    if !link.live.is_same_oms(url) {
        let note = format!(
            "Project {id} was made a second time in a race, in the OMS at {url}, where \
             OMSConnection {} does not lead any more. Delete it there: nobody uses it.",
            link.key
        );
        context
            .events
            .warning(live, Reason::SurplusProject, &note)
            .await;
        settle(context, me);
        return Ok(Step::Again);
    }
    let outcome = link.live.client.delete_project(id).await;
    let asker = Asker {
        key: &me.key,
        uid: &me.uid,
        generation: me.generation,
    };
    audit(&asker, oms::Action::DeleteProject, id, &outcome);
    let note = match outcome.error() {
        None => format!("Project {id} was made a second time in a race and is deleted again."),
        Some(error) => format!(
            "Project {id} was made a second time in a race, and deleting it again failed \
             ({error}). Delete it in OMS: nobody uses it."
        ),
    };
    context
        .events
        .warning(live, Reason::SurplusProject, &note)
        .await;
    settle(context, me);
    Ok(Step::Again)
}
