//! What a resource claims.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::Key;
use crate::api::keys;
use crate::api::v1alpha1::{CreateOutcome, DeletionPolicy, MigrationProject, PinnedConnection};
use crate::decide::Reservation;

/// What one resource claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The UID of the resource.
    pub uid: String,
    /// The project name it has or wants.
    pub project_name: String,
    /// The connection it uses.
    pub connection: Option<Arc<Key>>,
    /// The connection its id was recorded through, where that is another one.
    recorded_through: Option<Box<Key>>,
    /// The OMS its id belongs to, once it has one.
    pub pinned_url: Option<Arc<str>>,
    /// The project it has.
    pub project_id: Option<String>,
    /// It was found gone, or is on its way: that it is not there surprises nobody.
    pub(super) may_be_gone: bool,
    /// The lag that it calls caught up, in seconds.
    pub(super) max_lag: u64,
    /// The project it wants to take over, by its id.
    pub(super) adopts: Option<Box<str>>,
    /// The name that its own create reservation speaks of. It is another than the
    /// wanted one while an attempt is open whose resource was renamed meanwhile:
    /// what that attempt may have made is this resource's all the same.
    reserved: Option<Box<str>>,
    pub(super) created: Option<Timestamp>,
    /// The resourceVersion, which numbers the versions of an object in order
    /// (Kubernetes API conventions, since 1.35 for clients too).
    pub(super) version: u128,
}

impl Claim {
    /// What `project` claims, which has or wants this project name, and uses this connection.
    pub(super) fn of(
        project: &MigrationProject,
        project_name: String,
        connection: Option<Key>,
    ) -> Self {
        let status = project.status.as_ref();
        let pinned = status.and_then(|status| status.connection.as_ref());
        Self {
            uid: project.uid().unwrap_or_default(),
            project_name,
            recorded_through: recorded_through(pinned)
                .filter(|key| Some(key) != connection.as_ref())
                .map(Box::new),
            connection: connection.map(Arc::new),
            pinned_url: pinned.and_then(|pinned| Some(pinned.url.as_deref()?.into())),
            project_id: status.and_then(|status| status.project_id.clone()),
            may_be_gone: may_be_gone(project),
            adopts: project.spec.adopt_project_id().map(Into::into),
            max_lag: project.spec.max_lag().as_secs(),
            reserved: own_reservation(project).map(Into::into),
            created: project.creation_timestamp().map(|time| time.0),
            version: version_of(project),
        }
    }

    /// The connections through which its project may be reached.
    pub fn connections(&self) -> impl Iterator<Item = &Key> {
        let connection = self.connection.as_deref();
        connection
            .into_iter()
            .chain(self.recorded_through.as_deref())
    }

    /// The names that nobody else gets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let wanted = std::iter::once(self.project_name.as_str());
        let reserved = self.reserved.as_deref();
        let reserved =
            reserved.filter(|name| self.project_id.is_none() && **name != self.project_name);
        wanted.chain(reserved)
    }

    /// Of two claims to one name the greater comes first: who has a project,
    /// then who has reserved, then the older.
    pub(super) fn rank(
        &self,
        name: &str,
        key: &Key,
    ) -> (bool, bool, Reverse<Option<Timestamp>>, Reverse<Key>) {
        let older = Reverse(self.created);
        (
            self.project_id.is_some(),
            self.reserved.as_deref() == Some(name),
            older,
            Reverse(key.clone()),
        )
    }
}

/// A claim that is given up, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Whose it was.
    pub key: Key,
    /// What it was.
    pub claim: Claim,
    /// The resource is no more; else it has or wants another name now, or uses another
    /// connection.
    pub is_gone: bool,
}

impl GivenUp {
    pub(super) fn by_who_is_gone(key: Key, claim: Claim) -> Self {
        Self {
            key,
            claim,
            is_gone: true,
        }
    }
}

/// The resourceVersion as a number; 0 where it is none.
pub(super) fn version_of(project: &MigrationProject) -> u128 {
    let version = project.metadata.resource_version.as_deref();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

/// Whether the project of a resource was found gone, or is being deleted together
/// with it. The last word before that is RELEASED, or INIT of one that never ran:
/// what such a one leaves behind in another OMS moves no data.
fn may_be_gone(project: &MigrationProject) -> bool {
    let Some(status) = &project.status else {
        return false;
    };
    let word = status.project_status.as_deref();
    let leaves = project.metadata.deletion_timestamp.is_some()
        && project.spec.deletion_policy() == DeletionPolicy::Delete
        && matches!(word, Some("RELEASED" | "INIT"));
    status.gone == Some(true) || leaves
}

fn recorded_through(pinned: Option<&PinnedConnection>) -> Option<Key> {
    let pinned = pinned?;
    Some(Key {
        namespace: pinned.namespace.clone()?,
        name: pinned.name.clone()?,
    })
}

/// The name that a reservation speaks of which was written for this resource; one
/// that was copied onto it claims nothing, and neither does one of an attempt that is known to
/// have done nothing.
fn own_reservation(project: &MigrationProject) -> Option<String> {
    let text = project.annotations().get(keys::CREATE_RESERVATION)?;
    let reservation = serde_json::from_str::<Reservation>(text).ok()?;
    let written_for = Key {
        namespace: reservation.namespace,
        name: reservation.name,
    };
    let own = written_for == Key::of(project) && Some(reservation.uid) == project.uid();
    let create = project.status.as_ref().and_then(|it| it.create.as_ref());
    let ended = create.is_some_and(|create| {
        create.outcome == Some(CreateOutcome::NotDone) && create.at == Some(reservation.at)
    });
    (own && !ended).then_some(reservation.project_name)
}
