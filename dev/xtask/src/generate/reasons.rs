//! `docs/reasons.md`: every condition, reason and class of failure.

use std::fmt::Write as _;

use oms_operator::api::v1alpha1::{ConditionType, Reason};
use oms_operator::oms::codes::{
    Effect, Pattern, Row, TABLE, UNLISTED, UNSUPPORTED, by_status, status_refuses,
};
use oms_operator::oms::{Class, Retry};

use super::markdown::{code, head, heads, prose, row};

/// What a failure says of the change that was asked for.
const MADE: &str = "The change asked for";
const NOT_MADE: &str = "not made";
const PERHAPS_MADE: &str = "perhaps made";

/// The page.
pub fn page() -> String {
    let mut page = head("Conditions, reasons and failures");
    page.push_str(
        "\nEvery word that the operator uses in a status and in Events. How to wait for a condition is told in\n\
         [concepts](concepts.md#conditions), what to do in [troubleshooting](troubleshooting.md).\n\
         \n## Conditions\n",
    );
    words(
        &mut page,
        "Type",
        ConditionType::ALL.iter().map(|t| (t.as_str(), t.meaning())),
    );
    page.push_str("\n## Reasons\n\nReasons of conditions and of Events.\n");
    words(
        &mut page,
        "Reason",
        Reason::ALL.iter().map(|r| (r.as_str(), r.meaning())),
    );
    page.push_str(
        "\n## Failures of OMS\n\n\
         A failed call belongs to a class, by OMS's error code, or by the HTTP status where the answer has no code. The\n\
         class decides when the call is repeated. `status.lastError` shows code, message, advice and request id.\n",
    );
    page.push_str(&heads(&["Class", "Meaning"]));
    for class in Class::ALL {
        page.push_str(&row([code(name(*class)).as_str(), &prose(class.meaning())]));
    }
    page.push_str("\nCalls are repeated:\n");
    page.push_str(&heads(&["Repeated", "Meaning"]));
    for retry in Retry::ALL {
        page.push_str(&row([
            code(again(*retry)).as_str(),
            &prose(retry.meaning()),
        ]));
    }
    by_code(&mut page);
    statuses(&mut page);
    page
}

fn words<'a>(page: &mut String, what: &str, words: impl Iterator<Item = (&'a str, &'a str)>) {
    page.push_str(&heads(&[what, "Meaning"]));
    for (word, meaning) in words {
        page.push_str(&row([code(word).as_str(), &prose(meaning)]));
    }
}

fn by_code(page: &mut String) {
    page.push_str("\n### By OMS's code\n\nThe first row that matches counts.\n");
    page.push_str(&heads(&["Code", "Class", "Repeated", MADE, "Advice"]));
    for line in TABLE {
        page.push_str(&row([
            pattern(line.pattern).as_str(),
            name(line.class),
            again(line.retry),
            &effect(line),
            &prose(line.advice),
        ]));
    }
    for (what, (class, retry, advice), done) in [
        (
            "a message that the action is unsupported",
            UNSUPPORTED,
            NOT_MADE,
        ),
        ("any other code", UNLISTED, PERHAPS_MADE),
    ] {
        page.push_str(&row([
            what,
            name(class),
            again(retry),
            done,
            &prose(advice),
        ]));
    }
}

/// Class, when to repeat, advice; and whether the change was certainly not made.
type Meaning = ((Class, Retry, &'static str), bool);

fn statuses(page: &mut String) {
    page.push_str("\n### By HTTP status\n\nWhat counts when the answer holds no code of OMS.\n");
    page.push_str(&heads(&["Status", "Class", "Repeated", MADE, "Advice"]));
    let meaning = |status| (by_status(status), status_refuses(status));
    // No server may send it; so it gets what any status without a row of its own gets.
    let other = meaning(999);
    let mut groups: Vec<(Meaning, Vec<u16>)> = Vec::new();
    for status in 100..600 {
        let meaning = meaning(status);
        match groups.iter_mut().find(|(known, _)| *known == meaning) {
            Some((_, statuses)) => statuses.push(status),
            None => groups.push((meaning, vec![status])),
        }
    }
    groups.sort_by_key(|(meaning, statuses)| (*meaning == other, statuses[0]));
    for (meaning, statuses) in groups {
        let which = if meaning == other {
            "any other".to_owned()
        } else {
            ranges(&statuses)
        };
        let ((class, retry, advice), refused) = meaning;
        let made = if refused { NOT_MADE } else { PERHAPS_MADE };
        page.push_str(&row([
            which.as_str(),
            name(class),
            again(retry),
            made,
            &prose(advice),
        ]));
    }
}

/// Numbers in order, runs of them as `first–last`.
fn ranges(numbers: &[u16]) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut text = String::new();
    for (first, last) in runs {
        let comma = if text.is_empty() { "" } else { ", " };
        let written = if last - first > 1 {
            write!(text, "{comma}{first}–{last}")
        } else if last > first {
            write!(text, "{comma}{first}, {last}")
        } else {
            write!(text, "{comma}{first}")
        };
        written.expect("a String takes everything");
    }
    text
}

fn name(class: Class) -> &'static str {
    class.as_str()
}

const fn again(retry: Retry) -> &'static str {
    match retry {
        Retry::BackOff => "back-off",
        Retry::Slowly => "slowly",
        Retry::OnChange => "on change",
    }
}

fn pattern(pattern: Pattern) -> String {
    match pattern {
        Pattern::Exact(text) => code(text),
        Pattern::Prefix(text) => format!("{}…", code(text)),
        Pattern::Message(text, start) => {
            format!("{}, message begins with \"{start}\"", code(text))
        }
    }
}

fn effect(line: &Row) -> String {
    match line.effect {
        Effect::Refused => NOT_MADE.to_owned(),
        Effect::RefusedFor(actions) => {
            let names: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
            format!(
                "{NOT_MADE}, of {}; {PERHAPS_MADE}, of others",
                names.join(" and ")
            )
        }
        Effect::MayHaveBegun => PERHAPS_MADE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_exactly_one_row() {
        let page = page();
        let words = ConditionType::ALL.iter().map(|t| t.as_str());
        let classes = Class::ALL.iter().map(|class| class.as_str());
        let rows = |word: &str| {
            let start = format!("| `{word}` |");
            page.lines().filter(|line| line.starts_with(&start)).count()
        };
        for reason in Reason::ALL {
            // A few words are a reason and a condition's type both.
            let both = ConditionType::ALL
                .iter()
                .any(|t| t.as_str() == reason.as_str());
            assert_eq!(rows(reason.as_str()), 1 + usize::from(both), "{reason}");
        }
        for word in words.chain(classes) {
            assert!(rows(word) > 0, "{word}");
        }
    }

    #[test]
    fn runs_of_numbers_are_short() {
        assert_eq!(ranges(&[200, 201, 202, 404, 405]), "200–202, 404, 405");
    }
}
