//! What figures are told apart by. None holds the name of a project: the number
//! of series follows that of connections, actions and reasons, never that of
//! resources.

use prometheus_client::encoding::EncodeLabelSet;

use super::book::Labels;

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($label:ident: $type:ty),* })*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub struct $name { $(pub $label: $type),* }

            impl Labels for $name {
                const NAMES: &'static [&'static str] = &[$(stringify!($label)),*];
            }
        )*
    };
}

labels! {
    /// Which version runs.
    Version { version: &'static str }
    /// Of an OMSConnection, as namespace/name.
    Connection { connection: String }
    /// Where a connection leads.
    Leads { connection: String, endpoint: String }
    /// A call to OMS.
    Call { connection: String, action: &'static str, outcome: &'static str }
    /// Whether calls look or change.
    Calls { connection: String, kind: &'static str }
    /// Of an OMS, by its address.
    Endpoint { endpoint: String }
    /// Who waits for an OMS.
    Waiting { endpoint: String, lane: &'static str }
    /// Why calls were not sent.
    Refused { endpoint: String, reason: &'static str }
    /// How a sweep ended.
    Swept { connection: String, result: &'static str }
    /// Of a kind of resource.
    Kind { kind: &'static str }
    /// How a reconcile ended.
    Reconciled { kind: &'static str, result: &'static str }
    /// A request to the API server.
    Request { verb: &'static str, resource: String, code: String }
    /// Resources by OMS's word for their project.
    Status { connection: String, status: &'static str }
    /// What has become of a project whose resource was deleted.
    Departed { outcome: &'static str }
    /// Resources by their condition Ready.
    Ready { connection: String, ready: &'static str, reason: &'static str }
}
