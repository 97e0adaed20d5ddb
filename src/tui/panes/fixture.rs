//! A made-up desk for tests of screens: eight instruments with a day and a half of prints, books, positions long and
//! short, orders in every phase, executions, notices. Always the same; times stand still at 09:58:14 in New York.

use crate::domain::{
    Account, AccountClass, AccountId, AccountKey, BrokerId, CalendarId, ClientOrderId, Currency, Execution,
    ExecutionBase, ExecutionId, Fee, Instrument, InstrumentId, InstrumentKind, LinkState, Money, Multiplier,
    Order, OrderKind, OrderSpec, Pending, Phase, Position, Price, Quantity, Role, SafeText, Side, TickTable,
    TimeInForce, Timestamp, TradingState,
};
use crate::engine::State;
use crate::engine::pause::Pause;
use crate::engine::port::{Budget, Farm, FarmKind, FarmState, Health, Sent};
use crate::engine::state::{AccountState, Ledger, Link, Notice, NoticeLevel};
use crate::market::{Bar, Depth, Level, Market, Print, Quality, Quote, Timeframe};
use crate::tui::pane::View;
use crate::tui::theme::Theme;
use crate::tui::times::Times;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

static NO_TEMPLATES: crate::engine::sentence::Templates = BTreeMap::new();

/// Everything a [`View`] borrows.
#[derive(Debug)]
pub struct Desk {
    /// The state.
    pub state: State,
    /// The market.
    pub market: Market,
    /// The colours.
    pub theme: Theme,
    /// The engine's and the venue's time.
    pub now: Timestamp,
    /// The account.
    pub account: Option<AccountKey>,
    /// The instrument on the desk.
    pub instrument: Option<InstrumentId>,
    /// Whether the link stands.
    pub attached: bool,
    /// How the connection to the broker is.
    pub health: Option<Health>,
    /// How long the terminal's own parts took.
    pub times: Times,
    /// Whether something is open over the panes.
    pub holding: bool,
}

/// Symbol, kind, price, tick, multiplier, calendar.
const LISTED: [(&str, InstrumentKind, &str, &str, i64, CalendarId); 8] = [
    (
        "AAPL",
        InstrumentKind::Equity,
        "189.00",
        "0.01",
        1,
        CalendarId::UsEquity,
    ),
    (
        "BTC.USD",
        InstrumentKind::Crypto,
        "96100",
        "1",
        1,
        CalendarId::Always,
    ),
    (
        "ESZ6",
        InstrumentKind::Future,
        "5012.25",
        "0.25",
        50,
        CalendarId::CmeGlobex,
    ),
    (
        "EUR.USD",
        InstrumentKind::Forex,
        "1.08410",
        "0.00001",
        1,
        CalendarId::Forex,
    ),
    (
        "MSFT",
        InstrumentKind::Equity,
        "402.60",
        "0.01",
        1,
        CalendarId::UsEquity,
    ),
    (
        "NVDA",
        InstrumentKind::Equity,
        "130.10",
        "0.01",
        1,
        CalendarId::UsEquity,
    ),
    (
        "SAP",
        InstrumentKind::Equity,
        "201.30",
        "0.02",
        1,
        CalendarId::Xetra,
    ),
    (
        "SPY",
        InstrumentKind::Equity,
        "512.10",
        "0.01",
        1,
        CalendarId::UsEquity,
    ),
];

/// Numbers that look like chance and are always the same.
struct Dice(u64);
impl Dice {
    /// From `-reach` to `reach`, the middle more often.
    fn throw(&mut self, reach: i64) -> i64 {
        let mut sum = 0;
        for _ in 0..2 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sum += i64::try_from(self.0 >> 40).unwrap() % (reach + 1);
        }
        sum - reach
    }
}

/// A price.
pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}
/// A whole quantity.
pub fn units(count: i64) -> Quantity {
    Quantity::whole(count).unwrap()
}
/// An instrument's id.
pub fn id(text: &str) -> InstrumentId {
    InstrumentId::new(text).unwrap()
}
/// The simulated account.
pub fn account() -> AccountKey {
    AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new("SIM100001").unwrap(),
    }
}
/// When it is.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-20T14:58:14Z").unwrap()
}

