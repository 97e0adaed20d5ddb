//! Closing a part beside stops that cover all of it: they give way first, the exit leaves once they have, and what it does not
//! close is given back.

use super::*;

fn stop(quantity: i64) -> OrderSpec {
    spec(Side::Sell, quantity, OrderKind::Stop { trigger: p("95") })
}

/// 10 held, all of it behind one stop.
fn covered() -> Desk {
    let mut desk = Desk::holding(10);
    desk.working("S", stop(10));
    desk.sent();
    desk
}

fn part(desk: &mut Desk, name: &str, quantity: i64) -> Outcome {
    desk.submit(name, spec(Side::Sell, quantity, OrderKind::Market))
}

fn refused_change(desk: &mut Desk, name: &str) {
    desk.report(Report::ModifyRejected {
        id: id(name),
        reason: "too late".into(),
    });
}

#[test]
fn the_stop_gives_way_before_the_exit_leaves() {
    let mut desk = covered();
    let outcome = part(&mut desk, "P", 4);
    assert!(
        matches!(&outcome, Outcome::Done { note: Some(note), .. } if note.as_str().contains("first stp 95 to 6;")),
        "{outcome:?}"
    );
    assert_eq!(desk.sent(), ["modify S to 6"], "nothing beside the whole stop");
    assert_eq!(part(&mut desk, "P", 4), Outcome::Known { id: id("P") });
    assert_eq!(
        refusal(part(&mut desk, "Q", 2)).0,
        DenialCode::Short,
        "one at a time"
    );
    desk.modified("S", 6);
    assert_eq!(desk.sent(), ["place P SELL 4 AAPL mkt day"]);
    desk.accept("P");
    desk.fill("P", 4, "100");
    assert_eq!((desk.sent(), desk.held()), (Vec::new(), q(6)));
    assert!(desk.engine.state().scaling_out.is_empty());
    // What is left is covered, and may be closed in part again.
    assert!(matches!(part(&mut desk, "P2", 3), Outcome::Done { .. }));
    assert_eq!(desk.sent(), ["modify S to 3"]);
}

#[test]
fn what_was_not_closed_is_given_back() {
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.modified("S", 6);
    desk.accept("P");
    desk.fill("P", 1, "100");
    desk.sent();
    desk.cancelled("P");
    assert_eq!(desk.sent(), ["modify S to 9"]);
    assert!(
        desk.last_word().contains("1 of 4 AAPL closed"),
        "{}",
        desk.last_word()
    );
    assert!(desk.engine.state().scaling_out.is_empty());
}

#[test]
fn nothing_leaves_where_the_stop_does_not_give_way() {
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.sent();
    refused_change(&mut desk, "S");
    desk.wait(1);
    assert_eq!((desk.phase("P"), desk.sent()), (Phase::Denied, Vec::new()));
    assert!(desk.engine.state().scaling_out.is_empty());
    let told = |event: &Event| matches!(&event.fact, Fact::ScaleOutEnded { failure: Some(why), .. } if why.as_str().contains("no stop"));
    assert!(!desk.events.iter().any(told), "the stop is there as it was");
    // Without an answer it is given up, and once the answer comes after all the stop is as large as it was.
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.sent();
    desk.wait(6);
    assert_eq!(desk.phase("P"), Phase::Denied);
    desk.sent();
    desk.modified("S", 6);
    assert_eq!(desk.sent(), ["modify S to 10"]);
    assert!(desk.engine.state().scaling_out.is_empty());
}

#[test]
fn both_exits_of_a_bracket_give_way_and_get_it_back() {
    for name in ["sim", "ibkr"] {
        use_broker(name);
        let mut desk = Desk::ready();
        desk.bracket("A", spec(Side::Buy, 10, limit("100")), "95", "105");
        desk.accept("A");
        desk.fill("A", 10, "100");
        desk.accept("A.1");
        desk.accept("A.2");
        desk.sent();
        part(&mut desk, "P", 4);
        assert_eq!(desk.sent(), ["modify A.1 to 6", "modify A.2 to 6"], "{name}");
        desk.modified("A.1", 6);
        assert_eq!(
            desk.sent(),
            Vec::<String>::new(),
            "the target covers all of it still"
        );
        desk.modified("A.2", 6);
        assert_eq!(desk.sent().len(), 1, "{name}");
        desk.accept("P");
        desk.cancelled("P");
        assert_eq!(desk.sent(), ["modify A.1 to 10", "modify A.2 to 10"], "{name}");
    }
}

#[test]
fn several_give_in_proportion_and_a_lot_of_each_stays() {
    let mut desk = Desk::holding(10);
    desk.working("S", stop(6));
    desk.working("T", stop(4));
    desk.sent();
    part(&mut desk, "P", 5);
    assert_eq!(desk.sent(), ["modify S to 3", "modify T to 2"]);
    // One of each: none can give without going altogether.
    let mut desk = Desk::holding(2);
    desk.working("S", stop(1));
    desk.working("T", stop(1));
    let (code, words) = refusal(part(&mut desk, "P", 1));
    assert_eq!(code, DenialCode::Short);
    assert!(words.contains("'flat AAPL'"), "{words}");
}

#[test]
fn a_stop_that_fires_meanwhile_leaves_nothing_to_close_twice() {
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.sent();
    desk.fill("S", 10, "95");
    desk.wait(1);
    assert_eq!((desk.phase("P"), desk.held()), (Phase::Denied, q(0)));
    assert_eq!(desk.sent(), Vec::<String>::new());
    assert!(desk.engine.state().scaling_out.is_empty());
}

#[test]
fn a_new_process_sends_nothing_that_was_not_sent_and_gives_back() {
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.modified("S", 6);
    // The exit had left: it is asked about like any order.
    assert_eq!(desk.phase("P"), Phase::InFlight);
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.sent();
    desk.start();
    assert_eq!(desk.phase("P"), Phase::Denied);
    desk.up(AccountClass::Sim);
    let mut there = desk.at_broker("S", Phase::Held);
    there.spec.quantity = q(6);
    desk.read(std::slice::from_ref(&there), &[]);
    desk.wait(6);
    desk.read(&[there], &[]);
    assert!(desk.sent().contains(&"modify S to 10".to_owned()));
    assert!(desk.engine.state().scaling_out.is_empty());
}

#[test]
fn a_flatten_takes_over() {
    let mut desk = covered();
    part(&mut desk, "P", 4);
    desk.sent();
    desk.command(Command::Flatten {
        id: id("F"),
        account: account(),
        instrument: aapl(),
    });
    assert!(desk.engine.state().scaling_out.is_empty());
    desk.modified("S", 6);
    assert!(
        !desk.engine.state().orders.contains_key(&id("P")),
        "{:?}",
        desk.sent()
    );
}

#[test]
fn an_order_with_a_price_is_refused_with_the_ways_that_are_right() {
    let mut desk = covered();
    let (code, words) = refusal(desk.submit("P", spec(Side::Sell, 5, limit("105"))));
    assert_eq!(code, DenialCode::Short);
    assert!(words.contains("'flat AAPL'"), "{words}");
    // What is allowed as it is waits for nobody: selling short was said.
    let short = OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, 5, OrderKind::Market)
    };
    desk.submit("X", short);
    assert!(!desk.sent().iter().any(|request| request.contains("modify")));
}
