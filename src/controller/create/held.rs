//! A pass that holds the lock on the name: gather → decide → act.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::trace::to_status;
use super::{call, endpoints, id, look, put_back};
use crate::api::v1alpha1::{LastError, MigrationProject, Reason};
use crate::controller::claims::Claim;
use crate::controller::context::Context;
use crate::controller::farewell::let_go;
use crate::controller::life::gives_up_at;
use crate::controller::link::{Link, is_same_oms, leads_to, link};
use crate::controller::me::{Me, retry_word};
use crate::controller::pass::{
    Error, MOMENT, STALLED_RECHECK, Step, give_up_until, not_there, rest_stalled, wait_until,
};
use crate::controller::publish::publish;
use crate::decide::create::{self, Adopt, CreateDecision, CreateSituation, Look};
use crate::decide::remove::End;
use crate::decide::{
    Ending, Record, Reservation, ReservedConnection, Suspension, Target, Trace, Verdict, body,
};
use crate::oms;

/// What a decision rests on, and what goes with it into the resource.
struct Gathered {
    situation: CreateSituation,
    /// When OMS was looked at, by its own clock where it tells it.
    looked_at: Timestamp,
    /// The name in OMS of the project that `spec.adopt.projectId` names.
    adoptee_name: Option<String>,
}

/// Why the spec of today makes no body.
enum NoBody {
    /// OMS has not, or not once, what the spec names.
    NotOne(Verdict),
    /// It has to be corrected.
    Spec(Verdict),
}

/// A pass over a resource without a project, alone with its name.
pub struct Held<'a> {
    /// Everything at hand.
    pub context: &'a Context,
    /// Which resource.
    pub me: Me,
    /// The resource as the API server has it.
    pub read: MigrationProject,
    /// What is on record of earlier attempts.
    pub record: Record,
    /// Its connection.
    pub link: Link,
    /// The project name to look for.
    pub name: String,
}

