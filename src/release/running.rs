//! Whether an operator still runs.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use tokio::time::{Instant, sleep};

use super::{Options, key};
use crate::api::v1alpha1::MigrationProject;
use crate::controller::is_held;
use crate::lease::LABEL;

/// Between two looks at what may change.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The longest time that a Lease is watched for a sign of life, whatever it says
/// itself; the default is 15 s.
const LONGEST_LEASE: Duration = Duration::from_secs(60);

/// A process that leads.
pub(super) struct Leader {
    /// Namespace of the Lease.
    pub(super) namespace: String,
    /// Name of the Lease.
    pub(super) lease: String,
    /// Who it is.
    pub(super) holder: String,
}

/// The operator that holds a Lease and gives a sign of life. By the rules of
/// leader election: the times in the Lease are another machine's, so what counts is
/// whether it changes within its own duration.
///
/// Whoever may not read Leases finds none; then it shows by what is taken back.
pub(super) async fn leader(client: &Client, options: &Options) -> Option<Leader> {
    let first = held(client, options).await;
    let lives = |lease: &Lease| {
        let seconds = spec(lease).and_then(|spec| spec.lease_duration_seconds);
        let seconds = u64::try_from(seconds.unwrap_or_default()).unwrap_or_default();
        Duration::from_secs(seconds).min(LONGEST_LEASE)
    };
    let end = Instant::now() + first.iter().map(lives).max()?;
    while Instant::now() < end {
        sleep(LOOK_AGAIN).await;
        for lease in held(client, options).await {
            let same_place = |one: &&Lease| key(*one) == key(&lease);
            let before = first.iter().find(same_place);
            if before.is_none_or(|before| before.spec != lease.spec) {
                return Some(Leader {
                    namespace: lease.namespace().unwrap_or_default(),
                    lease: lease.name_any(),
                    holder: holder(&lease).unwrap_or_default().to_owned(),
                });
            }
        }
    }
    None
}

/// The Leases which somebody holds: the one whose name was given, or else all of
/// operators, by their label.
async fn held(client: &Client, options: &Options) -> Vec<Lease> {
    let api: Api<Lease> = match &options.lease_namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let listed = api.list(&ListParams::default()).await;
    let mut leases: Vec<Lease> = listed.into_iter().flatten().collect();
    let ours = |lease: &Lease| match &options.lease_name {
        Some(name) => lease.name_any() == *name,
        None => lease.labels().contains_key(LABEL),
    };
    leases.retain(|lease| ours(lease) && holder(lease).is_some());
    leases
}

fn spec(lease: &Lease) -> Option<&LeaseSpec> {
    lease.spec.as_ref()
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = spec(lease)?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// Watches for a while what was let go of; gives the first that is held again.
pub(super) async fn taken_back(
    client: &Client,
    released: &[&MigrationProject],
    watch_for: Duration,
) -> Option<String> {
    if released.is_empty() {
        return None;
    }
    let end = Instant::now() + watch_for;
    loop {
        for project in released {
            let namespace = project.namespace().unwrap_or_default();
            let api: Api<MigrationProject> = Api::namespaced(client.clone(), &namespace);
            let now = api.get_opt(&project.name_any()).await;
            let now = now.ok().flatten().filter(|now| now.uid() == project.uid());
            if now.is_some_and(|now| is_held(&now)) {
                return Some(key(*project));
            }
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(LOOK_AGAIN).await;
    }
}
