//! How long an engine that was killed takes until it may add risk again: started, journal read, broker read and compared.
//! With so many orders in its journal, once with the snapshot that a running engine keeps, and once without one, beside the
//! start of a process that does nothing. The orders are placed through the real engine; the exchange in the box is read.
//!
//! `cargo bench --bench recovery [-- ORDERS [STARTS]]`, 10,000 and 7 where nothing is said.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program that prints tables, and stops if it cannot"
)]

#[path = "desk/caller.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod caller;
#[path = "desk/engine.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod engine;
#[path = "desk/figures.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod figures;

use caller::Caller;
use engine::{Engine, Folder, nothing_at_all, runtime};
use figures::{Figures, load};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use tradewind::domain::{LinkState, OrderKind, Price, Side};
use tradewind::engine::{Command, SessionKind, State};
use tradewind::store::{JournalReader, SnapshotFile};
use tradewind::wire::{ClientMessage, ServerMessage};

/// Every so many orders one stays on the market.
const STAYS: usize = 100;
const SETTINGS: &str = "keep_hours = false\nclose_band_bps = 0\n\
                        max_position_value = \"100000000\"\n[sim]\nparticipants = true\n";

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<usize>().ok());
    let orders = numbers.next().unwrap_or(10_000);
    let starts = numbers.next().unwrap_or(7);
    println!("load at the start: {}", load());
    let folder = Folder::with(SETTINGS);
    let engine = Engine::of(folder.clone());
    place(&engine, orders);
    kill(engine);
    let journal = folder.paths().journal();
    let events = JournalReader::open(&journal).unwrap().head().unwrap().0;
    let size = std::fs::metadata(&journal).unwrap().len() >> 20;
    let snapshot = SnapshotFile::beside(&journal);
    println!(
        "\nkilled, and started again {starts} times each: {orders} orders, {events} events, {size} MiB, snapshot at {:?}",
        snapshot.sequence()
    );
    let (mut bare, mut quick, mut slow) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..starts {
        bare.push(nothing_at_all());
        quick.push(start(&folder, orders));
        let kept = std::fs::read(snapshot.path());
        let _ = std::fs::remove_file(snapshot.path());
        slow.push(start(&folder, orders));
        if let Ok(kept) = kept {
            std::fs::write(snapshot.path(), kept).unwrap();
        }
    }
    let yardstick = Figures::of_durations(&bare);
    figures::head("ms");
    figures::row("a process that does nothing", &yardstick, &yardstick, 1e3);
    for (name, times) in [
        ("start -> ready, with a snapshot", &quick),
        ("start -> ready, all events read", &slow),
    ] {
        figures::row(name, &Figures::of_durations(times), &yardstick, 1e3);
    }
    println!("aim: within 10 s at p99");
    println!("load at the end: {}", load());
}

/// A third rests and is cancelled, the others fill; one of a hundred stays.
fn place(engine: &Engine, orders: usize) {
    let price: Price = "100".parse().unwrap();
    runtime().block_on(async {
        let mut caller = Caller::new(engine).await;
        for round in 0..orders {
            let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
            if round % 3 > 0 {
                let (id, submit) = caller.submit(OrderKind::Market, side);
                caller.ask(submit, id, |heard| heard.filled.is_some()).await;
                continue;
            }
            let (id, submit) = caller.submit(OrderKind::Limit { price }, Side::Buy);
            caller.ask(submit, id, |heard| heard.accepted.is_some()).await;
            if round % STAYS > 2 {
                caller
                    .ask(Command::Cancel { id }, id, |heard| heard.cancelled.is_some())
                    .await;
            }
        }
    });
}

/// As a power cut or the kernel would.
fn kill(engine: Engine) {
    let pid = Pid::from_raw(i32::try_from(engine.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    drop(engine);
}

/// From the start of the process to a state in which everything was read and compared.
fn start(folder: &Folder, orders: usize) -> Duration {
    let begun = Instant::now();
    let engine = Engine::of(folder.clone());
    let state = runtime().block_on(async {
        let mut attached = engine.connect(SessionKind::Monitor).await;
        attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
        let mut state = State::default();
        while !is_ready(&state) {
            match attached.reader.read().await.unwrap().expect("the engine talks") {
                ServerMessage::Snapshot(snapshot) => state = snapshot.state,
                ServerMessage::Events(events) => events.iter().for_each(|event| state.apply(event)),
                _ => {}
            }
        }
        state
    });
    let took = begun.elapsed();
    assert_eq!(state.orders.len(), orders, "an order is missing");
    kill(engine);
    took
}

fn is_ready(state: &State) -> bool {
    !state.links.is_empty() && state.links.values().all(|link| link.state == LinkState::Ready)
}
