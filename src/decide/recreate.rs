//! Whether a project that is gone is made anew: only when a human names it.

use super::reservation::{Provenance, Reservation};

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct Vanished<'a> {
    /// The project that the resource has recorded.
    pub id: &'a str,
    /// Its absence is on record: `status.gone`.
    pub recorded: bool,
    /// The human's word: the id in the annotation.
    pub asked: Option<&'a str>,
    /// The resource took its project over and asks for that one still.
    pub adopts: bool,
    /// The reservation on the resource.
    pub reservation: Provenance,
}

/// What to do about a project that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recreate {
    /// Nothing: nobody has asked, or not for this one. An annotation that was
    /// obeyed names a project that is no longer the resource's.
    No,
    /// It was asked for, but the spec wants the project that is gone.
    AdoptStands,
    /// A reservation that says nothing of the attempt which made the project
    /// has to go first: it would keep the create protocol from beginning.
    DropReservation,
    /// Let go of the id, and create. The attempt that made the project is
    /// settled; it lends the next one its number.
    Begin {
        /// That attempt.
        settled: Option<Box<Reservation>>,
    },
}

/// Decides it.
#[must_use]
pub fn recreate(vanished: &Vanished) -> Recreate {
    if !vanished.recorded || vanished.asked != Some(vanished.id) {
        return Recreate::No;
    }
    if vanished.adopts {
        return Recreate::AdoptStands;
    }
    match &vanished.reservation {
        Provenance::Own(reservation) => Recreate::Begin {
            settled: Some(Box::new(reservation.clone())),
        },
        // The create protocol ignores a foreign one by itself.
        Provenance::None | Provenance::Foreign(_) => Recreate::Begin { settled: None },
        Provenance::Restored(_) | Provenance::Invalid(_) => Recreate::DropReservation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vanished<'a>(asked: Option<&'a str>, reservation: Provenance) -> Vanished<'a> {
        Vanished {
            id: "np_2",
            recorded: true,
            asked,
            adopts: false,
            reservation,
        }
    }

    #[test]
    fn only_the_exact_id_of_a_project_on_record_as_gone_is_obeyed() {
        let begin = Recreate::Begin { settled: None };
        assert_eq!(recreate(&vanished(Some("np_2"), Provenance::None)), begin);
        for other in [None, Some(""), Some("np_1"), Some("np_2 "), Some("true")] {
            assert_eq!(
                recreate(&vanished(other, Provenance::None)),
                Recreate::No,
                "{other:?}"
            );
        }
        let unseen = Vanished {
            recorded: false,
            ..vanished(Some("np_2"), Provenance::None)
        };
        assert_eq!(recreate(&unseen), Recreate::No);
    }

    #[test]
    fn a_spec_that_adopts_the_project_stands_in_the_way() {
        let adopts = Vanished {
            adopts: true,
            ..vanished(Some("np_2"), Provenance::None)
        };
        assert_eq!(recreate(&adopts), Recreate::AdoptStands);
    }

    #[test]
    fn a_reservation_that_cannot_be_settled_goes_first() {
        let invalid = Provenance::Invalid("cut".to_owned());
        assert_eq!(
            recreate(&vanished(Some("np_2"), invalid)),
            Recreate::DropReservation
        );
    }

    proptest! {
        #[test]
        fn nothing_is_made_for_a_word_that_is_not_the_id(word in ".*", recorded: bool, adopts: bool) {
            prop_assume!(word != "np_2");
            let vanished = Vanished { recorded, adopts, ..vanished(Some(&word), Provenance::None) };
            prop_assert_eq!(recreate(&vanished), Recreate::No);
        }
    }
}
