//! The create protocol at work: look, reserve, call, record; one pass of it.
//!
//! What is decided is decided in [`crate::decide::create`]; here it is
//! gathered and done. `docs/safety.md` tells the protocol as a whole.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Map, Value};

use super::call;
use super::claims::Key;
use super::context::Context;
use super::endpoints;
use super::link::{Blocked, Link, link};
use super::look;
use super::pass::{Error, MOMENT, Step, give_up_for_now, rest_stalled, wait_until};
use super::publish::publish;
use super::trace::{annotation, from_status, to_status};
use crate::api::keys::{CREATE_RESERVATION, FINALIZER, RETRY};
use crate::api::v1alpha1::{MigrationProject, Reason};
use crate::decide::create::{self, Adopt, CreateDecision, CreateSituation, Look};
use crate::decide::{
    Ending, Provenance, Record, Reservation, ReservedConnection, Sources, Target, Trace, Verdict,
    body, classify, record,
};
use crate::oms;

/// One pass over a resource that has no project id yet. `read` may be old: it
/// is read again before anything rests on it.
pub async fn pass(context: &Context, read: &MigrationProject) -> Result<Step, Error> {
    let me = Me::of(context, read);
    if let Some(id) = context
        .memory
        .recall(&me.uid)
        .and_then(|remembered| remembered.made)
    {
        return call::record(context, &me, &id).await;
    }
    let record = me.record(context, read).await;
    let deleting = read.metadata.deletion_timestamp.is_some();
    if deleting
        && matches!(
            record,
            Record::Fresh { .. } | Record::Restored(_) | Record::Invalid(_)
        )
    {
        return let_go(context, &me, read, None).await;
    }
    let link = match link(context, read).await? {
        Ok(link) => link,
        Err(Blocked::NotYet) => return Ok(Step::After(MOMENT)),
        Err(Blocked::Because(verdict)) => {
            return blocked(context, &me, read, &record, verdict).await;
        }
    };
    let (url, name) = target(context, read, &record, &link);
    if !link.live.is_same_oms(&url) {
        let verdict = elsewhere(&url, &name, &link);
        return blocked(context, &me, read, &record, verdict).await;
    }

    let _lock = context.locks.lock(&url, &name).await;
    // What was read before the lock was got may be old by now.
    let Some(live) = context.kubernetes.live(&me.key).await? else {
        context.memory.forget(&me.uid);
        return Ok(Step::Rest);
    };
    if live.resource_version() != read.resource_version() {
        return Ok(Step::Reread(Box::new(live)));
    }
    let pass = Pass {
        context,
        me,
        read: live,
        record,
        link,
        url,
        name,
    };
    pass.run().await
}

/// Which resource a pass is about.
pub struct Me {
    /// Namespace and name.
    pub key: Key,
    /// The UID.
    pub uid: String,
    /// The generation of its spec.
    pub generation: i64,
    /// What its failures are counted by: a change of it starts the count anew.
    pub cause: u64,
}

impl Me {
    /// Names `project`.
    #[must_use]
    pub fn of(context: &Context, project: &MigrationProject) -> Self {
        Self {
            key: Key::of(project),
            uid: project.uid().unwrap_or_default(),
            generation: project.metadata.generation.unwrap_or_default(),
            cause: super::pass::cause(context, project),
        }
    }

    async fn record(&self, context: &Context, read: &MigrationProject) -> Record {
        let identity = context.identity(&self.key, &self.uid);
        let found = classify(annotation(read, CREATE_RESERVATION), &identity);
        let now = context.clock.now();
        let (memory, first_look, told) = context.memory.remember(&self.uid, &self.key, |mine| {
            let first_look = *mine.first_look.get_or_insert(now);
            let told = std::mem::replace(&mut mine.told_foreign, true);
            (mine.attempt.clone(), first_look, told)
        });
        if let (Provenance::Foreign(foreign), false) = (&found, told) {
            let note = format!(
                "The create reservation was written for {}/{} and is ignored here.",
                foreign.namespace, foreign.name
            );
            context
                .events
                .warning(read, Reason::ForeignReservation, &note)
                .await;
        }
        let sources = Sources {
            annotation: found,
            status: from_status(read, &identity),
            memory,
            first_look,
            created: read.creation_timestamp().map(|time| time.0),
        };
        record(sources)
    }
}

