//! The two lists: filters, order, pages.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::actions::{Done, Work};
use crate::project::Project;
use crate::reply::{Answer, Page};
use crate::seed::DataSource;
use crate::validate;

pub(crate) const PROJECT_PAGE: RangeInclusive<u64> = 1..=150;
/// A known client refuses more.
const DATA_SOURCE_PAGE: RangeInclusive<u64> = 1..=10;
const DEFAULT_PAGE_SIZE: u64 = 10;

pub(crate) fn projects(work: &mut Work<'_>) -> Done {
    work.check("ListProjects", |body, complaints| {
        validate::labels(body, complaints);
        paging(body, PROJECT_PAGE, complaints);
    })?;
    let filter = Filter::of(&work.body);
    let by_modified = text(&work.body, "sortField") == Some("gmtModified");
    // Tens of thousands are brought up to date only where choice or order depends on it.
    if by_modified || !filter.statuses.is_empty() {
        for project in work.state.projects.iter_mut() {
            project.settle(work.clock, &work.config.durations, work.now);
        }
    }
    let mut found: Vec<(Duration, &Project)> = work
        .state
        .projects
        .iter()
        .filter(|project| project.listed_from <= work.now.wall)
        .filter(|project| filter.admits(project, &work.state.data_sources))
        .map(|project| {
            let key = if by_modified {
                project.modified(work.clock, work.now)
            } else {
                project.created
            };
            (key, project)
        })
        .collect();
    // Stable: of one moment, the earlier made stays first, or last if turned.
    found.sort_by_key(|(key, _)| *key);
    if text(&work.body, "order") != Some("asc") {
        found.reverse();
    }
    let page = Page::of(&work.body, found.len());
    let shown: Vec<String> = page
        .cut(&found)
        .map(|(_, project)| project.id.clone())
        .collect();
    for project in &shown {
        if let Some(project) = work.state.projects.get_mut(project) {
            project.settle(work.clock, &work.config.durations, work.now);
        }
    }
    let related = work.body.get("needRelatedInfo") != Some(&Value::Bool(false));
    let view = work.state.view(work.clock, work.config, work.now);
    let shown = shown
        .iter()
        .filter_map(|project| work.state.projects.get(project));
    Ok(Answer {
        data: shown.map(|project| view.listed(project, related)).collect(),
        page: Some(page),
    })
}

pub(crate) fn data_sources(work: &Work<'_>) -> Done {
    work.check("ListDataSource", |body, complaints| {
        paging(body, DATA_SOURCE_PAGE, complaints);
    })?;
    let key = search_key(&work.body);
    let types = texts(&work.body, "types");
    let mut found: Vec<&DataSource> = work
        .state
        .data_sources
        .iter()
        .filter(|source| contains(&source.name, &key) || contains(&source.id, &key))
        .filter(|source| types.is_empty() || types.contains(&source.kind.as_str()))
        .collect();
    if !matches!(text(&work.body, "order"), Some("asc" | "ascend")) {
        found.reverse();
    }
    let opened = work.state.opened;
    Ok(page(&work.body, &found, |source| source.listed(opened)))
}

struct Filter<'a> {
    key: String,
    kind: Option<&'a str>,
    statuses: Vec<&'a str>,
    labels: Vec<&'a str>,
    source_types: Vec<&'a str>,
    sink_types: Vec<&'a str>,
}

impl<'a> Filter<'a> {
    fn of(body: &'a Map<String, Value>) -> Self {
        Self {
            key: search_key(body),
            kind: text(body, "type"),
            statuses: texts(body, "status"),
            labels: texts(body, "labelIds"),
            source_types: texts(body, "sourceEndpointTypes"),
            sink_types: texts(body, "sinkEndpointTypes"),
        }
    }

    fn admits(&self, project: &Project, data_sources: &[DataSource]) -> bool {
        let body_text = |key: &str| project.configuration.get(key).and_then(Value::as_str);
        let of_type = |endpoint: &str, types: &[&str]| {
            types.is_empty()
                || data_sources.iter().any(|source| {
                    Some(source.id.as_str()) == body_text(endpoint)
                        && types.contains(&source.kind.as_str())
                })
        };
        let labelled = |label: &str| {
            let labels = project
                .configuration
                .get("labelIds")
                .and_then(Value::as_array);
            labels.is_some_and(|labels| labels.iter().any(|have| have == label))
        };
        (contains(&project.name, &self.key) || contains(&project.id, &self.key))
            && self.kind.is_none_or(|kind| body_text("type") == Some(kind))
            && (self.statuses.is_empty() || self.statuses.contains(&project.status()))
            && self.labels.iter().all(|label| labelled(label))
            && of_type("sourceEndpointId", &self.source_types)
            && of_type("sinkEndpointId", &self.sink_types)
    }
}

pub(crate) fn paging(
    body: &Map<String, Value>,
    sizes: RangeInclusive<u64>,
    complaints: &mut Vec<String>,
) {
    let wrong = |key: &str, fits: &dyn Fn(u64) -> bool| {
        body.get(key)
            .is_some_and(|given| given.is_number() && !given.as_u64().is_some_and(fits))
    };
    if wrong("pageNumber", &|n| n >= 1) {
        complaints.push("pageNumber must be 1 or more".into());
    }
    if wrong("pageSize", &|n| sizes.contains(&n)) {
        complaints.push(format!(
            "pageSize must be from {} to {}",
            sizes.start(),
            sizes.end()
        ));
    }
}

pub(crate) fn page<T>(
    body: &Map<String, Value>,
    found: &[T],
    write: impl Fn(&T) -> Value,
) -> Answer {
    let page = Page::of(body, found.len());
    Answer {
        data: page.cut(found).map(write).collect(),
        page: Some(page),
    }
}

impl Page {
    /// The page that is asked for, of so many.
    fn of(body: &Map<String, Value>, total: usize) -> Page {
        let given = |key: &str| body.get(key).and_then(Value::as_u64);
        Page {
            number: given("pageNumber").unwrap_or(1),
            size: given("pageSize").unwrap_or(DEFAULT_PAGE_SIZE),
            total: total as u64,
        }
    }

    /// What is on it.
    fn cut<T>(self, found: &[T]) -> impl Iterator<Item = &T> {
        let skip = (self.number - 1).saturating_mul(self.size);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        // At most 150, as the check before has seen to.
        found.iter().skip(skip).take(self.size as usize)
    }
}

/// OMS does not say whether the search is exact: this one is as loose as may be.
fn search_key(body: &Map<String, Value>) -> String {
    text(body, "searchKey").unwrap_or_default().to_lowercase()
}

fn contains(text: &str, lower_key: &str) -> bool {
    // Of tens of thousands of names each is looked at: most are in lower case as they are.
    let is_lower = || {
        text.bytes()
            .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    };
    lower_key.is_empty()
        || match is_lower() {
            true => text.contains(lower_key),
            false => text.to_lowercase().contains(lower_key),
        }
}

fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn texts<'a>(body: &'a Map<String, Value>, key: &str) -> Vec<&'a str> {
    match body.get(key) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
