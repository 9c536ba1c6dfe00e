//! ListProjects and ListDataSource.

use std::collections::HashSet;

use oms_simulator::{DataSource, Oms};
use serde_json::{Value, json};

use crate::support::Core;

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_search_is_loose_in_name_and_id() {
    let oms = Core::new();
    let id = oms.create(Oms::example_body("shop.Orders"));
    oms.create(Oms::example_body("shop.orders-archive"));
    oms.create(Oms::example_body("crm.people"));
    let found = oms.data(
        "ListProjects",
        json!({"searchKey": "SHOP.orders", "order": "asc"}),
    );
    assert_eq!(names(&found), ["shop.Orders", "shop.orders-archive"]);
    let found = oms.data("ListProjects", json!({"searchKey": &id[3..9]}));
    assert_eq!(names(&found), ["shop.Orders"]);
    assert_eq!(
        oms.data("ListProjects", json!({"searchKey": "shop.*"})),
        json!([])
    );
}

#[test]
fn the_newest_comes_first_unless_asked_otherwise() {
    let oms = Core::new();
    for name in ["a", "b", "c"] {
        oms.create(Oms::example_body(name));
        oms.advance(1);
    }
    oms.0.set_status("a", "SUSPEND").unwrap();
    let list = |body: Value| oms.data("ListProjects", body);
    assert_eq!(names(&list(json!({}))), ["c", "b", "a"]);
    assert_eq!(names(&list(json!({"order": "asc"}))), ["a", "b", "c"]);
    let modified = json!({"sortField": "gmtModified", "order": "descend"});
    assert_eq!(names(&list(modified)), ["a", "c", "b"]);
}

