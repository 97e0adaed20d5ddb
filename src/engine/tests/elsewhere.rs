//! What a real broker adds: it counts orders, holds brackets itself, is away in part, forgets executions, and has orders of
//! other programs.

use super::*;
use crate::engine::event::Fact;

fn at_a_real_broker() -> Desk {
    use_broker("ibkr");
    Desk::ready()
}

fn placed(desk: &mut Desk) -> Vec<(String, i32, Option<Family>)> {
    let requests = std::mem::take(&mut desk.outbox);
    let placed = |request| match request {
        Request::Place {
            id, number, family, ..
        } => Some((id.to_string(), number, family)),
        _ => None,
    };
    requests.into_iter().filter_map(placed).collect()
}

fn rejected(desk: &mut Desk, name: &str) {
    desk.report(Report::Rejected {
        id: id(name),
        reason: "no".into(),
    });
}

#[test]
fn a_bracket_leaves_as_a_family_and_is_complete_with_its_last_child() {
    let mut desk = at_a_real_broker();
    desk.bracket("A", spec(Side::Buy, 10, limit("99")), "90", "110");
    let family = |parent, group: Option<&str>, complete| {
        let group = group.map(id);
        Some(Family {
            parent,
            group,
            complete,
        })
    };
    assert_eq!(
        placed(&mut desk),
        [
            ("A".to_owned(), 1, family(None, None, false)),
            ("A.1".to_owned(), 2, family(Some(1), Some("A"), false)),
            ("A.2".to_owned(), 3, family(Some(1), Some("A"), true)),
        ]
    );
    for name in ["A", "A.1", "A.2"] {
        let broker_id = BrokerOrderId::new(&format!("B-{name}")).unwrap();
        let phase = if name == "A" { Phase::Working } else { Phase::Held };
        desk.report(Report::Accepted {
            id: id(name),
            broker_id,
            phase,
        });
    }
    // Children that wait there close nothing of what is held here.
    let state = desk.engine.state();
    assert_eq!(state.working_sells(account(), aapl()), Quantity::ZERO);
    assert_eq!(state.protected(account(), aapl()), Quantity::ZERO);
    desk.fill("A", 10, "99");
    assert_eq!(desk.engine.state().protected(account(), aapl()), q(10));
    assert!(desk.sent().is_empty(), "sizes are right already");
    // The broker's own reduction and ours ask for the same.
    desk.fill("A.2", 4, "110");
    assert_eq!(desk.sent(), ["modify A.1 to 6"]);
    desk.modified("A.1", 6);
    desk.fill("A.2", 6, "110");
    assert_eq!(desk.held(), Quantity::ZERO);
}

#[test]
fn an_entry_that_goes_takes_its_children_along() {
    let mut desk = at_a_real_broker();
    desk.bracket("A", spec(Side::Buy, 10, limit("99")), "90", "110");
    for name in ["A", "A.1", "A.2"] {
        desk.accept(name);
    }
    desk.sent();
    desk.command(Command::Cancel { id: id("A") });
    desk.cancelled("A");
    assert_eq!(desk.sent(), ["cancel A", "cancel A.1", "cancel A.2"]);
}

/// Row F33: the parent is taken, a child is not.
#[test]
fn f33_a_refused_child_ends_an_entry_that_has_not_filled_and_alarms_where_it_has() {
    let mut desk = at_a_real_broker();
    desk.bracket("A", spec(Side::Buy, 10, limit("99")), "90", "110");
    desk.accept("A");
    desk.sent();
    rejected(&mut desk, "A.1");
    assert_eq!(desk.sent(), ["cancel A"], "nothing opens what nobody protects");

    for close in [false, true] {
        let mut desk = at_a_real_broker();
        desk.engine = {
            let mut state = desk.engine.state().clone();
            state.limits.close_unprotected = close;
            Engine::new(state)
        };
        desk.bracket("A", spec(Side::Buy, 10, OrderKind::Market), "90", "110");
        desk.accept("A");
        desk.fill("A", 10, "100");
        desk.accept("A.2");
        desk.sent();
        rejected(&mut desk, "A.1");
        let alarm = |event: &Event| matches!(&event.fact, Fact::Surprised { text } if text.as_str().contains("NOT PROTECTED"));
        assert!(desk.events.iter().any(alarm));
        if close {
            assert_eq!(desk.sent(), ["cancel A.2"]);
            desk.cancelled("A.2");
            desk.read(&[], &[]);
            assert_eq!(
                placed(&mut desk)[0].0,
                "A.9",
                "the exit leaves as soon as the broker has said what is held"
            );
        } else {
            assert!(desk.sent().is_empty());
        }
    }
}

