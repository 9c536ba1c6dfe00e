//! How a project comes about, and what it is found by.

use serde_json::json;

use super::scenario;
use crate::acts::{Act, Manifest};
use crate::scenario::{Ending, Scenario};

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    let orders = || Manifest::of("orders");
    let apply = Act::Apply;
    vec![
        scenario(
            "create",
            vec![apply(orders()), Act::Settle],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "create-not-started",
            vec![
                apply(orders().with(json!({"state": "Created"}))),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "create-two",
            vec![apply(orders()), apply(Manifest::of("bills")), Act::Settle],
            vec![Ending::Ready("orders", 1), Ending::Ready("bills", 1)],
        ),
        scenario(
            "endpoints-by-name",
            vec![
                apply(orders().with(json!({
                    "sourceEndpointRef": {"name": "mysql-prod"},
                    "sinkEndpointRef": {"name": "ob-prod"},
                    "project": {"sourceEndpointId": null, "sinkEndpointId": null},
                }))),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "delete-retain",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 1)],
        ),
        scenario(
            "delete-and-apply",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Delete("orders"),
                Act::Wait(60),
                apply(orders()),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["NameConflict"]),
                Ending::Projects("shop.orders", 1),
            ],
        ),
        scenario(
            "adopt-by-name",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                apply(orders().with(json!({"adopt": {"byName": true}}))),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "adopt-what-is-paused",
            vec![
                Act::Plant("shop.orders", "SUSPEND"),
                apply(orders().with(json!({"adopt": {"byName": true}}))),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["PausedOutside"]),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        // The word was given when it was not this resource's yet.
        scenario(
            "adopt-what-is-paused-with-an-old-word",
            vec![
                Act::Plant("shop.orders", "SUSPEND"),
                apply(orders()),
                Act::Settle,
                Act::Annotate("orders", "retry"),
                Act::Settle,
                apply(orders().with(json!({"adopt": {"byName": true}}))),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["PausedOutside"]),
                Ending::Is("shop.orders", "SUSPEND"),
            ],
        ),
        scenario(
            "adopt-one-of-two",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                Act::Plant("shop.orders", "RUNNING"),
                apply(orders().with(json!({"adopt": {"byName": true}}))),
                Act::Settle,
            ],
            vec![Ending::Stalled("orders", &["NameConflict"])],
        ),
        scenario(
            "adopt-by-two",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                apply(orders().with(json!({"adopt": {"byName": true}}))),
                apply(
                    Manifest::of("bills")
                        .named("shop.orders")
                        .with(json!({"adopt": {"byName": true}})),
                ),
                Act::Settle,
            ],
            vec![Ending::Projects("shop.orders", 1)],
        ),
        scenario(
            "name-taken",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                apply(orders()),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["NameConflict"]),
                Ending::Projects("shop.orders", 1),
            ],
        ),
        scenario(
            "name-taken-by-a-released-one",
            vec![
                Act::Plant("shop.orders", "RELEASED"),
                apply(orders()),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 2)],
        ),
        scenario(
            "name-taken-until-released",
            vec![
                Act::Plant("shop.orders", "RUNNING"),
                apply(orders()),
                Act::Settle,
                Act::SetStatus("shop.orders", "RELEASED"),
                Act::Wait(400),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 2)],
        ),
        scenario(
            "one-name-for-two",
            vec![
                apply(orders()),
                Act::Wait(3),
                apply(Manifest::of("bills").named("shop.orders")),
                Act::Settle,
            ],
            vec![
                Ending::Ready("orders", 1),
                Ending::Stalled("bills", &["NameConflict"]),
            ],
        ),
        scenario(
            "restore",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Backup("orders"),
                Act::Restore("orders"),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "restore-of-a-project-that-is-gone",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Backup("orders"),
                Act::Remove("shop.orders"),
                Act::Restore("orders"),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["RestoredWithoutProject"]),
                Ending::Projects("shop.orders", 0),
            ],
        ),
        scenario(
            "copy",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Copy("orders", "bills"),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1), Ending::Ready("bills", 1)],
        ),
        scenario(
            "copy-of-one-that-is-gone",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Backup("orders"),
                Act::Copy("orders", "bills"),
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![
                Ending::Gone("orders"),
                Ending::Ready("bills", 1),
                Ending::Projects("shop.orders", 1),
            ],
        ),
        // The answer is given while the operator is away, too, or waits once more.
        scenario(
            "asks-whose-it-is-and-is-answered",
            vec![
                Act::LoseCreate(50),
                apply(orders()),
                Act::Wait(5),
                Act::Rename("shop.orders", "another"),
                Act::Settle,
                Act::Annotate("orders", "retry"),
                Act::Settle,
            ],
            vec![
                Ending::ReadyOrStalled("orders", &[]),
                Ending::AtMost("shop.orders", 1),
            ],
        ),
        // Who waits for a name is woken when the one before wants another.
        scenario(
            "a-name-becomes-free",
            vec![
                apply(orders().named("shop.bills").with(json!({"suspend": true}))),
                Act::Wait(2),
                apply(Manifest::of("bills")),
                Act::Wait(10),
                Act::Patch("orders", json!({"spec": {"project": {"name": null}}})),
                Act::GoesOn("bills", 200),
                Act::Patch("orders", json!({"spec": {"suspend": null}})),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1), Ending::Ready("bills", 1)],
        ),
        scenario(
            "console-removes",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Remove("shop.orders"),
                Act::Wait(60),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["ProjectGone"]),
                Ending::Projects("shop.orders", 0),
            ],
        ),
        scenario(
            "console-removes-before-a-list-shows",
            vec![
                Act::ListLate(60),
                apply(orders()),
                Act::Wait(40),
                Act::Remove("shop.orders"),
                Act::Settle,
            ],
            // Where its answer is lost too, nothing ever tells of that project, and another is made.
            vec![
                Ending::ReadyOrStalled("orders", &["ProjectGone"]),
                Ending::AtMost("shop.orders", 1),
            ],
        ),
        scenario(
            "shown-late",
            vec![Act::ShowLate(18), apply(orders()), Act::Settle],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "shown-late-and-deleted-before",
            vec![
                Act::ShowLate(18),
                apply(orders().with(json!({"deletionPolicy": "Delete"}))),
                Act::Wait(3),
                Act::Delete("orders"),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
        scenario(
            "console-pauses",
            vec![
                apply(orders()),
                Act::Settle,
                Act::SetStatus("shop.orders", "SUSPEND"),
                Act::Wait(60),
                Act::Settle,
            ],
            vec![Ending::Stalled("orders", &["PausedOutside"])],
        ),
        scenario(
            "namespace-deleted",
            vec![
                apply(orders()),
                Act::Wait(2),
                Act::DeleteNamespace,
                Act::Wait(200),
            ],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
    ]
}
