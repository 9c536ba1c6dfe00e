//! The actions of `/api/v2` that this operator uses.

use std::fmt;

/// One action of the API, named as OMS names it.
///
/// Every request carries its action as an extension, so that a layer around the transport can tell a
/// mutation from a read without parsing the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Makes a project; it is not started by that.
    CreateProject,
    /// Starts a project that is INIT.
    StartProject,
    /// Pauses a project that is RUNNING.
    StopProject,
    /// Goes on with a project that is SUSPEND or FAILED.
    ResumeProject,
    /// Ends a project that is SUSPEND, FAILED or FINISHED for good; takes a while.
    ReleaseProject,
    /// Removes the record of a project that is INIT or RELEASED.
    DeleteProject,
    /// One page of the projects.
    ListProjects,
    /// One project with all that OMS says about it.
    DescribeProject,
    /// One page of the data sources.
    ListDataSource,
    /// The items of a project's precheck; not on every server.
    GetPreCheckResult,
    /// One page of the tables that a full verification has compared.
    ListProjectFullVerifyResult,
}

impl Action {
    /// All of them, for metrics that exist before the first call.
    pub const ALL: [Action; 11] = [
        Action::CreateProject,
        Action::StartProject,
        Action::StopProject,
        Action::ResumeProject,
        Action::ReleaseProject,
        Action::DeleteProject,
        Action::ListProjects,
        Action::DescribeProject,
        Action::ListDataSource,
        Action::GetPreCheckResult,
        Action::ListProjectFullVerifyResult,
    ];

    /// The name in the query string, which is case-sensitive.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::CreateProject => "CreateProject",
            Action::StartProject => "StartProject",
            Action::StopProject => "StopProject",
            Action::ResumeProject => "ResumeProject",
            Action::ReleaseProject => "ReleaseProject",
            Action::DeleteProject => "DeleteProject",
            Action::ListProjects => "ListProjects",
            Action::DescribeProject => "DescribeProject",
            Action::ListDataSource => "ListDataSource",
            Action::GetPreCheckResult => "GetPreCheckResult",
            Action::ListProjectFullVerifyResult => "ListProjectFullVerifyResult",
        }
    }

    /// Whether the action changes something in OMS.
    pub const fn is_mutation(self) -> bool {
        match self {
            Action::CreateProject
            | Action::StartProject
            | Action::StopProject
            | Action::ResumeProject
            | Action::ReleaseProject
            | Action::DeleteProject => true,
            Action::ListProjects
            | Action::DescribeProject
            | Action::ListDataSource
            | Action::GetPreCheckResult
            | Action::ListProjectFullVerifyResult => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
