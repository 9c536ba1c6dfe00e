use super::*;

fn vendors_request() -> Value {
    serde_json::from_str(include_str!(
        "../../../tests/fixtures/oms/createproject-request.json"
    ))
    .unwrap()
}

fn spec(value: Value) -> MigrationProjectSpec {
    serde_json::from_value(value).unwrap()
}

fn minimal() -> Value {
    json!({ "project": {
        "type": "MIGRATION",
        "sourceEndpointId": "e_1",
        "sinkEndpointId": "e_2",
        "transferMapping": { "mode": "WILDCARD" },
    }})
}

fn with(change: impl FnOnce(&mut Value)) -> MigrationProjectSpec {
    let mut value = minimal();
    change(&mut value);
    spec(value)
}

fn built(spec: &MigrationProjectSpec) -> Value {
    Value::Object(build(spec, "shop.orders", "e_1", "e_2").unwrap())
}

#[test]
fn the_vendors_request_comes_out_equal_with_nulls_dropped_and_flags_explicit() {
    let request = vendors_request();
    let mut expected = without_nulls(request.as_object().unwrap().clone());
    expected["fullTransferConfig"]["nonePkUkTruncateDstTable"] = json!(false);
    let spec = spec(json!({ "project": request }));
    let body = build(&spec, "test", "e_4wg07f****", "e_4wfy2****").unwrap();
    assert_eq!(Value::Object(body), Value::Object(expected));
}

#[test]
fn a_minimal_spec_sends_the_five_flags_and_no_configuration() {
    assert_eq!(
        built(&spec(minimal())),
        json!({
            "name": "shop.orders",
            "type": "MIGRATION",
            "sourceEndpointId": "e_1",
            "sinkEndpointId": "e_2",
            "transferMapping": { "mode": "WILDCARD" },
            "enableStructTransfer": false,
            "enableFullTransfer": false,
            "enableFullVerify": false,
            "enableIncrTransfer": false,
            "enableReverseIncrTransfer": false,
        })
    );
}

#[test]
fn the_configuration_of_a_phase_is_sent_whenever_the_phase_is_on() {
    let safe = json!({ "allowDestTableNotEmpty": false, "nonePkUkTruncateDstTable": false });
    for (flag, config, sent) in [
        ("enableStructTransfer", "structTransferConfig", json!({})),
        ("enableFullTransfer", "fullTransferConfig", safe.clone()),
        ("enableFullVerify", "fullTransferConfig", safe.clone()),
        ("enableIncrTransfer", "incrTransferConfig", json!({})),
    ] {
        let body = built(&with(|spec| spec["project"][flag] = json!(true)));
        assert_eq!(body[config], sent, "{flag}");
        assert_eq!(body.get("commonTransferConfig"), None, "{flag}");
    }
}

#[test]
fn flags_that_destroy_data_keep_what_the_user_set_and_are_false_otherwise() {
    let body = built(&with(|spec| {
        spec["project"]["fullTransferConfig"] = json!({ "allowDestTableNotEmpty": true });
    }));
    assert_eq!(
        body["fullTransferConfig"],
        json!({ "allowDestTableNotEmpty": true, "nonePkUkTruncateDstTable": false })
    );
}

#[test]
fn extra_properties_are_merged_at_every_depth() {
    let body = built(&with(|spec| {
        spec["project"]["commonTransferConfig"] = json!({ "activeActive": true });
        spec["extraProperties"] = json!({
            "newTopLevel": { "a": [1, null], "gone": null },
            "absent": null,
            "commonTransferConfig": { "syncSchema": true },
            "fullTransferConfig": { "throttleRps": 5 },
        });
    }));
    assert_eq!(body["newTopLevel"], json!({ "a": [1, null] }));
    assert_eq!(body.get("absent"), None);
    assert_eq!(
        body["commonTransferConfig"],
        json!({ "activeActive": true, "syncSchema": true })
    );
    assert_eq!(
        body["fullTransferConfig"],
        json!({ "throttleRps": 5, "allowDestTableNotEmpty": false, "nonePkUkTruncateDstTable": false }),
        "a fullTransferConfig that extraProperties calls for is made safe, too"
    );
}

#[test]
fn extra_properties_cannot_set_what_the_schema_knows() {
    for (extra, error) in [
        (
            json!({ "name": "x" }),
            BodyError::Known {
                path: "name".into(),
            },
        ),
        (
            json!({ "fullTransferConfig": { "allowDestTableNotEmpty": true } }),
            BodyError::Known {
                path: "fullTransferConfig.allowDestTableNotEmpty".into(),
            },
        ),
        (
            json!({ "transferMapping": { "databases": [{ "type": "x" }] } }),
            BodyError::List {
                path: "transferMapping.databases".into(),
            },
        ),
        (
            json!({ "incrTransferConfig": 5 }),
            BodyError::NotAnObject {
                path: "incrTransferConfig".into(),
            },
        ),
    ] {
        let spec = with(|spec| spec["extraProperties"] = extra.clone());
        assert_eq!(
            build(&spec, "n", "e_1", "e_2").unwrap_err(),
            error,
            "{extra}"
        );
    }
}

