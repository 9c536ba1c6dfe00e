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

/// What a message leaves out of `all`, of which it tells `told` and the status, in `field`,
/// `shown`.
#[must_use]
pub fn and_more(all: usize, told: usize, shown: usize, field: &str) -> String {
    match (all.saturating_sub(told), shown.saturating_sub(told)) {
        (0, _) => String::new(),
        (more, in_status) if in_status >= more => format!(" ({more} more in {field})"),
        (more, in_status) => format!(" ({more} more, {in_status} of them in {field})"),
    }
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
    fn what_is_left_out_is_said_to_be_where_it_is() {
        assert_eq!(and_more(3, 3, 3, "status.drift"), "");
        assert_eq!(
            and_more(5, 3, 5, "status.drift"),
            " (2 more in status.drift)"
        );
        let cut = " (22 more, 7 of them in status.drift)";
        assert_eq!(and_more(25, 3, 10, "status.drift"), cut);
    }

    #[test]
    fn a_colon_never_follows_a_full_stop() {
        let told = in_one(&["binlog (SOURCE)", "It is off.", "Switch it on."]);
        assert_eq!(told, "binlog (SOURCE): It is off. Switch it on.");
        assert_eq!(in_one(&["a", "b"]), "a: b");
        assert_eq!(in_one(&[]), "");
    }
}
