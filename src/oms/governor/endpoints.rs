//! One governor for each endpoint, whichever connections lead to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Governor, Limits, Standing};
use crate::oms::BaseUrl;

/// The governors of all endpoints, by address.
#[derive(Default)]
pub struct Governors {
    endpoints: Mutex<BTreeMap<String, Arc<Governor>>>,
}

impl Governors {
    /// The governor of `endpoint`. From now on the limits of `member` count there, and nowhere else.
    pub fn join(&self, member: &str, endpoint: &BaseUrl, limits: Limits) -> Arc<Governor> {
        let mut endpoints = self.endpoints.lock();
        endpoints
            .retain(|url, governor| url == endpoint.as_str() || governor.set_limits(member, None));
        let governor = endpoints.entry(endpoint.to_string()).or_default();
        governor.set_limits(member, Some(limits));
        governor.go_on();
        governor.clone()
    }

    /// `member` is gone. What nobody uses any more is forgotten.
    pub fn leave(&self, member: &str) {
        self.endpoints
            .lock()
            .retain(|_, governor| governor.set_limits(member, None));
    }

    /// Every endpoint, by address.
    #[must_use]
    pub fn standings(&self) -> Vec<(String, Standing)> {
        let endpoints = self.endpoints.lock();
        let all = endpoints.iter();
        all.map(|(url, governor)| (url.clone(), governor.standing()))
            .collect()
    }
}
