//! The difference view: each line where there is something to say, nothing where there isn't, and what can be done about it.

use super::*;
use crate::engine::difference::{Difference, Kind, Remedy, Subject, differences};
use crate::engine::event::Fact;

fn lines(desk: &Desk) -> Vec<Difference> {
    differences(desk.engine.state(), account(), desk.now)
}

fn kinds(desk: &Desk) -> Vec<Kind> {
    lines(desk).into_iter().map(|line| line.kind).collect()
}

fn resolve(line: &Difference, remedy: Remedy) -> Command {
    Command::Resolve {
        account: account(),
        subject: line.subject,
        remedy,
        seen: line.seen,
    }
}

/// Answers the read that is under way with another position than ours.
fn reads(desk: &mut Desk, held: i64) {
    let read = Snapshot {
        positions: vec![(aapl(), q(held), None)],
        ..snapshot(desk.pass())
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
}

/// Ours 100, the broker's 150, seen in two reads.
fn differing() -> Desk {
    let mut desk = Desk::holding(100);
    desk.wait(30);
    reads(&mut desk, 150);
    desk.wait(5);
    reads(&mut desk, 150);
    desk.sent();
    assert_eq!(desk.engine.state().link(broker()), LinkState::Degraded);
    desk
}

fn arm(desk: &mut Desk) -> Outcome {
    desk.command(Command::Arm {
        account: account(),
        confirmation: "".into(),
    })
}

#[test]
fn nothing_differs_while_nothing_does() {
    let mut desk = Desk::holding(100);
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    assert_eq!(lines(&desk), []);
    desk.command(Command::Cancel { id: id("A") });
    assert_eq!(lines(&desk), [], "an answer is waited for a moment");
    desk.wait(5);
    assert_eq!(kinds(&desk), [Kind::Unanswered]);
    desk.cancelled("A");
    assert_eq!(lines(&desk), []);
}

#[test]
fn a_position_that_differs_is_a_line_once_and_can_be_accepted_when_it_is_certain() {
    let mut desk = Desk::holding(100);
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.wait(30);
    let pass = desk.pass();
    let read = Snapshot {
        positions: vec![(aapl(), q(150), None)],
        orders: vec![desk.at_broker("A", Phase::Working)],
        ..snapshot(pass)
    };
    desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    let [line] = &lines(&desk)[..] else {
        panic!("{:?}", lines(&desk));
    };
    assert_eq!(
        (line.ours.as_str(), line.theirs.as_str(), line.intent.as_str()),
        ("+100", "+150", "+10 working")
    );
    assert!(!line.is_certain && !line.blocks() && line.remedies.is_empty());
    let (code, words) = refusal(desk.command(resolve(line, Remedy::Adopt)));
    assert_eq!(code, DenialCode::NothingToAccept);
    assert!(words.contains("being read again"), "{words}");
}

#[test]
fn what_blocks_keeps_from_arming_until_it_is_explained_or_left_by_name() {
    let mut desk = differing();
    let line = lines(&desk).remove(0);
    assert!(line.blocks());
    let (code, words) = refusal(arm(&mut desk));
    assert_eq!(code, DenialCode::Unexplained);
    assert!(
        words.contains("ours +100, the broker's +150") && words.contains(":differences"),
        "{words}"
    );

    // Left for an hour: others can be traded, this one can't be added to.
    assert!(matches!(
        desk.command(resolve(&line, Remedy::Ignore { minutes: 60 })),
        Outcome::Done { .. }
    ));
    let left = lines(&desk).remove(0);
    let ignored = left.ignored.as_ref().unwrap();
    assert_eq!(ignored.by.as_str(), "a terminal, session 1");
    assert!(matches!(arm(&mut desk), Outcome::Done { .. }));
    assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
    let buy = desk.submit("B", spec(Side::Buy, 1, limit("99")));
    assert_eq!(refusal(buy).0, DenialCode::Unexplained);
    // The hour is over: it is there again. And at once where it says something else.
    let mut later = Desk {
        events: Vec::new(),
        ..differing()
    };
    let line = lines(&later).remove(0);
    later.command(resolve(&line, Remedy::Ignore { minutes: 60 }));
    for _ in 0..2 {
        later.command(Command::Reconcile { account: account() });
        reads(&mut later, 170);
        later.wait(6);
    }
    if later.engine.state().accounts[&account()].reading.is_some() {
        reads(&mut later, 170);
    }
    assert!(lines(&later)[0].blocks(), "{:?}", lines(&later));
    assert_eq!(later.engine.state().link(broker()), LinkState::Degraded);
    desk.now = desk.now.after(SECOND * 3_601);
    assert!(lines(&desk)[0].blocks());
    assert_eq!(refusal(arm(&mut desk)).0, DenialCode::Unexplained);
}

#[test]
fn what_is_done_is_done_to_what_was_seen() {
    let mut desk = differing();
    let line = lines(&desk).remove(0);
    let other = Difference {
        seen: line.seen ^ 1,
        ..line.clone()
    };
    assert_eq!(
        refusal(desk.command(resolve(&other, Remedy::Adopt))).0,
        DenialCode::StalePreview
    );
    assert_eq!(
        refusal(desk.command(resolve(&line, Remedy::Cancel))).0,
        DenialCode::NothingToAccept
    );
    assert_eq!(
        refusal(desk.command(resolve(&line, Remedy::Ignore { minutes: 0 }))).0,
        DenialCode::BadOrder
    );
    // A program may look, and may not explain anything away.
    let person = std::mem::replace(
        &mut desk.origin,
        Origin {
            session: SessionId(9),
            kind: SessionKind::Program,
        },
    );
    for remedy in [
        Remedy::Adopt,
        Remedy::Ignore { minutes: 5 },
        Remedy::Flatten { exit: id("X") },
    ] {
        assert_eq!(
            refusal(desk.command(resolve(&line, remedy))).0,
            DenialCode::ReadOnly
        );
    }
    desk.origin = person;
    assert!(matches!(
        desk.command(resolve(&line, Remedy::Adopt)),
        Outcome::Done { .. }
    ));
    assert_eq!(desk.held(), q(150));
    reads(&mut desk, 150);
    assert_eq!(lines(&desk), []);
    assert_eq!(
        refusal(desk.command(resolve(&line, Remedy::Adopt))).0,
        DenialCode::NothingToAccept
    );
}

#[test]
fn flatten_takes_the_brokers_word_and_closes_all_of_it() {
    let mut desk = differing();
    let line = lines(&desk).remove(0);
    let outcome = desk.command(resolve(&line, Remedy::Flatten { exit: id("X") }));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    for _ in 0..3 {
        if desk.engine.state().accounts[&account()].reading.is_some() {
            reads(&mut desk, 150);
        }
    }
    assert_eq!(desk.sent().last().unwrap(), "place X SELL 150 AAPL mkt day");
}

#[test]
fn what_only_the_broker_holds_is_flattened_too() {
    let mut desk = Desk::ready();
    desk.wait(30);
    reads(&mut desk, 50);
    desk.wait(5);
    reads(&mut desk, 50);
    desk.sent();
    let line = lines(&desk).remove(0);
    let outcome = desk.command(resolve(&line, Remedy::Flatten { exit: id("X") }));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    for _ in 0..3 {
        if desk.engine.state().accounts[&account()].reading.is_some() {
            reads(&mut desk, 50);
        }
    }
    assert_eq!(desk.sent().last().unwrap(), "place X SELL 50 AAPL mkt day");
}

#[test]
fn orders_have_the_most_serious_line_and_its_remedies() {
    let mut desk = Desk::ready();
    desk.submit("A", spec(Side::Buy, 100, limit("100")));
    desk.wait(6);
    let [line] = &lines(&desk)[..] else { panic!() };
    assert_eq!(
        (line.kind, line.ours.as_str()),
        (Kind::InDoubt, "sent, no answer")
    );
    assert!(line.blocks());
    assert_eq!(refusal(arm(&mut desk)).0, DenialCode::Unexplained);
    desk.sent();
    let outcome = desk.command(resolve(line, Remedy::Cancel));
    assert!(matches!(outcome, Outcome::Done { .. }));
    assert_eq!(desk.sent(), ["cancel A"]);
    desk.cancelled("A");

    // Acknowledged, and missing from a read; then from another.
    desk.working("B", spec(Side::Buy, 10, limit("99")));
    desk.wait(40);
    while desk.engine.state().accounts[&account()].reading.is_some() && desk.phase("B") != Phase::Lost {
        desk.read(&[], &[]);
        if desk.phase("B") == Phase::Working {
            assert_eq!(kinds(&desk), [Kind::Missing]);
        }
        desk.wait(6);
    }
    let [line] = &lines(&desk)[..] else {
        panic!("{:?}", lines(&desk))
    };
    assert_eq!((line.kind, line.blocks()), (Kind::Lost, false));
    assert!(matches!(
        desk.command(resolve(line, Remedy::Adopt)),
        Outcome::Done { .. }
    ));
    assert_eq!(lines(&desk), [], "it is known now");

    // An order made elsewhere, which only its own session can cancel.
    let stranger = BrokerOrder {
        id: id("IB7"),
        broker_id: BrokerOrderId::new("7").unwrap(),
        spec: spec(Side::Buy, 50, limit("99")),
        phase: Phase::Working,
        filled: Quantity::ZERO,
        number: None,
        foreign: true,
    };
    desk.command(Command::Reconcile { account: account() });
    if desk.engine.state().accounts[&account()].reading.is_some() {
        desk.read(std::slice::from_ref(&stranger), &[]);
    }
    let [line] = &lines(&desk)[..] else {
        panic!("{:?}", lines(&desk))
    };
    assert_eq!((line.kind, line.ours.as_str()), (Kind::Unknown, "none"));
    assert_eq!(line.remedies, ["adopt", "ignore"]);
    assert!(
        matches!(arm(&mut desk), Outcome::Done { .. }),
        "it is known what it is"
    );
    let told = |event: &&Event| matches!(&event.fact, Fact::DifferenceIgnored { .. });
    assert_eq!(desk.events.iter().filter(told).count(), 1);
}

#[test]
fn subjects_are_read_as_they_are_written() {
    for subject in [
        Subject::Gap,
        Subject::Position(aapl()),
        Subject::Overfill(aapl()),
        Subject::Order(id("A.1")),
    ] {
        assert_eq!(subject.to_string().parse(), Ok(subject));
    }
    for bad in [
        "",
        "Gap",
        "position:",
        "order",
        "order:",
        "cash:USD",
        &"x".repeat(900),
    ] {
        assert!(bad.parse::<Subject>().is_err(), "{bad}");
    }
}

/// Ours 100 bought at 100, the broker's 400 at 25: what was paid stays, and the line is gone.
#[test]
fn a_position_that_differs_as_by_a_split_can_be_recorded_as_one() {
    let mut desk = Desk::holding(100);
    let paid = desk.engine.state().position(account(), aapl()).cost;
    let average = desk.engine.state().ledgers[&(account(), aapl())]
        .position
        .average_price(Multiplier::ONE)
        .unwrap();
    let quarter = Price::from_raw(average.raw() / 4);
    for wait in [30, 5] {
        desk.wait(wait);
        let read = Snapshot {
            positions: vec![(aapl(), q(400), Some(quarter))],
            ..snapshot(desk.pass())
        };
        desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    }
    desk.sent();
    let line = lines(&desk).remove(0);
    assert_eq!(line.remedies, ["split", "adopt", "ignore", "flatten"]);
    assert!(line.intent.contains("looks like a split 4:1"), "{}", line.intent);
    desk.command(resolve(&line, Remedy::Split));
    let held = desk.engine.state().position(account(), aapl());
    assert_eq!((held.quantity, held.cost), (q(400), paid));
    assert_eq!(lines(&desk), []);
    // Twice what was bought at the same price is no split.
    let mut other = differing();
    let line = lines(&other).remove(0);
    let (code, _) = refusal(other.command(resolve(&line, Remedy::Split)));
    assert_eq!(code, DenialCode::NothingToAccept);
}
