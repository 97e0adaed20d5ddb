//! The orders that not every broker has: each control knows their prices, a broker that lacks them is never sent one, and
//! a trailing stop protects as any other stop does.

use super::*;
use proptest::prelude::*;

/// A state in which the account is at a broker of some name, with a market of 100.00 to 100.02.
struct Elsewhere {
    desk: Desk,
    state: State,
    key: AccountKey,
}

impl Elsewhere {
    fn new(broker: &str, held: i64) -> Self {
        let desk = Desk::holding(held);
        let mut state = desk.engine.state().clone();
        let key = AccountKey {
            broker: BrokerId::new(broker).unwrap(),
            ..account()
        };
        let entry = state.accounts.remove(&account()).unwrap();
        state.accounts.insert(key, entry);
        let link = state.links.get(&super::broker()).cloned().unwrap();
        state.links.insert(key.broker, link);
        if let Some(ledger) = state.ledgers.remove(&(account(), aapl())) {
            state.ledgers.insert((key, aapl()), ledger);
        }
        Self { desk, state, key }
    }

    /// What the controls say of a sale of 100, as `change` makes it.
    fn verdict(&self, change: impl Fn(&mut OrderSpec)) -> Result<(), Denial> {
        let mut order = spec(Side::Sell, 100, OrderKind::Market);
        (order.account, order.allow_short) = (self.key, true);
        change(&mut order);
        let (state, market, now) = (&self.state, &self.desk.market, self.desk.now);
        risk::Check {
            state,
            market,
            now,
            sender: None,
        }
        .order(&order)
    }
}

fn verdict(broker: &str, held: i64, change: impl Fn(&mut OrderSpec)) -> Result<(), Denial> {
    Elsewhere::new(broker, held).verdict(change)
}

fn amount(text: &str) -> Distance {
    Distance::Amount { amount: p(text) }
}

fn trail(distance: Distance) -> OrderKind {
    let trigger = None;
    OrderKind::Trail { trigger, distance }
}

fn trail_limit(distance: Distance, offset: &str) -> OrderKind {
    OrderKind::TrailLimit {
        trigger: None,
        distance,
        offset: p(offset),
    }
}

fn percent(hundredths: u32) -> Distance {
    Distance::Percent { hundredths }
}

