//! An order's way: over the socket into the exchange and back, and from a key in a real terminal into the book. Beside both,
//! in turns with them, a bare SQLite commit of a row of the same size in the same folder.

use crate::bare::Bare;
use crate::caller::Caller;
use crate::engine::{Engine, SYMBOL, runtime};
use crate::figures::{self, Figures};
use crate::terminal::{self, Terminal};
use std::time::{Duration, Instant};
use tradewind::domain::{OrderKind, Price, Side};
use tradewind::engine::Command;

/// A limit that rests: below any market of the instrument.
const RESTING: &str = "100";

/// Limit orders that rest and are cancelled, and market orders that fill, one at a time.
pub fn over_the_socket(engine: &Engine, rounds: usize) {
    let price: Price = RESTING.parse().unwrap();
    let [mut bare, mut outcome, mut accepted, mut cancelled, mut filled]: [Vec<f64>; 5] = Default::default();
    runtime().block_on(async {
        let mut caller = Caller::new(engine).await;
        let mut yardstick = Bare::open(engine, caller.account);
        let warm_up = rounds / 10;
        for round in 0..rounds + warm_up {
            let plain = yardstick.commit();
            let (id, submit) = caller.submit(OrderKind::Limit { price }, Side::Buy);
            let rests = caller
                .ask(submit, id, |h| h.outcome.is_some() && h.accepted.is_some())
                .await;
            let ends = caller
                .ask(Command::Cancel { id }, id, |h| {
                    h.outcome.is_some() && h.cancelled.is_some()
                })
                .await;
            let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
            let (id, submit) = caller.submit(OrderKind::Market, side);
            let fills = caller
                .ask(submit, id, |h| h.outcome.is_some() && h.filled.is_some())
                .await;
            if round >= warm_up {
                bare.push(plain);
                outcome.extend(rests.after(rests.outcome));
                accepted.extend(rests.after(rests.accepted));
                cancelled.extend(ends.after(ends.cancelled));
                filled.extend(fills.after(fills.filled));
            }
        }
    });
    println!(
        "\norders over the socket, {rounds} of each, one at a time; yardstick: a bare SQLite FULL commit"
    );
    let yardstick = Figures::of(bare);
    figures::head("ms");
    for (name, times) in [
        ("command -> outcome (1 commit)", outcome),
        ("command -> acknowledged (2)", accepted),
        ("command -> filled (2)", filled),
        ("cancel -> cancelled (1)", cancelled),
    ] {
        figures::row(name, &Figures::of(times), &yardstick, 1e3);
    }
    figures::row("bare commit", &yardstick, &yardstick, 1e3);
}

/// A person's way: a sentence stands in the order line, and Enter sends it. Another process hears the engine.
pub fn by_key(engine: &Engine, rounds: usize, size: (u16, u16)) {
    let mut terminal = Terminal::open(&engine.folder, &["attach"], size);
    terminal.wait_for("a price in the list", terminal::shows_a_market);
    let (mut bare, mut booked, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let runtime = runtime();
    let mut caller = runtime.block_on(Caller::new(engine));
    let mut yardstick = Bare::open_again(engine, caller.account);
    for round in 0..rounds {
        // No two are alike: what is looked for on the screen was not there before.
        let quantity = 1_000 + round;
        terminal.press(&format!(":buy {quantity} {SYMBOL} @1.00"));
        // Longer than a preview has to stand in a terminal that does not answer, as this one.
        terminal.settle(Duration::from_millis(1_200));
        runtime.block_on(caller.drain());
        bare.push(yardstick.commit());
        let begun = Instant::now();
        terminal.press("\r");
        booked.push((runtime.block_on(caller.accepted()) - begun).as_secs_f64());
        let row = format!("{quantity}");
        let at = terminal.wait_for("the order in its pane", |screen| {
            terminal::shows_order(screen, &row)
        });
        shown.push((at - begun).as_secs_f64());
        // One at a time: the controls allow only so many.
        runtime.block_on(caller.cancel_all());
    }
    println!("\nkeys in a terminal, {rounds} orders; yardstick: a bare SQLite FULL commit");
    let yardstick = Figures::of(bare);
    figures::head("ms");
    figures::row(
        "Enter -> in the book (2 commits)",
        &Figures::of(booked),
        &yardstick,
        1e3,
    );
    figures::row(
        "Enter -> order on the screen",
        &Figures::of(shown),
        &yardstick,
        1e3,
    );
    figures::row("bare commit", &yardstick, &yardstick, 1e3);
    println!("aim: in the book within 5 ms at p99 on a quiet disk");
}
