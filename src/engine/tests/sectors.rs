//! One sector as a share of the account: refused above its limit with the quantity that would pass, warned of before, never a
//! way out held up; funds and what nobody classified don't count. Two names that move as one are said, and refused by nobody.

use super::limits::desk;
use super::*;
use crate::engine::preview::preview;
use crate::market::{Bar, Timeframe};

fn msft() -> InstrumentId {
    InstrumentId::new("MSFT").unwrap()
}

/// Of 100,000, with the limits of names out of the way, and another share at 100.
fn classified(sector: &str) -> Desk {
    let mut desk = desk(100_000, |limits| {
        (limits.max_name_bps, limits.max_issuer_bps) = (0, 0);
    });
    let other = instrument("MSFT", InstrumentKind::Equity, 1);
    desk.market.list(other.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(other)));
    desk.market.on_quote(Quote {
        instrument: msft(),
        bid: Some((p("100"), q(100))),
        ask: Some((p("100.02"), q(100))),
        at: desk.now,
        quality: Quality::Live,
    });
    let sectors = [aapl(), msft()].map(|id| (id, SafeText::new(sector)));
    desk.step(&Input::Sectors {
        sectors: BTreeMap::from(sectors),
    });
    desk
}

fn buy(of: InstrumentId, count: i64) -> OrderSpec {
    OrderSpec {
        instrument: of,
        ..spec(Side::Buy, count, limit("100"))
    }
}

fn advice(desk: &Desk, spec: OrderSpec) -> Vec<String> {
    let command = Command::Submit {
        id: id("look"),
        spec,
        legs: Legs::default(),
        seen: None,
    };
    let shown = preview(desk.engine.state(), &desk.market, &command, desk.now)
        .unwrap()
        .unwrap();
    shown.advice.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sector_is_a_share_of_the_account_whatever_names_are_in_it() {
    let mut desk = classified("Technology");
    desk.working("A", buy(aapl(), 250));
    desk.fill("A", 250, "100");
    // 25 % are held; what warns is said, what is too much is refused.
    assert_eq!(advice(&desk, buy(msft(), 10)), Vec::<String>::new());
    let said = advice(&desk, buy(msft(), 60));
    assert!(
        said.len() == 1 && said[0].starts_with("Technology could come to"),
        "{said:?}"
    );
    let Outcome::Denied(denial) = desk.submit("B", buy(msft(), 200)) else {
        panic!("40 % and more of one sector passed")
    };
    assert_eq!(denial.code, DenialCode::Sector);
    // 40,000 less 250 at 100.01, at 100.01 each.
    assert_eq!(
        denial.nearest.as_ref().map(|near| near.as_str()),
        Some("149"),
        "{denial}"
    );
    let passes = desk.submit("C", buy(msft(), 149));
    assert!(matches!(passes, Outcome::Done { .. }), "{passes:?}");
    // What works counts in full, and the way out is open.
    let next = desk.submit("D", buy(aapl(), 5));
    assert!(
        matches!(&next, Outcome::Denied(denial) if denial.code == DenialCode::Sector),
        "{next:?}"
    );
    let out = desk.submit("E", spec(Side::Sell, 250, limit("100")));
    assert!(matches!(out, Outcome::Done { .. }), "{out:?}");
}

#[test]
fn funds_and_what_nobody_classified_are_no_sector() {
    let mut desk = classified("Funds");
    let passes = desk.submit("A", buy(aapl(), 500));
    assert!(matches!(passes, Outcome::Done { .. }), "{passes:?}");
    let mut desk = classified("Technology");
    desk.step(&Input::Sectors {
        sectors: BTreeMap::new(),
    });
    let passes = desk.submit("A", buy(aapl(), 500));
    assert!(matches!(passes, Outcome::Done { .. }), "{passes:?}");
    let events = desk.events.len();
    desk.step(&Input::Sectors {
        sectors: BTreeMap::new(),
    });
    assert_eq!(desk.events.len(), events, "said again it is no fact");
}

#[test]
fn two_names_that_move_as_one_are_said_before_the_order_is_sent() {
    let mut desk = classified("Funds");
    desk.working("A", buy(aapl(), 150));
    desk.fill("A", 150, "100");
    let mut limits = desk.engine.state().limits.clone();
    limits.max_name_bps = 2_000;
    desk.engine.record(Fact::LimitsSet { limits }, desk.now);
    assert_eq!(
        advice(&desk, buy(msft(), 60)),
        Vec::<String>::new(),
        "nobody knows how they move"
    );
    for id in [aapl(), msft()] {
        let bar = |ago: u32| {
            let close = Price::from_raw(100_000_000_000 + i64::from(ago * ago * 37 % 101) * 100_000_000);
            Bar {
                start: desk.now.before(Duration::from_secs(86_400) * (ago + 2)),
                open: close,
                high: close,
                low: close,
                close,
                volume: 1,
                value: 1,
                count: 1,
                revision: 0,
            }
        };
        desk.market
            .set_bars(id, Timeframe::Day, (0..80).rev().map(bar).collect());
    }
    let said = advice(&desk, buy(msft(), 60));
    assert!(
        said.len() == 1 && said[0].contains("it moves as AAPL (1.00)"),
        "{said:?}"
    );
    assert_eq!(
        advice(&desk, buy(msft(), 40)),
        Vec::<String>::new(),
        "19 % is one name"
    );
    let passes = desk.submit("B", buy(msft(), 60));
    assert!(
        matches!(passes, Outcome::Done { .. }),
        "it warns and never refuses: {passes:?}"
    );
}
