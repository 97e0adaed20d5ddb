//! The fault matrix of the session and of orders, row by row: a fault at the gateway, and what the desk has to do. Rows
//! whose fault is not in a socket are proven on the adapter's and the engine's own, with time as an argument
//! (`broker::ibkr`, `engine::tests`); `docs/RELIABILITY.md` names the test of each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::pair::{CLIENT, Pair, text};
use crate::gateway::{Hand, limit};
use crate::harness::{Home, until, until_right};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tradewind::domain::{AccountId, AccountKey, BrokerId};
use tradewind::engine::{Command, Outcome};
use tradewind::gateway::tws::proto;

/// Refused because the link is not ready, or prices are away.
pub(super) fn is_refused(pair: &Pair, sentence: &str, code: &str) {
    pair.run(&["order", sentence, "--yes", "--arm", "0001"])
        .refused(1, &[code]);
}

fn came_back(pair: &Pair) {
    pair.ready();
    until("prices again", || pair.has_prices().then_some(()));
    pair.order("buy 1 MSFT mkt");
    pair.agrees();
}

#[test]
fn f1_f2_servers_away_and_back_block_risk_and_lose_no_fill() {
    let pair = Pair::new();
    pair.fault("late 700ms");
    for _ in 0..10 {
        pair.submit("buy 10 AAPL mkt");
    }
    pair.fault("say 1100 Connectivity between IB and TWS has been lost");
    until("a degraded link", || (pair.link() == "degraded").then_some(()));
    assert!(text(&pair.link_row(), "reason").contains("1100"));
    is_refused(&pair, "buy 1 AAPL mkt", "VENUE_NOT_READY");
    // What still arrives is booked, whatever was said of the link.
    until("all fills", || (pair.held("AAPL") == 100).then_some(()));
    assert_eq!(pair.link(), "degraded", "nothing but the broker's word ends it");
    pair.fault("clear");
    pair.fault("lose all 1");
    pair.fault("say 1102 restored, data maintained");
    pair.fault("clear");
    came_back(&pair);
}

#[test]
fn f3_data_lost_is_asked_for_again_once() {
    let pair = Pair::new();
    pair.order("buy 10 AAPL mkt");
    assert!(pair.bars("AAPL", 60, 100) > 50);
    let asked = pair.history_asked();
    pair.fault("say 1100");
    pair.fault("data-lost");
    pair.fault("say 1101 restored, data lost");
    until_right(|| {
        let told = pair.notices();
        if told.contains("restored 2/2 market data lines") {
            Ok(())
        } else {
            Err(format!("restored 2/2 in {told}"))
        }
    });
    until("bars asked for again", || {
        (pair.history_asked() > asked).then_some(())
    });
    came_back(&pair);
}

#[test]
fn f4_f10_a_closed_port_and_a_silent_one_are_tried_for_ever() {
    let mut pair = Pair::new();
    pair.order("buy 10 AAPL mkt");
    pair.kill_gateway();
    until("a link that is down", || {
        text(&pair.link_row(), "reason")
            .contains("nothing listens on 127.0.0.1")
            .then_some(())
    });
    is_refused(&pair, "buy 1 AAPL mkt", "VENUE_NOT_READY");
    assert!(pair.live().is_empty(), "a refusal leaves no intent behind");
    pair.start_gateway(&[]);
    came_back(&pair);
    pair.fault("accept-only 30s");
    pair.fault("cut");
    until_right(|| {
        let told = text(&pair.link_row(), "reason").to_owned();
        if told.contains("says nothing") {
            Ok(())
        } else {
            Err(format!("a silent peer named in '{told}'"))
        }
    });
    pair.fault("clear");
    came_back(&pair);
}

#[test]
fn f5_f14_garbage_and_an_undecodable_order_end_the_stream_and_nothing_else() {
    let pair = Pair::new();
    for fault in ["garbage", "wrong-length", "bad-order"] {
        pair.order("buy 10 AAPL mkt");
        pair.fault("lose all 1");
        pair.submit("buy 5 AAPL mkt");
        pair.fault(fault);
        pair.fault("clear");
        came_back(&pair);
    }
    assert_eq!(pair.held("AAPL"), 45);
}

