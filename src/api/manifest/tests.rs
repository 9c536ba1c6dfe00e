use super::*;
use crate::api::v1alpha1::MigrationProject;

const VENDORS: &str = include_str!("../../../tests/fixtures/oms/createproject-request.json");

fn converted(request: Value) -> Value {
    serde_saphyr::from_str(&from_request(&request.to_string()).unwrap()).unwrap()
}

fn refusal(request: Value) -> String {
    from_request(&request.to_string()).unwrap_err().to_string()
}

#[test]
fn the_vendors_request_becomes_a_resource_without_nulls() {
    let yaml = from_request(VENDORS).unwrap();
    assert!(!yaml.contains("null"), "{yaml}");
    assert!(
        yaml.starts_with("# Mind: fullTransferConfig.allowDestTableNotEmpty is true"),
        "{yaml}"
    );
    let resource: MigrationProject = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(resource.metadata.name.as_deref(), Some("test"));
    assert_eq!(resource.spec.extra_properties, None);
    let request: Map<String, Value> = serde_json::from_str(VENDORS).unwrap();
    assert_eq!(
        serde_json::to_value(&resource.spec.project).unwrap(),
        Value::Object(without_nulls(request))
    );
}

#[test]
fn unknown_fields_move_to_extra_properties_at_their_place() {
    let resource = converted(json!({
        "name": "n",
        "workerGradeId": "g",
        "incrTransferConfig": { "throttleRps": 5, "incrSyncConcurrency": 8 },
    }));
    assert_eq!(
        resource["spec"],
        json!({
            "project": { "name": "n", "incrTransferConfig": { "incrSyncConcurrency": 8 } },
            "extraProperties": { "workerGradeId": "g", "incrTransferConfig": { "throttleRps": 5 } },
        })
    );
}

#[test]
fn numbers_and_truth_values_given_as_text_become_what_oms_takes() {
    let resource = converted(json!({
        "fullTransferConfig": { "allowDestTableNotEmpty": "false" },
        "incrTransferConfig": { "startTimestamp": "1689201369" },
    }));
    let project = &resource["spec"]["project"];
    assert_eq!(
        project["fullTransferConfig"]["allowDestTableNotEmpty"],
        json!(false)
    );
    assert_eq!(
        project["incrTransferConfig"]["startTimestamp"],
        json!(1_689_201_369)
    );
}

#[test]
fn texts_that_yaml_reads_as_something_else_stay_texts() {
    for text in [
        "yes",
        "on",
        "null",
        "~",
        "1_000",
        "0x1F",
        "1e3",
        "12:30",
        "*a",
        "- b",
        "a: b",
        "#c",
        " d ",
        "",
        "line\nline\n",
        "2026-11-23",
        "'",
        "\"",
        "\\",
        "=",
        "<<",
        "!x",
        "é\u{1F600}",
    ] {
        let resource = converted(json!({ "commonTransferConfig": { "rocketMqMsgTags": text } }));
        assert_eq!(
            resource["spec"]["project"]["commonTransferConfig"]["rocketMqMsgTags"],
            json!(text)
        );
    }
}

#[test]
fn the_resource_gets_a_valid_name() {
    for (project, resource) in [
        (json!("Shop Orders_2"), "shop-orders-2"),
        (json!("--A--"), "a"),
        (json!("数据"), "project"),
        (Value::Null, "project"),
        (json!("x".repeat(100)), &"x".repeat(63)),
    ] {
        assert_eq!(
            converted(json!({ "name": project }))["metadata"]["name"],
            json!(resource)
        );
    }
}

#[test]
fn a_wrong_request_is_refused_with_the_field_and_what_belongs_there() {
    for (request, words) in [
        (
            json!([]),
            "must be one JSON object, the body of CreateProject, and is a list",
        ),
        (
            json!({ "type": "MOVE" }),
            "type must be one of MIGRATION, SYNC, and is \"MOVE\"",
        ),
        (
            json!({ "incrTransferConfig": { "startTimestamp": "soon" } }),
            "incrTransferConfig.startTimestamp must be a whole number, and is \"soon\"",
        ),
        (
            json!({ "enableFullTransfer": 1 }),
            "enableFullTransfer must be true or false, and is 1",
        ),
        (
            json!({ "transferMapping": { "databases": {} } }),
            "transferMapping.databases must be a list, and is {}",
        ),
        (
            json!({ "transferMapping": { "databases": [{ "name": "a", "tables": [{}] }] } }),
            "transferMapping.databases[0].tables[0].name is required",
        ),
        (
            json!({ "transferMapping": { "databases": [{ "name": "a", "clusterName": "c" }] } }),
            "transferMapping.databases[0].clusterName is not a field that this version knows",
        ),
        (
            json!({ "Name": "n" }),
            "Name is not a field of the request, but name is",
        ),
    ] {
        let refusal = refusal(request);
        assert!(refusal.contains(words), "{refusal}");
    }
    assert!(matches!(
        from_request("{").unwrap_err(),
        ManifestError::Json(_)
    ));
}
