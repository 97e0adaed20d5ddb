//! One order from key to fill: acknowledgements, executions and their corrections, cancels, silence.

use super::*;

#[test]
fn a_limit_order_is_sent_once_acknowledged_and_filled() {
    let mut desk = Desk::ready();
    let buy = spec(Side::Buy, 100, limit("100.02"));
    assert!(matches!(desk.submit("A", buy.clone()), Outcome::Done { .. }));
    assert_eq!(
        (desk.phase("A"), desk.sent()),
        (
            Phase::InFlight,
            vec!["place A BUY 100 AAPL lmt 100.02 day".to_owned()]
        )
    );
    desk.accept("A");
    desk.fill("A", 60, "100.01");
    assert_eq!(
        (desk.phase("A"), desk.order("A").filled, desk.held()),
        (Phase::Working, q(60), q(60))
    );
    desk.fill("A", 40, "100.02");
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(100)));
    assert_eq!(desk.order("A").average_price().unwrap(), p("100.014"));
    // The same id with the same content is the same order; with other content it is nobody's.
    assert_eq!(desk.submit("A", buy.clone()), Outcome::Known { id: id("A") });
    assert_eq!(
        refusal(desk.submit(
            "A",
            OrderSpec {
                quantity: q(101),
                ..buy
            }
        ))
        .0,
        DenialCode::IdReused
    );
    assert_eq!((desk.sent(), desk.held()), (vec![], q(100)));
}

#[test]
fn a_fill_may_overtake_its_acknowledgement() {
    let mut desk = Desk::ready();
    desk.submit("A", spec(Side::Buy, 100, OrderKind::Market));
    desk.fill("A", 100, "100.02");
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(100)));
    desk.accept("A");
    assert_eq!(desk.phase("A"), Phase::Filled);
    assert!(
        desk.order("A").broker_id.is_some(),
        "the late acknowledgement binds the broker's name"
    );
}

#[test]
fn an_execution_counts_once_however_often_it_is_told() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    let execution = desk.fill("A", 60, "100");
    let told = desk.events.len();
    desk.report(Report::Executed(execution.clone()));
    assert_eq!((desk.held(), desk.events.len()), (q(60), told));
    // A fee that comes later is attached, once; an unknown fee is not zero.
    let fee = Some(Fee {
        amount: Money::whole(1),
        currency: Currency::USD,
    });
    for _ in 0..2 {
        desk.report(Report::Executed(Execution {
            fee,
            ..execution.clone()
        }));
    }
    assert_eq!(
        desk.engine.state().position(account(), aapl()).fees,
        Money::whole(1)
    );
    let abroad = Some(Fee {
        amount: Money::whole(1),
        currency: Currency::EUR,
    });
    let execution = desk.execution("A", 10, "100");
    desk.report(Report::Executed(Execution {
        fee: abroad,
        ..execution
    }));
    assert_eq!(
        desk.engine.state().position(account(), aapl()).fees,
        Money::whole(1),
        "euros are no dollars"
    );
}

#[test]
fn a_correction_replaces_and_a_void_removes() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    let first = desk.fill("A", 60, "100");
    let revised = |revision, quantity, price: &str| {
        let id = ExecutionId { revision, ..first.id };
        // Corrections often don't name the order.
        Report::Executed(Execution {
            id,
            quantity: q(quantity),
            price: p(price),
            order: None,
            ..first.clone()
        })
    };
    desk.report(revised(2, 50, "99"));
    let position = desk.engine.state().position(account(), aapl());
    assert_eq!(
        (position.quantity, position.cost, desk.order("A").filled),
        (q(50), Money::whole(4_950), q(50))
    );
    desk.report(revised(1, 60, "100"));
    assert_eq!(desk.held(), q(50), "an older revision changes nothing");
    desk.report(revised(3, 0, "99"));
    assert_eq!(
        (desk.held(), desk.order("A").filled, desk.phase("A")),
        (q(0), q(0), Phase::Working)
    );
    desk.report(revised(4, 120, "99"));
    assert_eq!((desk.held(), desk.phase("A")), (q(120), Phase::Filled));
    assert!(
        desk.events
            .iter()
            .any(|e| matches!(&e.fact, Fact::Overfilled { excess, .. } if *excess == q(20)))
    );
}

#[test]
fn a_late_fill_and_an_overfill_are_booked_and_shown() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    desk.command(Command::Cancel { id: id("A") });
    desk.cancelled("A");
    desk.fill("A", 30, "100");
    assert_eq!(
        (desk.phase("A"), desk.order("A").filled, desk.held()),
        (Phase::Cancelled, q(30), q(30))
    );
    desk.fill("A", 70, "100");
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(100)));
    desk.fill("A", 5, "100");
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(105)));
    assert!(
        desk.events
            .iter()
            .any(|e| matches!(&e.fact, Fact::Overfilled { excess, .. } if *excess == q(5)))
    );
}

