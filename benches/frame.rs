//! How long one frame of the desk takes and how many bytes it sends: a desk in the middle of a morning, 20 instruments with
//! 1,000 quotes and 200 prints a second, 30 frames a second, everything seeded and on a clock of its own, so that nothing
//! but the frame is measured. The yardstick writes the very same buffers through ratatui's `Terminal` and
//! `CrosstermBackend` into a `Vec`.
//!
//! `cargo bench --bench frame [-- FRAMES]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "a program that prints a table, and stops if it cannot"
)]

use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tradewind::config::template;
use tradewind::domain::{
    Account, AccountClass, AccountId, AccountKey, BrokerId, CalendarId, ClientOrderId, Currency, Instrument,
    InstrumentId, InstrumentKind, LinkState, Money, Multiplier, Order, OrderKind, OrderSpec, Phase, Position,
    Price, Quantity, Role, SafeText, SessionId, Side, TickTable, TimeInForce, Timestamp, TradingState,
};
use tradewind::engine::State;
use tradewind::engine::state::{AccountState, Ledger, Link, Notice, NoticeLevel};
use tradewind::market::{Bar, Depth, Level, Print, Quality, Quote, Timeframe};
use tradewind::tui::chord::Chord;
use tradewind::tui::desk::Desk;
use tradewind::tui::input::Input;
use tradewind::tui::screen::Screen;
use tradewind::tui::{ColourDepth, FromEngine, TuiSettings, view};

/// The size that is measured.
const SIZE: (u16, u16) = (200, 50);
/// Frames a second.
const FPS: u64 = 30;
const INSTRUMENTS: usize = 20;
/// Quotes and prints a second, over all instruments.
const QUOTES: u64 = 1_000;
const PRINTS: u64 = 200;
/// Bars of each timeframe that a desk asks for.
const BARS: i64 = 600;
/// A cent.
const TICK: i64 = 10_000_000;

fn main() {
    let given = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let frames: usize = given.unwrap_or(3_000);
    let mut morning = Morning::new();
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut screen = Screen::new(ColourDepth::True);
    let theme = &morning.desk.world.theme;
    screen.set_plain_grounds(vec![theme.background, theme.panel]);
    let sink = Sink::default();
    let options = TerminalOptions {
        viewport: Viewport::Fixed(area),
    };
    let mut plain = Terminal::with_options(CrosstermBackend::new(sink.clone()), options).unwrap();
    let mut buffer = Buffer::empty(area);
    let (mut applied, mut drawn, mut encoded, mut whole, mut yardstick) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut ours, mut theirs, mut out) = (0, 0, Vec::new());
    for frame in 0..=frames {
        let messages = morning.next_messages();
        out.clear();
        let begun = Instant::now();
        for message in messages {
            morning.desk.on_engine(message, morning.now);
        }
        let told = begun.elapsed();
        let landed = view::draw(&morning.desk, morning.now, &mut buffer);
        let painted = begun.elapsed();
        screen.frame(&buffer, landed.cursor, &mut out);
        let all = begun.elapsed();
        plain.current_buffer_mut().clone_from(&buffer);
        let begun = Instant::now();
        plain.flush().unwrap();
        plain.swap_buffers();
        plain.backend_mut().flush().unwrap();
        let passed = begun.elapsed();
        let bytes = sink.take();
        if frame == 0 {
            // The first frame is the whole screen for both; it is not one of a running desk.
            continue;
        }
        applied.push(told);
        drawn.push(painted - told);
        encoded.push(all - painted);
        whole.push(all);
        yardstick.push(passed);
        ours += out.len();
        theirs += bytes;
    }
    println!(
        "{frames} frames of {}x{}: {INSTRUMENTS} instruments, {QUOTES} quotes and {PRINTS} prints a second, {FPS} frames a second\n",
        SIZE.0, SIZE.1
    );
    println!("{:<46} {:>9} {:>9} {:>9}", "µs a frame", "p50", "p90", "p99");
    row("messages applied", &mut applied);
    row("panes drawn into a buffer", &mut drawn);
    row("compared and encoded", &mut encoded);
    row("the whole frame", &mut whole);
    row("yardstick: ratatui compares and encodes it", &mut yardstick);
    let rate = |bytes: usize| bytes as f64 / frames as f64 * FPS as f64 / 1_000.0;
    println!(
        "\nbytes: {:.1} kB a second; yardstick {:.1} kB a second; ours are {:.2} of it",
        rate(ours),
        rate(theirs),
        ours as f64 / theirs as f64
    );
    println!("aims: a frame within 1,000 µs, at most 80 kB a second");
    crowded(100_000, frames.min(600));
}

