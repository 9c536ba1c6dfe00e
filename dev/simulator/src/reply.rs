//! What goes back to the caller: the envelope, its casings, its errors.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::{Casing, CodeForm, CostForm, ReplyForm};
use crate::time::http_date;

/// A reply, and what is to become of it on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What the transport shall do with it.
    pub delivery: Delivery,
    /// How long the transport shall wait first, in real time.
    pub delay: Duration,
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: Vec<(String, String)>,
    /// HTTP body.
    pub body: Vec<u8>,
}

/// What the transport shall do with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Send it.
    Send,
    /// Close the connection without a byte.
    Drop,
    /// Send nothing and keep the connection open.
    Hang,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            delivery: Delivery::Send,
            delay: Duration::ZERO,
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body,
        }
    }

    pub(crate) fn undelivered(delivery: Delivery) -> Self {
        Self {
            delivery,
            ..Self::new(200, "application/json", Vec::new())
        }
    }

    /// `wall` is OMS's own clock: clients compare it with `gmtCreate`.
    pub(crate) fn dated(mut self, wall: Duration) -> Self {
        self.headers.push(("date".into(), http_date(wall)));
        self
    }

    /// The body as JSON, if it is some.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A business error: HTTP 200, success=false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: String,
    pub message: String,
    pub advice: String,
}

impl Refusal {
    pub fn new(code: &str, message: impl Into<String>, advice: &str) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            advice: advice.into(),
        }
    }

    pub fn parameter(complaints: &[String]) -> Self {
        Self::new(
            "PARAM_ERROR",
            format!("Parameter error: {}", complaints.join("; ")),
            "Correct the parameters and call again.",
        )
    }

    pub fn no_such_project(id: &str) -> Self {
        Self::new(
            "GHANA-PROJECT000001",
            format!("The project {id} does not exist."),
            "Check the project id.",
        )
    }

    /// The code is ours: OMS's own for a wrong state is not documented. It
    /// carries the documented prefix of failed control operations.
    pub fn wrong_state(action: &str, id: &str, status: &str) -> Self {
        Self::new(
            "GHANA-OPERAT000002",
            format!("{action} is not allowed: the project {id} is in status {status}."),
            "Wait until the project is in a status that allows the operation.",
        )
    }

    /// The code is ours: clients know this refusal by its message.
    pub fn unsupported(action: &str) -> Self {
        Self::new(
            "INNER_ERROR",
            format!("Unsupported action: {action}"),
            "Upgrade OMS.",
        )
    }
}

/// The data of a success, with the paging of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub data: Value,
    pub page: Option<Page>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub number: u64,
    pub size: u64,
    pub total: u64,
}

/// Writes the envelope. The data of a long list is large, so it is moved.
pub(crate) fn envelope(
    result: Result<Answer, Refusal>,
    request_id: &str,
    form: ReplyForm,
) -> Vec<u8> {
    let cost = match form.cost {
        CostForm::Text => json!("1 ms"),
        CostForm::Number => json!(1),
    };
    let success = result.is_ok();
    let ((code, message, advice, detail), page, data) = match result {
        Ok(answer) => (success_words(form), answer.page, answer.data),
        Err(refusal) => (error_words(&refusal, request_id), None, Value::Null),
    };
    let mut value = json!({
        "success": success,
        "errorDetail": detail,
        "code": code,
        "message": message,
        "advice": advice,
        "requestId": request_id,
        "pageNumber": page.map(|p| p.number),
        "pageSize": page.map(|p| p.size),
        "totalCount": page.map(|p| p.total),
        "cost": cost,
    });
    value["data"] = data;
    // A JSON value always has a JSON text.
    recase(value, form.casing).to_string().into_bytes()
}

/// Code, message, advice and detail of a refusal.
fn error_words(refusal: &Refusal, request_id: &str) -> (Value, Value, Value, Value) {
    (
        json!(refusal.code),
        json!(refusal.message),
        json!(refusal.advice),
        error_detail(refusal, "ERROR", request_id),
    )
}

