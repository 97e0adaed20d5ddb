//! Links, reads and restarts: nothing is concluded from silence, and nothing leaves twice.

use super::*;

#[test]
fn a_lost_link_leaves_doubt_and_keeps_cancels_for_its_return() {
    let mut desk = Desk::ready();
    desk.working("W", spec(Side::Buy, 10, limit("99")));
    desk.submit("F", spec(Side::Buy, 20, limit("99")));
    desk.broker(BrokerEvent::Down {
        reason: "reset".into(),
    });
    desk.sent();
    assert_eq!(desk.phase("F"), Phase::Uncertain);
    desk.command(Command::Cancel { id: id("W") });
    assert_eq!(desk.sent().len(), 0);
    desk.broker(BrokerEvent::Connecting);
    desk.up(AccountClass::Sim);
    assert_eq!(desk.sent(), ["cancel W", "read"], "cancels first");
    let orders = [
        desk.at_broker("W", Phase::Cancelled),
        desk.at_broker("F", Phase::Working),
    ];
    desk.read(&orders, &[]);
    assert_eq!(
        (desk.phase("W"), desk.phase("F")),
        (Phase::Cancelled, Phase::Working)
    );
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
    assert_eq!(desk.sent().len(), 0);
}

#[test]
fn a_failed_read_proves_nothing_and_is_not_repeated_in_a_loop() {
    let mut desk = Desk::ready();
    desk.submit("A", spec(Side::Buy, 10, limit("99")));
    desk.wait(5);
    desk.sent();
    let mut reads = 0;
    for _ in 0..24 {
        if desk.engine.state().accounts[&account()].reading.is_some() {
            let pass = desk.pass();
            desk.broker(BrokerEvent::SnapshotFailed {
                account: account(),
                pass,
                reason: "cut".into(),
            });
        }
        desk.wait(5);
        reads += desk.sent().len();
    }
    assert_eq!(
        (desk.phase("A"), desk.order("A").missing),
        (Phase::Uncertain, None)
    );
    assert!((20..=26).contains(&reads), "{reads} reads in two minutes");
    // An answer to another pass is no answer, nor is silence.
    desk.broker(BrokerEvent::Snapshot(Box::new(snapshot(1))));
    desk.wait(60);
    assert_eq!(
        (desk.phase("A"), desk.order("A").missing),
        (Phase::Uncertain, None)
    );
}

#[test]
fn a_cancel_without_an_answer_is_asked_again_without_reading_at_once() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.wait(20);
    desk.command(Command::Cancel { id: id("A") });
    desk.wait(4);
    assert_eq!(desk.sent().iter().filter(|request| *request == "read").count(), 0);
    desk.wait(1);
    let read = desk.at_broker("A", Phase::Working);
    desk.read(&[read], &[]);
    assert_eq!(desk.sent().last().unwrap(), "cancel A");
}

#[test]
fn executions_missed_without_a_lost_link_are_found() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    let missed = desk.execution("A", 10, "99");
    desk.wait(30);
    let pass = desk.pass();
    let positions = vec![(aapl(), q(10), None)];
    let orders = vec![BrokerOrder {
        filled: q(10),
        ..desk.at_broker("A", Phase::Filled)
    }];
    let read = Snapshot {
        positions,
        orders,
        executions: vec![missed.clone()],
        ..snapshot(pass)
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    assert_eq!((desk.phase("A"), desk.held()), (Phase::Filled, q(10)));
    desk.report(Report::Executed(missed));
    assert_eq!(desk.held(), q(10));
}

#[test]
fn a_difference_that_stays_blocks_and_is_never_traded_away() {
    let mut desk = Desk::ready();
    let differ = |desk: &mut Desk, theirs: i64| {
        let positions = vec![(aapl(), q(theirs), None)];
        let pass = desk.pass();
        desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
            positions,
            ..snapshot(pass)
        })));
    };
    desk.wait(30);
    differ(&mut desk, 5);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
    // Another difference each time is trades on their way, not a riddle.
    desk.wait(5);
    differ(&mut desk, 7);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
    desk.wait(5);
    differ(&mut desk, 7);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Degraded);
    assert_eq!(
        refusal(desk.submit("A", spec(Side::Buy, 1, limit("100")))).0,
        DenialCode::NotReady
    );
    assert!(desk.sent().iter().all(|request| request == "read"));
    desk.wait(5);
    differ(&mut desk, 0);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
}

