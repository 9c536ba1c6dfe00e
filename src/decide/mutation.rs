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
}

impl Mutation {
    /// The reason while it is being asked for.
    #[must_use]
    pub fn doing(self) -> Reason {
        match self {
            Self::Start => Reason::Starting,
            Self::Stop => Reason::Pausing,
            Self::Resume => Reason::Resuming,
        }
    }

    /// The reason of the Event once it is done.
    #[must_use]
    pub fn done(self) -> Reason {
        match self {
            Self::Start => Reason::ProjectStarted,
            Self::Stop => Reason::ProjectPaused,
            Self::Resume => Reason::ProjectResumed,
        }
    }

    /// What becomes of the project by it, as in "it was started".
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "paused",
            Self::Resume => "resumed",
        }
    }

    /// Whether `status` shows that it was done, whatever OMS has answered.
    #[must_use]
    pub fn shows_in(self, status: &ProjectStatus) -> bool {
        use ProjectStatus::{Running, RunningMerging, RunningModifying, Suspend};
        match self {
            Self::Start | Self::Resume => {
                matches!(status, Running | RunningModifying | RunningMerging)
            }
            Self::Stop => *status == Suspend,
        }
    }
}
