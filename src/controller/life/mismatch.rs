//! A project that was made from another spec than the one that stands now: it is
//! looked at where that is possible, and not touched.

use super::observe::observe;
use crate::api::keys::CREATE_RESERVATION;
use crate::api::v1alpha1::{MigrationProject, Reason};
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::controller::me::{Me, annotation, is_observed};
use crate::controller::pass::{Error, STALLED_RECHECK, Step};
use crate::controller::{publish, recreate};
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
        Some(link) => observe(context, me, read, link, id, false).await.ok(),
        None => None,
    };
    let observed = observed.map_or(Observed::Unknown, |(observed, _)| observed);
    if observed == Observed::Absent
        && let Some(step) = recreate::begin_anew(context, me, read).await?
    {
        return Ok(step);
    }
    let before = read.status.as_ref();
    let was_gone = before.is_some_and(|status| status.gone == Some(true));
    let verdict = lifecycle::made_from_another_spec(id, &observed, was_gone);
    let gone = verdict.reason == Reason::ProjectGone;
    let verdict = match recreate::hindrance(context, me, read) {
        Some(hindrance) if gone => verdict.and(hindrance),
        _ => verdict,
    };
    publish::publish(context, read, Some(&verdict), |status| {
        match &observed {
            Observed::Present(seen) => status.project_status = Some(seen.word().to_owned()),
            _ if gone => status.project_status = None,
            _ => {}
        }
        status.gone = gone.then_some(true);
        status.spec_mismatch = Some(true);
        status.create = None;
        status.last_error = None;
    })
    .await?;
    // Of what no list shows nobody tells.
    Ok(match observed {
        Observed::Unknown => Step::After(STALLED_RECHECK),
        _ => Step::Rest,
    })
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
