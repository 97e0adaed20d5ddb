//! Large orders and the broker's word of what they would bind: no order without it, in its figures and not an estimate's, with what it
//! can't know of taken off; and what only takes off what is held asks nobody.

use super::limits::desk;
use super::*;
use crate::market::what_if::{Binds, HOLDS, Told};
use crate::market::{AskedFor, WhatIf};

/// At a broker that can be asked; 100,000 in the account, all of it excess liquidity, of which 10,000 have to stay.
fn at_a_broker() -> Desk {
    use_broker("ibkr");
    let mut desk = desk(100_000, |limits| {
        limits.what_if_above = Money::whole(5_000);
        (limits.max_name_bps, limits.max_issuer_bps) = (0, 0);
    });
    desk.report(Report::Funds {
        currency: Currency::USD,
        excess: Money::whole(100_000),
        lends: None,
    });
    desk
}

fn buy(count: i64) -> OrderSpec {
    spec(Side::Buy, count, limit("100"))
}

fn command(name: &str, spec: OrderSpec) -> Command {
    Command::Submit {
        id: id(name),
        spec,
        legs: Legs::default(),
        seen: None,
    }
}

impl Desk {
    fn asks_about(&self, command: Command) -> Vec<i64> {
        let command = self.looked_at(command);
        let specs = self
            .engine
            .to_ask(&self.market, (self.origin, &command), self.now);
        let count = |spec: &OrderSpec| spec.quantity.raw() / Quantity::ONE.raw();
        specs.iter().map(count).collect()
    }
    fn told(&mut self, spec: &OrderSpec, told: Told) {
        self.market.on_what_if(WhatIf {
            order: AskedFor::from(spec),
            at: self.now,
            told,
        });
    }
    fn binds(&mut self, spec: &OrderSpec, initial: i64, excess_after: i64) {
        let binds = Binds {
            currency: Some(Currency::USD),
            initial: Money::whole(initial),
            excess_after: Some(Money::whole(excess_after)),
            lacks: None,
            warning: SafeText::default(),
        };
        self.told(spec, Told::Binds(binds));
    }
    fn refusal(&mut self, name: &str, spec: OrderSpec) -> Denial {
        match self.command(command(name, spec)) {
            Outcome::Denied(denial) => denial,
            other => panic!("{name}: {other:?}"),
        }
    }
    fn orders_left(&mut self) -> usize {
        let sent = self.sent();
        sent.iter().filter(|request| request.starts_with("place")).count()
    }
}

#[test]
fn a_large_order_is_recorded_only_with_the_brokers_word_for_exactly_it() {
    let mut desk = at_a_broker();
    assert_eq!(desk.asks_about(command("small", buy(50))), [0; 0]);
    assert_eq!(desk.asks_about(command("large", buy(51))), [51]);
    let denial = desk.refusal("unasked", buy(60));
    assert_eq!(denial.code, DenialCode::WhatIf, "{denial}");
    assert!(denial.text.as_str().contains("nothing was sent"), "{denial}");
    desk.told(&buy(61), Told::Nothing("no answer in time".into()));
    let denial = desk.refusal("silent", buy(61));
    assert_eq!(denial.code, DenialCode::WhatIf, "{denial}");
    assert!(denial.text.as_str().contains("no answer in time"), "{denial}");
    // Refused there: in its words, and asked again at the next try.
    desk.told(&buy(62), Told::Refused("no trading permissions".into()));
    assert_eq!(desk.asks_about(command("again", buy(62))), [62]);
    let denial = desk.refusal("refused", buy(62));
    assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}");
    assert!(
        denial.text.as_str().contains("no trading permissions"),
        "{denial}"
    );
    // An answer about another price, or too old, is none.
    desk.binds(&buy(63), 1_000, 90_000);
    let other = spec(Side::Buy, 63, limit("99.99"));
    assert_eq!(desk.refusal("other", other).code, DenialCode::WhatIf);
    desk.now = desk.now.after(HOLDS + SECOND);
    desk.quote("100.00", "100.02");
    assert_eq!(desk.refusal("old", buy(63)).code, DenialCode::WhatIf);
    assert_eq!(desk.orders_left(), 0);
    desk.binds(&buy(64), 1_000, 90_000);
    assert_eq!(desk.asks_about(command("told", buy(64))), [0; 0]);
    assert!(matches!(desk.submit("told", buy(64)), Outcome::Done { .. }));
    assert_eq!(desk.orders_left(), 1);
    // The same again is the same order, whatever the answer's age.
    desk.now = desk.now.after(HOLDS + SECOND);
    assert_eq!(desk.asks_about(command("told", buy(64))), [0; 0]);
    assert!(matches!(
        desk.command(command("told", buy(64))),
        Outcome::Known { .. }
    ));
}

