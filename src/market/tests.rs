//! What the market has to get right: late, repeated and corrupt data, the change of day, and a replica that
//! ends up equal.

use super::conflate::{Conflater, PrintRing, TapeItem, Update};
use super::*;
use crate::domain::{CalendarId, Currency, InstrumentKind, Multiplier, Quantity, TickTable};
use proptest::prelude::*;

fn id() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}
fn price(text: &str) -> Price {
    text.parse().unwrap()
}
fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}
pub(super) fn instrument() -> Instrument {
    Instrument {
        id: id(),
        name: "Apple Inc.".into(),
        kind: InstrumentKind::Equity,
        currency: Currency::USD,
        multiplier: Multiplier::ONE,
        ticks: TickTable::uniform(price("0.01")).unwrap(),
        lot: Quantity::ONE,
        calendar: CalendarId::UsEquity,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    }
}
fn market() -> Market {
    let mut market = Market::new();
    market.list(instrument());
    market
}
fn quote(bid: &str, ask: &str, when: &str) -> Quote {
    let side = |text: &str| Some((price(text), Quantity::ONE));
    Quote {
        instrument: id(),
        bid: side(bid),
        ask: side(ask),
        at: at(when),
        quality: Quality::Live,
    }
}
fn print(number: u64, text: &str, when: &str) -> Print {
    Print {
        instrument: id(),
        number,
        at: at(when),
        price: price(text),
        size: Quantity::ONE,
        aggressor: None,
    }
}

#[test]
fn quotes_newest_wins_and_garbage_stays_out() {
    let mut market = market();
    let mut on = |quote| market.on_quote(quote);
    assert_eq!(
        on(quote("100", "100.02", "2026-03-09T14:00:01Z")),
        QuoteOutcome::Changed
    );
    assert_eq!(
        on(quote("100", "100.02", "2026-03-09T14:00:02Z")),
        QuoteOutcome::Unchanged
    );
    assert_eq!(
        on(quote("99", "99.02", "2026-03-09T14:00:01Z")),
        QuoteOutcome::Older
    );
    assert_eq!(
        on(quote("101", "100", "2026-03-09T14:00:03Z")),
        QuoteOutcome::Crossed
    );
    assert_eq!(
        on(quote("0", "100", "2026-03-09T14:00:03Z")),
        QuoteOutcome::Impossible
    );
    assert_eq!(
        on(quote("-1", "100", "2026-03-09T14:00:03Z")),
        QuoteOutcome::Impossible
    );
    for _ in 0..2 {
        assert_eq!(
            on(quote("100", "1000.2", "2026-03-09T14:00:03Z")),
            QuoteOutcome::Quarantined
        );
    }
    assert_eq!(
        on(quote("100", "100.01", "2026-03-09T14:00:04Z")),
        QuoteOutcome::Changed
    );
    assert_eq!(market.quote(id()).unwrap().ask.unwrap().0, price("100.01"));
    assert_eq!(market.health(id()).unwrap().quarantined, 2);
    // A market order's reference and a position's mark never saw the false one.
    assert_eq!(market.mark(id()).unwrap().price, price("100.005"));
}

#[test]
fn a_repeated_print_counts_once_and_a_spike_never() {
    let mut market = market();
    let mut out = Vec::new();
    let first = print(1, "100", "2026-03-09T14:00:00Z");
    assert_eq!(market.on_print(first, &mut out), PrintOutcome::Taken);
    assert_eq!(market.on_print(first, &mut out), PrintOutcome::Repeated);
    let spike = print(2, "1000", "2026-03-09T14:00:01Z");
    assert_eq!(market.on_print(spike, &mut out), PrintOutcome::Quarantined);
    assert_eq!(
        market.on_print(print(3, "100.5", "2026-03-09T14:00:02Z"), &mut out),
        PrintOutcome::Taken
    );
    let day = market.ticker(id()).unwrap().day.unwrap();
    assert_eq!((day.high, day.count), (price("100.5"), 2));
    // A real jump: held prints are folded once the third agrees, in order.
    for (number, text) in [(4, "80"), (5, "80.1")] {
        let print = print(number, text, "2026-03-09T14:00:03Z");
        assert_eq!(market.on_print(print, &mut out), PrintOutcome::Quarantined);
    }
    assert_eq!(market.last(id()).unwrap().price, price("100.5"));
    assert_eq!(
        market.on_print(print(6, "79.9", "2026-03-09T14:00:03Z"), &mut out),
        PrintOutcome::Taken
    );
    assert_eq!(market.ticker(id()).unwrap().day.unwrap().count, 5);
    assert_eq!(
        market.tape(id()).map(|print| print.number).collect::<Vec<_>>(),
        [1, 3, 4, 5, 6]
    );
    // The feed begins to count anew without a word.
    assert_eq!(
        market.on_print(print(1, "80", "2026-03-09T14:00:04Z"), &mut out),
        PrintOutcome::Taken
    );
    assert_eq!(market.health(id()).unwrap().restarts, 1);
}