#[test]
fn f6_a_client_id_in_use_is_waited_for_and_never_replaced() {
    let pair = Pair::new();
    let order = pair.order("sell 10 AAPL @9999 short gtc");
    pair.fault(&format!("hold-id {CLIENT} 6s"));
    pair.fault("cut");
    until("its reason", || {
        text(&pair.link_row(), "reason")
            .contains("client id 17 is in use")
            .then_some(())
    });
    came_back(&pair);
    // The same id again: the order is still ours.
    let id = text(&order, "client_order_id").parse().unwrap();
    assert!(matches!(
        pair.command(Command::Cancel { id }),
        Outcome::Done { .. }
    ));
    pair.comes_to(id.as_str(), "cancelled");
    pair.agrees();
}

#[test]
fn f7_a_data_farm_that_is_away_stops_orders_that_need_its_prices_and_no_connection() {
    let pair = Pair::new();
    pair.until_quoted("AAPL");
    pair.until_quoted("MSFT");
    // Neither bars of the past nor another market's prices are needed for this order.
    pair.fault("say 2105 HMDS data farm connection is broken:ushmds");
    pair.fault("say 2103 Market data farm connection is broken:usfuture");
    pair.fault("say 2103 Market data farm connection is broken:usfarm");
    until("prices that are away", || (!pair.has_prices()).then_some(()));
    is_refused(&pair, "buy 1 AAPL mkt", "NO_PRICE");
    is_refused(&pair, "buy 1 AAPL @150", "NO_PRICE");
    assert_eq!(pair.link(), "ready", "orders are not what went away");
    pair.fault("say 2119 Market data farm is connecting:usfarm");
    pair.fault("say 2104 Market data farm connection is OK:usfarm");
    // Two farms are away all the while.
    came_back(&pair);
    // All that serve prices are away, known by name or not.
    pair.fault("say 2103 Market data farm connection is broken:simfarm");
    pair.order("buy 1 MSFT mkt");
    pair.fault("say 2103 Market data farm connection is broken:usfarm");
    until("no price at all", || (!pair.has_prices()).then_some(()));
    for farm in ["simfarm", "usfarm", "usfuture"] {
        pair.fault(&format!("say 2104 Market data farm connection is OK:{farm}"));
    }
    came_back(&pair);
    assert_eq!(pair.log().matches("connected").count(), 1);
}

#[test]
fn f8_the_daily_restart_is_outlasted() {
    let pair = Pair::new();
    pair.order("sell 10 AAPL @9999 short gtc");
    pair.fault("restart 4s");
    until("a link that is down", || (pair.link() != "ready").then_some(()));
    came_back(&pair);
}

#[test]
fn f9_a_mute_peer_is_noticed_and_what_was_on_its_way_is_in_doubt_until_it_is_known() {
    let pair = Pair::new();
    pair.order("buy 10 AAPL mkt");
    pair.fault("half-open 60s");
    let id = pair.submit("buy 3 AAPL mkt");
    until("its doubt", || {
        (text(&pair.row(id.as_str()), "phase") == "uncertain").then_some(())
    });
    until("a link that is known to be dead", || {
        text(&pair.link_row(), "reason")
            .contains("does not answer")
            .then_some(())
    });
    pair.fault("clear");
    // Nobody arms while it is in doubt.
    until("the end of its doubt", || {
        let phase = text(&pair.row(id.as_str()), "phase").to_owned();
        (phase == "filled" || phase == "absent").then_some(())
    });
    came_back(&pair);
}

#[test]
fn f11_another_login_takes_the_data_and_risk_waits() {
    let pair = Pair::new();
    pair.fault("competing on");
    until("its reason", || {
        text(&pair.link_row(), "reason").contains("10197").then_some(())
    });
    is_refused(&pair, "buy 1 AAPL mkt", "VENUE_NOT_READY");
    // Nobody says when the other session ends: the lines are asked for until they tell something.
    pair.fault("competing off");
    came_back(&pair);
}