#[test]
fn f26_after_an_overfill_nothing_is_added_there_until_somebody_accepts_it() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    desk.fill("A", 105, "100");
    assert_eq!(desk.held(), q(105), "it is booked");
    let outcome = desk.submit("B", spec(Side::Buy, 1, limit("100")));
    assert_eq!(refusal(outcome).0, DenialCode::Unexplained);
    let account = spec(Side::Buy, 1, limit("100")).account;
    let instrument = spec(Side::Buy, 1, limit("100")).instrument;
    // What takes risk off passes all the same.
    desk.working("C", spec(Side::Sell, 5, limit("101")));
    let accept = Command::AcceptDifference { account, instrument };
    desk.command(accept.clone());
    assert_eq!(desk.held(), q(105), "accepting moves nothing");
    desk.working("D", spec(Side::Buy, 1, limit("100")));
    let outcome = desk.command(accept);
    assert_eq!(refusal(outcome).0, DenialCode::NothingToAccept);
}

#[test]
fn fill_and_cancel_may_come_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0], [2, 1, 0], [1, 0, 2]] {
        let mut desk = Desk::ready();
        desk.working("A", spec(Side::Buy, 100, limit("100")));
        desk.command(Command::Cancel { id: id("A") });
        for word in order {
            match word {
                0 => drop(desk.fill("A", 20, "100")),
                1 => drop(desk.fill("A", 10, "99")),
                _ => desk.cancelled("A"),
            }
        }
        assert_eq!(
            (desk.phase("A"), desk.order("A").filled, desk.held()),
            (Phase::Cancelled, q(30), q(30))
        );
        assert_eq!(desk.order("A").pending, None);
    }
}

#[test]
fn silence_makes_an_order_uncertain_and_never_sends_it_again() {
    let mut desk = Desk::ready();
    desk.submit("A", spec(Side::Buy, 100, limit("100")));
    desk.sent();
    desk.wait(4);
    assert_eq!(desk.phase("A"), Phase::InFlight);
    desk.wait(1);
    assert_eq!(
        (desk.phase("A"), desk.sent()),
        (Phase::Uncertain, vec!["read".to_owned()])
    );
    // Missing from one read proves nothing, nor from many soon after sending.
    for _ in 0..4 {
        desk.read(&[], &[]);
        assert_eq!(desk.phase("A"), Phase::Uncertain);
        desk.wait(5);
    }
    desk.wait(9);
    assert!(desk.engine.state().accounts[&account()].reading.is_some());
    desk.read(&[], &[]);
    desk.wait(5);
    desk.read(&[], &[]);
    assert_eq!(desk.phase("A"), Phase::Absent);
    assert!(desk.sent().iter().all(|request| request == "read"));
    // A late report brings it back.
    desk.accept("A");
    assert_eq!(
        (desk.phase("A"), desk.order("A").ended_at, &desk.order("A").reason),
        (Phase::Working, None, &None)
    );
}

#[test]
fn what_was_acknowledged_and_is_missing_twice_is_lost() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    desk.wait(30);
    desk.read(&[], &[]);
    assert_eq!(desk.phase("A"), Phase::Working);
    desk.wait(5);
    desk.read(&[], &[]);
    assert_eq!(desk.phase("A"), Phase::Lost);
    desk.fill("A", 100, "100");
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(100)));
}

#[test]
fn a_cancel_of_what_never_arrived_stays_wanted() {
    let mut desk = Desk::ready();
    desk.submit("A", spec(Side::Buy, 100, limit("100")));
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Halted,
        reason: "enough".into(),
    });
    desk.report(Report::CancelRejected {
        id: id("A"),
        reason: "unknown order".into(),
    });
    desk.sent();
    // The order arrives after all: the halt still means it.
    desk.wait(6);
    desk.accept("A");
    let read = desk.at_broker("A", Phase::Working);
    desk.read(&[read], &[]);
    desk.sent();
    desk.wait(1);
    assert_eq!(desk.sent().last().unwrap(), "cancel A");
}

#[test]
fn a_change_is_answered_once_and_a_stray_one_is_looked_into() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 50, limit("100")));
    let more = |quantity| Command::Modify {
        id: id("A"),
        change: OrderChange {
            quantity: Some(q(quantity)),
            ..OrderChange::default()
        },
    };
    desk.command(more(100));
    assert_eq!(refusal(desk.command(more(90))).0, DenialCode::Busy);
    desk.modified("A", 100);
    desk.fill("A", 60, "100");
    desk.sent();
    // A repetition of an older answer is not believed: it would end the order.
    desk.modified("A", 50);
    assert_eq!(
        (desk.order("A").spec.quantity, desk.phase("A")),
        (q(100), Phase::Working)
    );
    assert_eq!(desk.sent(), ["read"]);
    // Nor is a read that began before the change was answered.
    desk.command(more(80));
    desk.now = desk.now.after(SECOND);
    desk.modified("A", 80);
    let old = BrokerOrder {
        spec: spec(Side::Buy, 100, limit("100")),
        ..desk.at_broker("A", Phase::Working)
    };
    desk.read(&[old], &[]);
    assert_eq!(desk.order("A").spec.quantity, q(80));
    desk.report(Report::ModifyRejected {
        id: id("A"),
        reason: "late".into(),
    });
    assert_eq!(desk.order("A").reason, None, "nothing was pending");
}

