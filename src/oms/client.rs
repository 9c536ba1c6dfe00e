//! The client: one method per action.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use super::detail::{self, Described, FullVerification, PreCheckItem};
use super::error::Inner;
use super::governor::{Place, Turn};
use super::redact::clean;
use super::reply::{Failure, Success, Told, failure_of_transport, not_sent, read, timed_out};
use super::walk::Walker;
use super::wire::is_usable_id;
use super::{
    Action, BaseUrl, BuildError, DataSource, Error, ListDataSources, ListProjects, Outcome, Page,
    Project, Receipt, Settings, Standing, Transport, Walk, transport,
};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("oms-operator/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The longest text kept of what a step says about a failure.
const MAX_STEP_TEXT: usize = 512;

/// The longest word, such as a status, that the schema of a status takes.
const MAX_WORD: usize = 256;

/// A client of one OMS under one account. Cheap to clone; clones share their connections.
///
/// It sends every call once: what to do about a failure is the caller's decision. A mutation should be awaited
/// to its end, since dropping its future leaves its outcome unknown; its own time-out bounds the wait, which
/// begins when the [governor](super::Governor) of its OMS, if it has one, has let it out.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// Where its calls are made, if it holds a place of its own.
    place: Option<Arc<Place>>,
}

struct Shared {
    settings: Settings,
    transport: Transport,
}

impl Client {
    /// A client over the real network.
    pub fn new(settings: Settings) -> Result<Client, BuildError> {
        let transport = transport::production(&settings)?;
        Ok(Client::with_transport(settings, transport))
    }

    /// A client over any transport: a governor around the real one, a simulation, a test.
    pub fn with_transport(settings: Settings, transport: Transport) -> Client {
        Client {
            shared: Arc::new(Shared {
                settings,
                transport,
            }),
            place: None,
        }
    }

    /// The same client with a place among those whose calls may be under way, for a few calls that belong
    /// together, made one after another: `first` says how urgent they are. The place is held until the last
    /// clone of what this returns is dropped. Without a governor there is nothing to hold.
    pub async fn in_a_place(&self, first: Action) -> Result<Client, Error> {
        let place = match &self.shared.settings.governor {
            None => None,
            Some(governor) => {
                let place = governor.place(first).await;
                Some(Arc::new(place.map_err(|why| not_sent(first, why).error)?))
            }
        };
        Ok(Client {
            shared: self.shared.clone(),
            place,
        })
    }

    /// This client in the place that `holder` has, which has to be one of the same OMS. The place is held
    /// until both are dropped.
    #[must_use]
    pub fn in_place_of(&self, holder: &Client) -> Client {
        Client {
            shared: self.shared.clone(),
            place: holder.place.clone(),
        }
    }

    /// In a place: waits until a call of `action` may go out. The next one then goes at once, whatever
    /// happens meanwhile.
    pub async fn prepare(&self, action: Action) -> Result<(), Error> {
        match &self.place {
            None => Ok(()),
            Some(place) => {
                let prepared = place.prepare(action).await;
                prepared.map_err(|why| not_sent(action, why).error)
            }
        }
    }

    /// Where this client's OMS is.
    pub fn base(&self) -> &BaseUrl {
        &self.shared.settings.base
    }

