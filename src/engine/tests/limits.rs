//! The limits of an account as a whole and of entries: each refuses with its code, names the nearest that passes, lets that
//! pass, and lets an exit pass. And limits that change while the engine runs.

use super::*;
use crate::domain::{LimitName, LimitValue};
use proptest::prelude::*;

/// A desk whose account is worth so much, with these limits.
pub(super) fn desk(dollars: i64, change: impl FnOnce(&mut Limits)) -> Desk {
    let mut desk = Desk::cold(AccountClass::Sim);
    desk.quote("100.00", "100.02");
    let pass = desk.pass();
    desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
        cash: cash(dollars),
        ..snapshot(pass)
    })));
    desk.sent();
    limits(&mut desk, change);
    // Its session begins with what it is worth.
    let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
    desk.settle(batch.events);
    assert_eq!(
        desk.engine.state().days[&account()].opening,
        Money::whole(dollars)
    );
    desk
}

/// Another config.toml, as at the next start; the broker is there again.
pub(super) fn limits(desk: &mut Desk, change: impl FnOnce(&mut Limits)) {
    let mut limits = desk.engine.state().limits.clone();
    change(&mut limits);
    desk.step(&Input::Start {
        build: "test".into(),
        limits: Box::new(limits),
    });
    desk.command(Command::OpenSession);
    let cash = desk.engine.state().accounts[&account()].account.cash.clone();
    desk.up(AccountClass::Sim);
    let held = desk.engine.state().position(account(), aapl()).quantity;
    let orders: Vec<BrokerOrder> = desk
        .engine
        .state()
        .all_live()
        .map(|order| desk.at_broker(order.id.as_str(), order.phase))
        .collect();
    let read = Snapshot {
        positions: vec![(aapl(), held, None)],
        cash: cash.unwrap_or_default(),
        orders,
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    desk.sent();
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
}

fn denied(desk: &mut Desk, name: &str, spec: OrderSpec) -> Denial {
    match desk.submit(name, spec) {
        Outcome::Denied(denial) => denial,
        other => panic!("{name} was not denied: {other:?}"),
    }
}

fn passes(desk: &mut Desk, name: &str, spec: OrderSpec) {
    let outcome = desk.submit(name, spec);
    assert!(matches!(outcome, Outcome::Done { .. }), "{name}: {outcome:?}");
}

/// Denied with a code; the quantity that it names passes, one more does not.
pub(super) fn nearest_passes(
    desk: &mut Desk,
    code: DenialCode,
    order: &dyn Fn(i64) -> OrderSpec,
    much: i64,
) -> i64 {
    let denial = denied(desk, "much", order(much));
    assert_eq!(denial.code, code, "{denial}");
    let nearest: Quantity = denial
        .nearest
        .expect("the nearest is named")
        .as_str()
        .parse()
        .unwrap();
    let nearest = nearest.raw() / Quantity::ONE.raw();
    assert_eq!(denied(desk, "more", order(nearest + 1)).code, code);
    passes(desk, "fits", order(nearest));
    nearest
}

fn buy(count: i64) -> OrderSpec {
    spec(Side::Buy, count, limit("100"))
}

#[test]
fn one_name_is_a_share_of_the_account() {
    let mut desk = desk(100_000, |_| {});
    // 20 % of 100,000 at the dearer of the order's price and the mark of 100.01.
    assert_eq!(nearest_passes(&mut desk, DenialCode::MaxName, &buy, 300), 199);
    // What works counts in full, whoever asks next.
    assert_eq!(denied(&mut desk, "next", buy(5)).code, DenialCode::MaxName);
    desk.accept("fits");
    desk.fill("fits", 199, "100");
    passes(&mut desk, "out", spec(Side::Sell, 199, limit("100")));
}

#[test]
fn gross_exposure_is_a_share_of_the_account_and_shorts_add_to_it() {
    let mut desk = desk(100_000, |limits| {
        (limits.max_name_bps, limits.max_issuer_bps, limits.max_gross_bps) = (0, 0, 5_000);
    });
    assert_eq!(nearest_passes(&mut desk, DenialCode::MaxGross, &buy, 900), 499);
    desk.accept("fits");
    desk.fill("fits", 499, "100");
    let other = InstrumentId::new("MSFT").unwrap();
    let msft = instrument("MSFT", InstrumentKind::Equity, 1);
    desk.market.list(msft.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(msft)));
    let short = OrderSpec {
        instrument: other,
        allow_short: true,
        ..spec(Side::Sell, 10, limit("10"))
    };
    let denial = denied(&mut desk, "short", short);
    assert_eq!(denial.code, DenialCode::MaxGross, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "9");
    passes(&mut desk, "out", spec(Side::Sell, 499, limit("100")));
}

