//! What users do, as data.

use std::time::Duration;

use oms_simulator::{Fault, Kind as FaultKind, Oms};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kubernetes::{Id, Kind, Refusal};
use crate::verdict;
use crate::world::World;

/// The namespace of everything.
pub const NAMESPACE: &str = "shop";

/// The resources that there can be.
pub const RESOURCES: [&str; 3] = ["orders", "bills", "items"];

/// The namespace of the operator itself.
pub const OWN_NAMESPACE: &str = "oms-system";

/// The finalizer and the reservation, as documented.
pub const FINALIZER: &str = "oms.oceanbase.com/finalizer";
/// See [`FINALIZER`].
pub const RESERVATION: &str = "oms.oceanbase.com/create-reservation";

/// The annotation that asks for another attempt.
pub const RETRY: &str = "oms.oceanbase.com/retry";

/// The annotation that asks for a project anew.
pub const RECREATE: &str = "oms.oceanbase.com/recreate";

/// A MigrationProject as a user writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The resource.
    pub resource: &'static str,
    /// `spec.project.name`.
    pub project: Option<&'static str>,
    /// Another text of the request: with full verification.
    pub verify: bool,
    /// The rest of the spec.
    pub spec: Value,
}

impl Manifest {
    /// A plain one.
    pub fn of(resource: &'static str) -> Self {
        Self {
            resource,
            ..Self::default()
        }
    }

    /// With a project name.
    pub fn named(mut self, project: &'static str) -> Self {
        self.project = Some(project);
        self
    }

    /// With another text of the request.
    pub fn verified(mut self) -> Self {
        self.verify = true;
        self
    }

    /// With more in its spec.
    pub fn with(mut self, spec: Value) -> Self {
        self.spec = spec;
        self
    }

    /// The object.
    pub fn object(&self) -> Value {
        let mut spec = json!({
            "connectionRef": {"name": "oms"},
            "project": {
                "type": "MIGRATION",
                "sourceEndpointId": "e_mysqlprod01",
                "sinkEndpointId": "e_obprod00001",
                "transferMapping": {"mode": "SPECIFIC", "databases": [{
                    "name": "shop", "mappedName": "shop",
                    "tables": [{"name": self.resource, "mappedName": self.resource}],
                }]},
                "enableFullTransfer": true,
                "enableIncrTransfer": true,
                "fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"},
            },
        });
        if let Some(name) = self.project {
            spec["project"]["name"] = json!(name);
        }
        if self.verify {
            spec["project"]["enableFullVerify"] = json!(true);
            spec["project"]["fullTransferConfig"]["fullVerifySpeedMode"] = json!("NORMAL");
        }
        if !self.spec.is_null() {
            json_patch::merge(&mut spec, &self.spec);
        }
        json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "MigrationProject",
            "metadata": {"name": self.resource, "namespace": NAMESPACE}, "spec": spec,
        })
    }
}

