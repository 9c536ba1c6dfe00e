//! The table: what OMS says, by what the spec asks for.

use crate::api::v1alpha1::{Reason, WantedState};
use crate::decide::mutation::Mutation;
use crate::decide::observed::{Observed, ProjectStatus};

/// What one cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// This change is due.
    Do(Mutation),
    /// As declared.
    Good(Reason),
    /// OMS is at work, and what comes of it is looked at then.
    Wait(Reason),
    /// Nothing heals by itself.
    Stuck(Reason),
    /// It depends on whose pause it is: [`super::pause`].
    Pause,
    /// It depends on `spec.retry` and on the annotation: [`super::retry`].
    Retry,
    /// A word that this version does not know: shown, and never acted on.
    Strange,
    /// Nothing fresh is known, which is never the same as gone.
    Unseen,
    /// OMS cannot tell.
    Unseeable,
}

/// The cell for what is `observed` and `wanted`.
pub(super) fn cell(observed: &Observed, wanted: WantedState) -> Cell {
    use Cell::{Do, Good, Pause, Retry, Strange, Stuck, Unseeable, Unseen, Wait};
    use Mutation::{Start, Stop};
    use Observed::{Absent, Present, Unknown, Unobservable};
    use ProjectStatus as S;
    use Reason as R;

    #[rustfmt::skip]
    let [running, paused, created] = match observed {
        //                              Running               Paused                Created
        Present(S::Init)            => [Do(Start),            Good(R::Created),     Good(R::Created)],
        Present(S::Running)         => [Good(R::Running),     Do(Stop),             Good(R::Running)],
        Present(S::RunningModifying)
        | Present(S::RunningMerging)=> [Good(R::Running),     Wait(R::Pausing),     Good(R::Running)],
        Present(S::Suspend)         => [Pause,                Good(R::Paused),      Stuck(R::PausedOutside)],
        Present(S::Failed)          => [Retry,                Stuck(R::Failed),     Stuck(R::Failed)],
        Present(S::Finished)        => [Good(R::Finished),    Good(R::Finished),    Good(R::Finished)],
        Present(S::Releasing)       => [Wait(R::Releasing),   Wait(R::Releasing),   Wait(R::Releasing)],
        Present(S::Released)        => [Stuck(R::Released),   Stuck(R::Released),   Stuck(R::Released)],
        Present(S::Deleted) | Absent=> [Stuck(R::ProjectGone),Stuck(R::ProjectGone),Stuck(R::ProjectGone)],
        Present(S::Other(_))        => [Strange,              Strange,              Strange],
        Unknown                     => [Unseen,               Unseen,               Unseen],
        Unobservable { .. }         => [Unseeable,            Unseeable,            Unseeable],
    };
    match wanted {
        WantedState::Running => running,
        WantedState::Paused => paused,
        WantedState::Created => created,
    }
}
