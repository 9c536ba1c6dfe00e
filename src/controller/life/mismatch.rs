//! A project that was made from another spec than the one that stands now: it is
//! looked at where that is possible, and not touched.

use super::observe::observe;
use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::MigrationProject;
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::controller::me::{Me, annotation, is_observed};
use crate::controller::pass::{Error, Step};
use crate::controller::publish;
use crate::decide::{Observed, Provenance, body, classify, lifecycle};

/// Says so. The edited spec may name another OMS.
pub async fn publish(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    link: Option<&Link>,
    id: &str,
) -> Result<Step, Error> {
    let observed = match link {
        Some(link) => observe(context, me, link, id, false).await.ok(),
        None => None,
    };
    let observed = observed.map_or(Observed::Unknown, |(observed, _)| observed);
    let word = match &observed {
        Observed::Present(status) => Some(status.word().to_owned()),
        _ => None,
    };
    let verdict = lifecycle::made_from_another_spec(id);
    publish::publish(context, read, Some(&verdict), |status| {
        status.project_status = word.or(status.project_status.take());
        status.spec_mismatch = Some(true);
        status.create = None;
    })
    .await?;
    Ok(Step::Rest)
}

/// Whether the spec is another than the one the project was created from. From
/// the first look at the project on, the API server keeps them equal; until
/// then the hash in the reservation tells.
pub fn spec_mismatch(context: &Context, me: &Me, read: &MigrationProject, id: &str) -> bool {
    let status = read.status.as_ref();
    let mismatched = status.is_some_and(|status| status.spec_mismatch == Some(true));
    // Whoever adopts takes the project as it is.
    let adopted = read.spec.adopt_project_id() == Some(id) || read.spec.adopt_by_name();
    if (is_observed(read) && !mismatched) || adopted {
        return false;
    }
    let identity = context.identity(&me.key, &me.uid);
    match classify(annotation(read, CREATE_RESERVATION), &identity) {
        Provenance::Own(reservation) => reservation.body_hash != body::spec_hash(&read.spec),
        // Without the reservation nothing more can be told than before.
        _ => mismatched,
    }
}

/// The reservation that tells of another spec than that of today, if it was
/// taken off the resource: `kubectl replace` with an edited manifest does both.
pub fn stripped_reservation(context: &Context, me: &Me, read: &MigrationProject) -> Option<String> {
    let made_by = context.memory.recall(&me.uid)?.made_by?;
    let text = made_by.to_annotation();
    let stands = annotation(read, CREATE_RESERVATION) == Some(text.as_str());
    (!stands && made_by.body_hash != body::spec_hash(&read.spec)).then_some(text)
}
