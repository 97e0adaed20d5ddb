//! What it costs to serve many: 100 WebSocket clients on one stream of quotes, 1,000 and 10,000 updates a second, unbatched and in
//! batches of 50 ms; one client among them that never reads; 1,000 clients that say nothing; reads by 32 callers; orders, alone and beside the crowd. In
//! the same run and on the same machine the servers of the shared folder's `bench/wsrest`: the same number of clients
//! on bytes that were framed before, which is what a wire costs at the least, and FastAPI.
//!
//! `cargo bench --bench server [-- SECONDS]`: so many seconds of each, 8 where nothing is said; `-- calls 8`: reads and orders
//! alone; `-- soak 600`: one crowd alone, that long. `TRADEWIND_WSREST` names the
//! program built from that folder, `TRADEWIND_PYTHON` a Python that has its packages; what is not given is said to be skipped.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    dead_code,
    reason = "a program that prints tables, stops if it cannot, and shares helpers with the bench of the desk"
)]

#[path = "server/clients.rs"]
mod clients;
#[path = "desk/engine.rs"]
mod engine;
#[path = "desk/figures.rs"]
mod figures;
#[path = "server/others.rs"]
mod others;
#[path = "server/tape.rs"]
mod tape;

use clients::{Call, Crowd, Wanted};
use engine::{Engine, Folder};
use figures::{Process, load};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Clients on one stream.
const CLIENTS: usize = 100;
/// What goes by before anything is counted.
const WARM: Duration = Duration::from_secs(2);

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse::<u64>().ok());
    let span = Duration::from_secs(seconds.unwrap_or(8));
    println!("load at the start: {}", load());
    if std::env::args().any(|word| word == "calls") {
        reads(span);
        return orders(span);
    }
    if std::env::args().any(|word| word == "soak") {
        println!("\n{CLIENTS} WebSocket clients for {} s", span.as_secs());
        head();
        return ours(1_000, 50, 0, span);
    }
    println!("\n{CLIENTS} WebSocket clients, {} s each", span.as_secs());
    head();
    for rate in [1_000, 10_000] {
        alone(rate, span);
        for batch in [0, 50] {
            ours(rate, batch, 0, span);
        }
    }
    ours(1_000, 0, 1, span);
    others::all(span, CLIENTS);
    idle(span);
    reads(span);
    orders(span);
    println!("\nload at the end: {}", load());
}

fn head() {
    println!(
        "{:<52}{:>11}{:>10}{:>9}{:>9}{:>9}{:>9}{:>7}{:>7}",
        "", "updates/s", "MB/s", "core", "MiB", "p50 ms", "p99 ms", "lost", "cut"
    );
}

/// A server with a market of its own, and a key to it.
struct Served {
    engine: Engine,
    address: SocketAddr,
    key: String,
}

impl Served {
    fn start(rate: u64, span: Duration) -> (Self, tape::Tape) {
        let tape = tape::write(rate, span + Duration::from_secs(40));
        // As docs/TUNING.md says for crowds; all of them call from one address here.
        let listen = "[server]\nlisten = \"127.0.0.1:0\"\n[server.doors]\ncalls_per_address = 0\ncalls_per_key = 0\nconnections_per_address = 2048\n";
        // Orders without end are what is measured.
        let limits = "[limits]\nduplicate_window_ms = 0\nmax_live_orders = 10000\nmax_total_orders = 0\nrate_burst = 10000\nrate_per_second = 10000\nmax_position_value = \"1000000000000\"\nmax_gross_bps = 0\nmax_name_bps = 0\nmax_issuer_bps = 0\nmax_entries_5m = 0\nmax_round_trips_1m = 0\nclose_band_bps = 0\nkeep_hours = false\n[[sim.accounts]]\nid = \"SIM100001\"\ncash = { USD = \"1000000000\" }\n";
        let engine = Engine::of(Folder::of(&format!("{listen}{limits}{}", tape.settings())));
        let made = engine
            .folder
            .command(&["api-key", "add", "bench", "--role", "trade", "--json"])
            .output()
            .unwrap();
        let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let address = std::fs::read_to_string(engine.folder.paths().http_address()).unwrap();
        let served = Self {
            engine,
            address: address.trim().parse().unwrap(),
            key: made["token"].as_str().expect("a key").to_owned(),
        };
        (served, tape)
    }
    fn order(&self) -> Call<'static> {
        Call::Order("TW00")
    }
    /// Calls, and a line of how they went.
    fn calls(&self, name: &str, call: Call<'_>, callers: usize, pause: Duration, span: Duration) {
        // Until its market moves and its accounts were told.
        std::thread::sleep(WARM);
        let before = Process::of(self.engine.pid());
        let heard = clients::calls(self.address, &self.key, call, callers, pause, span);
        let after = Process::of(self.engine.pid());
        println!(
            "\n{name}, {callers} callers: {:.0} a second, p50 {:.3} ms, p99 {:.3} ms, {} failed, {:.1}% of a core",
            heard.rows as f64 / span.as_secs_f64(),
            heard.delay(50) * 1e3,
            heard.delay(99) * 1e3,
            heard.lost,
            (after.cpu_s - before.cpu_s) / span.as_secs_f64() * 100.0,
        );
    }
}

