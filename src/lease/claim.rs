//! Whether a lease may be taken, as client-go decides it: by how long it has
//! been seen unchanged on the local monotonic clock. The times in the lease are
//! another machine's, and are not believed.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use tokio::time::Instant;

/// What a read of the lease means for this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Ours already: to be renewed.
    Mine,
    /// Nobody's, or its holder has given no sign of life for its time.
    Free,
    /// Somebody else's.
    Held {
        /// Whose.
        by: String,
    },
}

/// The lease as it was last seen to change.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Option<(LeaseSpec, Instant)>);

impl Seen {
    /// Notes what was read at `now`, and judges it.
    pub(super) fn judge(&mut self, read: &LeaseSpec, me: &str, now: Instant) -> Claim {
        let since = match &self.0 {
            Some((spec, since)) if spec == read => *since,
            _ => {
                self.0 = Some((read.clone(), now));
                now
            }
        };
        let holder = read.holder_identity.as_deref().unwrap_or_default();
        if holder == me {
            return Claim::Mine;
        }
        let seconds = read.lease_duration_seconds.unwrap_or_default();
        let lives = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        if holder.is_empty() || now.duration_since(since) >= lives {
            return Claim::Free;
        }
        Claim::Held {
            by: holder.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    const ME: &str = "me";

    fn lease(holder: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        }
    }

    fn held() -> Claim {
        Claim::Held { by: "other".into() }
    }

    #[test]
    fn anothers_lease_is_free_only_after_it_was_seen_unchanged_for_its_time() {
        let mut seen = Seen::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        // Renewed ages ago by its own clock, which may be wrong.
        assert_eq!(seen.judge(&lease("other", 0), ME, start), held());
        assert_eq!(seen.judge(&lease("other", 0), ME, after(14)), held());
        assert_eq!(seen.judge(&lease("other", 1), ME, after(15)), held());
        assert_eq!(seen.judge(&lease("other", 1), ME, after(29)), held());
        assert_eq!(seen.judge(&lease("other", 1), ME, after(30)), Claim::Free);
    }

    #[test]
    fn a_released_lease_is_free_at_once_and_ones_own_is_ones_own() {
        let mut seen = Seen::default();
        let now = Instant::now();
        assert_eq!(seen.judge(&lease("", 0), ME, now), Claim::Free);
        assert_eq!(seen.judge(&LeaseSpec::default(), ME, now), Claim::Free);
        assert_eq!(seen.judge(&lease(ME, 0), ME, now), Claim::Mine);
    }
}