/// The same of a success.
fn success_words(form: ReplyForm) -> (Value, Value, Value, Value) {
    if form.casing == Casing::VendorExample {
        let text = json!("A system error occurred.");
        let advice = json!("Contact the administrator.");
        let detail = json!({
            "code": "CM-RES***11", "level": "WARN", "message": text, "proposal": advice,
        });
        return (json!("INNER_ERROR"), text, advice, detail);
    }
    match form.code {
        CodeForm::Null => (Value::Null, Value::Null, Value::Null, Value::Null),
        CodeForm::Number => (json!(200), json!("successful"), Value::Null, Value::Null),
        CodeForm::Text => (json!("200"), json!("successful"), Value::Null, Value::Null),
    }
}

/// The newer error form. Recorded bodies carry the same code in both forms.
pub(crate) fn error_detail(refusal: &Refusal, level: &str, request_id: &str) -> Value {
    json!({
        "code": refusal.code,
        "level": level,
        "message": refusal.message,
        "messageMcmsKey": null,
        "messageMcmsContext": {},
        "reason": null,
        "reasonMcmsKey": null,
        "reasonMcmsContext": {},
        "proposal": refusal.advice,
        "proposalMcmsKey": null,
        "proposalMcmsContext": {},
        "extraContext": {},
        "upstreamErrorDetail": null,
        "requestId": request_id,
    })
}

fn recase(value: Value, casing: Casing) -> Value {
    match casing {
        Casing::Camel => value,
        Casing::Pascal => pascal(value, usize::MAX),
        Casing::PascalEnvelope | Casing::VendorExample => {
            let Value::Object(envelope) = value else {
                return value;
            };
            let recased = envelope.into_iter().map(|(key, value)| match key.as_str() {
                "errorDetail" => (key, pascal(value, 1)),
                _ => (key, value),
            });
            pascal(Value::Object(recased.collect()), 1)
        }
    }
}

/// Raises the first letter of the keys of `depth` levels.
fn pascal(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(object) if depth > 0 => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (raise(&key), pascal(value, depth - 1)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) if depth > 0 => {
            Value::Array(items.into_iter().map(|item| pascal(item, depth)).collect())
        }
        other => other,
    }
}

fn raise(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(casing: Casing) -> Value {
        let answer = Ok(Answer {
            data: json!({"projectId": "np_1", "steps": [{"stepInfo": {}}]}),
            page: None,
        });
        let form = ReplyForm {
            casing,
            ..ReplyForm::default()
        };
        serde_json::from_slice(&envelope(answer, "R1", form)).unwrap()
    }

    #[test]
    fn each_casing_reaches_as_deep_as_its_kind_of_server() {
        assert_eq!(written(Casing::Camel)["data"]["projectId"], "np_1");
        let gateway = written(Casing::PascalEnvelope);
        assert_eq!(gateway["Success"], true);
        assert_eq!(gateway["Data"]["projectId"], "np_1");
        let cloud = written(Casing::Pascal);
        assert_eq!(cloud["Data"]["ProjectId"], "np_1");
        assert!(cloud["Data"]["Steps"][0]["StepInfo"].is_object());
    }

    #[test]
    fn the_vendors_form_is_its_example_key_for_key() {
        let example: Value = serde_json::from_str(include_str!(
            "../../../tests/fixtures/oms/createproject-response.json"
        ))
        .unwrap();
        let ours = written(Casing::VendorExample);
        for (key, value) in example.as_object().unwrap() {
            assert!(ours.get(key).is_some(), "no {key}");
            if matches!(
                key.as_str(),
                "Success" | "ErrorDetail" | "Code" | "Message" | "Advice"
            ) {
                assert_eq!(&ours[key], value, "{key}");
            }
        }
    }
}
