//! A flatten goes step by step, proves itself, and never crosses zero; the stop goes last.

use super::*;
use crate::engine::state::FlattenStep;

fn flatten(desk: &mut Desk) -> Outcome {
    desk.command(Command::Flatten {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    })
}

/// 100 bought, with a stop and a target at the broker.
fn bracketed() -> Desk {
    let mut desk = Desk::ready();
    desk.bracket("A", spec(Side::Buy, 100, limit("100")), "95", "105");
    desk.accept("A");
    desk.fill("A", 100, "100");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.sent();
    desk
}

fn step(desk: &Desk) -> Option<FlattenStep> {
    let flattening = desk.engine.state().flattening.get(&(account(), aapl()));
    flattening.map(|flattening| flattening.step)
}

fn stop(desk: &Desk) -> BrokerOrder {
    desk.at_broker("A.1", Phase::Held)
}

/// The text that ended it.
fn ending(desk: &Desk) -> String {
    let last = desk.engine.state().notices.iter().rev();
    let mut ends = last.filter(|notice| notice.text.as_str().contains("FLAT "));
    ends.next()
        .map_or(String::new(), |notice| notice.text.to_string())
}

#[test]
fn the_stop_goes_last_and_the_broker_has_the_last_word() {
    let mut desk = bracketed();
    let Outcome::Done { note: Some(note), .. } = flatten(&mut desk) else {
        panic!("done")
    };
    assert_eq!(note.as_str(), "1 cancel, 1 stop until the exit is in");
    assert_eq!(flatten(&mut desk), Outcome::Known { id: id("X") });
    assert_eq!(desk.sent(), ["cancel A.2"], "the target goes, the stop stays");
    let meanwhile = desk.submit("M", spec(Side::Buy, 1, limit("99")));
    assert_eq!(refusal(meanwhile).0, DenialCode::Busy);
    // The target fills a part while it is being cancelled, and its stop follows.
    desk.fill("A.2", 30, "105");
    assert_eq!(desk.sent(), ["modify A.1 to 70"]);
    desk.modified("A.1", 70);
    desk.cancelled("A.2");
    assert_eq!(
        (step(&desk), desk.sent()),
        (Some(FlattenStep::Reading), vec!["read".to_owned()])
    );
    let there = stop(&desk);
    desk.read(&[there], &[]);
    assert_eq!(desk.sent(), ["place X SELL 70 AAPL mkt day instead of 70 A.1"]);
    desk.cancelled("A.1");
    desk.accept("X");
    desk.fill("X", 40, "100");
    assert_eq!(step(&desk), Some(FlattenStep::Exiting));
    desk.fill("X", 30, "99");
    assert_eq!((step(&desk), desk.held()), (Some(FlattenStep::Proving), q(0)));
    assert_eq!(desk.sent(), ["read"], "flat by our books is not yet confirmed");
    desk.read(&[], &[]);
    assert_eq!(step(&desk), None);
    assert_eq!(
        ending(&desk),
        "FLAT confirmed 15:00:02 UTC AAPL, 3 fills, 120.00 USD, 0 working"
    );
    assert_eq!(flatten(&mut desk), Outcome::Known { id: id("X") });
}

