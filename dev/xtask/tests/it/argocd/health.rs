//! `health.lua`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::sandbox::run;
use super::{KINDS, folder, names, read, yaml};

/// Fewer statuses than these means that some are lost.
const AT_LEAST: usize = 20;

/// `health_test.yaml`.
#[derive(Deserialize)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    health_status: Value,
    input_path: String,
}

#[test]
fn every_status_has_its_health() {
    let mut seen = 0;
    for kind in KINDS {
        let folder = folder(kind);
        let script = read(&folder.join("health.lua"));
        let Tests { tests } = yaml(&folder.join("health_test.yaml"));
        for test in &tests {
            let object: Value = yaml(&folder.join(&test.input_path));
            let health = run(&script, &object);
            assert_eq!(
                health.as_ref(),
                Ok(&test.health_status),
                "{}",
                test.input_path
            );
            seen += 1;
        }
        for name in names(&folder.join("testdata")) {
            let path = format!("testdata/{name}");
            assert!(
                tests.iter().any(|test| test.input_path == path),
                "{kind}: the status of {path} is gone: remove the file"
            );
        }
    }
    assert!(seen >= AT_LEAST, "{seen}");
}

/// Both kinds follow the same contract.
#[test]
fn the_health_of_both_kinds_is_one() {
    let [one, other] = KINDS.map(|kind| read(&folder(kind).join("health.lua")));
    assert_eq!(one, other);
}

/// What the kstatus library makes of each combination, in Argo CD's words:
/// `status/generic.go` there, the rules in their order.
fn expected(generation: i64, reconciling: &str, stalled: &str, ready: &str) -> &'static str {
    match (generation, reconciling, stalled, ready) {
        (1, _, _, _) => "Progressing",
        (_, "True", _, _) => "Progressing",
        (_, _, "True", _) => "Degraded",
        (_, _, _, "True") => "Healthy",
        _ => "Progressing",
    }
}

#[test]
fn every_combination_of_conditions_has_the_health_that_kstatus_gives_it() {
    let script = read(&folder("MigrationProject").join("health.lua"));
    let words = ["absent", "True", "False", "Unknown"];
    for generation in [1, 2] {
        for reconciling in words {
            for stalled in words {
                for ready in words {
                    let conditions = [
                        ("Reconciling", reconciling),
                        ("Stalled", stalled),
                        ("Ready", ready),
                    ];
                    let conditions: Vec<Value> = conditions
                        .iter()
                        .filter(|(_, status)| *status != "absent")
                        .map(|(type_, status)| json!({"type": type_, "status": status}))
                        .collect();
                    let object = json!({
                        "metadata": {"generation": 2},
                        "spec": {},
                        "status": {"observedGeneration": generation, "conditions": conditions},
                    });
                    let health = run(&script, &object).expect("a health");
                    let expected = expected(generation, reconciling, stalled, ready);
                    assert_eq!(health["status"], expected, "{object}");
                }
            }
        }
    }
}

#[test]
fn what_has_no_status_at_all_is_progressing() {
    let script = read(&folder("OMSConnection").join("health.lua"));
    let object = json!({"metadata": {"generation": 1}, "spec": {}});
    let health = run(&script, &object).expect("a health");
    assert_eq!(health["status"], "Progressing");
}
