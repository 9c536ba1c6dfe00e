//! Every file of `examples/`, applied as its reader applies it, to the state
//! that it says it reaches.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use http::Request;
use http::header::CONTENT_TYPE;
use kube::api::{Api, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use oms_simulator::{Config, Oms, Tls};
use serde_json::{Value, json};

use crate::apply::annotated;
use crate::gitops::{self, How};
use crate::world::{PASSWORD, World, condition, id, ready, status};

/// Where a project of an example ends up.
#[derive(Clone, Copy)]
enum Reaches {
    /// As declared, with this word of OMS.
    Ready(&'static str),
    /// Waiting for a person for this reason, without a project in OMS.
    Stalled(&'static str),
}

use Reaches::{Ready, Stalled};

/// The table: a test for each file, with the projects in it.
macro_rules! examples {
    ($($test:ident: $file:literal => [$($project:literal: $reaches:expr),*];)*) => {
        const ALL: &[(&str, &[(&str, Reaches)])] =
            &[$(($file, &[$(($project, $reaches)),*])),*];
        $(#[tokio::test]
        async fn $test() {
            Example::read($file).reaches(&[$(($project, $reaches)),*], How::ServerSide).await;
        })*
    };
}

examples! {
    connection: "connection.yaml" => [];
    mysql_to_oceanbase: "mysql-to-oceanbase.yaml" => ["shop": Ready("RUNNING")];
    by_data_source_names: "by-data-source-names.yaml" => ["shop-by-names": Ready("FINISHED")];
    oceanbase_to_kafka: "oceanbase-to-kafka.yaml" => ["orders-feed": Ready("RUNNING")];
    wildcard_rules: "wildcard-rules.yaml" => ["crm": Ready("RUNNING")];
    not_started: "not-started.yaml" => ["warehouse": Ready("INIT")];
    whole_life: "whole-life.yaml" => ["preview": Ready("RUNNING")];
    vendor_example: "vendor-example.yaml" => ["vendor-example": Ready("RUNNING")];
    by_id: "adoption/by-id.yaml" => ["made-by-hand": Ready("RUNNING")];
    by_name: "adoption/by-name.yaml" => ["moved": Ready("RUNNING")];
    own_ca: "connections/own-ca.yaml" => ["ledger": Ready("RUNNING")];
    own_ca_secret: "connections/own-ca-secret.yaml" => ["ledger-draft": Ready("INIT")];
    several_namespaces: "connections/several-namespaces.yaml"
        => ["sales/orders": Ready("RUNNING"), "finance/orders": Ready("RUNNING")];
    restricted: "connections/restricted.yaml"
        => ["team-a/billing": Ready("RUNNING"), "team-b/curious": Stalled("ConnectionNotAllowed")];
}

/// The file that the others name as the one they need.
const CONNECTION: &str = "connection.yaml";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The YAML files of `examples/`, as paths below it.
pub fn files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let below = path.strip_prefix(folder()).expect("below the folder");
                files.push(below.display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// The objects of a file.
pub fn documents(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(file)).expect(file);
    serde_saphyr::from_multiple(&text).expect(file)
}

#[test]
fn every_file_has_a_row_here_and_one_in_the_readme_with_its_states() {
    let mut rows: Vec<&str> = ALL.iter().map(|(file, _)| *file).collect();
    rows.sort_unstable();
    assert_eq!(
        files(),
        rows,
        "the table above lacks a file, or has one that is gone"
    );
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for (file, projects) in ALL {
        let start = format!("| [{file}]({file}) |");
        let row = readme.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("examples/README.md has no row {start}"));
        let states = row.rsplit('|').nth(1).unwrap_or_default();
        for (project, reaches) in *projects {
            let (Ready(word) | Stalled(word)) = reaches;
            assert!(states.contains(&format!("`{word}`")), "{project} in {row}");
        }
    }
}

#[tokio::test]
async fn each_reaches_the_same_when_it_is_applied_client_side() {
    let all = ALL
        .iter()
        .map(|(file, projects)| Example::read(file).reaches(projects, How::ClientSide));
    futures::future::join_all(all).await;
}

/// The front page: what a reader tries first.
#[tokio::test]
async fn the_resource_of_the_readme_runs() {
    let readme = include_str!("../../README.md");
    let block = readme
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a resource");
    let example = Example {
        file: "README.md".into(),
        documents: serde_saphyr::from_multiple(block).expect("YAML"),
    };
    let projects = [("shop-live", Ready("RUNNING"))];
    example.reaches(&projects, How::ServerSide).await;
}

/// A file with what it needs.
struct Example {
    file: String,
    documents: Vec<Value>,
}

/// Where an example is tried: the names of its namespaces, each with one that
/// nobody else has. The namespace of objects that name none is "".
type Places = BTreeMap<String, World>;

impl Example {
    fn read(file: &str) -> Self {
        let mut all = documents(file);
        if !all.iter().any(|one| one["kind"] == "OMSConnection") {
            let text = fs::read_to_string(folder().join(file)).unwrap();
            let needs = text
                .lines()
                .any(|line| line.starts_with("# Needs:") && line.contains(CONNECTION));
            assert!(
                needs,
                "{file} holds no OMSConnection and does not say where one is"
            );
            all.splice(0..0, documents(CONNECTION));
        }
        Self {
            file: file.into(),
            documents: all,
        }
    }

    async fn reaches(mut self, projects: &[(&str, Reaches)], how: How) {
        let world = World::with("examples", self.oms()).await;
        let places = self.places(&world).await;
        self.fill_in(&world);
        let adopted = self.plant(world.oms());
        self.move_to(&places);
        let watched = places
            .values()
            .map(|place| format!("--watch-namespace={}", place.namespace));
        let watched: Vec<String> = watched.collect();
        let flags: Vec<&str> = watched.iter().map(String::as_str).collect();
        let operator = world.operator_with(&flags, None).await;
        for document in &self.documents {
            self.create_dry(&places[""], document).await;
        }
        let home = &places[""];
        for document in &self.documents {
            if gitops::is_ours(document) {
                let applied = gitops::apply(home, document, how).await;
                applied.unwrap_or_else(|error| panic!("{}: {error}", self.file));
                continue;
            }
            let text = document.to_string();
            let applied = home.plane.apply_yaml_in(&home.namespace, &text).await;
            applied.unwrap_or_else(|error| panic!("{}: {error:#}", self.file));
        }
        self.connections_are_ready(&places).await;
        let mut ids = Vec::new();
        for (project, reaches) in projects {
            let (namespace, name) = project.split_once('/').unwrap_or(("", project));
            ids.extend(reached(&places[namespace], name, *reaches).await);
        }
        // These, no others, and those that were there are not made again.
        let mut all: Vec<String> = world
            .oms()
            .projects()
            .into_iter()
            .map(|one| one.id)
            .collect();
        all.sort();
        ids.sort();
        assert_eq!(ids, all);
        assert!(adopted.iter().all(|id| ids.contains(id)));
        let made = ids.len() - adopted.len();
        assert_eq!(world.oms().count("CreateProject"), made as u64);
        assert_eq!(self.of_kind("MigrationProject").count(), projects.len());
        let ours = self.documents.iter().filter(|one| gitops::is_ours(one));
        for (number, document) in ours.enumerate() {
            gitops::record(home, &self.file, number, document, how).await;
        }
        world.finish([operator]).await;
        for place in places.into_values() {
            place.finish([]).await;
        }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.documents.iter().filter(move |one| one["kind"] == kind)
    }

    /// An OMS that serves HTTPS where the example trusts an authority of its own.
    fn oms(&self) -> Config {
        let own = self
            .of_kind("OMSConnection")
            .any(|one| !one["spec"]["tls"].is_null());
        Config {
            tls: own.then(|| Tls::new(&[]).expect("a certificate")),
            // A single copy is to come to its end.
            speed: 50.0,
            ..Config::default()
        }
    }

    async fn places(&self, world: &World) -> Places {
        let mut places = Places::from([(String::new(), world.neighbour("example").await)]);
        for namespace in self.of_kind("Namespace") {
            let name = text(&namespace["metadata"]["name"]);
            places.insert(name.into(), world.neighbour(name).await);
        }
        places
    }

    /// What the comments tell the reader to replace: address, login, certificate.
    fn fill_in(&mut self, world: &World) {
        let (url, ca) = (world.simulator.url(), world.simulator.ca_pem());
        for document in &mut self.documents {
            match text(&document["kind"]) {
                "OMSConnection" => {
                    document["spec"]["url"] = json!(url);
                    document["spec"]["sweepInterval"] = json!("300ms");
                }
                "Secret" => {
                    document["stringData"]["username"] = json!("operator");
                    document["stringData"]["password"] = json!(PASSWORD);
                }
                _ => {}
            }
            for entries in ["data", "stringData"] {
                if let Some(entry) = document.pointer_mut(&format!("/{entries}/ca.crt")) {
                    *entry = json!(ca.expect("an OMS with a certificate"));
                }
            }
        }
    }

    /// Makes the projects that are to be taken over; gives their ids.
    fn plant(&mut self, oms: &Oms) -> Vec<String> {
        let mut ids = Vec::new();
        for document in &mut self.documents {
            let Some(adopt) = document.pointer("/spec/adopt").cloned() else {
                continue;
            };
            let name = document
                .pointer("/spec/project/name")
                .and_then(Value::as_str);
            let name = name.unwrap_or("made-in-the-console").to_owned();
            let planted = oms.insert_project(&name, "RUNNING", Oms::example_body(&name));
            if adopt.get("projectId").is_some() {
                document["spec"]["adopt"]["projectId"] = json!(planted);
            }
            ids.push(planted);
        }
        ids
    }

    /// Gives every namespace that the example names the name it has here.
    fn move_to(&mut self, places: &Places) {
        let here = |name: &mut Value| {
            if let Some(place) = name.as_str().and_then(|name| places.get(name)) {
                *name = json!(place.namespace);
            }
        };
        for document in &mut self.documents {
            if document["kind"] == "Namespace" {
                here(&mut document["metadata"]["name"]);
            }
            for pointer in ["/metadata/namespace", "/spec/connectionRef/namespace"] {
                document.pointer_mut(pointer).into_iter().for_each(here);
            }
        }
    }

    /// `kubectl apply --dry-run=server` of a new object: on the client's side, and strict.
    async fn create_dry(&self, home: &World, document: &Value) {
        let (api_version, kind) = (text(&document["apiVersion"]), text(&document["kind"]));
        if kind == "Namespace" {
            // It is there already, under the name it has here.
            return;
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind::gvk(group, version, kind);
        let (resource, _) = pinned_kind(&home.client, &kind).await.expect("a kind");
        let namespace = document
            .pointer("/metadata/namespace")
            .and_then(Value::as_str);
        let namespace = namespace.unwrap_or(&home.namespace);
        let api: Api<DynamicObject> =
            Api::namespaced_with(home.client.clone(), namespace, &resource);
        let request = Request::post(format!(
            "{}?dryRun=All&fieldValidation=Strict",
            api.resource_url()
        ))
        .header(CONTENT_TYPE, "application/json")
        .body(annotated(document).to_string().into_bytes())
        .unwrap();
        let created = home.client.request::<Value>(request).await;
        created.unwrap_or_else(|error| panic!("{}: {error}", self.file));
    }

    async fn connections_are_ready(&self, places: &Places) {
        for connection in self.of_kind("OMSConnection") {
            let namespace = connection
                .pointer("/metadata/namespace")
                .and_then(Value::as_str);
            let lives_in = |place: &&World| Some(place.namespace.as_str()) == namespace;
            let place = places.values().find(lives_in).unwrap_or(&places[""]);
            let reason = match text(&connection["spec"]["url"]).starts_with("https") {
                true => "Connected",
                false => "InsecureTransport",
            };
            place
                .until_connection(text(&connection["metadata"]["name"]), reason)
                .await;
        }
    }
}

/// Waits until the project is there; gives its id in OMS.
async fn reached(place: &World, name: &str, reaches: Reaches) -> Option<String> {
    let project = match reaches {
        Ready(word) => {
            let what = format!("it is Ready and {word}");
            place
                .until(name, &what, |project| {
                    ready(project) == Some("True") && status(project) == Some(word)
                })
                .await
        }
        Stalled(reason) => place.until_stalled(name, reason).await,
    };
    assert_eq!(
        condition(&project, "Stalled").is_some(),
        matches!(reaches, Stalled(_))
    );
    id(&project).map(str::to_owned)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
