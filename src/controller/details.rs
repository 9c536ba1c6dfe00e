//! What lists do not show of a project: its configuration, the items of its
//! precheck, the tables of its verification. Each is asked for only when the
//! list says that it may have changed, so that a project at rest costs nothing.
//!
//! What an answer was as of is remembered in two places: this process's memory,
//! and the status, which outlives it. The mark in the status
//! (`status.lastModified`) is written only where something else is written too, or where that was
//! written before a comparison that had failed.

mod due;

use std::borrow::Cow;
use std::time::Duration;

pub use self::due::Marks;
use self::due::{Comparison, Due};
use super::claims::Key;
use super::context::Context;
use super::me::Me;
use super::memory::Remembered;
use super::{failure, kubernetes};
use crate::api::v1alpha1::{
    ConditionType, DriftStatus, FailedCheck, MigrationProject, MigrationProjectSpec,
    MigrationProjectStatus, Reason,
};
use crate::decide::{Statement, drift, precheck, verification};
use crate::observe::{self, Seen};
use crate::oms::{self, Client, Described};

/// The most pages of a verification: 3,000 tables, three times what OMS advises
/// for one project.
const MAX_PAGES: u32 = 20;

/// What was found out, and when to look again.
#[derive(Default)]
pub struct Details {
    /// What it makes of the conditions.
    pub statements: Vec<Statement>,
    /// When something will have to be asked for that was put off now.
    pub again: Option<Duration>,
    /// The mark is worth a write of its own: without it every restart would ask again.
    pub mark: bool,
    /// What was asked for, and as of when.
    marks: Option<Marks>,
}

impl Details {
    /// To be called once the status says what was found. What could not be written is not known to
    /// anybody, and has to be asked for again.
    pub fn told(self, context: &Context, me: &Me) {
        if let Some(marks) = self.marks {
            let remember = |mine: &mut Remembered| mine.details = marks;
            context.memory.remember(&me.uid, &me.key, remember);
        }
    }
}

/// Asks for what is due of the project that was `seen`, and puts it into
/// `after`, the status to be. A failed question changes nothing: what was known
/// stands, and it is asked again. Nothing is taken for asked before [`Details::told`].
///
/// # Errors
/// [`kubernetes::Error::Outdated`] when the spec is another by now.
pub async fn look(
    context: &Context,
    me: &Me,
    read: &MigrationProject,
    seen: &Seen,
    after: &mut MigrationProjectStatus,
) -> Result<Details, kubernetes::Error> {
    let connection = context.claims.connection_of(read);
    let live = connection.and_then(|key| context.registry.get(&key).live);
    let (Some(live), Some(id)) = (live, after.project_id.clone()) else {
        return Ok(Details::default());
    };
    let mine = context.memory.recall(&me.uid);
    let just_made = mine.as_ref().is_some_and(|mine| mine.made_by.is_some());
    let marks = mine.map(|mine| mine.details);
    let mut due = Due::new(marks.unwrap_or_default(), read, seen);
    if just_made {
        due.just_made();
    }
    let mut asking = Asking {
        context,
        client: &live.client,
        id,
        read,
        seen,
        due,
        described: None,
        details: Details::default(),
    };
    asking.configuration(after).await?;
    asking.precheck(after).await;
    asking.verification(after).await;
    let Asking {
        due, mut details, ..
    } = asking;
    after.last_modified = due.modified().or(after.last_modified);
    details.again = due.again();
    details.mark = due.is_late();
    details.marks = Some(due.into_marks());
    Ok(details)
}

struct Asking<'a> {
    context: &'a Context,
    client: &'a Client,
    id: String,
    read: &'a MigrationProject,
    seen: &'a Seen,
    due: Due,
    /// Asked for once in a pass, whoever needs it.
    described: Option<Described>,
    details: Details,
}