/// The same desk with so many more instruments listed, its list ordered by change: a frame must not notice.
fn crowded(more: usize, frames: usize) {
    let mut morning = Morning::new();
    let mut state = morning.desk.world.state.clone();
    let model = state.instruments[&morning.ids[0]].clone();
    for n in 0..more {
        let mut instrument = model.clone();
        instrument.id = InstrumentId::new(&format!("X{n:06}")).unwrap();
        state.instruments.insert(instrument.id, instrument);
    }
    let now = morning.now;
    morning
        .desk
        .on_engine(FromEngine::Snapshot(Box::new(state), now), now);
    let order = Input::Key(Chord::char('='));
    morning.desk.on_input(&order, &view::Drawn::default(), now);
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    let (mut first, mut times) = (Vec::new(), Vec::new());
    for frame in 0..=frames {
        let messages = morning.next_messages();
        let begun = Instant::now();
        for message in messages {
            morning.desk.on_engine(message, morning.now);
        }
        view::draw(&morning.desk, morning.now, &mut buffer);
        // The first one makes the order of all of them, once.
        if frame == 0 { &mut first } else { &mut times }.push(begun.elapsed());
    }
    println!("\nwith {more} more instruments listed, ordered by change, {frames} frames");
    row("the first frame, which orders them all", &mut first);
    row("messages applied and panes drawn", &mut times);
}

fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_nanos() as f64 / 1e3;
    println!("{what:<46} {:>9.1} {:>9.1} {:>9.1}", at(50), at(90), at(99));
}

