//! A pause that outlasts the logs.
//!
//! A project that follows changes goes on, after a pause, from where it stood: from
//! the incremental logs that OMS has kept for it (`storeLogKeptHour`). When they are
//! gone it cannot. So a pause that comes near that time is told of, once.

use jiff::{SignedDuration, Timestamp};

use crate::api::v1alpha1::MigrationProjectSpec;

/// How long OMS keeps the logs of a project that does not say it: 7 days (OMS's
/// documentation of `storeLogKeptHour`).
const KEPT_BY_DEFAULT: i64 = 168;

/// Warned when so much of the time is over that somebody who reads it the
/// next day can still act: with the default, 33 hours before.
const WARN_AT_PERCENT: i64 = 80;

/// What becomes of a pause in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LongPause {
    /// It is worth a word from then on.
    Later(Timestamp),
    /// This.
    Now(String),
}

/// What is to be said of a pause that began at `since`; `None` where there are no
/// logs to lose.
#[must_use]
pub fn long_pause(
    spec: &MigrationProjectSpec,
    since: Timestamp,
    now: Timestamp,
) -> Option<LongPause> {
    if spec.project.enable_incr_transfer != Some(true) {
        return None;
    }
    let config = spec.project.incr_transfer_config.as_ref();
    let kept = config.and_then(|config| config.store_log_kept_hour);
    let kept = kept.map_or(KEPT_BY_DEFAULT, i64::from);
    let after = |minutes| since.checked_add(SignedDuration::from_mins(minutes)).ok();
    let warn = after(kept * 60 * WARN_AT_PERCENT / 100)?;
    let end = after(kept * 60)?;
    if now < warn {
        return Some(LongPause::Later(warn));
    }
    Some(LongPause::Now(format!(
        "It has been paused since {since:.0}, and OMS keeps its incremental logs for {kept} h \
         (storeLogKeptHour): what was changed in the source meanwhile may be lost to it unless it \
         is resumed before {end:.0}."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn spec(project: serde_json::Value) -> MigrationProjectSpec {
        let mut body = json!({"type": "MIGRATION"});
        let fields = body.as_object_mut().unwrap();
        fields.extend(project.as_object().unwrap().clone());
        serde_json::from_value(json!({"project": body})).unwrap()
    }

    fn after(spec: &MigrationProjectSpec, minutes: i64) -> Option<LongPause> {
        long_pause(spec, NOON, NOON + SignedDuration::from_mins(minutes))
    }

    #[test]
    fn a_pause_is_told_of_when_four_fifths_of_the_time_are_over() {
        let kept = |hours| {
            spec(json!({
                "enableIncrTransfer": true,
                "incrTransferConfig": {"storeLogKeptHour": hours},
            }))
        };
        for (hours, minutes) in [(10, 480), (1, 48), (8760, 8760 * 48)] {
            let spec = kept(hours);
            let warn = NOON + SignedDuration::from_mins(minutes);
            assert_eq!(after(&spec, minutes - 1), Some(LongPause::Later(warn)));
            let Some(LongPause::Now(told)) = after(&spec, minutes) else {
                panic!("{hours} h: nothing is said");
            };
            assert_eq!(
                after(&spec, minutes + 99_999),
                Some(LongPause::Now(told)),
                "the same words"
            );
        }
        let Some(LongPause::Now(told)) = after(&kept(10), 480) else {
            panic!("nothing is said");
        };
        assert!(told.contains("since 2027-01-15T08:00:00Z"), "{told}");
        assert!(told.ends_with("before 2027-01-15T18:00:00Z."), "{told}");
    }

    #[test]
    fn unset_it_is_the_week_of_oms() {
        let spec = spec(json!({"enableIncrTransfer": true}));
        let hour = 60;
        let warn = NOON + SignedDuration::from_mins(168 * 48);
        assert_eq!(after(&spec, 134 * hour), Some(LongPause::Later(warn)));
        assert!(matches!(after(&spec, 135 * hour), Some(LongPause::Now(_))));
    }

    #[test]
    fn where_no_changes_are_followed_nothing_is_lost() {
        for project in [json!({}), json!({"enableIncrTransfer": false})] {
            assert_eq!(after(&spec(project), i64::from(i32::MAX)), None);
        }
    }
}
