//! The shape that every reply of OMS has, whatever the HTTP status.

use serde_json::Value;

use super::Action;
use super::codes::PROJECT_NOT_FOUND;
use super::fields::Fields;
use super::json::{Names, Part};

/// Why a body is no reply of OMS. The body itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No body at all.
    #[error("the body is empty")]
    Empty,
    /// A page for a browser, as proxies and login portals send.
    #[error("the body is an HTML page")]
    Html,
    /// Neither JSON nor HTML, or cut off.
    #[error("the body is not JSON")]
    NotJson,
    /// JSON, but not an object.
    #[error("the body is JSON but not an object")]
    NotObject,
    /// An object that does not say whether the call succeeded.
    #[error("the body does not say whether the call succeeded")]
    NoVerdict,
}

/// A reply as OMS words it; texts are as sent, not yet fit for messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// What OMS says about success; nothing if it says nothing understandable.
    pub success: Option<bool>,
    /// The codes, the older one first, trimmed, without repetition.
    pub codes: Vec<String>,
    /// The messages, the older one first.
    pub messages: Vec<String>,
    /// What OMS advises.
    pub advice: Option<String>,
    /// The id that finds the call in the log of OMS.
    pub request_id: Option<String>,
    /// The page number that a list says it is.
    pub page_number: Option<u32>,
    /// The page size that a list was made with.
    pub page_size: Option<u32>,
    /// The number of records; some pages of the manual say: of pages.
    pub total: Option<u64>,
    /// The payload.
    pub data: Value,
}

impl Envelope {
    /// Reads a body, of its `data` only `fields`, or all. An object without a verdict is an envelope too: its
    /// codes may still say something.
    pub fn parse(body: &[u8], fields: Option<Names>) -> Result<Envelope, Unreadable> {
        let start = body.trim_ascii_start();
        if start.is_empty() {
            return Err(Unreadable::Empty);
        }
        let mut map = match Part::Reply(fields).read(start) {
            Ok(Value::Object(map)) => map,
            Ok(_) => return Err(Unreadable::NotObject),
            Err(_) if start.starts_with(b"<") => return Err(Unreadable::Html),
            Err(_) => return Err(Unreadable::NotJson),
        };
        let data = map.remove("data").unwrap_or_default();
        let top = Fields::of(&map);
        let detail = top.object("errorDetail");
        let mut messages: Vec<String> = Vec::new();
        for text in [
            top.text("message"),
            top.text("errorMessage"),
            detail.text("message"),
            detail.text("reason"),
        ] {
            messages.extend(text.filter(|t| !t.is_empty()));
        }
        let mut codes: Vec<String> = Vec::new();
        // ODC looks for this code anywhere in the error text, so some servers send it only there.
        let named = messages
            .iter()
            .any(|m| m.contains(PROJECT_NOT_FOUND))
            .then(|| PROJECT_NOT_FOUND.to_owned());
        for code in [
            top.text("code"),
            top.text("errorCode"),
            detail.text("code"),
            named,
        ] {
            codes.extend(code.filter(|c| !c.is_empty()));
        }
        unique(&mut codes);
        unique(&mut messages);
        Ok(Envelope {
            success: top.flag("success"),
            codes,
            messages,
            advice: top.text("advice").or_else(|| detail.text("proposal")),
            request_id: top.text("requestId").or_else(|| detail.text("requestId")),
            page_number: top
                .integer("pageNumber")
                .and_then(|n| u32::try_from(n).ok()),
            page_size: top.integer("pageSize").and_then(|n| u32::try_from(n).ok()),
            total: top
                .integer("totalCount")
                .and_then(|n| u64::try_from(n).ok()),
            data,
        })
    }

    /// Whether OMS says that it does not know this action: `Unsupported action`, followed by its name or
    /// by nothing. The same words about something else (a DDL statement, say) are not that.
    pub fn is_unsupported(&self, action: Action) -> bool {
        const WORDS: &str = "unsupported action";
        self.success == Some(false)
            && self.messages.iter().any(|message| {
                let lower = message.to_ascii_lowercase();
                lower.match_indices(WORDS).any(|(at, _)| {
                    let rest = lower[at + WORDS.len()..]
                        .trim_start_matches(|c: char| !c.is_alphanumeric());
                    let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                    name.is_empty() || name.eq_ignore_ascii_case(action.as_str())
                })
            })
    }
}