/// Where the yardstick writes to.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    /// Forgets what was written and answers how much that was.
    fn take(&self) -> usize {
        let mut bytes = self.0.borrow_mut();
        let length = bytes.len();
        bytes.clear();
        length
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A desk, and the market that moves it.
struct Morning {
    desk: Desk,
    now: Timestamp,
    frame: u64,
    dice: u64,
    ids: Vec<InstrumentId>,
    lasts: Vec<i64>,
    bars: Vec<Bar>,
    prints: u64,
}

impl Morning {
    fn new() -> Self {
        let now = Timestamp::parse("2026-11-20T14:58:14Z").unwrap();
        let ids: Vec<InstrumentId> = (0..INSTRUMENTS)
            .map(|n| InstrumentId::new(&format!("SYM{n:02}")).unwrap())
            .collect();
        let lasts: Vec<i64> = (0..)
            .zip(&ids)
            .map(|(n, _)| (20_000 + n * 1_500) * TICK)
            .collect();
        let mut desk = Desk::new(&settings(), Box::new(|| ClientOrderId::LOWEST), now);
        desk.body = view::body_of(Rect::new(0, 0, SIZE.0, SIZE.1));
        desk.on_engine(
            FromEngine::Attached {
                session: SessionId(7),
                build: "0.1.0".into(),
                engine_older: None,
                id_prefix: "TW".into(),
                venue_offset_ns: 0,
                venue_speed_milli: 1_000,
            },
            now,
        );
        let snapshot = Box::new(state(&ids, &lasts, now));
        desk.on_engine(FromEngine::Snapshot(snapshot, now), now);
        let mut morning = Self {
            desk,
            now,
            frame: 0,
            dice: 0x2545_f491_4f6c_dd1d,
            ids,
            lasts,
            bars: Vec::new(),
            prints: 0,
        };
        morning.tell_history();
        morning
    }
    /// A number that looks like chance, below `end`.
    fn throw(&mut self, end: u64) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % end).unwrap()
    }
    /// A step of the price: down, none, or up.
    fn step(&mut self) -> i64 {
        (i64::try_from(self.throw(3)).unwrap() - 1) * TICK
    }
    fn tell_history(&mut self) {
        for at in 0..self.ids.len() {
            for timeframe in Timeframe::BASE {
                let mut bars = Vec::new();
                for back in (0..BARS).rev() {
                    let open = self.lasts[at];
                    let (a, b) = (self.step(), self.step());
                    self.lasts[at] = open + a + b;
                    bars.push(self.bar(at, open, back));
                }
                if timeframe == Timeframe::M1 {
                    self.bars.extend(bars.last().copied());
                }
                self.desk
                    .on_engine(FromEngine::Bars(self.ids[at], timeframe, bars), self.now);
            }
        }
    }
    fn bar(&mut self, at: usize, open: i64, back: i64) -> Bar {
        let close = self.lasts[at];
        let minute = self.now.seconds().div_euclid(60) * 60 - back * 60;
        let volume = i128::try_from(self.throw(900)).unwrap() * i128::from(Quantity::ONE.raw());
        Bar {
            start: Timestamp(minute * 1_000_000_000),
            open: Price::from_raw(open),
            high: Price::from_raw(open.max(close) + TICK),
            low: Price::from_raw(open.min(close) - TICK),
            close: Price::from_raw(close),
            volume,
            value: 0,
            count: 1,
            revision: 1,
        }
    }
    /// What the engine tells between two frames.
    fn next_messages(&mut self) -> Vec<FromEngine> {
        self.frame += 1;
        self.now = self.now.after(Duration::from_nanos(1_000_000_000 / FPS));
        let due = |a_second: u64, frame: u64| a_second * frame / FPS - a_second * (frame - 1) / FPS;
        let quotes = (0..due(QUOTES, self.frame)).map(|_| self.quote()).collect();
        let (mut prints, mut bars) = (Vec::new(), Vec::new());
        for _ in 0..due(PRINTS, self.frame) {
            let (print, at) = self.print();
            let bar = &mut self.bars[at];
            bar.close = print.price;
            bar.high = bar.high.max(print.price);
            bar.low = bar.low.min(print.price);
            bar.volume += i128::from(print.size.raw());
            bar.revision += 1;
            bars.push((print.instrument, Timeframe::M1, *bar));
            prints.push(print);
        }
        vec![
            FromEngine::Quotes(quotes),
            FromEngine::Prints(prints),
            FromEngine::BarUpdates(bars),
            FromEngine::Depths(vec![self.depth()]),
        ]
    }
    fn quote(&mut self) -> Quote {
        let at = self.throw(INSTRUMENTS as u64);
        let step = self.step();
        self.lasts[at] += step;
        let size = |morning: &mut Self| Quantity::whole(morning.throw(900) as i64 + 1).unwrap();
        let (bid, ask) = (size(self), size(self));
        Quote {
            instrument: self.ids[at],
            bid: Some((Price::from_raw(self.lasts[at] - TICK), bid)),
            ask: Some((Price::from_raw(self.lasts[at]), ask)),
            at: self.now,
            quality: Quality::Live,
        }
    }
    fn print(&mut self) -> (Print, usize) {
        let at = self.throw(INSTRUMENTS as u64);
        self.prints += 1;
        let size = self.throw(300) as i64 + 1;
        let print = Print {
            instrument: self.ids[at],
            number: self.prints,
            at: self.now,
            price: Price::from_raw(self.lasts[at]),
            size: Quantity::whole(size).unwrap(),
            aggressor: Some(if size % 2 == 0 { Side::Buy } else { Side::Sell }),
        };
        (print, at)
    }
    /// Ten levels a side of the instrument on the desk, of which a few change.
    fn depth(&mut self) -> Depth {
        let near = self.lasts[0];
        let changed = self.throw(10) as i64;
        let level = |steps: i64, frame: u64| {
            let age = if steps.abs() == changed { frame } else { 0 };
            Level {
                price: Price::from_raw(near + steps * TICK),
                size: Quantity::whole(
                    100 + (steps * 37 + near / TICK * 11).rem_euclid(800) + (age % 50) as i64,
                )
                .unwrap(),
                orders: 3,
            }
        };
        Depth {
            instrument: self.ids[0],
            at: self.now,
            bids: (1..11).map(|n| level(-n, self.frame)).collect(),
            asks: (0..10).map(|n| level(n, self.frame)).collect(),
        }
    }
}

