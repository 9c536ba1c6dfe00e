//! The handles over HTTP; `admin.md` is its reference.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::actions::ACTIONS;
use crate::config::ReplyForm;
use crate::details::TableDifference;
use crate::fault::{Fault, When};
use crate::handles::HandleError;
use crate::oms::Oms;
use crate::project::StepError;
use crate::seed::DataSource;
use crate::time::timestamp;

const HELP: &str = include_str!("admin.md");

pub(crate) fn router(oms: Oms) -> Router {
    Router::new()
        .route("/admin", get(async || HELP))
        .route("/admin/projects", get(projects).post(plant))
        .route(
            "/admin/projects/{project}",
            get(project).patch(patch).delete(remove),
        )
        .route("/admin/projects/{project}/fail", post(fail))
        .route("/admin/failures/{name}", put(fail_next))
        .route("/admin/calls", get(calls).delete(clear_calls))
        .route("/admin/counts", get(counts))
        .route(
            "/admin/faults",
            get(faults).post(add_fault).delete(clear_faults),
        )
        .route("/admin/faults/{id}", delete(remove_fault))
        .route("/admin/unsupported", put(unsupported))
        .route("/admin/gates", get(gates).post(hold).delete(open_all))
        .route("/admin/gates/{id}", get(gate).delete(open))
        .route("/admin/clock", get(clock).post(set_clock))
        .route("/admin/users/{user}", put(set_password).delete(remove_user))
        .route(
            "/admin/data-sources",
            get(data_sources).post(add_data_source),
        )
        .route("/admin/data-sources/{id}", delete(remove_data_source))
        .route("/admin/reply-form", put(reply_form))
        .route("/admin/ca", get(ca))
        .with_state(oms)
}

