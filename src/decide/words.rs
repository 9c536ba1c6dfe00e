//! How texts of several hands become sentences.

/// The text with a full stop, unless it has its end already.
#[must_use]
pub fn sentence(text: &str) -> String {
    match ends(text) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// Several texts as one: a colon after a part that is no sentence.
#[must_use]
pub fn in_one(parts: &[&str]) -> String {
    let mut all = String::new();
    for part in parts {
        if !all.is_empty() {
            all.push_str(if ends(&all) { " " } else { ": " });
        }
        all.push_str(part);
    }
    all
}

fn ends(text: &str) -> bool {
    text.ends_with(['.', '!', '?', '…'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_one_end() {
        assert_eq!(sentence("It failed"), "It failed.");
        assert_eq!(sentence("It failed."), "It failed.");
        assert_eq!(sentence("Why?"), "Why?");
    }

    #[test]
    fn a_colon_never_follows_a_full_stop() {
        let told = in_one(&["binlog (SOURCE)", "It is off.", "Switch it on."]);
        assert_eq!(told, "binlog (SOURCE): It is off. Switch it on.");
        assert_eq!(in_one(&["a", "b"]), "a: b");
        assert_eq!(in_one(&[]), "");
    }
}
