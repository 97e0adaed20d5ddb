//! Every control refuses with its code, says what would pass, and lets that pass.

use super::*;

/// Submits, expects a denial, and returns its code and words.
fn denied(desk: &mut Desk, name: &str, spec: OrderSpec) -> (DenialCode, String) {
    let outcome = desk.submit(name, spec);
    assert!(
        desk.sent().iter().all(|request| request == "read"),
        "{outcome:?} and yet it left"
    );
    refusal(outcome)
}

fn passes(desk: &mut Desk, name: &str, spec: OrderSpec) {
    let outcome = desk.submit(name, spec);
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    desk.sent();
}

#[test]
fn sizes_values_and_prices_name_the_nearest_that_passes() {
    use DenialCode::*;
    let buy = |quantity, price: &str| spec(Side::Buy, quantity, limit(price));
    let cases = [
        (buy(0, "100"), BadQuantity, "nearest: 1"),
        (buy(100, "100.005"), BadPrice, "nearest: 100.00"),
        (buy(100, "0"), BadPrice, "not positive"),
        (buy(10_001, "100"), MaxQuantity, "10000 would pass"),
        (buy(10_000, "100.02"), MaxValue, "9998 would pass"),
        (buy(10, "103.03"), Collar, "103.02 would pass"),
        (spec(Side::Sell, 10, limit("96.99")), Short, "say 'short'"),
        (
            OrderSpec {
                allow_short: true,
                ..spec(Side::Sell, 10, limit("96.99"))
            },
            Collar,
            "97.00 would pass",
        ),
        (
            OrderSpec {
                instrument: InstrumentId::new("NOPE").unwrap(),
                ..buy(1, "100")
            },
            UnknownInstrument,
            "NOPE",
        ),
        (
            OrderSpec {
                tif: TimeInForce::Ioc,
                ..spec(Side::Buy, 1, OrderKind::Stop { trigger: p("101") })
            },
            BadOrder,
            "stop",
        ),
        (
            OrderSpec {
                display: Some(q(2)),
                ..buy(1, "100")
            },
            BadOrder,
            "shown",
        ),
    ];
    for (number, (order, code, words)) in cases.into_iter().enumerate() {
        let mut desk = Desk::ready();
        let got = denied(&mut desk, &format!("A{number}"), order);
        assert_eq!(got.0, code, "{got:?}");
        assert!(got.1.contains(words), "{got:?} lacks '{words}'");
        assert_eq!(desk.phase(&format!("A{number}")), Phase::Denied);
    }
    let mut desk = Desk::ready();
    passes(&mut desk, "B1", buy(9_998, "100.02"));
    passes(&mut desk, "B2", buy(10, "103.02"));
    // A stop-limit is measured from its own trigger, not from a market that is still far away.
    let far = OrderKind::StopLimit {
        trigger: p("120"),
        price: p("120.50"),
    };
    passes(&mut desk, "B3", spec(Side::Buy, 10, far));
    let reach = OrderKind::StopLimit {
        trigger: p("120"),
        price: p("130"),
    };
    assert_eq!(denied(&mut desk, "B4", spec(Side::Buy, 10, reach)).0, Collar);
}

#[test]
fn working_orders_count_in_full_toward_the_position() {
    let mut desk = Desk::ready();
    for (name, price) in [("A", "99.99"), ("B", "99.98")] {
        passes(&mut desk, name, spec(Side::Buy, 10_000, limit(price)));
    }
    let (code, words) = denied(&mut desk, "C", spec(Side::Buy, 10_000, limit("100")));
    assert_eq!(code, DenialCode::MaxPosition);
    assert!(words.contains("5000 would pass"), "{words}");
    // The value limit of one order comes first; five thousand stay within both.
    passes(&mut desk, "D", spec(Side::Buy, 5_000, limit("100")));
}