#[test]
fn a_fill_that_lags_behind_a_cancel_makes_the_exit_smaller() {
    let mut desk = bracketed();
    flatten(&mut desk);
    desk.cancelled("A.2");
    desk.sent();
    // 30 of the target had traded; only the read says so.
    let late = desk.execution("A.2", 30, "105");
    let there = stop(&desk);
    let read = Snapshot {
        positions: vec![(aapl(), q(70), None)],
        orders: vec![there],
        executions: vec![late],
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    // The stop is being made smaller: its answer is waited for before anything that could execute beside it.
    assert_eq!(desk.sent(), ["modify A.1 to 70"]);
    desk.modified("A.1", 70);
    desk.wait(1);
    assert_eq!(desk.sent(), ["read"]);
    let there = stop(&desk);
    desk.read(&[there], &[]);
    assert_eq!(desk.sent(), ["place X SELL 70 AAPL mkt day instead of 70 A.1"]);
}

#[test]
fn a_stop_that_fills_first_leaves_nothing_for_the_exit() {
    // Before the exit: nothing is sent any more.
    let mut desk = bracketed();
    flatten(&mut desk);
    desk.cancelled("A.2");
    desk.fill("A.1", 100, "95");
    desk.read(&[], &[]);
    assert!(!desk.sent().iter().any(|request| request.starts_with("place")));
    assert!(ending(&desk).starts_with("FLAT confirmed"), "{}", ending(&desk));
    // With the exit on its way: the exchange refuses it, because the stop has less left than it was to replace.
    let mut desk = bracketed();
    flatten(&mut desk);
    desk.cancelled("A.2");
    let there = stop(&desk);
    desk.read(&[there], &[]);
    desk.report(Report::Rejected {
        id: id("X"),
        reason: "A.1, which it takes the place of, has less left".into(),
    });
    desk.fill("A.1", 60, "95");
    desk.sent();
    let there = stop(&desk);
    desk.read(&[there], &[]);
    assert_eq!(desk.sent(), ["place X.1 SELL 40 AAPL mkt day instead of 40 A.1"]);
}

#[test]
fn a_broker_that_holds_groups_takes_from_the_stop_what_the_exit_fills() {
    use_broker("ibkr");
    let mut desk = bracketed();
    flatten(&mut desk);
    assert_eq!(desk.sent(), ["cancel A.2"]);
    desk.cancelled("A.2");
    let there = stop(&desk);
    desk.read(&[there], &[]);
    let exit = desk.outbox.iter().find_map(|request| match request {
        Request::Place { family, instead, .. } => {
            Some((family.and_then(|family| family.group), instead.len()))
        }
        _ => None,
    });
    assert_eq!(
        exit,
        Some((Some(id("A")), 0)),
        "in one group, which the broker reduces"
    );
    desk.sent();
    desk.accept("X");
    assert_eq!(
        desk.phase("A.1"),
        Phase::Held,
        "acknowledged is not filled: the stop stays"
    );
    desk.fill("X", 100, "100");
    assert_eq!(desk.sent(), ["cancel A.1"]);
    desk.cancelled("A.1");
    desk.read(&[], &[]);
    assert!(ending(&desk).starts_with("FLAT confirmed"), "{}", ending(&desk));
}

#[test]
fn a_stop_that_no_group_ties_to_the_exit_goes_just_before_it() {
    use_broker("ibkr");
    let mut desk = Desk::holding(100);
    desk.working("S", spec(Side::Sell, 100, OrderKind::Stop { trigger: p("95") }));
    desk.sent();
    flatten(&mut desk);
    assert_eq!(
        desk.sent(),
        ["read"],
        "the stop stays until what is held is known"
    );
    let there = desk.at_broker("S", Phase::Held);
    desk.read(&[there], &[]);
    assert_eq!(desk.sent(), ["cancel S"], "both could execute");
    desk.cancelled("S");
    desk.read(&[], &[]);
    assert_eq!(desk.sent(), ["read", "place X SELL 100 AAPL mkt day"]);
}

#[test]
fn every_step_has_its_time_and_says_what_to_do() {
    // Cancels without an answer.
    let mut desk = bracketed();
    flatten(&mut desk);
    desk.wait(15);
    let text = ending(&desk);
    assert!(
        text.starts_with("NOT FLAT AAPL")
            && text.contains("2 orders have not ended")
            && text.contains("the stop is still there"),
        "{text}"
    );
    // A read without an answer.
    let mut desk = Desk::holding(100);
    flatten(&mut desk);
    desk.wait(25);
    assert!(
        ending(&desk).contains("did not say what is held"),
        "{}",
        ending(&desk)
    );
    assert!(!desk.sent().iter().any(|request| request.starts_with("place")));
    // An exit that the broker holds: queued for the next session, say.
    let mut desk = Desk::holding(100);
    flatten(&mut desk);
    desk.read(&[], &[]);
    desk.accept("X");
    desk.wait(15);
    assert!(ending(&desk).contains("the exit is working"), "{}", ending(&desk));
    assert!(ending(&desk).contains("NOTHING PROTECTS IT"), "{}", ending(&desk));
    // A broker that has something else.
    let mut desk = Desk::holding(100);
    flatten(&mut desk);
    let read = Snapshot {
        positions: vec![(aapl(), q(60), None)],
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    desk.wait(25);
    let told = |notice: &state::Notice| notice.text.as_str().contains("we have 100, the broker has 60");
    assert!(desk.engine.state().notices.iter().any(told));
    assert!(!desk.sent().iter().any(|request| request.starts_with("place")));
}

#[test]
fn what_the_market_had_no_room_for_is_tried_again_and_then_told() {
    let mut desk = Desk::holding(100);
    flatten(&mut desk);
    desk.read(&[], &[]);
    for name in ["X", "X.1", "X.2", "X.3"] {
        assert!(
            desk.sent()
                .iter()
                .any(|sent| sent.starts_with(&format!("place {name} SELL")))
        );
        desk.accept(name);
        if name == "X" {
            desk.fill(name, 10, "99");
        }
        desk.cancelled(name);
        desk.read(&[], &[]);
    }
    assert!(!desk.sent().iter().any(|request| request.starts_with("place")));
    assert_eq!(
        ending(&desk),
        "NOT FLAT AAPL: the exit is cancelled (by request), 90 are still held; NOTHING PROTECTS IT"
    );
}

#[test]
fn orders_made_elsewhere_are_named_and_the_exit_leaves_them_their_part() {
    use_broker("ibkr");
    let mut desk = Desk::holding(100);
    let stranger = BrokerOrder {
        id: id("IB7"),
        broker_id: BrokerOrderId::new("7").unwrap(),
        spec: spec(Side::Sell, 30, limit("105")),
        phase: Phase::Working,
        filled: Quantity::ZERO,
        number: None,
        foreign: true,
    };
    let note = {
        desk.wait(30);
        desk.read(std::slice::from_ref(&stranger), &[]);
        let Outcome::Done { note, .. } = flatten(&mut desk) else {
            panic!("done")
        };
        note.unwrap().to_string()
    };
    assert_eq!(note, "NOT_OURS: 1 made elsewhere");
    desk.sent();
    desk.read(std::slice::from_ref(&stranger), &[]);
    assert_eq!(
        desk.sent(),
        ["place X SELL 70 AAPL mkt day"],
        "30 it could still close"
    );
    desk.accept("X");
    desk.fill("X", 70, "100");
    desk.read(std::slice::from_ref(&stranger), &[]);
    let text = ending(&desk);
    assert!(
        text.starts_with("NOT FLAT AAPL") && text.contains("NOT_OURS") && text.contains("SELL 30 AAPL"),
        "{text}"
    );
}

/// The process dies in every step: the one after it goes on from there, replay sends nothing, and no exit leaves twice.
#[test]
fn it_survives_a_new_process_in_every_step() {
    let dies_in = [
        FlattenStep::Clearing,
        FlattenStep::Reading,
        FlattenStep::Exiting,
        FlattenStep::Proving,
    ];
    for dies in dies_in {
        let mut desk = bracketed();
        flatten(&mut desk);
        let mut places = 0;
        let mut died = false;
        for _ in 0..40 {
            let requests = desk.sent();
            places += requests
                .iter()
                .filter(|request| request.starts_with("place"))
                .count();
            if !died && step(&desk) == Some(dies) {
                died = true;
                let mut state = State::default();
                for event in &desk.events {
                    state.apply(event);
                }
                assert_eq!(&state, desk.engine.state());
                desk.engine = Engine::new(state);
                desk.start();
                assert!(desk.sent().is_empty(), "nothing leaves because of a replay");
                desk.command(Command::OpenSession);
                desk.up(AccountClass::Sim);
                continue;
            }
            let Some(step) = step(&desk) else { break };
            // The broker does what it was asked, in the order in which it would.
            let live = |name: &str| desk.order(name).phase.is_at_broker();
            match step {
                FlattenStep::Clearing if live("A.2") => desk.cancelled("A.2"),
                FlattenStep::Exiting if desk.phase("A.1").is_live() => desk.cancelled("A.1"),
                FlattenStep::Exiting => {
                    desk.accept("X");
                    desk.fill("X", 100, "100");
                }
                _ => {}
            }
            let waits = matches!(step, FlattenStep::Reading | FlattenStep::Proving);
            let reading = desk.engine.state().accounts[&account()].reading.is_some();
            if reading && (waits || desk.engine.state().link(broker()) != LinkState::Ready) {
                let names = ["A.1", "A.2", "X"].into_iter();
                let there: Vec<BrokerOrder> = names
                    .filter(|name| {
                        desk.engine
                            .state()
                            .orders
                            .get(&id(name))
                            .is_some_and(|o| o.phase.is_at_broker())
                    })
                    .map(|name| {
                        desk.at_broker(
                            name,
                            if name == "A.1" {
                                Phase::Held
                            } else {
                                Phase::Working
                            },
                        )
                    })
                    .collect();
                desk.read(&there, &[]);
            } else {
                desk.wait(1);
            }
        }
        assert!(died, "{dies:?}");
        assert_eq!((places, desk.held()), (1, q(0)), "{dies:?}: {}", ending(&desk));
        assert!(
            ending(&desk).starts_with("FLAT confirmed"),
            "{dies:?}: {}",
            ending(&desk)
        );
    }
}

#[test]
fn an_account_is_flattened_with_one_result_and_takes_no_risk_meanwhile() {
    let mut desk = Desk::holding(100);
    let msft = instrument("MSFT", InstrumentKind::Equity, 1);
    desk.market.list(msft.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(msft.clone())));
    let other = OrderSpec {
        instrument: msft.id,
        ..spec(Side::Buy, 5, limit("10"))
    };
    let quote = Quote {
        instrument: msft.id,
        bid: Some((p("10"), q(100))),
        ask: Some((p("10.02"), q(100))),
        at: desk.now,
        quality: Quality::Live,
    };
    desk.market.on_quote(quote);
    desk.working("M", other);
    desk.sent();
    let all = Command::FlattenAccount {
        account: account(),
        exits: vec![(aapl(), id("X")), (msft.id, id("Y"))],
    };
    assert!(matches!(desk.command(all.clone()), Outcome::Done { .. }));
    assert_eq!(desk.command(all), Outcome::Known { id: id("X") });
    assert_eq!(desk.sent(), ["cancel M", "read"]);
    desk.read(&[], &[]);
    desk.accept("X");
    desk.fill("X", 100, "101");
    desk.read(&[], &[]);
    // One is done, the other still works: nothing adds risk anywhere in the account.
    assert_eq!(step(&desk), None);
    let again = desk.submit("N", spec(Side::Buy, 1, limit("99")));
    assert_eq!(refusal(again).0, DenialCode::Busy);
    desk.cancelled("M");
    desk.read(&[], &[]);
    assert_eq!(
        desk.last_word(),
        "ACCOUNT FLAT confirmed 15:00:02 UTC SIM100001: 2 instruments, 1 fill, 100.00 USD, 0 working"
    );
    let again = desk.submit("O", spec(Side::Buy, 1, limit("99")));
    assert!(matches!(again, Outcome::Done { .. }), "{again:?}");
}
