//! The circuit breaker of a broker, in virtual time: each trip at its figure and not below it, what passes meanwhile, and the
//! way back.

use super::*;
use crate::engine::breaker::{Breaker, BreakerCause, BreakerState, Commits, words};

/// Ready, with the rules of the settings.
fn desk() -> Desk {
    let mut desk = Desk::ready();
    desk.engine = std::mem::take(&mut desk.engine).with_breakers(BreakerRules::default());
    desk
}

impl Desk {
    fn breaker(&self) -> Option<&Breaker> {
        self.engine.state().breakers.get(&broker())
    }
    fn breaker_is(&self) -> BreakerState {
        self.breaker()
            .map_or(BreakerState::Closed, |breaker| breaker.state)
    }
    /// So many orders that the broker refuses, one a second.
    fn rejects(&mut self, from: u32, count: u32) {
        for number in from..from + count {
            let name = format!("R{number}");
            self.submit(&name, spec(Side::Buy, 1, limit("99.00")));
            self.report(Report::Rejected {
                id: id(&name),
                reason: "no".into(),
            });
        }
    }
    /// A read of the broker from beginning to end.
    fn whole_read(&mut self) {
        let reading = self.engine.state().accounts[&account()].reading;
        if reading.is_none() {
            self.command(Command::Reconcile { account: account() });
        }
        self.read(&[], &[]);
        self.sent();
    }
    fn acknowledge(&mut self) -> Outcome {
        self.command(Command::AcknowledgeBreaker {
            broker: broker(),
            by: "a test".into(),
        })
    }
    fn denied(&mut self, name: &str) -> DenialCode {
        refusal(self.submit(name, spec(Side::Buy, 1, limit("99.00")))).0
    }
}

#[test]
fn three_refusals_in_ten_seconds_open_it_and_two_do_not() {
    let mut desk = desk();
    desk.rejects(0, 2);
    assert_eq!(desk.breaker_is(), BreakerState::Closed);
    desk.now = desk.now.after(SECOND * 11);
    desk.rejects(2, 2);
    assert_eq!(
        desk.breaker_is(),
        BreakerState::Closed,
        "those before were long ago"
    );
    desk.rejects(4, 1);
    assert_eq!(
        desk.breaker().map(|breaker| breaker.cause),
        Some(BreakerCause::Rejects)
    );
    assert_eq!(desk.denied("N1"), DenialCode::Breaker);
    assert!(
        words(desk.engine.state(), broker())
            .unwrap()
            .contains("3 orders were refused within 10 s")
    );
}

#[test]
fn exits_and_cancels_pass_an_open_breaker() {
    let mut desk = Desk::holding(100);
    desk.working("W", spec(Side::Buy, 1, limit("98.00")));
    desk.engine = std::mem::take(&mut desk.engine).with_breakers(BreakerRules::default());
    desk.rejects(0, 3);
    desk.sent();
    assert!(matches!(
        desk.command(Command::Cancel { id: id("W") }),
        Outcome::Done { .. }
    ));
    desk.submit("X", spec(Side::Sell, 50, OrderKind::Market));
    assert_eq!(desk.sent(), ["cancel W", "place X SELL 50 AAPL mkt day"]);
}

#[test]
fn after_two_reads_one_order_tries_it_and_the_brokers_word_closes_it_or_opens_it_again() {
    for accepted in [true, false] {
        let mut desk = desk();
        desk.rejects(0, 3);
        desk.whole_read();
        assert_eq!(
            desk.breaker_is(),
            BreakerState::Open,
            "one read is no round trip behind it"
        );
        desk.whole_read();
        assert_eq!(desk.breaker_is(), BreakerState::HalfOpen);
        desk.submit("T1", spec(Side::Buy, 1, limit("97.00")));
        assert_eq!(desk.sent().len(), 1);
        assert_eq!(desk.denied("T2"), DenialCode::Breaker, "one at a time");
        if accepted {
            desk.accept("T1");
            assert_eq!(desk.breaker_is(), BreakerState::Closed);
            desk.working("T3", spec(Side::Buy, 1, limit("96.00")));
        } else {
            desk.report(Report::Rejected {
                id: id("T1"),
                reason: "no".into(),
            });
            assert_eq!(desk.breaker_is(), BreakerState::Open);
        }
    }
}

#[test]
fn five_orders_without_an_answer_open_it_and_an_outage_that_doubts_as_many_does_not() {
    let mut desk = desk();
    for number in 0..5u32 {
        desk.submit(&format!("S{number}"), spec(Side::Buy, 1, limit("99.00")));
    }
    desk.broker(BrokerEvent::Down { reason: "cut".into() });
    assert_eq!(desk.phase("S4"), Phase::Uncertain);
    assert_eq!(desk.breaker_is(), BreakerState::Closed);
    let mut desk = self::desk();
    for number in 0..4u32 {
        desk.submit(&format!("S{number}"), spec(Side::Buy, 1, limit("99.00")));
    }
    desk.wait(6);
    assert_eq!(desk.breaker_is(), BreakerState::Closed);
    desk.submit("S4", spec(Side::Buy, 1, limit("99.00")));
    desk.wait(6);
    assert_eq!(
        desk.breaker().map(|breaker| breaker.cause),
        Some(BreakerCause::InDoubt)
    );
}

