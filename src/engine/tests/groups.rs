//! Brackets, pairs, closing words and halts: what protects is never larger than what it protects.

use super::*;

fn bracketed() -> Desk {
    let mut desk = Desk::ready();
    desk.bracket("A", spec(Side::Buy, 100, limit("100")), "95", "105");
    assert_eq!(desk.sent(), ["place A BUY 100 AAPL lmt 100.00 day"]);
    desk.accept("A");
    desk
}

#[test]
fn children_follow_what_the_entry_fills_and_take_from_each_other() {
    let mut desk = bracketed();
    assert_eq!(
        (desk.phase("A.1"), desk.phase("A.2")),
        (Phase::Created, Phase::Created)
    );
    desk.fill("A", 40, "100");
    assert_eq!(
        desk.sent(),
        [
            "place A.1 SELL 40 AAPL stp 95.00 gtc",
            "place A.2 SELL 40 AAPL lmt 105.00 gtc"
        ]
    );
    desk.accept("A.1");
    // The entry fills more while the target is still in flight: its answer brings the change.
    desk.fill("A", 60, "100");
    assert_eq!(desk.sent(), ["modify A.1 to 100"]);
    desk.accept("A.2");
    assert_eq!(desk.sent(), ["modify A.2 to 100"]);
    desk.modified("A.1", 100);
    desk.modified("A.2", 100);
    desk.fill("A.2", 30, "105");
    assert_eq!(desk.sent(), ["modify A.1 to 70"]);
    desk.modified("A.1", 70);
    desk.fill("A.2", 70, "105");
    assert_eq!((desk.sent(), desk.held()), (vec!["cancel A.1".to_owned()], q(0)));
    desk.cancelled("A.1");
    assert_eq!(
        (desk.phase("A.1"), desk.phase("A.2")),
        (Phase::Cancelled, Phase::Filled)
    );
}

