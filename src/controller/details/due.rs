//! When a detail of a project has to be asked for again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tokio::time::Instant;

use crate::api::keys::RECONCILE_REQUESTED_AT;
use crate::api::v1alpha1::{ConditionType, MigrationProject, Reason};
use crate::controller::me::annotation;
use crate::controller::pass::MOMENT;
use crate::decide::progress::Step;
use crate::observe::Seen;

/// gmtModified is in whole seconds: a change in the second of the comparison
/// does not show in it, so the comparison is repeated once the second is over.
const GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// How long after its creation a project is compared at the latest. It is made from
/// what it would be compared with, so the first move of gmtModified, which is only
/// a step away, is early enough; and creating thousands costs no further call for
/// each of them.
const FIRST_AFTER: Duration = Duration::from_secs(60);

/// How long a question that failed is not repeated; doubles with each failure
/// in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(15);

/// So many comparisons in a row may find nothing new at once: a project has at
/// most that many steps, and each of them moves gmtModified.
const FREE: u32 = 10;

/// The wait after them doubles from here: when OMS touches gmtModified is not
/// documented, and a server that does so all the time must not cost a call for
/// each project and sweep.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The longest of these waits, after which the count starts anew.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What a comparison was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// gmtModified of the project.
    modified: Option<Timestamp>,
    /// The generation of the spec.
    generation: i64,
    /// The server cannot tell.
    unsupported: bool,
}

/// What is known of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It was not compared with this spec.
    None,
    /// The server cannot tell.
    Unsupported,
    /// It was.
    Made,
}

/// Where a step was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    status: String,
    /// In tenths of the whole: a figure that moves all the time is no news.
    tenths: Option<u8>,
    problem: Option<String>,
    modified: Option<Timestamp>,
}

/// What was asked for, and as of when; of one project.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    compared: Option<Compared>,
    calm: u32,
    last: Option<Instant>,
    not_before: Option<Instant>,
    /// It was made a moment ago: when it was seen first, as of which change, and
    /// from which spec.
    made: Option<Box<(Instant, Compared)>>,
    repeat_at: Option<Instant>,
    failed: Option<Instant>,
    failures: u32,
    /// A comparison failed, and what depends on none was written without its mark.
    behind: bool,
    precheck: Option<Box<At>>,
    verification: Option<Box<At>>,
    unverifiable: bool,
}

/// What is due in one pass.
pub struct Due {
    marks: Marks,
    now: Compared,
    /// The user asks for a look at once.
    forced: bool,
    /// From the status, for a process that has asked nothing yet.
    prechecked: bool,
    verified: Option<At>,
    /// Until when something that is due was put off.
    put_off: Option<Instant>,
    /// A comparison was made for which the status did not wait.
    late: bool,
}

impl Due {
    /// What is due of a project that was `seen`.
    pub fn new(mut marks: Marks, read: &MigrationProject, seen: &Seen) -> Self {
        let status = read.status.clone().unwrap_or_default();
        let now = Compared {
            modified: seen.modified,
            generation: read.metadata.generation.unwrap_or_default(),
            unsupported: false,
        };
        let reason = |type_: ConditionType| {
            let find = |one: &&Condition| one.type_ == type_.as_str();
            let found = status.conditions.iter().find(find);
            found.map(|found| (found.reason.as_str(), found.observed_generation))
        };
        // What was not compared, or not observed since, is asked for.
        let unsupported = Reason::ActionMissing.as_str();
        let words = [Reason::InSync, Reason::Drifted, Reason::ActionMissing];
        let in_sync = reason(ConditionType::InSync)
            .filter(|(reason, _)| words.iter().any(|word| word.as_str() == *reason));
        if let (None, Some((reason, generation))) = (marks.compared, in_sync) {
            marks.compared = Some(Compared {
                modified: status.last_modified,
                generation: generation.unwrap_or_default(),
                unsupported: reason == unsupported,
            });
        }
        let untold =
            reason(ConditionType::Verified).is_some_and(|(reason, _)| reason == unsupported);
        if marks.verification.is_none() {
            marks.unverifiable = untold;
        }
        let asked = annotation(read, RECONCILE_REQUESTED_AT);
        let steps = status.steps.iter().map(|step| Step {
            name: step.name.clone().unwrap_or_default(),
            status: step.status.clone().unwrap_or_default(),
            progress: step.progress.and_then(|done| u8::try_from(done).ok()),
            problem: step.message.clone(),
        });
        let verified = steps
            .filter(|_| untold || status.verification.is_some())
            .find(Step::is_full_verification)
            .map(|step| verification_at(&step));
        Self {
            marks,
            now,
            forced: asked.is_some() && asked != status.last_handled_reconcile_at.as_deref(),
            prechecked: status.precheck.is_some() && status.last_modified == seen.modified,
            verified,
            put_off: None,
            late: false,
        }
    }

    /// The project was made by this process, from the spec of today, a moment ago.
    pub fn just_made(&mut self) {
        if self.marks.compared.is_none() && self.marks.made.is_none() {
            self.marks.made = Some(Box::new((Instant::now(), self.now)));
        }
    }

    /// Until when a project that was just made needs no comparison.
    fn first_at(&self) -> Option<Instant> {
        let (seen, made) = **self.marks.made.as_ref()?;
        (self.marks.compared.is_none() && made == self.now).then_some(seen + FIRST_AFTER)
    }

    fn free(&self, until: Option<Instant>) -> bool {
        self.forced || until.is_none_or(|until| until <= Instant::now())
    }