/// Rows F15 and F16: the high-water mark of order numbers only rises, over restarts of either side.
#[test]
fn f15_f16_numbers_rise_whatever_the_broker_counts() {
    let mut desk = at_a_real_broker();
    let up = |desk: &mut Desk, next| {
        let accounts = Vec::new();
        desk.broker(BrokerEvent::Up {
            accounts,
            next_number: Some(next),
        });
        desk.read(&[], &[]);
        desk.sent();
    };
    let mut last = 0;
    for (next, least) in [(500, 500), (7, 501), (1, 502), (1_000, 1_000)] {
        up(&mut desk, next);
        let name = format!("N{next}{least}");
        desk.submit(&name, spec(Side::Buy, 1, limit("99")));
        let number = placed(&mut desk)[0].1;
        assert!(
            number >= least && number > last,
            "{number} after {last}, told {next}"
        );
        last = number;
        desk.accept(&name);
    }
    // A new process folds the same journal to the same mark.
    let mut again = State::default();
    for event in &desk.events {
        again.apply(event);
    }
    assert_eq!(again.numbers, desk.engine.state().numbers);
}

/// Rows F1 and F2: a part of the broker is away.
#[test]
fn f1_f2_a_broker_in_part_away_books_what_comes_and_lets_no_risk_out() {
    let mut desk = at_a_real_broker();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.sent();
    let away = |reason: Option<&str>| BrokerEvent::Impaired {
        reason: reason.map(SafeText::new),
    };
    desk.broker(away(Some("1100")));
    assert_eq!(desk.engine.state().link(broker()), LinkState::Degraded);
    desk.fill("A", 4, "99");
    assert_eq!(desk.held(), q(4));
    let refused = desk.submit("B", spec(Side::Buy, 1, limit("99")));
    assert!(matches!(refused, Outcome::Denied(denial) if denial.code == DenialCode::NotReady));
    // A read that agrees is what its program remembers: it makes nothing ready.
    desk.wait(6);
    desk.read(&[desk.at_broker("A", Phase::Working)], &[]);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Degraded);
    desk.sent();
    desk.broker(away(None));
    assert_eq!(desk.engine.state().link(broker()), LinkState::Syncing);
    assert_eq!(desk.sent(), ["read"], "everything is read before anything leaves");
    desk.read(&[desk.at_broker("A", Phase::Working)], &[]);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
}

#[test]
fn a_gap_in_the_executions_disarms_until_a_person_acknowledges_it() {
    let mut desk = at_a_real_broker();
    let arm = || Command::Arm {
        account: account(),
        confirmation: "".into(),
    };
    assert!(matches!(desk.command(arm()), Outcome::Done { .. }));
    desk.wait(30);
    let read = Snapshot {
        complete_since: desk.now,
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    let state = desk.engine.state();
    assert!(state.accounts[&account()].gap.is_some() && state.armed.is_empty());
    assert!(
        matches!(desk.command(arm()), Outcome::Refused(denial) if denial.code == DenialCode::Unexplained)
    );
    desk.command(Command::AcceptGap { account: account() });
    assert!(matches!(desk.command(arm()), Outcome::Done { .. }));
    let again = desk.command(Command::AcceptGap { account: account() });
    assert!(matches!(again, Outcome::Refused(denial) if denial.code == DenialCode::NothingToAccept));
}

#[test]
fn a_difference_is_taken_over_only_once_two_reads_confirmed_it() {
    let mut desk = at_a_real_broker();
    let accept = Command::AcceptDifference {
        account: account(),
        instrument: aapl(),
    };
    let differ = |desk: &mut Desk| {
        let positions = vec![(aapl(), q(5), None)];
        let read = Snapshot {
            positions,
            ..snapshot(desk.pass())
        };
        desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    };
    desk.wait(30);
    differ(&mut desk);
    let early = desk.command(accept.clone());
    assert!(matches!(early, Outcome::Refused(denial) if denial.code == DenialCode::NothingToAccept));
    desk.wait(5);
    differ(&mut desk);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Degraded);
    desk.sent();
    assert!(matches!(desk.command(accept), Outcome::Done { .. }));
    assert_eq!(
        (desk.held(), desk.sent()),
        (q(5), vec!["read".to_owned()]),
        "booked, compared, never traded"
    );
    differ(&mut desk);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
}

