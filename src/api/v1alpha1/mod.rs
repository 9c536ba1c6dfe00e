//! `oms.oceanbase.com/v1alpha1`.

pub mod conditions;
mod connection;
mod connection_status;
mod detail_status;
mod lifecycle;
mod migration_project;
pub mod project;
pub(crate) mod rules;
mod run_status;
mod status;

pub use conditions::{ConditionType, Reason};
pub use connection::{
    Adoption, AllowedNamespaces, CaKind, CaRef, DEFAULT_SWEEP_INTERVAL, NamespacesFrom,
    OMSConnection, OMSConnectionSpec, SecretRef, Tls,
};
pub use connection_status::OMSConnectionStatus;
pub use detail_status::{
    ConfigurationDifference, DifferingTable, DriftStatus, FailedCheck, PrecheckStatus,
    VerificationStatus,
};
pub use lifecycle::{DeletionPolicy, OnDeletionTimeout, OnExternalPause, RetryPolicy, WantedState};
pub use migration_project::{
    Adopt, ConnectionRef, MigrationProject, MigrationProjectSpec, NameRef, Readiness,
};
pub use run_status::{PauseStatus, RetriesStatus};
pub use status::{
    ConnectionIdentity, CreateOutcome, CreateStatus, LastError, MigrationProjectStatus,
    PinnedConnection, StepStatus,
};
