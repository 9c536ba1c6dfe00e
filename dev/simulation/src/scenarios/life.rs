//! The life of a project that is there: run state, pauses, failures.

use serde_json::json;

use super::{console, orders, scenario, state, suspend};
use crate::acts::Act;
use crate::scenario::{Ending, Scenario};

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    [run_state(), failure()].concat()
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
