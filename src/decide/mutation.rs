//! The changes to a project in OMS that the operator makes.

use super::observed::ProjectStatus;
use crate::api::v1alpha1::Reason;

/// A change to a project in OMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// StartProject.
    Start,
    /// StopProject: OMS's word for a pause.
    Stop,
    /// ResumeProject.
    Resume,
    /// ReleaseProject: it ends for good, and its record stays.
    Release,
    /// DeleteProject: its record goes.
    Delete,
}

impl Mutation {
    /// The reason while it is being asked for.
    #[must_use]
    pub fn doing(self) -> Reason {
        match self {
            Self::Start => Reason::Starting,
            Self::Stop => Reason::Pausing,
            Self::Resume => Reason::Resuming,
            Self::Release | Self::Delete => Reason::Deleting,
        }
    }

    /// The reason of the Event once it is done, if that says more than the Event which
    /// follows: a project that was started is told of as Running, or why it is not. A
    /// release takes a while, and that a project is gone is believed when it is seen.
    #[must_use]
    pub fn done(self) -> Option<Reason> {
        match self {
            Self::Stop => Some(Reason::ProjectPaused),
            Self::Resume => Some(Reason::ProjectResumed),
            Self::Start | Self::Release | Self::Delete => None,
        }
    }

    /// What becomes of the project by it, as in "it was started".
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "paused",
            Self::Resume => "resumed",
            Self::Release => "released",
            Self::Delete => "deleted",
        }
    }

    /// Whether `status` shows that it was done, whatever OMS has answered.
    #[must_use]
    pub fn shows_in(self, status: &ProjectStatus) -> bool {
        use ProjectStatus::{
            Deleted, Released, Releasing, Running, RunningMerging, RunningModifying, Suspend,
        };
        match self {
            Self::Start | Self::Resume => {
                matches!(status, Running | RunningModifying | RunningMerging)
            }
            Self::Stop => *status == Suspend,
            Self::Release => matches!(status, Releasing | Released),
            Self::Delete => *status == Deleted,
        }
    }
}