/// A port in front of the gateway, behind which `look` sees every frame that a client sends.
pub(super) fn between(to: std::net::SocketAddr, look: impl FnMut(&[u8]) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let look = Arc::new(Mutex::new(look));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(to).unwrap();
            pass(server.try_clone().unwrap(), client.try_clone().unwrap(), |_| {});
            let mut frames = tradewind::gateway::tws::frame::Frames::default();
            let (look, mut greeted) = (Arc::clone(&look), false);
            pass(client, server, move |bytes| {
                frames.push(bytes);
                greeted = greeted || frames.take_prefix(b"API\0") == Some(true);
                while greeted && let Ok(Some(frame)) = frames.next_frame() {
                    (look.lock().unwrap())(frame);
                }
            });
        }
    });
    port
}

/// Counts what passes from a client to the gateway, by the second.
fn counting(to: std::net::SocketAddr) -> (u16, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, mut at) = (Arc::clone(&most), Vec::new());
    let port = between(to, move |_| {
        at.push(std::time::Instant::now());
        let second = std::time::Duration::from_secs(1);
        at.retain(|at: &std::time::Instant| at.elapsed() < second);
        seen.fetch_max(at.len(), Ordering::Relaxed);
    });
    (port, most)
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8]) + Send + 'static) {
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            look(&bytes[..count]);
            if to.write_all(&bytes[..count]).is_err() {
                return;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn f12_never_more_messages_than_the_budget_and_a_hundred_orders_a_minute_pass() {
    let exchange = Home::new();
    let gateway = crate::gateway::Gateway::with(&exchange, &["--accounts", "DU100001,DU100002"]);
    let (port, most) = counting(gateway.address);
    let pair = Pair::behind(exchange, gateway, port, "messages_per_second = 20");
    let sent: Vec<_> = (0..120)
        .map(|n| pair.submit(&format!("buy 1 AAPL @{}", 50 + n)))
        .collect();
    for id in &sent {
        until("every order at the broker", || {
            (text(&pair.row(id.as_str()), "phase") == "working").then_some(())
        });
    }
    pair.sentence("x all all");
    until("no order left", || pair.live().is_empty().then_some(()));
    pair.agrees();
    // Cancels go ahead of the budget, so the bound is looked at where none were sent: twenty, and the handshake's two.
    let most = most.load(Ordering::Relaxed);
    assert!(most <= 50, "{most} messages in one second");
}

/// What waits for the budget when everything is cancelled never leaves: overtaken by its cancel it would work for ever.
#[test]
fn f12_a_cancel_takes_back_what_still_waits_for_the_budget() {
    let pair = Pair::with("messages_per_second = 5");
    let sent: Vec<_> = (0..30)
        .map(|n| pair.submit(&format!("buy 1 AAPL @{}", 50 + n)))
        .collect();
    pair.sentence("x all all");
    until("no order left", || pair.live().is_empty().then_some(()));
    let phases: Vec<String> = sent
        .iter()
        .map(|id| text(&pair.row(id.as_str()), "phase").to_owned())
        .collect();
    assert!(
        phases
            .iter()
            .all(|phase| ["cancelled", "not_sent"].contains(&phase.as_str())),
        "{phases:?}"
    );
    assert!(
        phases.contains(&"not_sent".to_owned()),
        "none had to wait: {phases:?}"
    );
    // Orders leave in their turn: had one of them left after its cancel, it would be there before this one.
    let last = pair.order("buy 1 AAPL @49");
    pair.comes_to(text(&last, "client_order_id"), "working");
    assert_eq!(pair.live().len(), 1);
    pair.agrees();
}

#[test]
fn f13_f17_f18_refusals_and_cancels_that_nobody_asked_for_end_by_what_is_true() {
    let pair = Pair::new();
    pair.fault("reject next 201 Order rejected - reason: not today");
    let ran = pair.run(&["order", "buy 5 AAPL mkt", "--yes", "--arm", "0001"]);
    ran.refused(1, &["not today"]);
    // A number that nobody knows names the order: what became of it is asked, never guessed.
    pair.fault("reject next 7777 something new");
    let id = pair.submit("buy 5 AAPL mkt");
    let dead = ["rejected", "absent", "cancelled"];
    until("its end", || {
        dead.contains(&text(&pair.row(id.as_str()), "phase"))
            .then_some(())
    });
    assert_eq!(pair.held("AAPL"), 0);
    let order = pair.order("buy 5 AAPL @50 gtc");
    let (mut other, _) = Hand::connect(pair.at(), 0);
    other.say(proto::GlobalCancelRequest::default());
    pair.comes_to(text(&order, "client_order_id"), "cancelled");
    pair.agrees();
}

#[test]
fn f15_f16_numbers_only_rise_whatever_the_broker_says() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.order("buy 1 AAPL mkt");
    }
    pair.fault("lower-next-id 1");
    pair.fault("cut");
    until("a new connection", || {
        (pair.log().matches("connected").count() > 1).then_some(())
    });
    pair.ready();
    pair.order("buy 1 AAPL mkt");
    pair.kill_engine();
    pair.start_engine();
    pair.order("buy 1 AAPL mkt");
    assert_eq!(pair.held("AAPL"), 5, "no order took another's number");
    pair.agrees();
}

