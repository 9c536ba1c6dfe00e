//! Every transition of a recorded project, each asked for once with kubectl, as
//! a user does: seen in OMS, and in the conditions of the resource.
//!
//! The rows are written down here, not taken from the code: what OMS shows, what
//! is asked of it then, how it shows after that, and what the resource says.

use std::time::Duration;

use oms_harness::until;
use oms_operator::api::v1alpha1::MigrationProject;
use oms_simulator::{Config, Durations};
use serde_json::{Value, json};

use crate::kubectl::kubectl;
use crate::world::{DEADLINE, Operator, World, condition, id, status};

const START: &str = "StartProject";
const STOP: &str = "StopProject";
const RESUME: &str = "ResumeProject";
const RELEASE: &str = "ReleaseProject";
const DELETE: &str = "DeleteProject";

/// A word of which the operator knows nothing.
const STRANGE: &str = "ON_HOLIDAY";

/// Somebody has removed the project in OMS.
const GONE: &str = "gone";

/// What OMS shows; the changes it is asked for; what it shows then; Ready; and
/// the condition that stands beside it, if one does.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static str,
    (&'static str, &'static str),
    Option<&'static str>,
);

const STALLED: Option<&str> = Some("Stalled");
const RECONCILING: Option<&str> = Some("Reconciling");

#[rustfmt::skip]
const TO_RUNNING: [Row; 11] = [
    ("INIT",              &[START],  "RUNNING",           ("True", "Running"),          None),
    ("RUNNING",           &[],       "RUNNING",           ("True", "Running"),          None),
    ("RUNNING_MODIFYING", &[],       "RUNNING_MODIFYING", ("True", "Running"),          None),
    ("RUNNING_MERGING",   &[],       "RUNNING_MERGING",   ("True", "Running"),          None),
    ("RELEASING",         &[],       "RELEASING",         ("False", "Releasing"),       RECONCILING),
    ("SUSPEND",           &[RESUME], "RUNNING",           ("True", "Running"),          None),
    ("FAILED",            &[],       "FAILED",            ("False", "Failed"),          STALLED),
    ("FINISHED",          &[],       "FINISHED",          ("True", "Finished"),         None),
    ("RELEASED",          &[],       "RELEASED",          ("False", "Released"),        STALLED),
    (GONE,                &[],       GONE,                ("False", "ProjectGone"),     STALLED),
    (STRANGE,             &[],       STRANGE,             ("Unknown", "StatusUnknown"), None),
];

#[rustfmt::skip]
const TO_PAUSED: [Row; 11] = [
    ("INIT",              &[],       "INIT",              ("True", "Created"),          None),
    ("RUNNING",           &[STOP],   "SUSPEND",           ("True", "Paused"),           None),
    ("RUNNING_MODIFYING", &[],       "RUNNING_MODIFYING", ("False", "Pausing"),         RECONCILING),
    ("RUNNING_MERGING",   &[],       "RUNNING_MERGING",   ("False", "Pausing"),         RECONCILING),
    ("RELEASING",         &[],       "RELEASING",         ("False", "Releasing"),       RECONCILING),
    ("SUSPEND",           &[],       "SUSPEND",           ("True", "Paused"),           None),
    ("FAILED",            &[],       "FAILED",            ("False", "Failed"),          STALLED),
    ("FINISHED",          &[],       "FINISHED",          ("True", "Finished"),         None),
    ("RELEASED",          &[],       "RELEASED",          ("False", "Released"),        STALLED),
    (GONE,                &[],       GONE,                ("False", "ProjectGone"),     STALLED),
    (STRANGE,             &[],       STRANGE,             ("Unknown", "StatusUnknown"), None),
];

