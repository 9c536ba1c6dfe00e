//! Which connection a resource uses, and whether it may and can.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};

use super::claims::{Claim, Key};
use super::connection::former_urls;
use super::context::Context;
use super::create::on_record;
use super::kubernetes;
use super::me::is_held;
use super::pass::{MOMENT, STALLED_RECHECK, SWEEP_WAIT};
use super::registry::Live;
use crate::api::v1alpha1::{
    Adoption, MigrationProject, NamespacesFrom, OMSConnection, PinnedConnection, Reason,
};
use crate::decide::{Answer, Ending, Record, Suspension, Verdict, connection, doubt};
use crate::oms::{self, BaseUrl};

/// A connection that the resource may use and that can be used.
pub struct Link {
    /// Its key.
    pub key: Key,
    /// Client and snapshot.
    pub live: Arc<Live>,
    /// Whether the connection carries our finalizer: only then does it outlive
    /// the projects that are made through it.
    pub held: bool,
    /// Nothing may be changed in its OMS.
    pub suspended: bool,
    /// The generation of its spec that all this is taken from.
    pub generation: Option<i64>,
    /// Why the resource may not take over an existing project, if so.
    pub adoption_refused: Option<String>,
}

impl Link {
    /// The resource that has recorded the project `id` of this OMS, other than `me`. It
    /// may know the OMS by an address that only its own connection calls the same.
    #[must_use]
    pub fn claimant_of(&self, context: &Context, id: &str, me: &Key) -> Option<Key> {
        let is_here = |claim: &Claim| may_be_in(context, &self.live.url, claim);
        context.claims.claimant_of(id, me, is_here)
    }

    /// Whether the connection is as it was when the link was made: what it is needed for has
    /// perhaps waited for its turn.
    #[must_use]
    pub fn still_holds(&self, context: &Context) -> bool {
        context.connection(&self.key).is_some_and(|connection| {
            connection.metadata.deletion_timestamp.is_none()
                && is_held(&*connection)
                && leads_there(&connection, &self.live)
        })
    }

    /// Whether what the connection asks for is still what the link was made from: whether it is
    /// suspended, which policies it allows, where it leads.
    #[must_use]
    pub fn says_the_same(&self, context: &Context) -> bool {
        context.connection(&self.key).is_some_and(|connection| {
            connection.metadata.uid.as_deref() == Some(self.live.uid.as_str())
                && connection.metadata.generation == self.generation
        })
    }

    /// Goes on in the place that `holder` has among the calls under way, if that is one of
    /// the same OMS.
    pub fn take_place_of(&mut self, holder: &oms::Client) -> bool {
        if *holder.base() != self.live.url {
            return false;
        }
        let live = Arc::make_mut(&mut self.live);
        live.client = live.client.in_place_of(holder);
        true
    }

    /// What a project is pinned to that was seen through this connection.
    #[must_use]
    pub fn pin(&self) -> PinnedConnection {
        PinnedConnection {
            namespace: Some(self.key.namespace.clone()),
            name: Some(self.key.name.clone()),
            uid: Some(self.live.uid.clone()),
            url: Some(self.live.url.to_string()),
        }
    }

    /// Who keeps the operator from changing anything for `project`.
    #[must_use]
    pub fn suspension(&self, project: &MigrationProject) -> Option<Suspension> {
        if project.spec.is_suspended() {
            return Some(Suspension::Resource);
        }
        self.suspended
            .then(|| Suspension::Connection(self.key.to_string()))
    }
}

/// What stands between a resource and its connection.
pub enum Blocked {
    /// The connections are only just being looked at; it is a matter of
    /// moments, and not worth a word. To be asked again after this time.
    NotYet(Duration),
    /// Something to say.
    Because(Verdict),
}

/// Whether the project of a claim may be in the OMS at `url`. Where the connection of the
/// claim leads there by now, and does not know the address under which the project was
/// recorded, nobody can tell: until a human says which OMS that was, the project is not given
/// to somebody else. In another OMS an equal id is nobody's own, so that costs nothing there.
#[must_use]
pub fn may_be_in(context: &Context, url: &BaseUrl, claim: &Claim) -> bool {
    let Some(pinned) = claim.pinned_url.as_deref() else {
        return true;
    };
    let mut connections = claim.connections();
    is_same_oms(context, url, pinned) || connections.any(|key| leads_to(context, key, url))
}