#[test]
fn f20_a_price_between_ticks_never_leaves_and_the_nearest_is_named() {
    let pair = Pair::new();
    let ran = pair.run(&["order", "buy 1 AAPL @150.005", "--yes", "--arm", "0001"]);
    ran.refused(1, &["BAD_PRICE", "150.00"]);
    let ran = pair.run(&["order", "sell 1 AAPL @9999.005 short", "--yes", "--arm", "0001"]);
    ran.refused(1, &["BAD_PRICE", "9999.01"]);
    pair.agrees();
}

#[test]
fn f19_f21_f22_cancels_that_meet_fills_leave_what_was_filled() {
    let pair = Pair::new();
    pair.fault("fill-after-cancel next");
    let order = pair.order("buy 40 AAPL @50");
    pair.sentence("x AAPL");
    // Told cancelled, and filled all the same: the money is real.
    until("the late fill", || (pair.held("AAPL") == 40).then_some(()));
    pair.comes_to(text(&order, "client_order_id"), "filled");
    pair.agrees();
}

#[test]
fn f23_f24_f27_repeated_late_and_reordered_reports_are_one_each() {
    let pair = Pair::new();
    pair.fault("duplicate 0.3");
    pair.fault("reorder 20");
    pair.fault("commission late 300ms");
    for n in 0..15 {
        pair.submit(&format!("buy {} AAPL mkt", n + 1));
        pair.submit(&format!("buy 1 MSFT @{}", 40 + n));
    }
    pair.fault("clear");
    until("all fills", || (pair.held("AAPL") == 120).then_some(()));
    pair.sentence("x all all");
    pair.agrees();
    // A fee that never comes is unknown, not nothing.
    pair.fault("commission never");
    pair.order("buy 9 MSFT mkt");
    let rows = pair.desk.list("executions");
    let unknown = rows
        .iter()
        .filter(|row| row["fee"].is_null() && text(row, "quantity") == "9");
    assert!(unknown.count() > 0, "{rows:?}");
    pair.fault("clear");
    // The periodic read brings it.
    pair.agrees();
}

#[test]
fn f25_a_corrected_execution_replaces_the_first() {
    let pair = Pair::new();
    pair.fault("correct next");
    pair.order("buy 30 AAPL mkt");
    pair.agrees();
    assert!(pair.notices().contains("corrected"), "{}", pair.notices());
}