#[test]
fn what_was_cancelled_before_it_left_does_not_leave() {
    let mut desk = Desk::ready();
    let submit = Command::Submit {
        id: id("A"),
        spec: spec(Side::Buy, 100, limit("100")),
        legs: Legs::default(),
        seen: None,
    };
    let submit = desk.looked_at(submit);
    let stored = desk.engine.step(
        &desk.market,
        &Input::Command {
            origin: desk.origin,
            command: submit,
        },
        desk.now,
    );
    // The commit takes its time; the cancel overtakes it.
    desk.command(Command::Cancel { id: id("A") });
    assert_eq!(desk.sent(), ["cancel A"]);
    desk.settle(stored.events);
    assert_eq!((desk.phase("A"), desk.sent().len()), (Phase::NotSent, 0));
    desk.report(Report::CancelRejected {
        id: id("A"),
        reason: "unknown order".into(),
    });
    assert_eq!(desk.phase("A"), Phase::NotSent);
}

#[test]
fn what_a_halt_or_a_lost_link_overtakes_does_not_leave() {
    for halted in [true, false] {
        let mut desk = Desk::ready();
        let submit = Command::Submit {
            id: id("A"),
            spec: spec(Side::Buy, 100, limit("100")),
            legs: Legs::default(),
            seen: None,
        };
        let submit = desk.looked_at(submit);
        let stored = desk.engine.step(
            &desk.market,
            &Input::Command {
                origin: desk.origin,
                command: submit,
            },
            desk.now,
        );
        if halted {
            desk.step(&Input::StorageFailed {
                reason: "disk full".into(),
            });
        } else {
            desk.broker(BrokerEvent::Down {
                reason: "reset".into(),
            });
        }
        desk.sent();
        desk.settle(stored.events);
        assert_eq!((desk.phase("A"), desk.sent().len()), (Phase::NotSent, 0));
    }
}

#[test]
fn a_second_order_under_one_id_is_flagged_once_and_counts() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    for _ in 0..2 {
        let broker_id = BrokerOrderId::new("B-other").unwrap();
        desk.report(Report::Accepted {
            id: id("A"),
            broker_id,
            phase: Phase::Working,
        });
    }
    let flagged = desk
        .events
        .iter()
        .filter(|e| matches!(e.fact, Fact::DoubleFound { .. }))
        .count();
    assert_eq!(
        (flagged, desk.engine.state().working(account(), aapl(), Side::Buy)),
        (1, q(200))
    );
    desk.sent();
    desk.command(Command::Cancel { id: id("B-other") });
    assert_eq!(desk.sent(), ["cancel B-other"]);
}

#[test]
fn a_trade_for_nobody_is_booked_and_its_order_adopted() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 1, limit("100")));
    let broker_order = BrokerOrderId::new("B-phone");
    let stray = Execution {
        order: Some(id("PHONE")),
        broker_order: broker_order.ok(),
        ..desk.execution("A", 7, "100")
    };
    desk.report(Report::Executed(stray));
    assert_eq!(desk.held(), q(7));
    desk.report(Report::Triggered { id: id("PHONE") });
    assert_eq!(desk.sent().last().unwrap(), "read");
    let phone = BrokerOrder {
        id: id("PHONE"),
        broker_id: BrokerOrderId::new("B-phone").unwrap(),
        spec: spec(Side::Buy, 10, limit("100")),
        phase: Phase::Working,
        filled: q(7),
        number: None,
        foreign: false,
    };
    let own = desk.at_broker("A", Phase::Working);
    desk.read(&[own, phone], &[]);
    assert!(desk.order("PHONE").external);
    assert_eq!(
        (desk.order("PHONE").filled, desk.order("PHONE").average_price()),
        (q(7), Some(p("100")))
    );
}

#[test]
fn profit_is_counted_by_terms_that_came_later() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 2, limit("100")));
    desk.fill("A", 2, "100");
    desk.broker(BrokerEvent::Instrument(Box::new(instrument(
        "AAPL",
        InstrumentKind::Future,
        50,
    ))));
    assert_eq!(
        desk.engine.state().position(account(), aapl()).cost,
        Money::whole(10_000)
    );
}