#[test]
fn duplicates_and_bursts_are_refused_and_the_way_out_is_not() {
    let mut desk = Desk::holding(1_000);
    let buy = spec(Side::Buy, 1, limit("99"));
    let command = |name: &str, spec: &OrderSpec| Command::Submit {
        id: id(name),
        spec: spec.clone(),
        legs: Legs::default(),
        seen: None,
    };
    assert!(matches!(desk.command(command("A", &buy)), Outcome::Done { .. }));
    assert_eq!(refusal(desk.command(command("B", &buy))).0, DenialCode::Duplicate);
    let stops = ["101", "102"].map(|price| spec(Side::Buy, 1, OrderKind::Stop { trigger: p(price) }));
    for (name, stop) in ["S1", "S2"].iter().zip(&stops) {
        assert!(
            matches!(desk.command(command(name, stop)), Outcome::Done { .. }),
            "two triggers are two orders"
        );
    }
    for number in 0..7 {
        let buy = spec(Side::Buy, 2 + number, limit("99"));
        assert!(matches!(
            desk.command(command(&format!("C{number}"), &buy)),
            Outcome::Done { .. }
        ));
    }
    assert_eq!(
        refusal(desk.command(command("D", &spec(Side::Buy, 50, limit("99"))))).0,
        DenialCode::Rate
    );
    let sell = spec(Side::Sell, 10, OrderKind::Market);
    assert!(
        matches!(desk.command(command("E", &sell)), Outcome::Done { .. }),
        "what reduces is not held up"
    );
    desk.now = desk.now.after(SECOND * 2);
    assert!(matches!(desk.command(command("F", &buy)), Outcome::Done { .. }));
}

#[test]
fn the_number_of_live_orders_is_bounded() {
    let mut desk = Desk::ready();
    for number in 0..20 {
        passes(
            &mut desk,
            &format!("A{number}"),
            spec(Side::Buy, 1 + number, limit("99")),
        );
    }
    assert_eq!(
        denied(&mut desk, "B", spec(Side::Buy, 50, limit("99"))).0,
        DenialCode::MaxOrders
    );
}

#[test]
fn more_than_is_held_is_sold_only_when_meant() {
    let mut desk = Desk::holding(100);
    passes(&mut desk, "A", spec(Side::Sell, 60, limit("101")));
    let (code, words) = denied(&mut desk, "B", spec(Side::Sell, 50, limit("101")));
    assert_eq!(code, DenialCode::Short);
    assert!(words.contains("40 more"), "{words}");
    passes(
        &mut desk,
        "C",
        OrderSpec {
            allow_short: true,
            ..spec(Side::Sell, 50, limit("101"))
        },
    );
    desk.accept("A");
    // Nor does a change reach further than a new order would.
    let change = OrderChange {
        quantity: Some(q(120)),
        ..OrderChange::default()
    };
    assert_eq!(
        refusal(desk.command(Command::Modify { id: id("A"), change })).0,
        DenialCode::Short
    );
}

#[test]
fn a_waiting_bracket_does_not_stand_in_the_way_of_a_close() {
    let mut desk = Desk::holding(100);
    desk.bracket("A", spec(Side::Buy, 50, limit("99")), "95", "105");
    desk.sent();
    desk.now = desk.now.after(SECOND);
    let close = Command::Close {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    };
    assert!(matches!(desk.command(close.clone()), Outcome::Done { .. }));
    assert_eq!(desk.sent(), ["place X SELL 100 AAPL mkt day"]);
    desk.fill("X", 100, "100");
    assert_eq!(
        desk.command(close),
        Outcome::Known { id: id("X") },
        "the same word again is the same order"
    );
}

#[test]
fn halted_and_reducing_let_only_the_way_out_pass() {
    for trading in [TradingState::Reducing, TradingState::Halted] {
        let mut desk = Desk::holding(100);
        desk.working("R", spec(Side::Buy, 10, limit("99")));
        desk.command(Command::SetTrading {
            account: account(),
            state: trading,
            reason: "lunch".into(),
        });
        desk.report(Report::CancelRejected {
            id: id("R"),
            reason: "too late".into(),
        });
        desk.sent();
        assert_eq!(
            denied(&mut desk, "A", spec(Side::Buy, 1, limit("100"))).0,
            DenialCode::Trading
        );
        let closer = OrderChange {
            price: Some(p("100.02")),
            ..OrderChange::default()
        };
        assert_eq!(
            refusal(desk.command(Command::Modify {
                id: id("R"),
                change: closer
            }))
            .0,
            DenialCode::Trading
        );
        let less = OrderChange {
            quantity: Some(q(5)),
            ..OrderChange::default()
        };
        assert!(matches!(
            desk.command(Command::Modify {
                id: id("R"),
                change: less
            }),
            Outcome::Done { .. }
        ));
        passes(&mut desk, "B", spec(Side::Sell, 100, limit("100")));
        assert_eq!(
            denied(&mut desk, "C", spec(Side::Sell, 1, limit("100"))).0,
            DenialCode::Trading
        );
    }
}

