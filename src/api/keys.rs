//! Names that the operator puts on Kubernetes objects. They are part of the
//! contract with users and with older versions: none of them changes.

/// Annotation that reserves the right to one CreateProject call.
pub const CREATE_RESERVATION: &str = "oms.oceanbase.com/create-reservation";

/// Annotation of the user: any new text forces a look at once.
pub const RECONCILE_REQUESTED_AT: &str = "oms.oceanbase.com/reconcile-requested-at";

/// Annotation of the user: any new text allows one more try of what failed.
pub const RETRY: &str = "oms.oceanbase.com/retry";

/// Annotation of the user: the id of the resource's project that is gone allows
/// to make another one in its place.
pub const RECREATE: &str = "oms.oceanbase.com/recreate";

/// Annotation of the user on a connection: the time that its doubt names says that
/// the projects which have vanished are gone.
pub const CONFIRM_GONE: &str = "oms.oceanbase.com/confirm-gone";

/// Finalizer of both kinds.
pub const FINALIZER: &str = "oms.oceanbase.com/finalizer";

/// Field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "oms-operator";
