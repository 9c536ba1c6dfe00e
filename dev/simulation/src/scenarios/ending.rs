//! The end of a project: what each policy does from each status, and what keeps it from that.

use serde_json::{Value, json};

use super::{console, orders, scenario, suspend};
use crate::acts::Act;
use crate::scenario::{Ending, Scenario};

/// Every scenario of it.
pub fn all() -> Vec<Scenario> {
    [ends(), hindrances()].concat()
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

/// A project in a status in which nothing can be done, until that passes; its resource is deleted under this policy.
fn waited_for(
    name: &'static str,
    policy: &'static str,
    status: &'static str,
    endings: Vec<Ending>,
) -> Scenario {
    let acts = vec![
        orders(json!({"deletionPolicy": policy})),
        Act::Settle,
        console(status),
        Act::Wait(40),
        Act::Delete("orders"),
        Act::Wait(100),
        console("RUNNING"),
        Act::Settle,
    ];
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
        waited_for(
            "release-modifying",
            "Release",
            "RUNNING_MODIFYING",
            is("RELEASED"),
        ),
        waited_for(
            "release-merging",
            "Release",
            "RUNNING_MERGING",
            is("RELEASED"),
        ),
        waited_for(
            "release-unknown-word",
            "Release",
            "RUNNING_UPGRADING",
            is("RELEASED"),
        ),
        waited_for("delete-modifying", "Delete", "RUNNING_MODIFYING", none()),
        waited_for("delete-merging", "Delete", "RUNNING_MERGING", none()),
        waited_for("delete-unknown-word", "Delete", "RUNNING_UPGRADING", none()),
        waited_for(
            "retain-modifying",
            "Retain",
            "RUNNING_MODIFYING",
            is("RUNNING"),
        ),
        waited_for(
            "retain-unknown-word",
            "Retain",
            "RUNNING_UPGRADING",
            is("RUNNING"),
        ),
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
            "delete-in-a-status-that-nobody-knows",
            vec![
                delete(short()),
                Act::Settle,
                console("RUNNING_UPGRADING"),
                Act::Wait(40),
                Act::Delete("orders"),
                Act::Wait(600),
            ],
            stays(),
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