#[test]
fn outside_ready_nothing_that_adds_risk_leaves() {
    let mut desk = Desk::holding(100);
    desk.broker(BrokerEvent::Down {
        reason: "reset".into(),
    });
    assert_eq!(
        denied(&mut desk, "A", spec(Side::Buy, 1, limit("100"))).0,
        DenialCode::NotReady
    );
    assert_eq!(
        denied(&mut desk, "B", spec(Side::Sell, 1, limit("100"))).0,
        DenialCode::NotReady
    );
    desk.up(AccountClass::Sim);
    assert_eq!(
        denied(&mut desk, "C", spec(Side::Buy, 1, limit("100"))).0,
        DenialCode::NotReady
    );
    passes(&mut desk, "D", spec(Side::Sell, 1, limit("100")));
}

#[test]
fn before_the_first_read_nothing_is_known_and_nothing_leaves() {
    let mut desk = Desk::cold(AccountClass::Sim);
    desk.sent();
    assert_eq!(
        denied(&mut desk, "A", spec(Side::Buy, 1, limit("100"))).0,
        DenialCode::PositionUnknown
    );
    let close = Command::Close {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    };
    assert_eq!(refusal(desk.command(close)).0, DenialCode::PositionUnknown);
}

#[test]
fn risk_needs_the_token_and_arming_and_the_way_out_needs_neither() {
    let mut desk = Desk::cold(AccountClass::Live);
    desk.quote("100.00", "100.02");
    let positions = vec![(aapl(), q(10), None)];
    desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
        positions,
        ..snapshot(desk.pass())
    })));
    desk.sent();
    let buy = || spec(Side::Buy, 1, limit("100"));
    assert_eq!(denied(&mut desk, "A", buy()).0, DenialCode::NotArmed);
    let arm = |word: &str| Command::Arm {
        account: account(),
        confirmation: word.into(),
    };
    assert_eq!(refusal(desk.command(arm("SIM1"))).0, DenialCode::Confirmation);
    desk.command(arm("0001"));
    passes(&mut desk, "B", buy());
    // A second terminal looks on until it takes the token, and the token moves disarmed.
    let first = desk.origin;
    desk.origin = Origin {
        session: SessionId(2),
        ..first
    };
    desk.command(Command::OpenSession);
    assert_eq!(denied(&mut desk, "C", buy()).0, DenialCode::NoToken);
    passes(&mut desk, "D", spec(Side::Sell, 1, limit("100")));
    desk.command(Command::TakeToken);
    assert_eq!(denied(&mut desk, "E", buy()).0, DenialCode::NotArmed);
    // Its holder leaves: on a live account nobody inherits it.
    desk.command(Command::CloseSession);
    desk.origin = first;
    assert_eq!(denied(&mut desk, "F", buy()).0, DenialCode::NoToken);
    desk.origin = Origin {
        kind: SessionKind::Monitor,
        ..first
    };
    assert_eq!(refusal(desk.submit("G", buy())).0, DenialCode::ReadOnly);
    assert_eq!(
        refusal(desk.command(Command::Cancel { id: id("B") })).0,
        DenialCode::ReadOnly
    );
    desk.origin = Origin {
        session: SessionId(3),
        kind: SessionKind::Shell,
    };
    assert_eq!(denied(&mut desk, "H", buy()).0, DenialCode::NotArmed);
}

#[test]
fn nobody_smuggles_a_child_in() {
    let mut desk = Desk::ready();
    let child = OrderSpec {
        parent: Some(id("Z")),
        allow_short: true,
        ..spec(Side::Sell, 10, limit("100"))
    };
    assert_eq!(refusal(desk.submit("A", child)).0, DenialCode::BadOrder);
    assert!(desk.engine.state().orders.is_empty());
}

#[test]
fn arming_for_real_money_ends_after_a_minute_without_the_broker_whatever_is_tried() {
    for (class, ends) in [(AccountClass::Live, true), (AccountClass::Sim, false)] {
        let mut desk = Desk::cold(class);
        desk.read(&[], &[]);
        desk.command(Command::Arm {
            account: account(),
            confirmation: "0001".into(),
        });
        let armed = |desk: &Desk| !desk.engine.state().armed.is_empty();
        assert!(armed(&desk));
        // A blip is no reason.
        desk.broker(BrokerEvent::Down {
            reason: "1100".into(),
        });
        desk.wait(30);
        desk.up(class);
        desk.read(&[], &[]);
        desk.wait(5);
        desk.broker(BrokerEvent::Down {
            reason: "1100".into(),
        });
        for _ in 0..4 {
            desk.wait(14);
            desk.broker(BrokerEvent::Connecting);
            desk.broker(BrokerEvent::Down {
                reason: "again".into(),
            });
        }
        assert!(armed(&desk), "56 s");
        desk.wait(4);
        assert_eq!(armed(&desk), !ends);
    }
}
