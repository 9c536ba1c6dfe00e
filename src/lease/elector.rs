//! Taking the lease, keeping it, giving it back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::claim::{Claim, Seen};
use super::{LABEL, Leadership, Settings};

/// The time of day, for the eyes of whoever reads the Lease.
type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who has taken the leadership away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It could not be renewed in time.
    #[error("the lease could not be renewed for {0:?}; another process may lead now")]
    NotRenewed(Duration),
    /// Somebody else has it.
    #[error("the lease is held by {0} now")]
    Taken(String),
}

/// A candidate for the lease, or its holder.
pub struct Elector {
    api: Api<Lease>,
    settings: Settings,
    clock: WallClock,
    seen: Seen,
    renewed: Instant,
    leadership: Leadership,
}

/// What one attempt has come to.
enum Attempt {
    Held,
    HeldBy(String),
    /// Somebody else was quicker; who, the next read tells.
    Contended,
}

impl Elector {
    /// A candidate. `clock` gives the times that stand in the Lease; nothing is
    /// decided by them.
    #[must_use]
    pub fn new(
        client: Client,
        settings: Settings,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            api: Api::namespaced(client, &settings.namespace),
            settings,
            clock: Arc::new(clock),
            seen: Seen::default(),
            renewed: Instant::now(),
            leadership: Leadership::candidate(),
        }
    }

    /// What the rest of the process may know.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Waits until the lease is held. Cancelling the wait leaves the lease as
    /// it is: whoever has just got it lets it run out.
    pub async fn acquire(&mut self, stands_by: impl Fn(bool)) {
        let mut told = None;
        loop {
            match timeout(self.settings.renew_deadline, self.attempt()).await {
                Ok(Ok(Attempt::Held)) => {
                    tracing::info!(lease = self.settings.name, "leading");
                    return;
                }
                Ok(Ok(Attempt::HeldBy(holder))) => {
                    stands_by(true);
                    if told.as_ref() != Some(&holder) {
                        tracing::info!(lease = self.settings.name, holder, "standing by");
                        told = Some(holder);
                    }
                }
                Ok(Ok(Attempt::Contended)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.settings.name, %error, "the lease cannot be had");
                    stands_by(false);
                }
                Err(_) => {
                    tracing::warn!(lease = self.settings.name, "no answer about the lease");
                    stands_by(false);
                }
            }
            sleep(self.settings.retry_period).await;
        }
    }

    /// Keeps the lease for as long as it can be kept.
    pub async fn keep(&mut self) -> Lost {
        let lost = self.renew().await;
        self.leadership.end();
        lost
    }

    async fn renew(&mut self) -> Lost {
        loop {
            sleep(self.settings.retry_period).await;
            let deadline = self.renewed + self.settings.renew_deadline;
            match timeout_at(deadline, self.attempt()).await {
                Ok(Ok(Attempt::Held)) => continue,
                Ok(Ok(Attempt::HeldBy(holder))) => return Lost::Taken(holder),
                Ok(Ok(Attempt::Contended)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.settings.name, %error, "the lease was not renewed");
                }
                Err(_) => {}
            }
            if Instant::now() >= deadline {
                return Lost::NotRenewed(self.settings.renew_deadline);
            }
        }
    }

    /// Gives the lease back, so that nobody has to wait for its end. Only after
    /// everything in flight is done.
    pub async fn release(mut self) {
        self.leadership.end();
        let released = timeout(self.settings.retry_period, self.give_back()).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!(
                lease = self.settings.name,
                "the lease could not be given back; it runs out by itself"
            );
        }
    }

    async fn give_back(&mut self) -> kube::Result<()> {
        let Some(mut lease) = self.api.get_opt(&self.settings.name).await? else {
            return Ok(());
        };
        let mut spec = lease.spec.take().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&*self.settings.identity) {
            return Ok(());
        }
        spec.holder_identity = Some(String::new());
        // As client-go does: the API server asks for a positive number.
        spec.lease_duration_seconds = Some(1);
        lease.spec = Some(spec);
        let name = &self.settings.name;
        let parameters = PostParams::default();
        self.api.replace(name, &parameters, &lease).await?;
        Ok(())
    }

    /// One read and, if the lease may be had, one write on what was read: the
    /// `resourceVersion` makes sure that only one of two writers gets it.
    async fn attempt(&mut self) -> kube::Result<Attempt> {
        // Before the request: others count from when they see it, which is later.
        let begun = Instant::now();
        let now = MicroTime((self.clock)());
        let Some(mut lease) = self.api.get_opt(&self.settings.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(self.settings.name.clone()),
                    labels: Some(BTreeMap::from([(LABEL.to_owned(), String::new())])),
                    ..ObjectMeta::default()
                },
                spec: Some(self.spec(now.clone(), now, 0)),
            };
            let written = self.api.create(&PostParams::default(), &lease).await;
            return self.written(written, begun);
        };
        let spec = lease.spec.take().unwrap_or_default();
        let mine = match self
            .seen
            .judge(&spec, &self.settings.identity, Instant::now())
        {
            Claim::Held { by } => return Ok(Attempt::HeldBy(by)),
            Claim::Mine => true,
            Claim::Free => false,
        };
        let acquired = spec.acquire_time.filter(|_| mine);
        let transitions = spec.lease_transitions.unwrap_or_default();
        lease.spec = Some(self.spec(
            acquired.unwrap_or_else(|| now.clone()),
            now,
            transitions.saturating_add(i32::from(!mine)),
        ));
        // One from before the label has none.
        let labels = lease.metadata.labels.get_or_insert_default();
        labels.entry(LABEL.to_owned()).or_default();
        let name = &self.settings.name;
        let parameters = PostParams::default();
        let written = self.api.replace(name, &parameters, &lease).await;
        self.written(written, begun)
    }

    fn written(&mut self, written: kube::Result<Lease>, begun: Instant) -> kube::Result<Attempt> {
        match written {
            Ok(_) => {
                self.renewed = begun;
                self.leadership.extend(begun + self.settings.lease_duration);
                Ok(Attempt::Held)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Attempt::Contended),
            Err(error) => Err(error),
        }
    }

    fn spec(&self, acquired: MicroTime, renewed: MicroTime, transitions: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: Some(self.settings.seconds()),
            acquire_time: Some(acquired),
            renew_time: Some(renewed),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}
