//! What was done, a line for each resource, and all of it in one.

use std::io::Write as _;
use std::process::ExitCode;

use super::key;
use super::running::Leader;
use crate::api::v1alpha1::{DeletionPolicy, MigrationProject, OMSConnection};

/// Something is still held.
const SOME_HELD: u8 = 1;

/// An operator runs.
const OPERATOR_RUNS: u8 = 3;

/// What came of letting go of one resource.
pub(super) enum Done {
    /// The finalizer is off.
    LetGo,
    /// It would be.
    WouldBe,
    /// Somebody else was faster.
    Gone,
    /// It is not off, because of this.
    Failed(String),
}

/// What was done.
pub(super) struct Report {
    dry_run: bool,
    projects: usize,
    connections: usize,
    free: usize,
    kept: usize,
    failed: usize,
    runs: Option<String>,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        Self {
            dry_run,
            projects: 0,
            connections: 0,
            free: 0,
            kept: 0,
            failed: 0,
            runs: None,
        }
    }

    pub(super) fn project(&mut self, project: &MigrationProject, done: Done) {
        let place = format!("migrationproject {}", key(project));
        match done {
            Done::LetGo => {
                self.projects += 1;
                self.line(format!("{place}: let go; {}", stays(project)));
            }
            Done::WouldBe => {
                self.projects += 1;
                self.line(format!("{place}: would be let go; {}", stays(project)));
            }
            other => self.otherwise(place, other),
        }
    }

    pub(super) fn connection(&mut self, connection: &OMSConnection, done: Done) {
        let place = format!("omsconnection {}", key(connection));
        match done {
            Done::LetGo => {
                self.connections += 1;
                self.line(format!("{place}: let go"));
            }
            Done::WouldBe => {
                self.connections += 1;
                self.line(format!("{place}: would be let go"));
            }
            other => self.otherwise(place, other),
        }
    }

    fn otherwise(&mut self, place: String, done: Done) {
        match done {
            Done::Failed(why) => {
                self.failed += 1;
                self.line(format!("{place}: FAILED: {why}"));
            }
            _ => self.line(format!("{place}: gone already")),
        }
    }

    pub(super) fn kept(&mut self, project: &MigrationProject, left: &str) {
        self.kept += 1;
        self.line(format!(
            "migrationproject {}: KEPT: {left}. Let the operator run until that is settled; or look for \
             the project in OMS, and let go with --unsettled",
            key(project)
        ));
    }

    pub(super) fn needed(&mut self, connection: &OMSConnection) {
        self.kept += 1;
        self.line(format!(
            "omsconnection {}: KEPT for the resources that are kept",
            key(connection)
        ));
    }

    pub(super) fn free(&mut self, count: usize) {
        self.free = count;
    }

    pub(super) fn leader(&mut self, leader: &Leader, go_on: bool) {
        let what = format!(
            "an operator runs: {} holds the Lease {}/{}, and takes back whatever it watches",
            leader.holder, leader.namespace, leader.lease
        );
        self.operator_runs(what, (&leader.namespace, &leader.lease), go_on);
    }

    /// `stopped`: nothing more was let go of.
    pub(super) fn taken_back(&mut self, place: &str, stopped: bool) {
        self.failed += 1;
        let what = format!("an operator runs: it has taken back migrationproject {place}");
        self.operator_runs(what, ("oms-system", "oms-operator"), !stopped);
    }

    /// `place`: namespace and name of its Deployment, which the chart gives its Lease, too.
    fn operator_runs(&mut self, what: String, place: (&str, &str), go_on: bool) {
        let (namespace, deployment) = place;
        let helps = format!(
            "Stop it first, for example with: kubectl -n {namespace} scale deployment {deployment} \
             --replicas=0"
        );
        if go_on {
            self.line(format!("WARNING: {what}. {helps}"));
        } else {
            self.runs = Some(format!("{what}. {helps}"));
        }
    }

    /// At once: of thousands the first are read before the last are done.
    fn line(&self, line: String) {
        // Nobody reads on: what has to be done is done all the same.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// All in one line.
    fn summary(&self) -> String {
        let (done, is) = match self.dry_run {
            true => ("would be let go of", "Nothing was changed"),
            false => ("let go of", "OMS was not called, and nothing was deleted"),
        };
        let mut text = format!(
            "{} MigrationProjects and {} OMSConnections {done}; {} were free already; {} kept; {} \
             failed. {is}.",
            self.projects, self.connections, self.free, self.kept, self.failed
        );
        if let Some(runs) = &self.runs {
            text.push_str(&format!("\nNot done: {runs}."));
        }
        text
    }

    fn exit_code(&self) -> u8 {
        match self.runs {
            Some(_) => OPERATOR_RUNS,
            None if self.kept + self.failed > 0 => SOME_HELD,
            None => 0,
        }
    }

    /// The sum, apart from the lines; and the exit status.
    pub(super) fn end(&self) -> ExitCode {
        eprintln!("{}", self.summary());
        ExitCode::from(self.exit_code())
    }
}

/// What becomes of its project.
fn stays(project: &MigrationProject) -> String {
    let status = project.status.as_ref();
    let id = status.and_then(|status| status.project_id.as_deref());
    let Some(id) = id else {
        return "it has no project".to_owned();
    };
    if status.is_some_and(|status| status.gone == Some(true)) {
        return format!("its project {id} is gone from OMS");
    }
    let word = status.and_then(|status| status.project_status.as_deref());
    let seen = word.map_or(String::new(), |word| {
        format!(" ({word} when it was last seen)")
    });
    let stays = format!("its project {id}{seen} stays in OMS as it is");
    let policy = project.spec.deletion_policy();
    if project.metadata.deletion_timestamp.is_none() {
        stays
    } else if policy == DeletionPolicy::Retain {
        format!("it was being deleted, and goes; {stays}")
    } else {
        format!("it was being deleted, and goes without the {policy:?} that it asks for; {stays}")
    }
}
