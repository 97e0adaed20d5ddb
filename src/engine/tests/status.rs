//! What the market allows of an instrument: no entry at any price into a halt, no short sale at the bid while the rule restricts
//! them, and the way out open through both.

use super::*;
use crate::market::{Bar, Timeframe};

/// 10:00 in New York on the Friday after Thanksgiving.
const FRIDAY: &str = "2026-11-27T15:00:00Z";

fn refused(outcome: Outcome) -> Denial {
    match outcome {
        Outcome::Denied(denial) | Outcome::Refused(denial) => denial,
        other => panic!("{other:?}"),
    }
}

fn quote_of(desk: &mut Desk, bid: &str, ask: &str, quality: Quality) {
    desk.market.on_quote(Quote {
        instrument: aapl(),
        bid: Some((p(bid), q(100))),
        ask: Some((p(ask), q(100))),
        at: desk.now,
        quality,
    });
}

#[test]
fn an_entry_at_the_market_does_not_go_into_a_halt_and_an_exit_does() {
    let mut desk = Desk::holding(100);
    quote_of(&mut desk, "100.00", "100.02", Quality::Halted);
    let denial = refused(desk.submit("A", spec(Side::Buy, 10, OrderKind::Market)));
    assert_eq!(denial.code, DenialCode::InstrumentHalted);
    assert!(denial.text.as_str().contains("a limit waits for it"), "{denial}");
    desk.working("B", spec(Side::Buy, 10, limit("100.00")));
    let out = desk.submit("C", spec(Side::Sell, 50, OrderKind::Market));
    assert!(matches!(out, Outcome::Done { .. }), "{out:?}");
    quote_of(&mut desk, "100.00", "100.02", Quality::Live);
    let again = desk.submit("D", spec(Side::Buy, 10, OrderKind::Market));
    assert!(matches!(again, Outcome::Done { .. }), "{again:?}");
}

/// A share of New York that fell from 112 to 100 yesterday.
fn fallen() -> Desk {
    let mut desk = Desk::holding(100);
    let share = Instrument {
        calendar: CalendarId::UsEquity,
        ..instrument("AAPL", InstrumentKind::Equity, 1)
    };
    desk.market.list(share.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(share)));
    let bar = |day: &str, low: &str, close: &str| Bar {
        start: CalendarId::UsEquity
            .trading_day(Timestamp::parse(day).unwrap())
            .unwrap()
            .start,
        open: p(close),
        high: p(close),
        low: p(low),
        close: p(close),
        volume: 1,
        value: 1,
        count: 1,
        revision: 0,
    };
    let bars = vec![
        bar("2026-11-24T16:00:00Z", "111", "112"),
        bar("2026-11-25T16:00:00Z", "99", "100"),
    ];
    desk.market.set_bars(aapl(), Timeframe::Day, bars);
    desk.now = Timestamp::parse(FRIDAY).unwrap();
    quote_of(&mut desk, "100.00", "100.02", Quality::Live);
    desk
}

#[test]
fn a_short_sale_under_the_rule_is_above_the_bid_and_what_is_held_is_sold_at_any_price() {
    let mut desk = fallen();
    let short = |quantity, kind| OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, quantity, kind)
    };
    for (name, kind) in [
        ("A1", OrderKind::Market),
        ("A2", limit("99.99")),
        ("A3", limit("100.00")),
    ] {
        let denial = refused(desk.submit(name, short(150, kind)));
        assert_eq!(denial.code, DenialCode::ShortRestricted, "{denial}");
        assert_eq!(
            denial.nearest.as_ref().map(|near| near.as_str()),
            Some("100.01"),
            "{denial}"
        );
    }
    desk.working("B", short(150, limit("100.01")));
    let change = |price: &str| Command::Modify {
        id: id("B"),
        change: OrderChange {
            price: Some(p(price)),
            ..OrderChange::default()
        },
    };
    let denial = refused(desk.command(change("99.98")));
    assert_eq!(denial.code, DenialCode::ShortRestricted, "{denial}");
    let up = desk.command(change("100.05"));
    assert!(matches!(up, Outcome::Done { .. }), "{up:?}");
    desk.cancelled("B");
    let out = desk.submit("C", spec(Side::Sell, 100, OrderKind::Market));
    assert!(matches!(out, Outcome::Done { .. }), "{out:?}");
}