#[test]
fn the_day_turns_and_the_change_is_from_the_regular_close() {
    let mut market = market();
    let mut out = Vec::new();
    // Friday's close, a straggler after hours, then Monday in another offset from UTC: before the bell, and
    // after it.
    let prints = [
        ("100", "2026-03-06T20:59:59Z"),
        ("104", "2026-03-06T21:30:00Z"),
        ("105", "2026-03-09T12:00:00Z"),
        ("102", "2026-03-09T13:30:00Z"),
    ];
    for (number, (text, when)) in (1..).zip(prints) {
        assert_eq!(
            market.on_print(print(number, text, when), &mut out),
            PrintOutcome::Taken
        );
        let ticker = market.ticker(id()).unwrap();
        match number {
            2 => assert_eq!(ticker.day.unwrap().close, price("100")),
            3 => assert_eq!((ticker.day, ticker.change()), (None, Some(price("5")))),
            4 => assert_eq!(ticker.change_percent().map(f64::round), Some(2.0)),
            _ => {}
        }
    }
    assert_eq!(market.bars(id(), Timeframe::Day).len(), 2);
    assert_eq!(market.bars(id(), Timeframe::H1).len(), 4);
    market.set_previous_close(id(), price("101"), at("2026-03-09T13:30:00Z"));
    assert_eq!(market.ticker(id()).unwrap().change(), Some(price("1")));
}

#[test]
fn a_replica_fed_by_conflation_ends_up_with_the_same_bars() {
    let (mut engine, mut replica) = (market(), Market::replica());
    replica.list(instrument());
    let (mut conflater, mut out, mut sent) = (Conflater::new(), Vec::new(), Vec::new());
    let start = at("2026-03-09T14:00:00Z");
    for number in 1..=2_000u64 {
        // Every seventh print is told late.
        let late = if number % 7 == 0 { 12_000 } else { 0 };
        let when = start.0 + i64::try_from(number * 700 - late.min(number * 700)).unwrap() * 1_000_000;
        let price = Price::from_raw(100_000_000_000 + i64::try_from(number * 37 % 500).unwrap() * 10_000_000);
        let print = Print {
            at: Timestamp(when),
            price,
            ..print(number, "1", "2026-03-09T14:00:00Z")
        };
        engine.on_print(print, &mut out);
        out.drain(..).for_each(|update| conflater.put_bar(update));
        if number % 93 == 0 {
            conflater.drain(&mut sent);
        }
        if number == 900 {
            // A terminal that comes late asks for what was, and gets what is besides.
            for timeframe in Timeframe::BASE {
                replica.set_bars(id(), timeframe, engine.bars(id(), timeframe).to_vec());
            }
        }
    }
    conflater.drain(&mut sent);
    for update in sent {
        if let Update::Bar(update) = update {
            replica.apply_bar(&update);
        }
    }
    for timeframe in Timeframe::BASE {
        assert_eq!(
            replica.bars(id(), timeframe),
            engine.bars(id(), timeframe),
            "{timeframe}"
        );
    }
    assert_eq!(engine.health(id()).unwrap().too_late, 0);
}

#[test]
fn building_goes_on_from_history() {
    let mut market = market();
    let mut out = Vec::new();
    let history = Bar {
        start: at("2026-03-09T14:00:00Z"),
        open: price("99"),
        high: price("103"),
        low: price("98"),
        close: price("100"),
        volume: 500,
        value: 0,
        count: 5,
        revision: 0,
    };
    market.set_bars(id(), Timeframe::H1, vec![history]);
    market.on_print(print(1, "101", "2026-03-09T14:30:00Z"), &mut out);
    let hour = market.bars(id(), Timeframe::H1)[0];
    assert_eq!(
        (hour.open, hour.high, hour.close, hour.count),
        (price("99"), price("103"), price("101"), 6)
    );
    assert_eq!(hour.revision, 1);
}

#[test]
fn a_slow_reader_gets_the_newest_and_knows_what_it_missed() {
    let mut conflater = Conflater::new();
    let mut out = Vec::new();
    for second in 0..9 {
        conflater.put_quote(quote("100", "101", &format!("2026-03-09T14:00:0{second}Z")));
    }
    conflater.drain(&mut out);
    assert_eq!(out, [Update::Quote(quote("100", "101", "2026-03-09T14:00:08Z"))]);
    assert!(conflater.is_empty());
    let mut ring = PrintRing::new(2);
    (1..=5).for_each(|number| ring.push(print(number, "1", "2026-03-09T14:00:00Z")));
    let mut tape = Vec::new();
    ring.drain(&mut tape);
    assert_eq!(tape[0], TapeItem::Gap(3));
    assert_eq!(tape.len(), 3);
}

proptest! {
    #[test]
    fn no_data_is_too_bad(
        events in prop::collection::vec((any::<bool>(), any::<(i64, i64, i64, i64, u64)>()), 1..60),
        kind in prop::sample::select(vec![InstrumentKind::Future, InstrumentKind::Equity]),
    ) {
        let mut market = Market::new();
        market.list(Instrument { kind, ..instrument() });
        let mut out = Vec::new();
        for (is_quote, (when, a, b, size, number)) in events {
            let (at, size) = (Timestamp(when), Quantity::from_raw(size));
            let (a, b) = (Price::from_raw(a), Price::from_raw(b));
            if is_quote {
                let like = quote("1", "2", "2026-03-09T14:00:00Z");
                let quote = Quote { bid: Some((a, size)), ask: Some((b, size)), at, ..like };
                market.on_quote(quote);
            } else {
                let print = Print { number, at, price: a, size, ..print(1, "1", "2026-03-09T14:00:00Z") };
                market.on_print(print, &mut out);
            }
            let ticker = market.ticker(id()).unwrap();
            let _ = (ticker.change_percent(), ticker.mark());
            for timeframe in Timeframe::BASE {
                let bars = market.bars(id(), timeframe);
                prop_assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start));
                let holds = |bar: &Bar| bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close);
                prop_assert!(bars.iter().all(holds));
            }
        }
    }
}
