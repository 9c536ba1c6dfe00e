//! The actions, one function each.

use serde_json::{Map, Value};

use crate::clock::{Clock, Now};
use crate::config::{Config, UnknownKeys};
use crate::details;
use crate::fault::Late;
use crate::list;
use crate::project::{Phase, Project};
use crate::reply::{Answer, Refusal};
use crate::schema;
use crate::state::State;
use crate::validate;

/// Every action that this OMS knows.
pub const ACTIONS: [&str; 13] = [
    "CreateProject",
    "StartProject",
    "StopProject",
    "ResumeProject",
    "ReleaseProject",
    "DeleteProject",
    "ListProjects",
    "DescribeProject",
    "DescribeProjectSteps",
    "DescribeProjectProgress",
    "ListDataSource",
    "GetPreCheckResult",
    "ListProjectFullVerifyResult",
];

/// One piece of work.
pub(crate) struct Work<'a> {
    pub state: &'a mut State,
    pub clock: &'a Clock,
    pub config: &'a Config,
    pub now: Now,
    pub body: Map<String, Value>,
    /// How long CreateProject's project stays out of sight.
    pub late: Late,
}

pub(crate) type Done = Result<Answer, Refusal>;

impl Work<'_> {
    pub fn perform(mut self, action: &str) -> Done {
        match action {
            "CreateProject" => self.create(),
            "StartProject" | "StopProject" | "ResumeProject" | "ReleaseProject" => {
                self.transition(action)
            }
            "DeleteProject" => self.delete(),
            "ListProjects" => list::projects(&mut self),
            "DescribeProject" => self.describe(),
            "DescribeProjectSteps" => self.steps(),
            "DescribeProjectProgress" => self.progress(),
            "ListDataSource" => list::data_sources(&self),
            "GetPreCheckResult" => details::precheck(self),
            "ListProjectFullVerifyResult" => details::verification(self),
            _ => Err(Refusal::unsupported(action)),
        }
    }

    fn create(self) -> Done {
        let Self {
            state, config, now, ..
        } = self;
        validate::create_project(
            &self.body,
            &state.data_sources,
            &state.labels,
            config.unknown_keys,
        )?;
        let id = state.project_id();
        // Checked above: a text without spaces.
        let name = self
            .body
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut project = Project::new(
            id.clone(),
            name.to_owned(),
            Value::Object(self.body),
            &config.durations,
            now,
        );
        project.listed_from += self.late.listed;
        project.known_from += self.late.known;
        project.requests.insert("CreateProject".into(), 1);
        if let Some((step, errors)) = state.failures.remove(&project.name) {
            // A plan without that step has nothing to fail in.
            project.fail_in(&step, errors, now);
        }
        state.projects.add(project);
        Ok(Answer::of(id))
    }

    fn transition(mut self, action: &str) -> Done {
        let (config, now) = (self.config, self.now);
        let project = self.project("ById", "id")?;
        let allowed: &[&str] = match action {
            "StartProject" => &["INIT"],
            "StopProject" => &["RUNNING"],
            "ResumeProject" => &["SUSPEND", "FAILED"],
            _ => &["SUSPEND", "FAILED", "FINISHED"],
        };
        if !allowed.contains(&project.status()) {
            return Err(Refusal::wrong_state(action, &project.id, project.status()));
        }
        match action {
            "StopProject" => project.rest(Phase::Suspended, &config.durations, now),
            "ReleaseProject" => {
                let until = now.work + config.durations.release;
                project.rest(Phase::Releasing { until }, &config.durations, now);
            }
            _ => project.run(&config.durations, now),
        }
        Ok(Answer::default())
    }

    fn delete(mut self) -> Done {
        let project = self.project("ById", "id")?;
        if !["INIT", "RELEASED"].contains(&project.status()) {
            return Err(Refusal::wrong_state(
                "DeleteProject",
                &project.id,
                project.status(),
            ));
        }
        let id = project.id.clone();
        self.state.projects.remove(&id);
        Ok(Answer::default())
    }

    fn describe(mut self) -> Done {
        let id = self.project("ById", "id")?.id.clone();
        let fill = self.config.fill_defaults;
        self.viewed(&id, |view, project| view.described(project, fill))
    }

    fn steps(mut self) -> Done {
        let id = self.project("ById", "id")?.id.clone();
        self.viewed(&id, |view, project| view.steps(project))
    }

    fn progress(mut self) -> Done {
        let id = self.project("ById", "id")?.id.clone();
        let form = self.state.reply_form.checkpoint;
        self.viewed(&id, |view, project| view.progress(project, form))
    }

    fn viewed(
        &self,
        id: &str,
        look: impl FnOnce(&crate::render::View<'_>, &Project) -> Value,
    ) -> Done {
        let view = self.state.view(self.clock, self.config, self.now);
        let project = self.state.projects.get(id);
        let project = project.ok_or_else(|| Refusal::no_such_project(id))?;
        Ok(Answer::of(look(&view, project)))
    }

    /// The settled project that `key` of the body, a request of that name, gives.
    pub fn project(&mut self, request: &str, key: &str) -> Result<&mut Project, Refusal> {
        self.check(request, |_, _| {})?;
        // Required by the schema just checked.
        let id = self
            .body
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let project = self.state.projects.get_mut(id);
        let project = project.filter(|project| project.known_from <= self.now.wall);
        let project = project.ok_or_else(|| Refusal::no_such_project(id))?;
        project.settle(self.clock, &self.config.durations, self.now);
        Ok(project)
    }

    /// Checks the body against a request of `requests.tsv` and what `more` adds.
    pub fn check(
        &self,
        request: &str,
        more: impl FnOnce(&Map<String, Value>, &mut Vec<String>),
    ) -> Result<(), Refusal> {
        let mut complaints = Vec::new();
        let unknown: UnknownKeys = self.config.unknown_keys;
        schema::request(request).check(&self.body, unknown, &mut complaints);
        more(&self.body, &mut complaints);
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(Refusal::parameter(&complaints))
        }
    }
}

impl Answer {
    fn of(data: impl Into<Value>) -> Self {
        Self {
            data: data.into(),
            page: None,
        }
    }
}