/// Whether both are addresses of one OMS, as far as any connection tells: as they are in use,
/// and as they are written, as a client may only just be made, or its Secret be missing.
#[must_use]
pub fn is_same_oms(context: &Context, url: &BaseUrl, other: &str) -> bool {
    let names = |connection: &OMSConnection| {
        let addresses = addresses(connection);
        let has = |url: &str| addresses.iter().any(|address| address.as_str() == url);
        has(url.as_str()) && has(other)
    };
    context.registry.is_same_oms(url.as_str(), other)
        || context.connections.state().iter().any(|it| names(it))
}

/// Whether a connection, as it is written, leads to the OMS at `url`.
#[must_use]
pub fn leads_to(context: &Context, key: &Key, url: &BaseUrl) -> bool {
    let connection = context.connection(key);
    let addresses = connection.map(|connection| addresses(&connection));
    let mut addresses = addresses.into_iter().flatten();
    addresses.any(|address| is_same_oms(context, url, address.as_str()))
}

/// Every address of a connection's OMS that can be read.
fn addresses(connection: &OMSConnection) -> Vec<BaseUrl> {
    let url = BaseUrl::parse(&connection.spec.url).ok();
    url.into_iter().chain(former_urls(connection)).collect()
}

/// Finds the connection of `project`, or says what stands in the way. A deletion has to end: what
/// is still not there after minutes is in its way as whatever else is.
pub async fn link(
    context: &Context,
    project: &MigrationProject,
) -> Result<Result<Link, Blocked>, kubernetes::Error> {
    let found = find(context, project).await?;
    if project.metadata.deletion_timestamp.is_none() {
        return Ok(found);
    }
    let waits = matches!(found, Err(Blocked::NotYet(_)));
    let uid = project.uid().unwrap_or_default();
    let waited = context.memory.unlinked(&uid, &Key::of(project), waits);
    Ok(match waited < STALLED_RECHECK {
        true => found,
        false => Err(Blocked::Because(Verdict::progressing(
            Reason::Deleting,
            "Waiting for its OMSConnection, which this process has not been able to look at yet.",
        ))),
    })
}

async fn find(
    context: &Context,
    project: &MigrationProject,
) -> Result<Result<Link, Blocked>, kubernetes::Error> {
    if !context.connections_synced.load(Ordering::Relaxed) {
        return Ok(Err(Blocked::NotYet(MOMENT)));
    }
    let me = Key::of(project);
    let Some(key) = context.claims.connection_of(project) else {
        return Ok(Err(stalled(
            Reason::NoConnection,
            "spec.connectionRef is not set, and the operator was started without \
             --default-connection NAMESPACE/NAME: set one of the two.",
        )));
    };
    let Some(connection) = context.connection(&key) else {
        // Whoever applies a folder may apply the connection a moment later.
        return Ok(Err(Blocked::Because(Verdict::progressing(
            Reason::ConnectionNotFound,
            format!(
                "Waiting for OMSConnection {key}: there is none (or it is not among the \
                 namespaces and labels that this operator watches). Create it, or correct \
                 spec.connectionRef."
            ),
        ))));
    };
    if !is_allowed(context, &connection, &key, &me.namespace).await? {
        return Ok(Err(stalled(
            Reason::ConnectionNotAllowed,
            format!(
                "OMSConnection {key} does not allow the namespace {}: its spec.allowedNamespaces \
                 has to include it.",
                me.namespace
            ),
        )));
    }
    let held = is_held(&*connection);
    let goes = connection.metadata.deletion_timestamp.is_some();
    if goes && (!held || !has_something_in_oms(context, project)) {
        return Ok(Err(Blocked::Because(Verdict::progressing(
            Reason::ConnectionNotReady,
            format!("OMSConnection {key} is being deleted; waiting for a new one."),
        ))));
    }
    let entry = context.registry.get(&key);
    if let Some(verdict) = entry
        .live
        .as_ref()
        .and_then(|live| moved(project, &key, live))
    {
        return Ok(Err(Blocked::Because(verdict)));
    }
    if let Some(problem) = entry.trouble() {
        let verdict = connection::waits_for(&key.to_string(), problem);
        return Ok(Err(Blocked::Because(verdict)));
    }
    // What is written is not in use before the connection's own reconcile has seen it: until
    // then nothing is asked for where it led before.
    let live = match (entry.live, entry.answer) {
        (Some(live), Answer::Good) if leads_there(&connection, &live) => live,
        // The first answer wakes whoever waits for it, as a first client does.
        // Before it, thousands would find out one by one that the password is wrong.
        _ => return Ok(Err(Blocked::NotYet(SWEEP_WAIT))),
    };
    if let Some(verdict) = doubtful(project, &key, &live) {
        return Ok(Err(Blocked::Because(verdict)));
    }
    let adoption_refused = adoption_refused(&connection, &key, &me.namespace);
    Ok(Ok(Link {
        suspended: connection.spec.is_suspended(),
        generation: connection.metadata.generation,
        key,
        live,
        held,
        adoption_refused,
    }))
}