#[test]
fn the_brokers_figures_stand_in_place_of_an_estimate_and_what_came_since_is_taken_off() {
    let mut desk = at_a_broker();
    // By an estimate 95,000 of 100,000 would be bound: too much. By the broker's word it is a quarter.
    desk.binds(&buy(950), 23_750, 76_250);
    assert!(matches!(desk.submit("margin", buy(950)), Outcome::Done { .. }));
    desk.accept("margin");
    desk.now = desk.now.after(SECOND);
    // And here it is more than an estimate says.
    let dear = spec(Side::Buy, 100, limit("99"));
    desk.binds(&dear, 70_000, 6_000);
    let denial = desk.refusal("dear", dear);
    assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "94");
    // Each alone leaves enough. The second was asked about before the first was there.
    let (one, other) = (
        spec(Side::Buy, 200, limit("98")),
        spec(Side::Buy, 200, limit("97")),
    );
    desk.binds(&one, 40_000, 50_000);
    desk.binds(&other, 45_000, 45_000);
    assert!(matches!(desk.submit("one", one), Outcome::Done { .. }));
    let denial = desk.refusal("other", other.clone());
    assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}");
    desk.accept("one");
    desk.now = desk.now.after(SECOND);
    // Asked about anew, it knows of the first.
    desk.binds(&other, 30_000, 12_000);
    assert!(matches!(desk.submit("other2", other), Outcome::Done { .. }));
    // What the broker would not have the margin for.
    let lacking = spec(Side::Buy, 60, limit("96"));
    let binds = Binds {
        currency: None,
        initial: Money::whole(1),
        excess_after: Some(Money::whole(90_000)),
        lacks: Some(Money::whole(12)),
        warning: "equity with loan value".into(),
    };
    desk.told(&lacking, Told::Binds(binds));
    let denial = desk.refusal("lacking", lacking);
    assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}");
    assert!(
        denial.text.as_str().contains("equity with loan value"),
        "{denial}"
    );
}

#[test]
fn what_only_takes_off_what_is_held_asks_nobody_and_what_is_refused_anyway_neither() {
    let mut desk = at_a_broker();
    desk.binds(&buy(500), 10_000, 90_000);
    desk.submit("in", buy(500));
    desk.accept("in");
    desk.fill("in", 500, "100");
    let sell = spec(Side::Sell, 500, limit("100"));
    assert_eq!(desk.asks_about(command("out", sell.clone())), [0; 0]);
    // One share more opens something.
    let reverse = OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, 501, limit("100"))
    };
    assert_eq!(desk.asks_about(command("reverse", reverse)), [501]);
    assert!(matches!(desk.submit("out", sell), Outcome::Done { .. }));
    let (account, instrument) = (account(), aapl());
    let flatten = Command::Flatten {
        id: id("flat"),
        account,
        instrument,
    };
    assert_eq!(desk.asks_about(flatten.clone()), [0; 0]);
    assert!(matches!(desk.command(flatten), Outcome::Done { .. }));
    // Refused whatever the broker says.
    let mut desk = at_a_broker();
    assert_eq!(
        desk.asks_about(command("far", spec(Side::Buy, 100, limit("150")))),
        [0; 0]
    );
    let reason = SafeText::new("lunch");
    desk.command(Command::Halt {
        account: None,
        reason,
        stops_too: false,
    });
    assert_eq!(desk.asks_about(command("halted", buy(100))), [0; 0]);
}

