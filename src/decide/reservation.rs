//! The reservation: what is written on the resource before CreateProject is
//! called, so that no crash can forget that a project may have been made.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long after it was written a reservation may still be used for a call.
///
/// It bounds how late a process that was stopped between the write and the
/// call can still send it; ten seconds are far above one write and far below
/// anything a human waits for.
pub const RESERVATION_VALID_FOR: SignedDuration = SignedDuration::from_secs(10);

/// A reservation that is older than this when a process first sees it is no
/// longer taken for an interrupted create, but for the trace of a restore.
pub const RESERVATION_STALE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The version of the annotation's format that this code writes and reads.
const VERSION: u32 = 1;

/// Which resource this is, beyond any doubt: the same name in another cluster
/// or namespace, and a re-created one, differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The UID of the namespace `kube-system`, the usual name of a cluster.
    pub cluster: String,
    /// The namespace of the resource.
    pub namespace: String,
    /// The name of the resource.
    pub name: String,
    /// The UID of the resource.
    pub uid: String,
}

/// The OMS that an attempt was made on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedConnection {
    /// UID of the `OMSConnection`.
    pub uid: String,
    /// Its normalised URL: this, not the UID, says which OMS it is.
    pub url: String,
}

/// The content of the annotation `oms.oceanbase.com/create-reservation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Version of this format.
    pub v: u32,
    /// Identity of the cluster that wrote it.
    pub cluster: String,
    /// Namespace of the resource it was written on.
    pub namespace: String,
    /// Name of the resource it was written on.
    pub name: String,
    /// UID of the resource it was written on.
    pub uid: String,
    /// Counts the calls that may have been made for this resource.
    pub attempt: u32,
    /// When it was written; with `attempt`, what names this attempt.
    pub at: Timestamp,
    /// CreateProject is not called after this moment.
    pub not_after: Timestamp,
    /// The OMS that is called.
    pub connection: ReservedConnection,
    /// The name the project gets in OMS.
    pub project_name: String,
    /// Hash of what of the spec makes the request body.
    pub body_hash: String,
    /// Projects with this name that were there before: never ours.
    pub known_ids: Vec<String>,
    /// When the name was looked up, by OMS's own clock where it tells it.
    pub looked_at: Timestamp,
    /// The value of the annotation `oms.oceanbase.com/retry` that this attempt
    /// answers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// Attempts of unknown outcome before this one, since a human last asked. After a crash
    /// nothing else tells it: `attempt` counts those that did nothing, too.
    #[serde(default)]
    pub unknown_attempts: u32,
}

impl Reservation {
    /// A reservation of `identity` for the given attempt, valid from `at`.
    #[must_use]
    pub fn new(identity: &Identity, attempt: u32, at: Timestamp, target: Target) -> Self {
        Self {
            v: VERSION,
            cluster: identity.cluster.clone(),
            namespace: identity.namespace.clone(),
            name: identity.name.clone(),
            uid: identity.uid.clone(),
            attempt,
            at,
            not_after: at + RESERVATION_VALID_FOR,
            connection: target.connection,
            project_name: target.project_name,
            body_hash: target.body_hash,
            known_ids: target.known_ids,
            looked_at: target.looked_at,
            retry: target.retry,
            unknown_attempts: target.unknown_attempts,
        }
    }

    /// Whether its texts fit into `status.create`, whose schema bounds them.
    /// Whoever may edit the annotation may write any text into it.
    #[must_use]
    pub fn can_be_recorded(&self) -> bool {
        let short = |text: &str, limit: usize| text.chars().count() <= limit;
        short(&self.project_name, 256)
            && short(&self.body_hash, 128)
            && short(&self.connection.uid, 64)
            && short(&self.connection.url, 2048)
            && self.retry.as_deref().is_none_or(|retry| short(retry, 1024))
            && self.known_ids.len() <= 200
            && self.known_ids.iter().all(|id| short(id, 256))
    }

    /// Whether its times leave room to add and subtract waits. Whoever may edit
    /// the annotation may write any time into it.
    #[must_use]
    pub fn can_be_reckoned_with(&self) -> bool {
        let room = SignedDuration::from_hours(24 * 366);
        [self.at, self.not_after, self.looked_at]
            .into_iter()
            .all(|time| time.checked_add(room).is_ok() && time.checked_sub(room).is_ok())
    }

    /// Whether both are one attempt: number and time together name it.
    #[must_use]
    pub fn is_same_attempt(&self, other: &Self) -> bool {
        self.attempt == other.attempt && self.at == other.at
    }