impl Desk {
    /// A desk with nothing on it: not yet told anything.
    pub fn empty() -> Self {
        Self {
            state: State::default(),
            market: Market::replica(),
            theme: Theme::builtin(),
            now: now(),
            account: None,
            instrument: None,
            attached: true,
            health: None,
            times: Times::default(),
            holding: false,
        }
    }
    /// A desk in the middle of a morning.
    pub fn rich() -> Self {
        let mut desk = Self::empty();
        desk.market = Market::new();
        desk.account = Some(account());
        desk.instrument = Some(id("AAPL"));
        for (seed, listed) in (1u64..).zip(LISTED) {
            let instrument = instrument(listed);
            desk.state.instruments.insert(instrument.id, instrument.clone());
            desk.market.list(instrument.clone());
            trade(&mut desk.market, &instrument, price(listed.2), seed);
        }
        desk.open_account();
        desk.hold();
        desk.place();
        desk.tell();
        desk.state.reindex();
        desk
    }
    /// What panes see of it.
    pub fn view(&self) -> View<'_> {
        View {
            state: &self.state,
            market: &self.market,
            now: self.now,
            venue_now: self.now,
            account: self.account,
            instrument: self.instrument,
            theme: &self.theme,
            attached: self.attached,
            masked: false,
            zone: None,
            holding: self.holding,
            health: self
                .health
                .as_ref()
                .map(|health| (health, self.now.before(Duration::from_secs(2)))),
            round_trip: Some(Duration::from_micros(212)),
            times: &self.times,
            templates: &NO_TEMPLATES,
        }
    }

    /// How a broker's connection looks in the middle of a morning.
    pub fn connect(&mut self) {
        let budget = |name: &str, used, of, wanted| Budget {
            name: SafeText::new(name),
            used,
            of,
            wanted,
        };
        let figure = |name: &str, currency: &str, whole| {
            let amount = Money::whole(whole);
            (SafeText::new(name), SafeText::new(currency), amount)
        };
        let figures = vec![
            figure("AvailableFunds", "USD", 640_000),
            figure("BuyingPower", "USD", 2_560_000),
            figure("InitMarginReq", "USD", 41_000),
            figure("LookAheadInitMarginReq", "USD", 62_000),
            figure("NetLiquidation", "USD", 998_765),
            figure("RealizedPnL", "USD", 170),
            figure("ExchangeRate", "EUR", 1),
        ];
        let farm = |name: &str, state, seconds| Farm {
            name: SafeText::new(name),
            kind: FarmKind::Prices,
            state,
            since: now().before(Duration::from_secs(seconds)),
        };
        for millis in 1..=20 {
            self.times.key.add(Duration::from_micros(millis * 10));
            self.times.screen.add(Duration::from_millis(millis));
        }
        self.health = Some(Health {
            broker: account().broker,
            peer: SafeText::new("127.0.0.1:7497 client 7 version 213"),
            round_trip_us: Some(1_240),
            reconnects: 1,
            budgets: vec![
                budget("messages/s", 3, 40, 3),
                budget("lines", 98, 100, 102),
                budget("books", 1, 3, 1),
                budget("history/10min", 6, 55, 6),
            ],
            sent: Some(Sent {
                p50_us: 1_900,
                p99_us: 6_400,
                of: 5,
            }),
            farms: vec![
                farm("usfarm", FarmState::Down, 12),
                farm("usfuture", FarmState::Up, 9_000),
                farm("cashfarm", FarmState::Idle, 9_000),
            ],
            planned: vec![Pause {
                what: SafeText::new("restart of TWS at 23:45 New York"),
                at: now().after(Duration::from_secs(49_606)),
                until: now().after(Duration::from_secs(49_906)),
            }],
            figures: BTreeMap::from([(account(), figures)]),
        });
    }

    fn open_account(&mut self) {
        let cash = BTreeMap::from([
            (Currency::USD, Money::whole(985_204)),
            (Currency::EUR, Money::whole(12_000)),
        ]);
        self.state.accounts.insert(
            account(),
            AccountState {
                account: Account {
                    key: account(),
                    class: AccountClass::Sim,
                    base: Currency::USD,
                    cash: Some(cash),
                },
                trading: TradingState::Active,
                trading_reason: None,
                opened: true,
                reading: None,
                read_at: Some(self.now),
                passes: 3,
                mismatches: BTreeMap::new(),
                gap: None,
                overfilled: BTreeSet::new(),
                recent: [].into(),
            },
        );
        let link = Link {
            state: LinkState::Ready,
            reason: None,
            since: self.now.before(Duration::from_secs(4_000)),
            impaired: None,
            lost_since: None,
        };
        self.state.links.insert(account().broker, link);
    }
    fn hold(&mut self) {
        self.execute("AAPL", Side::Buy, 100, "190.31", 1_500, Some(true));
        self.execute("NVDA", Side::Sell, 50, "130.1234", 900, Some(false));
        self.execute("ESZ6", Side::Buy, 3, "5010.75", 700, None);
        self.execute("ESZ6", Side::Sell, 1, "5014.25", 300, Some(true));
        self.execute("SAP", Side::Buy, 40, "201.10", 200, Some(false));
    }
    /// Books an execution without moving cash.
    pub fn execute(&mut self, symbol: &str, side: Side, count: i64, at: &str, ago: u64, maker: Option<bool>) {
        let instrument = &self.state.instruments[&id(symbol)];
        let ledger = self
            .state
            .ledgers
            .entry((account(), id(symbol)))
            .or_insert_with(|| Ledger {
                multiplier: instrument.multiplier,
                opening: Position::default(),
                executions: Vec::new(),
                changes: Vec::new(),
                position: Position::default(),
                opened_at: Some(now()),
                merged_until: None,
            });
        ledger
            .position
            .execute(side, units(count), price(at), ledger.multiplier);
        let number = ledger.executions.len() + 1;
        ledger.executions.push(Execution {
            id: ExecutionId {
                base: ExecutionBase::new(&format!("X-{symbol}-{number}")).unwrap(),
                revision: 1,
            },
            account: account(),
            order: ClientOrderId::new(&format!("TW-{symbol}-{number}")).ok(),
            broker_order: None,
            instrument: id(symbol),
            side,
            quantity: units(count),
            price: price(at),
            at: self.now.before(Duration::from_secs(ago)),
            fee: maker.map(|_| Fee {
                amount: Money::whole(1),
                currency: instrument.currency,
            }),
            maker,
        });
    }
    fn place(&mut self) {
        use OrderKind::{Limit, Market, Stop};
        let limit = |text| Limit { price: price(text) };
        let stop = |text| Stop { trigger: price(text) };
        self.order(
            "A1",
            "AAPL",
            (Side::Buy, 50, limit("190.38")),
            Phase::Working,
            134,
        );
        self.order("A2", "AAPL", (Side::Sell, 100, stop("190.20")), Phase::Held, 760);
        self.order(
            "A3",
            "ESZ6",
            (Side::Sell, 2, limit("5018.25")),
            Phase::Working,
            242,
        );
        self.order(
            "A4",
            "MSFT",
            (Side::Buy, 10, limit("401.00")),
            Phase::Uncertain,
            12,
        );
        self.order("A5", "NVDA", (Side::Sell, 50, Market), Phase::Filled, 1_867);
        self.order(
            "A6",
            "SPY",
            (Side::Buy, 5_000, limit("512.00")),
            Phase::Denied,
            2_400,
        );
        let orders = &mut self.state.orders;
        let mut change = |name: &str, work: fn(&mut Order)| {
            work(orders.get_mut(&ClientOrderId::new(name).unwrap()).unwrap());
        };
        change("A1", |order| {
            order.filled = units(20);
            order.filled_value = price("190.36").notional(units(20), Multiplier::ONE).unwrap();
        });
        change("A3", |order| {
            order.oco = ClientOrderId::new("G1").ok();
            order.pending = Some(Pending::Cancel);
        });
        change("A4", |order| {
            order.acked_at = None;
            order.reason = Some("no answer for 5 s; the broker is being asked".into());
        });
        change("A5", |order| {
            order.filled = units(50);
            order.filled_value = price("130.10").notional(units(50), Multiplier::ONE).unwrap();
        });
        change("A6", |order| {
            order.reason = Some("MAX_VALUE: 2.56 M over 250 k".into());
        });
    }
    fn order(&mut self, name: &str, symbol: &str, asked: (Side, i64, OrderKind), phase: Phase, ago: u64) {
        let (side, count, kind) = asked;
        let spec = OrderSpec {
            account: account(),
            instrument: id(symbol),
            side,
            quantity: units(count),
            kind,
            tif: TimeInForce::Day,
            display: None,
            allow_short: false,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        };
        let created_at = self.now.before(Duration::from_secs(ago));
        let order = Order {
            id: ClientOrderId::new(name).unwrap(),
            asked: spec.clone(),
            spec,
            phase,
            filled: Quantity::ZERO,
            filled_value: Money::ZERO,
            broker_id: None,
            pending: None,
            pending_since: None,
            oco: None,
            reason: None,
            external: false,
            created_at,
            sent_at: Some(created_at.after(Duration::from_micros(120))),
            acked_at: Some(created_at.after(Duration::from_micros(940))),
            ended_at: (!phase.is_live()).then(|| created_at.after(Duration::from_secs(1))),
            missing: None,
            foreign: false,
            number: None,
            arrival: None,
        };
        if phase.is_live() {
            let key = (account(), order.spec.instrument, order.id);
            self.state.live.insert(key);
        }
        self.state.orders.insert(order.id, order);
    }
    fn tell(&mut self) {
        let said = [
            (NoticeLevel::Info, 3_600, "link to sim: ready"),
            (NoticeLevel::Fill, 1_500, "filled BUY 100 AAPL @ 190.31"),
            (
                NoticeLevel::Warning,
                60,
                "denied BUY 5,000 SPY: 2.56 M over 250 k",
            ),
        ];
        for (sequence, (level, ago, text)) in (1u64..).zip(said) {
            self.state.notices.push_back(Notice {
                sequence,
                at: self.now.before(Duration::from_secs(ago)),
                level,
                text: SafeText::new(text),
            });
        }
    }
}

