//! How long an order takes through the engine: command in, controls, facts, fold, release, and the request encoded for the
//! broker. No disk and no socket. With an empty state, and with 200 live orders on
//! ten instruments in it; what of that is deciding and folding alone; and what a halt does until its first cancel may leave.
//! Beside a yardstick, the hash of one
//! kibibyte, so that figures from different machines can be compared.
//!
//! `cargo bench --bench engine [-- ORDERS]`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program that prints a table, and stops if it cannot"
)]

use sha2::Digest;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tradewind::domain::*;
use tradewind::engine::{
    BrokerEvent, Command, Engine, Input, Legs, Origin, Outcome, Release, Report, Request, SessionKind,
    Snapshot,
};
use tradewind::market::{Market, Quality, Quote};

fn broker() -> BrokerId {
    BrokerId::new("sim").expect("a broker")
}

fn account() -> AccountKey {
    AccountKey {
        broker: broker(),
        account: AccountId::new("SIM100001").expect("an account"),
    }
}

/// So many instruments share the live orders.
const INSTRUMENTS: u64 = 10;

fn instrument(number: u64) -> Instrument {
    let name = format!("SHARE{number}");
    Instrument {
        id: InstrumentId::new(&name).expect("an instrument"),
        name: SafeText::new(&name),
        kind: InstrumentKind::Equity,
        currency: Currency::USD,
        multiplier: Multiplier::ONE,
        ticks: TickTable::uniform(Price::from_raw(10_000_000)).expect("a tick"),
        lot: Quantity::ONE,
        calendar: CalendarId::UsEquity,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    }
}

fn cents(cents: i64) -> Price {
    Price::from_raw(cents * 10_000_000)
}

/// Enough that nothing is refused for it.
fn cash() -> BTreeMap<Currency, Money> {
    BTreeMap::from([(Currency::USD, Money::whole(1_000_000_000))])
}

/// An engine that is ready to trade, and the moment.
struct Desk {
    engine: Engine,
    market: Market,
    now: Timestamp,
    number: u64,
}

impl Desk {
    fn new() -> Self {
        let mut market = Market::new();
        let now = Timestamp::from_seconds(1_800_000_000);
        let level = |price| Some((cents(price), Quantity::ONE));
        for number in 0..INSTRUMENTS {
            market.list(instrument(number));
            market.on_quote(Quote {
                instrument: instrument(number).id,
                bid: level(18_950),
                ask: level(18_951),
                at: now,
                quality: Quality::Live,
            });
        }
        let mut desk = Self {
            engine: Engine::default(),
            market,
            now,
            number: 0,
        };
        let limits = Limits {
            max_live_orders: 10_000,
            max_total_orders: 0,
            max_position_value: Money::whole(1_000_000_000),
            ..Limits::default()
        };
        desk.step(&Input::Start {
            build: "bench".into(),
            limits: Box::new(limits),
        });
        desk.step(&command(Command::OpenSession));
        for number in 0..INSTRUMENTS {
            desk.hear(BrokerEvent::Instrument(Box::new(instrument(number))));
        }
        let own = Account {
            key: account(),
            class: AccountClass::Sim,
            base: Currency::USD,
            cash: Some(cash()),
        };
        desk.hear(BrokerEvent::Up {
            accounts: vec![own],
            next_number: None,
        });
        desk.hear(BrokerEvent::Snapshot(Box::new(Snapshot {
            pass: 1,
            account: account(),
            positions: Vec::new(),
            cash: cash(),
            orders: Vec::new(),
            executions: Vec::new(),
            complete_since: Timestamp::MIN,
        })));
        desk
    }

    fn step(&mut self, input: &Input) {
        black_box(self.engine.step(&self.market, input, self.now));
    }

    fn hear(&mut self, event: BrokerEvent) {
        self.step(&Input::Broker {
            broker: broker(),
            event,
        });
    }

    fn report(&mut self, report: Report) {
        self.hear(BrokerEvent::Report {
            account: account(),
            report,
        });
    }

    /// The next order, some ticks below the market.
    fn order(&mut self) -> (ClientOrderId, Input) {
        self.number += 1;
        self.now = self.now.after(Duration::from_secs(1));
        let id = ClientOrderId::new(&format!("TW{:026}", self.number)).expect("an id");
        let spec = OrderSpec {
            account: account(),
            instrument: instrument(self.number % INSTRUMENTS).id,
            side: Side::Buy,
            quantity: Quantity::ONE,
            kind: OrderKind::Limit { price: cents(18_940) },
            tif: TimeInForce::Day,
            display: None,
            allow_short: false,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        };
        (
            id,
            command(Command::Submit {
                id,
                spec,
                legs: Legs::default(),
                seen: None,
            }),
        )
    }

    fn accept(&mut self, id: ClientOrderId) {
        let broker_id = BrokerOrderId::new(&format!("SIM{}", self.number)).expect("a broker's id");
        self.report(Report::Accepted {
            id,
            broker_id,
            phase: Phase::Working,
        });
    }

