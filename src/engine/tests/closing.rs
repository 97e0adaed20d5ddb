//! Closing a part of what a stop covers, or all of it: never a way past zero, and always a way out.

use super::*;

fn stop(side: Side, quantity: i64, trigger: &str) -> OrderSpec {
    spec(side, quantity, OrderKind::Stop { trigger: p(trigger) })
}

fn resize(desk: &mut Desk, name: &str, quantity: i64) -> Outcome {
    let change = OrderChange {
        quantity: Some(q(quantity)),
        ..OrderChange::default()
    };
    desk.command(Command::Modify { id: id(name), change })
}

/// 10 held, with both exits of their bracket at the broker.
fn bracketed() -> Desk {
    let mut desk = Desk::ready();
    desk.bracket("A", spec(Side::Buy, 10, limit("100")), "95", "105");
    desk.accept("A");
    desk.fill("A", 10, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.sent();
    desk
}

#[test]
fn who_is_in_the_way_is_named_with_the_ways_that_are_right() {
    let mut desk = Desk::holding(10);
    desk.working("S", stop(Side::Sell, 10, "95"));
    let (code, words) = refusal(desk.submit("P", spec(Side::Sell, 5, limit("105"))));
    assert_eq!(code, DenialCode::Short);
    assert!(
        words.contains("stp 95") && words.contains("'flat AAPL'") && !words.contains("say 'short'"),
        "{words}"
    );
    assert!(
        words.contains("make the stop smaller first (e on it")
            && !words.contains("/api/")
            && !words.contains("(S)"),
        "in plain words: {words}"
    );
    // Smaller first, then the part: what stays is covered, and both together close what is held.
    assert!(matches!(resize(&mut desk, "S", 5), Outcome::Done { .. }));
    let early = desk.submit("E", spec(Side::Sell, 5, OrderKind::Market));
    assert_eq!(
        refusal(early).0,
        DenialCode::Short,
        "not before the broker has said so"
    );
    desk.modified("S", 5);
    let part = desk.submit("P2", spec(Side::Sell, 5, OrderKind::Market));
    assert!(matches!(part, Outcome::Done { .. }), "{part:?}");
    // Bought back, it is the same: what would leave it long does not pass.
    let mut desk = Desk::holding(-10);
    desk.working("S", stop(Side::Buy, 10, "105"));
    let (code, words) = refusal(desk.submit("P", spec(Side::Buy, 5, limit("99"))));
    assert_eq!(code, DenialCode::NothingToClose);
    assert!(words.contains("'flat AAPL'"), "{words}");
}

#[test]
fn a_bracket_is_made_smaller_as_a_whole_and_stays_so() {
    for name in ["sim", "ibkr"] {
        use_broker(name);
        let mut desk = bracketed();
        assert!(matches!(resize(&mut desk, "A.1", 6), Outcome::Done { .. }));
        assert_eq!(desk.sent(), ["modify A.1 to 6", "modify A.2 to 6"], "{name}");
        desk.modified("A.1", 6);
        let early = desk.submit("E", spec(Side::Sell, 4, OrderKind::Market));
        assert_eq!(refusal(early).0, DenialCode::Short, "the target still covers all");
        desk.modified("A.2", 6);
        let part = desk.submit("P", spec(Side::Sell, 4, OrderKind::Market));
        assert!(matches!(part, Outcome::Done { .. }), "{part:?}");
        desk.sent();
        desk.accept("P");
        // Larger than what is left beside it: not while both could fill, and not afterwards.
        assert_eq!(refusal(resize(&mut desk, "A.1", 7)).0, DenialCode::BadQuantity);
        desk.fill("P", 4, "100");
        assert_eq!(desk.sent(), Vec::<String>::new(), "what stays is covered exactly");
        assert_eq!(refusal(resize(&mut desk, "A.1", 7)).0, DenialCode::BadQuantity);
        desk.fill("A.1", 6, "95");
        assert_eq!((desk.sent(), desk.held()), (vec!["cancel A.2".to_owned()], q(0)));
    }
}

#[test]
fn a_bracket_that_could_not_be_made_smaller_stays_as_it_was() {
    let mut desk = bracketed();
    resize(&mut desk, "A.2", 6);
    desk.modified("A.2", 6);
    desk.sent();
    desk.report(Report::ModifyRejected {
        id: id("A.1"),
        reason: "too late".into(),
    });
    assert_eq!(desk.sent(), ["modify A.2 to 10"], "the stop stays where it is");
    // And it is given back by hand where nothing was sold.
    desk.modified("A.2", 10);
    resize(&mut desk, "A.1", 6);
    desk.modified("A.1", 6);
    desk.modified("A.2", 6);
    desk.sent();
    assert!(matches!(resize(&mut desk, "A.1", 10), Outcome::Done { .. }));
    assert_eq!(desk.sent(), ["modify A.1 to 10", "modify A.2 to 10"]);
}

#[test]
fn closing_all_of_what_is_only_protected_takes_the_stop_off_as_the_exit_begins() {
    let close = |desk: &mut Desk| {
        desk.command(Command::Close {
            id: id("C"),
            account: account(),
            instrument: aapl(),
        })
    };
    let mut desk = Desk::holding(10);
    desk.working("S", stop(Side::Sell, 10, "95"));
    desk.sent();
    assert!(matches!(close(&mut desk), Outcome::Done { .. }));
    assert_eq!(close(&mut desk), Outcome::Known { id: id("C") });
    assert_eq!(desk.sent(), ["read"]);
    let there = desk.at_broker("S", Phase::Held);
    desk.read(&[there], &[]);
    assert_eq!(desk.sent(), ["place C SELL 10 AAPL mkt day instead of 10 S"]);
    // Said as an order it is the same, on either side.
    for (held, side) in [(10, Side::Sell), (-10, Side::Buy)] {
        let mut desk = Desk::holding(held);
        let trigger = if held > 0 { "95" } else { "105" };
        desk.working("S", stop(side, 10, trigger));
        desk.sent();
        let all = spec(side, 10, OrderKind::Market);
        assert!(matches!(desk.submit("C", all.clone()), Outcome::Done { .. }));
        assert_eq!(desk.submit("C", all), Outcome::Known { id: id("C") });
        assert_eq!(desk.sent(), ["read"]);
        let there = desk.at_broker("S", Phase::Held);
        desk.read(&[there], &[]);
        assert_eq!(
            desk.sent(),
            [format!("place C {} 10 AAPL mkt day instead of 10 S", side.word())]
        );
    }
    // An entry that works is no part of closing: it is not taken off unasked.
    let mut desk = Desk::holding(10);
    desk.working("S", stop(Side::Sell, 10, "95"));
    desk.working("B", spec(Side::Buy, 1, limit("99")));
    desk.sent();
    let (code, words) = refusal(close(&mut desk));
    assert_eq!(code, DenialCode::NothingToClose);
    assert!(words.contains("'flat AAPL'"), "{words}");
    assert_eq!(desk.sent(), Vec::<String>::new());
}