/// What OMS shows; what the resource waits for, if it does; the changes that OMS
/// is asked for; what it shows in the end; and the last word.
type Departure = (
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const DELETING: Option<&str> = Some("Deleting");
const UNKNOWN: Option<&str> = Some("StatusUnknown");

#[rustfmt::skip]
const UNDER_RELEASE: [Departure; 11] = [
    ("INIT",              None,     &[],              "INIT",     "LeftInOms"),
    ("RUNNING",           None,     &[STOP, RELEASE], "RELEASED", "ProjectReleased"),
    ("RUNNING_MODIFYING", DELETING, &[STOP, RELEASE], "RELEASED", "ProjectReleased"),
    ("RUNNING_MERGING",   DELETING, &[STOP, RELEASE], "RELEASED", "ProjectReleased"),
    ("RELEASING",         None,     &[],              "RELEASED", "ProjectReleased"),
    ("SUSPEND",           None,     &[RELEASE],       "RELEASED", "ProjectReleased"),
    ("FAILED",            None,     &[RELEASE],       "RELEASED", "ProjectReleased"),
    ("FINISHED",          None,     &[RELEASE],       "RELEASED", "ProjectReleased"),
    ("RELEASED",          None,     &[],              "RELEASED", "ProjectReleased"),
    (GONE,                None,     &[],              GONE,       "ProjectDeleted"),
    (STRANGE,             UNKNOWN,  &[STOP, RELEASE], "RELEASED", "ProjectReleased"),
];

#[rustfmt::skip]
const UNDER_DELETE: [Departure; 11] = [
    ("INIT",              None,     &[DELETE],                GONE, "ProjectDeleted"),
    ("RUNNING",           None,     &[STOP, RELEASE, DELETE], GONE, "ProjectDeleted"),
    ("RUNNING_MODIFYING", DELETING, &[STOP, RELEASE, DELETE], GONE, "ProjectDeleted"),
    ("RUNNING_MERGING",   DELETING, &[STOP, RELEASE, DELETE], GONE, "ProjectDeleted"),
    ("RELEASING",         None,     &[DELETE],                GONE, "ProjectDeleted"),
    ("SUSPEND",           None,     &[RELEASE, DELETE],       GONE, "ProjectDeleted"),
    ("FAILED",            None,     &[RELEASE, DELETE],       GONE, "ProjectDeleted"),
    ("FINISHED",          None,     &[RELEASE, DELETE],       GONE, "ProjectDeleted"),
    ("RELEASED",          None,     &[DELETE],                GONE, "ProjectDeleted"),
    (GONE,                None,     &[],                      GONE, "ProjectDeleted"),
    (STRANGE,             UNKNOWN,  &[STOP, RELEASE, DELETE], GONE, "ProjectDeleted"),
];

/// A resource for each of these words, created and not started; in OMS its
/// project is brought to the word.
async fn table(
    test: &str,
    release: Duration,
    more: &Value,
    words: &[&str],
) -> (World, Operator, Vec<String>) {
    let durations = Durations {
        release,
        ..Durations::default()
    };
    let config = Config {
        durations,
        ..Config::default()
    };
    let world = World::with(test, config).await;
    let operator = world.operator().await;
    apply(&world, words.len(), more, "Created").await;
    let mut ids = Vec::new();
    for (row, word) in words.iter().enumerate() {
        let is_there = |project: &_| status(project) == Some("INIT");
        let what = "its project is there";
        let project = world.until(&name(row), what, is_there).await;
        let made = id(&project).unwrap().to_owned();
        match *word {
            "INIT" => {}
            GONE => world.oms().remove(&made).unwrap(),
            word => world.oms().set_status(&made, word).unwrap(),
        }
        ids.push(made);
    }
    for (row, word) in words.iter().enumerate() {
        let what = format!("it shows {word}");
        let shows = |project: &MigrationProject| match *word {
            GONE => condition(project, "Stalled") == Some(("True", "ProjectGone")),
            // It may have come to its end by now.
            "RELEASING" => matches!(status(project), Some("RELEASING" | "RELEASED")),
            word => status(project) == Some(word),
        };
        world.until(&name(row), &what, shows).await;
    }
    (world, operator, ids)
}

/// `kubectl apply` of all of them, with this run state.
async fn apply(world: &World, rows: usize, more: &Value, state: &str) {
    let items = (0..rows).map(|row| {
        let mut more = more.clone();
        more["state"] = json!(state);
        json!(world.manifest(&name(row), more))
    });
    let items: Vec<Value> = items.collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    kubectl(world, &["apply", "-f", "-"], Some(&list)).await;
}

fn name(row: usize) -> String {
    format!("r{row}")
}

/// The changes that OMS was asked for of this project, in order.
fn changes(world: &World, project: &str) -> Vec<String> {
    let calls = world.oms().calls().into_iter();
    let calls = calls.filter(|call| call.project_id.as_deref() == Some(project));
    let changes = calls.map(|call| call.action);
    changes
        .filter(|action| [START, STOP, RESUME, RELEASE, DELETE].contains(&action.as_str()))
        .collect()
}

async fn until_changes(world: &World, project: &str, expected: &[&str]) {
    let what = format!("OMS to be asked for {expected:?}");
    until(DEADLINE, &what, async || {
        (changes(world, project) == expected).then_some(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}; it was {:?}", changes(world, project)));
}

fn in_oms(world: &World, project: &str) -> String {
    let found = world.oms().project(project);
    found.map_or_else(|_| GONE.to_owned(), |project| project.status)
}

// --- Resources that stay ---------------------------------------------------------

async fn from_each_status(test: &str, state: &str, rows: &[Row]) -> (World, Operator, Vec<String>) {
    let words: Vec<&str> = rows.iter().map(|row| row.0).collect();
    // Nothing that is being released comes to its end here.
    let forever = Duration::from_secs(24 * 3600);
    let (world, operator, ids) = table(test, forever, &json!({}), &words).await;
    apply(&world, rows.len(), &json!({}), state).await;
    for (row, (word, expected, then, ready, beside)) in rows.iter().enumerate() {
        let what = format!("from {word} it is {then}, {ready:?} and {beside:?}");
        let is_such = |project: &MigrationProject| {
            let seen = project
                .status
                .as_ref()
                .and_then(|it| it.observed_generation);
            let stands = |kind| condition(project, kind);
            let expected = |kind| (*beside == Some(kind)).then_some(("True", ready.1));
            seen == project.metadata.generation
                && (*then == GONE || status(project) == Some(then))
                && stands("Ready") == Some(*ready)
                && ["Stalled", "Reconciling"]
                    .iter()
                    .all(|kind| stands(kind) == expected(kind))
        };
        world.until(&name(row), &what, is_such).await;
        assert_eq!(changes(&world, &ids[row]), *expected, "{state} from {word}");
        assert_eq!(in_oms(&world, &ids[row]), *then, "{state} from {word}");
    }
    (world, operator, ids)
}

#[tokio::test]
async fn what_is_to_run_goes_there_from_each_status() {
    let (world, operator, _) = from_each_status("table-running", "Running", &TO_RUNNING).await;
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_is_to_pause_goes_there_from_each_status() {
    let (world, operator, ids) = from_each_status("table-paused", "Paused", &TO_PAUSED).await;
    // What was waited for, comes.
    for (row, (word, ..)) in TO_PAUSED.iter().enumerate() {
        if ["RUNNING_MODIFYING", "RUNNING_MERGING"].contains(word) {
            world.oms().set_status(&ids[row], "RUNNING").unwrap();
            world.until_ready(&name(row), "True", "Paused").await;
            assert_eq!(changes(&world, &ids[row]), [STOP], "after {word}");
        }
    }
    world.finish([operator]).await;
}

/// The two cells that depend on more than what OMS shows.
#[tokio::test]
async fn what_was_paused_or_has_failed_goes_on_where_somebody_wants_that() {
    let world = World::new("table-outside").await;
    let operator = world.operator().await;
    let retry = json!({"retry": {"maxAttempts": 1, "initialDelay": "0s"}});
    let specs = [
        ("ours", json!({})),
        ("theirs", json!({})),
        ("resumed", json!({"onExternalPause": "Resume"})),
        ("failed", json!({})),
        ("retried", retry),
    ];
    let items: Vec<Value> = specs
        .iter()
        .map(|(name, more)| json!(world.manifest(name, more.clone())))
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    kubectl(&world, &["apply", "-f", "-"], Some(&list)).await;
    let mut ids = Vec::new();
    for (name, _) in &specs {
        let project = world.until_running(name).await;
        ids.push(id(&project).unwrap().to_owned());
    }
    let [ours, theirs, resumed, failed, retried] = &ids[..] else {
        unreachable!("an id for each");
    };

    want(&world, "ours", "Paused").await;
    world.until_ready("ours", "True", "Paused").await;
    assert_eq!(in_oms(&world, ours), "SUSPEND");
    want(&world, "ours", "Running").await;
    until_changes(&world, ours, &[START, STOP, RESUME]).await;

    world.oms().set_status(theirs, "SUSPEND").unwrap();
    world.until_stalled("theirs", "PausedOutside").await;
    world.oms().set_status(resumed, "SUSPEND").unwrap();
    until_changes(&world, resumed, &[START, RESUME]).await;
    world.oms().set_status(failed, "FAILED").unwrap();
    world.until_stalled("failed", "Failed").await;
    world.oms().set_status(retried, "FAILED").unwrap();
    until_changes(&world, retried, &[START, RESUME]).await;

    for (name, project) in [("theirs", theirs), ("failed", failed)] {
        assert_eq!(changes(&world, project), [START], "{name}");
        let word = "oms.oceanbase.com/retry=go-on";
        kubectl(&world, &["annotate", "migrationproject", name, word], None).await;
        until_changes(&world, project, &[START, RESUME]).await;
    }
    for (name, _) in &specs {
        world.until_running(name).await;
    }
    world.finish([operator]).await;
}

async fn want(world: &World, name: &str, state: &str) {
    let patch = json!({"spec": {"state": state}}).to_string();
    let patch = format!("--patch={patch}");
    let arguments = ["patch", "migrationproject", name, "--type=merge", &patch];
    kubectl(world, &arguments, None).await;
}

// --- Resources that go -----------------------------------------------------------

async fn departs_from_each_status(test: &str, policy: &str, rows: &[Departure]) {
    let words: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let more = json!({"deletionPolicy": policy});
    let (world, operator, ids) = table(test, Duration::from_secs(2), &more, &words).await;
    let all = ["delete", "migrationproject", "--all", "--wait=false"];
    kubectl(&world, &all, None).await;
    for (row, (word, waits, ..)) in rows.iter().enumerate() {
        let Some(reason) = waits else { continue };
        let what = format!("from {word} it waits: {reason}");
        let waits = |project: &MigrationProject| {
            let deleting = project.metadata.deletion_timestamp.is_some();
            deleting && condition(project, "Reconciling") == Some(("True", reason))
        };
        world.until(&name(row), &what, waits).await;
        assert_eq!(changes(&world, &ids[row]), [""; 0], "{policy} from {word}");
        world.oms().set_status(&ids[row], "RUNNING").unwrap();
    }
    for (row, (word, _, expected, then, last)) in rows.iter().enumerate() {
        world.until_gone(&name(row)).await;
        assert_eq!(
            changes(&world, &ids[row]),
            *expected,
            "{policy} from {word}"
        );
        assert_eq!(in_oms(&world, &ids[row]), *then, "{policy} from {word}");
        world.until_event(&name(row), last).await;
    }
    world.finish([operator]).await;
}

#[tokio::test]
async fn what_is_to_be_released_goes_there_from_each_status() {
    departs_from_each_status("table-release", "Release", &UNDER_RELEASE).await;
}

#[tokio::test]
async fn what_is_to_be_deleted_goes_there_from_each_status() {
    departs_from_each_status("table-delete", "Delete", &UNDER_DELETE).await;
}
