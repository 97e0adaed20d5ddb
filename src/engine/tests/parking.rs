//! Orders in an outage, in virtual time: one test for each condition under which a parked order leaves or ends.

use super::*;
use crate::engine::parking::Parked;

impl Desk {
    /// A new quote, which the engine is told of.
    fn tick(&mut self, bid: &str, ask: &str) {
        self.quote(bid, ask);
        let batch = self.engine.on_market(&self.market, aapl(), self.now);
        self.settle(batch.events);
    }
    pub(super) fn down(&mut self) {
        self.broker(BrokerEvent::Down { reason: "cut".into() });
        self.sent();
    }
    /// The link is back and everything is read.
    fn back(&mut self) {
        self.up(AccountClass::Sim);
        self.read(&[], &[]);
        self.sent();
        assert_eq!(self.engine.state().link(broker()), LinkState::Ready);
    }
    pub(super) fn park(&mut self, name: &str, spec: OrderSpec, seconds: Option<u32>) -> Outcome {
        let id = id(name);
        self.command(Command::Park {
            id,
            spec,
            seconds,
            seen: None,
        })
    }
    fn confirm(&mut self, name: &str) -> Outcome {
        self.command(Command::ConfirmParked { id: id(name) })
    }
    fn parked(&self, name: &str) -> Parked {
        self.engine.state().parking.orders[&id(name)]
    }
    fn reason(&self, name: &str) -> String {
        self.order(name)
            .reason
            .as_ref()
            .map_or(String::new(), ToString::to_string)
    }
    /// Orders that left; reads and cancels are not asked about here.
    fn placed(&mut self) -> Vec<String> {
        self.sent()
            .into_iter()
            .filter(|request| request.starts_with("place"))
            .collect()
    }
}

/// An execution of an order that was made elsewhere.
fn elsewhere(mut other: Desk, spec: OrderSpec, quantity: i64) -> Execution {
    other.working("X", spec);
    Execution {
        order: None,
        ..other.execution("X", quantity, "100.00")
    }
}

fn buy(price: &str) -> OrderSpec {
    spec(Side::Buy, 10, limit(price))
}

/// Down, with one order parked.
fn one() -> Desk {
    let mut desk = Desk::ready();
    desk.down();
    let outcome = desk.park("P1", buy("100.00"), None);
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(desk.phase("P1"), Phase::Parked);
    desk
}

#[test]
fn without_the_word_an_order_in_an_outage_is_denied_and_with_the_broker_there_the_word_changes_nothing() {
    let mut desk = Desk::ready();
    desk.park("P0", buy("100.00"), None);
    assert_eq!((desk.phase("P0"), desk.placed().len()), (Phase::InFlight, 1));
    desk.accept("P0");
    desk.down();
    let (code, words) = refusal(desk.submit("P1", buy("99.00")));
    assert_eq!(code, DenialCode::NotReady);
    assert!(words.contains("re-ticket it when it is READY"), "{words}");
}

#[test]
fn one_that_was_just_parked_leaves_with_the_first_fresh_quote_and_not_before() {
    let mut desk = one();
    desk.now = desk.now.after(SECOND * 3);
    desk.tick("100.00", "100.02");
    assert_eq!(
        (desk.placed().len(), desk.phase("P1")),
        (0, Phase::Parked),
        "the link is down"
    );
    desk.now = desk.now.after(SECOND * 3);
    desk.back();
    assert_eq!(desk.phase("P1"), Phase::Parked, "the quote is 3 s old");
    desk.tick("100.00", "100.02");
    assert_eq!(desk.placed(), ["place P1 BUY 10 AAPL lmt 100.00 day"]);
    assert_eq!(desk.phase("P1"), Phase::InFlight);
    assert!(desk.engine.state().parking.orders.is_empty());
}

#[test]
fn after_ten_seconds_it_takes_a_second_word_which_is_worn_after_ten_more() {
    let mut desk = one();
    desk.now = desk.now.after(SECOND * 11);
    let (code, _) = refusal(desk.confirm("P1"));
    assert_eq!(
        code,
        DenialCode::NotReady,
        "a word before the broker is back says nothing"
    );
    desk.back();
    desk.tick("100.00", "100.02");
    assert!(desk.parked("P1").asked && desk.placed().is_empty());
    assert!(
        desk.reason("P1").contains("confirm AAPL"),
        "{}",
        desk.reason("P1")
    );
    // Nobody quotes for eleven seconds: the word is worn.
    desk.now = desk.now.after(SECOND * 3);
    desk.confirm("P1");
    desk.wait(11);
    desk.tick("100.00", "100.02");
    assert_eq!((desk.placed().len(), desk.parked("P1").asked), (0, true));
    desk.confirm("P1");
    assert_eq!(desk.placed().len(), 1, "the quote is of this moment");
}

