//! The projects as lines, one for each change, for a pipe or a log.

use super::row::Row;
use super::table::sign;

/// Percentages are worth a line in such steps only.
const PROGRESS_STEP: i32 = 25;

/// The line of a row, unless it would say what the line of `before` said.
pub fn change(before: Option<&Row>, row: &Row) -> Option<String> {
    let same = before.is_some_and(|before| seen(before) == seen(row));
    (!same).then(|| line(row))
}

/// What a reader of lines wants to know of.
fn seen(row: &Row) -> Row {
    Row {
        progress: row.progress.map(|percent| percent / PROGRESS_STEP),
        message: String::new(),
        ..row.clone()
    }
}

fn line(row: &Row) -> String {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    let progress = row.progress.map(|percent| format!("{percent} %"));
    let lag = row.lag.map(|lag| format!("lag <= {lag} s"));
    let line = format!(
        "{:<16} {:<16} {:<9} {:<22} {:>5}  {} {:<16} {}",
        row.name,
        text(&row.id),
        text(&row.status),
        text(&row.step),
        progress.unwrap_or_default(),
        sign(row.mark),
        row.reason,
        lag.unwrap_or_default(),
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::row::tests::row;

    fn at(step: &str, percent: i32) -> Row {
        row(
            "shop",
            json!({"projectId": "np_1", "currentStep": step, "progress": percent}),
        )
    }

    #[test]
    fn only_what_changes_is_a_line() {
        let first = at("FULL_TRANSFER", 26);
        assert!(change(None, &first).is_some());
        assert_eq!(change(Some(&first), &at("FULL_TRANSFER", 49)), None);
        let half = change(Some(&first), &at("FULL_TRANSFER", 50)).unwrap();
        assert!(
            half.contains("FULL_TRANSFER") && half.contains("50 %"),
            "{half}"
        );
        assert!(change(Some(&first), &at("INCR_TRANSFER", 26)).is_some());
    }

    #[test]
    fn a_line_has_no_escape_codes_and_no_end() {
        let line = change(None, &at("FULL_TRANSFER", 26)).unwrap();
        assert!(
            !line.contains(|letter: char| letter.is_control()),
            "{line:?}"
        );
    }
}
