//! Which connection a resource uses, and whether it may and can.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kube::core::{Selector, SelectorExt};
use kube::runtime::reflector::ObjectRef;

use super::claims::Key;
use super::context::Context;
use super::kubernetes;
use super::me::is_held;
use super::pass::{MOMENT, SWEEP_WAIT};
use super::registry::Live;
use crate::api::v1alpha1::{Adoption, MigrationProject, NamespacesFrom, OMSConnection, Reason};
use crate::decide::{Answer, Suspension, Verdict, connection};

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
    /// Why the resource may not take over an existing project, if so.
    pub adoption_refused: Option<String>,
}

impl Link {
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

/// Finds the connection of `project`, or says what stands in the way.
pub async fn link(
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
    let reference = ObjectRef::new(&key.name).within(&key.namespace);
    let Some(connection) = context.connections.get(&reference) else {
        // Whoever applies a folder may apply the connection a moment later.
        return Ok(Err(Blocked::Because(Verdict::progressing(
            Reason::ConnectionNotFound,
            format!(
                "Waiting for OMSConnection {key}: there is none (or it lies outside of the \
                 namespaces that this operator watches). Create it, or correct spec.connectionRef."
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
    if !held && connection.metadata.deletion_timestamp.is_some() {
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
    let live = match (entry.live, entry.answer) {
        (Some(live), Answer::Good) => live,
        // The first answer wakes whoever waits for it, as a first client does.
        // Before it, thousands would find out one by one that the password is wrong.
        _ => return Ok(Err(Blocked::NotYet(SWEEP_WAIT))),
    };
    let adoption_refused = adoption_refused(&connection, &key, &me.namespace);
    Ok(Ok(Link {
        suspended: connection.spec.is_suspended(),
        key,
        live,
        held,
        adoption_refused,
    }))
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
             so in the connection:\n  spec:\n    formerUrls: [\"{pinned}\"]",
            live.url
        ),
    ))
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