#[test]
fn what_the_account_is_worth_has_to_be_known_and_exits_need_no_worth() {
    let mut desk = Desk::cold(AccountClass::Sim);
    desk.quote("100.00", "100.02");
    let unpriced = instrument("DARK", InstrumentKind::Equity, 1);
    let dark = unpriced.id;
    desk.broker(BrokerEvent::Instrument(Box::new(unpriced)));
    let pass = desk.pass();
    desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
        positions: vec![(aapl(), q(100), None), (dark, q(5), None)],
        ..snapshot(pass)
    })));
    let denial = denied(&mut desk, "in", buy(1));
    assert_eq!(denial.code, DenialCode::WorthUnknown, "{denial}");
    assert!(
        denial.text.as_str().contains("DARK is held and has no price"),
        "{denial}"
    );
    passes(&mut desk, "out", spec(Side::Sell, 100, limit("100")));
}

#[test]
fn excess_liquidity_stays_where_the_broker_tells_it() {
    let mut desk = desk(100_000, |limits| {
        (limits.max_name_bps, limits.max_issuer_bps) = (0, 0);
    });
    desk.report(Report::Funds {
        currency: Currency::USD,
        excess: Money::whole(20_000),
        lends: None,
    });
    // The exchange in the box takes half of a share's value as margin: 10,000 of 20,000 may go.
    assert_eq!(nearest_passes(&mut desk, DenialCode::BuyingPower, &buy, 500), 200);
    desk.accept("fits");
    desk.fill("fits", 200, "100");
    passes(&mut desk, "out", spec(Side::Sell, 200, limit("100")));
}

#[test]
fn live_orders_of_the_account_are_counted_in_all() {
    let mut desk = desk(1_000_000, |limits| limits.max_total_orders = 2);
    for (name, price) in [("A", "99"), ("B", "98")] {
        desk.working(name, spec(Side::Buy, 1, limit(price)));
    }
    let denial = denied(&mut desk, "C", spec(Side::Buy, 1, limit("97")));
    assert_eq!(denial.code, DenialCode::MaxOrders, "{denial}");
    desk.fill("A", 1, "99");
    passes(&mut desk, "D", spec(Side::Buy, 1, limit("97")));
    passes(&mut desk, "out", spec(Side::Sell, 1, limit("100")));
}

#[test]
fn each_order_of_a_pair_and_each_leg_of_a_bracket_takes_a_place() {
    let mut desk = desk(1_000_000, |limits| {
        (limits.max_live_orders, limits.deny_self_cross) = (3, false);
    });
    let pair = |desk: &mut Desk, first: &str, second: &str| {
        desk.now = desk.now.after(SECOND);
        desk.command(Command::SubmitPair {
            first: id(first),
            first_spec: spec(Side::Buy, 1, limit("99")),
            second: id(second),
            second_spec: spec(Side::Buy, 1, OrderKind::Stop { trigger: p("101") }),
            seen: Vec::new(),
        })
    };
    desk.working("A", spec(Side::Buy, 1, limit("98")));
    desk.working("B", spec(Side::Buy, 1, limit("97")));
    // One place is left, and two orders want it.
    let (code, words) = refusal(pair(&mut desk, "C", "D"));
    assert_eq!(code, DenialCode::MaxOrders, "{words}");
    assert!(words.contains("2 live BUY orders in AAPL and 2 more"), "{words}");
    desk.cancelled("B");
    assert!(matches!(pair(&mut desk, "E", "F"), Outcome::Done { .. }));
    assert_eq!(denied(&mut desk, "G", buy(1)).code, DenialCode::MaxOrders);
    // The stop and the target of a bracket are sells: one place of three is taken, then none is left for both.
    let short = |at: &str| OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, 1, limit(at))
    };
    desk.working("S", short("102"));
    desk.working("T", short("103"));
    desk.cancelled("A");
    let (code, words) = refusal(desk.bracket("H", buy(1), "95", "105"));
    assert_eq!(code, DenialCode::MaxOrders, "{words}");
    desk.cancelled("T");
    let outcome = desk.bracket("I", buy(1), "95", "105");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

#[test]
fn an_entry_does_not_meet_its_own_account() {
    let mut desk = Desk::ready();
    let short = OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, 10, limit("100.01"))
    };
    desk.working("S", short);
    let denial = denied(&mut desk, "A", spec(Side::Buy, 5, limit("100.01")));
    assert_eq!(denial.code, DenialCode::SelfCross, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "100");
    assert_eq!(
        denied(&mut desk, "B", spec(Side::Buy, 5, OrderKind::Market)).code,
        DenialCode::SelfCross
    );
    passes(&mut desk, "C", spec(Side::Buy, 5, limit("100")));
    desk.accept("C");
    desk.cancelled("C");
    // An exit may: the position is smaller afterwards.
    desk.fill("S", 5, "100.01");
    passes(&mut desk, "out", spec(Side::Buy, 5, limit("100.01")));
}

