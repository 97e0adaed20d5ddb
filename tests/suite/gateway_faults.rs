//! Faults on demand do what their words say, and the truth stays in the exchange's books whatever clients are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use crate::gateway::{Gateway, Hand, limit, stock};
use crate::harness::{Home, until};
use tradewind::gateway::tws::message::{Incoming, Outgoing};
use tradewind::gateway::tws::proto;

fn market(action: &str, quantity: &str) -> proto::Order {
    proto::Order {
        order_type: Some("MKT".into()),
        lmt_price: None,
        tif: Some("DAY".into()),
        ..limit(action, quantity, 0.0)
    }
}

/// Orders for the gateway of this home.
fn fault(home: &Home, words: &str) {
    home.done(&["gateway", "fault", words]);
}

/// What is told until a question asked now is answered: a mark in the stream.
fn told_until_now(hand: &mut Hand) -> Vec<Outgoing> {
    hand.say(proto::CurrentTimeRequest {});
    let mut told = Vec::new();
    hand.wait(|message| {
        let end = matches!(message, Outgoing::CurrentTime(_));
        told.push(message);
        end.then_some(())
    });
    told
}

fn executions(hand: &mut Hand) -> Vec<proto::Execution> {
    hand.say(proto::ExecutionRequest {
        req_id: Some(77),
        execution_filter: None,
    });
    let mut found = Vec::new();
    hand.wait(|message| match message {
        Outgoing::ExecutionDetails(details) if details.req_id == Some(77) => {
            found.extend(details.execution);
            None
        }
        Outgoing::ExecutionDetailsEnd(_) => Some(()),
        _ => None,
    });
    found
}

#[test]
fn lost_doubled_and_corrected_executions_are_one_each_in_the_books() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    fault(&home, "lose executions 1");
    hand.place(1, market("BUY", "10"));
    hand.status(1, "Filled");
    let lost = told_until_now(&mut hand);
    let speaks = |message: &Outgoing| {
        matches!(
            message,
            Outgoing::ExecutionDetails(_) | Outgoing::CommissionAndFees(_)
        )
    };
    assert!(!lost.iter().any(speaks), "{lost:?}");
    let total = |all: &[proto::Execution]| -> f64 {
        all.iter()
            .map(|e| e.shares.as_ref().unwrap().parse::<f64>().unwrap())
            .sum()
    };
    assert!(
        (total(&executions(&mut hand)) - 10.0).abs() < 1e-9,
        "whoever asks is told"
    );
    fault(&home, "clear");
    fault(&home, "duplicate 1");
    hand.place(2, market("BUY", "10"));
    let mut twice = 0;
    hand.wait(|message| match message {
        Outgoing::ExecutionDetails(_) => {
            twice += 1;
            None
        }
        Outgoing::OrderStatus(status) if status.status.as_deref() == Some("Filled") => Some(()),
        _ => None,
    });
    assert!(twice >= 2 && twice % 2 == 0, "{twice}");
    fault(&home, "clear");
    fault(&home, "correct next");
    hand.place(3, market("BUY", "1"));
    let mut told = Vec::new();
    hand.wait(|message| match message {
        Outgoing::ExecutionDetails(details) => {
            let execution = details.execution?;
            told.push((execution.exec_id?, execution.price?));
            (told.len() == 2).then_some(())
        }
        _ => None,
    });
    assert_eq!(told[0].0.strip_suffix(".01"), told[1].0.strip_suffix(".02"));
    let books = home.books();
    let last = books.executions.last().unwrap();
    assert!((last.price.to_f64() - told[1].1).abs() < 1e-9 && (told[0].1 - told[1].1).abs() > 0.5);
    let known = executions(&mut hand);
    assert!(known.iter().any(|e| e.exec_id.as_ref() == Some(&told[1].0)));
    assert!(!known.iter().any(|e| e.exec_id.as_ref() == Some(&told[0].0)));
    assert!((total(&known) - 21.0).abs() < 1e-9);
    let held: i64 = books.executions.iter().map(|e| e.quantity.raw()).sum();
    assert_eq!(held, 21 * 100_000_000);
}

#[test]
fn an_order_told_cancelled_can_fill_and_the_books_say_so() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    hand.say(proto::MarketDataRequest {
        req_id: Some(5),
        contract: Some(stock("AAPL")),
        ..Default::default()
    });
    let bid = hand.wait(|message| match message {
        Outgoing::TickPrice(tick) if tick.tick_type == Some(1) => tick.price.filter(|price| *price > 0.0),
        _ => None,
    });
    fault(&home, "fill-after-cancel next");
    let below = ((bid - 0.5) * 100.0).round() / 100.0;
    hand.place(1, limit("BUY", "10", below));
    hand.status(1, "Submitted");
    hand.say(proto::CancelOrderRequest {
        order_id: Some(1),
        ..Default::default()
    });
    hand.status(1, "Cancelled");
    hand.wait(|message| match message {
        Outgoing::ExecutionDetails(details) => details.execution.filter(|e| e.order_id == Some(1)),
        _ => None,
    });
    let filled = until("the books have the fill", || {
        let books = home.books();
        let filled: i64 = books.executions.iter().map(|e| e.quantity.raw()).sum();
        (filled == 10 * 100_000_000).then_some(books)
    });
    assert_eq!(filled.orders.len(), 1);
}

