//! Rows F46, F49 and F50 of the fault matrix, in a real terminal: one that changes its size all the time, one that nobody
//! reads, and one that is pasted a megabyte into. The engine's way of an order goes on, and what stops things is heard.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Desk, Home, PANIC, alone, block_on, pause, until};
use std::time::Duration;
use tradewind::domain::{ClientOrderId, OrderKind, OrderSpec, Quantity, Role, Side, TimeInForce};
use tradewind::engine::{Command, Legs, Outcome, SessionKind};
use tradewind::wire::{Query, Reply};

/// Orders that another session sends while nobody reads the terminal.
const ORDERS: usize = 50;

#[test]
fn f46_f49_f50_a_terminal_that_flaps_that_nobody_reads_and_that_is_pasted_into() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (120, 40));

    // F50: a megabyte of orders, as a paste.
    let orders = "B\r\n:buy 10 AAPL mkt\r\n";
    desk.sends(&format!(
        "\x1b[200~{}\x1b[201~",
        orders.repeat((1 << 20) / orders.len())
    ));
    desk.shows("PASTE BLOCKED");
    desk.types("?");
    desk.shows("KEYS");
    desk.escapes();
    desk.shows_no_more("KEYS");
    assert!(home.list("orders").is_empty() && home.books().orders.is_empty());

    // F46: a hundred sizes, as fast as they can be set, from one cell to more than any screen.
    for turn in 0..100u16 {
        desk.resize(1 + turn * 37 % 300, 1 + turn * 23 % 120);
    }
    desk.resize(120, 40);
    // At its own size again: where it is too small to show anything, help is not heard.
    desk.comes_to("the desk in forty lines", |screen| {
        screen.lines().nth(39).is_some_and(|line| line.contains("Risk"))
    });
    desk.types("?");
    desk.shows("KEYS");
    desk.escapes();
    desk.shows_no_more("KEYS");

    // F49: nobody reads. Whole frames until the terminal takes no more.
    desk.is_read_by_nobody(true);
    for turn in 0..40u16 {
        desk.resize(120 + turn % 2, 40);
        pause(Duration::from_millis(20));
    }
    block_on(async {
        let mut other = home.attach(SessionKind::Shell).await;
        let Reply::State(told) = other.query(Query::State).await.unwrap() else {
            panic!("no state");
        };
        for number in 0..ORDERS {
            let command = Command::Submit {
                id: ClientOrderId::new(&format!("S{number}")).unwrap(),
                spec: OrderSpec {
                    account: *told.state.accounts.keys().next().unwrap(),
                    instrument: "AAPL".parse().unwrap(),
                    side: Side::Buy,
                    quantity: Quantity::ONE,
                    kind: OrderKind::Limit {
                        price: "1".parse().unwrap(),
                    },
                    tif: TimeInForce::Day,
                    display: None,
                    allow_short: false,
                    role: Role::Entry,
                    parent: None,
                    outside_hours: false,
                },
                legs: Legs::default(),
                seen: None,
            };
            let outcome = other.command(command).await.unwrap();
            assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        }
    });
    home.agrees_with_the_exchange();
    // Its keys are still heard: the panic key cancels though no frame of it comes.
    desk.types(PANIC);
    desk.types("a");
    until("every order cancelled", || {
        let orders = home.list("orders");
        orders.iter().all(|row| row["phase"] == "cancelled").then_some(())
    });
    desk.resize(120, 40);
    desk.is_read_by_nobody(false);
    desk.shows("cancelled");
    desk.types("?");
    desk.shows("KEYS");
    home.agrees_with_the_exchange();
    home.done(&["stop"]);
}
