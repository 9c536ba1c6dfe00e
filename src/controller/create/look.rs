//! Looking into OMS: who has the name, and is it ours?

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::api::v1alpha1::MigrationProjectSpec;
use crate::controller::claims::Key;
use crate::controller::context::Context;
use crate::controller::link::Link;
use crate::decide::create::{Adopt, Adoptee, CLOCK_GRAIN, Look, Namesake, Walked};
use crate::decide::{ProjectStatus, Reservation, body};
use crate::observe::MAX_PAGES;
use crate::oms::{self, ListProjects, Order, SortField};

/// How much further back than the look a walk goes: the order of a list by time
/// says nothing within one second, and clocks are set.
const WALK_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// What to look for.
pub struct Question<'a> {
    /// The project name, compared exactly.
    pub name: &'a str,
    /// The reservation whose project is looked for, if one is.
    pub known: Option<&'a Reservation>,
    /// The body it was made with, where that is known.
    pub compare: Option<&'a Map<String, Value>>,
    /// Walk over everything that was made since, too.
    pub since: Option<Timestamp>,
}

/// What was found.
pub struct Found {
    /// For the decision.
    pub look: Look,
    /// OMS's clock when it answered.
    pub server_date: Option<Timestamp>,
}

/// Looks for the name.
pub async fn look(
    context: &Context,
    link: &Link,
    me: &Key,
    question: &Question<'_>,
) -> Result<Found, oms::Error> {
    let client = &link.live.client;
    let request = ListProjects::new().search_key(question.name);
    let searched = match client.walk_projects(&request, MAX_PAGES).await {
        Ok(searched) => searched,
        Err(error) if error.is_unsupported() => {
            return Ok(Found {
                look: Look::Unsupported,
                server_date: None,
            });
        }
        Err(error) => return Err(error),
    };
    let server_date = searched.server_date;
    let mut namesakes: Vec<Namesake> = Vec::new();
    for project in searched.items {
        if project.name.as_deref() == Some(question.name) {
            namesakes.push(namesake(context, link, me, question, project).await?);
        }
    }
    let walked = match (question.since, question.known) {
        (Some(since), Some(known)) => {
            let (found, walked) = walk(context, link, me, question, since, known).await?;
            for one in found {
                if namesakes.iter().all(|namesake| namesake.id != one.id) {
                    namesakes.push(one);
                }
            }
            Some(walked)
        }
        _ => None,
    };
    Ok(Found {
        look: Look::Seen { namesakes, walked },
        server_date,
    })
}

/// The second way: over everything that was made since the attempt, newest
/// first. It finds what a search index has not taken in yet, and what has been
/// renamed.
async fn walk(
    context: &Context,
    link: &Link,
    me: &Key,
    question: &Question<'_>,
    since: Timestamp,
    known: &Reservation,
) -> Result<(Vec<Namesake>, Walked), oms::Error> {
    let request = ListProjects::new().sorted(SortField::GmtCreate, Order::Descending);
    let old = |project: &oms::Project| {
        project
            .gmt_create
            .is_some_and(|created| created < since - WALK_MARGIN)
    };
    let all = link
        .live
        .client
        .walk_projects_until(&request, MAX_PAGES, old)
        .await?;
    let (mut namesakes, mut walked) = (Vec::new(), Walked::default());
    for project in all.items {
        let same_name = project.name.as_deref() == Some(question.name);
        let recent = project
            .gmt_create
            .is_none_or(|created| created >= since - CLOCK_GRAIN);
        if !same_name && (!recent || known.known_ids.contains(&project.id)) {
            continue;
        }
        // Without the body that was sent, every recent project looks alike.
        let one = namesake(context, link, me, question, project).await?;
        if same_name {
            namesakes.push(one);
        } else if one.claimed_by.is_none() && one.differences.is_empty() {
            walked.lookalikes.push(one.id);
        }
    }
    Ok((namesakes, walked))
}

async fn namesake(
    context: &Context,
    link: &Link,
    me: &Key,
    question: &Question<'_>,
    project: oms::Project,
) -> Result<Namesake, oms::Error> {
    let claimed_by = link.claimant_of(context, &project.id, me);
    let claimed_by = claimed_by.map(|key| key.to_string());
    let differences = match &claimed_by {
        // Never ours, whatever it is.
        Some(_) => Vec::new(),
        None => differences(&link.live.client, &project, question).await?,
    };
    Ok(Namesake {
        status: ProjectStatus::parse(project.status.as_deref().unwrap_or_default()),
        created: project.gmt_create,
        claimed_by,
        differences,
        id: project.id,
    })
}

/// In what a namesake differs from the body that was sent. Lists hold no
/// endpoints to rely on, so it is asked for in full.
async fn differences(
    client: &oms::Client,
    project: &oms::Project,
    question: &Question<'_>,
) -> Result<Vec<String>, oms::Error> {
    let (Some(reservation), Some(body)) = (question.known, question.compare) else {
        return Ok(Vec::new());
    };
    if reservation.known_ids.contains(&project.id) {
        return Ok(Vec::new());
    }
    match client.describe_project(&project.id).await {
        Ok(project) => Ok(body::differences(body, &described(&project))),
        // Without the action the name and the time have to do.
        Err(error) if error.is_unsupported() => Ok(Vec::new()),
        Err(error) if error.is_not_found() => Ok(vec!["it is gone".to_owned()]),
        Err(error) => Err(error),
    }
}

fn described(project: &oms::Project) -> body::Described<'_> {
    body::Described {
        project_type: project.project_type.as_deref(),
        source_endpoint_id: project.source_connect_info.endpoint_id.as_deref(),
        sink_endpoint_id: project.sink_connect_info.endpoint_id.as_deref(),
        enable_struct_transfer: project.enable_struct_transfer,
        enable_full_transfer: project.enable_full_transfer,
        enable_full_verify: project.enable_full_verify,
        enable_incr_transfer: project.enable_incr_transfer,
        enable_reverse_incr_transfer: project.enable_reverse_incr_transfer,
    }
}

/// Longest name that `status.projectName` takes.
const NAME_LIMIT: usize = 256;

/// What OMS says of the project that `spec.adopt.projectId` names, and the name
/// it has there.
pub async fn adopt(
    context: &Context,
    link: &Link,
    me: &Key,
    spec: &MigrationProjectSpec,
) -> Result<Option<(Adopt, Option<String>)>, oms::Error> {
    let Some(id) = spec.adopt_project_id() else {
        return Ok(None);
    };
    let claimed_by = link.claimant_of(context, id, me);
    let claimed_by = claimed_by.map(|key| key.to_string());
    let (adoptee, name) = match link.live.client.describe_project(id).await {
        Ok(project) => {
            let adoptee = Adoptee::Present {
                status: ProjectStatus::parse(project.status.as_deref().unwrap_or_default()),
                claimed_by,
            };
            let name = project.name;
            (
                adoptee,
                name.map(|name| name.chars().take(NAME_LIMIT).collect()),
            )
        }
        Err(error) if error.is_not_found() => (Adoptee::Absent, None),
        Err(error) if error.is_unsupported() => (Adoptee::Unobservable { claimed_by }, None),
        Err(error) => return Err(error),
    };
    Ok(Some((Adopt::Id(id.to_owned(), adoptee), name)))
}