    /// One order through the engine; the encoded request.
    fn place(&mut self, input: &Input, bytes: &mut Vec<u8>) {
        let batch = self.engine.step(&self.market, input, self.now);
        assert!(
            matches!(batch.outcome, Some(Outcome::Done { .. })),
            "{:?}",
            batch.outcome
        );
        for event in &batch.events {
            if let Release::Send(request) = self.engine.release(event) {
                bytes.clear();
                rmp_serde::encode::write_named(bytes, &request).expect("a request encodes");
            }
        }
        black_box(bytes.as_slice());
    }
}

fn command(command: Command) -> Input {
    Input::Command {
        origin: Origin {
            session: SessionId(1),
            // A terminal shows each order before it sends it, and says what it showed.
            kind: SessionKind::Shell,
        },
        command,
    }
}

/// Median and 99th percentile in nanoseconds.
fn figures(mut times: Vec<u64>) -> (u64, u64) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    (at(50), at(99))
}

fn nanos(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// So many orders, each ended again, so that `live` others stay.
fn orders(live: usize, rounds: usize) -> (u64, u64) {
    let mut desk = Desk::new();
    let mut bytes = Vec::with_capacity(1_024);
    for _ in 0..live {
        let (id, input) = desk.order();
        desk.place(&input, &mut bytes);
        desk.accept(id);
    }
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let (id, input) = desk.order();
        let begin = Instant::now();
        desk.place(&input, &mut bytes);
        times.push(nanos(begin));
        desk.accept(id);
        desk.report(Report::Cancelled {
            id,
            reason: "bench".into(),
        });
    }
    figures(times)
}

/// The same with the deadline asked after it, as the engine's process does.
fn deadline(live: usize, rounds: usize) -> (u64, u64) {
    let mut desk = Desk::new();
    let mut bytes = Vec::new();
    for _ in 0..live {
        let (id, input) = desk.order();
        desk.place(&input, &mut bytes);
        desk.accept(id);
    }
    let times = (0..rounds).map(|_| {
        let begin = Instant::now();
        black_box(desk.engine.next_deadline());
        nanos(begin)
    });
    figures(times.collect())
}

/// Deciding and folding of an order alone, without release and without encoding.
fn decided(live: usize, rounds: usize) -> (u64, u64) {
    let mut desk = with_live(live);
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let (id, input) = desk.order();
        let begin = Instant::now();
        black_box(desk.engine.step(&desk.market, &input, desk.now));
        times.push(nanos(begin));
        desk.accept(id);
        desk.report(Report::Cancelled {
            id,
            reason: "bench".into(),
        });
    }
    figures(times)
}

/// An engine with so many orders on the market.
fn with_live(live: usize) -> Desk {
    let mut desk = Desk::new();
    let mut bytes = Vec::new();
    for _ in 0..live {
        let (id, input) = desk.order();
        desk.place(&input, &mut bytes);
        desk.accept(id);
    }
    desk
}

/// From the command to halt to the first request that may leave; and how many requests left that were no cancel before it.
fn halted(live: usize, rounds: usize) -> ((u64, u64), usize) {
    let (mut times, mut before) = (Vec::with_capacity(rounds), 0);
    let desk = with_live(live);
    for _ in 0..rounds {
        let mut engine = desk.engine.clone();
        let halt = command(Command::SetTrading {
            account: account(),
            state: TradingState::Halted,
            reason: "bench".into(),
        });
        let begin = Instant::now();
        let batch = engine.step(&desk.market, &halt, desk.now);
        let mut requests = batch
            .events
            .iter()
            .filter_map(|event| match engine.release(event) {
                Release::Send(request) => Some(request),
                _ => None,
            });
        let first = requests.next().expect("a request");
        times.push(nanos(begin));
        let is_cancel = |request: &Request| matches!(request, Request::Cancel { .. });
        before += std::iter::once(first)
            .chain(requests)
            .take_while(|request| !is_cancel(request))
            .count();
    }
    (figures(times), before)
}

fn yardstick(rounds: usize) -> (u64, u64) {
    let block = [7u8; 1_024];
    let times = (0..rounds).map(|_| {
        let begin = Instant::now();
        black_box(sha2::Sha256::digest(black_box(block)));
        nanos(begin)
    });
    figures(times.collect())
}

fn main() {
    let rounds = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(20_000);
    let yard = yardstick(rounds);
    println!("{:<44} {:>10} {:>10} {:>12}", "", "median", "p99", "of yardstick");
    let show = |name: &str, (median, p99): (u64, u64)| {
        let ratio = median as f64 / yard.0.max(1) as f64;
        println!(
            "{name:<44} {:>7.2} us {:>7.2} us {ratio:>12.2}",
            median as f64 / 1e3,
            p99 as f64 / 1e3
        );
    };
    show("yardstick: SHA-256 of 1 KiB", yard);
    show("command to encoded request, 0 live orders", orders(0, rounds));
    show("command to encoded request, 200 live orders", orders(200, rounds));
    show("of it deciding and folding, 0 live orders", decided(0, rounds));
    show(
        "of it deciding and folding, 200 live orders",
        decided(200, rounds),
    );
    let (until_first, before) = halted(200, rounds.min(1_000));
    show("halt to its first cancel, 200 live orders", until_first);
    println!("requests between a halt and its first cancel: {before}");
    show("next deadline, 0 live orders", deadline(0, rounds));
    show("next deadline, 200 live orders", deadline(200, rounds));
}
