//! The account: refused for all that the operator can do; never tried in a
//! hurry, because accounts get locked.

use super::{Row, goes_in_and_out, page};

#[tokio::test]
async fn a_401_heals_by_itself() {
    let row = Row::new("401", page(401), "AuthenticationFailed");
    goes_in_and_out(row.says(&["401", "Secret"]).stalled()).await;
}

#[tokio::test]
async fn a_403_heals_by_itself() {
    let row = Row::new("403", page(403), "AuthenticationFailed");
    goes_in_and_out(row.says(&["403", "right"]).stalled()).await;
}
