//! What the API server would take and the operator would not, and what the
//! operator would send.

use kube::core::Selector;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::api::Kind;
use crate::api::v1alpha1::{MigrationProject, NameRef, OMSConnection};
use crate::decide::{Naming, body, project_name};
use crate::oms::BaseUrl;

/// What the operator would refuse, in its own words. `taken`: the API server
/// has nothing against the object; what it refuses is not said again.
pub fn problems(kind: Kind, object: &Value, taken: bool) -> Vec<Problem> {
    match kind {
        Kind::MigrationProject => object["spec"]["extraProperties"]
            .as_object()
            .map(body::refused_extras)
            .unwrap_or_default()
            .into_iter()
            .map(|error| Problem::operator(&error.field(), error))
            .collect(),
        Kind::OMSConnection if taken => connection(object),
        Kind::OMSConnection => Vec::new(),
    }
}

fn connection(object: &Value) -> Vec<Problem> {
    let Ok(connection) = serde_json::from_value::<OMSConnection>(object.clone()) else {
        // The schema was made from the type, and lets nothing else through.
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut url = |field: &str, url: &str| {
        if let Err(error) = BaseUrl::parse(url) {
            found.push(Problem::operator(field, error));
        }
    };
    let spec = &connection.spec;
    url("spec.url", &spec.url);
    for (index, former) in spec.former_urls.iter().flatten().enumerate() {
        url(&format!("spec.formerUrls[{index}]"), former);
    }
    let allowed = spec.allowed_namespaces.as_ref();
    let selector = allowed.and_then(|allowed| allowed.selector.clone());
    if let Some(Err(error)) = selector.map(Selector::try_from) {
        let words = format!("it matches no namespace ({error})");
        found.push(Problem::operator("spec.allowedNamespaces.selector", words));
    }
    found
}

/// The body of CreateProject for a resource that nothing is wrong with. None
/// where nothing is created: a connection, and a project that is taken over.
pub fn request(
    kind: Kind,
    object: &Value,
    namespace: &str,
    naming: &Naming,
) -> Option<Map<String, Value>> {
    if kind != Kind::MigrationProject {
        return None;
    }
    let project: MigrationProject = serde_json::from_value(object.clone()).ok()?;
    let spec = &project.spec;
    if spec.adopt_project_id().is_some() || spec.adopt_by_name() {
        return None;
    }
    let name = project.metadata.name.as_deref().unwrap_or_default();
    let name = project_name(namespace, name, spec.project.name.as_deref(), naming);
    let source = endpoint(
        spec.project.source_endpoint_id.as_deref(),
        spec.source_endpoint_ref.as_ref(),
    );
    let sink = endpoint(
        spec.project.sink_endpoint_id.as_deref(),
        spec.sink_endpoint_ref.as_ref(),
    );
    body::build(spec, &name, &source, &sink).ok()
}

/// The id of a data source, or words in its place: OMS alone knows the id of a
/// data source that is given by name.
fn endpoint(id: Option<&str>, by_name: Option<&NameRef>) -> String {
    match (id, by_name) {
        (Some(id), _) => id.to_owned(),
        (None, Some(named)) => format!("<id of the data source {:?}>", named.name),
        (None, None) => String::new(),
    }
}
