//! What is known of a project in OMS, in the operator's words.

use std::fmt;

/// A project's status, as OMS names it (OMS API, project status).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectStatus {
    /// Created and never started.
    Init,
    /// Running; also while it waits for the manual switchover.
    Running,
    /// Running while objects are added or removed.
    RunningModifying,
    /// Running while a modification is merged.
    RunningMerging,
    /// Paused.
    Suspend,
    /// A step failed; it can be resumed.
    Failed,
    /// Done.
    Finished,
    /// Being released.
    Releasing,
    /// Ended for good; the record is kept.
    Released,
    /// Deleted; whether OMS ever answers this is not known.
    Deleted,
    /// A word that this version does not know: shown, never acted on.
    Other(String),
}

impl ProjectStatus {
    /// Reads the vendor's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "INIT" => Self::Init,
            "RUNNING" => Self::Running,
            "RUNNING_MODIFYING" => Self::RunningModifying,
            "RUNNING_MERGING" => Self::RunningMerging,
            "SUSPEND" => Self::Suspend,
            "FAILED" => Self::Failed,
            "FINISHED" => Self::Finished,
            "RELEASING" => Self::Releasing,
            "RELEASED" => Self::Released,
            "DELETED" => Self::Deleted,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The vendor's word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => known.known_word(),
        }
    }

    /// The vendor's word, or `other` for one that this version does not know.
    #[must_use]
    pub fn known_word(&self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Running => "RUNNING",
            Self::RunningModifying => "RUNNING_MODIFYING",
            Self::RunningMerging => "RUNNING_MERGING",
            Self::Suspend => "SUSPEND",
            Self::Failed => "FAILED",
            Self::Finished => "FINISHED",
            Self::Releasing => "RELEASING",
            Self::Released => "RELEASED",
            Self::Deleted => "DELETED",
            Self::Other(_) => "other",
        }
    }

    /// Whether it is at work.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(
            self,
            Self::Running | Self::RunningModifying | Self::RunningMerging
        )
    }

    /// Whether the project has come, or is coming, to its irrevocable end.
    /// Such a namesake neither stands in the way of a new project nor is it
    /// ever taken over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Releasing | Self::Released | Self::Deleted)
    }
}

impl fmt::Display for ProjectStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// What the operator may believe about the project a resource has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Nothing fresh enough is known. Never the same as [`Observed::Absent`].
    Unknown,
    /// OMS has no action that would tell.
    Unobservable {
        /// The action that the server does not know.
        missing: &'static str,
    },
    /// OMS said, to a direct question, that there is no such project.
    Absent,
    /// The project is there.
    Present(ProjectStatus),
}
