//! Users who change their minds, and the console, at each call in turn.

use serde_json::json;

use super::{console, orders, scenario, state, suspend};
use crate::acts::{Act, Manifest};
use crate::scenario::{Ending, Scenario};

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    [created(), lived()].concat()
}

/// These acts, during which a user does something, at each call in turn.
fn meddled(
    name: &'static str,
    acts: Vec<Act>,
    meddling: Vec<Act>,
    endings: Vec<Ending>,
) -> Scenario {
    Scenario {
        meddling,
        ..scenario(name, acts, endings)
    }
}

/// While the project comes about.
fn created() -> Vec<Scenario> {
    let manifest = || Manifest::of("orders");
    let apply = Act::Apply;
    let create = || vec![apply(manifest()), Act::Settle];
    let in_doubt = || vec![Act::LoseCreate(50), apply(manifest()), Act::Settle];
    vec![
        meddled(
            "edited-meanwhile",
            create(),
            vec![apply(manifest().verified())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "renamed-meanwhile",
            create(),
            vec![apply(manifest().named("renamed"))],
            vec![],
        ),
        meddled(
            "deleted-meanwhile",
            create(),
            vec![Act::Delete("orders")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "deleted-and-applied-meanwhile",
            create(),
            vec![Act::ForceDelete("orders"), apply(manifest())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        // The watch has not told yet that the resource is another, and its name
        // was free before the project of the first was shown.
        meddled(
            "deleted-by-force-and-applied-in-doubt",
            in_doubt(),
            vec![Act::ForceDelete("orders"), apply(manifest())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "deleted-in-doubt",
            in_doubt(),
            vec![Act::Delete("orders")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "renamed-in-doubt",
            in_doubt(),
            vec![apply(manifest().named("renamed"))],
            vec![],
        ),
        // The name does not find what has been given another; a walk over everything does.
        meddled(
            "renamed-in-the-console-in-doubt",
            in_doubt(),
            vec![Act::Rename("shop.orders", "another")],
            vec![],
        ),
        // Each wants the name under which the other may have a project.
        scenario(
            "swapped-in-doubt",
            vec![
                Act::LoseCreate(50),
                apply(manifest()),
                Act::Wait(3),
                Act::LoseCreate(50),
                apply(Manifest::of("bills")),
                Act::Wait(3),
                apply(manifest().named("shop.bills")),
                apply(Manifest::of("bills").named("shop.orders")),
                Act::Settle,
            ],
            vec![
                Ending::AtMost("shop.orders", 1),
                Ending::AtMost("shop.bills", 1),
            ],
        ),
        meddled(
            "replaced-in-doubt",
            in_doubt(),
            vec![Act::Replace(manifest())],
            vec![Ending::Ready("orders", 1)],
        ),
        meddled(
            "replaced-meanwhile",
            create(),
            vec![Act::Replace(manifest())],
            vec![Ending::Ready("orders", 1)],
        ),
        meddled(
            "replaced-and-edited-meanwhile",
            create(),
            vec![Act::Replace(manifest().verified())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "restored-meanwhile",
            create(),
            vec![Act::Backup("orders"), Act::Restore("orders")],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "rival-meanwhile",
            create(),
            vec![apply(Manifest::of("bills").named("shop.orders"))],
            vec![Ending::Projects("shop.orders", 1)],
        ),
    ]
}

/// While it runs, is paused, and ends.
fn lived() -> Vec<Scenario> {
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
