//! Laws that hold for every reply there is.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A reply as OMS or something before it might send it.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    success: Option<Value>,
    code: Option<&'static str>,
    detail: Option<&'static str>,
    message: Option<&'static str>,
    data: Value,
    pascal: bool,
}

impl Reply {
    fn body(&self) -> String {
        let name = |key: &str| {
            let mut key = key.to_owned();
            if self.pascal {
                key[..1].make_ascii_uppercase();
            }
            key
        };
        let mut map = Map::new();
        map.extend(self.success.clone().map(|v| (name("success"), v)));
        map.extend(self.code.map(|v| (name("code"), v.into())));
        map.extend(self.message.map(|v| (name("message"), v.into())));
        map.extend(
            self.detail
                .map(|v| (name("errorDetail"), json!({ name("code"): v }))),
        );
        map.insert(name("data"), self.data.clone());
        Value::Object(map).to_string()
    }

    /// The rule in other words than the code's: all the ways in which "not done" may be said.
    fn may_be_not_done(&self, action: Action) -> bool {
        let says_true =
            matches!(&self.success, Some(v) if *v == json!(true) || *v == json!("true"));
        let says_false =
            matches!(&self.success, Some(v) if *v == json!(false) || *v == json!("false"));
        let unsupported = says_false
            && self.message == Some("Unsupported action: CreateProject")
            && action == Action::CreateProject;
        let codes: Vec<&str> = self.code.into_iter().chain(self.detail).collect();
        let refuses = |code: &&str| {
            *code == "PARAM_ERROR"
                || (*code == "GHANA-PROJECT000001" && action != Action::CreateProject)
        };
        let failed_inside = codes.iter().any(|code| {
            ["INNER", "GHANA-OPERAT", "CM-"]
                .iter()
                .any(|start| code.starts_with(start))
        });
        if self.status == 408 || self.status >= 500 || self.status < 200 || says_true {
            return false;
        }
        let by_status = [
            300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 413, 415, 429,
        ]
        .contains(&self.status);
        unsupported
            || (by_status && !failed_inside)
            || (says_false && !codes.is_empty() && codes.iter().all(refuses))
    }
}

fn replies() -> impl Strategy<Value = Reply> {
    let code = || {
        prop::option::of(prop::sample::select(vec![
            "PARAM_ERROR",
            "INNER_ERROR",
            "GHANA-PROJECT000001",
            "GHANA-OPERAT000001",
            "CM-RES1",
            "PARAM_ERROR_2",
            "param_error",
            "200",
            "NEW",
        ]))
    };
    let status = prop::sample::select(vec![
        200, 201, 204, 206, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407,
        408, 409, 410, 413, 415, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599,
    ]);
    let success = prop::option::of(prop::sample::select(vec![
        json!(true),
        json!(false),
        json!("true"),
        json!("false"),
        json!(null),
        json!(0),
        json!("no"),
    ]));
    let message = prop::option::of(prop::sample::select(vec![
        "Unsupported action: CreateProject",
        "Unsupported action: DropProject",
        "no",
        "",
    ]));
    let data = prop::sample::select(vec![
        json!("np_1"),
        json!(null),
        json!(""),
        json!({"id": "np_1"}),
        json!([]),
    ]);
    (
        status,
        success,
        code(),
        code(),
        message,
        data,
        any::<bool>(),
    )
        .prop_map(
            |(status, success, code, detail, message, data, pascal)| Reply {
                status,
                success,
                code,
                detail,
                message,
                data,
                pascal,
            },
        )
}

fn mutations() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::CreateProject,
        Action::StartProject,
        Action::StopProject,
        Action::ResumeProject,
        Action::ReleaseProject,
        Action::DeleteProject,
    ])
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9T:.+-]{0,24}".prop_map(Value::from),
    ];
    let keys = prop_oneof![
        prop::sample::select(vec![
            "success",
            "Success",
            "code",
            "errorDetail",
            "message",
            "data",
            "Data",
            "id",
            "Id",
            "steps",
            "labels",
            "gmtCreate",
            "order",
            "progress",
            "extraInfo",
            "stepInfo",
            "totalCount",
            "pageSize",
            "requestId",
        ])
        .prop_map(String::from),
        ".{0,6}",
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(keys.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_reply_but_the_listed_ones_proves_that_nothing_was_done(reply in replies(), action in mutations()) {
        let outcome = mutate(&answering(reply.status, reply.body()), action);
        let done = (200..300).contains(&reply.status)
            && matches!(&reply.success, Some(v) if *v == json!(true) || *v == json!("true"))
            && (action != Action::CreateProject || reply.data == json!("np_1"));
        let expected = if done {
            "done"
        } else if reply.may_be_not_done(action) {
            "not_done"
        } else {
            "unknown"
        };
        prop_assert_eq!(outcome.as_str(), expected);
    }

    #[test]
    fn no_json_makes_any_call_panic_or_a_status_say_too_much(
        status in 200_u16..600, mut body in json_value(), wrap in any::<bool>(), action in mutations(),
    ) {
        if wrap {
            body = json!({"success": true, "data": body});
        }
        let client = answering(status, body.to_string());
        let outcome = mutate(&client, action);
        if status >= 500 || status == 408 {
            prop_assert_eq!(outcome.as_str(), "unknown");
        }
        if let Outcome::NotDone(error) = &outcome {
            prop_assert!(codes::status_refuses(status) || error.code().is_some() || error.is_unsupported());
        }
        let _ = run(client.describe_project("np_1"));
        let _ = run(client.walk_projects(&ListProjects::new(), 3));
        let _ = run(client.walk_data_sources(&ListDataSources::new(), 3));
    }

    #[test]
    fn bytes_that_are_no_json_are_never_a_success(status in 200_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assume!(serde_json::from_slice::<Value>(&body).is_err());
        let expected = if codes::status_refuses(status) { "not_done" } else { "unknown" };
        let outcome = create(&answering(status, body));
        prop_assert_eq!(outcome.as_str(), expected);
    }
}