#[test]
fn the_opening_contains_what_came_before_and_not_what_comes_during_the_read() {
    let mut desk = Desk::cold(AccountClass::Sim);
    let trade = |base: &str, quantity| Execution {
        id: ExecutionId {
            base: ExecutionBase::new(base).unwrap(),
            revision: 1,
        },
        account: account(),
        order: None,
        broker_order: None,
        instrument: aapl(),
        side: Side::Buy,
        quantity: q(quantity),
        price: p("100"),
        at: desk.now,
        fee: None,
        maker: None,
    };
    let (old, during, after) = (trade("old", 3), trade("during", 4), trade("after", 5));
    desk.report(Report::Executed(during.clone()));
    desk.report(Report::Executed(after));
    let positions = vec![(aapl(), q(107), Some(p("50")))];
    let read = Snapshot {
        positions,
        executions: vec![old.clone(), during],
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    assert_eq!(desk.held(), q(112));
    desk.report(Report::Executed(old));
    assert_eq!(desk.held(), q(112));
}

#[test]
fn a_new_process_doubts_what_the_old_one_had_sent() {
    let mut desk = Desk::ready();
    desk.working("W", spec(Side::Buy, 10, limit("99")));
    desk.submit("F", spec(Side::Buy, 20, limit("99")));
    // Recovered by folding the stored events from nothing.
    let mut state = State::default();
    for event in &desk.events {
        state.apply(event);
    }
    assert_eq!(state.digest(), desk.engine.state().digest());
    desk.engine = Engine::new(state);
    desk.sent();
    desk.start();
    let state = desk.engine.state();
    assert_eq!(
        (desk.phase("F"), desk.phase("W")),
        (Phase::Uncertain, Phase::Working)
    );
    assert_eq!(
        (state.link(broker()), state.token, state.armed.len()),
        (LinkState::Down, None, 0)
    );
    desk.up(AccountClass::Sim);
    assert_eq!(desk.sent(), ["read"], "nothing is sent again");
}

#[test]
fn old_orders_and_executions_leave_and_repeated_ones_stay_known() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    let old = desk.fill("A", 10, "99");
    for _ in 0..9 * 24 {
        desk.wait(3_600);
        if desk.engine.state().accounts[&account()].reading.is_some() {
            desk.read(&[], &[]);
        }
    }
    let state = desk.engine.state();
    assert_eq!(
        (state.orders.len(), state.executions.len(), desk.held()),
        (0, 0, q(10))
    );
    assert_eq!(state.position(account(), aapl()).cost, Money::whole(990));
    desk.report(Report::Executed(old));
    assert_eq!(
        desk.held(),
        q(10),
        "an execution of last week is part of the opening"
    );
}

/// Row F53: the wall clock was set back by an hour and a new process began. Its clock goes on from what was recorded, so
/// that deadlines and the controls' windows go on too.
#[test]
fn f53_a_new_process_does_not_stand_still_where_the_clock_was_set_back() {
    let mut desk = Desk::ready();
    let back = desk.now.before(Duration::from_secs(3_600));
    let begins = clock_begins(desk.engine.state(), back);
    assert_eq!(begins, desk.engine.state().at);
    desk.now = begins;
    desk.submit("A", spec(Side::Buy, 10, limit("99")));
    let due = desk.engine.next_deadline().unwrap();
    assert!(due.since(desk.now) <= timing::ANSWER_WITHIN, "{due}");
    let ahead = begins.after(Duration::from_secs(60));
    assert_eq!(clock_begins(desk.engine.state(), ahead), ahead);
}
