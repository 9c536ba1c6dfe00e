//! Data sources by name: the ids that the request needs.

use crate::api::v1alpha1::{MigrationProjectSpec, NameRef, Reason};
use crate::decide::Verdict;
use crate::observe::MAX_PAGES;
use crate::oms;

/// The ids of both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Of the source.
    pub source: String,
    /// Of the target.
    pub sink: String,
}

/// Why there are none.
#[derive(Debug)]
pub enum Error {
    /// OMS could not be asked.
    Oms(oms::Error),
    /// The spec names what is not there, or not once: only asking again tells
    /// whether that is still so.
    NotOne(Verdict),
    /// The spec, or this OMS, allows no answer.
    Spec(Verdict),
}

/// Finds the ids of both ends.
pub async fn resolve(
    client: &oms::Client,
    spec: &MigrationProjectSpec,
) -> Result<Endpoints, Error> {
    let body = &spec.project;
    let source = spec.source_endpoint_ref.as_ref();
    let sink = spec.sink_endpoint_ref.as_ref();
    Ok(Endpoints {
        source: one(client, "source", body.source_endpoint_id.as_deref(), source).await?,
        sink: one(client, "sink", body.sink_endpoint_id.as_deref(), sink).await?,
    })
}

async fn one(
    client: &oms::Client,
    side: &str,
    id: Option<&str>,
    reference: Option<&NameRef>,
) -> Result<String, Error> {
    let name = match (id, reference) {
        (Some(id), _) => return Ok(id.to_owned()),
        (None, Some(reference)) => &reference.name,
        (None, None) => {
            return Err(Error::Spec(Verdict::stalled(
                Reason::InvalidSpec,
                format!(
                    "The {side} is not named: set spec.project.{side}EndpointId or \
                     spec.{side}EndpointRef.name."
                ),
            )));
        }
    };
    let request = oms::ListDataSources::new().search_key(name);
    let found = match client.walk_data_sources(&request, MAX_PAGES).await {
        Ok(found) => found,
        Err(error) if error.is_unsupported() => {
            return Err(Error::Spec(Verdict::stalled(
                Reason::ActionMissing,
                format!(
                    "This OMS does not know ListDataSource, so \"{name}\" cannot be looked up: \
                     set spec.project.{side}EndpointId instead of spec.{side}EndpointRef."
                ),
            )));
        }
        Err(error) => return Err(Error::Oms(error)),
    };
    // The search is fuzzy.
    let ids: Vec<&str> = found
        .items
        .iter()
        .filter(|source| source.name.as_deref() == Some(name.as_str()))
        .map(|source| source.id.as_str())
        .collect();
    match ids.as_slice() {
        [id] => Ok((*id).to_owned()),
        // Somebody may be about to create it.
        [] => Err(Error::NotOne(Verdict::progressing(
            Reason::EndpointNotFound,
            format!(
                "OMS has no data source \"{name}\". Create it there, or correct \
                 spec.{side}EndpointRef.name; this is looked at again by itself."
            ),
        ))),
        many => Err(Error::NotOne(Verdict::stalled(
            Reason::EndpointAmbiguous,
            format!(
                "OMS has {} data sources \"{name}\" ({}). Set spec.project.{side}EndpointId to \
                 the one that is meant, and remove spec.{side}EndpointRef. It is looked at again \
                 by itself, too, but rarely.",
                many.len(),
                many.iter().take(5).copied().collect::<Vec<_>>().join(", ")
            ),
        ))),
    }
}
