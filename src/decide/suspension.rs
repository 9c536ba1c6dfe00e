//! Who keeps the operator from changing anything in OMS.

use super::verdict::Verdict;
use crate::api::v1alpha1::Reason;

/// Whose `suspend` it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// The resource's own.
    Resource,
    /// That of its connection, by its name.
    Connection(String),
}

impl Suspension {
    /// What a resource says that waits for the end of the suspension; `due` is
    /// what it waits with, as a clause.
    #[must_use]
    pub fn verdict(&self, due: &str) -> Verdict {
        let whose = match self {
            Self::Resource => "spec.suspend is set".to_owned(),
            Self::Connection(name) => {
                format!("OMSConnection {name} is suspended (its spec.suspend)")
            }
        };
        Verdict::progressing(
            Reason::Suspended,
            format!("{due}, and {whose}: nothing is changed in OMS until that ends."),
        )
    }
}
