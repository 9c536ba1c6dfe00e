//! Leader election by a Lease, after client-go's rules.
//!
//! That there is one project for each resource rests on the reservation
//! (`docs/safety.md`), not on the lease: the lease keeps two processes from
//! doing the same work at the same time. Even so nothing is begun in OMS that the
//! lease may not outlive: see [`Leadership::outlives`].
//!
//! Why our own: the libraries there are either do not tell the holder that
//! renewing has failed, or take a lease over without its `resourceVersion`, or
//! trust the clock of the other machine.
//!
//! | file | what it is there for |
//! | --- | --- |
//! | `claim.rs` | pure: may this process take the lease that it reads? |
//! | `elector.rs` | the requests: acquire, renew, release |
//! | `leadership.rs` | what everybody else may know of it |

mod claim;
mod elector;
mod leadership;

pub use elector::{Elector, Lost};
pub use leadership::Leadership;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Keeps the lease until everything is `drained`, then gives it back. Once it is
/// lost, `stop` tells the process to begin nothing more.
///
/// # Errors
/// When the lease was lost; it is not given back then.
pub async fn lead(
    mut elector: Elector,
    stop: CancellationToken,
    drained: CancellationToken,
) -> Result<(), Lost> {
    let lost = tokio::select! {
        lost = elector.keep() => lost,
        () = drained.cancelled() => {
            elector.release().await;
            return Ok(());
        }
    };
    tracing::error!(%lost, "not leading any more: what is in flight is finished, then this process ends");
    stop.cancel();
    Err(lost)
}

/// Label of every Lease that is held here, whatever its name. Its value says
/// nothing. The contract with older and newer versions: it does not change.
pub const LABEL: &str = "oms.oceanbase.com/lease";

/// How a lease is held. The defaults are client-go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who this process is: two must never give the same.
    pub identity: String,
    /// How long others wait after the last sign of life.
    pub lease_duration: Duration,
    /// How long the holder goes on without having renewed. Shorter than
    /// `lease_duration`.
    pub renew_deadline: Duration,
    /// How often to try. Shorter than `renew_deadline`.
    pub retry_period: Duration,
}

/// Why the durations do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The holder would go on while another one takes over.
    #[error("the lease duration must be longer than the renew deadline")]
    LeaseNotLonger,
    /// A single lost request would cost the leadership.
    #[error("the renew deadline must be longer than the retry period")]
    DeadlineNotLonger,
    /// The Lease counts in whole seconds.
    #[error("the lease duration must be a whole number of seconds, at least 1")]
    NotWholeSeconds,
}

impl Settings {
    /// Checks that the durations fit together.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.lease_duration.subsec_nanos() != 0 || self.seconds() < 1 {
            return Err(SettingsError::NotWholeSeconds);
        }
        if self.lease_duration <= self.renew_deadline {
            return Err(SettingsError::LeaseNotLonger);
        }
        if self.renew_deadline <= self.retry_period {
            return Err(SettingsError::DeadlineNotLonger);
        }
        Ok(())
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.lease_duration.as_secs()).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(lease: f64, renew: f64, retry: f64) -> Result<(), SettingsError> {
        Settings {
            namespace: "oms-system".into(),
            name: "oms-operator".into(),
            identity: "me".into(),
            lease_duration: Duration::from_secs_f64(lease),
            renew_deadline: Duration::from_secs_f64(renew),
            retry_period: Duration::from_secs_f64(retry),
        }
        .check()
    }

    #[test]
    fn durations_have_to_fit_together() {
        assert_eq!(settings(15.0, 10.0, 2.0), Ok(()));
        assert_eq!(
            settings(10.0, 10.0, 2.0),
            Err(SettingsError::LeaseNotLonger)
        );
        assert_eq!(
            settings(15.0, 2.0, 2.0),
            Err(SettingsError::DeadlineNotLonger)
        );
        assert_eq!(settings(1.5, 1.0, 0.5), Err(SettingsError::NotWholeSeconds));
        assert_eq!(settings(0.0, 1.0, 0.5), Err(SettingsError::NotWholeSeconds));
    }
}
