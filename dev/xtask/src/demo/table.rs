//! The projects as a table: a line for each change, as `kubectl get --watch` shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use oms_harness::Process;
use oms_operator::api::v1alpha1::{MigrationProject, WantedState};

/// Short against what people see.
const PERIOD: Duration = Duration::from_millis(300);

/// What one line shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    id: String,
    status: String,
    ready: String,
    message: String,
    as_declared: bool,
}

impl Row {
    fn of(project: &MigrationProject) -> Row {
        let status = project.status.clone().unwrap_or_default();
        let ready = status.conditions.iter().find(|one| one.type_ == "Ready");
        let word = status.project_status.clone().unwrap_or_default();
        let wanted: &[&str] = match project.spec.state() {
            WantedState::Created => &["INIT"],
            // Without incremental transfer a project ends by itself.
            WantedState::Running => &["RUNNING", "FINISHED"],
        };
        let current = status.observed_generation == project.metadata.generation;
        Row {
            name: project.name_any(),
            id: status.project_id.unwrap_or_default(),
            ready: ready.map(|ready| ready.status.clone()).unwrap_or_default(),
            message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
            as_declared: current
                && ready.is_some_and(|ready| ready.status == "True")
                && wanted.contains(&word.as_str()),
            status: word,
        }
    }

    fn print(&self) {
        // A message may go over several lines; the table shows the first.
        let message = self.message.lines().next().unwrap_or_default();
        let cells = [&self.id, &self.status, &self.ready, message];
        let [id, status, ready, message] =
            cells.map(|cell| if cell.is_empty() { "-" } else { cell });
        line(&self.name, id, status, ready, message);
    }
}

fn line(name: &str, id: &str, status: &str, ready: &str, message: &str) {
    println!("{name:<18} {id:<18} {status:<10} {ready:<8} {message}");
}

/// The projects of one namespace.
pub struct Table {
    api: Api<MigrationProject>,
    names: Vec<String>,
    shown: BTreeMap<String, Row>,
}

impl Table {
    /// Of the projects with these names.
    pub fn new(client: Client, namespace: &str, names: Vec<String>) -> Table {
        Table {
            api: Api::namespaced(client, namespace),
            names,
            shown: BTreeMap::new(),
        }
    }

    /// Prints the names of the columns.
    pub fn headline(&self) {
        line("NAME", "PROJECT ID", "STATUS", "READY", "MESSAGE");
    }

    /// Prints what changes until every project is as its example says.
    pub async fn until_as_declared(
        &mut self,
        operator: &Process,
        deadline: Duration,
    ) -> anyhow::Result<()> {
        self.headline();
        let all = async {
            while !self.is_as_declared() {
                self.look(operator).await?;
                tokio::time::sleep(PERIOD).await;
            }
            Ok(())
        };
        if let Ok(done) = tokio::time::timeout(deadline, all).await {
            return done;
        }
        let mut late = self.names.clone();
        late.retain(|name| !self.shown.get(name).is_some_and(|row| row.as_declared));
        bail!(
            "after {} s not every project is as its example says: {}",
            deadline.as_secs(),
            late.join(", ")
        )
    }

    /// Prints what changes, without end; an error when the operator ends.
    pub async fn follow(&mut self, operator: &Process) -> anyhow::Result<()> {
        loop {
            self.look(operator).await?;
            tokio::time::sleep(PERIOD).await;
        }
    }

    fn is_as_declared(&self) -> bool {
        let mut rows = self.names.iter().map(|name| self.shown.get(name));
        rows.all(|row| row.is_some_and(|row| row.as_declared))
    }

    async fn look(&mut self, operator: &Process) -> anyhow::Result<()> {
        if let Some(exit) = operator.exit() {
            bail!("the operator has ended by itself ({exit})");
        }
        let now = self.api.list(&ListParams::default()).await?;
        let now = now
            .iter()
            .map(|project| (project.name_any(), Row::of(project)));
        let now: BTreeMap<String, Row> = now.collect();
        for (name, row) in &now {
            if self.shown.get(name) != Some(row) {
                row.print();
            }
        }
        for name in self.shown.keys().filter(|name| !now.contains_key(*name)) {
            line(name, "-", "-", "-", "the resource is gone");
        }
        self.shown = now;
        Ok(())
    }
}