impl Asking<'_> {
    fn say(&mut self, statement: Statement) {
        self.details.statements.push(statement);
    }

    async fn describe(&mut self) -> Result<&Described, oms::Error> {
        let described = match self.described.take() {
            Some(described) => described,
            None => self.client.describe_in_full(&self.id).await?,
        };
        Ok(self.described.insert(described))
    }

    async fn configuration(
        &mut self,
        after: &mut MigrationProjectStatus,
    ) -> Result<(), kubernetes::Error> {
        if self.due.configuration() {
            self.compare(after).await?;
        }
        let statement = match self.due.comparison() {
            Comparison::None => Statement::new(
                ConditionType::InSync,
                None,
                Reason::NotCompared,
                "The configuration has not been compared with the spec yet.".to_owned(),
            ),
            Comparison::Unsupported => missing(ConditionType::InSync, "DescribeProject"),
            Comparison::Made => {
                let adopted = self.read.spec.adopt.is_some();
                drift::statement(after.drift.as_ref(), adopted)
            }
        };
        self.say(statement);
        Ok(())
    }

    async fn compare(
        &mut self,
        after: &mut MigrationProjectStatus,
    ) -> Result<(), kubernetes::Error> {
        let name = after.project_name.clone().unwrap_or_default();
        let spec = match whole_spec(self.context, self.read).await {
            Ok(Some(spec)) => spec,
            // The watch is about to tell what it is now.
            Ok(None) => return Err(kubernetes::Error::Outdated),
            Err(error) => {
                self.failed(&error);
                return Ok(());
            }
        };
        let asked = drift::asked(&spec, &name);
        match self.describe().await {
            Ok(described) => {
                let (modified, date) = (described.project.gmt_modified, described.server_date);
                let found = drift::compare(&asked, &described.configuration);
                let found = found.map(|drift| fit(self.client, drift));
                let same = found == after.drift && self.due.comparison() == Comparison::Made;
                self.due.compared(modified, date, same);
                after.drift = found;
            }
            Err(error) if error.is_unsupported() => {
                self.due.cannot_compare(self.seen.modified);
                after.drift = None;
            }
            Err(error) => self.failed(&error),
        }
        Ok(())
    }

    async fn precheck(&mut self, after: &mut MigrationProjectStatus) {
        let steps = &self.seen.progress.steps;
        let step = steps.iter().find(|step| step.is_precheck());
        let Some(step) = step.filter(|step| step.status == "FAILED") else {
            after.precheck = None;
            self.due.no_precheck();
            return;
        };
        if self.due.precheck(step) {
            match self.failed_checks().await {
                Ok(failed) => {
                    after.precheck = precheck::summary(failed);
                    self.due.prechecked(step);
                }
                Err(error) => self.failed(&error),
            }
        }
        if let Some(precheck) = &after.precheck {
            self.say(precheck::statement(precheck));
        }
    }

    /// What has failed, as far as this OMS tells.
    async fn failed_checks(&mut self) -> Result<Vec<FailedCheck>, oms::Error> {
        let client = self.client;
        let given = self.read.spec.project.pre_check_id.as_ref();
        match client.precheck_result(given.unwrap_or(&self.id)).await {
            Ok(items) => {
                let failed = observe::failed_checks(client, &items);
                if !failed.is_empty() {
                    return Ok(failed);
                }
            }
            Err(error) if !error.was_answered() || error.class() == oms::Class::Throttled => {
                return Err(error);
            }
            // Some servers may want the id of a precheck, which nobody tells: what they
            // answer then is not documented.
            Err(_) => {}
        }
        match self.describe().await {
            Ok(described) => Ok(observe::failed_checks_of_step(client, &described.project)),
            Err(error) if error.is_unsupported() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn verification(&mut self, after: &mut MigrationProjectStatus) {
        let steps = &self.seen.progress.steps;
        let Some(step) = steps.iter().find(|step| step.is_full_verification()) else {
            after.verification = None;
            return;
        };
        if step.status == "INIT" {
            after.verification = None;
        } else if self.due.verification(step) {
            let walk = self.client.full_verification(&self.id, MAX_PAGES);
            match self.context.unless_stopped(walk).await {
                // The next process asks.
                None => {}
                Some(Ok(found)) => {
                    let found = observe::verification(self.client, found);
                    after.verification = Some(verification::summary(found));
                    self.due.verified(step);
                }
                Some(Err(error)) if error.is_unsupported() => {
                    self.due.cannot_verify(step);
                    after.verification = None;
                }
                Some(Err(error)) => self.failed(&error),
            }
        }
        if step.status != "INIT" && self.due.is_unverifiable() {
            let action = "ListProjectFullVerifyResult";
            return self.say(missing(ConditionType::Verified, action));
        }
        self.say(verification::statement(step, after.verification.as_ref()));
    }

    fn failed(&mut self, error: &(dyn std::error::Error + 'static)) {
        let error = failure::chain(error);
        tracing::debug!(project = self.id, error, "a detail was not to be had");
        self.due.failed();
    }
}

/// The spec with everything in it. The watch keeps it without what may be
/// large; then it is read for the purpose, and has to be the same still. `None`:
/// it is another by now.
async fn whole_spec<'a>(
    context: &Context,
    read: &'a MigrationProject,
) -> Result<Option<Cow<'a, MigrationProjectSpec>>, kubernetes::Error> {
    if read.spec.hash_of_whole.is_none() {
        return Ok(Some(Cow::Borrowed(&read.spec)));
    }
    let live = context.kubernetes.live(&Key::of(read)).await?;
    let same = |live: &MigrationProject| {
        live.metadata.uid == read.metadata.uid
            && live.metadata.generation == read.metadata.generation
    };
    Ok(live.filter(same).map(|live| Cow::Owned(live.spec)))
}