/// What stands in the way of a connection stands in the way of the pass; but a
/// deletion is not held up for longer than an attempt may take effect.
async fn blocked(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    record: &Record,
    verdict: Verdict,
) -> Result<Step, Error> {
    if let (Record::Open(open), true) = (record, read.metadata.deletion_timestamp.is_some()) {
        let until = open.quarantine(context.settings.timing);
        if context.clock.now() < until {
            publish(context, read, Some(&verdict), |_| {}).await?;
            return Ok(wait_until(context, until));
        }
        let left = format!(
            "the create of \"{}\" was not settled, and OMS could not be asked: a project of that \
             name may be left",
            open.reservation.project_name
        );
        return let_go(context, me, read, Some(left)).await;
    }
    rest_stalled(context, read, &verdict).await
}

/// Where and under which name to look: an attempt that was made is looked for
/// where it was made, whatever the spec says by now.
fn target(
    context: &Context,
    read: &MigrationProject,
    record: &Record,
    link: &Link,
) -> (String, String) {
    match record {
        Record::Open(open) => of_reservation(&open.reservation),
        Record::Restored(reservation) => of_reservation(reservation),
        Record::Fresh { .. } | Record::Invalid(_) => {
            (link.live.url.to_string(), context.claims.name_of(read))
        }
    }
}

fn of_reservation(reservation: &Reservation) -> (String, String) {
    (
        reservation.connection.url.clone(),
        reservation.project_name.clone(),
    )
}

fn elsewhere(url: &str, name: &str, link: &Link) -> Verdict {
    Verdict::stalled(
        Reason::EndpointChanged,
        format!(
            "A create of \"{name}\" was begun in the OMS at {url}, but OMSConnection {} now leads \
             to {}. If it is the same OMS under a new address, add the old one to the \
             connection's spec.formerUrls; otherwise point it back until this is settled.",
            link.key, link.live.url
        ),
    )
}

/// Takes the finalizer off and says what may be left.
pub async fn let_go(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    left: Option<String>,
) -> Result<Step, Error> {
    if let Some(left) = &left {
        context.events.warning(read, Reason::LeftInOms, left).await;
        tracing::warn!(resource = %me.key, uid = me.uid, "deleted: {left}");
    }
    if read
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        context.kubernetes.let_go(read).await?;
    }
    context
        .memory
        .remember(&me.uid, &me.key, |mine| mine.attempt = None);
    context.memory.forget(&me.uid);
    Ok(Step::Rest)
}

/// What a decision rests on, and what goes with it into the resource.
struct Gathered {
    situation: CreateSituation,
    /// When OMS was looked at, by its own clock where it tells it.
    looked_at: Timestamp,
    /// The name in OMS of the project that `spec.adopt.projectId` names.
    adoptee_name: Option<String>,
}

/// A pass that holds the lock on the name.
struct Pass<'a> {
    context: &'a Context,
    me: Me,
    read: MigrationProject,
    record: Record,
    link: Link,
    url: String,
    name: String,
}

