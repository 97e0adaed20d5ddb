//! Stops that move by themselves: the broker's own order is changed, never toward more risk, and a new process goes on.

use super::*;

impl Desk {
    /// An entry at 100 with a stop at 99 that goes to 100.02 after a gain of 1 and trails by 0.50 after 2; filled, the stop
    /// on the book.
    fn planned(side: Side) -> Self {
        let mut desk = Self::ready();
        let cent = |text: &str| p(text);
        let moves = StopMoves {
            breakeven: Some(Breakeven {
                after: cent("1"),
                offset: cent("0.02"),
            }),
            trailing: Some(Trailing {
                distance: cent("0.5"),
                after: cent("2"),
            }),
        };
        let (stop, allow_short) = match side {
            Side::Buy => ("99", false),
            Side::Sell => ("101", true),
        };
        let legs = Legs {
            stop: Some(p(stop)),
            target: None,
            moves: Some(moves),
        };
        let spec = OrderSpec {
            allow_short,
            ..spec(side, 100, limit("100"))
        };
        desk.shorts_are_allowed();
        let outcome = desk.command(Command::Submit {
            id: id("A"),
            spec,
            legs,
            seen: None,
        });
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        desk.accept("A");
        desk.sent();
        desk
    }
    fn shorts_are_allowed(&mut self) {
        let limits = Limits {
            allow_short: true,
            ..self.engine.state().limits.clone()
        };
        let batch = self.engine.record(Fact::LimitsSet { limits }, self.now);
        self.settle(batch.events);
    }
    fn filled(side: Side) -> Self {
        let mut desk = Self::planned(side);
        desk.fill("A", 100, "100");
        desk.accept("A.1");
        desk.sent();
        desk
    }
    /// The market is there now, and the engine is told.
    fn market_at(&mut self, bid: &str, ask: &str) -> Vec<String> {
        self.now = self.now.after(SECOND);
        self.quote(bid, ask);
        let batch = self.engine.on_market(&self.market, aapl(), self.now);
        self.settle(batch.events);
        self.sent()
    }
    fn moved_to(&mut self, price: &str) {
        self.report(Report::Modified {
            id: id("A.1"),
            quantity: q(100),
            kind: OrderKind::Stop { trigger: p(price) },
        });
    }
    fn trigger(&self) -> Option<Price> {
        self.order("A.1").spec.kind.trigger()
    }
}

#[test]
fn a_stop_goes_to_breakeven_and_trails_by_changing_the_brokers_own_order() {
    let mut desk = Desk::filled(Side::Buy);
    let nothing: Vec<String> = Vec::new();
    assert_eq!(desk.market_at("100.99", "101.01"), nothing);
    assert_eq!(desk.market_at("101", "101.02"), ["modify A.1 @ 100.02"]);
    assert_eq!(desk.market_at("103", "103.02"), nothing, "one change at a time");
    desk.moved_to("100.02");
    assert_eq!(desk.market_at("103", "103.02"), ["modify A.1 @ 102.5"]);
    desk.moved_to("102.5");
    for (bid, ask) in [("103.04", "103.06"), ("101", "101.02"), ("99", "99.02")] {
        assert_eq!(desk.market_at(bid, ask), nothing, "{bid}");
    }
    assert_eq!(desk.trigger(), Some(p("102.5")));
    let words: Vec<&str> = desk
        .engine
        .state()
        .notices
        .iter()
        .map(|n| n.text.as_str())
        .collect();
    assert!(
        words.iter().any(|text| text.starts_with("breakeven moves")),
        "{words:?}"
    );
    // What is replayed is what was.
    let mut again = State::default();
    for event in &desk.events {
        again.apply(event);
    }
    assert!(again == *desk.engine.state());
    assert_eq!(again.stop_plans.len(), 1);
    // A new process over that state goes on, with nobody attached.
    desk.engine = Engine::new(again);
    desk.start();
    desk.up(AccountClass::Sim);
    let at_broker = [desk.at_broker("A.1", Phase::Held)];
    desk.read(&at_broker, &[]);
    desk.sent();
    assert_eq!(desk.market_at("104", "104.02"), ["modify A.1 @ 103.5"]);
}

