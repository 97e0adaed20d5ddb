//! Rule packs of firms: the fall from the highest worth over days, exactly, where it stops, and what is counted within the day; the
//! loss of a day, contracts and hours; all through a new process. The engine acts before the firm would.

use super::*;
use crate::engine::risk::breach::BreachKey;
use crate::engine::risk::usage;

fn es() -> InstrumentId {
    InstrumentId::new("ESZ6").unwrap()
}

fn pack() -> RulePack {
    RulePack {
        title: "A firm 50K".into(),
        dated: "2026-11-27".into(),
        source: "a test".into(),
        currency: Currency::USD,
        start: Money::whole(50_000),
        profit_target: Some(Money::whole(3_000)),
        daily_loss: None,
        max_drawdown: Some(Money::whole(2_000)),
        drawdown: Drawdown::EndOfDay,
        drawdown_stops_at: Some(Money::whole(50_000)),
        contracts: Some(5),
        micros: vec![InstrumentId::new("MES").unwrap()],
        consistency_percent: Some(50),
        flat: None,
        flat_minutes: 5,
        ours_percent: 95,
    }
}

fn future(name: &str, root: &str, multiplier: i64) -> Instrument {
    Instrument {
        root: Text::new(root).ok(),
        ..instrument(name, InstrumentKind::Future, multiplier)
    }
}

/// One contract of 50 dollars a point, held from 5000, and 50,000 dollars.
fn desk(pack: RulePack) -> Desk {
    let mut desk = Desk::cold(AccountClass::Sim);
    for instrument in [future("ESZ6", "ES", 50), future("MESZ6", "MES", 5)] {
        desk.market.list(instrument.clone());
        desk.broker(BrokerEvent::Instrument(Box::new(instrument)));
    }
    begin(&mut desk, Some(pack));
    desk
}