#[test]
fn a_trade_that_is_ending_opens_no_more() {
    let mut desk = bracketed();
    desk.fill("A", 40, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.sent();
    desk.fill("A.1", 40, "95");
    assert_eq!(desk.sent(), ["cancel A.2", "cancel A"]);
}

#[test]
fn an_entry_that_ends_empty_takes_its_children_along() {
    let mut desk = bracketed();
    desk.cancelled("A");
    assert_eq!(
        (desk.phase("A.1"), desk.phase("A.2")),
        (Phase::Cancelled, Phase::Cancelled)
    );
    assert_eq!(desk.sent().len(), 0);
    // A fill after the end opens what nothing protects: that is said.
    desk.fill("A", 10, "100");
    assert!(
        desk.last_word().contains("nothing protects it"),
        "{}",
        desk.last_word()
    );
}

#[test]
fn a_stop_that_is_refused_is_loud() {
    let mut desk = bracketed();
    desk.fill("A", 100, "100");
    desk.report(Report::Rejected {
        id: id("A.1"),
        reason: "no stops here".into(),
    });
    assert!(
        desk.last_word().starts_with("NOT PROTECTED"),
        "{}",
        desk.last_word()
    );
}

#[test]
fn what_was_closed_elsewhere_is_no_longer_a_childs_to_close() {
    let mut desk = bracketed();
    desk.fill("A", 100, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.sent();
    // Closed by hand in part, at the broker's own screen.
    let stray = Execution {
        order: None,
        side: Side::Sell,
        ..desk.execution("A", 30, "101")
    };
    desk.report(Report::Executed(stray));
    assert_eq!(desk.sent(), ["modify A.1 to 70", "modify A.2 to 70"]);
    desk.modified("A.1", 70);
    desk.modified("A.2", 70);
    desk.submit(
        "M",
        OrderSpec {
            allow_short: true,
            ..spec(Side::Sell, 70, OrderKind::Market)
        },
    );
    desk.sent();
    desk.fill("M", 70, "101");
    assert_eq!(
        (desk.sent(), desk.held()),
        (vec!["cancel A.1".to_owned(), "cancel A.2".to_owned()], q(0))
    );
}

#[test]
fn two_brackets_together_never_close_more_than_is_held() {
    let mut desk = Desk::ready();
    for name in ["A", "B"] {
        desk.bracket(
            name,
            spec(Side::Buy, 100, limit(if name == "A" { "100" } else { "99.99" })),
            "95",
            "105",
        );
        desk.accept(name);
        desk.fill(name, 100, "100");
        desk.accept(&format!("{name}.1"));
        desk.accept(&format!("{name}.2"));
    }
    desk.sent();
    let stray = Execution {
        order: None,
        side: Side::Sell,
        ..desk.execution("A", 150, "101")
    };
    desk.report(Report::Executed(stray));
    assert_eq!(
        desk.sent(),
        ["modify A.1 to 50", "modify A.2 to 50", "cancel B.1", "cancel B.2"]
    );
}

#[test]
fn a_bracket_against_an_old_short_never_crosses_zero() {
    let mut desk = Desk::holding(-100);
    desk.bracket("A", spec(Side::Buy, 150, limit("100")), "95", "105");
    desk.accept("A");
    desk.fill("A", 80, "100");
    assert_eq!(
        (desk.held(), desk.phase("A.1")),
        (q(-20), Phase::Created),
        "there is nothing to protect yet"
    );
    desk.sent();
    desk.fill("A", 70, "100");
    assert_eq!(desk.held(), q(50));
    assert_eq!(
        desk.sent(),
        [
            "place A.1 SELL 50 AAPL stp 95.00 gtc",
            "place A.2 SELL 50 AAPL lmt 105.00 gtc"
        ]
    );
}

#[test]
fn a_size_that_could_not_be_changed_without_a_link_is_changed_with_it() {
    let mut desk = bracketed();
    desk.fill("A", 40, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.broker(BrokerEvent::Down {
        reason: "reset".into(),
    });
    desk.sent();
    desk.fill("A", 60, "100");
    assert_eq!(desk.sent().len(), 0);
    desk.up(AccountClass::Sim);
    let orders =
        [("A.1", Phase::Held), ("A.2", Phase::Working)].map(|(name, phase)| desk.at_broker(name, phase));
    desk.read(&orders, &[]);
    assert_eq!(desk.sent(), ["read", "modify A.1 to 100", "modify A.2 to 100"]);
}

#[test]
fn a_refused_shrink_takes_the_order_off() {
    let mut desk = bracketed();
    desk.fill("A", 100, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.fill("A.2", 30, "105");
    desk.sent();
    desk.report(Report::ModifyRejected {
        id: id("A.1"),
        reason: "no".into(),
    });
    assert_eq!(desk.sent(), ["cancel A.1"]);
}

#[test]
fn of_a_pair_one_takes_from_the_other() {
    let mut desk = Desk::holding(100);
    desk.now = desk.now.after(SECOND);
    let pair = Command::SubmitPair {
        first: id("P1"),
        first_spec: spec(Side::Sell, 100, limit("105")),
        second: id("P2"),
        second_spec: spec(Side::Sell, 100, OrderKind::Stop { trigger: p("95") }),
        seen: Vec::new(),
    };
    assert!(
        matches!(desk.command(pair.clone()), Outcome::Done { .. }),
        "together they reduce: one of them fills"
    );
    assert_eq!(desk.command(pair.clone()), Outcome::Known { id: id("P1") });
    let Command::SubmitPair {
        first,
        first_spec,
        second,
        mut second_spec,
        ..
    } = pair
    else {
        unreachable!()
    };
    second_spec.kind = OrderKind::Stop { trigger: p("94") };
    let other = Command::SubmitPair {
        first,
        first_spec,
        second,
        second_spec,
        seen: Vec::new(),
    };
    assert_eq!(refusal(desk.command(other)).0, DenialCode::IdReused);
    desk.accept("P1");
    desk.accept("P2");
    desk.sent();
    desk.fill("P1", 30, "105");
    assert_eq!(desk.sent(), ["modify P2 to 70"]);
    desk.modified("P2", 70);
    desk.fill("P2", 70, "95");
    assert_eq!((desk.sent(), desk.held()), (vec!["cancel P1".to_owned()], q(0)));
}

#[test]
fn the_same_bracket_again_is_known_and_with_another_stop_refused() {
    let mut desk = bracketed();
    let buy = spec(Side::Buy, 100, limit("100"));
    assert_eq!(
        desk.bracket("A", buy.clone(), "95", "105"),
        Outcome::Known { id: id("A") }
    );
    assert_eq!(
        refusal(desk.bracket("A", buy, "94", "105")).0,
        DenialCode::IdReused
    );
    assert_eq!(desk.sent().len(), 0);
}

#[test]
fn a_close_is_capped_by_what_already_closes() {
    let mut desk = Desk::holding(100);
    desk.working("S", spec(Side::Sell, 60, OrderKind::Stop { trigger: p("95") }));
    desk.sent();
    desk.now = desk.now.after(SECOND);
    let close = |name: &str| Command::Close {
        id: id(name),
        account: account(),
        instrument: aapl(),
    };
    desk.command(close("X"));
    assert_eq!(desk.sent(), ["place X SELL 40 AAPL mkt day"]);
    assert_eq!(refusal(desk.command(close("Y"))).0, DenialCode::NothingToClose);
}

#[test]
fn a_halt_and_a_failing_journal_take_entries_off_and_leave_what_closes() {
    for journal in [false, true] {
        let mut desk = bracketed();
        desk.fill("A", 40, "100");
        desk.accept("A.1");
        desk.accept("A.2");
        desk.sent();
        if journal {
            desk.step(&Input::StorageFailed {
                reason: "disk full".into(),
            });
        } else {
            desk.command(Command::SetTrading {
                account: account(),
                state: TradingState::Halted,
                reason: "enough".into(),
            });
        }
        assert_eq!(
            desk.sent(),
            ["cancel A"],
            "stop and target only take off what is held"
        );
        // Too late: the entry fills. Both grow with it although trading is halted.
        desk.fill("A", 60, "100");
        assert_eq!(desk.sent(), ["modify A.1 to 100", "modify A.2 to 100"]);
    }
}

#[test]
fn cancel_all_keeps_stops_unless_told() {
    let mut desk = Desk::holding(100);
    desk.working("S", spec(Side::Sell, 100, OrderKind::Stop { trigger: p("95") }));
    desk.working("B", spec(Side::Buy, 10, limit("99")));
    desk.sent();
    let all = |stops_too| Command::CancelAll {
        account: account(),
        instrument: None,
        stops_too,
    };
    let Outcome::Done { note: Some(note), .. } = desk.command(all(false)) else {
        panic!("done")
    };
    assert_eq!(
        (note.as_str(), desk.sent()),
        ("1 cancel, kept: 1 stop", vec!["cancel B".to_owned()])
    );
    desk.command(all(true));
    assert_eq!(desk.sent(), ["cancel B", "cancel S"]);
}

#[test]
fn a_terminal_sends_no_pair_and_no_order_that_adds_risk_without_what_was_shown_of_it() {
    let mut desk = Desk::ready();
    let pair = |name: &str| Command::SubmitPair {
        first: id(&format!("{name}1")),
        first_spec: spec(Side::Buy, 100, limit("99")),
        second: id(&format!("{name}2")),
        second_spec: spec(Side::Buy, 100, OrderKind::Stop { trigger: p("101") }),
        seen: Vec::new(),
    };
    let (code, text) = refusal(desk.blind(pair("P")));
    assert_eq!(code, DenialCode::StalePreview);
    assert!(text.contains("preview it"), "{text}");
    // Half of it was seen: that is not the pair.
    let mut half = digest::looked_at(&desk.market, pair("P"));
    if let Command::SubmitPair { seen, .. } = &mut half {
        seen.truncate(1);
    }
    assert_eq!(refusal(desk.blind(half)).0, DenialCode::StalePreview);
    // The market left where it was looked at.
    let seen = digest::looked_at(&desk.market, pair("P"));
    desk.quote("101.00", "101.02");
    assert_eq!(refusal(desk.blind(seen.clone())).0, DenialCode::StalePreview);
    desk.quote("100.00", "100.02");
    assert!(matches!(desk.blind(seen), Outcome::Done { .. }));
    let single = |name: &str, side| Command::Submit {
        id: id(name),
        spec: spec(side, 10, limit(if side == Side::Buy { "98" } else { "99" })),
        legs: Legs::default(),
        seen: None,
    };
    assert_eq!(
        refusal(desk.blind(single("A", Side::Buy))).0,
        DenialCode::StalePreview
    );
    let entries = vec![Entry {
        id: id("B"),
        spec: spec(Side::Buy, 11, limit("98")),
        legs: Legs::default(),
        seen: None,
    }];
    let basket = Command::SubmitAll { orders: entries };
    assert_eq!(refusal(desk.blind(basket)).0, DenialCode::StalePreview);
    assert!(
        !desk.engine.state().orders.contains_key(&id("A")),
        "nothing is recorded of it"
    );
    // The way out asks for nothing, and a shell states its order in full.
    let mut desk = Desk::holding(100);
    desk.now = desk.now.after(SECOND);
    assert!(matches!(
        desk.blind(single("X", Side::Sell)),
        Outcome::Done { .. }
    ));
    desk.origin.kind = SessionKind::Shell;
    assert!(matches!(desk.blind(single("C", Side::Buy)), Outcome::Done { .. }));
}
