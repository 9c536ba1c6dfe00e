//! OMS accepts what it is asked for, and does not do it.

use serde_json::json;

use super::{orders, scenario, state};
use crate::acts::Act;
use crate::scenario::{Ending, Scenario};

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    let to_delete = || orders(json!({"deletionPolicy": "Delete", "deletionTimeout": "5m"}));
    vec![
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
            "resume-accepted-and-not-done",
            vec![
                orders(json!({})),
                Act::Settle,
                state("Paused"),
                Act::Settle,
                Act::Ignore(true),
                state("Running"),
                Act::Wait(100),
                Act::Ignore(false),
                Act::Settle,
            ],
            // A crash between the answer to the pause and its record makes it somebody else's
            // (docs/decisions/0017).
            vec![Ending::ReadyOrStalled("orders", &["PausedOutside"])],
        ),
        scenario(
            "delete-accepted-and-not-done",
            vec![
                to_delete(),
                Act::Settle,
                Act::Ignore(true),
                Act::Delete("orders"),
                Act::Wait(600),
                Act::Ignore(false),
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 1)],
        ),
        scenario(
            "delete-accepted-and-done-later",
            vec![
                to_delete(),
                Act::Settle,
                Act::Ignore(true),
                Act::Delete("orders"),
                Act::Wait(100),
                Act::Ignore(false),
                Act::Settle,
            ],
            vec![Ending::Gone("orders"), Ending::Projects("shop.orders", 0)],
        ),
    ]
}