fn settings() -> TuiSettings {
    TuiSettings {
        themes: template::THEMES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        theme: "default".into(),
        profile: "default".into(),
        mouse: false,
        fps: 30,
        line: tradewind::tui::LineSpeed::Auto,
        opening: tradewind::tui::Opening::default(),
        colour: Some(ColourDepth::True),
        first_quantities: tradewind::tui::ticket::FirstQuantities {
            equity: Quantity::from_raw(10_000_000_000),
            future: Quantity::ONE,
            forex: Quantity::from_raw(1_000_000_000_000),
            crypto: Quantity::from_raw(10_000_000),
            option: Quantity::ONE,
        },
        arm_idle: Duration::ZERO,
        watch: Default::default(),
        large_print: None,
        default_account: None,
        alarm: tradewind::tui::alerts::AlarmSettings::default(),
        templates: Default::default(),
        log: std::sync::Arc::default(),
    }
}

/// A state with every instrument, five positions, ten orders and some notices.
fn state(ids: &[InstrumentId], lasts: &[i64], now: Timestamp) -> State {
    let mut state = State::default();
    let key = AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new("SIM100001").unwrap(),
    };
    for id in ids {
        let instrument = Instrument {
            id: *id,
            name: id.as_str().into(),
            kind: InstrumentKind::Equity,
            currency: Currency::USD,
            multiplier: Multiplier::ONE,
            ticks: TickTable::uniform(Price::from_raw(TICK)).unwrap(),
            lot: Quantity::ONE,
            calendar: CalendarId::UsEquity,
            root: None,
            expires: None,
            broker_ids: BTreeMap::new(),
            option: None,
            sector: None,
            listed_on: None,
        };
        state.instruments.insert(*id, instrument);
    }
    let account = AccountState {
        account: Account {
            key,
            class: AccountClass::Sim,
            base: Currency::USD,
            cash: Some(BTreeMap::from([(Currency::USD, Money::whole(1_000_000))])),
        },
        trading: TradingState::Active,
        trading_reason: None,
        opened: true,
        reading: None,
        read_at: Some(now),
        passes: 1,
        mismatches: BTreeMap::new(),
        gap: None,
        overfilled: BTreeSet::new(),
        recent: [].into(),
    };
    state.accounts.insert(key, account);
    let link = Link {
        state: LinkState::Ready,
        reason: None,
        since: now,
        impaired: None,
        lost_since: None,
    };
    state.links.insert(key.broker, link);
    for (id, last) in ids.iter().zip(lasts).take(5) {
        let mut position = Position::default();
        let quantity = Quantity::whole(100).unwrap();
        position.execute(Side::Buy, quantity, Price::from_raw(*last), Multiplier::ONE);
        let ledger = Ledger {
            multiplier: Multiplier::ONE,
            opening: position,
            executions: Vec::new(),
            position,
            opened_at: Some(now),
            merged_until: None,
            changes: Vec::new(),
        };
        state.ledgers.insert((key, *id), ledger);
    }
    for (n, (id, last)) in ids.iter().zip(lasts).take(10).enumerate() {
        place(&mut state, (key, *id), Price::from_raw(last - 5 * TICK), n, now);
    }
    state.reindex();
    for sequence in 1..20 {
        state.notices.push_back(Notice {
            sequence,
            at: now,
            level: NoticeLevel::Fill,
            text: SafeText::new(&format!("filled BUY {sequence} SYM00 @ 200.10")),
        });
    }
    state
}

fn place(
    state: &mut State,
    (account, instrument): (AccountKey, InstrumentId),
    price: Price,
    n: usize,
    now: Timestamp,
) {
    let spec = OrderSpec {
        account,
        instrument,
        side: Side::Buy,
        quantity: Quantity::whole(100).unwrap(),
        kind: OrderKind::Limit { price },
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    };
    let id = ClientOrderId::new(&format!("TW{n:026}")).unwrap();
    state.live.insert((account, instrument, id));
    state.orders.insert(
        id,
        Order {
            id,
            asked: spec.clone(),
            spec,
            phase: Phase::Working,
            filled: Quantity::ZERO,
            filled_value: Money::ZERO,
            broker_id: None,
            pending: None,
            pending_since: None,
            oco: None,
            reason: None,
            external: false,
            arrival: None,
            created_at: now,
            sent_at: Some(now),
            acked_at: Some(now),
            ended_at: None,
            missing: None,
            after: None,
            foreign: false,
            number: None,
        },
    );
}