impl IntoResponse for HandleError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoSuchProject(_) => StatusCode::NOT_FOUND,
            Self::Ambiguous { .. } => StatusCode::CONFLICT,
            Self::NoSuchStep { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

type Answer = Result<Json<Value>, HandleError>;

/// 404 unless something was there.
fn found(there: bool) -> StatusCode {
    if there {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn projects(State(oms): State<Oms>) -> Json<Value> {
    Json(json!(oms.projects()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    name: String,
    status: String,
    body: Option<Value>,
}

async fn plant(State(oms): State<Oms>, Json(plant): Json<Plant>) -> Json<Value> {
    let body = plant.body.unwrap_or_else(|| Oms::example_body(&plant.name));
    Json(json!({"id": oms.insert_project(&plant.name, &plant.status, body)}))
}

async fn project(State(oms): State<Oms>, Path(project): Path<String>) -> Answer {
    Ok(Json(json!(oms.project(&project)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    name: Option<String>,
    status: Option<String>,
    #[serde(default, deserialize_with = "present")]
    lag: Option<Option<f64>>,
    configuration: Option<Value>,
    #[serde(default)]
    differences: BTreeMap<String, TableDifference>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn patch(
    State(oms): State<Oms>,
    Path(project): Path<String>,
    Json(patch): Json<Patch>,
) -> Answer {
    // By id from here on: the patch may change the name.
    let id = oms.project(&project)?.id;
    if let Some(name) = &patch.name {
        oms.rename(&id, name)?;
    }
    if let Some(status) = &patch.status {
        oms.set_status(&id, status)?;
    }
    if let Some(lag) = patch.lag {
        oms.set_lag(&id, lag.map(seconds))?;
    }
    if let Some(configuration) = &patch.configuration {
        oms.configure(&id, configuration)?;
    }
    for (table, difference) in patch.differences {
        oms.set_difference(&id, &table, difference)?;
    }
    Ok(Json(json!(oms.project(&id)?)))
}

async fn remove(
    State(oms): State<Oms>,
    Path(project): Path<String>,
) -> Result<StatusCode, HandleError> {
    oms.remove(&project)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    step: String,
    errors: Vec<StepError>,
}

async fn fail(
    State(oms): State<Oms>,
    Path(project): Path<String>,
    Json(fail): Json<Fail>,
) -> Result<StatusCode, HandleError> {
    oms.fail_step(&project, &fail.step, fail.errors)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn fail_next(
    State(oms): State<Oms>,
    Path(name): Path<String>,
    Json(fail): Json<Fail>,
) -> StatusCode {
    oms.fail_step_of_next(&name, &fail.step, fail.errors);
    StatusCode::NO_CONTENT
}

async fn calls(State(oms): State<Oms>) -> Json<Value> {
    Json(json!(oms.calls()))
}

async fn clear_calls(State(oms): State<Oms>) -> StatusCode {
    oms.clear_calls();
    StatusCode::NO_CONTENT
}

async fn counts(State(oms): State<Oms>) -> Json<BTreeMap<&'static str, u64>> {
    let each = ACTIONS.iter().map(|action| (*action, oms.count(action)));
    Json(each.chain([("searches", oms.searches())]).collect())
}

async fn faults(State(oms): State<Oms>) -> Json<BTreeMap<u64, Fault>> {
    Json(oms.faults())
}

async fn add_fault(State(oms): State<Oms>, Json(fault): Json<Fault>) -> Json<Value> {
    Json(json!({"id": oms.fault(fault)}))
}

async fn clear_faults(State(oms): State<Oms>) -> StatusCode {
    oms.clear_faults();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(oms): State<Oms>, Path(id): Path<u64>) -> StatusCode {
    found(oms.remove_fault(id))
}

async fn unsupported(State(oms): State<Oms>, Json(actions): Json<Vec<String>>) -> StatusCode {
    oms.unsupported(actions.iter().map(String::as_str));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    action: String,
    #[serde(default)]
    when: When,
    project: Option<String>,
}

async fn hold(State(oms): State<Oms>, Json(hold): Json<Hold>) -> Json<Value> {
    let id = oms.keep_gate(&hold.action, hold.when, hold.project.as_deref());
    Json(json!({"id": id}))
}

async fn gates(State(oms): State<Oms>) -> Json<Value> {
    let gates = oms.closed_gates();
    let rows = gates.iter().map(|(id, gate)| {
        json!({
            "id": id, "action": gate.action, "when": gate.when, "project": gate.project,
            "arrived": gate.arrived(),
        })
    });
    Json(rows.collect())
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: f64,
}

async fn gate(
    State(oms): State<Oms>,
    Path(id): Path<u64>,
    Query(wait): Query<Wait>,
) -> Result<Json<Value>, StatusCode> {
    let gate = oms
        .closed_gates()
        .remove(&id)
        .ok_or(StatusCode::NOT_FOUND)?;
    // Whether it came or the time is up, the count says which.
    let _ = tokio::time::timeout(seconds(wait.wait), gate.arrivals(1)).await;
    Ok(Json(json!({"arrived": gate.arrived()})))
}

async fn open(State(oms): State<Oms>, Path(id): Path<u64>) -> StatusCode {
    found(oms.release_gate(id))
}

async fn open_all(State(oms): State<Oms>) -> StatusCode {
    oms.release_gates();
    StatusCode::NO_CONTENT
}

async fn clock(State(oms): State<Oms>) -> Json<Value> {
    let clock = oms.clock();
    Json(json!({"now": timestamp(clock.now().wall), "speed": clock.speed()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    speed: Option<f64>,
    step: Option<f64>,
    advance: Option<f64>,
}

async fn set_clock(State(oms): State<Oms>, Json(set): Json<SetClock>) -> Json<Value> {
    if let Some(by) = set.advance {
        oms.clock().advance(seconds(by));
    }
    if let Some(by) = set.step {
        oms.step(seconds(by));
    }
    if let Some(speed) = set.speed {
        oms.set_speed(speed);
    }
    clock(State(oms)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

async fn set_password(
    State(oms): State<Oms>,
    Path(user): Path<String>,
    Json(new): Json<Password>,
) -> StatusCode {
    oms.set_password(&user, &new.password);
    StatusCode::NO_CONTENT
}

async fn remove_user(State(oms): State<Oms>, Path(user): Path<String>) -> StatusCode {
    oms.remove_user(&user);
    StatusCode::NO_CONTENT
}

async fn data_sources(State(oms): State<Oms>) -> Json<Vec<DataSource>> {
    Json(oms.data_sources())
}

async fn add_data_source(State(oms): State<Oms>, Json(source): Json<DataSource>) -> StatusCode {
    oms.add_data_source(source);
    StatusCode::NO_CONTENT
}

async fn remove_data_source(State(oms): State<Oms>, Path(id): Path<String>) -> StatusCode {
    found(oms.remove_data_source(&id))
}

async fn reply_form(State(oms): State<Oms>, Json(form): Json<ReplyForm>) -> StatusCode {
    oms.set_reply_form(form);
    StatusCode::NO_CONTENT
}

async fn ca(State(oms): State<Oms>) -> Result<String, StatusCode> {
    let tls = oms.shared.config.tls.as_ref();
    tls.map(|tls| tls.ca_pem().to_owned())
        .ok_or(StatusCode::NOT_FOUND)
}

/// A number that is no time is no time at all.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}
