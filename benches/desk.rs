//! How fast the whole program is: the real binary in processes of its own, on a real disk, with a real terminal. Each figure
//! stands beside a yardstick of the same run: an order's way beside a bare SQLite commit of the same row in the same
//! folder, a start beside the start of a process that does nothing. What one frame costs is `frame`'s to say.
//!
//! `cargo bench --bench desk [-- ORDERS [KEYS [SECONDS]]]`: so many orders over the socket, so many by key, and so many
//! seconds of watching memory, processor and bytes. `-- 50 5 3` is a quick look.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a program that prints tables, and stops if it cannot"
)]

#[path = "desk/bare.rs"]
mod bare;
#[path = "desk/caller.rs"]
mod caller;
#[path = "desk/engine.rs"]
mod engine;
#[path = "desk/figures.rs"]
mod figures;
#[path = "desk/orders.rs"]
mod orders;
#[path = "desk/terminal.rs"]
mod terminal;

use engine::{Engine, nothing_at_all};
use figures::{Figures, Process, load};
use std::time::{Duration, Instant};
use terminal::Terminal;

/// How large the terminal is.
const SIZE: (u16, u16) = (200, 50);
/// Starts from nothing, and attachments, that are averaged.
const STARTS: usize = 7;
const ATTACHMENTS: usize = 40;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<usize>().ok());
    let orders = numbers.next().unwrap_or(1_000);
    let keys = numbers.next().unwrap_or(60);
    let seconds = numbers.next().unwrap_or(60) as u64;
    println!("load at the start: {}", load());
    starts();
    let engine = Engine::start(true);
    orders::over_the_socket(&engine, orders);
    orders::by_key(&engine, keys, SIZE);
    attachments(&engine);
    watch("a moving market", &engine, seconds);
    drop(engine);
    watch(
        "a market that stands still",
        &Engine::start(false),
        seconds.div_ceil(3),
    );
    println!("\nload at the end: {}", load());
}

/// From nothing to a living market, with an empty data folder each time.
fn starts() {
    let (mut bare, mut quoted, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        bare.push(nothing_at_all());
        let begun = Instant::now();
        let engine = Engine::start(true);
        engine.first_quote();
        quoted.push(begun.elapsed());
        drop(engine);
        // And as a person starts it: one command, which starts the engine behind itself.
        let folder = engine::Folder::new(true);
        let begun = Instant::now();
        let mut terminal = Terminal::open(&folder, &[], SIZE);
        terminal.wait_for("a price in the list", terminal::shows_a_market);
        shown.push(terminal.last_at().duration_since(begun));
        drop(terminal);
        folder.stop_engine();
    }
    let yardstick = Figures::of_durations(&bare);
    println!("\nstart from an empty folder, {STARTS} times; yardstick: a process that prints its version");
    figures::head("ms");
    figures::row("a process that does nothing", &yardstick, &yardstick, 1e3);
    figures::row(
        "engine: start -> first quote",
        &Figures::of_durations(&quoted),
        &yardstick,
        1e3,
    );
    figures::row(
        "desk: start -> market on screen",
        &Figures::of_durations(&shown),
        &yardstick,
        1e3,
    );
    println!("aim: a living market within 1500 ms");
}

/// A terminal that comes to an engine that runs.
fn attachments(engine: &Engine) {
    let (mut bare, mut snapshot, mut market) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ATTACHMENTS {
        bare.push(nothing_at_all());
        let begun = Instant::now();
        let (state, quote) = engine.first_quote();
        snapshot.push(state.duration_since(begun));
        market.push(quote.duration_since(begun));
    }
    let (mut first, mut full) = (Vec::new(), Vec::new());
    for _ in 0..ATTACHMENTS {
        let begun = Instant::now();
        let mut terminal = Terminal::open(&engine.folder, &["attach"], SIZE);
        first.push(terminal.wait_for("a first frame", |screen| !screen.contents().trim().is_empty()) - begun);
        full.push(terminal.wait_for("a price in the list", terminal::shows_a_market) - begun);
    }
    let yardstick = Figures::of_durations(&bare);
    println!(
        "\nattach to a running engine, {ATTACHMENTS} times; yardstick: a process that prints its version"
    );
    figures::head("ms");
    figures::row("a process that does nothing", &yardstick, &yardstick, 1e3);
    for (name, times) in [
        ("socket: connect -> snapshot", &snapshot),
        ("socket: connect -> first market", &market),
        ("terminal: exec -> first frame", &first),
        ("terminal: exec -> prices shown", &full),
    ] {
        figures::row(name, &Figures::of_durations(times), &yardstick, 1e3);
    }
    println!("aim: a first frame within 150 ms");
}

/// Memory, processor and bytes of a desk that somebody only looks at.
fn watch(what: &str, engine: &Engine, seconds: u64) {
    let mut terminal = Terminal::open(&engine.folder, &["attach"], SIZE);
    terminal.settle(Duration::from_secs(2));
    let (desk, behind) = (Process::of(terminal.pid()), Process::of(engine.pid()));
    let (begun, bytes) = (Instant::now(), terminal.bytes());
    terminal.settle(Duration::from_secs(seconds));
    let spent = begun.elapsed().as_secs_f64();
    println!("\n{what}: {}x{}, {spent:.0} s", SIZE.0, SIZE.1);
    println!(
        "{:<34}{:>10}{:>16}{:>10}",
        "", "of a core", "resident MiB", "its own"
    );
    for (name, before) in [("terminal", &desk), ("engine", &behind)] {
        let after = Process::of(before.pid);
        let part = 100.0 * (after.cpu_s - before.cpu_s) / spent;
        println!(
            "{name:<34}{part:>8.2} %{:>16.1}{:>10.1}",
            after.resident_mib, after.own_mib
        );
    }
    println!(
        "terminal writes {:.0} bytes a second",
        (terminal.bytes() - bytes) as f64 / spent
    );
}