impl Held<'_> {
    /// Gathers, decides and does what was decided.
    pub async fn run(self) -> Result<Step, Error> {
        let (context, me) = (self.context, &self.me);
        if let Some(step) = put_back(context, &self.read, &self.record).await? {
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
                    // Nothing new is begun through a connection that goes, and what was in doubt
                    // and is settled does not keep it, whatever else is in the way of a create.
                    if matches!(self.record, Record::Open(_)) && !self.link.still_holds(context) {
                        return self.close_attempt(spent).await;
                    }
                    let body = match body {
                        Ok(body) => body,
                        Err(NoBody::Spec(verdict)) => {
                            return rest_stalled(context, &self.read, &verdict).await;
                        }
                        Err(NoBody::NotOne(verdict)) => {
                            let asked = oms::Action::ListDataSource;
                            return not_there(context, me, &self.read, asked, &verdict).await;
                        }
                    };
                    if let Some(suspension) = self.link.suspension(&self.read) {
                        return self.suspended(&suspension).await;
                    }
                    let target = Target {
                        connection: self.connection(),
                        project_name: self.name.clone(),
                        body_hash: body::spec_hash(&self.read.spec),
                        known_ids,
                        looked_at,
                        retry: self.retry(),
                        unknown_attempts: spent,
                    };
                    // Whatever holds calls back does so before the reservation, which
                    // is good for ten seconds.
                    let create = oms::Action::CreateProject;
                    if let Err(error) = self.link.live.client.prepare(create).await {
                        return self.oms_failed(&error).await;
                    }
                    // It was waited for. Whatever the connection says by now holds: its suspension,
                    // whom it allows, what is in doubt of its OMS.
                    match link(context, &self.read).await? {
                        Ok(now) if now.generation == self.link.generation => {}
                        _ => return Ok(Step::After(MOMENT)),
                    }
                    let turn = context.kubernetes.turn().await;
                    if !self.link.still_holds(context) {
                        // What is written now takes a turn of its own.
                        drop(turn);
                        // Nothing new is begun through it. What was in doubt is settled, and
                        // does not keep the connection any more.
                        return match self.record {
                            Record::Open(_) => self.close_attempt(spent).await,
                            _ => Ok(Step::After(Duration::from_secs(1))),
                        };
                    }
                    if !self.link.says_the_same(context) {
                        return Ok(Step::After(MOMENT));
                    }
                    let identity = context.identity(&me.key, &me.uid);
                    let at = context.clock.now();
                    let reservation = Reservation::new(&identity, attempt, at, target);
                    let trace = Trace {
                        reservation,
                        ending: Ending::NotDone,
                        spent,
                    };
                    let attempt = call::Attempt { trace, body, turn };
                    return call::reserve_and_call(context, me, &self.read, self.link, attempt)
                        .await;
                }
                CreateDecision::Close { spent } => return self.close_attempt(spent).await,
                CreateDecision::Record { id, why } => {
                    let adoptee_name = adoptee_name.as_ref().unwrap_or(&self.name);
                    let (name, why) = match (why, &self.record) {
                        (create::Origin::Recovered, Record::Open(open)) => {
                            (&self.name, id::Why::Recovered(&open.reservation.body_hash))
                        }
                        (create::Origin::Adopted, _) => (adoptee_name, id::Why::Adopted),
                        _ => (&self.name, id::Why::Restored),
                    };
                    let link = &self.link;
                    return id::take_over(context, me, &self.read, link, name, &id, why).await;
                }
                CreateDecision::Wait { until, message, .. } => {
                    let verdict = Verdict::progressing(Reason::Creating, message);
                    self.publish(&verdict).await?;
                    return Ok(wait_until(context, until));
                }
                CreateDecision::Stall { reason, message } => {
                    self.publish(&Verdict::stalled(reason, message)).await?;
                    context.memory.succeeded(&me.uid);
                    return Ok(Step::After(STALLED_RECHECK));
                }
                CreateDecision::LetGo { left } => {
                    let end = left.map_or(End::Nothing, End::Left);
                    return let_go(context, me, &self.read, None, end).await;
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
            retry_asked: self.retry_asked(),
            doubt_told: self.asked_with().is_some(),
            spec_changed: self.spec_changed(),
            renamed: context.claims.name_of(&self.read) != self.name,
            rival: self.rival(),
            others_attempt_until: context.memory.others_attempt(
                |url| self.link.live.is_same_oms(url),
                &self.name,
                now,
                context.settings.timing,
                // Of this resource's own name the live read knows better than
                // the watch, which may not have told yet that it is another.
                |key, uid| match *key == self.me.key {
                    true => uid == self.me.uid,
                    false => context.claims.is_alive(key, uid),
                },
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

    fn retry(&self) -> Option<String> {
        retry_word(&self.read)
    }

    fn retry_asked(&self) -> bool {
        let Record::Open(open) = &self.record else {
            return false;
        };
        let retry = self.retry();
        retry.is_some() && retry != open.reservation.retry && retry != self.asked_with()
    }

    /// With which word the resource has begun to ask whether another project is its own, if it
    /// has: it was given for something else. After a restart its status tells, also while the
    /// new process waits once more for OMS to show the project.
    fn asked_with(&self) -> Option<String> {
        let Record::Open(open) = &self.record else {
            return None;
        };
        let mine = self.context.memory.recall(&self.me.uid);
        mine.and_then(|mine| mine.asked_with).or_else(|| {
            let create = self.read.status.as_ref()?.create.as_ref()?;
            let is_same = create.at == Some(open.reservation.at);
            create.asked_with.clone().filter(|_| is_same)
        })
    }

    fn spec_changed(&self) -> bool {
        let Record::Open(open) = &self.record else {
            return false;
        };
        open.reservation.body_hash != body::spec_hash(&self.read.spec)
    }

    fn rival(&self) -> Option<String> {
        let url = &self.link.live.url;
        let same_oms = |claim: &Claim| match &claim.pinned_url {
            Some(pinned) => is_same_oms(self.context, url, pinned),
            None => claim
                .connection
                .as_ref()
                .is_some_and(|connection| leads_to(self.context, connection, url)),
        };
        self.context
            .claims
            .rival(&self.name, &self.read, same_oms)
            .map(|key| key.to_string())
    }

    fn connection(&self) -> ReservedConnection {
        ReservedConnection {
            uid: self.link.live.uid.clone(),
            url: self.link.live.url.to_string(),
        }
    }

    /// The body that the spec of today makes, or why it makes none.
    async fn body(&self) -> Result<Result<Map<String, Value>, NoBody>, oms::Error> {
        let spec = &self.read.spec;
        let endpoints = match endpoints::resolve(&self.link.live.client, spec).await {
            Ok(endpoints) => endpoints,
            Err(endpoints::Error::Oms(error)) => return Err(error),
            Err(endpoints::Error::NotOne(verdict)) => return Ok(Err(NoBody::NotOne(verdict))),
            Err(endpoints::Error::Spec(verdict)) => return Ok(Err(NoBody::Spec(verdict))),
        };
        let body = body::build(spec, &self.name, &endpoints.source, &endpoints.sink);
        Ok(body.map_err(|error| {
            NoBody::Spec(Verdict::stalled(Reason::InvalidSpec, error.to_string()))
        }))
    }

    /// The open attempt is settled as without effect, and the next goes by another name. That
    /// is written, as the reservation stands until the next one: the name is free for others,
    /// and no process has to find it out again.
    async fn close_attempt(&self, spent: u32) -> Result<Step, Error> {
        let (context, me) = (self.context, &self.me);
        let Record::Open(open) = &self.record else {
            return Ok(Step::Again);
        };
        let trace = Trace {
            reservation: open.reservation.clone(),
            ending: Ending::NotDone,
            spent,
        };
        let (now, timing) = (context.clock.now(), context.settings.timing);
        let written = publish(context, &self.read, None, |status| {
            let before = status.create.take();
            let create = to_status(&trace, open.first_look, timing, before.as_ref(), now);
            status.create = Some(create);
        })
        .await?;
        context.memory.remember(&me.uid, &me.key, |mine| {
            mine.attempt = Some(Box::new(trace));
        });
        Ok(written.map_or(Step::Again, |written| Step::Reread(Box::new(written))))
    }

    /// A project is to be made, and nothing may be: the end of the suspension
    /// is a change of the resource, or of the connection, which wakes its users.
    async fn suspended(&self, suspension: &Suspension) -> Result<Step, Error> {
        let due = format!("Project \"{}\" is to be created", self.name);
        let verdict = suspension.verdict(&due);
        self.publish(&verdict).await?;
        Ok(Step::Rest)
    }

    pub async fn oms_failed(&self, error: &oms::Error) -> Result<Step, Error> {
        let mut until = None;
        if let (Record::Open(open), true) = (
            &self.record,
            self.read.metadata.deletion_timestamp.is_some(),
        ) {
            let quarantine = open.quarantine(self.context.settings.timing);
            until = gives_up_at(self.context, &self.read, quarantine).await?;
            if until.is_some_and(|until| self.context.clock.now() >= until) {
                let left = format!(
                    "the create of \"{}\" was not settled, and OMS could not be asked ({error}): \
                     a project of that name may be left",
                    open.reservation.project_name
                );
                return let_go(self.context, &self.me, &self.read, None, End::Left(left)).await;
            }
        }
        give_up_until(self.context, &self.me, &self.read, error, until).await
    }

    async fn publish(&self, verdict: &Verdict) -> Result<(), Error> {
        let context = self.context;
        let now = context.clock.now();
        let open = match &self.record {
            Record::Open(open) => Some(open),
            _ => None,
        };
        let asked_with = (verdict.reason == Reason::CreateAmbiguous).then(|| {
            let with = self.asked_with().or_else(|| self.retry());
            let with = with.unwrap_or_default();
            context.memory.remember(&self.me.uid, &self.me.key, |mine| {
                mine.asked_with = Some(with.clone());
            });
            with
        });
        publish(context, &self.read, Some(verdict), |status| {
            let error = status.last_error.take();
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
                let mut create = to_status(&trace, open.first_look, timing, before.as_ref(), now);
                create.asked_with = asked_with.or(create.asked_with);
                // What kept the outcome from being known stands as long as that; a
                // look that failed does not outlive one that went well.
                let call = Some(oms::Action::CreateProject.as_str());
                let error = error.filter(|error| error.action.as_deref() == call);
                status.last_error = error.map(|error| LastError {
                    next_attempt_time: create.quarantine_until.filter(|until| *until > now),
                    ..error
                });
                status.create = Some(create);
            }
        })
        .await?;
        Ok(())
    }
}