/// Drops repetitions and keeps the order.
fn unique(texts: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Envelope {
        Envelope::parse(value.to_string().as_bytes(), None).unwrap()
    }

    #[test]
    fn the_vendors_response_is_a_success_beside_an_error_code() {
        let body = include_bytes!("../../tests/fixtures/oms/createproject-response.json");
        let envelope = Envelope::parse(body, None).unwrap();
        assert_eq!(envelope.success, Some(true));
        assert_eq!(envelope.data, json!("np_****"));
        assert_eq!(envelope.codes, ["INNER_ERROR", "CM-RES***11"]);
        assert_eq!(envelope.request_id.as_deref(), Some("XCVSADG****DSGDS"));
        assert_eq!(envelope.total, Some(1));
    }

    #[test]
    fn both_key_cases_mean_the_same_at_every_depth() {
        let camel = parse(
            json!({"success": false, "errorDetail": {"code": "X-1\n", "proposal": "wait"},
            "data": [{"steps": [{"stepInfo": {"incrTimestampCheckpoint": 1}}]}]}),
        );
        let pascal = parse(
            json!({"Success": false, "ErrorDetail": {"Code": "X-1\n", "Proposal": "wait"},
            "Data": [{"Steps": [{"StepInfo": {"IncrTimestampCheckpoint": 1}}]}]}),
        );
        assert_eq!(camel, pascal);
        assert_eq!(camel.codes, ["X-1"]);
        assert_eq!(camel.advice.as_deref(), Some("wait"));
    }

    #[test]
    fn keys_that_are_data_keep_their_case() {
        let envelope = parse(
            json!({"success": true, "data": {"ExtraInfo": {"ErrorParam": {"TableName": "T"}}}}),
        );
        assert_eq!(
            envelope.data,
            json!({"extraInfo": {"errorParam": {"TableName": "T"}}})
        );
    }

    #[test]
    fn the_documented_spelling_wins_unless_it_is_null() {
        assert_eq!(
            parse(json!({"success": false, "Success": true})).success,
            Some(false)
        );
        assert_eq!(
            parse(json!({"success": null, "Success": true})).success,
            Some(true)
        );
    }

    #[test]
    fn success_may_be_a_word_and_codes_may_be_numbers() {
        assert_eq!(parse(json!({"success": "true"})).success, Some(true));
        assert_eq!(parse(json!({"success": "False"})).success, Some(false));
        for other in [
            json!(1),
            json!("yes"),
            json!(null),
            json!({}),
            json!([true]),
        ] {
            assert_eq!(parse(json!({"success": other})).success, None, "{other}");
        }
        let gateway =
            parse(json!({"Success": true, "Code": 200, "Message": "successful", "Cost": 56}));
        assert_eq!(gateway.codes, ["200"]);
    }

    #[test]
    fn a_body_that_is_not_omss_is_named() {
        for (body, why) in [
            ("", Unreadable::Empty),
            (" \n", Unreadable::Empty),
            ("<!doctype html><title>Sign in</title>", Unreadable::Html),
            ("upstream connect error", Unreadable::NotJson),
            ("{\"success\": tr", Unreadable::NotJson),
            ("[]", Unreadable::NotObject),
            ("\"np_1\"", Unreadable::NotObject),
        ] {
            assert_eq!(Envelope::parse(body.as_bytes(), None), Err(why), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(
            Envelope::parse(deep.as_bytes(), None),
            Err(Unreadable::NotJson)
        );
    }

    #[test]
    fn a_missing_project_is_recognised_in_the_text_as_well() {
        let envelope = parse(json!({"success": false, "message": "[GHANA-PROJECT000001] gone"}));
        assert_eq!(envelope.codes, [PROJECT_NOT_FOUND]);
    }

    #[test]
    fn an_unsupported_action_is_only_the_one_that_was_asked_for() {
        let says = |message: &str| {
            parse(json!({"success": false, "message": message}))
                .is_unsupported(Action::StartProject)
        };
        assert!(says("Unsupported action: StartProject"));
        assert!(says("error: unsupported action 'startproject'."));
        assert!(says("Unsupported action"));
        assert!(!says("Unsupported action: StartProjectsByLabel"));
        assert!(!says("Unsupported action in DDL: RENAME"));
        let done = parse(json!({"success": true, "message": "Unsupported action"}));
        assert!(!done.is_unsupported(Action::StartProject));
    }
}
