//! Alerts on a table: the engine's own desk, with prices that come and go.

use super::grammar::{Names, Said, read};
use super::*;
use crate::domain::{AccountClass, OrderKind, Side};
use crate::engine::tests::{Desk, SECOND, aapl, account, limit, p, q, spec};
use crate::engine::{BrokerEvent, Command, DenialCode, Engine, Event, Fact, Input, Outcome};
use crate::market::{Print, Quality};

fn names(desk: &Desk) -> Names<'_> {
    Names {
        state: desk.engine.state(),
        market: &desk.market,
        account: Some(account()),
        now: desk.now,
        venue_now: desk.now,
    }
}

fn make(desk: &mut Desk, sentence: &str) -> Outcome {
    let said = read(sentence, &names(desk)).unwrap_or_else(|error| panic!("{sentence}: {error}"));
    let Said::Make(spec) = said else {
        panic!("{said:?}")
    };
    desk.command(Command::SetAlert { spec })
}

/// A quote comes in, as the engine's process takes it.
fn tick(desk: &mut Desk, bid: &str, ask: &str) {
    desk.now = desk.now.after(SECOND);
    desk.quote(bid, ask);
    let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
    desk.settle(batch.events);
}

fn fired(desk: &Desk) -> Vec<String> {
    let texts = desk.events.iter().filter_map(|event| match &event.fact {
        Fact::AlertFired { text, .. } => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn the_sentence_reads_back_and_errors_point_at_the_word() {
    let desk = Desk::ready();
    for (typed, shown) in [
        ("AAPL > 200", "AAPL > 200"),
        ("aapl last>=200.50 once", "AAPL >= 200.5"),
        ("AAPL bid crosses below 99", "AAPL bid crosses below 99"),
        ("AAPL crosses 99", "AAPL crosses below 99"),
        ("AAPL crosses 101", "AAPL crosses above 101"),
        ("AAPL day% < -3 repeat 5m", "AAPL day% < -3"),
        ("AAPL rsi 14 1m > 70", "AAPL 1m rsi 14 > 70"),
        ("AAPL 5m ema 9 > ema 21", "AAPL 5m ema 9 > 5m ema 21"),
        ("AAPL > vwap", "AAPL > 1m vwap"),
        ("pnl day < -500", "pnl day USD < -500"),
        ("pnl open AAPL > 1000.25", "pnl open AAPL > 1000.25"),
        ("position AAPL = 0", "position AAPL = 0"),
        (
            "order AAPL filled or order working 90s",
            "order AAPL filled or order working 90s",
        ),
        ("link down 2m", "link down 2m"),
        ("link sim degraded", "link sim degraded"),
        ("system halted", "system halted"),
        (
            "(AAPL > 200 or AAPL < 90) and position AAPL > 0",
            "(AAPL > 200 or AAPL < 90) and position AAPL > 0",
        ),
        (
            "AAPL > 200 or AAPL < 90 and system gap",
            "AAPL > 200 or (AAPL < 90 and system gap)",
        ),
    ] {
        let Said::Make(made) = read(typed, &names(&desk)).unwrap_or_else(|e| panic!("{typed}: {e}")) else {
            panic!("{typed}");
        };
        assert_eq!(made.condition.to_string(), shown, "{typed}");
        let Said::Make(again) = read(shown, &names(&desk)).unwrap() else {
            panic!("{shown}");
        };
        assert_eq!(again.condition, made.condition, "{shown}");
    }
    let at = |text: &str| {
        let error = read(text, &names(&desk)).unwrap_err();
        text[error.at].to_owned()
    };
    for (text, word) in [
        ("APPL > 200", "APPL"),
        ("AAPL > twohundred", "twohundred"),
        ("AAPL >", ""),
        ("AAPL 200", "200"),
        ("AAPL rsi 0 > 70", "rsi 0"),
        ("AAPL 5m > 3", ">"),
        ("AAPL > 200 and", ""),
        ("(AAPL > 200", ""),
        ("AAPL > 200 whenever", "whenever"),
        ("AAPL > 200 repeat 2s", "2s"),
        ("AAPL > 200 expires 2020-01-01", "2020-01-01"),
        ("AAPL > 200 do sing", "sing"),
        ("AAPL > 200 do stage buy", "buy"),
        ("AAPL > 200 do stage 'buy 0000 AAPL'", "0000"),
        ("AAPL > 200 do stage 'buy", "'buy"),
        ("position AAPL crosses 5", "crosses"),
        ("pnl day APL < 5", "APL"),
        ("remove x", "x"),
        ("pause 3 4", "4"),
    ] {
        assert_eq!(at(text), word, "{text}");
    }
    for bad in [
        "",
        " ",
        "'",
        "((((((((((AAPL > 1",
        "AAPL > 1\u{1b}[m",
        "é > 5",
        &"(".repeat(399),
        &"a ".repeat(300),
    ] {
        assert!(read(bad, &names(&desk)).is_err(), "{bad:?}");
    }
    let many = vec!["AAPL > 1"; TESTS + 1].join(" or ");
    assert!(read(&many, &names(&desk)).is_err());
}

#[test]
fn once_fires_once_and_repeating_only_after_it_was_false_and_rested() {
    let mut desk = Desk::ready();
    make(&mut desk, "AAPL ask > 101");
    make(&mut desk, "AAPL ask > 101 repeat 60s");
    tick(&mut desk, "100", "100.50");
    assert!(fired(&desk).is_empty());
    tick(&mut desk, "101", "101.50");
    assert_eq!(
        fired(&desk),
        [
            "alert 1: AAPL ask > 101 (AAPL ask 101.50)",
            "alert 2: AAPL ask > 101 (AAPL ask 101.50)"
        ]
    );
    // Still true: nothing again, however long.
    desk.wait(120);
    tick(&mut desk, "101", "101.60");
    assert_eq!(fired(&desk).len(), 2);
    // False, then true again: only the one that repeats.
    tick(&mut desk, "100", "100.50");
    tick(&mut desk, "101", "101.70");
    assert_eq!(fired(&desk).len(), 3);
    // Too soon after that.
    tick(&mut desk, "100", "100.50");
    tick(&mut desk, "101", "101.70");
    assert_eq!(fired(&desk).len(), 3);
    // It is still so when its rest is over: time alone is enough.
    desk.wait(61);
    assert_eq!(fired(&desk).len(), 4);
    let state = desk.engine.state();
    assert_eq!(state.alerts.all[&AlertId(1)].word(), "fired");
    assert_eq!(state.alerts.all[&AlertId(2)].fired, 3);
    assert!(
        desk.sent().iter().all(|word| word == "read"),
        "an alert sends no order"
    );
}

#[test]
fn a_crossing_needs_a_before_and_combinations_hold_together() {
    let mut desk = Desk::ready();
    desk.quote("105", "105.02");
    make(&mut desk, "AAPL bid crosses above 101");
    make(&mut desk, "AAPL bid > 101 and position AAPL > 0");
    // It was above when first seen: that is no crossing.
    tick(&mut desk, "105", "105.02");
    tick(&mut desk, "100", "100.02");
    assert!(fired(&desk).is_empty());
    tick(&mut desk, "102", "102.02");
    assert_eq!(
        fired(&desk),
        ["alert 1: AAPL bid crosses above 101 (AAPL bid 102.00)"]
    );
    // What is held changes by a fact, not by a price: the other half holds already.
    desk.working("A", spec(Side::Buy, 10, limit("102")));
    desk.fill("A", 10, "102");
    assert_eq!(
        fired(&desk).last().unwrap(),
        "alert 2: AAPL bid > 101 and position AAPL > 0 (AAPL bid 102.00, position AAPL 10)"
    );
}

#[test]
fn nothing_fires_on_what_is_absent_or_from_before() {
    let mut desk = Desk::ready();
    // The quote of the start is in the market, but nothing has come since the alert was made.
    make(&mut desk, "AAPL bid > 50");
    make(&mut desk, "AAPL last > 50 and AAPL day% > -90");
    make(&mut desk, "pnl day < 1");
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.wait(30);
    // Nothing is held, so the profit is known to be none; the rest is not known.
    assert_eq!(fired(&desk), ["alert 3: pnl day USD < 1 (pnl day USD 0.00)"]);
    for quality in [
        Quality::Missing,
        Quality::Competing,
        Quality::Frozen,
        Quality::Halted,
    ] {
        let quote = crate::market::Quote {
            quality,
            at: desk.now.after(SECOND),
            ..*desk.market.quote(aapl()).unwrap()
        };
        desk.now = desk.now.after(SECOND);
        desk.market.on_quote(quote);
        let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
        desk.settle(batch.events);
        assert_eq!(fired(&desk).len(), 1, "{quality:?}");
    }
    // The link goes with a good price in the market: facts that come then find nothing to rest on.
    make(&mut desk, "AAPL bid > 300 or position AAPL = 0 and AAPL bid > 60");
    desk.quote("100", "100.02");
    desk.broker(BrokerEvent::Down { reason: "cut".into() });
    desk.up(AccountClass::Sim);
    desk.read(&[], &[]);
    assert_eq!(fired(&desk).len(), 1);
    tick(&mut desk, "100", "100.02");
    assert_eq!(fired(&desk).len(), 3, "{:?}", fired(&desk));
    // No previous close: no change of the day.
    assert!(!fired(&desk).iter().any(|text| text.contains("day%")));
    // A price that nothing confirmed for long is no ground, and neither arms again.
    make(&mut desk, "AAPL bid > 60 and position AAPL > 0");
    desk.wait(measure::STALE_AFTER.as_secs() + 1);
    desk.working("B", spec(Side::Buy, 10, limit("100")));
    desk.fill("B", 10, "100");
    assert_eq!(fired(&desk).len(), 3, "{:?}", fired(&desk));
}

#[test]
fn orders_links_and_the_system_are_told() {
    let mut desk = Desk::ready();
    make(&mut desk, "order AAPL filled");
    make(&mut desk, "order working 5m");
    make(&mut desk, "link down 30s");
    make(&mut desk, "system halted");
    make(&mut desk, "order rejected");
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.fill("A", 4, "99");
    assert!(fired(&desk).is_empty(), "a part is not all");
    desk.fill("A", 6, "99");
    assert_eq!(fired(&desk).len(), 1);
    desk.working("B", spec(Side::Buy, 10, limit("98")));
    desk.wait(290);
    assert_eq!(fired(&desk).len(), 1);
    desk.wait(20);
    assert!(
        fired(&desk)[1].starts_with("alert 2: order working 5m"),
        "{:?}",
        fired(&desk)
    );
    desk.broker(BrokerEvent::Down { reason: "cut".into() });
    desk.wait(20);
    // A try to connect is no connection.
    desk.broker(BrokerEvent::Connecting);
    desk.wait(9);
    assert_eq!(fired(&desk).len(), 2);
    desk.wait(2);
    assert!(
        fired(&desk)[2].starts_with("alert 3: link down 30s (link down sim for 30"),
        "{:?}",
        fired(&desk)
    );
    desk.step(&Input::StorageFailed {
        reason: "full".into(),
    });
    assert!(fired(&desk)[3].starts_with("alert 4: system halted"));
    // Halted: an order that adds is denied, which is told too.
    desk.submit("C", spec(Side::Buy, 10, OrderKind::Market));
    assert!(
        fired(&desk)
            .last()
            .unwrap()
            .starts_with("alert 5: order rejected"),
        "{:?}",
        fired(&desk)
    );
}

#[test]
fn a_broker_that_is_away_is_told_unasked_and_once_even_across_a_restart() {
    let mut desk = Desk::ready();
    let away = |desk: &Desk| {
        let told = desk
            .events
            .iter()
            .filter(|event| matches!(event.fact, Fact::BrokerAway { .. }));
        told.count()
    };
    desk.broker(BrokerEvent::Down { reason: "cut".into() });
    desk.wait(100);
    desk.broker(BrokerEvent::Connecting);
    assert_eq!(away(&desk), 0);
    // The engine ends and begins: it is away since before.
    let state = desk.engine.state().clone();
    desk.engine = Engine::new(state);
    desk.start();
    desk.wait(25);
    assert_eq!(away(&desk), 1);
    desk.wait(600);
    assert_eq!(away(&desk), 1, "once an outage");
    assert!(
        desk.engine
            .state()
            .alerts
            .firings
            .back()
            .unwrap()
            .text
            .as_str()
            .contains("sim is AWAY")
    );
    desk.up(AccountClass::Sim);
    desk.read(&[], &[]);
    desk.broker(BrokerEvent::Down { reason: "cut".into() });
    desk.wait(119);
    assert_eq!(away(&desk), 1);
    desk.wait(2);
    assert_eq!(away(&desk), 2, "a new outage");
}

#[test]
fn alerts_survive_a_restart_are_folded_the_same_and_end_in_time() {
    let mut desk = Desk::ready();
    make(&mut desk, "AAPL ask > 101 repeat 10s");
    make(&mut desk, "AAPL ask > 101 expires 1h");
    make(&mut desk, "AAPL ask > 500 expires 60s");
    make(&mut desk, "AAPL ask > 101");
    desk.command(Command::PauseAlert {
        id: AlertId(4),
        paused: true,
    });
    // The journal alone makes the same alerts.
    let mut replica = State::default();
    desk.events.iter().for_each(|event: &Event| replica.apply(event));
    assert_eq!(replica.alerts, desk.engine.state().alerts);
    desk.engine = Engine::new(replica);
    desk.start();
    desk.up(AccountClass::Sim);
    desk.read(&[], &[]);
    desk.wait(70);
    assert_eq!(desk.engine.state().alerts.all[&AlertId(3)].word(), "expired");
    tick(&mut desk, "101", "101.50");
    assert_eq!(fired(&desk).len(), 2, "{:?}", fired(&desk));
    desk.command(Command::PauseAlert {
        id: AlertId(4),
        paused: false,
    });
    assert_eq!(fired(&desk).len(), 3, "it goes on with what is known");
    desk.command(Command::RemoveAlert { id: Some(AlertId(1)) });
    tick(&mut desk, "100", "100.50");
    tick(&mut desk, "101", "101.50");
    assert_eq!(fired(&desk).len(), 3);
    assert!(matches!(
        desk.command(Command::RemoveAlert { id: Some(AlertId(1)) }),
        Outcome::Refused(_)
    ));
    let digest = desk.engine.state().digest();
    let mut replica = State::default();
    desk.events.iter().for_each(|event| replica.apply(event));
    assert_eq!(replica.digest(), digest);
}

#[test]
fn there_is_a_bound_and_nobody_who_only_looks_makes_one() {
    let mut desk = Desk::ready();
    for _ in 0..MOST {
        assert!(matches!(make(&mut desk, "AAPL ask > 500"), Outcome::Done { .. }));
    }
    assert!(matches!(make(&mut desk, "AAPL ask > 500"), Outcome::Refused(_)));
    desk.command(Command::RemoveAlert { id: None });
    assert!(matches!(make(&mut desk, "AAPL ask > 500"), Outcome::Done { .. }));
    assert_eq!(levels(desk.engine.state(), aapl()), [(AlertId(201), p("500"))]);
    desk.origin.kind = crate::engine::SessionKind::Monitor;
    assert!(matches!(make(&mut desk, "AAPL ask > 500"), Outcome::Refused(_)));
    // A condition that never came from a sentence is bounded too.
    desk.origin.kind = crate::engine::SessionKind::Shell;
    let deep = (0..100).fold(Condition::Is(Test::System(SystemWord::Gap)), |inner, _| {
        Condition::All(vec![inner])
    });
    let spec = AlertSpec {
        condition: deep,
        repeat_s: None,
        expires: None,
        channels: BTreeSet::new(),
        stage: None,
    };
    assert!(matches!(
        desk.command(Command::SetAlert { spec: Box::new(spec) }),
        Outcome::Refused(_)
    ));
}

/// The study of finished bars alone, held against the study fed by hand.
#[test]
fn a_study_counts_finished_bars_only() {
    let mut desk = Desk::ready();
    make(&mut desk, "AAPL 1m sma 3 > 102");
    make(&mut desk, "AAPL 2m sma 2 > 102");
    let (mut number, mut bars) = (0, Vec::new());
    let mut print = |desk: &mut Desk, price: &str| {
        number += 1;
        let print = Print {
            instrument: aapl(),
            number,
            at: desk.now,
            price: p(price),
            size: q(1),
            aggressor: None,
        };
        desk.market.on_print(print, &mut bars);
        let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
        desk.settle(batch.events);
    };
    let minute = SECOND * 60;
    for price in ["100", "101", "102"] {
        print(&mut desk, price);
        desk.now = desk.now.after(minute);
    }
    // The bar in the making would lift the mean, and does not count: 100, 101 and 102 do.
    print(&mut desk, "108");
    assert!(fired(&desk).is_empty());
    desk.now = desk.now.after(minute);
    // Now 101, 102 and 108 are finished. Of two minutes 101 and 108 are.
    print(&mut desk, "108");
    assert_eq!(
        fired(&desk),
        [
            "alert 1: AAPL 1m sma 3 > 102 (AAPL 1m sma 3 103.6667)",
            "alert 2: AAPL 2m sma 2 > 102 (AAPL 2m sma 2 104.5000)"
        ]
    );
}

/// F52: a price that parses and is false, such as one with a digit too many, is seen by nothing that acts on prices.
#[test]
fn f52_a_corrupt_price_fires_no_alert_and_moves_no_collar() {
    let mut desk = Desk::ready();
    tick(&mut desk, "100", "100.02");
    make(&mut desk, "AAPL ask > 900 once");
    for name in ["A", "B"] {
        tick(&mut desk, "1000", "1000.20");
        assert!(fired(&desk).is_empty());
        let outcome = desk.submit(name, spec(Side::Buy, 1, limit("1000")));
        assert!(
            matches!(&outcome, Outcome::Denied(denial) if denial.code == DenialCode::Collar),
            "{outcome:?}"
        );
    }
    // The third in a row that agrees is the market.
    tick(&mut desk, "1000.10", "1000.30");
    assert_eq!(fired(&desk).len(), 1);
}