impl Pass<'_> {
    async fn run(self) -> Result<Step, Error> {
        let (context, me) = (self.context, &self.me);
        if let Some(step) = self.put_back().await? {
            return Ok(step);
        }
        let body = match self.body().await {
            Ok(body) => body,
            Err(error) => return self.oms_failed(&error).await,
        };
        let mut thorough = false;
        loop {
            let Gathered {
                situation,
                looked_at,
                adoptee_name,
            } = match self.gather(body.as_ref().ok(), thorough).await {
                Ok(gathered) => gathered,
                Err(error) => return self.oms_failed(&error).await,
            };
            match create::decide(&situation) {
                CreateDecision::LookThoroughly if !thorough => thorough = true,
                CreateDecision::LookThoroughly => return Ok(Step::After(Duration::from_secs(1))),
                CreateDecision::Reserve {
                    attempt,
                    spent,
                    known_ids,
                } => {
                    let body = match body {
                        Ok(body) => body,
                        Err(verdict) => return rest_stalled(context, &self.read, &verdict).await,
                    };
                    let target = Target {
                        connection: self.connection(),
                        project_name: self.name.clone(),
                        body_hash: body::spec_hash(&self.read.spec),
                        known_ids,
                        looked_at,
                        retry: annotation(&self.read, RETRY).map(str::to_owned),
                    };
                    // A new attempt goes by the spec of today. Where that gives
                    // another name, the name has to be looked up first.
                    if self.context.claims.name_of(&self.read) != self.name {
                        self.close_attempt(spent);
                        return Ok(Step::Again);
                    }
                    let identity = context.identity(&me.key, &me.uid);
                    let at = context.clock.now();
                    let reservation = Reservation::new(&identity, attempt, at, target);
                    let trace = Trace {
                        reservation,
                        ending: Ending::NotDone,
                        spent,
                    };
                    return call::reserve_and_call(
                        context, me, &self.read, &self.link, trace, body,
                    )
                    .await;
                }
                CreateDecision::Record { id, why } => {
                    let name = match why {
                        create::Provenance::Adopted => adoptee_name.as_ref().unwrap_or(&self.name),
                        create::Provenance::Recovered | create::Provenance::Restored => &self.name,
                    };
                    let link = &self.link;
                    return call::take_over(context, me, &self.read, link, name, &id, why).await;
                }
                CreateDecision::Wait { until, message, .. } => {
                    let verdict = Verdict::progressing(Reason::Creating, message);
                    self.publish(&verdict).await?;
                    return Ok(wait_until(context, until));
                }
                CreateDecision::Stall { reason, message } => {
                    self.publish(&Verdict::stalled(reason, message)).await?;
                    context.memory.succeeded(&me.uid);
                    return Ok(Step::After(super::pass::STALLED_RECHECK));
                }
                CreateDecision::LetGo { left } => {
                    return let_go(context, me, &self.read, left).await;
                }
            }
        }
    }

    /// Gather: the look and all that it is judged by.
    async fn gather(
        &self,
        body: Option<&Map<String, Value>>,
        thorough: bool,
    ) -> Result<Gathered, oms::Error> {
        let context = self.context;
        let since = match &self.record {
            Record::Open(open) if thorough => Some(open.reservation.looked_at),
            _ => None,
        };
        let (known, compare) = match &self.record {
            Record::Open(open) => (
                Some(&open.reservation),
                self.comparable(&open.reservation, body),
            ),
            Record::Restored(old) => (Some(old), self.comparable(old, body)),
            Record::Fresh { .. } | Record::Invalid(_) => (None, None),
        };
        let question = look::Question {
            name: &self.name,
            known,
            compare,
            since,
        };
        let found = look::look(context, &self.link, &self.me.key, &question).await?;
        let adopt = look::adopt(context, &self.link, &self.me.key, &self.read.spec).await?;
        let (adopt, adoptee_name) = adopt.unzip();
        let now = context.clock.now();
        let looked_at = match (&found.look, found.server_date) {
            (Look::Seen { .. }, Some(date)) => date,
            _ => now,
        };
        let situation = CreateSituation {
            now,
            deleting: self.read.metadata.deletion_timestamp.is_some(),
            record: self.record.clone(),
            project_name: self.name.clone(),
            adopt: adopt.or_else(|| self.read.spec.adopt_by_name().then_some(Adopt::ByName)),
            adoption_refused: self.link.adoption_refused.clone(),
            asked_again: self.asked_again(),
            rival: self.rival(),
            others_attempt_until: context.memory.others_attempt(
                &self.url,
                &self.name,
                now,
                context.settings.timing,
                |key, uid| context.claims.is_alive(key, uid),
            ),
            look: found.look,
            timing: context.settings.timing,
        };
        Ok(Gathered {
            situation,
            looked_at,
            adoptee_name: adoptee_name.flatten(),
        })
    }

    /// The body to compare with, if the spec is still the one that was sent.
    fn comparable<'b>(
        &self,
        reservation: &Reservation,
        body: Option<&'b Map<String, Value>>,
    ) -> Option<&'b Map<String, Value>> {
        body.filter(|_| reservation.body_hash == body::spec_hash(&self.read.spec))
    }

    fn asked_again(&self) -> bool {
        let Record::Open(open) = &self.record else {
            return false;
        };
        let retry = annotation(&self.read, RETRY);
        retry.is_some() && retry != open.reservation.retry.as_deref()
            || open.reservation.body_hash != body::spec_hash(&self.read.spec)
    }

    fn rival(&self) -> Option<String> {
        let same_oms = |claim: &super::claims::Claim| match &claim.pinned_url {
            Some(url) => self.link.live.is_same_oms(url),
            None => claim.connection.as_ref().is_some_and(|connection| {
                self.context
                    .registry
                    .url_of(connection)
                    .is_some_and(|url| self.link.live.is_same_oms(&url))
            }),
        };
        self.context
            .claims
            .rival(&self.name, &self.me.key, same_oms)
            .map(|key| key.to_string())
    }

    fn connection(&self) -> ReservedConnection {
        ReservedConnection {
            uid: self.link.live.uid.clone(),
            url: self.link.live.url.to_string(),
        }
    }

    /// The body that the spec of today makes, or why it makes none.
    async fn body(&self) -> Result<Result<Map<String, Value>, Verdict>, oms::Error> {
        let spec = &self.read.spec;
        let endpoints = match endpoints::resolve(&self.link.live.client, spec).await {
            Ok(endpoints) => endpoints,
            Err(endpoints::Error::Oms(error)) => return Err(error),
            Err(endpoints::Error::Spec(verdict)) => return Ok(Err(verdict)),
        };
        let body = body::build(spec, &self.name, &endpoints.source, &endpoints.sink);
        Ok(body.map_err(|error| Verdict::stalled(Reason::InvalidSpec, error.to_string())))
    }

    /// A reservation or finalizer that was stripped while an attempt is open is
    /// put back from what the status or the memory knows.
    async fn put_back(&self) -> Result<Option<Step>, Error> {
        let Record::Open(open) = &self.record else {
            return Ok(None);
        };
        let text = open.reservation.to_annotation();
        let held = self
            .read
            .finalizers()
            .iter()
            .any(|finalizer| finalizer == FINALIZER);
        let stands = annotation(&self.read, CREATE_RESERVATION) == Some(text.as_str());
        if (held && stands) || self.read.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        tracing::info!(resource = %self.me.key, "putting back the reservation of an open create");
        self.context.kubernetes.reserve(&self.read, &text).await?;
        Ok(Some(Step::Again))
    }

    /// The open attempt is settled as without effect; the next goes by another
    /// name.
    fn close_attempt(&self, spent: u32) {
        let Record::Open(open) = &self.record else {
            return;
        };
        let reservation = open.reservation.clone();
        let trace = Trace {
            reservation,
            ending: Ending::NotDone,
            spent,
        };
        self.context
            .memory
            .remember(&self.me.uid, &self.me.key, |mine| {
                mine.attempt = Some(trace)
            });
    }

    async fn oms_failed(&self, error: &oms::Error) -> Result<Step, Error> {
        if let (Record::Open(open), true) = (
            &self.record,
            self.read.metadata.deletion_timestamp.is_some(),
        ) {
            let until = open.quarantine(self.context.settings.timing);
            if self.context.clock.now() >= until {
                let left = format!(
                    "the create of \"{}\" was not settled, and OMS could not be asked ({error}): \
                     a project of that name may be left",
                    open.reservation.project_name
                );
                return let_go(self.context, &self.me, &self.read, Some(left)).await;
            }
        }
        give_up_for_now(self.context, &self.me, &self.read, error).await
    }

    async fn publish(&self, verdict: &Verdict) -> Result<(), Error> {
        let context = self.context;
        let now = context.clock.now();
        let open = match &self.record {
            Record::Open(open) => Some(open),
            _ => None,
        };
        publish(context, &self.read, Some(verdict), |status| {
            status.last_error = None;
            if let Some(open) = open {
                let trace = Trace {
                    reservation: open.reservation.clone(),
                    ending: Ending::Unknown {
                        replied: open.replied,
                    },
                    spent: open.spent,
                };
                let timing = context.settings.timing;
                let before = status.create.take();
                status.create = Some(to_status(
                    &trace,
                    open.first_look,
                    timing,
                    before.as_ref(),
                    now,
                ));
            }
        })
        .await?;
        Ok(())
    }
}