#[test]
fn its_time_ends_it_and_no_time_is_longer_than_the_longest() {
    let mut desk = one();
    desk.wait(59);
    assert_eq!(desk.phase("P1"), Phase::Parked);
    desk.wait(1);
    assert_eq!(desk.phase("P1"), Phase::NotSent);
    assert!(
        desk.reason("P1").contains("was not ready in time"),
        "{}",
        desk.reason("P1")
    );
    let (code, words) = refusal(desk.park("P2", buy("100.00"), Some(301)));
    assert_eq!(code, DenialCode::BadOrder);
    assert!(words.contains("1 to 300"), "{words}");
    desk.park("P3", buy("100.00"), Some(300));
    desk.back();
    desk.wait(300);
    assert!(desk.reason("P3").contains("nobody said"), "{}", desk.reason("P3"));
    assert!(desk.placed().is_empty());
}

#[test]
fn the_session_ends_it_however_long_it_was_to_wait() {
    let mut desk = Desk::cold(AccountClass::Sim);
    let share = Instrument {
        calendar: CalendarId::UsEquity,
        ..instrument("AAPL", InstrumentKind::Equity, 1)
    };
    desk.market.list(share.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(share)));
    // Ten seconds before four in New York.
    desk.now = Timestamp::parse("2026-11-20T20:59:50Z").unwrap();
    desk.quote("100.00", "100.02");
    desk.read(&[], &[]);
    desk.down();
    desk.park("P1", buy("100.00"), Some(60));
    desk.wait(9);
    assert_eq!(desk.phase("P1"), Phase::Parked);
    desk.wait(1);
    assert_eq!(desk.phase("P1"), Phase::NotSent);
    desk.quote("100.00", "100.02");
    let (code, _) = refusal(desk.park("P2", buy("100.00"), None));
    assert_eq!(code, DenialCode::OutsideHours);
}

#[test]
fn a_market_that_moved_by_more_than_half_a_per_cent_ends_it_and_one_that_did_not_lets_it_go() {
    for (bid, ask, leaves) in [
        ("100.50", "100.52", true),
        ("100.52", "100.54", false),
        ("99.50", "99.52", true),
    ] {
        let mut desk = one();
        desk.back();
        desk.tick(bid, ask);
        let leaves_or_ends = if leaves { Phase::InFlight } else { Phase::NotSent };
        assert_eq!(desk.phase("P1"), leaves_or_ends, "{bid}: {}", desk.reason("P1"));
        assert_eq!(desk.placed().len(), usize::from(leaves));
    }
}

#[test]
fn a_position_other_than_the_one_assumed_ends_it() {
    let mut desk = one();
    desk.up(AccountClass::Sim);
    let execution = elsewhere(Desk::ready(), buy("99.00"), 5);
    desk.report(Report::Executed(execution.clone()));
    desk.read(&[], &[execution]);
    desk.sent();
    desk.tick("100.00", "100.02");
    assert_eq!(desk.phase("P1"), Phase::NotSent);
    assert!(desk.reason("P1").contains("are now"), "{}", desk.reason("P1"));
}

#[test]
fn every_control_is_asked_anew() {
    let mut desk = one();
    desk.back();
    let state = TradingState::Reducing;
    let (account, reason) = (account(), "enough".into());
    desk.command(Command::SetTrading {
        account,
        state,
        reason,
    });
    desk.tick("100.00", "100.02");
    assert_eq!(desk.phase("P1"), Phase::NotSent);
    assert!(
        desk.reason("P1").contains("TRADING_STATE"),
        "{}",
        desk.reason("P1")
    );
    assert!(desk.placed().is_empty());
}

#[test]
fn one_leaves_a_second_and_three_wait_at_most() {
    let mut desk = Desk::ready();
    desk.down();
    for (name, price) in [("P1", "100.00"), ("P2", "99.99"), ("P3", "99.98")] {
        assert!(matches!(desk.park(name, buy(price), None), Outcome::Done { .. }));
    }
    let (code, _) = refusal(desk.park("P4", buy("99.97"), None));
    assert_eq!(code, DenialCode::MaxOrders);
    desk.back();
    desk.tick("100.00", "100.02");
    assert_eq!(desk.placed().len(), 1);
    desk.now = desk.now.after(Duration::from_millis(900));
    desk.tick("100.00", "100.02");
    assert_eq!(desk.placed().len(), 0);
    desk.wait(1);
    assert_eq!(desk.placed().len(), 1, "by its own timer");
    desk.now = desk.now.after(SECOND);
    desk.tick("100.00", "100.02");
    assert_eq!(desk.placed().len(), 1);
}

