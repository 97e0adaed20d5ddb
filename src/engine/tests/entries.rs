//! What an entry keeps beside its size: where a share is listed, how near a halt is, how old its price is, how much of a day's
//! trading it is, how far funds reach, and what an account may hold to which nothing is lent. Exits pass in every case.

use super::limits::{desk, limits};
use super::*;
use crate::market::{Bar, Timeframe};
use std::time::Duration;

/// The code of a refusal, and its nearest.
fn refused(outcome: &Outcome) -> Option<(DenialCode, Option<String>)> {
    match outcome {
        Outcome::Denied(denial) | Outcome::Refused(denial) => {
            Some((denial.code, denial.nearest.as_ref().map(ToString::to_string)))
        }
        Outcome::Done { .. } => None,
        other => panic!("{other:?}"),
    }
}

/// AAPL, told anew.
fn told(desk: &mut Desk, change: impl FnOnce(&mut Instrument)) {
    let mut aapl = desk.engine.state().instruments[&aapl()].clone();
    change(&mut aapl);
    desk.market.list(aapl.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(aapl)));
    desk.quote("100.00", "100.02");
}

impl Desk {
    fn buys(&mut self, name: &str, count: i64, kind: OrderKind) -> Option<(DenialCode, Option<String>)> {
        self.now = self.now.after(Duration::from_secs(2));
        refused(&self.submit(name, spec(Side::Buy, count, kind)))
    }
}

#[test]
fn shares_that_no_exchange_lists_are_closed_and_not_opened_where_it_is_so_set() {
    for (market, opened) in [
        ("NASDAQ", true),
        ("PINK", false),
        ("OTCLNKECN", false),
        ("GREY", false),
    ] {
        let mut desk = desk(1_000_000, |_| {});
        desk.submit("held", spec(Side::Buy, 10, limit("100")));
        desk.accept("held");
        desk.fill("held", 10, "100");
        told(&mut desk, |aapl| aapl.listed_on = Text::new(market).ok());
        assert_eq!(desk.buys("A", 1, limit("100")), None, "{market}: nothing is set");
        limits(&mut desk, |limits| limits.allow_otc = false);
        desk.quote("100.00", "100.02");
        let denied = desk.buys("B", 1, limit("100"));
        assert_eq!(
            denied,
            (!opened).then_some((DenialCode::Restricted, None)),
            "{market}"
        );
        assert_eq!(
            refused(&desk.submit("out", spec(Side::Sell, 10, limit("100")))),
            None,
            "{market}"
        );
    }
}

#[test]
fn an_order_at_the_market_relies_on_no_old_price() {
    let mut desk = desk(1_000_000, |limits| limits.max_price_age_seconds = 60);
    assert_eq!(desk.buys("A", 1, OrderKind::Market), None);
    desk.now = desk.now.after(Duration::from_secs(60));
    assert_eq!(
        desk.buys("B", 1, OrderKind::Market),
        Some((DenialCode::NoPrice, None))
    );
    // An exit passes, and a limit says itself what it may cost. What is heard anew is relied on again.
    desk.accept("A");
    desk.fill("A", 1, "100.02");
    assert_eq!(
        refused(&desk.submit("out", spec(Side::Sell, 1, OrderKind::Market))),
        None
    );
    assert_eq!(desk.buys("C", 1, limit("100")), None);
    desk.quote("100.01", "100.02");
    assert_eq!(desk.buys("D", 1, OrderKind::Market), None);
    // The venue's own clock says nothing of it. One that is ahead of ours:
    let at = |desk: &Desk, at: Timestamp| Quote {
        at,
        ..*desk.market.quote(aapl()).unwrap()
    };
    let ahead = at(&desk, desk.now.after(Duration::from_secs(300)));
    desk.market.on_quote(ahead);
    assert_eq!(desk.buys("E", 2, OrderKind::Market), None);
    desk.now = desk.now.after(Duration::from_secs(61));
    let too_old = Some((DenialCode::NoPrice, None));
    assert_eq!(desk.buys("F", 1, OrderKind::Market), too_old);
    // What was not taken was not heard.
    desk.market.received_at(desk.now);
    let older = at(&desk, desk.now);
    desk.market.on_quote(older);
    assert_eq!(desk.buys("G", 1, OrderKind::Market), too_old);
    // And one that is behind.
    desk.now = desk.now.after(Duration::from_secs(400));
    desk.market.received_at(desk.now);
    desk.market.on_quote(ahead);
    assert_eq!(desk.buys("H", 1, OrderKind::Market), None);
}