/// The addresses that lead to an OMS. The first two lead to one and the same.
pub const HOSTS: [&str; 3] = ["oms.example", "oms-new.example", "oms-other.example"];

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// `kubectl apply`: made, or its spec set.
    Apply(Manifest),
    /// `kubectl replace`: annotations and finalizers are lost on the way.
    Replace(Manifest),
    /// `kubectl patch --type merge` of a MigrationProject.
    Patch(&'static str, Value),
    /// A new value of an annotation (`retry`, `reconcile-requested-at`).
    Annotate(&'static str, &'static str),
    /// The annotation that asks for a project anew, with the id that is gone.
    Recreate(&'static str),
    /// A resource that takes over, by its id, the project that was planted last; with more in its spec.
    AdoptPlanted(&'static str, Value),
    /// A finalizer of somebody else's comes.
    HoldBy(&'static str, &'static str),
    /// And goes.
    LetGoBy(&'static str, &'static str),
    /// `kubectl delete` of a MigrationProject.
    Delete(&'static str),
    /// The finalizers are taken off by hand, and the resource is deleted.
    ForceDelete(&'static str),
    /// A backup of the resource is taken.
    Backup(&'static str),
    /// The resource is lost, and made again from its backup, as backup tools
    /// do: with annotations, without status.
    Restore(&'static str),
    /// The resource is exported and applied under another name.
    Copy(&'static str, &'static str),
    /// The Secret goes.
    DeleteSecret,
    /// The Secret comes, with this password.
    ApplySecret(&'static str),
    /// The account's password in OMS.
    OmsPassword(&'static str),
    /// The connection comes, or leads elsewhere: to the host of that number,
    /// and these are its former ones.
    ApplyConnection(usize, Vec<usize>),
    /// `kubectl patch --type merge` of the connection.
    PatchConnection(Value),
    /// `suspend` of the connection.
    Suspend(bool),
    /// `kubectl delete` of the connection.
    DeleteConnection,
    /// `kubectl delete namespace`.
    DeleteNamespace,
    /// Somebody makes a project in OMS, with this name and status.
    Plant(&'static str, &'static str),
    /// Somebody renames a project in OMS.
    Rename(&'static str, &'static str),
    /// Somebody puts the projects of that name into a status.
    SetStatus(&'static str, &'static str),
    /// Somebody changes the configuration of the projects of that name.
    Configure(&'static str, Value),
    /// Somebody takes the projects of that name away.
    Remove(&'static str),
    /// The next create is refused: too many requests, and nothing is done.
    RefuseCreate,
    /// The next create is done, its answer is lost, and lists show its project
    /// only after so many seconds.
    LoseCreate(u64),
    /// Lists show the project of the next create only after so many seconds.
    ListLate(u64),
    /// Nothing shows the project of the next create before so many seconds have passed.
    ShowLate(u64),
    /// From now on OMS does not know these actions.
    Unsupported(Vec<&'static str>),
    /// From now on OMS answers well to every change of a project that is there, and makes none; or
    /// does again what it says.
    Ignore(bool),
    /// From now on the watches are so many seconds behind.
    FallBehind(u64),
    /// The watches end, and what they had not told of is listed anew.
    Expire,
    /// Somebody looks, for so many seconds at most, until the resource shows what OMS has.
    Shows(&'static str, u64),
    /// Somebody looks, for so many seconds at most, until the resource does not wait for a human.
    GoesOn(&'static str, u64),
    /// The process is killed, and started again after a while.
    Kill,
    /// The process is told to stop, and started again after a while.
    Stop,
    /// Time passes.
    Wait(u64),
    /// Until everything has come to rest.
    Settle,
}

pub fn id(kind: Kind, name: &str) -> Id {
    Id {
        kind,
        namespace: if kind == Kind::Namespace {
            ""
        } else {
            NAMESPACE
        }
        .to_owned(),
        name: name.to_owned(),
    }
}

fn project(name: &str) -> Id {
    id(Kind::MigrationProject, name)
}

/// The one connection.
pub fn connection_id() -> Id {
    id(Kind::OMSConnection, "oms")
}

/// Every action that changes a project which is there.
const CHANGES: [&str; 5] = [
    "StartProject",
    "StopProject",
    "ResumeProject",
    "ReleaseProject",
    "DeleteProject",
];

fn ignore(oms: &Oms, ignores: bool) {
    if ignores {
        for action in CHANGES {
            oms.fault(Fault::new(action, FaultKind::unheeded()));
        }
        return;
    }
    for (number, fault) in oms.faults() {
        if fault.kind == FaultKind::unheeded() {
            oms.remove_fault(number);
        }
    }
}

impl World {
    /// Does it. What the API server refuses is not done, as in life.
    pub async fn act(&self, act: &Act) {
        self.wires
            .bus
            .note(format_args!("user: {}", self.shown(act)));
        self.wires.witness.acted(act);
        let cluster = &self.wires.cluster;
        let refused: Result<(), Refusal> = match act {
            Act::Wait(seconds) => {
                tokio::time::sleep(Duration::from_secs(*seconds)).await;
                Ok(())
            }
            Act::Settle => {
                self.settle().await;
                Ok(())
            }
            Act::FallBehind(seconds) => {
                cluster.fall_behind(Duration::from_secs(*seconds));
                Ok(())
            }
            Act::Expire => {
                cluster.expire();
                Ok(())
            }
            Act::Shows(name, seconds) => {
                self.await_no(name, *seconds, verdict::moving).await;
                Ok(())
            }
            Act::GoesOn(name, seconds) => {
                self.await_no(name, *seconds, |_, found| verdict::stalled(found))
                    .await;
                Ok(())
            }
            Act::Kill => {
                self.end_process(true).await;
                Ok(())
            }
            Act::Stop => {
                self.end_process(false).await;
                Ok(())
            }
            Act::Apply(manifest) => self.apply(manifest.object(), true),
            Act::Replace(manifest) => {
                let object = manifest.object();
                let written = cluster.update(&project(manifest.resource), false, |_| Ok(object));
                written.map(drop)
            }
            Act::Patch(name, patch) => self.merge(&project(name), patch),
            Act::Annotate(name, annotation) => {
                let key = format!("oms.oceanbase.com/{annotation}");
                let value = format!("word {}", self.wires.bus.calls());
                self.merge(
                    &project(name),
                    &json!({"metadata": {"annotations": {key: value}}}),
                )
            }
            Act::Recreate(name) => self.recreate(name),
            Act::AdoptPlanted(name, spec) => self.adopt_planted(name, spec),
            Act::HoldBy(name, finalizer) => self.hold(name, finalizer, true),
            Act::LetGoBy(name, finalizer) => self.hold(name, finalizer, false),
            Act::Delete(name) => cluster.delete(&project(name)),
            Act::ForceDelete(name) => self.force_delete(name),
            Act::Backup(name) => {
                if let Some(object) = cluster.get(&project(name)) {
                    self.backups.lock().insert((*name).to_owned(), object);
                }
                Ok(())
            }
            Act::Restore(name) => self.restore(name),
            Act::Copy(from, to) => match cluster.get(&project(from)) {
                Some(object) => self.again(&object, to),
                None => Ok(()),
            },
            Act::DeleteSecret => cluster.delete(&id(Kind::Secret, "oms")),
            Act::ApplySecret(password) => self.apply_secret(password),
            Act::OmsPassword(password) => {
                self.each_oms(|oms| oms.set_password("admin", password));
                Ok(())
            }
            Act::ApplyConnection(host, former) => self.apply(connection(*host, former), false),
            Act::Suspend(suspend) => {
                let patch = json!({"spec": {"suspend": suspend}});
                self.merge(&connection_id(), &patch)
            }
            Act::PatchConnection(patch) => self.merge(&connection_id(), patch),
            Act::DeleteConnection => cluster.delete(&connection_id()),
            Act::DeleteNamespace => cluster.delete(&id(Kind::Namespace, NAMESPACE)),
            Act::Plant(name, status) => {
                let body = Oms::example_body(name);
                let planted = self.oms().insert_project(name, status, body);
                self.wires.witness.planted(0, &planted, name, status);
                Ok(())
            }
            Act::Rename(from, to) => self.each_named(from, |oms, id| oms.rename(id, to)),
            Act::SetStatus(name, status) => self.each_named(name, |oms, id| {
                self.wires.witness.set_outside(oms, id, status);
                oms.set_status(id, status)
            }),
            Act::Configure(name, patch) => {
                self.each_named(name, |oms, id| oms.configure(id, patch))
            }
            Act::Remove(name) => self.each_named(name, Oms::remove),
            Act::ListLate(seconds) => {
                self.list_late(*seconds);
                Ok(())
            }
            Act::ShowLate(seconds) => {
                let late = FaultKind::shown_late(Duration::from_secs(*seconds));
                self.oms().fault(Fault::new("CreateProject", late).times(1));
                Ok(())
            }
            Act::RefuseCreate => {
                let refused = Fault::new(
                    "CreateProject",
                    FaultKind::too_many_requests(Duration::from_secs(1)),
                );
                self.oms().fault(refused.times(1));
                Ok(())
            }
            Act::LoseCreate(seconds) => {
                self.list_late(*seconds);
                let lost = Fault::new("CreateProject", FaultKind::Drop).after_work();
                self.oms().fault(lost.times(1));
                Ok(())
            }
            Act::Ignore(ignores) => {
                self.each_oms(|oms| ignore(oms, *ignores));
                Ok(())
            }
            Act::Unsupported(actions) => {
                self.each_oms(|oms| oms.unsupported(actions.iter().copied()));
                Ok(())
            }
        };
        if let Err(refusal) = refused {
            self.wires
                .bus
                .note(format_args!("user: refused: {}", refusal.message));
        }
    }

    /// Waits, for so many seconds at most, until nothing speaks against a resource.
    async fn await_no(
        &self,
        name: &str,
        seconds: u64,
        objection: impl Fn(&World, &Value) -> Option<String>,
    ) {
        let began = Instant::now();
        loop {
            let found = self.wires.cluster.get(&project(name));
            let Some(why) = found.and_then(|it| objection(self, &it)) else {
                return;
            };
            if began.elapsed() >= Duration::from_secs(seconds) {
                let words = format!("after {seconds} s {name} {why}");
                return self.wires.witness.break_(words);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn shown(&self, act: &Act) -> String {
        match act {
            Act::Apply(manifest) => format!(
                "Apply {} {:?}",
                manifest.resource,
                manifest.spec.to_string()
            ),
            Act::Replace(manifest) => format!("Replace {}", manifest.resource),
            other => format!("{other:?}"),
        }
    }

    fn list_late(&self, seconds: u64) {
        let seconds = Duration::from_secs(seconds);
        let late = Fault::new("CreateProject", FaultKind::ListedLate { seconds });
        self.oms().fault(late.times(1));
    }

    fn merge(&self, id: &Id, patch: &Value) -> Result<(), Refusal> {
        let merged = |before: &Value| {
            let mut after = before.clone();
            json_patch::merge(&mut after, patch);
            Ok(after)
        };
        self.wires.cluster.update(id, false, merged).map(drop)
    }

    fn apply(&self, object: Value, is_project: bool) -> Result<(), Refusal> {
        let kind = if is_project {
            Kind::MigrationProject
        } else {
            Kind::OMSConnection
        };
        let id = id(
            kind,
            object["metadata"]["name"].as_str().unwrap_or_default(),
        );
        if self.wires.cluster.get(&id).is_none() {
            return self.wires.cluster.create(&id, object).map(drop);
        }
        let set = |before: &Value| {
            let mut after = before.clone();
            after["spec"] = object["spec"].clone();
            Ok(after)
        };
        self.wires.cluster.update(&id, false, set).map(drop)
    }

    fn recreate(&self, name: &str) -> Result<(), Refusal> {
        let found = self.wires.cluster.get(&project(name));
        let gone = found.map(|found| found["status"]["projectId"].clone());
        let patch = json!({"metadata": {"annotations": {RECREATE: gone}}});
        self.merge(&project(name), &patch)
    }

    fn adopt_planted(&self, name: &'static str, spec: &Value) -> Result<(), Refusal> {
        let made = self.wires.witness.made();
        let planted = made.iter().rev().find(|made| made.uid.is_none());
        let mut spec = spec.clone();
        spec["adopt"] = json!({"projectId": planted.map(|made| made.id.clone())});
        self.apply(Manifest::of(name).with(spec).object(), true)
    }

    fn hold(&self, name: &str, finalizer: &str, hold: bool) -> Result<(), Refusal> {
        let set = |before: &Value| {
            let mut after = before.clone();
            let mut all = crate::kubernetes::finalizers(before);
            all.retain(|one| *one != finalizer);
            if hold {
                all.push(finalizer);
            }
            after["metadata"]["finalizers"] = json!(all);
            Ok(after)
        };
        let written = self.wires.cluster.update(&project(name), false, set);
        written.map(drop)
    }

    fn force_delete(&self, name: &str) -> Result<(), Refusal> {
        if let Some(found) = self.wires.cluster.get(&project(name)) {
            self.wires.witness.force(&found);
        }
        self.merge(&project(name), &json!({"metadata": {"finalizers": null}}))?;
        self.wires.cluster.delete(&project(name))
    }

    fn restore(&self, name: &str) -> Result<(), Refusal> {
        let Some(backup) = self.backups.lock().get(name).cloned() else {
            return Ok(());
        };
        if self.wires.cluster.get(&project(name)).is_some() {
            self.force_delete(name)?;
        }
        self.again(&backup, name)
    }

    /// Makes a resource from another, as tools do that export and import.
    fn again(&self, object: &Value, name: &str) -> Result<(), Refusal> {
        let mut object = object.clone();
        object["metadata"]["name"] = json!(name);
        crate::kubernetes::remove(&mut object, "status");
        crate::kubernetes::remove(&mut object["metadata"], "resourceVersion");
        crate::kubernetes::remove(&mut object["metadata"], "finalizers");
        let made = self.wires.cluster.create(&project(name), object)?;
        self.wires.witness.restored(&made);
        Ok(())
    }

    fn apply_secret(&self, password: &str) -> Result<(), Refusal> {
        let encode = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(text)
        };
        let object = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "oms", "namespace": NAMESPACE},
            "data": {"username": encode("admin"), "password": encode(password)},
        });
        let id = id(Kind::Secret, "oms");
        match self.wires.cluster.get(&id) {
            None => self.wires.cluster.create(&id, object).map(drop),
            Some(_) => self
                .wires
                .cluster
                .update(&id, false, |_| Ok(object))
                .map(drop),
        }
    }

    fn each_oms(&self, each: impl Fn(&Oms)) {
        self.wires.omses.values().for_each(|(_, oms)| each(oms));
    }

    fn each_named<E>(
        &self,
        name: &str,
        each: impl Fn(&Oms, &str) -> Result<(), E>,
    ) -> Result<(), Refusal> {
        let oms = self.oms();
        for project in oms.projects_named(name) {
            // One that has gone meanwhile is as good.
            let _ = each(&oms, &project.id);
        }
        Ok(())
    }
}

fn connection(host: usize, former: &[usize]) -> Value {
    let url = |host: &usize| format!("https://{}:8089", HOSTS[*host]);
    json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "OMSConnection",
        "metadata": {"name": "oms", "namespace": NAMESPACE},
        "spec": {
            "url": url(&host), "credentialsSecretRef": {"name": "oms"}, "sweepInterval": "30s",
            "formerUrls": former.iter().map(url).collect::<Vec<_>>(),
        },
    })
}
