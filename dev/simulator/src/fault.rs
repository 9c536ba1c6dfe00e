//! Faults: what goes wrong on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which calls go wrong, how often, and how.
///
/// ```
/// use oms_simulator::{Fault, Kind};
/// // The reply of the next CreateProject is lost after the work is done.
/// let lost = Fault::new("CreateProject", Kind::Drop).after_work().times(1);
/// ```
///
/// Several faults may strike one call: delays add up, and of the kinds that
/// replace the reply the one given first wins; only faults that strike are used
/// up. A fault before the work keeps those after the work from striking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The action that it strikes; `*` for every one.
    pub action: String,
    /// How many calls it strikes. Absent: all, until it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Strikes only calls about this project: its name or id, or a searchKey
    /// equal to one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Before the work it prevents it; after the work it only loses the reply.
    #[serde(default)]
    pub when: When,
    /// What goes wrong.
    pub kind: Kind,
}

/// On which side of the work something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// OMS has the request and has done nothing yet.
    #[default]
    BeforeWork,
    /// OMS has done the work and has replied nothing yet.
    AfterWork,
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", deny_unknown_fields)]
pub enum Kind {
    /// The call takes that much longer, in real time.
    Delay {
        /// How long.
        #[serde(with = "seconds")]
        seconds: Duration,
    },
    /// No reply ever, and the connection stays open.
    Hang,
    /// The connection is closed without a byte.
    Drop,
    /// This HTTP reply.
    Http {
        /// Its status.
        status: u16,
        /// Its headers, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body.
        #[serde(default)]
        body: String,
    },
    /// HTTP 200 with success=false and these words.
    Business {
        /// The error code.
        code: String,
        /// The error text.
        message: String,
        /// The hint.
        #[serde(default)]
        advice: String,
    },
    /// HTTP 200 whose body ends in the middle of a JSON text.
    Garbage,
    /// HTTP 200 with the HTML page of some proxy.
    Html,
    /// The project that this CreateProject makes is not in lists before that
    /// much time has passed by OMS's clock. The reply is left alone.
    ListedLate {
        /// How long.
        #[serde(with = "seconds")]
        seconds: Duration,
    },
    /// The same, and until then no call by its id finds it either.
    ShownLate {
        /// How long.
        #[serde(with = "seconds")]
        seconds: Duration,
    },
}

impl Fault {
    /// Strikes every call of `action`, before the work.
    pub fn new(action: &str, kind: Kind) -> Self {
        Self {
            action: action.into(),
            times: None,
            project: None,
            when: When::BeforeWork,
            kind,
        }
    }

    /// Strikes that many calls.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes only calls about this project.
    pub fn project(mut self, project: &str) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Strikes when the work is done.
    pub fn after_work(mut self) -> Self {
        self.when = When::AfterWork;
        self
    }
}

impl Kind {
    /// A longer call.
    pub fn delay(by: Duration) -> Self {
        Self::Delay { seconds: by }
    }

    /// An HTTP reply with an empty body.
    pub fn http(status: u16) -> Self {
        Self::Http {
            status,
            headers: BTreeMap::new(),
            body: String::new(),
        }
    }

    /// An answer of success. Before the work: nothing was done.
    pub fn unheeded() -> Self {
        Self::Http {
            status: 200,
            headers: BTreeMap::new(),
            body: r#"{"success":true,"data":null}"#.to_owned(),
        }
    }

    /// HTTP 429 with `Retry-After`.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs().to_string();
        Self::Http {
            status: 429,
            headers: [("Retry-After".to_owned(), seconds)].into(),
            body: String::new(),
        }
    }

    /// A business error.
    pub fn business(code: &str, message: &str) -> Self {
        Self::Business {
            code: code.into(),
            message: message.into(),
            advice: String::new(),
        }
    }

    /// A project that is created but not listed yet.
    pub fn listed_late(by: Duration) -> Self {
        Self::ListedLate { seconds: by }
    }

    /// A project that nothing shows before.
    pub fn shown_late(by: Duration) -> Self {
        Self::ShownLate { seconds: by }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::Http { .. } => "http",
            Self::Business { .. } => "business",
            Self::Garbage => "garbage",
            Self::Html => "html",
            Self::ListedLate { .. } => "listedLate",
            Self::ShownLate { .. } => "shownLate",
        }
    }
}

/// Whom a call is about, in all the words that it may use.
pub(crate) struct About<'a> {
    pub action: &'a str,
    pub words: Vec<&'a str>,
}

impl About<'_> {
    pub fn matches(&self, action: &str, project: Option<&str>) -> bool {
        (action == "*" || action == self.action)
            && project.is_none_or(|project| self.words.contains(&project))
    }
}