#[test]
fn a_basket_is_asked_about_in_each_large_order_and_a_change_in_what_it_adds() {
    let mut desk = at_a_broker();
    let entry = |name: &str, spec: &OrderSpec| Entry {
        id: id(name),
        spec: spec.clone(),
        legs: Legs::default(),
        seen: None,
    };
    let (one, small, other) = (
        buy(100),
        spec(Side::Buy, 10, limit("99")),
        spec(Side::Buy, 300, limit("98")),
    );
    let basket = Command::SubmitAll {
        orders: vec![entry("a", &one), entry("b", &small), entry("c", &other)],
    };
    assert_eq!(desk.asks_about(basket.clone()), [100, 300]);
    desk.binds(&one, 30_000, 70_000);
    assert_eq!(desk.asks_about(basket.clone()), [300]);
    // Each leaves enough, both don't.
    desk.binds(&other, 65_000, 35_000);
    match desk.command(basket) {
        Outcome::Denied(denial) => assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(desk.submit("d", one), Outcome::Done { .. }));
    desk.accept("d");
    let to = |count| Command::Modify {
        id: id("d"),
        change: OrderChange {
            quantity: Some(q(count)),
            ..OrderChange::default()
        },
    };
    assert_eq!(desk.asks_about(to(150)), [0; 0], "5,000 more are not above it");
    assert_eq!(desk.asks_about(to(151)), [51]);
    match desk.command(to(151)) {
        Outcome::Refused(denial) => assert_eq!(denial.code, DenialCode::WhatIf, "{denial}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(desk.asks_about(to(50)), [0; 0]);
}

/// A parked order leaves no sooner than the broker was asked about it: at a person's word.
#[test]
fn a_large_parked_order_waits_for_a_word_and_the_word_for_the_broker() {
    let mut desk = at_a_broker();
    desk.down();
    let outcome = desk.park("P", buy(100), None);
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    desk.up(AccountClass::Sim);
    desk.read(&[], &[]);
    desk.sent();
    let tick = |desk: &mut Desk| {
        desk.now = desk.now.after(SECOND);
        desk.quote("100.00", "100.02");
        let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
        desk.settle(batch.events);
    };
    tick(&mut desk);
    assert_eq!((desk.phase("P"), desk.orders_left()), (Phase::Parked, 0));
    let confirm = Command::ConfirmParked { id: id("P") };
    assert_eq!(desk.asks_about(confirm.clone()), [100]);
    match desk.command(confirm.clone()) {
        Outcome::Refused(denial) => assert_eq!(denial.code, DenialCode::WhatIf, "{denial}"),
        other => panic!("{other:?}"),
    }
    desk.binds(&buy(100), 2_500, 97_500);
    assert!(matches!(desk.command(confirm), Outcome::Done { .. }));
    tick(&mut desk);
    assert_eq!((desk.phase("P"), desk.orders_left()), (Phase::InFlight, 1));
}

/// It was asked about when it was recorded, and asks nobody when it leaves.
#[test]
fn a_large_second_leaves_at_once_by_the_brokers_word_where_it_holds_and_by_the_estimate_where_it_is_too_old()
{
    use_broker("ibkr");
    let (first, second) = (buy(10), spec(Side::Buy, 950, limit("99")));
    let recorded = || {
        let mut desk = at_a_broker();
        let both = Command::SubmitThen {
            first: id("A"),
            first_spec: first.clone(),
            second: id("B"),
            second_spec: second.clone(),
            seen: Vec::new(),
        };
        assert_eq!(desk.asks_about(both.clone()), [950]);
        // By an estimate nearly all of the 100,000 would be bound, and neither is recorded.
        desk.binds(&second, 23_750, 76_250);
        assert!(matches!(desk.command(both), Outcome::Done { .. }));
        desk.accept("A");
        assert_eq!(desk.orders_left(), 1);
        desk
    };
    let mut desk = recorded();
    desk.fill("A", 10, "100");
    assert_eq!((desk.phase("B"), desk.orders_left()), (Phase::InFlight, 1));
    let mut desk = recorded();
    desk.now = desk.now.after(HOLDS + SECOND);
    desk.quote("100.00", "100.02");
    desk.fill("A", 10, "100");
    assert_eq!((desk.phase("B"), desk.orders_left()), (Phase::NotSent, 0));
    let why = desk.order("B").reason.as_ref().unwrap().to_string();
    assert!(why.contains("BUYING_POWER"), "{why}");
    // What the estimate has room for leaves, though nobody answers.
    let mut desk = at_a_broker();
    let second = spec(Side::Buy, 80, limit("99"));
    desk.binds(&second, 2_000, 98_000);
    let both = Command::SubmitThen {
        first: id("A"),
        first_spec: buy(10),
        second: id("B"),
        second_spec: second.clone(),
        seen: Vec::new(),
    };
    assert!(matches!(desk.command(both), Outcome::Done { .. }));
    desk.accept("A");
    desk.now = desk.now.after(HOLDS + SECOND);
    desk.quote("100.00", "100.02");
    assert_eq!(desk.orders_left(), 1);
    desk.fill("A", 10, "100");
    assert_eq!((desk.phase("B"), desk.orders_left()), (Phase::InFlight, 1));
}