/// Whether what is in use is of this very connection, and of the addresses that it names by now.
fn leads_there(connection: &OMSConnection, live: &Live) -> bool {
    connection.metadata.uid.as_deref() == Some(live.uid.as_str())
        && former_urls(connection) == live.former_urls
        && BaseUrl::parse(&connection.spec.url).is_ok_and(|url| url == live.url)
}

/// Whether something of the resource is, or may be, in OMS: only then is its
/// connection of use to it while that is being deleted.
#[must_use]
pub fn has_something_in_oms(context: &Context, project: &MigrationProject) -> bool {
    let remembered = context
        .memory
        .recall(project.uid().as_deref().unwrap_or_default());
    let (made, attempt) = remembered.map_or((None, None), |mine| (mine.made, mine.attempt));
    let now = context.clock.now();
    let in_flight = attempt.as_ref().is_some_and(|trace| {
        matches!(trace.ending, Ending::Unknown { .. })
            // It may only just be reserved, and its call be about to be made.
            || now <= trace.reservation.not_after
    });
    // Which attempt a refusal was of is told by the record alone: a later one may be reserved.
    // That none was made under a reservation perhaps nobody but this process knows.
    let record = || {
        let cluster = Some(&*context.settings.cluster);
        on_record(project, attempt.map(|trace| *trace), cluster, now)
    };
    let status = project.status.as_ref();
    status.is_some_and(|status| status.project_id.is_some())
        || made.is_some()
        || in_flight
        || !matches!(record(), Record::Fresh { .. })
}

fn stalled(reason: Reason, message: impl Into<String>) -> Blocked {
    Blocked::Because(Verdict::stalled(reason, message))
}

/// A project lives in the OMS that it was made in. Another address may be
/// another OMS, where its id means nothing or, worse, another project.
fn moved(project: &MigrationProject, key: &Key, live: &Live) -> Option<Verdict> {
    let pinned = project
        .status
        .as_ref()?
        .connection
        .as_ref()?
        .url
        .as_deref()?;
    if live.is_same_oms(pinned) {
        return None;
    }
    Some(Verdict::stalled(
        Reason::EndpointChanged,
        format!(
            "The project was made in the OMS at {pinned}, but OMSConnection {key} now leads to \
             {}. Nothing is read or changed there. If it is the same OMS under a new address, say \
             so in the connection: spec.formerUrls: [\"{pinned}\"]",
            live.url
        ),
    ))
}

/// While many projects of an OMS have vanished at once, nothing is concluded from
/// what it does not show: neither that a project is gone nor that a name is free.
fn doubtful(project: &MigrationProject, key: &Key, live: &Live) -> Option<Verdict> {
    live.vanished.doubt()?;
    match recorded_id(project) {
        Some(id) if live.vanished.is_doubtful(id) => Some(doubt::of_project(id, &key.to_string())),
        Some(_) => None,
        None => Some(connection::waits_for(
            &key.to_string(),
            &doubt::of_creation(),
        )),
    }
}

fn recorded_id(project: &MigrationProject) -> Option<&str> {
    project.status.as_ref()?.project_id.as_deref()
}

async fn is_allowed(
    context: &Context,
    connection: &OMSConnection,
    key: &Key,
    namespace: &str,
) -> Result<bool, kubernetes::Error> {
    if key.namespace == namespace {
        return Ok(true);
    }
    match connection.spec.allowed_from() {
        NamespacesFrom::Same => Ok(false),
        NamespacesFrom::All => Ok(true),
        NamespacesFrom::Selector => {
            let allowed = connection.spec.allowed_namespaces.as_ref();
            // The schema demands one; an empty one matches everything, as
            // everywhere in Kubernetes.
            let Some(selector) = allowed.and_then(|allowed| allowed.selector.clone()) else {
                return Ok(false);
            };
            let Ok(selector) = Selector::try_from(selector) else {
                return Ok(false);
            };
            let labels = context.kubernetes.namespace_labels(namespace).await?;
            Ok(selector.matches(&labels))
        }
    }
}

fn adoption_refused(connection: &OMSConnection, key: &Key, namespace: &str) -> Option<String> {
    match connection.spec.adoption() {
        Adoption::Any => None,
        Adoption::SameNamespace if key.namespace == namespace => None,
        Adoption::SameNamespace => Some(format!(
            "OMSConnection {key} lets only resources of its own namespace take over projects \
             (its spec.adoption)"
        )),
        Adoption::None => Some(format!(
            "OMSConnection {key} lets nobody take over projects (its spec.adoption)"
        )),
    }
}
