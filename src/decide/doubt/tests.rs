use super::*;

const NOON: Timestamp = Timestamp::constant(1_800_000_000, 500_000_000);

fn ids(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|number| format!("np_{number}")).collect()
}

fn sweep(vanished: BTreeSet<String>, seen: usize) -> Sweep<'static> {
    Sweep {
        vanished,
        seen,
        proven: true,
        word: None,
        now: NOON,
    }
}

fn first(vanished: usize, seen: usize) -> Vanished {
    judge(&Vanished::default(), None, sweep(ids(0..vanished), seen))
}

#[test]
fn more_than_three_and_more_than_a_fifth_are_doubted() {
    for (vanished, seen, doubted) in [
        (0, 10, false),
        (1, 0, false),
        (3, 0, false),
        (4, 0, true),
        (4, 15, true),
        // Just a fifth.
        (4, 16, false),
        (2000, 8000, false),
        (2001, 7999, true),
    ] {
        let judged = first(vanished, seen);
        assert_eq!(judged.doubt().is_some(), doubted, "{vanished}, {seen}");
        assert_eq!(judged.is_doubtful("np_0"), doubted, "{vanished}, {seen}");
        assert_eq!((judged.ids.len(), judged.of), (vanished, vanished + seen));
    }
}

#[test]
fn an_address_under_which_nothing_was_seen_yet_is_not_believed_about_a_single_one() {
    let unproven = |vanished, seen| {
        let sweep = Sweep {
            proven: false,
            ..sweep(ids(0..vanished), seen)
        };
        judge(&Vanished::default(), None, sweep).doubt().is_some()
    };
    assert!(unproven(1, 0));
    assert!(!unproven(0, 0));
    assert!(!unproven(1, 1), "another one shows that it is the OMS");
}

#[test]
fn a_doubt_lasts_until_the_last_one_is_seen_again() {
    let doubted = first(10, 0);
    let since = doubted.doubt().unwrap().since;
    assert_eq!(since, Timestamp::constant(1_800_000_000, 0));
    let fewer = judge(&doubted, None, sweep(ids(0..1), 9));
    assert_eq!(fewer.doubt().map(|doubt| doubt.since), Some(since));
    assert!(fewer.is_doubtful("np_0"));
    assert!(!fewer.is_doubtful("np_1"), "it was seen");
    let none = judge(&fewer, None, sweep(ids(0..0), 10));
    assert_eq!(none.doubt, None);
    let one = judge(&none, None, sweep(ids(0..1), 9));
    assert_eq!(one.doubt, None, "it begins anew only by the rule");
}

#[test]
fn a_human_answers_one_doubt_and_no_later_one() {
    let doubted = first(10, 0);
    let word = doubted.doubt().unwrap().since.to_string();
    assert_eq!(word, "2027-01-15T08:00:00Z");
    let say = |word, before: &Vanished, vanished| {
        let sweep = Sweep {
            word: Some(word),
            ..sweep(vanished, 0)
        };
        judge(before, None, sweep)
    };
    assert!(say("true", &doubted, ids(0..10)).is_doubtful("np_0"));
    assert_eq!(doubted.answered("true"), None);
    let answered = doubted.answered(&word).unwrap();
    assert!(!answered.is_doubtful("np_0"));
    assert_eq!(answered.answered(&word), None, "no news");
    let confirmed = say(&word, &doubted, ids(0..10));
    assert!(!confirmed.is_doubtful("np_0"));
    let draining = say(&word, &confirmed, ids(3..10));
    assert!(!draining.is_doubtful("np_3"), "it holds for the rest");
    let grown = say(&word, &draining, ids(5..11));
    assert!(grown.is_doubtful("np_5"), "it was not said of np_10");
    assert!(grown.is_doubtful("np_10"));
}

#[test]
fn another_process_takes_the_doubt_and_the_answer_over() {
    let since: Timestamp = "2027-01-14T00:00:00Z".parse().unwrap();
    let told = |projects| Some(Told { since, projects });
    let begin = |told, vanished, word| {
        let sweep = Sweep {
            word,
            ..sweep(vanished, 20)
        };
        judge(&Vanished::default(), told, sweep)
    };
    let few = begin(told(9), ids(0..2), None);
    assert_eq!(few.doubt().map(|doubt| doubt.since), Some(since));
    let word = Some("2027-01-14T00:00:00Z");
    assert_eq!(begin(told(9), ids(0..9), word).doubt(), None);
    let more = begin(told(9), ids(0..10), word);
    assert!(more.doubt().is_some_and(|doubt| doubt.since > since));
    assert_eq!(begin(told(9), ids(0..0), None).doubt, None);
    assert_eq!(begin(None, ids(0..2), None).doubt, None);
}

#[test]
fn the_message_has_the_line_that_answers() {
    let problem = first(7, 13).problem("https://oms:8089", "shop", "prod");
    let message = problem.unwrap().message;
    assert!(message.contains("7 of the 20 projects"), "{message}");
    let line = "kubectl annotate --overwrite omsconnection prod -n shop \
                oms.oceanbase.com/confirm-gone=2027-01-15T08:00:00Z";
    assert!(message.ends_with(line), "{message}");
    assert!(message.len() < 1024, "cut off in the condition");
    assert_eq!(
        first(3, 0).problem("https://oms:8089", "shop", "prod"),
        None
    );
}
