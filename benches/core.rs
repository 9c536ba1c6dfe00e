//! What is done most often, timed by itself: `cargo bench --bench core`. Whole runs, with the API server and
//! OMS, are what `cargo xtask bench` measures.
#![allow(
    missing_docs,
    reason = "Criterion's macros write functions without any"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use oms_operator::api::v1alpha1::{
    MigrationProjectSpec, OnExternalPause, RetryPolicy, WantedState,
};
use oms_operator::decide::create::{self, CreateSituation, Look, Walked};
use oms_operator::decide::lifecycle::{self, LifeSituation, RunRecord};
use oms_operator::decide::{
    Identity, Observed, OpenAttempt, ProjectStatus, Record, Reservation, ReservedConnection,
    Target, Timing, body,
};
use oms_operator::observe::{self, Seen, Snapshot, translate};
use oms_operator::oms::{Client, Credentials, ListProjects, Page, Project, Settings, Transport};
use oms_simulator::{Config, Oms};
use serde_json::json;

/// The largest page that OMS gives.
const PAGE: usize = 150;

/// The fleet that one process is meant for.
const FLEET: usize = 10_000;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn situation(record: Record) -> CreateSituation {
    CreateSituation {
        now: now(),
        deleting: false,
        record,
        project_name: "shop.orders".to_owned(),
        adopt: None,
        adoption_refused: None,
        retry_asked: false,
        doubt_told: false,
        spec_changed: false,
        renamed: false,
        rival: None,
        others_attempt_until: None,
        look: Look::Seen {
            namesakes: Vec::new(),
            walked: Some(Walked::default()),
        },
        timing: Timing {
            call: SignedDuration::from_secs(60),
            silent: SignedDuration::from_mins(10),
            replied: SignedDuration::from_secs(60),
        },
    }
}

fn open_attempt() -> Record {
    let identity = Identity {
        cluster: "c".to_owned(),
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
        uid: "u".to_owned(),
    };
    let target = Target {
        connection: ReservedConnection::default(),
        project_name: "shop.orders".to_owned(),
        body_hash: "h".to_owned(),
        known_ids: Vec::new(),
        looked_at: now(),
        retry: None,
        unknown_attempts: 0,
    };
    Record::Open(OpenAttempt {
        reservation: Reservation::new(&identity, 1, now(), target),
        replied: false,
        first_look: now(),
        spent: 1,
        vouched_for: true,
    })
}

fn life(status: ProjectStatus) -> LifeSituation {
    LifeSituation {
        id: "np_1".to_owned(),
        generation: 1,
        wanted: WantedState::Running,
        on_external_pause: OnExternalPause::default(),
        retry: RetryPolicy::default(),
        word: None,
        suspended: None,
        observed: Observed::Present(status),
        failed_step: None,
        gone: false,
        record: RunRecord::default(),
        now: now(),
    }
}

fn decide(bench: &mut Criterion) {
    let fresh = situation(Record::Fresh {
        next_attempt: 1,
        spent: 0,
    });
    bench.bench_function("decide: a create from scratch", |run| {
        run.iter(|| create::decide(black_box(&fresh)));
    });
    let open = situation(open_attempt());
    bench.bench_function("decide: an attempt of unknown outcome", |run| {
        run.iter(|| create::decide(black_box(&open)));
    });
    let runs = life(ProjectStatus::Running);
    bench.bench_function("decide: a project that runs", |run| {
        run.iter(|| lifecycle::decide(black_box(&runs)));
    });
    let failed = life(ProjectStatus::Failed);
    bench.bench_function("decide: a project that has failed", |run| {
        run.iter(|| lifecycle::decide(black_box(&failed)));
    });
}

