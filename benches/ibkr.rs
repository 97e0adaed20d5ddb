//! How long an order takes to Interactive Brokers and back, as far as it is ours: the real engine with its adapter, the real
//! gateway in place of TWS, each in a process of its own, and between them a proxy that notes when bytes pass. Beside it, in
//! the same run and in turns: a bare SQLite commit, and ib_async's placeOrder from the call to the bytes.
//!
//! `cargo bench --bench ibkr [-- ORDERS [KEYS]]`: so many orders by command, so many by key; then a burst of 150. `-- 30 3` is
//! a quick look. ib_async is taken from the Python that `TRADEWIND_PYTHON` names, or from `python3`; without it the rest is
//! measured all the same.

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
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod caller;
#[path = "desk/engine.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod engine;
#[path = "desk/figures.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod figures;
#[path = "ibkr/orders.rs"]
mod orders;
#[path = "ibkr/pair.rs"]
mod pair;
#[path = "ibkr/proxy.rs"]
mod proxy;
#[path = "desk/terminal.rs"]
#[allow(dead_code, reason = "shared with the bench of the desk")]
mod terminal;
#[path = "ibkr/yardstick.rs"]
mod yardstick;

use figures::load;
use pair::Pair;
use yardstick::IbAsync;

/// How large the terminal is.
const SIZE: (u16, u16) = (200, 50);
/// Orders that are sent at once.
const BURST: usize = 150;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<usize>().ok());
    let by_command = numbers.next().unwrap_or(300);
    let keys = numbers.next().unwrap_or(60);
    println!("load at the start: {}", load());
    let pair = Pair::start();
    let mut ib_async = IbAsync::start();
    orders::by_command(&pair, &mut ib_async, by_command);
    orders::by_key(&pair, &mut ib_async, keys, SIZE);
    orders::burst(&pair, BURST);
    println!("\nload at the end: {}", load());
}
