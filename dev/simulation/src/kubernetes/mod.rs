//! A Kubernetes API server in memory: just enough of it, and that exactly.
//!
//! | file | what of Kubernetes it is |
//! | --- | --- |
//! | `objects.rs` | objects, versions, generations, finalizers, namespaces |
//! | `rules.rs` | the rules of our CustomResourceDefinitions that matter here |
//! | `http.rs` | requests and their replies |
//! | `watch.rs` | watches that lag |
//!
//! What a real API server does beyond this is tested on a real one, in `tests/it`.

mod http;
mod objects;
mod rules;
mod watch;

pub use self::http::{Asked, Body, answer, describe, refuse};
pub use self::objects::{Change, Cluster, Id, Kind, Lag, Refusal, finalizers, remove};
