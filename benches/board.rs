//! What it costs to look at a busy market: the Trade workspace at 200x50 with 1,000 quote updates and 200 prints a second
//! over 20 symbols, from a tape that it writes itself, in the real binary in a real terminal. Beside it, in the same run and
//! in the same kind of terminal: `btop`, `htop`, `btm` where they are installed, and the Textual board of the shared
//! folder where `TRADEWIND_SHARED` and a `TRADEWIND_PYTHON` that has Textual are given. What one frame costs alone is
//! `frame`'s to say.
//!
//! `cargo bench --bench board [-- SECONDS]`: so many seconds of each, 20 where nothing is said.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    dead_code,
    reason = "a program that prints tables, stops if it cannot, and shares helpers with the bench of the desk"
)]

#[path = "desk/engine.rs"]
mod engine;
#[path = "desk/figures.rs"]
mod figures;
#[path = "board/market.rs"]
mod market;
#[path = "board/others.rs"]
mod others;
#[path = "desk/terminal.rs"]
mod terminal;

use engine::{Engine, SYMBOL};
use figures::{Figures, Process, load};
use std::time::{Duration, Instant};
use terminal::Terminal;

/// How large the terminal is.
const SIZE: (u16, u16) = (200, 50);
/// What is written before anything is counted.
const WARM: Duration = Duration::from_secs(4);

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse::<u64>().ok());
    let span = Duration::from_secs(seconds.unwrap_or(20));
    println!("load at the start: {}", load());
    println!("{}x{}, {} s each", SIZE.0, SIZE.1, span.as_secs());
    println!(
        "\n{:<46}{:>10}{:>12}{:>14}{:>10}",
        "", "kB/s", "of a core", "resident MiB", "its own"
    );
    for line in ["fast", "slow"] {
        ours(line, span);
    }
    others::all(span, SIZE);
    println!("\nload at the end: {}", load());
}

/// The desk on the busy tape.
fn ours(line: &str, span: Duration) {
    let tape = market::write(span + WARM + Duration::from_secs(30));
    let engine = Engine::of(engine::Folder::with(&format!(
        "[terminal]\nline = \"{line}\"\n{}",
        tape.settings()
    )));
    let heard = market::Heard::listen(&engine);
    let mut desk = Terminal::open(&engine.folder, &["attach"], SIZE);
    desk.wait_for("a price in the list", terminal::shows_a_market);
    desk.settle(WARM);
    let (terminal, behind) = (Process::of(desk.pid()), Process::of(engine.pid()));
    let (begun, bytes) = (Instant::now(), desk.bytes());
    let mut shown = Vec::new();
    desk.watch(span, |at, screen| {
        if let Some(price) = market::last_of(screen, SYMBOL) {
            shown.push((at, price));
        }
    });
    let spent = begun.elapsed().as_secs_f64();
    let bytes = (desk.bytes() - bytes) as f64 / spent;
    let updates = heard.since(begun);
    row(
        &format!("tradewind, line = {line:?}: terminal"),
        Some(bytes),
        &terminal,
        spent,
    );
    row("  its engine", None, &behind, spent);
    println!(
        "  {:.0} quotes and prints a second were heard by a session beside it",
        updates / spent
    );
    let waits = heard.until_shown(&shown);
    if waits.is_empty() {
        println!("  no new price of {SYMBOL} was drawn");
    } else {
        let waits = Figures::of(waits);
        println!(
            "  print heard by that session -> drawn: p50 {:.1} ms, p95 {:.1}, p99 {:.1}",
            waits.p50 * 1e3,
            waits.p95 * 1e3,
            waits.p99 * 1e3
        );
    }
}

/// One line of the table.
fn row(name: &str, bytes: Option<f64>, before: &Process, spent: f64) {
    let after = Process::of(before.pid);
    let part = 100.0 * (after.cpu_s - before.cpu_s) / spent;
    let written = bytes.map_or(String::new(), |bytes| format!("{:.1}", bytes / 1e3));
    println!(
        "{name:<46}{written:>10}{part:>10.2} %{:>14.1}{:>10.1}",
        after.resident_mib, after.own_mib
    );
}