fn spec(tables: usize) -> MigrationProjectSpec {
    let table = |number| json!({"name": format!("orders_of_{number:05}"), "mappedName": format!("orders_of_{number:05}")});
    let tables: Vec<_> = (0..tables).map(table).collect();
    let spec = json!({"connectionRef": {"name": "oms"}, "project": {
        "type": "SYNC", "sourceEndpointId": "e_1", "sinkEndpointId": "e_2",
        "transferMapping": {"mode": "SPECIFIC", "databases": [{"name": "shop", "tables": tables}]},
        "enableIncrTransfer": true,
    }});
    serde_json::from_value(spec).expect("a spec")
}

fn hash(bench: &mut Criterion) {
    for tables in [30, 5_000] {
        let spec = spec(tables);
        let name = format!("hash of a spec of {tables} tables");
        bench.bench_function(&name, |run| {
            run.iter(|| body::spec_hash(black_box(&spec)));
        });
    }
}

/// A client whose OMS gives this answer, whatever is asked.
fn answering(answer: Bytes) -> Client {
    let base = "http://oms.example".parse().expect("an address");
    let login = Credentials::new("admin", "admin-password").expect("a login");
    let service = tower::service_fn(move |_: Request<Bytes>| {
        let answer = answer.clone();
        async move { Ok(Response::new(answer)) }
    });
    Client::with_transport(Settings::new(base, login), Transport::new(service))
}

/// A page as the simulator writes it, of projects with all their steps.
fn page() -> Bytes {
    let oms = Oms::new(Config::default());
    for number in 0..PAGE {
        let name = format!("fleet-{number:05}");
        oms.insert_project(&name, "RUNNING", Oms::example_body(&name));
    }
    let login = "Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ=";
    let asked = json!({"pageNumber": 1, "pageSize": PAGE}).to_string();
    let reply = oms.handle("ListProjects", Some(login), asked.as_bytes());
    Bytes::from(reply.body)
}

async fn list(client: &Client) -> Page<Project> {
    let page = client.list_projects(&ListProjects::new()).await;
    let page = page.expect("a page");
    assert_eq!(page.items.len(), PAGE);
    page
}

fn decode(bench: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = page();
    let mut group = bench.benchmark_group("a page");
    group.throughput(Throughput::Bytes(answer.len() as u64));
    let client = answering(answer);
    group.bench_function("of 150 projects, decoded", |run| {
        run.iter(|| runtime.block_on(list(&client)));
    });
    let page = runtime.block_on(list(&client));
    group.bench_function("of 150 projects, translated", |run| {
        let each = |project| translate(project, now(), None);
        let projects = || page.items.clone();
        let translated =
            |projects: Vec<Project>| -> Vec<Seen> { projects.into_iter().map(each).collect() };
        run.iter_batched(projects, translated, BatchSize::SmallInput);
    });
    group.finish();
}

/// A fleet, of which every so many-th project has been modified later.
fn snapshot(moved: Option<usize>) -> Snapshot {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let page = runtime.block_on(list(&answering(page())));
    let projects = (0..FLEET).map(|number| {
        let mut seen = translate(page.items[number % PAGE].clone(), now(), None);
        if moved.is_some_and(|moved| number.is_multiple_of(moved)) {
            seen.modified = Some(now());
        }
        (format!("np_{number:012}"), seen)
    });
    Snapshot {
        taken_at: now(),
        begun: tokio::time::Instant::now(),
        total: FLEET as u64,
        asked: None,
        walked: observe::Walked::again(None, tokio::time::Instant::now()),
        projects: projects.collect(),
    }
}

fn compare(bench: &mut Criterion) {
    let (before, after) = (snapshot(None), snapshot(Some(100)));
    let changed = || after.changed(Some(&before)).count();
    assert_eq!(changed(), FLEET / 100);
    bench.bench_function("two snapshots of 10,000, 1 % changed", |run| {
        run.iter_batched(|| (), |()| black_box(changed()), BatchSize::SmallInput);
    });
}

criterion_group!(core, decide, hash, decode, compare);
criterion_main!(core);