#[test]
fn f28_f30_orders_made_elsewhere_are_shown_counted_and_left_alone() {
    let pair = Pair::new();
    let (mut other, next) = Hand::connect(pair.at(), 5);
    let theirs = |quantity: &str, price| proto::Order {
        account: Some("DU100001".into()),
        ..limit("BUY", quantity, price)
    };
    other.place(next, theirs("25", 50.0));
    other.status(next, "Submitted");
    until("the stranger", || (pair.live().len() == 1).then_some(()));
    let row = pair.live()[0].clone();
    assert_eq!(text(&row, "quantity"), "25");
    let id = text(&row, "client_order_id").parse().unwrap();
    let outcome = pair.command(Command::Cancel { id });
    assert!(
        matches!(&outcome, Outcome::Refused(denial) if denial.code.as_str() == "NOT_OURS"),
        "{outcome:?}"
    );
    let account = AccountKey {
        broker: BrokerId::new("ibkr").unwrap(),
        account: AccountId::new("DU100001").unwrap(),
    };
    let all = Command::CancelAll {
        account,
        instrument: None,
        stops_too: true,
    };
    let Outcome::Done { note, .. } = pair.command(all) else {
        panic!()
    };
    assert!(note.unwrap().as_str().contains("made elsewhere"));
    assert_eq!(pair.live().len(), 1, "what is another's stays");

    // Two orders under one reference: the second is flagged, and counts.
    let ours = pair.order("buy 10 AAPL @51 gtc");
    let twin = proto::Order {
        order_ref: Some(text(&ours, "client_order_id").to_owned()),
        ..theirs("10", 51.0)
    };
    other.place(next + 1, twin);
    other.status(next + 1, "Submitted");
    until_right(|| {
        let told = pair.notices();
        if told.contains("TWO ORDERS") {
            Ok(())
        } else {
            Err(format!("both named in {told}"))
        }
    });
    assert_eq!(pair.live().len(), 3);
    let outcome = pair.command(Command::AcceptDouble { account });
    assert!(
        matches!(&outcome, Outcome::Refused(denial) if denial.code.as_str() == "NOT_OURS"),
        "another session's second order: {outcome:?}"
    );
}

#[test]
fn f29_f31_f32_lost_words_are_asked_for_and_never_an_order_sent_twice() {
    let pair = Pair::new();
    // Nothing of it is heard: sent once, in doubt, and found.
    pair.fault("lose all 1");
    let id = pair.submit("buy 11 AAPL mkt");
    // In doubt after five seconds, unless a read has found it by then; never sent again.
    let known = ["uncertain", "filled"];
    until("its doubt", || {
        known
            .contains(&text(&pair.row(id.as_str()), "phase"))
            .then_some(())
    });
    pair.fault("cut-reply positions 2");
    pair.fault("cut-reply executions 2");
    pair.fault("clear");
    pair.comes_to(id.as_str(), "filled");
    assert_eq!(pair.held("AAPL"), 11);
    // Fills vanish now and then while everything else goes on.
    pair.fault("lose executions 0.4");
    for _ in 0..12 {
        pair.submit("buy 1 MSFT mkt");
    }
    pair.fault("clear");
    pair.agrees();
    assert_eq!(pair.held("MSFT"), 12);
}

#[test]
fn f31_an_answer_without_its_end_proves_nothing() {
    let pair = Pair::new();
    pair.order("buy 10 AAPL mkt");
    let resting = pair.order("sell 5 AAPL @9999 gtc");
    for part in ["positions", "orders", "executions", "completed"] {
        pair.fault(&format!("cut-reply {part} 1"));
        pair.fault("say 1100");
        pair.fault("say 1102");
        until_right(|| {
            let log = pair.desk.json(&["log", "--count", "60"]).to_string();
            if log.contains("end mark") || log.contains("to their end") {
                Ok(())
            } else {
                Err(format!("a failed read of {part}"))
            }
        });
        let row = pair.row(text(&resting, "client_order_id"));
        assert_eq!(
            (text(&row, "phase"), pair.held("AAPL")),
            ("working", 10),
            "{part}"
        );
        came_back(&pair);
    }
}

#[test]
fn a_connection_cut_by_hand_stays_cut_until_it_is_made_and_loses_no_fill() {
    let pair = Pair::new();
    pair.order("buy 5 AAPL mkt");
    pair.connection(false);
    until("a link that is down", || (pair.link() == "down").then_some(()));
    assert!(text(&pair.link_row(), "reason").contains("by hand"));
    is_refused(&pair, "buy 1 AAPL mkt", "VENUE_NOT_READY");
    // Nobody makes it again by itself: the gateway is there, and the way back would take a second.
    crate::harness::pause(std::time::Duration::from_secs(3));
    assert_eq!(pair.link(), "down");
    pair.connection(true);
    came_back(&pair);
    assert_eq!(pair.held("AAPL"), 5);
}
