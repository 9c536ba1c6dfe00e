//! The log of calls: what a test asks when it wants to know what was asked.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Counts from 1 over the life of the OMS, `clear_calls` or not.
    pub number: u64,
    /// The value of `Action`, known or not.
    pub action: String,
    /// When it arrived, by OMS's clock.
    pub time: Timestamp,
    /// The id in the request, or the one that CreateProject gave.
    pub project_id: Option<String>,
    /// The name in the request, or that of the project with this id.
    pub project_name: Option<String>,
    /// The searchKey of a list.
    pub search_key: Option<String>,
    /// The pageNumber of a list.
    pub page_number: Option<u64>,
    /// Whose credentials were accepted.
    pub user: Option<String>,
    /// Whether OMS did the work, whatever was replied.
    pub worked: bool,
    /// What the caller got.
    pub outcome: Outcome,
    /// The request id in the reply, if one was written.
    pub request_id: Option<String>,
}

/// What the caller of a call got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    /// Nothing yet: it stands at a gate, is delayed, or hangs.
    Pending,
    /// success=true.
    Success,
    /// success=false.
    Refused {
        /// The code of the envelope.
        code: String,
        /// The message of the envelope.
        message: String,
    },
    /// Wrong or missing credentials.
    Unauthorized,
    /// A fault replaced the reply.
    Fault {
        /// Which kind, as in the admin API.
        fault: &'static str,
    },
}

#[derive(Default)]
pub(crate) struct CallLog {
    calls: VecDeque<Call>,
    counts: BTreeMap<String, u64>,
    searches: u64,
    last: u64,
}

impl CallLog {
    /// Returns the number of the call.
    pub fn arrive(&mut self, mut call: Call, keep: usize) -> u64 {
        self.last += 1;
        call.number = self.last;
        *self.counts.entry(call.action.clone()).or_default() += 1;
        self.searches += u64::from(call.search_key.is_some());
        self.calls.push_back(call);
        while self.calls.len() > keep {
            self.calls.pop_front();
        }
        self.last
    }

    /// Does nothing for a call that was forgotten.
    pub fn update(&mut self, number: u64, change: impl FnOnce(&mut Call)) {
        let at = self.calls.partition_point(|call| call.number < number);
        if let Some(call) = self.calls.get_mut(at).filter(|call| call.number == number) {
            change(call);
        }
    }

    pub fn all(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub fn count(&self, action: &str) -> u64 {
        self.counts.get(action).copied().unwrap_or_default()
    }

    pub fn searches(&self) -> u64 {
        self.searches
    }

    pub fn clear(&mut self) {
        self.calls.clear();
        self.counts.clear();
        self.searches = 0;
    }
}
