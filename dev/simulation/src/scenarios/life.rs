//! The life of a project that is there: run state, pauses, failures, its end.

use serde_json::{Value, json};

use super::scenario;
use crate::acts::{Act, Manifest};
use crate::scenario::{Ending, Scenario};

/// `orders`, with this in its spec.
fn orders(spec: Value) -> Act {
    Act::Apply(Manifest::of("orders").with(spec))
}

fn state(state: &'static str) -> Act {
    Act::Patch("orders", json!({"spec": {"state": state}}))
}

fn suspend(suspend: bool) -> Act {
    Act::Patch("orders", json!({"spec": {"suspend": suspend}}))
}

fn console(status: &'static str) -> Act {
    Act::SetStatus("shop.orders", status)
}

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    [run_state(), failure(), ends(), hindrances(), meddled()].concat()
}

fn run_state() -> Vec<Scenario> {
    vec![
        scenario(
            "one-call-at-a-time",
            vec![
                Act::PatchConnection(json!({"spec": {"limits": {"maxInFlight": 1}}})),
                orders(json!({"deletionPolicy": "Delete"})),
                Act::Settle,
                state("Paused"),
                Act::Settle,
                state("Running"),
                Act::Settle,
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
        scenario(
            "start-accepted-and-not-done",
            vec![
                Act::Ignore(true),
                orders(json!({})),
                Act::Wait(100),
                Act::Ignore(false),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "pause-accepted-and-not-done",
            vec![
                orders(json!({})),
                Act::Settle,
                Act::Ignore(true),
                state("Paused"),
                Act::Wait(100),
                Act::Ignore(false),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "pause-and-resume",
            vec![
                orders(json!({})),
                Act::Settle,
                state("Paused"),
                Act::Settle,
                state("Running"),
                Act::Settle,
            ],
            // A crash between OMS's answer and the record of the pause makes it somebody else's
            // (docs/decisions/0017).
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        scenario(
            "pause",
            vec![orders(json!({})), Act::Settle, state("Paused"), Act::Settle],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        scenario(
            "pause-at-once",
            vec![
                orders(json!({})),
                Act::Wait(3),
                state("Paused"),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "paused-from-the-start",
            vec![
                orders(json!({"state": "Paused"})),
                Act::Settle,
                state("Running"),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        scenario(
            "paused-outside-and-asked-for",
            vec![
                orders(json!({})),
                Act::Settle,
                console("SUSPEND"),
                Act::Settle,
                Act::Annotate("orders", "retry"),
                Act::Settle,
            ],
            // A crash between the record of the word and the call costs the word.
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        scenario(
            "paused-outside-and-resumed",
            vec![
                orders(json!({"onExternalPause": "Resume"})),
                Act::Settle,
                console("SUSPEND"),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        scenario(
            "paused-outside-and-edited",
            vec![
                orders(json!({})),
                Act::Settle,
                console("SUSPEND"),
                Act::Settle,
                Act::Patch("orders", json!({"spec": {"readiness": {"maxLag": "90s"}}})),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["PausedOutside"]),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        scenario(
            "resumed-outside",
            vec![
                orders(json!({})),
                Act::Settle,
                state("Paused"),
                Act::Settle,
                console("RUNNING"),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        scenario(
            "suspended-and-paused",
            vec![
                orders(json!({})),
                Act::Settle,
                suspend(true),
                Act::Wait(20),
                state("Paused"),
                Act::Wait(200),
                suspend(false),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        scenario(
            "suspended-from-the-start",
            vec![
                orders(json!({"suspend": true})),
                Act::Wait(200),
                suspend(false),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        scenario(
            "console-configures",
            vec![
                orders(json!({})),
                Act::Settle,
                Act::Configure(
                    "shop.orders",
                    json!({"enableIncrTransfer": true, "transferMapping": {"databases": []}}),
                ),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        // The operator has written "changing" and sees "running" again before the watch tells it
        // of its own words. What it looks at is then older than what it has said.
        scenario(
            "console-changes-faster-than-the-watch-tells",
            vec![
                orders(json!({})),
                Act::Settle,
                Act::FallBehind(60),
                console("RUNNING_MODIFYING"),
                Act::Wait(35),
                console("RUNNING"),
                Act::Shows("orders", 200),
                Act::FallBehind(0),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        // What the watch tells was wished a minute ago, and is not wished any more.
        scenario(
            "wish-changes-before-the-watch-tells",
            vec![
                orders(json!({})),
                Act::Settle,
                Act::FallBehind(60),
                state("Paused"),
                Act::Wait(20),
                state("Running"),
                Act::Wait(100),
                Act::FallBehind(0),
                Act::Settle,
            ],
            // A process that begins in between pauses it, and may be cut before it has recorded that.
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        scenario(
            "recreate",
            vec![
                orders(json!({})),
                Act::Settle,
                Act::Remove("shop.orders"),
                Act::Settle,
                Act::Recreate("orders"),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        scenario(
            "adopt-by-id-and-release",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                Act::AdoptPlanted("orders", json!({"deletionPolicy": "Release"})),
                Act::Settle,
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![
                Ending::Gone("orders"),
                Ending::Is("shop.orders", "RELEASED"),
            ],
        ),
    ]
}

fn failure() -> Vec<Scenario> {
    // The count starts anew after a time as long as maxDelay without failure.
    let twice = json!({"retry": {"maxAttempts": 2, "initialDelay": "10s", "maxDelay": "10m"}});
    vec![
        scenario(
            "failed",
            vec![
                orders(json!({})),
                Act::Settle,
                console("FAILED"),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["Failed"]),
                Ending::Is("shop.orders", "FAILED"),
            ],
        ),
        scenario(
            "failed-and-retried",
            vec![
                orders(twice.clone()),
                Act::Settle,
                console("FAILED"),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        scenario(
            "failed-too-often",
            vec![
                orders(twice),
                Act::Settle,
                console("FAILED"),
                Act::Wait(60),
                console("FAILED"),
                Act::Wait(60),
                console("FAILED"),
                Act::Settle,
            ],
            // Where the process is down for long, two failures are one.
            vec![Ending::ReadyOrStalled("orders", &["Failed"])],
        ),
        scenario(
            "failed-and-asked-for",
            vec![
                orders(json!({})),
                Act::Settle,
                console("FAILED"),
                Act::Settle,
                Act::Annotate("orders", "retry"),
                Act::Settle,
            ],
            vec![Ending::ReadyOrStalled("orders", &["Failed"])],
        ),
    ]
}

/// A project in this status whose resource is deleted under this policy.
fn ended(
    name: &'static str,
    policy: &'static str,
    status: &'static str,
    endings: Vec<Ending>,
) -> Scenario {
    let mut acts = match status {
        "INIT" => vec![orders(
            json!({"deletionPolicy": policy, "state": "Created"}),
        )],
        _ => vec![orders(json!({"deletionPolicy": policy}))],
    };
    acts.push(Act::Settle);
    match status {
        "INIT" | "RUNNING" => {}
        "gone" => acts.extend([Act::Remove("shop.orders"), Act::Settle]),
        status => acts.extend([console(status), Act::Settle]),
    }
    acts.extend([Act::Delete("orders"), Act::Settle]);
    let gone = std::iter::once(Ending::Gone("orders"));
    scenario(name, acts, gone.chain(endings).collect())
}

fn ends() -> Vec<Scenario> {
    let is = |status| vec![Ending::Is("shop.orders", status)];
    let none = || vec![Ending::Projects("shop.orders", 0)];
    vec![
        ended("release-init", "Release", "INIT", is("INIT")),
        ended("release-running", "Release", "RUNNING", is("RELEASED")),
        ended("release-paused", "Release", "SUSPEND", is("RELEASED")),
        ended("release-failed", "Release", "FAILED", is("RELEASED")),
        ended("release-finished", "Release", "FINISHED", is("RELEASED")),
        ended("release-releasing", "Release", "RELEASING", is("RELEASED")),
        ended("release-released", "Release", "RELEASED", is("RELEASED")),
        ended("release-gone", "Release", "gone", none()),
        ended("delete-init", "Delete", "INIT", none()),
        ended("delete-running", "Delete", "RUNNING", none()),
        ended("delete-paused", "Delete", "SUSPEND", none()),
        ended("delete-failed", "Delete", "FAILED", none()),
        ended("delete-finished", "Delete", "FINISHED", none()),
        ended("delete-releasing", "Delete", "RELEASING", none()),
        ended("delete-released", "Delete", "RELEASED", none()),
        ended("delete-gone", "Delete", "gone", none()),
        ended("retain-running", "Retain", "RUNNING", is("RUNNING")),
        ended("retain-failed", "Retain", "FAILED", is("FAILED")),
        ended("retain-init", "Retain", "INIT", is("INIT")),
        ended("retain-paused", "Retain", "SUSPEND", is("SUSPEND")),
        ended("retain-finished", "Retain", "FINISHED", is("FINISHED")),
        ended("retain-released", "Retain", "RELEASED", is("RELEASED")),
        ended("retain-gone", "Retain", "gone", none()),
        scenario(
            "delete-and-apply-again",
            vec![
                orders(json!({"deletionPolicy": "Delete"})),
                Act::Settle,
                Act::Delete("orders"),
                Act::Settle,
                orders(json!({})),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Is("shop.orders", "RUNNING"),
            ],
        ),
        // The answer of the create is lost, and its project is listed late.
        scenario(
            "delete-in-doubt",
            vec![
                Act::LoseCreate(50),
                orders(json!({"deletionPolicy": "Delete"})),
                Act::Wait(5),
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
    ]
}

/// What keeps a project from being taken away.
fn hindrances() -> Vec<Scenario> {
    let delete = |more: Value| {
        let mut spec = json!({"deletionPolicy": "Delete"});
        json_patch::merge(&mut spec, &more);
        orders(spec)
    };
    let short = || json!({"deletionTimeout": "5m"});
    let none = || vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)];
    let stays = || vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 1)];
    vec![
        scenario(
            "delete-accepted-and-not-done",
            vec![
                delete(short()),
                Act::Settle,
                Act::Ignore(true),
                Act::Delete("orders"),
                Act::Wait(600),
                Act::Ignore(false),
            ],
            stays(),
        ),
        scenario(
            "delete-accepted-and-done-later",
            vec![
                delete(short()),
                Act::Settle,
                Act::Ignore(true),
                Act::Delete("orders"),
                Act::Wait(100),
                Act::Ignore(false),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "delete-while-suspended",
            vec![
                delete(json!({})),
                Act::Settle,
                suspend(true),
                Act::Wait(20),
                Act::Delete("orders"),
                Act::Wait(120),
                suspend(false),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "delete-while-suspended-for-good",
            vec![
                delete(short()),
                Act::Settle,
                suspend(true),
                Act::Wait(20),
                Act::Delete("orders"),
                Act::Wait(600),
            ],
            stays(),
        ),
        scenario(
            "retain-while-suspended",
            vec![
                orders(json!({})),
                Act::Settle,
                suspend(true),
                Act::Delete("orders"),
                Act::Settle,
            ],
            stays(),
        ),
        scenario(
            "delete-blocked-and-let-go",
            vec![
                delete(json!({"deletionTimeout": "2m", "onDeletionTimeout": "Block"})),
                Act::Settle,
                suspend(true),
                Act::Wait(20),
                Act::Delete("orders"),
                Act::Wait(400),
                Act::Patch("orders", json!({"spec": {"deletionPolicy": "Retain"}})),
                Act::Settle,
            ],
            stays(),
        ),
        // The watch tells of the deletion while its policy is another already.
        scenario(
            "deletion-becomes-retain-before-the-watch-tells",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::FallBehind(60),
                Act::Delete("orders"),
                Act::Wait(20),
                Act::Patch("orders", json!({"spec": {"deletionPolicy": "Retain"}})),
                Act::Wait(100),
                Act::FallBehind(0),
                Act::Settle,
            ],
            // A process that begins in between deletes it.
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        scenario(
            "delete-not-allowed",
            vec![
                Act::PatchConnection(json!({"spec": {"allowedDeletionPolicies": ["Retain"]}})),
                delete(json!({})),
                Act::Settle,
                Act::Delete("orders"),
                Act::Settle,
            ],
            stays(),
        ),
        scenario(
            "delete-when-others-are-done",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::HoldBy("orders", "example.com/other"),
                Act::Delete("orders"),
                Act::Wait(200),
                Act::LetGoBy("orders", "example.com/other"),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "delete-with-the-connection",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::DeleteConnection,
                Act::Wait(20),
                Act::Delete("orders"),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "delete-without-the-secret",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::DeleteSecret,
                Act::Wait(40),
                Act::Delete("orders"),
                Act::Wait(120),
                Act::ApplySecret("admin-password"),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "delete-under-another-address",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::Delete("orders"),
                Act::Wait(2),
                Act::ApplyConnection(1, vec![0]),
                Act::Settle,
            ],
            none(),
        ),
        // It must not be taken for gone because another OMS does not know it.
        scenario(
            "delete-in-another-oms",
            vec![
                delete(short()),
                Act::Settle,
                Act::ApplyConnection(2, vec![]),
                Act::Wait(40),
                Act::Delete("orders"),
                Act::Wait(600),
            ],
            stays(),
        ),
        scenario(
            "delete-and-swap-the-oms",
            vec![
                delete(short()),
                Act::Settle,
                Act::Delete("orders"),
                Act::Wait(2),
                Act::ApplyConnection(2, vec![]),
                Act::Wait(600),
            ],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        scenario(
            "delete-and-swap-the-oms-for-a-while",
            vec![
                delete(json!({})),
                Act::Settle,
                Act::ApplyConnection(2, vec![]),
                Act::Wait(40),
                Act::Delete("orders"),
                Act::Wait(100),
                Act::ApplyConnection(0, vec![]),
                Act::Settle,
            ],
            none(),
        ),
        scenario(
            "namespace-deleted-with-a-project",
            vec![
                delete(short()),
                Act::Settle,
                Act::DeleteNamespace,
                Act::Wait(400),
            ],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        scenario(
            "namespace-deleted-and-released",
            vec![
                orders(json!({"deletionPolicy": "Release", "deletionTimeout": "5m"})),
                Act::Settle,
                Act::DeleteNamespace,
                Act::Wait(400),
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 1)],
        ),
        // Lists never show the project while the resource waits for it: the last word tells of the attempt.
        scenario(
            "namespace-deleted-and-a-create-in-doubt",
            vec![
                Act::LoseCreate(3600),
                orders(json!({"deletionTimeout": "5m"})),
                Act::Wait(5),
                Act::DeleteNamespace,
                Act::Wait(1200),
            ],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
    ]
}

/// Users who change their minds at each call in turn.
fn meddled() -> Vec<Scenario> {
    let meddled = |name, acts, meddling, endings| Scenario {
        meddling,
        ..scenario(name, acts, endings)
    };
    let create = || vec![orders(json!({})), Act::Settle];
    let pause = || {
        vec![
            orders(json!({})),
            Act::Settle,
            state("Paused"),
            Act::Settle,
            state("Running"),
            Act::Settle,
        ]
    };
    let removal = |policy: &str| {
        vec![
            orders(json!({"deletionPolicy": policy})),
            Act::Settle,
            Act::Delete("orders"),
            Act::Settle,
        ]
    };
    let policy = |policy: &str| Act::Patch("orders", json!({"spec": {"deletionPolicy": policy}}));
    vec![
        meddled(
            "paused-meanwhile",
            create(),
            vec![state("Paused")],
            vec![Ending::Ready("orders", 1)],
        ),
        meddled(
            "adoption-withdrawn-meanwhile",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                orders(json!({"adopt": {"byName": true}})),
                Act::Settle,
            ],
            vec![orders(json!({}))],
            vec![
                Ending::ReadyOrStalled("orders", &["NameConflict"]),
                Ending::Projects("shop.orders", 1),
            ],
        ),
        meddled(
            "suspended-meanwhile",
            create(),
            vec![suspend(true)],
            vec![Ending::Ready("orders", 1)],
        ),
        // For longer than a reservation is good.
        meddled(
            "connection-goes-and-a-call-takes-long",
            create(),
            vec![Act::DeleteConnection, Act::Wait(11)],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "console-pauses-meanwhile",
            create(),
            vec![console("SUSPEND")],
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        meddled(
            "console-releases-meanwhile",
            pause(),
            vec![console("RELEASED")],
            vec![Ending::AtMost("shop.orders", 2)],
        ),
        meddled(
            "console-removes-meanwhile",
            pause(),
            vec![Act::Remove("shop.orders")],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "wish-changes-meanwhile",
            pause(),
            vec![state("Paused"), state("Running")],
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        meddled(
            "deletion-becomes-retain-meanwhile",
            removal("Delete"),
            vec![policy("Retain")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "deletion-becomes-delete-meanwhile",
            removal("Retain"),
            vec![policy("Delete")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "deletion-suspended-meanwhile",
            removal("Delete"),
            vec![suspend(true)],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
        meddled(
            "console-runs-it-meanwhile",
            removal("Release"),
            vec![console("RUNNING")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "console-removes-it-in-the-end",
            removal("Delete"),
            vec![Act::Remove("shop.orders")],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
        meddled(
            "secret-goes-in-the-end",
            removal("Delete"),
            vec![Act::DeleteSecret],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
    ]
}