    /// The text of the annotation.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a new attempt is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The OMS to call.
    pub connection: ReservedConnection,
    /// The project's name there.
    pub project_name: String,
    /// Hash of the spec that makes the body.
    pub body_hash: String,
    /// Ids of projects that have the name already.
    pub known_ids: Vec<String>,
    /// When they were looked up.
    pub looked_at: Timestamp,
    /// The human's word that this attempt answers to.
    pub retry: Option<String>,
    /// Attempts of unknown outcome before.
    pub unknown_attempts: u32,
}

/// Where a reservation found on a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// There is none.
    None,
    /// Written for this very resource.
    Own(Reservation),
    /// Written for another resource: copied by hand or by a tool. It says
    /// nothing about this one.
    Foreign(Reservation),
    /// Written for a resource of this identity that is no more: a restore.
    Restored(Reservation),
    /// Not readable: no conclusion at all can be drawn from it.
    Invalid(String),
}

/// Says where the text of a reservation annotation comes from.
#[must_use]
pub fn classify(annotation: Option<&str>, identity: &Identity) -> Provenance {
    let Some(text) = annotation else {
        return Provenance::None;
    };
    let reservation: Reservation = match serde_json::from_str(text) {
        Ok(reservation) => reservation,
        Err(error) => return Provenance::Invalid(error.to_string()),
    };
    if reservation.v != VERSION {
        return Provenance::Invalid(format!(
            "format version {} is not known, this operator reads {VERSION}",
            reservation.v
        ));
    }
    if !reservation.can_be_recorded() {
        return Provenance::Invalid(
            "its texts are longer than any this operator writes".to_owned(),
        );
    }
    if !reservation.can_be_reckoned_with() {
        return Provenance::Invalid("its times lie at the ends of the calendar".to_owned());
    }
    let same_place = reservation.cluster == identity.cluster
        && reservation.namespace == identity.namespace
        && reservation.name == identity.name;
    match (same_place, reservation.uid == identity.uid) {
        (true, true) => Provenance::Own(reservation),
        (true, false) => Provenance::Restored(reservation),
        (false, _) => Provenance::Foreign(reservation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(namespace: &str, uid: &str) -> Identity {
        Identity {
            cluster: "c1".into(),
            namespace: namespace.into(),
            name: "orders".into(),
            uid: uid.into(),
        }
    }

    fn reservation() -> Reservation {
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let target = Target {
            connection: ReservedConnection {
                uid: "u".into(),
                url: "http://oms".into(),
            },
            project_name: "shop.orders".into(),
            body_hash: "h".into(),
            known_ids: vec!["np_1".into()],
            looked_at: at,
            retry: None,
            unknown_attempts: 2,
        };
        Reservation::new(&identity("shop", "1"), 1, at, target)
    }

    #[test]
    fn a_reservation_survives_its_annotation() {
        let text = reservation().to_annotation();
        let found = classify(Some(&text), &identity("shop", "1"));
        assert_eq!(found, Provenance::Own(reservation()));
    }

    #[test]
    fn texts_that_no_status_takes_make_a_reservation_unreadable() {
        let mut forged = reservation();
        forged.project_name = "x".repeat(257);
        let found = classify(Some(&forged.to_annotation()), &identity("shop", "1"));
        assert!(matches!(found, Provenance::Invalid(_)), "{found:?}");
    }

    #[test]
    fn times_that_cannot_be_reckoned_with_make_a_reservation_unreadable() {
        for (field, time) in [
            ("notAfter", "9999-12-30T22:00:00Z"),
            ("lookedAt", "-009999-01-03T00:00:00Z"),
        ] {
            let mut forged: serde_json::Value =
                serde_json::from_str(&reservation().to_annotation()).unwrap();
            forged[field] = time.into();
            let found = classify(Some(&forged.to_string()), &identity("shop", "1"));
            assert!(matches!(found, Provenance::Invalid(_)), "{found:?}");
        }
    }

    #[test]
    fn a_copy_in_another_namespace_is_foreign_and_another_uid_is_a_restore() {
        let text = reservation().to_annotation();
        assert!(matches!(
            classify(Some(&text), &identity("other", "1")),
            Provenance::Foreign(_)
        ));
        assert!(matches!(
            classify(Some(&text), &identity("shop", "2")),
            Provenance::Restored(_)
        ));
    }

    #[test]
    fn an_unreadable_reservation_is_neither_none_nor_own() {
        for text in ["", "{}", "null", "not json"] {
            assert!(
                matches!(
                    classify(Some(text), &identity("shop", "1")),
                    Provenance::Invalid(_)
                ),
                "{text:?}"
            );
        }
        assert_eq!(classify(None, &identity("shop", "1")), Provenance::None);
    }
}
