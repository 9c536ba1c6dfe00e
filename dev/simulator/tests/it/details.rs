//! Precheck items and the result of a full verification.

use oms_simulator::{Oms, StepError, TableDifference};
use serde_json::{Value, json};

use crate::support::{Core, secs};

#[test]
fn a_failed_precheck_lists_its_items_beside_those_that_passed() {
    let oms = Core::new();
    let id = oms.started(Oms::example_body("shop"));
    let error = StepError {
        code: "CM-RESOAT1111".into(),
        message: "No SELECT.".into(),
        proposal: "Grant it.".into(),
    };
    let step = "TRANSFER_PRECHECK";
    oms.0.fail_step(&id, step, vec![error]).unwrap();
    oms.0.step(secs(60));
    let result = oms.data("GetPreCheckResult", json!({"id": id}));
    assert_eq!(result["preCheckStatus"], "FAILED");
    let items = result["preCheckResults"].as_array().unwrap();
    let failed: Vec<&Value> = items
        .iter()
        .filter(|one| one["status"] == "FAILED")
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(items.len() > failed.len());
    assert_eq!(failed[0]["message"], "No SELECT.");
    assert_eq!(failed[0]["errorDetails"][0]["proposal"], "Grant it.");

    oms.data("ResumeProject", json!({"id": id}));
    oms.0.step(secs(3600));
    let result = oms.data("GetPreCheckResult", json!({"id": id}));
    assert_eq!(result["preCheckStatus"], "FINISHED");
}

#[test]
fn a_verification_tells_of_its_tables_page_by_page() {
    let oms = Core::new();
    let mut body = Oms::example_body("shop");
    body["enableFullVerify"] = json!(true);
    body["fullTransferConfig"]["fullVerifySpeedMode"] = json!("NORMAL");
    let tables: Vec<Value> = (0..25).map(|n| json!({"name": format!("t{n}")})).collect();
    body["transferMapping"]["databases"][0]["tables"] = json!(tables);
    let id = oms.started(body);
    let page = |number: u64| {
        let body = json!({"projectId": id, "pageNumber": number, "pageSize": 10});
        oms.call("ListProjectFullVerifyResult", body)
    };
    assert_eq!(page(1)["totalCount"], 0, "not begun");
    let difference = TableDifference {
        source_only: 3,
        ..TableDifference::default()
    };
    oms.0.set_difference(&id, "shop.t7", difference).unwrap();
    oms.0.step(secs(3600));
    let first = page(1);
    assert_eq!(first["totalCount"], 25);
    assert_eq!(first["data"]["differentNumber"], 1);
    let rows = first["data"]["fullVerifyTableStatistics"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[7]["resultType"], "INCONSISTENT");
    assert_eq!(rows[7]["sourceOnlyCount"], 3);
    assert_eq!(rows[6]["resultType"], "CONSISTENT");
    let last = page(3);
    let rows = last["data"]["fullVerifyTableStatistics"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), 5);
    let (code, _) = oms.refused(
        "ListProjectFullVerifyResult",
        json!({"projectId": id, "pageSize": 151}),
    );
    assert_eq!(code, "PARAM_ERROR");
}