#[test]
fn nothing_is_opened_in_what_is_restricted() {
    let mut desk = Desk::holding(100);
    limits(&mut desk, |limits| limits.restricted = vec![aapl()]);
    assert_eq!(denied(&mut desk, "A", buy(1)).code, DenialCode::Restricted);
    passes(&mut desk, "out", spec(Side::Sell, 100, limit("100")));
}

#[test]
fn an_entry_at_the_market_keeps_the_hours_and_crosses_no_wide_market() {
    let mut desk = Desk::holding(100);
    let us = Instrument {
        calendar: CalendarId::UsEquity,
        ..instrument("AAPL", InstrumentKind::Equity, 1)
    };
    desk.market.list(us.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(us)));
    let market = || spec(Side::Buy, 1, OrderKind::Market);
    // A Friday: open at 15:00, closed by 2:00 of the night after.
    desk.quote("100.00", "100.02");
    passes(&mut desk, "A", market());
    desk.now = Timestamp::parse("2026-11-21T02:00:00Z").unwrap();
    desk.quote("100.00", "100.02");
    let denial = denied(&mut desk, "B", market());
    assert_eq!(denial.code, DenialCode::OutsideHours, "{denial}");
    assert!(
        denial.text.as_str().contains("closed until 2026-11-23T09:00:00Z"),
        "{denial}"
    );
    passes(&mut desk, "C", buy(1));
    passes(&mut desk, "out", spec(Side::Sell, 50, OrderKind::Market));
    // Beyond the calendar's years nobody knows.
    desk.now = Timestamp::parse("2031-06-01T15:00:00Z").unwrap();
    desk.quote("100.00", "100.02");
    assert_eq!(denied(&mut desk, "D", market()).code, DenialCode::OutsideHours);

    let mut desk = Desk::holding(100);
    desk.quote("100.00", "101.50");
    let denial = denied(&mut desk, "E", market());
    assert_eq!(denial.code, DenialCode::Spread, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "101.5");
    passes(&mut desk, "F", spec(Side::Buy, 1, limit("101.50")));
    passes(&mut desk, "out", spec(Side::Sell, 100, OrderKind::Market));
}

#[test]
fn an_entry_stays_within_the_band_of_the_previous_close() {
    let mut desk = Desk::holding(100);
    desk.market.set_previous_close(aapl(), p("80"), desk.now);
    let denial = denied(&mut desk, "A", buy(1));
    assert_eq!(denial.code, DenialCode::CloseBand, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "96");
    passes(&mut desk, "B", spec(Side::Buy, 1, limit("96")));
    passes(&mut desk, "out", spec(Side::Sell, 100, limit("100")));
}

