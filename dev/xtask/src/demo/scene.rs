//! The scene as data: which projects are shown, what befalls them, and how each is to end.

use std::time::Duration;

use oms_simulator::{Durations, Fault, Kind, Oms, StepError};

use super::row::{Mark, Row};

/// The connection and its login.
const CONNECTION: &str = "examples/connection.yaml";

/// Who plays.
pub const CAST: [Role; 5] = [
    Role {
        name: "shop",
        file: "examples/mysql-to-oceanbase.yaml",
        fate: Fate::Lucky,
        end: End::CaughtUp,
    },
    Role {
        name: "shop-by-names",
        file: "examples/by-data-source-names.yaml",
        fate: Fate::Lucky,
        end: End::Succeeded,
    },
    Role {
        name: "vendor-example",
        file: "examples/vendor-example.yaml",
        fate: Fate::Lucky,
        end: End::CaughtUp,
    },
    Role {
        name: "orders",
        file: "dev/xtask/demo/orders.yaml",
        fate: Fate::ReplyLost,
        end: End::Succeeded,
    },
    Role {
        name: "billing",
        file: "dev/xtask/demo/billing.yaml",
        fate: Fate::PrecheckFails,
        end: End::PrecheckFailed,
    },
];

/// How often the operator looks at OMS. The default, 30 s, is for production.
pub const SWEEP: &str = "1s";

/// How long a lag has to stay small; the default, 30 s, would be half of the show.
pub const STABLE: &str = "3s";

/// How long the lost project stays out of OMS's lists, in real time: long enough to be seen, and
/// well within [`QUARANTINE`].
const LISTED_LATE: Duration = Duration::from_secs(8);

/// The operator's `--create-quarantine`, whose default is 10 minutes.
pub const QUARANTINE: &str = "30s";

/// One project of the show.
pub struct Role {
    /// Name of the resource.
    pub name: &'static str,
    /// Where it stands, from the root of the repository on.
    pub file: &'static str,
    /// What OMS does to it.
    pub fate: Fate,
    /// How it is to end.
    pub end: End,
}

/// What OMS does to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing unusual.
    Lucky,
    /// It fails before anything is moved.
    PrecheckFails,
    /// CreateProject does its work, and the answer gets lost.
    ReplyLost,
}

/// How a project is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It follows the source, close behind.
    CaughtUp,
    /// FINISHED.
    Succeeded,
    /// It has said why it cannot begin.
    PrecheckFailed,
}

impl End {
    /// Whether the project is there.
    pub fn is_reached(self, row: &Row) -> bool {
        let (mark, reason) = match self {
            End::CaughtUp => (Mark::Good, "CaughtUp"),
            End::Succeeded => (Mark::Good, "Succeeded"),
            End::PrecheckFailed => (Mark::Bad, "PrecheckFailed"),
        };
        row.id.is_some() && (row.mark, row.reason.as_str()) == (mark, reason)
    }
}

/// All files that are applied.
pub fn files() -> impl Iterator<Item = &'static str> {
    [CONNECTION]
        .into_iter()
        .chain(CAST.iter().map(|role| role.file))
}

/// How long the steps take at speed 1, in the proportions of a real migration.
pub fn durations() -> Durations {
    let seconds = Duration::from_secs;
    Durations {
        precheck: seconds(30),
        struct_transfer: seconds(20),
        log_pull: seconds(20),
        full_transfer: seconds(120),
        full_verifier: seconds(40),
        backlog: seconds(600),
        catch_up_rate: 6.0,
        ..Durations::default()
    }
}

/// Tells OMS what is to befall whom.
pub fn set(oms: &Oms, namespace: &str) {
    for role in &CAST {
        // What the operator calls a project that has no name in its spec.
        let project = format!("{namespace}.{}", role.name);
        match role.fate {
            Fate::Lucky => {}
            Fate::PrecheckFails => {
                oms.fail_step_of_next(&project, "TRANSFER_PRECHECK", vec![missing_grant()]);
            }
            Fate::ReplyLost => {
                let create = |kind| Fault::new("CreateProject", kind).project(&project).times(1);
                oms.fault(create(Kind::listed_late(LISTED_LATE)));
                oms.fault(create(Kind::Drop).after_work());
            }
        }
    }
}

fn missing_grant() -> StepError {
    StepError {
        code: "CM-RESOAT1111".to_owned(),
        message: "The account migration lacks SELECT on billing.*".to_owned(),
        proposal: "Grant it on the source (GRANT SELECT ON billing.* TO migration).".to_owned(),
    }
}

/// Whether OMS has exactly one project for each of `rows`, and each was asked for once.
pub fn once_each(oms: &Oms) -> anyhow::Result<String> {
    let (projects, creates) = (oms.projects().len(), oms.count("CreateProject"));
    anyhow::ensure!(
        projects == CAST.len() && creates == CAST.len() as u64,
        "OMS has {projects} projects after {creates} calls of CreateProject, for {} resources",
        CAST.len()
    );
    Ok(format!(
        "{projects} resources, {creates} calls of CreateProject, {projects} projects in OMS"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::documents::Documents;

    #[test]
    fn every_role_stands_in_its_file_and_no_other_project_does() {
        for role in &CAST {
            let documents = Documents::read([role.file]).unwrap();
            assert_eq!(documents.projects(), [role.name], "{}", role.file);
        }
        assert_eq!(
            Documents::read(files()).unwrap().projects().len(),
            CAST.len()
        );
    }

    #[test]
    fn every_fate_and_every_end_is_shown() {
        for fate in [Fate::Lucky, Fate::PrecheckFails, Fate::ReplyLost] {
            assert!(CAST.iter().any(|role| role.fate == fate), "{fate:?}");
        }
        for end in [End::CaughtUp, End::Succeeded, End::PrecheckFailed] {
            assert!(CAST.iter().any(|role| role.end == end), "{end:?}");
        }
    }
}