fn instrument(listed: (&str, InstrumentKind, &str, &str, i64, CalendarId)) -> Instrument {
    let (symbol, kind, _, tick, multiplier, calendar) = listed;
    Instrument {
        id: id(symbol),
        name: SafeText::new(symbol),
        kind,
        currency: if symbol == "SAP" {
            Currency::EUR
        } else {
            Currency::USD
        },
        multiplier: Multiplier::whole(multiplier).unwrap(),
        ticks: TickTable::uniform(price(tick)).unwrap(),
        lot: Quantity::ONE,
        calendar,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    }
}

/// A year of daily bars of everything that is listed, up to yesterday: half of each move is everybody's, half its own.
pub fn days(market: &mut Market) {
    for (seed, listed) in (1u64..).zip(LISTED) {
        let instrument = instrument(listed);
        let (mut common, mut own) = (Dice(77), Dice(seed * 977 + 5));
        // Backwards from the price that it is listed at, so that the present joins without a jump.
        let (mut raw, mut bars) = (price(listed.2).raw(), Vec::<Bar>::new());
        for ago in 1..=400u64 {
            let moved = common.throw(90) + own.throw(90);
            let at = now().before(Duration::from_secs(ago * 86_400));
            let day = Timeframe::Day.interval(instrument.calendar, at);
            let older = |start| bars.last().is_none_or(|bar| bar.start > start);
            let Some(day) = day.filter(|day| day.end <= now() && older(day.start)) else {
                continue;
            };
            let close = Price::from_raw(raw);
            raw -= raw / 10_000 * moved;
            bars.push(Bar {
                start: day.start,
                open: close,
                high: close,
                low: close,
                close,
                volume: i128::MAX / 8,
                value: 0,
                count: 1,
                revision: 0,
            });
        }
        bars.reverse();
        market.set_bars(instrument.id, Timeframe::Day, bars);
    }
}