#[test]
fn a_list_has_steps_and_endpoints_but_no_configs() {
    let oms = Core::new();
    oms.create(Oms::example_body("listed"));
    let list = oms.data("ListProjects", json!({}));
    let project = &list[0];
    for key in [
        "transferMapping",
        "commonTransferConfig",
        "fullTransferConfig",
        "extraInfo",
    ] {
        assert_eq!(project[key], Value::Null, "{key}");
    }
    assert_eq!(project["steps"][0]["name"], "TRANSFER_PRECHECK");
    assert_eq!(project["sourceConnectInfo"]["endpointName"], "mysql-prod");
    let bare = oms.data("ListProjects", json!({"needRelatedInfo": false}));
    assert_eq!(
        (&bare[0]["steps"], &bare[0]["sourceConnectInfo"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn filters_narrow_a_list() {
    let oms = Core::new();
    let mut labelled = Oms::example_body("labelled");
    labelled["labelIds"] = json!(["l_prod0000001", "l_team_a00001"]);
    labelled["type"] = json!("SYNC");
    oms.create(labelled);
    oms.0
        .insert_project("failed", "FAILED", Oms::example_body("failed"));
    for (body, expected) in [
        (json!({"status": "FAILED"}), vec!["failed"]),
        (
            json!({"status": ["INIT", "FAILED"], "order": "asc"}),
            vec!["labelled", "failed"],
        ),
        (json!({"type": "SYNC"}), vec!["labelled"]),
        (json!({"labelIds": ["l_team_a00001"]}), vec!["labelled"]),
        (json!({"labelIds": ["l_team_b00001"]}), vec![]),
        (json!({"sourceEndpointTypes": ["KAFKA"]}), vec![]),
        (
            json!({"sinkEndpointTypes": ["OB_MYSQL_CE"], "type": "SYNC"}),
            vec!["labelled"],
        ),
    ] {
        let list = oms.data("ListProjects", body.clone());
        assert_eq!(names(&list), expected, "{body}");
    }
}

#[test]
fn wrong_list_parameters_are_refused() {
    let oms = Core::new();
    for (action, body, words) in [
        (
            "ListProjects",
            json!({"pageSize": 151}),
            "pageSize must be from 1 to 150",
        ),
        (
            "ListProjects",
            json!({"pageSize": 0}),
            "pageSize must be from 1 to 150",
        ),
        (
            "ListProjects",
            json!({"pageNumber": 0}),
            "pageNumber must be 1 or more",
        ),
        (
            "ListProjects",
            json!({"pageNumber": -1}),
            "pageNumber must be 1 or more",
        ),
        (
            "ListProjects",
            json!({"pageNumber": "1"}),
            "pageNumber must be an integer",
        ),
        (
            "ListProjects",
            json!({"order": "desc"}),
            "order must be one of asc, descend",
        ),
        (
            "ListProjects",
            json!({"sortField": "name"}),
            "sortField must be one of",
        ),
        (
            "ListProjects",
            json!({"status": ["GONE"]}),
            "status[0] must be one of",
        ),
        (
            "ListProjects",
            json!({"page": 1}),
            "page is not a known parameter",
        ),
        (
            "ListProjects",
            json!({"labelIds": vec!["l"; 6]}),
            "labelIds must have at most 5 entries",
        ),
        (
            "ListDataSource",
            json!({"pageSize": 11}),
            "pageSize must be from 1 to 10",
        ),
        (
            "ListDataSource",
            json!({"types": 1}),
            "types must be a string or an array",
        ),
    ] {
        let (code, message) = oms.refused(action, body.clone());
        assert_eq!(code, "PARAM_ERROR");
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[test]
fn ten_thousand_projects_are_walked_in_67_pages() {
    let oms = Core::new();
    for i in 0..10_000 {
        let name = format!("fleet.project-{i}");
        let status = if i % 2 == 0 { "RUNNING" } else { "INIT" };
        oms.0
            .insert_project(&name, status, Oms::example_body(&name));
    }
    oms.advance(3600);
    let mut seen = HashSet::new();
    let mut pages = 0;
    loop {
        pages += 1;
        let body = json!({
            "pageNumber": pages, "pageSize": 150, "order": "asc", "needRelatedInfo": false,
        });
        let reply = oms.call("ListProjects", body);
        assert_eq!(reply["totalCount"], 10_000);
        assert_eq!(
            (&reply["pageNumber"], &reply["pageSize"]),
            (&json!(pages), &json!(150))
        );
        let page = reply["data"].as_array().unwrap();
        seen.extend(
            page.iter()
                .map(|project| project["id"].as_str().unwrap().to_owned()),
        );
        if page.len() < 150 {
            break;
        }
    }
    assert_eq!((pages, seen.len()), (67, 10_000));
    assert_eq!(oms.0.count("ListProjects"), 67);
}

#[test]
fn data_sources_are_found_by_name_id_and_type() {
    let oms = Core::new();
    let reply = oms.call("ListDataSource", json!({}));
    assert_eq!(reply["data"].as_array().unwrap().len(), 10);
    assert_eq!(reply["totalCount"], 12);
    let rest = oms.data("ListDataSource", json!({"pageNumber": 2}));
    assert_eq!(rest.as_array().unwrap().len(), 2);
    let found = oms.data(
        "ListDataSource",
        json!({"searchKey": "mysql-prod", "order": "asc"}),
    );
    assert_eq!(names(&found), ["mysql-prod", "mysql-prod-archive"]);
    let found = oms.data(
        "ListDataSource",
        json!({"types": ["KAFKA", "TIDB"], "order": "ascend"}),
    );
    assert_eq!(names(&found), ["tidb-prod", "kafka-prod"]);
    oms.0
        .add_data_source(DataSource::new("e_second", "kafka-prod", "KAFKA"));
    let found = oms.data("ListDataSource", json!({"searchKey": "kafka-prod"}));
    assert_eq!(names(&found), ["kafka-prod", "kafka-prod"]);
    assert!(oms.0.remove_data_source("e_second"));
    assert!(!oms.0.remove_data_source("e_second"));
}