/// Without what may be the connection's own account.
fn fit(client: &Client, mut drift: DriftStatus) -> DriftStatus {
    /// What [`drift::compare`] has cut them to already.
    const LIMIT: usize = 256;
    for one in &mut drift.differences {
        for text in [&mut one.path, &mut one.wanted, &mut one.found] {
            *text = text.take().and_then(|text| client.fit(&text, LIMIT));
        }
    }
    drift
}

fn missing(type_: ConditionType, action: &str) -> Statement {
    let message = format!("This OMS does not know the action {action}.");
    Statement::new(type_, None, Reason::ActionMissing, message)
}

fn status_of(read: &MigrationProject, type_: ConditionType) -> Option<&str> {
    let conditions = &read.status.as_ref()?.conditions;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_.as_str())?;
    Some(found.status.as_str())
}

/// Takes the mark back out of `after` where nothing else of it would be written.
pub fn keep_mark_with_changes_only(
    before: &MigrationProjectStatus,
    after: &mut MigrationProjectStatus,
) {
    let without = MigrationProjectStatus {
        last_modified: before.last_modified,
        ..after.clone()
    };
    if without == *before {
        after.last_modified = before.last_modified;
    }
}

/// Events where a condition of these has turned.
pub async fn announce(context: &Context, read: &MigrationProject, statements: &[Statement]) {
    for one in statements {
        let before = status_of(read, one.type_);
        let is_news = match one.holds {
            Some(true) => before != Some("True"),
            Some(false) => before != Some("False"),
            None => false,
        };
        let note = &one.message;
        match (one.type_, one.holds) {
            _ if !is_news => {}
            (ConditionType::InSync, Some(true)) if before != Some("False") => {}
            (
                ConditionType::InSync
                | ConditionType::Verified
                | ConditionType::FullCopied
                | ConditionType::CaughtUp,
                Some(true),
            ) => {
                context.events.normal(read, one.reason, note).await;
            }
            (
                ConditionType::InSync | ConditionType::Verified | ConditionType::PrecheckPassed,
                Some(false),
            ) => context.events.warning(read, one.reason, note).await,
            _ => {}
        }
    }
}
