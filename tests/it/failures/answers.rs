//! What answers, and how: not like OMS, or with trouble.

use std::time::Duration;

use oms_simulator::{Fault, Kind};
use serde_json::json;

use super::{Row, goes_in_and_out, page, told_once, waits_for};
use crate::world::{PASSWORD, World, message};

#[tokio::test]
async fn an_unparsable_reply_heals_by_itself() {
    let row = Row::new("garbage", Kind::Garbage, "NotOms");
    goes_in_and_out(row.says(&["not JSON", "URL"])).await;
}

#[tokio::test]
async fn an_html_page_heals_by_itself() {
    let row = Row::new("html", page(200), "NotOms");
    goes_in_and_out(row.says(&["HTML", "URL"])).await;
}

#[tokio::test]
async fn a_404_heals_by_itself() {
    let row = Row::new("404", page(404), "NotOms");
    goes_in_and_out(row.says(&["404", "URL"])).await;
}

#[tokio::test]
async fn a_429_heals_by_itself() {
    let kind = Kind::too_many_requests(Duration::from_secs(1));
    goes_in_and_out(Row::new("429", kind, "Throttled").says(&["429", "fewer"])).await;
}

#[tokio::test]
async fn a_500_heals_by_itself() {
    let row = Row::new("500", page(500), "OmsError");
    goes_in_and_out(row.says(&["500", "OMS runs"])).await;
}

#[tokio::test]
async fn a_503_heals_by_itself() {
    let row = Row::new("503", page(503), "OmsError");
    goes_in_and_out(row.says(&["503", "OMS runs"])).await;
}

#[tokio::test]
async fn an_error_of_oms_is_shown_in_its_words_and_heals_by_itself() {
    let kind = Kind::Business {
        code: "INNER_ERROR".into(),
        message: "The meta database is full.".into(),
        advice: "Make room.".into(),
    };
    let row = Row::new("inner", kind, "OmsError");
    let says = &[
        "INNER_ERROR",
        "meta database is full",
        "Make room.",
        "request id",
    ];
    goes_in_and_out(row.says(says)).await;
}

#[tokio::test]
async fn of_what_oms_says_only_a_short_clean_line_is_shown() {
    let world = World::new("fail-long").await;
    let operator = world.operator().await;
    let head = "The beginning\u{1b}[31m\u{202e}\r\n of it";
    let text = format!("{head} {PASSWORD} {} TAIL", "words ".repeat(60));
    let kind = Kind::Business {
        code: "INNER_ERROR".into(),
        message: text.clone(),
        advice: text,
    };
    world.oms().fault(Fault::new("*", kind));
    world.create("late", json!({})).await;
    let told = world.until_connection("oms", "OmsError").await;
    let late = waits_for(&world, "late", "oms", "OmsError").await;
    told_once(&world, "oms", "OmsError").await;
    told_once(&world, "late", "OmsError").await;
    let mut texts = vec![told, message(&late).to_owned()];
    let connection = world.connections().get("oms").await.unwrap();
    let conditions = connection.status.unwrap().conditions;
    texts.extend(conditions.into_iter().map(|one| one.message));
    for name in ["oms", "late"] {
        texts.extend(world.events(name).await);
    }
    let shown = texts.iter().filter(|text| text.contains("The beginning"));
    // Ready and its like of both, and an Event for each.
    assert!(shown.count() >= 6, "{texts:#?}");
    for text in &texts {
        assert!(!text.contains("TAIL"), "{text:?}");
        assert!(!text.contains(PASSWORD), "{text:?}");
        let odd = |one: char| one.is_control() || one == '\u{202e}';
        assert!(!text.contains(odd), "{text:?}");
    }
    world.oms().clear_faults();
    world.until_running("late").await;
    world.finish([operator]).await;
}
