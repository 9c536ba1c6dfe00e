//! What a simulated OMS is made with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tls::Tls;

/// Everything that is settled when an OMS is made.
///
/// `Config::default()` serves plain HTTP on a free loopback port for the user
/// `admin` with password `admin-password`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The user whose Basic credentials are accepted.
    pub username: String,
    /// That user's password.
    pub password: String,
    /// How many times as fast as real time projects work.
    pub speed: f64,
    /// How long each step takes, in work time.
    pub durations: Durations,
    /// How replies are written.
    pub reply_form: ReplyForm,
    /// What is done with request keys that nobody documents.
    pub unknown_keys: UnknownKeys,
    /// How a call with wrong credentials is refused.
    pub unauthorized: Unauthorized,
    /// Whether DescribeProject fills in defaults and `databases[].type`, as OMS
    /// does: a client may then compare only the fields that it set.
    pub fill_defaults: bool,
    /// Serve HTTPS with this certificate.
    pub tls: Option<Tls>,
    /// Who may use `/admin`.
    pub admin: Admin,
    /// Where ids come from. The same seed gives the same ids.
    pub seed: u64,
    /// How many calls the log keeps before it forgets the oldest.
    pub call_log: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "admin".into(),
            password: "admin-password".into(),
            speed: 1.0,
            durations: Durations::default(),
            reply_form: ReplyForm::default(),
            unknown_keys: UnknownKeys::default(),
            unauthorized: Unauthorized::default(),
            fill_defaults: true,
            tls: None,
            admin: Admin::default(),
            // Two simulators must not hand out the same ids by accident.
            seed: rand::random(),
            call_log: 100_000,
        }
    }
}

/// How long the parts of a project's life take, in work time.
#[derive(Clone, Debug)]
pub struct Durations {
    /// TRANSFER_PRECHECK.
    pub precheck: Duration,
    /// STRUCT_TRANSFER.
    pub struct_transfer: Duration,
    /// TRANSFER_INCR_LOG_PULL.
    pub log_pull: Duration,
    /// FULL_TRANSFER.
    pub full_transfer: Duration,
    /// FULL_VERIFIER.
    pub full_verifier: Duration,
    /// From RELEASING to RELEASED.
    pub release: Duration,
    /// How far behind INCR_TRANSFER is when it begins.
    pub backlog: Duration,
    /// How far behind it stays when it keeps up.
    pub steady_lag: Duration,
    /// Seconds of lag made good in one second of work.
    pub catch_up_rate: f64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            precheck: Duration::from_secs(5),
            struct_transfer: Duration::from_secs(5),
            log_pull: Duration::from_secs(3),
            full_transfer: Duration::from_secs(30),
            full_verifier: Duration::from_secs(15),
            release: Duration::from_secs(10),
            backlog: Duration::from_secs(60),
            // The lag in a body recorded from a healthy project.
            steady_lag: Duration::from_secs(4),
            catch_up_rate: 10.0,
        }
    }
}

/// How replies are written. Servers and gateways differ in all of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplyForm {
    /// The casing of keys.
    pub casing: Casing,
    /// What `code` and `message` hold on success.
    pub code: CodeForm,
    /// What `cost` is.
    pub cost: CostForm,
    /// What checkpoints are in DescribeProjectProgress.
    pub checkpoint: CheckpointForm,
}

/// The casing of reply keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Casing {
    /// `success`, `data`: what OMS itself sends.
    #[default]
    Camel,
    /// `Success`, `Data`, with camelCase inside: a gateway in front of OMS.
    PascalEnvelope,
    /// PascalCase at every level: the cloud variant.
    Pascal,
    /// The example of the vendor's page: PascalCase envelope, and on success
    /// still `Code: INNER_ERROR` with an `ErrorDetail`.
    VendorExample,
}

/// What `code` and `message` hold on success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeForm {
    /// Both null.
    #[default]
    Null,
    /// The number 200 and "successful", as a gateway sends.
    Number,
    /// The text "200" and "successful".
    Text,
}

/// What `cost` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostForm {
    /// `"1 ms"`.
    #[default]
    Text,
    /// `1`.
    Number,
}

/// What checkpoints are in DescribeProjectProgress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointForm {
    /// Unix seconds as a number.
    #[default]
    Number,
    /// Unix seconds as a text.
    Text,
}

/// What is done with request keys that nobody documents. What OMS does is
/// unknown, so the strict reading is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKeys {
    /// PARAM_ERROR with the path of the key.
    #[default]
    Refuse,
    /// Kept in the body, otherwise ignored.
    Ignore,
}

/// How a call with missing or wrong credentials is refused. No source shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unauthorized {
    /// HTTP 401 with `WWW-Authenticate`.
    #[default]
    Http401,
    /// HTTP 403.
    Http403,
    /// HTTP 200 with success=false.
    Envelope,
}

/// Who may use `/admin`, which asks for no credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admin {
    /// Callers from the loopback interface.
    #[default]
    Loopback,
    /// Everybody who can connect.
    Everybody,
    /// Nobody.
    Off,
}