#[test]
fn a_short_is_the_mirror_of_it() {
    let mut desk = Desk::filled(Side::Sell);
    assert_eq!(desk.market_at("98.98", "99"), ["modify A.1 @ 99.98"]);
    desk.moved_to("99.98");
    assert_eq!(desk.market_at("97.98", "98"), ["modify A.1 @ 98.5"]);
}

#[test]
fn nothing_moves_on_prices_that_are_late_before_a_fill_without_a_link_or_while_it_closes() {
    let nothing: Vec<String> = Vec::new();
    let mut desk = Desk::planned(Side::Buy);
    assert_eq!(desk.market_at("101", "101.02"), nothing, "nothing is held yet");
    let mut desk = Desk::filled(Side::Buy);
    let late = Quote {
        instrument: aapl(),
        bid: Some((p("103"), q(1))),
        ask: Some((p("103.02"), q(1))),
        at: desk.now,
        quality: Quality::Delayed,
    };
    desk.market.on_quote(late);
    let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
    assert!(batch.events.is_empty(), "{:?}", batch.events);
    desk.broker(BrokerEvent::Down {
        reason: "reset".into(),
    });
    desk.sent();
    assert_eq!(desk.market_at("103", "103.02"), nothing);
    let mut desk = Desk::filled(Side::Buy);
    desk.command(Command::Flatten {
        id: id("F"),
        account: account(),
        instrument: aapl(),
    });
    desk.sent();
    assert_eq!(desk.market_at("103", "103.02"), nothing);
}

#[test]
fn a_hand_that_gives_the_stop_more_room_has_it_and_a_refusal_is_not_hammered() {
    let nothing: Vec<String> = Vec::new();
    let mut desk = Desk::filled(Side::Buy);
    assert_eq!(desk.market_at("101", "101.02"), ["modify A.1 @ 100.02"]);
    desk.report(Report::ModifyRejected {
        id: id("A.1"),
        reason: "not now".into(),
    });
    desk.sent();
    assert_eq!(desk.market_at("101.01", "101.03"), nothing, "it rests");
    desk.now = desk.now.after(SECOND * 30);
    assert_eq!(desk.market_at("101.01", "101.03"), ["modify A.1 @ 100.02"]);
    desk.moved_to("100.02");
    let change = OrderChange {
        trigger: Some(p("98")),
        ..OrderChange::default()
    };
    desk.command(Command::Modify {
        id: id("A.1"),
        change,
    });
    assert_eq!(desk.sent(), ["modify A.1 @ 98"]);
    desk.moved_to("98");
    assert_eq!(desk.market_at("103", "103.02"), nothing);
    assert!(desk.engine.state().stop_plans.is_empty());
}

#[test]
fn the_plan_is_part_of_what_was_seen_and_of_what_is_the_same_order() {
    let mut desk = Desk::filled(Side::Buy);
    let (spec, plan) = (
        desk.order("A").asked.clone(),
        desk.engine.state().stop_plans[&id("A.1")].moves,
    );
    let again = |moves| Command::Submit {
        id: id("A"),
        spec: spec.clone(),
        legs: Legs {
            stop: Some(p("99")),
            target: None,
            moves,
        },
        seen: None,
    };
    assert_eq!(desk.command(again(Some(plan))), Outcome::Known { id: id("A") });
    assert_eq!(refusal(desk.command(again(None))).0, DenialCode::IdReused);
    let digest = |moves| {
        let legs = Legs {
            stop: Some(p("99")),
            target: None,
            moves,
        };
        digest::digest(&spec, legs)
    };
    assert_ne!(digest(Some(plan)), digest(None));
    // Without a stop there is nothing to move.
    let bare = Command::Submit {
        id: id("B"),
        spec: OrderSpec {
            quantity: q(1),
            ..spec.clone()
        },
        legs: Legs {
            moves: Some(plan),
            ..Legs::default()
        },
        seen: None,
    };
    assert_eq!(refusal(desk.command(bare)).0, DenialCode::BadOrder);
}
