//! All scenarios, as data.

use serde_json::json;

mod life;

use crate::acts::{Act, Manifest};
use crate::scenario::{Ending, Scenario};

fn scenario(name: &'static str, acts: Vec<Act>, endings: Vec<Ending>) -> Scenario {
    Scenario {
        name,
        acts,
        meddling: Vec::new(),
        endings,
    }
}

/// A create during which a user does something, at each call in turn.
fn meddled(name: &'static str, meddling: Vec<Act>, endings: Vec<Ending>) -> Scenario {
    Scenario {
        meddling,
        ..scenario(
            name,
            vec![Act::Apply(Manifest::of("orders")), Act::Settle],
            endings,
        )
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    [creation(), life::all()].concat()
}

/// How a project comes about, and what it is found by.
fn creation() -> Vec<Scenario> {
    let orders = || Manifest::of("orders");
    let apply = |manifest: Manifest| Act::Apply(manifest);
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
        scenario(
            "secret-goes-and-comes",
            vec![
                Act::DeleteSecret,
                apply(orders()),
                Act::Wait(60),
                Act::ApplySecret("admin-password"),
                Act::Wait(40),
                Act::DeleteSecret,
                Act::Wait(60),
                Act::ApplySecret("admin-password"),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "connection-suspended",
            vec![
                Act::Suspend(true),
                Act::Wait(20),
                apply(orders()),
                Act::Wait(120),
                Act::Suspend(false),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        // What happens between the end of a watch and the next list is told by that list alone.
        scenario(
            "watch-expires-and-a-spec-is-edited",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Expire,
                Act::Patch("orders", json!({"spec": {"state": "Paused"}})),
                Act::Settle,
            ],
            vec![Ending::Is("shop.orders", "SUSPEND")],
        ),
        scenario(
            "watch-expires-and-one-comes",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Expire,
                apply(Manifest::of("bills")),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1), Ending::Ready("bills", 1)],
        ),
        scenario(
            "watch-expires-and-one-goes",
            vec![
                apply(orders()),
                Act::Settle,
                Act::Expire,
                Act::Delete("orders"),
                Act::Wait(60),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 1)],
        ),
        scenario(
            "password-changes",
            vec![
                apply(orders()),
                Act::OmsPassword("another"),
                Act::Wait(90),
                Act::ApplySecret("another"),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "connection-goes-and-comes",
            vec![
                apply(orders()),
                Act::Wait(10),
                Act::DeleteConnection,
                Act::Wait(60),
                Act::ApplyConnection(0, vec![]),
                // An open attempt has kept it, and what was applied was the one that goes.
                Act::Wait(900),
                Act::ApplyConnection(0, vec![]),
                Act::Settle,
            ],
            vec![Ending::Projects("shop.orders", 1)],
        ),
        scenario(
            "connection-goes-in-doubt-and-comes",
            vec![
                Act::LoseCreate(50),
                apply(orders()),
                Act::Wait(5),
                Act::DeleteConnection,
                Act::Wait(5),
                Act::ApplyConnection(0, vec![]),
                Act::Wait(900),
                Act::ApplyConnection(0, vec![]),
                Act::Settle,
            ],
            vec![Ending::Projects("shop.orders", 1)],
        ),
        // What the status tells of is the first attempt; cut in the second, only the reservation tells of that.
        scenario(
            "connection-goes-in-the-second-attempt",
            vec![
                Act::RefuseCreate,
                apply(orders()),
                Act::Wait(5),
                Act::DeleteConnection,
                Act::Wait(60),
                Act::Settle,
            ],
            vec![Ending::AtMost("shop.orders", 1)],
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
            "connection-comes-late",
            vec![
                Act::DeleteConnection,
                apply(orders()),
                Act::Wait(60),
                Act::ApplyConnection(0, vec![]),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        scenario(
            "another-oms",
            vec![
                apply(orders()),
                Act::Settle,
                Act::ApplyConnection(2, vec![]),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["EndpointChanged"]),
                Ending::Projects("shop.orders", 1),
            ],
        ),
        scenario(
            "another-address",
            vec![
                apply(orders()),
                Act::Settle,
                Act::ApplyConnection(1, vec![0]),
                Act::Settle,
            ],
            vec![Ending::Ready("orders", 1)],
        ),
        // The record of the one speaks of an address that its connection does not know any more.
        scenario(
            "an-address-goes-back-and-is-not-told-of",
            vec![
                Act::ApplyConnection(1, vec![0]),
                apply(orders()),
                Act::Settle,
                Act::ApplyConnection(0, vec![]),
                apply(
                    Manifest::of("bills")
                        .named("shop.orders")
                        .with(json!({"adopt": {"byName": true}})),
                ),
                Act::Settle,
            ],
            vec![
                Ending::Stalled("orders", &["EndpointChanged"]),
                Ending::Stalled("bills", &["ProjectClaimed"]),
                Ending::Projects("shop.orders", 1),
            ],
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
        meddled(
            "edited-meanwhile",
            vec![apply(orders().verified())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "renamed-meanwhile",
            vec![apply(orders().named("renamed"))],
            vec![],
        ),
        meddled(
            "deleted-meanwhile",
            vec![Act::Delete("orders")],
            vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "deleted-and-applied-meanwhile",
            vec![Act::ForceDelete("orders"), apply(orders())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        // The watch has not told yet that the resource is another, and its name
        // was free before the project of the first was shown.
        Scenario {
            acts: vec![Act::LoseCreate(50), apply(orders()), Act::Settle],
            ..meddled(
                "deleted-by-force-and-applied-in-doubt",
                vec![Act::ForceDelete("orders"), apply(orders())],
                vec![Ending::AtMost("shop.orders", 1)],
            )
        },
        Scenario {
            acts: vec![Act::LoseCreate(50), apply(orders()), Act::Settle],
            ..meddled(
                "deleted-in-doubt",
                vec![Act::Delete("orders")],
                vec![Ending::Gone("orders"), Ending::AtMost("shop.orders", 1)],
            )
        },
        Scenario {
            acts: vec![Act::LoseCreate(50), apply(orders()), Act::Settle],
            ..meddled(
                "renamed-in-doubt",
                vec![apply(orders().named("renamed"))],
                vec![],
            )
        },
        // The name does not find what has been given another; a walk over everything does.
        Scenario {
            acts: vec![Act::LoseCreate(50), apply(orders()), Act::Settle],
            ..meddled(
                "renamed-in-the-console-in-doubt",
                vec![Act::Rename("shop.orders", "another")],
                vec![],
            )
        },
        // Each wants the name under which the other may have a project.
        scenario(
            "swapped-in-doubt",
            vec![
                Act::LoseCreate(50),
                apply(orders()),
                Act::Wait(3),
                Act::LoseCreate(50),
                apply(Manifest::of("bills")),
                Act::Wait(3),
                apply(orders().named("shop.bills")),
                apply(Manifest::of("bills").named("shop.orders")),
                Act::Settle,
            ],
            vec![
                Ending::AtMost("shop.orders", 1),
                Ending::AtMost("shop.bills", 1),
            ],
        ),
        Scenario {
            acts: vec![Act::LoseCreate(50), apply(orders()), Act::Settle],
            ..meddled(
                "replaced-in-doubt",
                vec![Act::Replace(orders())],
                vec![Ending::Ready("orders", 1)],
            )
        },
        meddled(
            "replaced-meanwhile",
            vec![Act::Replace(orders())],
            vec![Ending::Ready("orders", 1)],
        ),
        meddled(
            "replaced-and-edited-meanwhile",
            vec![Act::Replace(orders().verified())],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "restored-meanwhile",
            vec![Act::Backup("orders"), Act::Restore("orders")],
            vec![Ending::AtMost("shop.orders", 1)],
        ),
        meddled(
            "rival-meanwhile",
            vec![apply(Manifest::of("bills").named("shop.orders"))],
            vec![Ending::Projects("shop.orders", 1)],
        ),
    ]
}