/// Prints from yesterday noon on, with a night between, then a quote and a book around the last price.
fn trade(market: &mut Market, instrument: &Instrument, from: Price, seed: u64) {
    let tick = instrument.ticks.finest().raw();
    let reach = (from.raw() / tick / 4_000).max(1);
    let (mut dice, mut raw, mut bars) = (Dice(seed * 977), from.raw(), Vec::new());
    let start = now().before(Duration::from_secs(22 * 3_600));
    for number in 0..5_280u64 {
        let at = start.after(Duration::from_secs(number * 15)).0 + 1_000_000;
        raw += dice.throw(reach) * tick;
        if (960..3_000).contains(&number) {
            continue;
        }
        let print = Print {
            instrument: instrument.id,
            number,
            at: Timestamp(at),
            price: Price::from_raw(raw),
            size: units(dice.throw(200).abs() + 1),
            aggressor: Some(if dice.throw(1) < 0 { Side::Sell } else { Side::Buy }),
        };
        market.on_print(print, &mut bars);
    }
    market.set_previous_close(instrument.id, from, now());
    let level = |steps: i64, dice: &mut Dice| Level {
        price: Price::from_raw(raw + steps * tick),
        size: units(dice.throw(900).abs() + 20),
        orders: 3,
    };
    let bids: Vec<Level> = (0..10).map(|n| level(-n, &mut dice)).collect();
    let asks: Vec<Level> = (1..11).map(|n| level(n, &mut dice)).collect();
    market.on_quote(Quote {
        instrument: instrument.id,
        bid: Some((bids[0].price, bids[0].size)),
        ask: Some((asks[0].price, asks[0].size)),
        at: now(),
        quality: Quality::Live,
    });
    market.on_depth(Depth {
        instrument: instrument.id,
        at: now(),
        bids,
        asks,
    });
}
