//! What has just happened, in one line each.

use super::row::{Mark, Row};

/// What the step from one look to the next tells.
pub fn remarks(before: Option<&Row>, row: &Row) -> Vec<String> {
    let name = &row.name;
    let mark = before.map(|before| before.mark);
    let had_id = before.is_some_and(|before| before.id.is_some());
    let mut remarks = Vec::new();
    if row.mark == Mark::Doubt && mark != Some(Mark::Doubt) {
        remarks.push(format!(
            "{name}: the answer to CreateProject was lost. OMS may have the project or not; the operator creates no \
             other one, it looks for this one."
        ));
    }
    if let (false, Some(id)) = (had_id, &row.id) {
        remarks.push(match mark {
            Some(Mark::Doubt) => {
                format!("{name}: found again in OMS as {id}: one resource, one project.")
            }
            _ => format!("{name}: created in OMS as {id}."),
        });
    }
    if mark == Some(row.mark) || before.is_none() {
        return remarks;
    }
    match (row.mark, row.reason.as_str()) {
        (Mark::Good, "CaughtUp") => {
            remarks.push(format!(
                "{name}: all rows are copied, and the target keeps up with the source."
            ));
        }
        (Mark::Good, _) => remarks.push(format!(
            "{name}: all of it is copied, and OMS has ended the project."
        )),
        (Mark::Bad, reason) => remarks.push(format!("{name}: {reason}: {}", row.message)),
        (Mark::Busy | Mark::Doubt, _) => {}
    }
    remarks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::row::tests::row;

    fn doubtful() -> Row {
        let conditions = json!([{"type": "Ready", "status": "False", "reason": "Creating", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        row(
            "orders",
            json!({"create": {"outcome": "Unknown"}, "conditions": conditions}),
        )
    }

    #[test]
    fn a_lost_reply_is_told_once_and_so_is_its_end() {
        let doubt = doubtful();
        let told = remarks(None, &doubt);
        assert!(told[0].contains("was lost"), "{told:?}");
        assert!(remarks(Some(&doubt), &doubt).is_empty());
        let found = row("orders", json!({"projectId": "np_1"}));
        let told = remarks(Some(&doubt), &found);
        assert_eq!(
            told,
            ["orders: found again in OMS as np_1: one resource, one project."]
        );
        assert!(remarks(Some(&found), &found).is_empty());
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_oms() {
        let before = row("billing", json!({"projectId": "np_1"}));
        let after = Row {
            mark: Mark::Bad,
            reason: "PrecheckFailed".to_owned(),
            message: "Grant it.".to_owned(),
            ..before.clone()
        };
        assert_eq!(
            remarks(Some(&before), &after),
            ["billing: PrecheckFailed: Grant it."]
        );
    }
}
