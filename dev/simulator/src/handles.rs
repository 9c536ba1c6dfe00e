//! The handles: what a test, or the admin API, does to an OMS behind the
//! caller's back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::calls::Call;
use crate::clock::{Clock, Now};
use crate::config::ReplyForm;
use crate::configuration;
use crate::details::TableDifference;
use crate::fault::{Fault, When};
use crate::gate::{Gate, GateState};
use crate::oms::Oms;
use crate::project::{Phase, Project, StepError};
use crate::seed::DataSource;
use crate::state::State;
use crate::time::timestamp;

/// A project as OMS has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// `np_…`.
    pub id: String,
    /// The name now; a rename leaves the body alone.
    pub name: String,
    /// OMS's word.
    pub status: String,
    /// The CreateProject body as it came in.
    pub body: Value,
    /// When it was made, by OMS's clock.
    pub created: Timestamp,
    /// How many calls named its id, by action; CreateProject is its own making.
    pub requests: BTreeMap<String, u64>,
}

/// Why a handle could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// No project has this id or name.
    #[error("no project has the id or name {0:?}")]
    NoSuchProject(String),
    /// Several projects have this name.
    #[error("{count} projects have the name {name:?}: use an id")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many.
        count: usize,
    },
    /// The plan of the project does not have the step ahead of it.
    #[error("the project {project:?} has no step {step:?} before it that could fail")]
    NoSuchStep {
        /// The project.
        project: String,
        /// The step.
        step: String,
    },
}

/// Projects. `project` is always an id, or a name that only one project has.
impl Oms {
    /// All projects, oldest first, those that lists do not show yet included.
    pub fn projects(&self) -> Vec<ProjectView> {
        self.settled(|state| state.projects.iter().map(ProjectView::of).collect())
    }

    /// One project.
    pub fn project(&self, project: &str) -> Result<ProjectView, HandleError> {
        self.change(project, |project, _| ProjectView::of(project))
    }

    /// All projects of that name, oldest first.
    pub fn projects_named(&self, name: &str) -> Vec<ProjectView> {
        let mut projects = self.projects();
        projects.retain(|project| project.name == name);
        projects
    }

    /// Plants a project that nobody created through the API, and returns its id.
    /// `status` and `body` may be anything; `body` decides the steps.
    pub fn insert_project(&self, name: &str, status: &str, body: Value) -> String {
        let (clock, config) = (&self.shared.clock, &self.shared.config);
        let id = {
            let mut state = self.shared.state.lock();
            let id = state.project_id();
            state.projects.add(Project::new(
                id.clone(),
                name.into(),
                body,
                &config.durations,
                clock.now(),
            ));
            id
        };
        // The id was given a moment ago; only another handle could have taken
        // the project away again, and then there is nothing to set.
        let _ = self.set_status(&id, status);
        id
    }

    /// Gives a project another name, as somebody may in the console.
    pub fn rename(&self, project: &str, name: &str) -> Result<(), HandleError> {
        self.change(project, |project, now| {
            project.name = name.into();
            project.touch(now);
        })
    }

    /// Puts a project into a status, as somebody may in the console. A word
    /// without behaviour of its own (`RUNNING_MODIFYING`, `DELETED`, one that
    /// OMS does not have) is only said, and every action refuses it.
    pub fn set_status(&self, project: &str, status: &str) -> Result<(), HandleError> {
        let durations = &self.shared.config.durations;
        self.change(project, |project, now| {
            let phase = match status {
                "INIT" => return project.reset(now),
                "RUNNING" => {
                    project.rest(Phase::Suspended, durations, now);
                    return project.run(durations, now);
                }
                "SUSPEND" => Phase::Suspended,
                "FAILED" => Phase::Failed {
                    step: project.plan.current(project.done(now)).name,
                    errors: vec![StepError {
                        code: "GHANA-OPERAT000001".into(),
                        message: "The step failed.".into(),
                        proposal: "Resume the project.".into(),
                    }],
                },
                "FINISHED" => Phase::Finished,
                "RELEASING" => Phase::Releasing {
                    until: now.work + durations.release,
                },
                "RELEASED" => Phase::Released,
                word => Phase::Said(word.into()),
            };
            project.started.get_or_insert(now.wall);
            project.rest(phase, durations, now);
        })
    }

    /// The project fails in the middle of that step, once it gets there, or now
    /// if it is past the middle. `ResumeProject` takes it further.
    pub fn fail_step(
        &self,
        project: &str,
        step: &str,
        errors: Vec<StepError>,
    ) -> Result<(), HandleError> {
        let ahead = self.change(project, |project, now| project.fail_in(step, errors, now))?;
        if ahead {
            Ok(())
        } else {
            Err(HandleError::NoSuchStep {
                project: project.into(),
                step: step.into(),
            })
        }
    }