#[test]
fn the_stop_of_a_bracket_moves_though_no_entry_could_stand_there() {
    let mut desk = Desk::ready();
    desk.bracket("A", spec(Side::Buy, 100, limit("100")), "70", "105");
    desk.accept("A");
    desk.market.set_previous_close(aapl(), p("100"), desk.now);
    desk.now = desk.now.after(SECOND);
    // 30 % below the close: no price for an entry, and where this stop was put.
    let change = OrderChange {
        trigger: Some(p("71")),
        ..OrderChange::default()
    };
    let outcome = desk.command(Command::Modify {
        id: id("A.1"),
        change,
    });
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

// --- limits that change while the engine runs ---------------------------------------------------------------------

fn set(name: LimitName, value: Option<&str>, minutes: Option<u32>, typed: &str) -> Command {
    Command::SetLimit {
        account: Some(account()),
        scope: None,
        name,
        value: value.map(|value| name.read(value).unwrap()),
        minutes,
        confirmation: typed.into(),
        by: "".into(),
    }
}

fn in_force(desk: &Desk, name: LimitName) -> String {
    desk.engine.state().limits_of(account()).get(name).to_string()
}

#[test]
fn a_limit_is_tightened_at_once_and_reverts_by_itself() {
    let mut desk = Desk::ready();
    let name = LimitName::MaxOrderValue;
    assert!(matches!(
        desk.command(set(name, Some("500"), Some(30), "")),
        Outcome::Done { .. }
    ));
    let denial = denied(&mut desk, "A", buy(10));
    assert_eq!(denial.code, DenialCode::MaxValue, "{denial}");
    passes(&mut desk, "B", buy(5));
    // A new process begins with it, and its time goes on.
    desk.start();
    assert_eq!(in_force(&desk, name), "500");
    desk.wait(29 * 60);
    assert_eq!(in_force(&desk, name), "500");
    desk.wait(2 * 60);
    assert_eq!(in_force(&desk, name), "1000000");
    let told = desk.engine.state().notices.iter();
    assert!(
        told.map(|notice| notice.text.as_str())
            .any(|text| text.contains("limit max_order_value of") && text.contains("its time is over"))
    );
}

#[test]
fn above_the_ceiling_somebody_types_the_account() {
    let mut desk = Desk::ready();
    let name = LimitName::MaxLiveOrders;
    let refused = refusal(desk.command(set(name, Some("30"), None, "")));
    assert_eq!(refused.0, DenialCode::Confirmation, "{refused:?}");
    assert_eq!(in_force(&desk, name), "20");
    desk.command(set(name, Some("30"), Some(5), "0001"));
    assert_eq!(in_force(&desk, name), "30");
    // A file with another value takes it back.
    limits(&mut desk, |limits| limits.max_live_orders = 10);
    assert_eq!(in_force(&desk, name), "10");
    // Back up to the ceiling takes no more than who may add risk.
    desk.command(set(name, Some("3"), None, ""));
    desk.command(set(name, None, None, ""));
    assert_eq!(in_force(&desk, name), "10");
    let kind = Command::SetLimit {
        account: None,
        scope: None,
        name,
        value: Some(LimitValue::Flag(true)),
        minutes: None,
        confirmation: "".into(),
        by: "".into(),
    };
    assert_eq!(refusal(desk.command(kind)).0, DenialCode::BadLimit);
    let long = refusal(desk.command(set(name, Some("3"), Some(1_441), "")));
    assert_eq!(long.0, DenialCode::BadLimit);
    // Of all accounts and of one the stricter holds.
    desk.command(set(name, Some("5"), None, ""));
    let all = Command::SetLimit {
        account: None,
        scope: None,
        name,
        value: Some(LimitValue::Count(4)),
        minutes: None,
        confirmation: "".into(),
        by: "".into(),
    };
    desk.command(all);
    assert_eq!(in_force(&desk, name), "4");
}

#[test]
fn nobody_loosens_who_may_not_add_risk() {
    let mut desk = Desk::cold(AccountClass::Live);
    desk.read(&[], &[]);
    let name = LimitName::MaxOrderValue;
    desk.command(set(name, Some("500"), None, ""));
    assert_eq!(
        refusal(desk.command(set(name, None, None, ""))).0,
        DenialCode::NotArmed
    );
    desk.origin.kind = SessionKind::Monitor;
    assert_eq!(
        refusal(desk.command(set(name, Some("1"), None, ""))).0,
        DenialCode::ReadOnly
    );
    assert_eq!(in_force(&desk, name), "500");
}

// --- no sequence of orders ends above a limit ---------------------------------------------------------------------

proptest! {
    #[test]
    fn no_sequence_of_orders_ends_above_a_limit(
        orders in prop::collection::vec((any::<bool>(), 1i64..400, 95i64..106, any::<u8>()), 1..60),
    ) {
        let mut desk = desk(100_000, |limits| {
            (limits.rate_burst, limits.rate_per_second) = (10_000, 10_000);
            (limits.duplicate_window_ms, limits.max_live_orders) = (0, 8);
            (limits.max_total_orders, limits.max_gross_bps) = (10, 3_000);
            (limits.max_entries_5m, limits.loss_streak, limits.deny_self_cross) = (0, 0, false);
            (limits.max_round_trips_1m, limits.max_order_bps) = (0, 1_000);
        });
        for (n, (is_buy, count, price, fate)) in orders.into_iter().enumerate() {
            let name = format!("O{n}");
            let side = if is_buy { Side::Buy } else { Side::Sell };
            let order = OrderSpec { allow_short: true, ..spec(side, count, limit(&price.to_string())) };
            let adds = risk::effect(desk.engine.state(), &order) == risk::Effect::Adds;
            let entered = matches!(desk.submit(&name, order), Outcome::Done { .. });
            prop_assert!(!(entered && adds) || desk.engine.state().live.len() <= 10);
            // Nothing is won at the mark: 10 % of 100,000 at most.
            prop_assert!(!(entered && adds) || count * price <= 10_000, "{count} at {price}");
            if entered && fate % 4 > 0 {
                desk.accept(&name);
                match fate % 4 {
                    // At the mark, so that only orders move what is held against the limits.
                    1 => drop(desk.fill(&name, count, "100.01")),
                    2 => drop(desk.fill(&name, 1 + count / 2, "100.01")),
                    _ => desk.cancelled(&name),
                }
            }
            let state = desk.engine.state();
            let held = state.position(account(), aapl()).quantity.abs();
            let value = p("100.01").notional(held, Multiplier::ONE).unwrap();
            // 20 % of what 100,000 became: fees that nobody told yet count at their worst.
            prop_assert!(value <= Money::whole(20_000), "{held} held");
        }
    }
}