#[test]
fn a_spec_without_what_oms_needs_is_refused_with_the_field() {
    for (field, error) in [
        ("type", BodyError::Missing("type")),
        ("transferMapping", BodyError::Missing("transferMapping")),
    ] {
        let spec = with(|spec| {
            spec["project"].as_object_mut().unwrap().remove(field);
        });
        assert_eq!(build(&spec, "n", "e_1", "e_2").unwrap_err(), error);
    }
    let spec = with(|spec| spec["project"]["transferMapping"] = json!({}));
    assert_eq!(
        build(&spec, "n", "e_1", "e_2").unwrap_err(),
        BodyError::Missing("transferMapping.mode")
    );
}

#[test]
fn the_hash_sees_what_decides_the_project_and_nothing_else() {
    let hash = |change: &dyn Fn(&mut Value)| spec_hash(&with(change));
    let base = spec_hash(&spec(minimal()));
    assert_eq!(base.len(), 64);
    for (what, change) in [
        (
            "a null",
            (|spec| spec["project"]["name"] = Value::Null) as fn(&mut Value),
        ),
        ("state", |spec| spec["state"] = json!("Created")),
        ("adopt", |spec| spec["adopt"] = json!({ "byName": true })),
        ("deletionPolicy", |spec| {
            spec["deletionPolicy"] = json!("Retain");
        }),
    ] {
        assert_eq!(hash(&change), base, "{what} must not count");
    }
    for (what, change) in [
        (
            "project",
            (|spec| spec["project"]["name"] = json!("x")) as fn(&mut Value),
        ),
        ("extraProperties", |spec| {
            spec["extraProperties"] = json!({ "a": { "b": 1 } });
        }),
        ("connectionRef", |spec| {
            spec["connectionRef"] = json!({ "name": "x" });
        }),
        ("sourceEndpointRef", |spec| {
            spec["sourceEndpointRef"] = json!({ "name": "x" });
        }),
        ("sinkEndpointRef", |spec| {
            spec["sinkEndpointRef"] = json!({ "name": "x" });
        }),
    ] {
        assert_ne!(hash(&change), base, "{what} must count");
    }
}

#[test]
fn the_hash_of_a_spec_never_changes_between_versions() {
    // A changed hash would make every creation in flight during an upgrade look
    // like a changed spec.
    assert_eq!(
        spec_hash(&spec(minimal())),
        "2008bba3a1e1cad5c4d0673550731cf5d71703fdefd449073038e93164ff2b31"
    );
}

#[test]
fn a_project_is_the_same_when_type_data_sources_and_phases_agree() {
    let body = build(&spec(minimal()), "n", "e_1", "e_2").unwrap();
    let described = Described {
        project_type: Some("MIGRATION"),
        source_endpoint_id: Some("e_1"),
        sink_endpoint_id: Some("e_2"),
        enable_full_transfer: Some(false),
        ..Described::default()
    };
    let none = Vec::<String>::new();
    assert_eq!(differences(&body, &described), none);
    assert_eq!(
        differences(&body, &Described::default()),
        none,
        "absence is tolerated"
    );
    let other = Described {
        project_type: Some("SYNC"),
        source_endpoint_id: Some("e_9"),
        enable_full_verify: Some(true),
        ..described
    };
    assert_eq!(
        differences(&body, &other),
        [
            "type: asked for \"MIGRATION\", OMS has \"SYNC\"",
            "sourceEndpointId: asked for \"e_1\", OMS has \"e_9\"",
            "enableFullVerify: asked for false, OMS has true",
        ]
    );
}

#[test]
fn a_copy_without_the_mapping_keeps_its_hash_and_makes_no_body() {
    let whole = with(|spec| {
        spec["extraProperties"] = json!({"later": 1});
        spec["project"]["name"] = json!("shop.orders");
    });
    let mut copy = whole.clone();
    leave_out(&mut copy);
    assert_eq!(spec_hash(&copy), spec_hash(&whole));
    assert_eq!(copy.project.name, whole.project.name);
    assert_eq!(copy.extra_properties, None);
    let body = build(&copy, "shop.orders", "e_1", "e_2");
    assert_eq!(body, Err(BodyError::Missing("transferMapping")));
    // Once more is no harm.
    leave_out(&mut copy);
    assert_eq!(spec_hash(&copy), spec_hash(&whole));
}

#[test]
fn what_was_left_out_is_no_part_of_the_resource() {
    let mut copy = with(|_| {});
    leave_out(&mut copy);
    let text = serde_json::to_string(&copy).unwrap();
    assert!(!text.contains("ash"), "{text}");
    let schema = crate::api::Kind::MigrationProject.schema().to_string();
    assert!(!schema.to_lowercase().contains("hashofwhole"));
}