#[test]
fn two_late_answers_of_a_hundred_open_it_and_one_does_not() {
    let mut desk = desk();
    let late = |desk: &mut Desk, name: &str| {
        desk.submit(name, spec(Side::Buy, 1, limit("99.00")));
        desk.now = desk.now.after(Duration::from_millis(5_100));
        desk.accept(name);
    };
    late(&mut desk, "L1");
    assert_eq!(desk.breaker_is(), BreakerState::Closed);
    late(&mut desk, "L2");
    assert_eq!(
        desk.breaker().map(|breaker| breaker.cause),
        Some(BreakerCause::SlowAnswers)
    );
}

#[test]
fn two_positions_that_differ_open_it_until_a_person_has_acknowledged_them() {
    let mut desk = desk();
    let other = InstrumentId::new("MSFT").unwrap();
    for theirs in vec![vec![(aapl(), q(7), None), (other, q(3), None)]; 2] {
        desk.now = desk.now.after(SECOND * 6);
        desk.command(Command::Reconcile { account: account() });
        let pass = desk.pass();
        desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
            positions: theirs,
            ..snapshot(pass)
        })));
    }
    assert_eq!(
        desk.breaker().map(|breaker| breaker.cause),
        Some(BreakerCause::Mismatches)
    );
    for instrument in [aapl(), other] {
        desk.command(Command::AcceptDifference {
            account: account(),
            instrument,
        });
    }
    let positions = vec![(aapl(), q(7), None), (other, q(3), None)];
    for _ in 0..3 {
        desk.now = desk.now.after(SECOND * 6);
        if desk.engine.state().accounts[&account()].reading.is_none() {
            desk.command(Command::Reconcile { account: account() });
        }
        let pass = desk.pass();
        desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
            positions: positions.clone(),
            ..snapshot(pass)
        })));
    }
    assert_eq!(
        desk.breaker_is(),
        BreakerState::Open,
        "nobody has acknowledged it"
    );
    assert!(
        words(desk.engine.state(), broker())
            .unwrap()
            .contains(":acknowledge")
    );
    assert!(matches!(desk.acknowledge(), Outcome::Done { .. }));
    assert_eq!(desk.breaker_is(), BreakerState::HalfOpen);
}

#[test]
fn clocks_that_are_apart_hold_it_open_until_they_agree() {
    let mut desk = desk();
    desk.broker(BrokerEvent::ClockApart { seconds: 30 });
    assert_eq!(desk.breaker_is(), BreakerState::Closed);
    desk.broker(BrokerEvent::ClockApart { seconds: 31 });
    desk.whole_read();
    desk.whole_read();
    assert_eq!(desk.breaker_is(), BreakerState::Open);
    desk.broker(BrokerEvent::ClockApart { seconds: 0 });
    assert_eq!(desk.breaker_is(), BreakerState::HalfOpen);
}

#[test]
fn a_journal_that_is_slow_for_five_seconds_opens_it_and_one_slow_commit_does_not() {
    let mut desk = desk();
    let mut commits = Commits::new(BreakerRules::default());
    let (slow, quick) = (Duration::from_millis(300), Duration::from_millis(3));
    assert_eq!(commits.took(Duration::from_secs(30), desk.now), None, "one alone");
    assert_eq!(commits.took(quick, desk.now), None);
    let told: Vec<bool> = (0..8)
        .map(|_| {
            desk.now = desk.now.after(SECOND);
            let input = commits.took(slow, desk.now);
            input.map(|input| desk.step(&input)).is_some()
        })
        .collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
    assert!(told[5] || told[4], "{told:?}");
    assert_eq!(
        desk.breaker().map(|breaker| (breaker.cause, breaker.lasts)),
        Some((BreakerCause::SlowJournal, true))
    );
    desk.whole_read();
    desk.whole_read();
    assert_eq!(desk.breaker_is(), BreakerState::Open);
    assert_eq!(commits.took(quick, desk.now), None);
    let over = commits.took(quick, desk.now).expect("two quick ones end it");
    desk.step(&over);
    assert_eq!(desk.breaker_is(), BreakerState::HalfOpen);
}

#[test]
fn a_broken_invariant_opens_it_without_any_rules_and_survives_a_restart() {
    let mut desk = Desk::ready();
    let fact = Fact::BreakerMoved {
        broker: broker(),
        to: BreakerState::Open,
        cause: BreakerCause::Invariant,
        text: "it can't be made to happen from outside".into(),
        lasts: false,
    };
    let batch = desk.engine.record(fact, desk.now);
    desk.settle(batch.events);
    desk.start();
    desk.command(Command::OpenSession);
    desk.up(AccountClass::Sim);
    desk.read(&[], &[]);
    desk.whole_read();
    desk.whole_read();
    assert_eq!(desk.breaker_is(), BreakerState::Open);
    desk.acknowledge();
    assert_eq!(desk.breaker_is(), BreakerState::HalfOpen);
    assert_eq!(refusal(desk.acknowledge()).0, DenialCode::NothingToAccept);
}