#[test]
fn answers_are_cut_short_ids_held_and_orders_refused_only_as_often_as_asked() {
    let home = Home::new();
    let gateway = Gateway::with(&home, &["--accounts", "DU1,DU2"]);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    fault(&home, "cut-reply positions 1");
    hand.say(proto::PositionsRequest {});
    let told = told_until_now(&mut hand);
    assert!(
        !told
            .iter()
            .any(|message| matches!(message, Outgoing::PositionEnd(_)))
    );
    hand.say(proto::PositionsRequest {});
    hand.wait(|message| matches!(message, Outgoing::PositionEnd(_)).then_some(()));
    fault(&home, "reject next 201 not today");
    let order = proto::Order {
        account: Some("DU2".into()),
        ..limit("BUY", "1", 50.0)
    };
    hand.place(1, order.clone());
    let refusal = hand.error(1);
    assert_eq!(refusal.error_code, Some(201));
    assert!(refusal.error_msg.unwrap().contains("not today"));
    hand.status(1, "Inactive");
    hand.place(2, order);
    hand.status(2, "Submitted");
    assert_eq!(home.books().orders.len(), 1, "the exchange never saw the first");
    fault(&home, "say 1100");
    assert_eq!(hand.error(-1).error_code, Some(1100));
    fault(&home, "say 399 client 1 order 2 held until tomorrow");
    assert_eq!(hand.error(2).error_code, Some(399));
    fault(&home, "pace 1");
    for _ in 0..3 {
        hand.say(proto::CurrentTimeRequest {});
    }
    assert_eq!(hand.error(-1).error_code, Some(100));
    fault(&home, "clear");
    fault(&home, "hold-id 9 1h");
    let mut held = Hand::greet(gateway.address);
    held.say(proto::StartApiRequest {
        client_id: Some(9),
        ..Default::default()
    });
    assert_eq!(held.error(-1).error_code, Some(326));
    let refused = home.run(&["gateway", "fault", "dance"]);
    refused.refused(1, &["dance", "say CODE"]);
}

#[test]
fn connections_are_silent_cut_and_refused_as_asked() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    let (mut other, _) = Hand::connect(gateway.address, 2);
    fault(&home, "mute 1h");
    hand.say(proto::CurrentTimeRequest {});
    hand.place(1, limit("BUY", "1", 50.0));
    until("the order is at the exchange though nobody is told", || {
        (home.books().orders.len() == 1).then_some(())
    });
    fault(&home, "clear");
    // Only what was asked after the silence is answered: the first answer is the second question's.
    let told = told_until_now(&mut hand);
    assert!(
        !told
            .iter()
            .any(|message| matches!(message, Outgoing::OrderStatus(_))),
        "{told:?}"
    );
    assert_eq!(hand.open_orders().len(), 1);
    fault(&home, "half-open 1h");
    hand.stream
        .set_read_timeout(Some(std::time::Duration::from_millis(300)))
        .unwrap();
    hand.say(proto::CurrentTimeRequest {});
    let mut byte = [0];
    let silent = std::io::Read::read(&mut hand.stream, &mut byte);
    assert!(
        silent.is_err(),
        "nothing comes, and the connection stays: {silent:?}"
    );
    fault(&home, "clear");
    hand.stream
        .set_read_timeout(Some(std::time::Duration::from_secs(60)))
        .unwrap();
    hand.wait(|message| matches!(message, Outgoing::CurrentTime(_)).then_some(()));
    fault(&home, "cut client 1");
    while hand.next().is_some() {}
    other.is_answered();
    fault(&home, "lower-next-id 3");
    other.say(Incoming::Ids(proto::IdsRequest::default()));
    other.wait(|message| match message {
        Outgoing::NextValidId(next) => next.order_id.filter(|id| *id == 1),
        _ => None,
    });
    fault(&home, "restart 1h");
    while other.next().is_some() {}
    let mut late = std::net::TcpStream::connect(gateway.address).unwrap();
    let ended = std::io::Read::read(&mut late, &mut byte);
    assert!(matches!(ended, Ok(0) | Err(_)), "refused");
    fault(&home, "clear");
    let (mut again, _) = Hand::connect(gateway.address, 1);
    assert_eq!(again.open_orders().len(), 1);
    again.is_answered();
}

#[test]
fn a_scenario_plays_its_steps_and_a_bad_one_is_refused_at_the_start() {
    let home = Home::new();
    let file = home.folder().join("scenario.toml");
    std::fs::write(
        &file,
        "seed = 3\n[[step]]\nat = '0s'\ndo = 'reject always 201 closed'\n",
    )
    .unwrap();
    let path = file.to_string_lossy().into_owned();
    let gateway = Gateway::with(&home, &["--scenario", &path]);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    hand.place(1, limit("BUY", "1", 50.0));
    assert!(hand.error(1).error_msg.unwrap().contains("closed"));
    drop(gateway);
    std::fs::write(&file, "[[step]]\nat = '0s'\ndo = 'dance'\n").unwrap();
    let ran = home.run(&["gateway", "--port", "0", "--scenario", &path]);
    ran.refused(1, &["dance", "scenario.toml"]);
}