/// One row: a crowd on the quotes of a market of its own; `stalled` more clients that never read.
fn ours(rate: u64, batch: u64, stalled: usize, span: Duration) {
    let (served, _tape) = Served::start(rate, span);
    let crowd = Crowd::gather(
        served.address,
        &served.key,
        CLIENTS,
        stalled,
        Wanted::Quotes { batch },
    );
    std::thread::sleep(WARM);
    let before = Process::of(served.engine.pid());
    let begun = Instant::now();
    crowd.count();
    std::thread::sleep(span);
    let heard = crowd.stop();
    let (spent, after) = (begun.elapsed().as_secs_f64(), Process::of(served.engine.pid()));
    let beside = if stalled > 0 {
        format!(", {stalled} more that never reads")
    } else {
        String::new()
    };
    println!(
        "{:<52}{:>11.0}{:>10.2}{:>8.1}%{:>9.1}{:>9.3}{:>9.3}{:>7}{:>7}",
        format!("tradewind, {rate} a second, {batch} ms{beside}"),
        heard.rows as f64 / spent,
        heard.bytes as f64 / spent / 1e6,
        (after.cpu_s - before.cpu_s) / spent * 100.0,
        after.resident_mib,
        heard.delay(50) * 1e3,
        heard.delay(99) * 1e3,
        heard.lost,
        heard.ended,
    );
}

/// What the engine and its market take that nobody listens to: no server without one has this in its row.
fn alone(rate: u64, span: Duration) {
    let (served, _tape) = Served::start(rate, span);
    std::thread::sleep(WARM);
    let before = Process::of(served.engine.pid());
    std::thread::sleep(span);
    let after = Process::of(served.engine.pid());
    println!(
        "{:<52}{:>11}{:>10}{:>8.1}%{:>9.1}",
        format!("tradewind, {rate} a second, nobody listens"),
        0,
        "-",
        (after.cpu_s - before.cpu_s) / span.as_secs_f64() * 100.0,
        after.resident_mib,
    );
}

/// Clients that only are there.
fn idle(span: Duration) {
    let (served, _tape) = Served::start(1_000, span);
    let empty = Process::of(served.engine.pid());
    let crowd = Crowd::gather(served.address, &served.key, 1_000, 0, Wanted::Nothing);
    std::thread::sleep(WARM);
    let before = Process::of(served.engine.pid());
    std::thread::sleep(span);
    let after = Process::of(served.engine.pid());
    let heard = crowd.stop();
    println!(
        "\n1,000 clients that say nothing: {:.1}% of a core, {:.1} MiB more, {} of them ended",
        (after.cpu_s - before.cpu_s) / span.as_secs_f64() * 100.0,
        after.resident_mib - empty.resident_mib,
        heard.ended,
    );
}

/// Reads of one small resource by 32 callers, and the same framework with nothing behind it.
fn reads(span: Duration) {
    let (served, _tape) = Served::start(1_000, span);
    let path = "/api/v1/accounts";
    served.calls(&format!("GET {path}"), Call::Get(path), 32, Duration::ZERO, span);
    others::reads(span);
}

/// Orders of one caller and of eight at once, each durable before it is answered; and twenty a second of one caller beside
/// 100 clients, without and with one more that never reads.
fn orders(span: Duration) {
    for callers in [1, 8] {
        let (served, _tape) = Served::start(100, span);
        served.calls(
            "POST /api/v1/orders",
            served.order(),
            callers,
            Duration::ZERO,
            span,
        );
    }
    for stalled in [0, 1] {
        let (served, _tape) = Served::start(1_000, span);
        let crowd = Crowd::gather(
            served.address,
            &served.key,
            CLIENTS,
            stalled,
            Wanted::Quotes { batch: 0 },
        );
        let beside = format!("20 orders a second beside {CLIENTS} clients and {stalled} that never reads");
        served.calls(&beside, served.order(), 1, Duration::from_millis(50), span);
        drop(crowd.stop());
    }
}
