//! From a connection's limits to those of its OMS, and back: what is said of
//! calls that are held back.

use std::num::NonZeroU32;

use crate::api::v1alpha1::OMSConnectionSpec;
use crate::decide::HeldBack;
use crate::oms::{Circuit, Limits, Standing};

/// What the connection sets. What the schema refuses counts as unset.
#[must_use]
pub fn limits(spec: &OMSConnectionSpec) -> Limits {
    let limits = spec.limits.unwrap_or_default();
    let limit = |limit: Option<i32>| {
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        limit.and_then(NonZeroU32::new)
    };
    Limits {
        requests_per_second: limit(limits.requests_per_second),
        max_in_flight: limit(limits.max_in_flight),
    }
}

/// Why calls are held back, if they are.
#[must_use]
pub fn held_back(standing: &Standing) -> Option<HeldBack> {
    match standing.circuit {
        Circuit::Open | Circuit::Probing => Some(HeldBack::CircuitOpen),
        Circuit::Closed if standing.asked_for_fewer || standing.paused_for.is_some() => {
            Some(HeldBack::AskedForFewer)
        }
        Circuit::Closed => None,
    }
}