/// A process begins, with its settings; the broker holds what it held.
fn begin(desk: &mut Desk, pack: Option<RulePack>) {
    let packs = match pack {
        Some(pack) => BTreeMap::from([(account().account, pack)]),
        None => desk.engine.state().packs.clone(),
    };
    let mut limits = Limits {
        max_gross_bps: 0,
        daily_loss_warn_bps: 0,
        daily_loss_reduce_bps: 0,
        daily_loss_lock_bps: 0,
        max_quantity_future: q(100),
        ..Limits::default()
    };
    (limits.max_order_value, limits.max_position_value) =
        (Money::whole(10_000_000), Money::whole(10_000_000));
    desk.step(&Input::Start {
        build: "test".into(),
        limits: Box::new(limits),
    });
    desk.step(&Input::Rules {
        scopes: BTreeMap::new(),
        packs,
    });
    desk.command(Command::OpenSession);
    desk.up(AccountClass::Sim);
    let orders: Vec<BrokerOrder> = desk
        .engine
        .state()
        .all_live()
        .map(|order| desk.at_broker(order.id.as_str(), order.phase))
        .collect();
    let read = Snapshot {
        positions: vec![(es(), q(1), Some(p("5000")))],
        cash: cash(50_000),
        orders,
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    desk.sent();
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
}

/// The market of the contract is there, and the engine sees it.
fn at(desk: &mut Desk, price: &str) {
    desk.now = desk.now.after(SECOND);
    for instrument in [es(), InstrumentId::new("MESZ6").unwrap()] {
        desk.market.on_quote(Quote {
            instrument,
            bid: Some((p(price), q(100))),
            ask: Some((p(price), q(100))),
            at: desk.now,
            quality: Quality::Live,
        });
    }
    let batch = desk.engine.on_market(&desk.market, es(), desk.now);
    desk.settle(batch.events);
}

fn on(desk: &mut Desk, time: &str, price: &str) {
    desk.now = Timestamp::parse(time).unwrap();
    at(desk, price);
}

fn order(count: i64, price: &str) -> OrderSpec {
    OrderSpec {
        instrument: es(),
        ..spec(Side::Buy, count, limit(price))
    }
}

/// Whether one more would be bought now: why not, or nothing.
fn refused(desk: &mut Desk, name: &str, price: &str) -> Option<DenialCode> {
    match desk.submit(name, order(1, price)) {
        Outcome::Done { .. } => {
            desk.accept(name);
            desk.cancelled(name);
            None
        }
        other => Some(refusal(other).0),
    }
}

fn is_breached(desk: &Desk, name: LimitName) -> bool {
    let key = BreachKey {
        account: account(),
        name,
        of: None,
    };
    desk.engine.state().breaches.contains_key(&key)
}

fn high(desk: &Desk) -> Money {
    desk.engine.state().peaks[&account()].high
}

#[test]
fn the_highest_at_the_end_of_a_day_counts_and_what_was_between_does_not() {
    let mut desk = desk(pack());
    at(&mut desk, "5000");
    assert_eq!(high(&desk), Money::whole(50_000));
    // 52,000 in between, and back: 95 % of 2,000 below 50,000 are 48,100.
    at(&mut desk, "5040");
    at(&mut desk, "4962.25");
    assert_eq!(refused(&mut desk, "A", "4962"), None);
    assert_eq!(high(&desk), Money::whole(50_000));
    // The next session begins with 51,400.
    on(&mut desk, "2026-11-20T22:00:00Z", "5028");
    assert_eq!(high(&desk), Money::whole(51_400));
    let pack = desk.engine.state().packs[&account().account].clone();
    assert_eq!(pack.floor(high(&desk)), Some(Money::whole(49_400)));
    // Ours is at 49,500: 4990.
    at(&mut desk, "4990.25");
    assert_eq!(refused(&mut desk, "B", "4990"), None);
    at(&mut desk, "4990");
    assert_eq!(refused(&mut desk, "C", "4989"), Some(DenialCode::Drawdown));
    desk.wait(1);
    assert!(is_breached(&desk, LimitName::MaxDrawdown));
    // Neither a better price nor a new process ends it, and both keep what was highest.
    begin(&mut desk, None);
    at(&mut desk, "5028");
    assert_eq!(refused(&mut desk, "D", "5028"), Some(DenialCode::Drawdown));
    assert_eq!(high(&desk), Money::whole(51_400));
    let outcome = desk.submit(
        "out",
        OrderSpec {
            side: Side::Sell,
            ..order(1, "5028")
        },
    );
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

#[test]
fn the_floor_stops_rising_at_what_the_account_began_with() {
    let mut desk = desk(pack());
    at(&mut desk, "5000");
    for (time, price, worth) in [
        ("2026-11-20T22:00:00Z", "5030", 51_500),
        ("2026-11-21T22:00:00Z", "5020", 51_500),
        ("2026-11-22T22:00:00Z", "5100", 55_000),
    ] {
        on(&mut desk, time, price);
        assert_eq!(high(&desk), Money::whole(worth), "{time}");
    }
    // The best of the three days won 4,000.
    assert_eq!(
        desk.engine.state().peaks[&account()].best_day,
        Money::whole(4_000)
    );
    // The firm's floor is 50,000 from 52,000 on; ours 1,900 below 52,000.
    at(&mut desk, "5002.25");
    assert_eq!(refused(&mut desk, "A", "5002"), None);
    at(&mut desk, "5002");
    assert_eq!(refused(&mut desk, "B", "5001"), Some(DenialCode::Drawdown));
    // The distance is told in money, and in ticks of what is held.
    at(&mut desk, "5012");
    let look = usage::look(desk.engine.state(), &desk.market, account(), desk.now);
    let row = look
        .limits
        .iter()
        .find(|row| row.name == LimitName::MaxDrawdown)
        .unwrap();
    assert_eq!(row.left(), Some(Money::whole(500)));
    let ticks = look
        .ticks
        .iter()
        .find(|row| row.limit == LimitName::MaxDrawdown)
        .unwrap();
    // One tick of 0.01 at 50 a point is half a dollar.
    assert_eq!(
        (ticks.instrument, ticks.contracts, ticks.ticks),
        (es(), q(1), 1_000)
    );
}

#[test]
fn what_counts_within_the_day_is_recorded_and_outlives_the_process() {
    let new = || {
        let mut desk = desk(RulePack {
            drawdown: Drawdown::Intraday,
            max_drawdown: Some(Money::whole(2_500)),
            drawdown_stops_at: Some(Money::whole(50_100)),
            ..pack()
        });
        at(&mut desk, "5000");
        desk
    };
    let mut desk = new();
    at(&mut desk, "5030");
    at(&mut desk, "5010");
    assert_eq!(high(&desk), Money::whole(51_500));
    begin(&mut desk, None);
    // 95 % of 2,500 below 51,500 are 49,125.
    at(&mut desk, "4982.75");
    assert_eq!(refused(&mut desk, "A", "4982"), None);
    at(&mut desk, "4982.50");
    assert_eq!(refused(&mut desk, "B", "4981"), Some(DenialCode::Drawdown));
    // Above 52,600 the floor stands still, and nothing more is written down.
    let mut desk = new();
    at(&mut desk, "5060");
    at(&mut desk, "5090");
    let raised = desk
        .events
        .iter()
        .filter(|event| matches!(event.fact, Fact::PeakRaised { .. }));
    assert_eq!(raised.count(), 1);
    at(&mut desk, "5004.75");
    assert_eq!(refused(&mut desk, "C", "5004"), None);
    at(&mut desk, "5004.50");
    assert_eq!(refused(&mut desk, "D", "5003"), Some(DenialCode::Drawdown));
}

#[test]
fn the_loss_of_a_day_contracts_and_micros_are_the_firms_and_a_little_less() {
    let mut desk = desk(RulePack {
        daily_loss: Some(Money::whole(1_000)),
        max_drawdown: None,
        ..pack()
    });
    at(&mut desk, "5000");
    // Five in all, one is held.
    let denial = match desk.submit("A", order(5, "5000")) {
        Outcome::Denied(denial) => denial,
        other => panic!("{other:?}"),
    };
    assert_eq!(denial.code, DenialCode::MaxContracts, "{denial}");
    assert_eq!(denial.nearest.unwrap().as_str(), "4");
    let micro = |count| OrderSpec {
        instrument: InstrumentId::new("MESZ6").unwrap(),
        ..spec(Side::Buy, count, limit("5000"))
    };
    assert_eq!(refusal(desk.submit("B", micro(41))).0, DenialCode::MaxContracts);
    let outcome = desk.submit("C", micro(40));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    desk.accept("C");
    desk.cancelled("C");
    // Ours is 950: it warns at half, reduces at three quarters, locks at all of it.
    at(&mut desk, "4985.76");
    assert_eq!(refused(&mut desk, "D", "4985"), None);
    at(&mut desk, "4985.75");
    assert_eq!(refused(&mut desk, "E", "4984"), Some(DenialCode::DailyLoss));
    at(&mut desk, "4981");
    desk.wait(1);
    let day = &desk.engine.state().days[&account()];
    assert_eq!(day.stage, risk::LossStage::Reached);
}

#[test]
fn nothing_is_opened_before_the_firms_time_and_what_is_held_then_is_told_of() {
    // Winter: 15:10 in Chicago is 21:10.
    let mut desk = desk(RulePack {
        flat: Some("Mon-Fri 15:10-17:00 America/Chicago".into()),
        ..pack()
    });
    on(&mut desk, "2026-11-20T21:04:30Z", "5000");
    let outcome = desk.submit("E", order(1, "4990"));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    desk.accept("E");
    on(&mut desk, "2026-11-20T21:05:30Z", "5000");
    assert_eq!(refused(&mut desk, "A", "5000"), Some(DenialCode::OutsideHours));
    desk.sent();
    on(&mut desk, "2026-11-20T21:10:00Z", "5000");
    desk.wait(1);
    assert!(is_breached(&desk, LimitName::KeepHours));
    assert!(desk.sent().contains(&"cancel E".to_owned()));
    desk.cancelled("E");
    on(&mut desk, "2026-11-20T23:00:01Z", "5000");
    at(&mut desk, "5000");
    desk.wait(11);
    assert!(!is_breached(&desk, LimitName::KeepHours));
    on(&mut desk, "2026-11-20T23:01:00Z", "5000");
    assert_eq!(refused(&mut desk, "B", "5000"), None);
}
