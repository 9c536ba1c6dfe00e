//! What leads to OMS comes, goes and changes: the connection, its Secret, the watch.

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
    ]
}