/// Row F28: what another session made is shown and counted; only that session may touch it.
#[test]
fn f28_orders_of_another_session_count_and_are_left_alone() {
    let mut desk = at_a_real_broker();
    desk.wait(30);
    let stranger = BrokerOrder {
        id: id("IB7"),
        broker_id: BrokerOrderId::new("7").unwrap(),
        spec: spec(Side::Buy, 50, limit("99")),
        phase: Phase::Working,
        filled: Quantity::ZERO,
        number: None,
        foreign: true,
    };
    desk.read(std::slice::from_ref(&stranger), &[]);
    desk.sent();
    assert_eq!(desk.engine.state().working(account(), aapl(), Side::Buy), q(50));
    let cancel = desk.command(Command::Cancel { id: id("IB7") });
    assert!(matches!(cancel, Outcome::Refused(denial) if denial.code == DenialCode::NotOurs));
    desk.command(Command::CancelAll {
        account: account(),
        instrument: None,
        stops_too: true,
    });
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Halted,
        reason: "test".into(),
    });
    desk.command(Command::Flatten {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    });
    assert_eq!(desk.sent(), ["read"], "nothing was asked of it");
    desk.read(std::slice::from_ref(&stranger), &[]);
    let told = |event: &Event| matches!(&event.fact, Fact::FlattenEnded { failure: Some(why), .. } if why.as_str().contains("made elsewhere"));
    assert!(
        desk.events.iter().any(told),
        "and the flatten says why it is not flat"
    );
}

/// A second order under the client id of A, as a read lists it.
fn second(name: &str, number: i32) -> BrokerOrder {
    BrokerOrder {
        id: id("A"),
        broker_id: BrokerOrderId::new(name).unwrap(),
        spec: spec(Side::Buy, 100, limit("100")),
        phase: Phase::Working,
        filled: Quantity::ZERO,
        number: Some(number),
        foreign: false,
    }
}

/// What the second of two has filled is its own and counts once, whether its execution comes before the read that finds it or
/// after, and whatever its status says.
#[test]
fn what_the_second_of_two_fills_is_its_own_and_counts_once() {
    for early in [true, false] {
        let mut desk = at_a_real_broker();
        desk.submit("A", spec(Side::Buy, 100, limit("100")));
        desk.report(Report::Accepted {
            id: id("A"),
            broker_id: BrokerOrderId::new("100").unwrap(),
            phase: Phase::Working,
        });
        let mut execution = desk.execution("A", 40, "100");
        execution.broker_order = BrokerOrderId::new("500").ok();
        if early {
            desk.report(Report::Executed(execution.clone()));
        }
        desk.command(Command::Reconcile { account: account() });
        let found = BrokerOrder {
            filled: q(40),
            ..second("500", 9)
        };
        desk.read(&[second("100", 1), found], &[]);
        if !early {
            desk.report(Report::Executed(execution));
        }
        let filled = |name: &str| desk.order(name).filled;
        assert_eq!((filled("A"), filled("500")), (q(0), q(40)), "early: {early}");
        let working = desk.engine.state().working(account(), aapl(), Side::Buy);
        assert_eq!((desk.held(), working), (q(40), q(160)));
    }
}

/// Row F30: a person says that there are two, and the newer one is cancelled; the older is never touched.
#[test]
fn f30_the_newer_of_two_is_cancelled_when_a_person_says_so_and_never_the_older() {
    let accept = || Command::AcceptDouble { account: account() };
    // Name and number of the second, and whether it may be cancelled.
    for (name, number, cancelled) in [("500", 9, true), ("500", 1, false), ("50", 9, false)] {
        let mut desk = at_a_real_broker();
        desk.submit("A", spec(Side::Buy, 100, limit("100")));
        desk.report(Report::Accepted {
            id: id("A"),
            broker_id: BrokerOrderId::new("100").unwrap(),
            phase: Phase::Working,
        });
        assert!(
            matches!(desk.command(accept()), Outcome::Refused(_)),
            "there is one"
        );
        desk.report(Report::Accepted {
            id: id("A"),
            broker_id: BrokerOrderId::new(name).unwrap(),
            phase: Phase::Working,
        });
        let working = |desk: &Desk| desk.engine.state().working(account(), aapl(), Side::Buy);
        assert_eq!(working(&desk), q(200), "both count");
        assert_eq!(desk.sent().last().unwrap(), "read", "its number is asked for");
        assert!(
            matches!(desk.command(accept()), Outcome::Refused(_)),
            "no number yet"
        );
        let first = BrokerOrder {
            number: Some(1),
            ..second("100", 1)
        };
        desk.read(&[first.clone(), second(name, number)], &[]);
        desk.sent();
        let outcome = desk.command(accept());
        assert_eq!(matches!(outcome, Outcome::Done { .. }), cancelled, "{outcome:?}");
        let sent = desk.sent();
        assert_eq!(
            sent,
            if cancelled {
                vec![format!("cancel {name}")]
            } else {
                Vec::new()
            }
        );
        assert_eq!(desk.order("A").pending, None, "the older stays");
        desk.now = desk.now.after(SECOND);
        if desk.engine.state().accounts[&account()].reading.is_none() {
            desk.command(Command::Reconcile { account: account() });
        }
        // A read that lists the second alone does not stand for the first.
        desk.read(&[second(name, number)], &[]);
        assert!(desk.order("A").missing.is_some());
        assert_eq!(working(&desk), q(200));
    }
}
