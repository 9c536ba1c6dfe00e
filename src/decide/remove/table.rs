//! The table: what OMS says, by what the deletion policy asks for.

use crate::api::v1alpha1::DeletionPolicy;
use crate::decide::mutation::Mutation;
use crate::decide::observed::{Observed, ProjectStatus};

/// What one cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// This change is due.
    Do(Mutation),
    /// OMS is at work, and what comes of it is looked at then.
    Wait,
    /// Nothing is left to be done.
    Done(Done),
    /// A word that this version does not know: shown, and never acted on.
    Strange,
    /// Nothing fresh is known.
    Unseen,
    /// OMS cannot tell.
    Unseeable,
}

/// How it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The project is to stay.
    Retained,
    /// It was never started: there is nothing to release.
    NeverStarted,
    /// It is released.
    Released,
    /// It is gone.
    Gone,
}

/// The cell for what is `observed` under `policy`.
pub(super) fn cell(observed: &Observed, policy: DeletionPolicy) -> Cell {
    use Cell::{Do, Strange, Unseeable, Unseen, Wait};
    use Mutation::{Delete, Release, Stop};
    use Observed::{Absent, Present, Unknown, Unobservable};
    use ProjectStatus as S;
    const STAYS: Cell = Cell::Done(Done::Retained);
    const NEVER_STARTED: Cell = Cell::Done(Done::NeverStarted);
    const RELEASED: Cell = Cell::Done(Done::Released);
    const GONE: Cell = Cell::Done(Done::Gone);

    #[rustfmt::skip]
    let [retain, release, delete] = match observed {
        //                              Retain  Release         Delete
        Present(S::Init)            => [STAYS,  NEVER_STARTED,  Do(Delete)],
        Present(S::Running)         => [STAYS,  Do(Stop),       Do(Stop)],
        Present(S::RunningModifying)
        | Present(S::RunningMerging)=> [STAYS,  Wait,           Wait],
        Present(S::Suspend)         => [STAYS,  Do(Release),    Do(Release)],
        Present(S::Failed)          => [STAYS,  Do(Release),    Do(Release)],
        Present(S::Finished)        => [STAYS,  Do(Release),    Do(Release)],
        Present(S::Releasing)       => [STAYS,  Wait,           Wait],
        Present(S::Released)        => [STAYS,  RELEASED,       Do(Delete)],
        Present(S::Deleted) | Absent=> [STAYS,  GONE,           GONE],
        Present(S::Other(_))        => [STAYS,  Strange,        Strange],
        Unknown                     => [STAYS,  Unseen,         Unseen],
        Unobservable { .. }         => [STAYS,  Unseeable,      Unseeable],
    };
    match policy {
        DeletionPolicy::Retain => retain,
        DeletionPolicy::Release => release,
        DeletionPolicy::Delete => delete,
    }
}
