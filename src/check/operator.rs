//! What the API server would take and the operator would not, and what the
//! operator would send.

use kube::core::Selector;
use serde::de::DeserializeOwned;
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
        Kind::MigrationProject => {
            let extras = object["spec"]["extraProperties"].as_object();
            let refused = extras.map(body::refused_extras).unwrap_or_default();
            let mut found: Vec<Problem> = refused
                .into_iter()
                .map(|error| Problem::operator(&error.field(), error))
                .collect();
            if taken {
                found.extend(decoded::<MigrationProject>(object).err());
            }
            found
        }
        Kind::OMSConnection if taken => match decoded(object) {
            Ok(connection) => self::connection(&connection),
            Err(problem) => vec![problem],
        },
        Kind::OMSConnection => Vec::new(),
    }
}

/// The object as the operator reads it. The schema was made from the type and
/// should let nothing else through; where it does, that is said.
fn decoded<T: DeserializeOwned>(object: &Value) -> Result<T, Problem> {
    serde_json::from_value(object.clone()).map_err(|error| {
        let words =
            format!("the API server would store it, and the operator cannot read it: {error}");
        Problem::operator("spec", words)
    })
}

fn connection(connection: &OMSConnection) -> Vec<Problem> {
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
///
/// # Errors
/// When there is no body to show after all.
pub fn request(
    kind: Kind,
    object: &Value,
    namespace: &str,
    naming: &Naming,
) -> Result<Option<Map<String, Value>>, Problem> {
    if kind != Kind::MigrationProject {
        return Ok(None);
    }
    let project: MigrationProject = decoded(object)?;
    let spec = &project.spec;
    if spec.adopt_project_id().is_some() || spec.adopt_by_name() {
        return Ok(None);
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
    let body = body::build(spec, &name, &source, &sink);
    body.map(Some)
        .map_err(|error| Problem::operator("spec", error))
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