    /// Whether the configuration is to be asked for.
    pub fn configuration(&mut self) -> bool {
        let known = self.marks.compared;
        let moved = known.is_none_or(|known| {
            known.modified != self.now.modified || known.generation != self.now.generation
        });
        let edited = known.is_some_and(|known| known.generation != self.now.generation);
        let due = self.forced || moved || self.marks.repeat_at.is_some();
        let wait = match (edited, moved) {
            (true, _) => None,
            (false, true) => self.marks.not_before,
            (false, false) => self.marks.repeat_at,
        };
        let wait = wait.max(self.marks.failed).max(self.first_at());
        let free = self.free(wait);
        self.put_off = self.put_off.max(wait.filter(|_| due && !free));
        due && free
    }

    /// It was compared, as of `modified`, when OMS's clock showed `date`; and
    /// found as before.
    pub fn compared(&mut self, modified: Option<Timestamp>, date: Option<Timestamp>, same: bool) {
        let settled = match (modified, date) {
            (Some(modified), Some(date)) => date.duration_since(modified) >= GRAIN,
            // Without the one or the other the list has to do.
            _ => true,
        };
        self.marks.failures = 0;
        self.marks.made = None;
        self.late = std::mem::take(&mut self.marks.behind);
        let now = Instant::now();
        let long_ago = self.marks.last.is_none_or(|last| now - last > LONGEST_WAIT);
        self.marks.calm = if same && !long_ago {
            self.marks.calm.saturating_add(1)
        } else {
            0
        };
        let wait = wait(self.marks.calm);
        self.marks.last = Some(now);
        self.marks.not_before = (!wait.is_zero()).then(|| now + wait);
        self.marks.repeat_at = (!settled).then(|| now + GRAIN.unsigned_abs());
        self.put_off = self.put_off.max(self.marks.repeat_at);
        self.marks.compared = Some(Compared {
            modified,
            ..self.now
        });
    }

    /// The server does not tell of a project's configuration.
    pub fn cannot_compare(&mut self, modified: Option<Timestamp>) {
        self.compared(modified, None, true);
        self.marks.compared = self.marks.compared.map(|compared| Compared {
            unsupported: true,
            ..compared
        });
    }

    /// What is known.
    pub fn comparison(&self) -> Comparison {
        match self.marks.compared {
            Some(known) if known.generation != self.now.generation => Comparison::None,
            Some(known) if known.unsupported => Comparison::Unsupported,
            Some(_) => Comparison::Made,
            None => Comparison::None,
        }
    }

    /// Whether the items of a failed precheck are to be asked for.
    pub fn precheck(&mut self, step: &Step) -> bool {
        let moved = match &self.marks.precheck {
            Some(at) => **at != self.precheck_at(step),
            None => !self.prechecked,
        };
        self.step_is_due(moved)
    }

    /// They were, or will not be told.
    pub fn prechecked(&mut self, step: &Step) {
        if self.marks.failed.is_none() {
            self.marks.precheck = Some(Box::new(self.precheck_at(step)));
        }
    }

    /// There is no failed precheck.
    pub fn no_precheck(&mut self) {
        self.marks.precheck = None;
    }

    /// Whether the result of the verification is to be asked for.
    pub fn verification(&mut self, step: &Step) -> bool {
        let known = self
            .marks
            .verification
            .as_deref()
            .or(self.verified.as_ref());
        let moved = known != Some(&verification_at(step));
        self.step_is_due(moved)
    }

    /// It was.
    pub fn verified(&mut self, step: &Step) {
        self.marks.failures = 0;
        self.marks.unverifiable = false;
        self.marks.verification = Some(Box::new(verification_at(step)));
    }

    /// The server does not tell of verifications.
    pub fn cannot_verify(&mut self, step: &Step) {
        self.verified(step);
        self.marks.unverifiable = true;
    }

    /// Whether it does not.
    pub fn is_unverifiable(&self) -> bool {
        self.marks.unverifiable
    }

    fn step_is_due(&mut self, moved: bool) -> bool {
        let due = self.forced || moved;
        let free = self.free(self.marks.failed);
        self.put_off = self.put_off.max(self.marks.failed.filter(|_| due && !free));
        due && free
    }

    /// A question failed: none is repeated for a while.
    pub fn failed(&mut self) {
        let wait = AFTER_FAILURE.saturating_mul(1 << self.marks.failures.min(8));
        self.marks.failures = self.marks.failures.saturating_add(1);
        self.marks.behind = true;
        self.marks.failed = Some(Instant::now() + wait.min(LONGEST_WAIT));
        self.put_off = self.put_off.max(self.marks.failed);
    }

    fn precheck_at(&self, step: &Step) -> At {
        At {
            status: step.status.clone(),
            tenths: None,
            problem: step.problem.clone(),
            modified: self.now.modified,
        }
    }

    /// gmtModified as of the last comparison.
    pub fn modified(&self) -> Option<Timestamp> {
        self.marks.compared?.modified
    }

    /// Whether a comparison was made for which the status did not wait, so that its
    /// mark may have nothing left to be written with.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// When what was put off may be asked for.
    pub fn again(&self) -> Option<Duration> {
        let left = self.put_off?.saturating_duration_since(Instant::now());
        Some(left.max(MOMENT))
    }

    /// What is to be remembered.
    pub fn into_marks(mut self) -> Marks {
        let now = Instant::now();
        self.marks.failed = self.marks.failed.filter(|until| *until > now);
        self.marks
    }
}

fn verification_at(step: &Step) -> At {
    At {
        status: step.status.clone(),
        tenths: step.progress.map(|done| done / 10),
        problem: None,
        modified: None,
    }
}

/// The wait after so many comparisons in a row that found nothing new.
fn wait(calm: u32) -> Duration {
    match calm.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT
            .saturating_mul(1 << more.min(8))
            .min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests;