#[test]
fn all_that_is_parked_is_worth_no_more_than_one_order_may_be() {
    let mut desk = Desk::ready();
    desk.down();
    let most = desk.engine.state().limits.max_order_value;
    assert_eq!(most, Money::whole(1_000_000));
    let of = |count| spec(Side::Buy, count, limit("100.00"));
    let first = desk.park("P1", of(5_000), None);
    assert!(matches!(first, Outcome::Done { .. }), "{first:?}");
    let (code, words) = refusal(desk.park("P2", of(5_001), None));
    assert_eq!(code, DenialCode::MaxValue, "{words}");
}

#[test]
fn what_only_closes_has_its_five_minutes_and_leaves_no_larger_than_what_is_held() {
    let mut desk = Desk::holding(100);
    desk.down();
    desk.park("P1", spec(Side::Sell, 100, limit("100.00")), None);
    let terms = desk.parked("P1").terms;
    assert!(terms.closes);
    assert_eq!(terms.until.since(desk.now), SECOND * 300);
    // Forty were sold elsewhere meanwhile.
    desk.up(AccountClass::Sim);
    let sold = elsewhere(Desk::holding(100), spec(Side::Sell, 40, limit("100.00")), 40);
    desk.report(Report::Executed(sold.clone()));
    desk.read(&[], &[sold]);
    desk.sent();
    desk.tick("100.00", "100.02");
    assert_eq!(desk.placed(), ["place P1 SELL 60 AAPL lmt 100.00 day"]);
}

#[test]
fn a_cancel_ends_it_at_once_and_a_halt_ends_all_of_them_without_a_word_to_the_broker() {
    let mut desk = one();
    desk.command(Command::Cancel { id: id("P1") });
    assert_eq!(desk.phase("P1"), Phase::Cancelled);
    let mut desk = Desk::holding(100);
    desk.down();
    let exit = OrderKind::StopLimit {
        trigger: p("99.00"),
        price: p("98.90"),
    };
    desk.park("P1", spec(Side::Sell, 100, exit), None);
    desk.park("P2", buy("100.00"), None);
    desk.command(Command::Halt {
        account: None,
        reason: "enough".into(),
        stops_too: false,
    });
    assert_eq!(
        (desk.phase("P1"), desk.phase("P2")),
        (Phase::Cancelled, Phase::Cancelled)
    );
    assert!(desk.engine.state().parking.orders.is_empty() && desk.sent().is_empty());
}

#[test]
fn after_a_restart_it_takes_a_second_word_however_young_it_is() {
    let mut desk = one();
    desk.start();
    desk.command(Command::OpenSession);
    desk.back();
    desk.tick("100.00", "100.02");
    assert_eq!((desk.phase("P1"), desk.placed().len()), (Phase::Parked, 0));
    assert!(desk.parked("P1").asked);
    desk.confirm("P1");
    assert_eq!(desk.placed().len(), 1);
}

#[test]
fn a_program_parks_and_confirms_nothing_and_only_priced_orders_are_parked() {
    let mut desk = one();
    let stop = OrderKind::Stop { trigger: p("101.00") };
    for (name, kind) in [("M1", OrderKind::Market), ("M2", stop)] {
        let (code, _) = refusal(desk.park(name, spec(Side::Buy, 10, kind), None));
        assert_eq!(code, DenialCode::BadOrder, "{kind}");
    }
    desk.origin = Origin {
        session: SessionId(9),
        kind: SessionKind::Program,
    };
    for outcome in [desk.park("P3", buy("99.00"), None), desk.confirm("P1")] {
        assert_eq!(refusal(outcome).0, DenialCode::ReadOnly);
    }
}

#[test]
fn who_may_no_longer_trade_there_is_asked_again() {
    let mut desk = one();
    // The terminal that parked it went, and another came.
    desk.command(Command::CloseSession);
    desk.back();
    desk.tick("100.00", "100.02");
    assert_eq!((desk.phase("P1"), desk.placed().len()), (Phase::Parked, 0));
    desk.origin.session = SessionId(2);
    desk.command(Command::OpenSession);
    assert_eq!(desk.placed().len(), 0, "nobody said a word since");
    desk.confirm("P1");
    assert_eq!(desk.placed().len(), 1);
}