#[test]
fn an_order_is_a_small_part_of_a_days_trading() {
    let mut desk = desk(1_000_000, |limits| {
        (limits.max_volume_bps, limits.max_name_bps, limits.max_issuer_bps) = (100, 0, 0);
    });
    let day = |number: i64, shares: i64| Bar {
        start: Timestamp::parse("2026-10-20T00:00:00Z")
            .unwrap()
            .after(Duration::from_secs(86_400 * u64::try_from(number).unwrap())),
        open: p("100"),
        high: p("100"),
        low: p("100"),
        close: p("100"),
        volume: i128::from(q(shares).raw()),
        value: 0,
        count: 1,
        revision: 0,
    };
    // Four days are too few to tell.
    let few = (0..4).map(|number| day(number, 1_000)).collect();
    desk.market.set_bars(aapl(), Timeframe::Day, few);
    assert_eq!(desk.buys("A", 500, limit("99")), None);
    // Of thirty days the last twenty count, and the one that is not over does not.
    let old = (0..11).map(|number| day(number, 1_000_000));
    let recent = (11..31).map(|number| day(number, 20_000));
    desk.market.set_bars(
        aapl(),
        Timeframe::Day,
        old.chain(recent).chain([day(31, 5_000_000)]).collect(),
    );
    let most = Some((DenialCode::MaxQuantity, Some("200".to_owned())));
    assert_eq!(desk.buys("B", 201, limit("99")), most);
    assert_eq!(desk.buys("C", 200, limit("98")), None);
}

#[test]
fn nothing_is_opened_in_a_future_in_the_minutes_before_it_stops_trading() {
    let mut desk = desk(1_000_000, |limits| limits.pause_before_halt_minutes = 5);
    let future = Instrument {
        calendar: CalendarId::CmeGlobex,
        ..instrument("ESH7", InstrumentKind::Future, 50)
    };
    let id = future.id;
    desk.market.list(future.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(future)));
    // A Friday: trading ends at 17:00 in New York, 22:00 UTC.
    for (at, opened) in [("21:54:59", true), ("21:55:00", false), ("21:59:59", false)] {
        desk.now = Timestamp::parse(&format!("2026-11-20T{at}Z")).unwrap();
        desk.market.on_quote(Quote {
            instrument: id,
            bid: Some((p("100"), q(100))),
            ask: Some((p("100.02"), q(100))),
            at: desk.now,
            quality: Quality::Live,
        });
        let order = OrderSpec {
            instrument: id,
            ..spec(Side::Buy, 1, limit("100"))
        };
        let denied = refused(&desk.submit(&at.replace(':', ""), order)).map(|(code, _)| code);
        assert_eq!(denied, (!opened).then_some(DenialCode::OutsideHours), "{at}");
    }
}

#[test]
fn funds_reach_less_far_and_say_how_they_follow() {
    let mut desk = desk(1_000_000, |_| {});
    assert_eq!(desk.buys("A", 1, limit("102.50")), None);
    told(&mut desk, |aapl| {
        aapl.sector = Some(SafeText::new("Funds"));
        aapl.name = SafeText::new("PROSHARES ULTRAPRO QQQ");
    });
    let collar = desk.buys("B", 1, limit("102.50"));
    assert_eq!(collar, Some((DenialCode::Collar, Some("102.02".to_owned()))));
    assert_eq!(desk.buys("C", 1, limit("102.02")), None);
    let check = risk::Check {
        state: desk.engine.state(),
        market: &desk.market,
        now: desk.now,
        sender: None,
    };
    let words = check.advice(&spec(Side::Buy, 1, limit("100")));
    assert!(
        words.iter().any(|text| text.as_str().contains("by a multiple")),
        "{words:?}"
    );
}

#[test]
fn an_account_to_which_nothing_is_lent_holds_no_more_than_it_has() {
    let lent = |desk: &mut Desk, lends| {
        desk.report(Report::Funds {
            currency: Currency::USD,
            excess: Money::whole(1_000_000),
            lends,
        });
    };
    let mut desk = desk(100_000, |limits| {
        (limits.max_name_bps, limits.max_issuer_bps, limits.min_excess_bps) = (0, 0, 0);
    });
    // Counted at the mark, a cent above the limit.
    lent(&mut desk, Some(false));
    assert_eq!(
        desk.buys("A", 1_001, limit("100")),
        Some((DenialCode::MaxGross, Some("999".to_owned())))
    );
    lent(&mut desk, Some(true));
    assert_eq!(desk.buys("B", 1_001, limit("100")), None);
}