    /// The same for the next project that CreateProject makes with that name. A
    /// project without that step is left alone.
    pub fn fail_step_of_next(&self, name: &str, step: &str, errors: Vec<StepError>) {
        let failure = (step.to_owned(), errors);
        self.shared
            .state
            .lock()
            .failures
            .insert(name.into(), failure);
    }

    /// Pins how far INCR_TRANSFER is behind; `None` lets it catch up again.
    pub fn set_lag(&self, project: &str, lag: Option<Duration>) -> Result<(), HandleError> {
        self.change(project, |project, _| project.pin_lag(lag))
    }

    /// Changes a project's configuration, as somebody may in the console: merges
    /// `patch` into it (RFC 7386), whatever OMS itself would allow. The steps
    /// stay those that the project was made with.
    pub fn configure(&self, project: &str, patch: &Value) -> Result<(), HandleError> {
        self.change(project, |project, now| {
            configuration::merge(Arc::make_mut(&mut project.configuration), patch);
            project.touch(now);
        })
    }

    /// What the full verification finds in a table, given as `schema.table` of
    /// the source; no difference at all makes it consistent again.
    pub fn set_difference(
        &self,
        project: &str,
        table: &str,
        difference: TableDifference,
    ) -> Result<(), HandleError> {
        self.change(project, |project, _| {
            project.differences.insert(table.to_owned(), difference);
        })
    }

    /// Takes a project away, as somebody may in the console.
    pub fn remove(&self, project: &str) -> Result<(), HandleError> {
        let id = self.change(project, |project, _| project.id.clone())?;
        self.shared.state.lock().projects.remove(&id);
        self.notify();
        Ok(())
    }

    fn settled<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        let (clock, config) = (&self.shared.clock, &self.shared.config);
        let mut state = self.shared.state.lock();
        let now = clock.now();
        for project in state.projects.iter_mut() {
            project.settle(clock, &config.durations, now);
        }
        look(&mut state)
    }

    fn change<T>(
        &self,
        project: &str,
        change: impl FnOnce(&mut Project, Now) -> T,
    ) -> Result<T, HandleError> {
        let (clock, durations) = (&self.shared.clock, &self.shared.config.durations);
        let mut state = self.shared.state.lock();
        let id = find(&state, project)?;
        let Some(found) = state.projects.get_mut(&id) else {
            return Err(HandleError::NoSuchProject(project.into()));
        };
        let now = clock.now();
        found.settle(clock, durations, now);
        let changed = change(found, now);
        drop(state);
        self.notify();
        Ok(changed)
    }
}

/// Calls.
impl Oms {
    /// Every call since the last [`Oms::clear_calls`], oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state.lock().calls.all()
    }

    /// How many calls of that action arrived since the last
    /// [`Oms::clear_calls`], refused and unknown ones included.
    pub fn count(&self, action: &str) -> u64 {
        self.shared.state.lock().calls.count(action)
    }

    /// How many of them searched for a name, such as the look before a create.
    pub fn searches(&self) -> u64 {
        self.shared.state.lock().calls.searches()
    }

    /// Forgets the calls.
    pub fn clear_calls(&self) {
        self.shared.state.lock().calls.clear();
    }

    /// Waits until `holds`, which is asked again after every call and handle and
    /// every few milliseconds, because time moves projects too. False when it
    /// did not within `deadline`.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        mut holds: impl FnMut(&Self) -> bool,
    ) -> bool {
        const LOOK_AGAIN: Duration = Duration::from_millis(20);
        let mut changed = self.shared.changed.subscribe();
        let wait = async {
            loop {
                changed.mark_unchanged();
                if holds(self) {
                    return;
                }
                // Either end of this wait means: look again.
                let _ = tokio::time::timeout(LOOK_AGAIN, changed.changed()).await;
            }
        };
        tokio::time::timeout(deadline, wait).await.is_ok()
    }
}

/// Faults and gates.
impl Oms {
    /// Lets calls go wrong; returns an id for [`Oms::remove_fault`].
    pub fn fault(&self, fault: Fault) -> u64 {
        self.shared.state.lock().faults.add(fault)
    }

    /// The faults that can still strike, by id.
    pub fn faults(&self) -> BTreeMap<u64, Fault> {
        self.shared.state.lock().faults.all()
    }