    /// What the client was made from.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// How its OMS stands with the governor, if it has one.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let governor = self.shared.settings.governor.as_ref()?;
        Some(governor.standing())
    }

    /// A human wants a look at once: a pause that OMS has asked for is not waited out.
    pub fn end_pause(&self) {
        if let Some(governor) = &self.shared.settings.governor {
            governor.end_pause();
        }
    }

    /// Makes a project and gives its id. It is not started by that.
    pub async fn create_project(&self, body: &Map<String, Value>) -> Outcome<String> {
        const ACTION: Action = Action::CreateProject;
        self.mutate(ACTION, body, |success| {
            match success.envelope.data.as_str().map(str::trim) {
                Some(id) if is_usable_id(id) => Ok(id.to_owned()),
                _ => Err("success without a usable project id"),
            }
        })
        .await
    }

    /// Starts a project that is INIT.
    pub async fn start_project(&self, id: &str) -> Outcome<()> {
        self.mutate(Action::StartProject, &by_id(id), |_| Ok(()))
            .await
    }

    /// Pauses a project that is RUNNING.
    pub async fn stop_project(&self, id: &str) -> Outcome<()> {
        self.mutate(Action::StopProject, &by_id(id), |_| Ok(()))
            .await
    }

    /// Goes on with a project that is SUSPEND or FAILED.
    pub async fn resume_project(&self, id: &str) -> Outcome<()> {
        self.mutate(Action::ResumeProject, &by_id(id), |_| Ok(()))
            .await
    }

    /// Ends a project that is SUSPEND, FAILED or FINISHED for good; what it holds in OMS is let go of in a while.
    pub async fn release_project(&self, id: &str) -> Outcome<()> {
        self.mutate(Action::ReleaseProject, &by_id(id), |_| Ok(()))
            .await
    }

    /// Removes the record of a project; only for one that is INIT and surplus, or RELEASED.
    pub async fn delete_project(&self, id: &str) -> Outcome<()> {
        self.mutate(Action::DeleteProject, &by_id(id), |_| Ok(()))
            .await
    }

    /// One page of the projects.
    pub async fn list_projects(&self, request: &ListProjects) -> Result<Page<Project>, Error> {
        let decode = |value: &Value| self.project(value);
        self.list(Action::ListProjects, &request.body(), decode)
            .await
    }

    /// A project, with its words and what it says of failures fit for a status. Its name stays as it is: it is
    /// compared.
    fn project(&self, value: &Value) -> Option<Project> {
        let mut project = Project::decode(value)?;
        self.fit_word(&mut project.status);
        for step in &mut project.steps {
            self.fit_word(&mut step.name);
            self.fit_word(&mut step.status);
        }
        for error in project.steps.iter_mut().flat_map(|step| &mut step.errors) {
            let texts = [
                &mut error.code,
                &mut error.message,
                &mut error.reason,
                &mut error.proposal,
            ];
            for text in texts {
                *text = text.take().and_then(|text| self.fit(&text, MAX_STEP_TEXT));
            }
        }
        Some(project)
    }

    /// All pages of the projects, from the first on, at most `max_pages`; see [`Walk`].
    pub async fn walk_projects(
        &self,
        request: &ListProjects,
        max_pages: u32,
    ) -> Result<Walk<Project>, Error> {
        self.walk_projects_until(request, max_pages, |_| false)
            .await
    }

    /// The pages of the projects up to the one that holds a project of which `enough` is true.
    pub async fn walk_projects_until(
        &self,
        request: &ListProjects,
        max_pages: u32,
        mut enough: impl FnMut(&Project) -> bool + Send,
    ) -> Result<Walk<Project>, Error> {
        let mut walker = Walker::new(Action::ListProjects, request.size(), max_pages);
        loop {
            let page = self
                .list_projects(&request.clone().page_number(walker.next()?))
                .await?;
            if walker.add(page, &mut enough)? {
                return Ok(walker.finish());
            }
        }
    }

    /// All pages of the projects, one after the other given to `each`, with OMS's clock at the first one. Of ten
    /// thousand projects only a page is in memory. An error may come after some were given.
    pub async fn each_project(
        &self,
        request: &ListProjects,
        max_pages: u32,
        mut each: impl FnMut(Vec<Project>, Option<Timestamp>) + Send,
    ) -> Result<(), Error> {
        let mut walker = Walker::new(Action::ListProjects, request.size(), max_pages);
        loop {
            let page = self
                .list_projects(&request.clone().page_number(walker.next()?))
                .await?;
            let is_last = walker.add(page, |_| false)?;
            each(walker.take(), walker.server_date());
            if is_last {
                return Ok(());
            }
        }
    }

    /// One project. That it does not exist is an error with [`is_not_found`](Error::is_not_found).
    pub async fn describe_project(&self, id: &str) -> Result<Project, Error> {
        const ACTION: Action = Action::DescribeProject;
        self.ask(ACTION, &by_id(id), |success| {
            match self.project(&success.envelope.data) {
                None => Err("success without a project"),
                Some(project) if project.id != id => {
                    Err("a project with another id than asked for")
                }
                Some(project) => Ok(project),
            }
        })
        .await
    }

    /// One project with its configuration, which lists do not show.
    pub async fn describe_in_full(&self, id: &str) -> Result<Described, Error> {
        const ACTION: Action = Action::DescribeProject;
        self.ask(ACTION, &by_id(id), |success| {
            match self.project(&success.envelope.data) {
                Some(project) if project.id == id => Ok(Described {
                    project,
                    configuration: detail::configuration(&success.envelope.data),
                    server_date: success.date,
                }),
                _ => Err("success without the project asked for"),
            }
        })
        .await
    }

    /// The items of a project's precheck. `id` is that of the project, or of a precheck that it was made with.
    pub async fn precheck_result(&self, id: &str) -> Result<Vec<PreCheckItem>, Error> {
        const ACTION: Action = Action::GetPreCheckResult;
        self.ask(ACTION, &by_id(id), |success| {
            detail::precheck(&success.envelope.data).ok_or("success without a list of checks")
        })
        .await
    }

    /// What a project's full verification has found so far, at most `max_pages` of it.
    pub async fn full_verification(
        &self,
        id: &str,
        max_pages: u32,
    ) -> Result<FullVerification, Error> {
        const ACTION: Action = Action::ListProjectFullVerifyResult;
        const PAGE: u32 = ListProjects::MAX_PAGE_SIZE;
        let mut found = FullVerification::default();
        for number in 1..=max_pages {
            let body = Map::from_iter([
                ("projectId".to_owned(), json!(id)),
                ("pageNumber".to_owned(), json!(number)),
                ("pageSize".to_owned(), json!(PAGE)),
            ]);
            let page = self.ask(ACTION, &body, |success| {
                detail::verification(&success.envelope.data).ok_or("success without a result")
            });
            let (different, tables) = page.await?;
            let last = tables.len() < PAGE as usize;
            found.different_number = different.or(found.different_number);
            found.tables.extend(tables);
            if last {
                found.complete = true;
                break;
            }
        }
        Ok(found)
    }

    /// One of OMS's words fit for a status. Those of its vocabulary stay as they are: an account that is called
    /// like one must not hide it.
    fn fit_word(&self, word: &mut Option<String>) {
        let is_plain = |text: &str| {
            text.len() <= MAX_WORD
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        if let Some(text) = word.take_if(|text| !is_plain(text)) {
            *word = self.fit(&text, MAX_WORD);
        }
    }

    /// A text of OMS fit for a status: one printable line of at most `max` characters, without the account;
    /// nothing if nothing is left.
    #[must_use]
    pub fn fit(&self, text: &str, max: usize) -> Option<String> {
        clean(text, &self.shared.settings.credentials, max)
    }

    /// One page of the data sources.
    pub async fn list_data_sources(
        &self,
        request: &ListDataSources,
    ) -> Result<Page<DataSource>, Error> {
        self.list(Action::ListDataSource, &request.body(), DataSource::decode)
            .await
    }

    /// All pages of the data sources, at most `max_pages`; see [`Walk`].
    pub async fn walk_data_sources(
        &self,
        request: &ListDataSources,
        max_pages: u32,
    ) -> Result<Walk<DataSource>, Error> {
        let mut walker = Walker::new(Action::ListDataSource, request.size(), max_pages);
        loop {
            let page = self
                .list_data_sources(&request.clone().page_number(walker.next()?))
                .await?;
            if walker.add(page, |_| false)? {
                return Ok(walker.finish());
            }
        }
    }

    async fn list<T>(
        &self,
        action: Action,
        body: &Map<String, Value>,
        decode: impl Fn(&Value) -> Option<T>,
    ) -> Result<Page<T>, Error> {
        self.ask(action, body, |success| page(success, decode))
            .await
    }

    async fn mutate<T>(
        &self,
        action: Action,
        body: &Map<String, Value>,
        take: impl FnOnce(Success) -> Result<T, &'static str>,
    ) -> Outcome<T> {
        let turn = match self.turn(action).await {
            Ok(turn) => turn,
            Err(failure) => return Outcome::NotDone(failure.error),
        };
        let started = Instant::now();
        let (outcome, told) = match self.call(turn, action, body, take).await {
            Ok((value, told)) => {
                let request_id = told.request_id().map(str::to_owned);
                (Outcome::Done(value, Receipt { request_id }), Some(told))
            }
            Err(Failure {
                error,
                not_done: true,
            }) => (Outcome::NotDone(error), None),
            Err(Failure {
                error,
                not_done: false,
            }) => (Outcome::Unknown(error), None),
        };
        self.ended(
            action,
            started,
            outcome.as_str(),
            outcome.error(),
            told.as_ref(),
        );
        outcome
    }

    async fn ask<T>(
        &self,
        action: Action,
        body: &Map<String, Value>,
        take: impl FnOnce(Success) -> Result<T, &'static str>,
    ) -> Result<T, Error> {
        let turn = self.turn(action).await.map_err(|failure| failure.error)?;
        let started = Instant::now();
        let (result, told) = match self.call(turn, action, body, take).await {
            Ok((value, told)) => (Ok(value), Some(told)),
            Err(failure) => (Err(failure.error), None),
        };
        let error = result.as_ref().err();
        let outcome = error.map_or("ok", |error| error.class().as_str());
        self.ended(action, started, outcome, error, told.as_ref());
        result
    }

    /// Waits until the call may go out; that is no part of its own time.
    async fn turn(&self, action: Action) -> Result<Option<Turn>, Failure> {
        let Some(governor) = &self.shared.settings.governor else {
            return Ok(None);
        };
        let turn = governor.turn(action, self.place.as_deref()).await;
        turn.map(Some).map_err(|why| not_sent(action, why))
    }

    /// Makes one call, and tells the governor what it came to.
    async fn call<T>(
        &self,
        turn: Option<Turn>,
        action: Action,
        body: &Map<String, Value>,
        take: impl FnOnce(Success) -> Result<T, &'static str>,
    ) -> Result<(T, Told), Failure> {
        let result = self.exchange(action, body, take).await;
        if let Some(turn) = turn {
            turn.end(result.as_ref().err().map(|failure| &failure.error));
        }
        result
    }

    /// Sends one request and waits for its reply, within the action's limit.
    async fn exchange<T>(
        &self,
        action: Action,
        body: &Map<String, Value>,
        take: impl FnOnce(Success) -> Result<T, &'static str>,
    ) -> Result<(T, Told), Failure> {
        let Shared {
            settings,
            transport,
        } = &*self.shared;
        let limit = settings.timeouts.of(action);
        let sent = transport.clone().oneshot(self.request(action, body));
        let response = match tokio::time::timeout(limit, sent).await {
            Err(_) => return Err(timed_out(action, limit)),
            Ok(Err(error)) => return Err(failure_of_transport(action, error)),
            Ok(Ok(response)) => response,
        };
        let success = read(action, &response, &settings.credentials)?;
        let told = success.told.clone();
        match take(success) {
            Ok(value) => Ok((value, told)),
            Err(why) => {
                let error = told.tell(Inner::unusable(action, why)).into();
                Err(Failure {
                    error,
                    not_done: false,
                })
            }
        }
    }

    fn request(&self, action: Action, body: &Map<String, Value>) -> Request<Bytes> {
        let body = serde_json::to_vec(body).expect("a map of JSON values is JSON");
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}/api/v2?Action={action}", self.base())
            .parse()
            .expect("BaseUrl::parse has tried this, and an action is a word");
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.shared.settings.credentials.header());
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, JSON);
        headers.insert(USER_AGENT, AGENT);
        request.extensions_mut().insert(action);
        request
    }

    fn ended(
        &self,
        action: Action,
        started: Instant,
        outcome: &'static str,
        error: Option<&Error>,
        told: Option<&Told>,
    ) {
        let elapsed = started.elapsed();
        if let Some(observer) = &self.shared.settings.observer {
            observer.call(action, outcome, elapsed.as_secs_f64());
        }
        tracing::debug!(
            action = action.as_str(),
            outcome,
            status = told
                .map(Told::status)
                .or_else(|| error.and_then(Error::status)),
            request_id = told
                .and_then(Told::request_id)
                .or_else(|| error.and_then(Error::request_id)),
            milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "called OMS"
        );
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

fn by_id(id: &str) -> Map<String, Value> {
    Map::from_iter([("id".to_owned(), json!(id))])
}

/// The page that a list reply holds. An element that cannot be identified spoils the page: leaving it out would
/// turn "unknown" into "absent".
fn page<T>(
    success: Success,
    decode: impl Fn(&Value) -> Option<T>,
) -> Result<Page<T>, &'static str> {
    let envelope = success.envelope;
    let items = match &envelope.data {
        Value::Array(items) => items.iter().map(decode).collect::<Option<Vec<T>>>(),
        Value::Null if envelope.total.is_none_or(|total| total == 0) => Some(Vec::new()),
        _ => return Err("success without a list"),
    };
    Ok(Page {
        items: items.ok_or("an element of the list has no usable id")?,
        server_date: success.date,
        page_number: envelope.page_number,
        page_size: envelope.page_size,
        total: envelope.total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spawnable<F: Future + Send>(future: F) -> F {
        future
    }

    #[test]
    fn every_call_can_be_spawned() {
        let credentials = super::super::Credentials::new("admin", "secret").unwrap();
        let base = BaseUrl::parse("http://oms.example").unwrap();
        let client = Client::new(Settings::new(base, credentials)).unwrap();
        drop(spawnable(client.create_project(&Map::new())));
        drop(spawnable(client.describe_project("np_1")));
        drop(spawnable(client.walk_projects(&ListProjects::new(), 1)));
        drop(spawnable(client.walk_projects_until(
            &ListProjects::new(),
            1,
            |_| true,
        )));
        drop(spawnable(
            client.walk_data_sources(&ListDataSources::new(), 1),
        ));
    }
}