#[test]
fn a_broker_is_sent_only_what_it_has() {
    let midprice = OrderKind::Midprice {
        cap: Some(p("100.01")),
    };
    let on_close = OrderKind::LimitOnClose { price: p("99.5") };
    let told = OrderKind::TrailLimit {
        trigger: Some(p("99")),
        distance: percent(200),
        offset: p("0.1"),
    };
    let lacking = [
        (trail(amount("0.5")), "stp PRICE would pass"),
        (told, "stp 99 lmt 98.9 would pass"),
        (OrderKind::MarketOnClose, "mkt would pass"),
        (on_close, "@99.5 would pass"),
        (midprice, "@100.01 would pass"),
        (OrderKind::Midprice { cap: None }, "@mid would pass"),
    ];
    for (kind, words) in lacking {
        let denial = verdict("sim", 0, |order| order.kind = kind).unwrap_err();
        assert_eq!(denial.code, DenialCode::NotSupported, "{kind}");
        assert!(denial.text.as_str().contains(words), "{denial}");
        assert_eq!(verdict("ibkr", 0, |order| order.kind = kind), Ok(()), "{kind}");
    }
    let opening = |order: &mut OrderSpec| order.tif = TimeInForce::Opg;
    let outside = |order: &mut OrderSpec| (order.outside_hours, order.kind) = (true, limit("100"));
    for (change, words) in [
        (&opening as &dyn Fn(&mut OrderSpec), "day, gtc"),
        (&outside, "without 'outside'"),
    ] {
        let denial = verdict("sim", 0, change).unwrap_err();
        assert_eq!(denial.code, DenialCode::NotSupported);
        assert!(denial.text.as_str().contains(words), "{denial}");
        assert_eq!(verdict("ibkr", 0, change), Ok(()));
    }
    // And through the engine: nothing leaves, the denial is on record.
    let mut desk = Desk::holding(100);
    desk.submit("T1", spec(Side::Sell, 100, trail(amount("0.5"))));
    assert_eq!(desk.phase("T1"), Phase::Denied);
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn combinations_that_contradict_themselves_are_denied() {
    use DenialCode::*;
    let huge = Price::from_raw(i64::MAX);
    let cases: [(OrderKind, TimeInForce, DenialCode, &str); 16] = [
        (trail(amount("0.505")), TimeInForce::Gtc, BadPrice, "nearest: 0.5"),
        (
            trail(amount("0.001")),
            TimeInForce::Gtc,
            BadPrice,
            "nearest: 0.01",
        ),
        (trail(amount("0")), TimeInForce::Gtc, BadPrice, "above zero"),
        (trail(amount("-1")), TimeInForce::Gtc, BadPrice, "above zero"),
        (
            trail(amount("100")),
            TimeInForce::Gtc,
            BadPrice,
            "more than the market",
        ),
        (trail(percent(10_000)), TimeInForce::Gtc, BadPrice, "below 100%"),
        (trail(percent(100)), TimeInForce::Ioc, BadOrder, "waits"),
        (trail(percent(100)), TimeInForce::Opg, BadOrder, "opening"),
        (
            trail_limit(percent(100), "0.005"),
            TimeInForce::Day,
            BadPrice,
            "nearest: 0",
        ),
        (
            trail_limit(percent(100), "-0.01"),
            TimeInForce::Day,
            BadPrice,
            "nearest: 0",
        ),
        (
            trail_limit(percent(100), "3"),
            TimeInForce::Day,
            Collar,
            "2.97 would pass",
        ),
        (
            OrderKind::TrailLimit {
                trigger: Some(p("99")),
                distance: Distance::Amount { amount: huge },
                offset: huge,
            },
            TimeInForce::Day,
            BadPrice,
            "tick",
        ),
        (
            OrderKind::MarketOnClose,
            TimeInForce::Gtc,
            BadOrder,
            "for the day",
        ),
        (
            OrderKind::LimitOnClose { price: p("99.995") },
            TimeInForce::Day,
            BadPrice,
            "nearest: 100.00",
        ),
        (
            OrderKind::LimitOnClose { price: p("96") },
            TimeInForce::Day,
            Collar,
            "97.00 would pass",
        ),
        (
            OrderKind::Midprice { cap: None },
            TimeInForce::Gtc,
            BadOrder,
            "for the day",
        ),
    ];
    for (kind, tif, code, words) in cases {
        let denial = verdict("ibkr", 0, |order| (order.kind, order.tif) = (kind, tif)).unwrap_err();
        assert_eq!(denial.code, code, "{kind}: {denial}");
        assert!(denial.text.as_str().contains(words), "{kind}: {denial}");
    }
    let shown = |order: &mut OrderSpec| {
        (order.kind, order.display) = (OrderKind::Midprice { cap: None }, Some(q(10)));
    };
    assert_eq!(verdict("ibkr", 0, shown).unwrap_err().code, BadOrder);
    let late = |order: &mut OrderSpec| {
        let until = Timestamp::parse("2026-11-20T15:00:00Z").unwrap();
        (order.kind, order.tif) = (limit("100"), TimeInForce::Gtd { until });
    };
    let denial = verdict("ibkr", 0, late).unwrap_err();
    assert_eq!(denial.code, BadOrder);
    assert!(denial.text.as_str().contains("already come"), "{denial}");
}

/// Orders without a price of their own are worth what the market says, and a trailing stop what its trigger will be.
#[test]
fn what_has_no_price_is_counted_at_the_market() {
    use DenialCode::*;
    let big = |kind| {
        move |order: &mut OrderSpec| {
            (order.side, order.kind, order.quantity) = (Side::Buy, kind, q(9_999));
        }
    };
    for kind in [
        OrderKind::MarketOnClose,
        OrderKind::Midprice { cap: None },
        trail(percent(100)),
        trail_limit(amount("1"), "0.1"),
    ] {
        let denial = verdict("ibkr", 0, big(kind)).unwrap_err();
        assert_eq!(denial.code, MaxValue, "{kind}: {denial}");
    }
    // 1 above the ask of 100.02: 9898 times 101.02 is within the limit of a million, 9899 is already beyond it.
    let buys = |count| {
        verdict("ibkr", 0, move |order| {
            (order.side, order.kind, order.quantity) = (Side::Buy, trail(amount("1")), q(count));
        })
    };
    assert_eq!(buys(9_899), Ok(()));
    assert!(buys(9_900).unwrap_err().text.as_str().contains("9899 would pass"));
}

#[test]
fn a_trailing_stop_protects_and_follows_the_market_without_alarm() {
    let mut desk = Desk::holding(100);
    let order = |trigger: Option<&str>| OrderKind::Trail {
        trigger: trigger.map(p),
        distance: amount("0.5"),
    };
    // As the broker's own screens make it: adopted, for this broker is never sent one.
    desk.working("S1", spec(Side::Sell, 100, OrderKind::Stop { trigger: p("99") }));
    let mut state = desk.engine.state().clone();
    state.orders.get_mut(&id("S1")).unwrap().spec.kind = order(None);
    assert_eq!(
        state.protected(account(), aapl()),
        q(100),
        "its trigger is not known, and yet it protects"
    );
    assert!(decide::is_protective(&state, &state.orders[&id("S1")]));
    assert_eq!(
        risk::effect(&state, &spec(Side::Sell, 1, OrderKind::Market)),
        risk::Effect::Adds,
        "it already closes everything"
    );
    let changed = OrderChange {
        distance: Some(percent(100)),
        ..OrderChange::default()
    };
    let kind = order(Some("99.5"));
    assert_eq!(
        changed.applied_to(kind),
        OrderKind::Trail {
            trigger: Some(p("99.5")),
            distance: percent(100)
        }
    );
    assert!(kind.agrees_with(order(Some("99.7"))) && kind.agrees_with(order(None)));
    assert!(!kind.agrees_with(changed.applied_to(kind)));
    assert!(!kind.agrees_with(OrderKind::Stop { trigger: p("99.5") }));
}

/// The broker moves the trigger: each new one is recorded, and nothing is read or reported as odd for it.
#[test]
fn a_trigger_that_moved_is_a_fact_and_no_surprise() {
    let mut desk = Desk::holding(100);
    let kind = |trigger: &str| OrderKind::Trail {
        trigger: Some(p(trigger)),
        distance: amount("0.5"),
    };
    let phone = BrokerOrder {
        id: id("PHONE"),
        broker_id: BrokerOrderId::new("B-phone").unwrap(),
        spec: spec(Side::Sell, 100, kind("99.5")),
        phase: Phase::Held,
        filled: q(0),
        number: None,
        foreign: false,
    };
    desk.report(Report::Triggered { id: id("PHONE") });
    desk.read(&[phone], &[]);
    desk.sent();
    assert_eq!(desk.engine.state().protected(account(), aapl()), q(100));
    let (before, notices) = (desk.events.len(), desk.engine.state().notices.len());
    let moved = |trigger: &str| Report::Modified {
        id: id("PHONE"),
        quantity: q(100),
        kind: kind(trigger),
    };
    for trigger in ["99.7", "99.7", "99.8"] {
        desk.report(moved(trigger));
        assert_eq!(desk.order("PHONE").spec.kind, kind(trigger));
    }
    assert_eq!(desk.sent(), Vec::<String>::new(), "nobody has to be asked");
    assert_eq!(desk.engine.state().notices.len(), notices);
    let told = |event: &Event| matches!(event.fact, Fact::Modified { .. });
    assert_eq!(
        desk.events[before..].iter().filter(|event| told(event)).count(),
        2,
        "only when it moves"
    );
    // While a cancel is under way a moved trigger does not pass for its answer.
    desk.command(Command::Cancel { id: id("PHONE") });
    desk.report(moved("99.9"));
    assert_eq!(desk.order("PHONE").pending, Some(Pending::Cancel));
    assert!(desk.order("PHONE").phase.is_live());
}

/// The prices a trailing stop-limit has follow from its trigger, on the side that is worse for its owner.
#[test]
fn a_trailing_limit_lies_beyond_its_trigger() {
    let kind = trail_limit(amount("1"), "0.25");
    assert_eq!(kind.trailing_limit(Side::Sell, p("99")), Some(p("98.75")));
    assert_eq!(kind.trailing_limit(Side::Buy, p("99")), Some(p("99.25")));
    assert_eq!(kind.trailing_limit(Side::Buy, Price::from_raw(i64::MAX)), None);
    assert_eq!((kind.limit(), kind.trigger(), kind.is_stop()), (None, None, true));
    let lost = OrderKind::LimitOnClose { price: p("99") };
    assert_eq!((lost.limit(), lost.is_stop()), (Some(p("99")), false));
    let capped = OrderKind::Midprice { cap: Some(p("99")) };
    assert_eq!((capped.limit(), capped.is_stop()), (Some(p("99")), false));
    assert_eq!(
        trail_limit(percent(250), "0.1").to_string(),
        "trail 2.5% lmt 0.10"
    );
}

/// What a denial names as nearest, from its words.
fn named(denial: &Denial) -> Option<Price> {
    let text = denial.text.as_str().split("nearest: ").nth(1)?;
    text.parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What the words of a denial offer is no further from the market than what was asked, and passes.
    #[test]
    fn what_a_denial_names_passes_and_risks_no_more(distance in 1i64..3_000_000_000, offset in 0i64..2_000_000_000, buys: bool) {
        let there = Elsewhere::new("ibkr", 0);
        let side = if buys { Side::Buy } else { Side::Sell };
        let ask = |distance: Price, offset: Price| there.verdict(|order| {
            order.side = side;
            order.kind = OrderKind::TrailLimit {
                trigger: None,
                distance: Distance::Amount { amount: distance },
                offset,
            };
        });
        let (mut distance, mut offset) = (Price::from_raw(distance), Price::from_raw(offset));
        for _ in 0..2 {
            let Err(denial) = ask(distance, offset) else { break };
            let nearest = named(&denial).unwrap();
            let part = if denial.text.as_str().contains("distance") { &mut distance } else { &mut offset };
            prop_assert!(nearest <= *part || nearest == p("0.01"), "{denial}");
            *part = nearest;
        }
        prop_assert_eq!(ask(distance, offset), Ok(()));
    }

    /// No number from outside makes the controls panic.
    #[test]
    fn no_order_panics_the_controls(
        numbers in prop::array::uniform4(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -2i64..2]),
        hundredths: u32,
        shape in 0u8..12,
        buys: bool,
    ) {
        let there = Elsewhere::new("ibkr", 100);
        let [trigger, amount, offset, quantity] = numbers.map(Price::from_raw);
        let told = (shape % 2 == 0).then_some(trigger);
        let (amount, part) = (Distance::Amount { amount }, Distance::Percent { hundredths });
        let kind = match shape {
            0 | 1 => OrderKind::Trail { trigger: told, distance: amount },
            2 | 3 => OrderKind::Trail { trigger: told, distance: part },
            4 | 5 => OrderKind::TrailLimit { trigger: told, distance: amount, offset },
            6 | 7 => OrderKind::TrailLimit { trigger: told, distance: part, offset },
            8 => OrderKind::LimitOnClose { price: trigger },
            9 => OrderKind::MarketOnClose,
            _ => OrderKind::Midprice { cap: told },
        };
        let _ = there.verdict(|order| {
            order.kind = kind;
            order.quantity = Quantity::from_raw(quantity.raw());
            order.side = if buys { Side::Buy } else { Side::Sell };
        });
        let _ = (kind.to_string(), kind.trailing_limit(Side::Buy, trigger), kind.agrees_with(kind));
    }
}
