//! Requests and their replies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::objects::{Cluster, Id, Kind, Refusal};
use super::watch;

/// What a reply holds.
pub type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, `patch`, `update` or `delete`.
    pub verb: &'static str,
    /// Of which object; the name is empty for a list.
    pub id: Id,
    /// Of its status alone.
    pub status: bool,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Id {
            kind,
            namespace,
            name,
        } = &self.id;
        // The names of Events hold the time of the machine.
        let name = if *kind == Kind::Event { "" } else { name };
        let status = if self.status { "/status" } else { "" };
        write!(f, "{} {kind:?} {namespace}/{name}{status}", self.verb)
    }
}

/// What `request` asks for; `None` where this API server does not know it.
pub fn describe<B>(request: &Request<B>) -> Option<Asked> {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let rest = match path.as_slice() {
        ["api", "v1", rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        _ => ("", rest),
    };
    let kind = match *rest.first()? {
        "migrationprojects" => Kind::MigrationProject,
        "omsconnections" => Kind::OMSConnection,
        "secrets" => Kind::Secret,
        "configmaps" => Kind::ConfigMap,
        "namespaces" => Kind::Namespace,
        "events" => Kind::Event,
        _ => return None,
    };
    let name = rest.get(1).copied().unwrap_or_default();
    let watches = parameter(request, "watch").is_some_and(|it| it == "true" || it == "1");
    let verb = match (request.method(), name) {
        (&Method::GET, "") if watches => "watch",
        (&Method::GET, "") => "list",
        (&Method::GET, _) => "get",
        (&Method::POST, "") => "create",
        (&Method::PATCH, _) => "patch",
        (&Method::PUT, _) => "update",
        (&Method::DELETE, _) => "delete",
        _ => return None,
    };
    Some(Asked {
        verb,
        id: Id {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
        status: rest.get(2) == Some(&"status"),
    })
}

/// Does what is asked, and replies.
pub fn answer(cluster: &Cluster, asked: &Asked, request: &Request<Bytes>) -> Response<Body> {
    match perform(cluster, asked, request) {
        Ok(body) => reply(200, body),
        Err(refusal) => refuse(&refusal),
    }
}

/// A refusal as the API server writes it.
pub fn refuse(refusal: &Refusal) -> Response<Body> {
    reply(refusal.code, whole(&refusal.status()))
}

fn whole(value: &Value) -> Body {
    Full::from(value.to_string()).boxed_unsync()
}

fn reply(status: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

fn perform(cluster: &Cluster, asked: &Asked, request: &Request<Bytes>) -> Result<Body, Refusal> {
    let id = &asked.id;
    let json = |value: Arc<Value>| whole(&value);
    match asked.verb {
        "get" => cluster
            .get(id)
            .map(json)
            .ok_or_else(|| Refusal::new(404, "NotFound", format!("{id:?} not found"))),
        "list" => {
            let (version, items) = cluster.list(id.kind);
            cluster.listed(id.kind);
            let (version, items) = (version.to_string(), items.iter().map(|item| &**item));
            let items: Vec<&Value> = items.collect();
            Ok(whole(&json!({
                "kind": "List", "apiVersion": "v1",
                "metadata": {"resourceVersion": version}, "items": items,
            })))
        }
        // As a server before 1.34, or with the feature off.
        "watch" if parameter(request, "sendInitialEvents").is_some() => {
            let message = "sendInitialEvents is forbidden for watch";
            Err(Refusal::new(422, "Invalid", message))
        }
        "watch" => {
            let number = |name| parameter(request, name).and_then(|it| it.parse::<u64>().ok());
            let lasting = Duration::from_secs(number("timeoutSeconds").unwrap_or(290));
            let version = number("resourceVersion").unwrap_or_default();
            Ok(watch::stream(cluster, id.kind, version, lasting))
        }
        "create" => {
            let object: Value = body(request)?;
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let id = Id {
                name: name.to_owned(),
                ..id.clone()
            };
            cluster.create(&id, object).map(json)
        }
        "patch" => {
            let kind = request.headers().get(http::header::CONTENT_TYPE);
            let patch: Value = body(request)?;
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let written =
                cluster.update(id, asked.status, |before| patched(before, kind, patch))?;
            Ok(json(written.object))
        }
        "update" => {
            let object: Value = body(request)?;
            let written = cluster.update(id, asked.status, |_| Ok(object))?;
            Ok(json(written.object))
        }
        _ => Err(Refusal::new(405, "MethodNotAllowed", asked.verb)),
    }
}

fn patched(before: &Value, kind: &str, patch: Value) -> Result<Value, Refusal> {
    let mut after = before.clone();
    match kind {
        "application/merge-patch+json" => json_patch::merge(&mut after, &patch),
        "application/json-patch+json" => {
            let bad =
                |error: &dyn std::fmt::Display| Refusal::new(400, "BadRequest", error.to_string());
            let patch: json_patch::Patch =
                serde_json::from_value(patch).map_err(|error| bad(&error))?;
            // A test that fails is Invalid on a real server too.
            json_patch::patch(&mut after, &patch)
                .map_err(|error| Refusal::new(422, "Invalid", error.to_string()))?;
        }
        other => return Err(Refusal::new(415, "UnsupportedMediaType", other)),
    }
    Ok(after)
}

fn body(request: &Request<Bytes>) -> Result<Value, Refusal> {
    serde_json::from_slice(request.body())
        .map_err(|error| Refusal::new(400, "BadRequest", error.to_string()))
}

fn parameter<B>(request: &Request<B>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
