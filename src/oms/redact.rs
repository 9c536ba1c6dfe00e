//! Makes text of the server fit for messages: one line, short, without the account.

use super::Credentials;

/// The longest text of the server that goes into an error.
pub const MAX_MESSAGE: usize = 200;
/// The longest code or request id.
pub const MAX_ID: usize = 64;

const REDACTED: &str = "[redacted]";

/// Shorter user names are no secret and would tear words apart.
const MIN_USERNAME: usize = 4;

/// The text without the account, on one line, at most `max` characters; nothing if nothing is left.
pub fn clean(text: &str, credentials: &Credentials, max: usize) -> Option<String> {
    let mut text = text.to_owned();
    // Before anything is cut, or half a password could be left at the end.
    for secret in credentials.secrets() {
        text = text.replace(&secret, REDACTED);
    }
    if credentials.username().chars().count() >= MIN_USERNAME {
        text = replace_word(&text, credentials.username());
    }
    let printable: String = text
        .chars()
        .map(|c| if is_printable(c) { c } else { ' ' })
        .collect();
    let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return None;
    }
    if line.chars().count() <= max {
        return Some(line);
    }
    Some(line.chars().take(max - 1).chain(['…']).collect())
}

/// Control characters, and those that reorder or hide text in a terminal, are not.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Replaces `word` where no letter or digit touches it.
fn replace_word(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = &found[word.len()..];
        out.push_str(before);
        let inside = out.chars().next_back().is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        out.push_str(if inside { word } else { REDACTED });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account() -> Credentials {
        Credentials::new("admin", "hunter2").unwrap()
    }

    #[test]
    fn the_account_is_taken_out_in_every_form() {
        let text = "bad hunter2 / aHVudGVyMg== / Basic YWRtaW46aHVudGVyMg== for admin, ask the administrator";
        assert_eq!(
            clean(text, &account(), 200).unwrap(),
            "bad [redacted] / [redacted] / Basic [redacted] for [redacted], ask the administrator"
        );
    }

    #[test]
    fn text_becomes_one_short_printable_line() {
        assert_eq!(
            clean("a\r\n\tb\u{1b}[31m\u{202e}c", &account(), 200).unwrap(),
            "a b [31m c"
        );
        assert_eq!(clean(" \n ", &account(), 200), None);
        let long = clean(&"数".repeat(500), &account(), 200).unwrap();
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with('…'));
    }

    proptest! {
        #[test]
        fn a_password_at_any_place_never_survives(before in ".{0,250}", after in ".{0,50}") {
            let credentials = Credentials::new("admin", "pläin s3cret").unwrap();
            let text = format!("{before}pläin s3cret{after}");
            let cleaned = clean(&text, &credentials, 200).unwrap();
            prop_assert!(!cleaned.contains("s3cret"));
            prop_assert!(cleaned.chars().count() <= 200);
        }
    }
}