    /// Ends a fault; false when there was none of that id.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.shared.state.lock().faults.remove(id)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.state.lock().faults.clear();
    }

    /// From now on the server does not know these actions, and knows all others.
    pub fn unsupported<'a>(&self, actions: impl IntoIterator<Item = &'a str>) {
        let actions = actions.into_iter().map(str::to_owned).collect();
        self.shared.state.lock().unsupported = actions;
    }

    /// Holds calls of that action (`*`: every one) before or after the work.
    pub fn hold(&self, action: &str, when: When) -> Gate {
        self.hold_only(action, when, None)
    }

    /// Holds only calls about one project, by name, id or searchKey.
    pub fn hold_project(&self, action: &str, when: When, project: &str) -> Gate {
        self.hold_only(action, when, Some(project))
    }

    /// A gate that stays closed until it is released by its id.
    pub(crate) fn keep_gate(&self, action: &str, when: When, project: Option<&str>) -> u64 {
        let gate = GateState::new(action, when, project);
        self.shared.state.lock().gates.add(gate)
    }

    pub(crate) fn closed_gates(&self) -> BTreeMap<u64, Arc<GateState>> {
        self.shared.state.lock().gates.closed().clone()
    }

    pub(crate) fn release_gate(&self, id: u64) -> bool {
        self.shared.state.lock().gates.release(id)
    }

    /// Opens every gate.
    pub fn release_gates(&self) {
        self.shared.state.lock().gates.release_all();
    }

    fn hold_only(&self, action: &str, when: When, project: Option<&str>) -> Gate {
        let state = GateState::new(action, when, project);
        self.shared.state.lock().gates.add(state.clone());
        Gate { state }
    }
}

/// Clock, credentials, data sources, reply form.
impl Oms {
    /// The clock. [`Clock::advance`] makes OMS's dates jump.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Projects work `speed` times as fast as real time; 0 stops them.
    pub fn set_speed(&self, speed: f64) {
        self.shared.clock.set_speed(speed);
        self.notify();
    }

    /// Projects do that much work at once; dates stay.
    pub fn step(&self, work: Duration) {
        self.shared.clock.step(work);
        self.notify();
    }

    /// Adds a user, or changes a password.
    pub fn set_password(&self, user: &str, password: &str) {
        let mut state = self.shared.state.lock();
        state.users.insert(user.into(), password.into());
    }

    /// Takes a user away.
    pub fn remove_user(&self, user: &str) {
        self.shared.state.lock().users.remove(user);
    }

    /// All data sources.
    pub fn data_sources(&self) -> Vec<DataSource> {
        self.shared.state.lock().data_sources.clone()
    }

    /// Adds a data source, or replaces that of the same id. Two may share a name.
    pub fn add_data_source(&self, source: DataSource) {
        let mut state = self.shared.state.lock();
        state.data_sources.retain(|known| known.id != source.id);
        state.data_sources.push(source);
    }

    /// Takes a data source away; false when there was none of that id.
    pub fn remove_data_source(&self, id: &str) -> bool {
        let mut state = self.shared.state.lock();
        let before = state.data_sources.len();
        state.data_sources.retain(|known| known.id != id);
        state.data_sources.len() < before
    }

    /// Adds a label, or renames that of the same id.
    pub fn add_label(&self, id: &str, name: &str) {
        let mut state = self.shared.state.lock();
        state.labels.insert(id.into(), name.into());
    }

    /// How replies are written from now on.
    pub fn set_reply_form(&self, form: ReplyForm) {
        self.shared.state.lock().reply_form = form;
    }

    /// A legal CreateProject body between two seeded data sources, with
    /// structure, full and incremental transfer.
    pub fn example_body(name: &str) -> Value {
        json!({
            "name": name,
            "type": "MIGRATION",
            "sourceEndpointId": "e_mysqlprod01",
            "sinkEndpointId": "e_obprod00001",
            "transferMapping": {
                "mode": "SPECIFIC",
                "databases": [{"name": "shop", "mappedName": "shop",
                    "tables": [{"name": "orders", "mappedName": "orders"}]}],
            },
            "enableStructTransfer": true,
            "enableFullTransfer": true,
            "enableFullVerify": false,
            "enableIncrTransfer": true,
            "enableReverseIncrTransfer": false,
            "fullTransferConfig": {
                "fullTransferSpeedMode": "NORMAL",
                "allowDestTableNotEmpty": false,
                "nonePkUkTruncateDstTable": false,
            },
        })
    }
}

fn find(state: &State, project: &str) -> Result<String, HandleError> {
    if state.projects.get(project).is_some() {
        return Ok(project.into());
    }
    let mut named = state.projects.iter().filter(|known| known.name == project);
    match (named.next(), named.count()) {
        (Some(only), 0) => Ok(only.id.clone()),
        (Some(_), more) => Err(HandleError::Ambiguous {
            name: project.into(),
            count: more + 1,
        }),
        (None, _) => Err(HandleError::NoSuchProject(project.into())),
    }
}

impl ProjectView {
    fn of(project: &Project) -> Self {
        Self {
            id: project.id.clone(),
            name: project.name.clone(),
            status: project.status().into(),
            body: (*project.body).clone(),
            created: timestamp(project.created),
            requests: project.requests.clone(),
        }
    }
}