/// How long CreateProject's project stays out of sight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Late {
    /// Of lists.
    pub listed: Duration,
    /// Of calls by its id.
    pub known: Duration,
}

/// What strikes one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struck {
    pub delay_before: Duration,
    pub before: Option<Kind>,
    pub late: Late,
    pub delay_after: Duration,
    pub after: Option<Kind>,
}

#[derive(Default)]
pub(crate) struct Faults {
    faults: BTreeMap<u64, Fault>,
    last: u64,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) -> u64 {
        self.last += 1;
        self.faults.insert(self.last, fault);
        self.last
    }

    pub fn remove(&mut self, id: u64) -> bool {
        self.faults.remove(&id).is_some()
    }

    pub fn clear(&mut self) {
        self.faults.clear();
    }

    /// Those that can still strike.
    pub fn all(&self) -> BTreeMap<u64, Fault> {
        self.faults.clone()
    }

    /// Decides what strikes a call, and uses it up.
    pub fn strike(&mut self, about: &About<'_>) -> Struck {
        let mut struck = Struck::default();
        for when in [When::BeforeWork, When::AfterWork] {
            if struck.before.is_some() {
                break;
            }
            for fault in self.faults.values_mut() {
                if fault.when == when && about.matches(&fault.action, fault.project.as_deref()) {
                    fault.strike(&mut struck);
                }
            }
        }
        self.faults.retain(|_, fault| fault.times != Some(0));
        struck
    }
}

impl Fault {
    fn strike(&mut self, struck: &mut Struck) {
        let (delay, slot) = match self.when {
            When::BeforeWork => (&mut struck.delay_before, &mut struck.before),
            When::AfterWork => (&mut struck.delay_after, &mut struck.after),
        };
        match &self.kind {
            Kind::Delay { seconds } => *delay += *seconds,
            Kind::ListedLate { seconds } => struck.late.listed = *seconds,
            Kind::ShownLate { seconds } => {
                struck.late = Late {
                    listed: *seconds,
                    known: *seconds,
                };
            }
            _ if slot.is_some() => return,
            kind => *slot = Some(kind.clone()),
        }
        if let Some(times) = &mut self.times {
            *times = times.saturating_sub(1);
        }
    }
}

/// Durations as a number of seconds, fractions allowed.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about<'a>(action: &'a str, words: &[&'a str]) -> About<'a> {
        About {
            action,
            words: words.to_vec(),
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_may_and_only_whom_it_names() {
        let mut faults = Faults::default();
        faults.add(
            Fault::new("CreateProject", Kind::Drop)
                .project("a")
                .times(1),
        );
        assert!(
            faults
                .strike(&about("CreateProject", &["b"]))
                .before
                .is_none()
        );
        assert!(
            faults
                .strike(&about("StartProject", &["a"]))
                .before
                .is_none()
        );
        assert_eq!(
            faults.strike(&about("CreateProject", &["a"])).before,
            Some(Kind::Drop)
        );
        assert!(
            faults
                .strike(&about("CreateProject", &["a"]))
                .before
                .is_none()
        );
    }

    #[test]
    fn a_fault_that_another_one_keeps_from_striking_is_not_used_up() {
        let mut faults = Faults::default();
        faults.add(Fault::new("*", Kind::Hang).after_work().times(1));
        faults.add(Fault::new("*", Kind::Html).times(1));
        faults.add(Fault::new("*", Kind::Garbage).times(1));
        faults.add(Fault::new("*", Kind::delay(Duration::from_secs(1))).times(1));
        let struck = faults.strike(&about("X", &[]));
        assert_eq!((struck.before, struck.after), (Some(Kind::Html), None));
        assert_eq!(struck.delay_before, Duration::from_secs(1));
        assert_eq!(faults.strike(&about("X", &[])).before, Some(Kind::Garbage));
        assert_eq!(faults.strike(&about("X", &[])).after, Some(Kind::Hang));
        assert!(faults.all().is_empty());
    }

    #[test]
    fn faults_read_as_the_admin_api_documents_them() {
        let fault: Fault = serde_json::from_str(
            r#"{"action":"CreateProject","times":2,"project":"shop.orders","when":"AfterWork",
                "kind":{"type":"http","status":429,"headers":{"Retry-After":"5"}}}"#,
        )
        .unwrap();
        let built = Fault::new(
            "CreateProject",
            Kind::too_many_requests(Duration::from_secs(5)),
        )
        .project("shop.orders")
        .after_work()
        .times(2);
        assert_eq!(fault, built);
        assert!(serde_json::from_str::<Kind>(r#"{"type":"listedLate","seconds":-1}"#).is_err());
    }
}
