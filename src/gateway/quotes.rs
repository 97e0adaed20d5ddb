//! Market data as it comes: ticks of the best prices and trades, books, tick by tick, bars of five seconds. Who wants what
//! stands in the sessions; here is what they are told, at once and with every change.

use super::contracts::Listed;
use super::convert;
use super::core::Gateway;
use super::session::{ConnectionId, MOST_LINES};
use super::tws::message::Outgoing;
use super::tws::proto::{self, Tick};
use crate::domain::{InstrumentId, Price, Quantity};
use crate::market::{Bar, Depth, Level, Print, Quote, QuoteOutcome, Timeframe};

/// Levels told where a client does not say how many, and at most.
const ROWS: usize = 10;
/// What is said of a line that another session took.
pub(super) const COMPETING: &str = "No market data during competing live session";

/// A subscription to ticks.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub instrument: InstrumentId,
    /// Wants RTVolume, the trades in one text.
    trades: bool,
    /// Asked for as delayed: the same ticks under the numbers of delayed ones.
    delayed: bool,
}

impl Line {
    fn as_asked(&self, tick: Outgoing) -> Outgoing {
        if self.delayed { as_delayed(tick) } else { tick }
    }
}

/// A tick under its number among the delayed ones; those that have none stay.
fn as_delayed(mut tick: Outgoing) -> Outgoing {
    let number = match &mut tick {
        Outgoing::TickPrice(tick) => &mut tick.tick_type,
        Outgoing::TickSize(tick) => &mut tick.tick_type,
        Outgoing::TickString(tick) => &mut tick.tick_type,
        _ => return tick,
    };
    *number = number.map(|number| match number {
        1 => 66,
        2 => 67,
        4 => 68,
        0 => 69,
        3 => 70,
        5 => 71,
        6 => 72,
        7 => 73,
        8 => 74,
        9 => 75,
        14 => 76,
        45 => 88,
        other => other,
    });
    tick
}

/// A subscription to a book.
#[derive(Clone, Debug)]
pub(super) struct DepthLine {
    pub instrument: InstrumentId,
    rows: usize,
    /// Smart depth names a market maker with each level.
    smart: bool,
    /// What was told: bids, then asks.
    told: [Vec<(Price, Quantity)>; 2],
}

/// What a tick-by-tick subscription tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Last,
    AllLast,
    BidAsk,
    Mid,
}

/// A subscription to every tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickLine {
    pub instrument: InstrumentId,
    wanted: Wanted,
}

/// A subscription to bars of five seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct BarLine {
    pub instrument: InstrumentId,
}

fn size(quantity: Quantity) -> Option<String> {
    Some(quantity.to_string())
}

fn tick_price(req_id: i32, tick_type: i32, price: Price, quantity: Quantity) -> Outgoing {
    proto::TickPrice {
        req_id: Some(req_id),
        tick_type: Some(tick_type),
        price: Some(price.to_f64()),
        size: size(quantity),
        attr_mask: Some(i32::from(tick_type <= 2)),
    }
    .into()
}

fn tick_size(req_id: i32, tick_type: i32, quantity: Quantity) -> Outgoing {
    proto::TickSize {
        req_id: Some(req_id),
        tick_type: Some(tick_type),
        size: size(quantity),
    }
    .into()
}

fn tick_string(req_id: i32, tick_type: i32, value: String) -> Outgoing {
    proto::TickString {
        req_id: Some(req_id),
        tick_type: Some(tick_type),
        value: Some(value),
    }
    .into()
}

fn tick_generic(req_id: i32, tick_type: i32, value: f64) -> Outgoing {
    proto::TickGeneric {
        req_id: Some(req_id),
        tick_type: Some(tick_type),
        value: Some(value),
    }
    .into()
}

/// Volume of a bar as a quantity.
fn volume(bar: &Bar) -> Quantity {
    Quantity::from_raw(i64::try_from(bar.volume).unwrap_or(i64::MAX))
}

/// Volume-weighted average price of a bar.
pub(super) fn average(bar: &Bar) -> Price {
    let average = bar.value.checked_div(bar.volume).unwrap_or(0);
    i64::try_from(average).map_or(
        bar.close,
        |raw| if raw == 0 { bar.close } else { Price::from_raw(raw) },
    )
}

/// What changed of one side of a quote.
fn side_ticks(
    req_id: i32,
    types: (i32, i32),
    old: Option<(Price, Quantity)>,
    new: Option<(Price, Quantity)>,
) -> Option<Outgoing> {
    match (old, new) {
        (old, new) if old == new => None,
        (Some(old), Some(new)) if old.0 == new.0 => Some(tick_size(req_id, types.1, new.1)),
        (_, Some((price, quantity))) => Some(tick_price(req_id, types.0, price, quantity)),
        // Nobody there any more.
        (_, None) => Some(tick_price(
            req_id,
            types.0,
            Price::from_raw(-1_000_000_000),
            Quantity::ZERO,
        )),
    }
}

impl Gateway {
    /// The contract a request means; otherwise the error is told.
    pub(super) fn wanted_contract(
        &mut self,
        at: ConnectionId,
        req_id: i32,
        asked: Option<&proto::Contract>,
    ) -> Option<Listed> {
        match self.contracts.resolve(asked).cloned() {
            Ok(listed) => Some(listed),
            Err((code, words)) => {
                self.error(at, req_id, code, words);
                None
            }
        }
    }

    /// True where a client has one subscription too many; it is told.
    fn too_many(&mut self, at: ConnectionId, req_id: i32) -> bool {
        let count = self.sessions.get(&at).map_or(0, |session| {
            session.lines.len()
                + session.depth.len()
                + session.ticks.len()
                + session.bars.len()
                + session.growing.len()
        });
        let full = count >= MOST_LINES;
        if full {
            self.error(at, req_id, 101, "Max number of tickers has been reached");
        }
        full
    }

    /// The contract of a new subscription, where there is room for one; otherwise the error is told.
    fn free_line(
        &mut self,
        at: ConnectionId,
        req_id: i32,
        asked: Option<&proto::Contract>,
    ) -> Option<Listed> {
        let listed = self.wanted_contract(at, req_id, asked)?;
        (!self.too_many(at, req_id)).then_some(listed)
    }

    pub(super) fn subscribe_line(&mut self, at: ConnectionId, request: &proto::MarketDataRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.free_line(at, req_id, request.contract.as_ref()) else {
            return;
        };
        if self.faults.has_competition() {
            return self.error(at, req_id, 10_197, COMPETING);
        }
        let instrument = listed.instrument.id;
        let generic = request.generic_tick_list.clone().unwrap_or_default();
        let wants = |number: &str| generic.split(',').any(|tick| tick.trim() == number);
        let params = proto::TickReqParams {
            req_id: Some(req_id),
            min_tick: Some(listed.instrument.ticks.finest().to_string()),
            bbo_exchange: Some("SIM".to_owned()),
            snapshot_permissions: Some(3),
            ..Default::default()
        };
        self.tell(at, params);
        // Who may have live data gets them, whatever was asked for in their absence.
        let asked = self.sessions.get(&at).map_or(1, |session| session.data_type);
        let data_type = if asked >= 3 && !self.faults.only_delayed() {
            1
        } else {
            asked
        };
        let market_data_type = Some(data_type);
        let req = Some(req_id);
        self.tell(
            at,
            proto::MarketDataType {
                req_id: req,
                market_data_type,
            },
        );
        for tick in self.picture(req_id, instrument) {
            self.tell(at, if data_type >= 3 { as_delayed(tick) } else { tick });
        }
        if wants("236") {
            self.tell(at, tick_generic(req_id, 46, 3.0));
            self.tell(
                at,
                tick_size(req_id, 89, Quantity::whole(10_000_000).unwrap_or(Quantity::ONE)),
            );
        }
        if request.snapshot == Some(true) || request.regulatory_snapshot == Some(true) {
            return self.tell(at, proto::TickSnapshotEnd { req_id: req });
        }
        let line = Line {
            instrument,
            trades: wants("233") || wants("375"),
            delayed: data_type >= 3,
        };
        self.with(at, |session| {
            session.lines.insert(req_id, line);
        });
    }

    /// Another session takes a client's lines: each says so.
    pub(super) fn take_lines(&mut self, at: ConnectionId) {
        let lines = self
            .sessions
            .get_mut(&at)
            .map(|session| std::mem::take(&mut session.lines));
        for req_id in lines.into_iter().flatten().map(|(req_id, _)| req_id) {
            self.error(at, req_id, 10_197, COMPETING);
        }
    }

    /// Everything that is known of an instrument at the moment, as ticks.
    fn picture(&self, req_id: i32, instrument: InstrumentId) -> Vec<Outgoing> {
        let Some(ticker) = self.market.ticker(instrument) else {
            return Vec::new();
        };
        let mut ticks = Vec::new();
        if let Some(quote) = &ticker.quote {
            ticks.extend(side_ticks(req_id, (1, 0), None, quote.bid));
            ticks.extend(side_ticks(req_id, (2, 3), None, quote.ask));
        }
        if let Some(last) = &ticker.last {
            ticks.push(tick_price(req_id, 4, last.price, last.size));
            ticks.push(tick_string(req_id, 45, last.at.seconds().to_string()));
        }
        if let Some(day) = &ticker.day {
            ticks.push(tick_price(req_id, 6, day.high, Quantity::ZERO));
            ticks.push(tick_price(req_id, 7, day.low, Quantity::ZERO));
            ticks.push(tick_price(req_id, 14, day.open, Quantity::ZERO));
            ticks.push(tick_size(req_id, 8, volume(day)));
        }
        if let Some(close) = ticker.previous_close {
            ticks.push(tick_price(req_id, 9, close, Quantity::ZERO));
        }
        ticks.push(tick_generic(req_id, 49, 0.0));
        ticks
    }

    pub(super) fn on_quote(&mut self, quote: Quote) {
        let instrument = quote.instrument;
        let old = self.market.quote(instrument).copied();
        if self.market.on_quote(quote) != QuoteOutcome::Changed {
            return;
        }
        let mut told = Vec::new();
        for (at, session) in &self.sessions {
            for (req_id, line) in session
                .lines
                .iter()
                .filter(|(_, line)| line.instrument == instrument)
            {
                let (bid, ask) = old.map_or((None, None), |old| (old.bid, old.ask));
                let ticks = side_ticks(*req_id, (1, 0), bid, quote.bid).into_iter();
                let ticks = ticks.chain(side_ticks(*req_id, (2, 3), ask, quote.ask));
                told.extend(ticks.map(|tick| (*at, line.as_asked(tick))));
            }
            for (req_id, line) in session
                .ticks
                .iter()
                .filter(|(_, line)| line.instrument == instrument)
            {
                told.extend(quote_tick(*req_id, line.wanted, &quote).map(|tick| (*at, tick)));
            }
        }
        for (at, tick) in told {
            self.tell(at, tick);
        }
    }

    pub(super) fn on_print(&mut self, print: Print) {
        let mut updates = Vec::new();
        let instrument = print.instrument;
        let before = self.market.ticker(instrument).and_then(|ticker| ticker.day);
        self.market.on_print(print, &mut updates);
        let day = self.market.ticker(instrument).and_then(|ticker| ticker.day);
        let mut told = Vec::new();
        for (at, session) in &self.sessions {
            for (req_id, line) in session
                .lines
                .iter()
                .filter(|(_, line)| line.instrument == instrument)
            {
                told.extend(
                    print_ticks(*req_id, line, &print, before, day)
                        .into_iter()
                        .map(|tick| (*at, line.as_asked(tick))),
                );
            }
            for (req_id, line) in session
                .ticks
                .iter()
                .filter(|(_, line)| line.instrument == instrument)
            {
                told.extend(last_tick(*req_id, line.wanted, &print).map(|tick| (*at, tick)));
            }
        }
        for (at, tick) in told {
            self.tell(at, tick);
        }
        self.tell_growing(instrument);
    }

    pub(super) fn on_depth(&mut self, depth: Depth) {
        let instrument = depth.instrument;
        self.market.on_depth(depth);
        let mut told = Vec::new();
        let Some(depth) = self.market.depth(instrument) else {
            return;
        };
        for (at, session) in &mut self.sessions {
            for (req_id, line) in session
                .depth
                .iter_mut()
                .filter(|(_, line)| line.instrument == instrument)
            {
                told.extend(depth_rows(*req_id, line, depth).into_iter().map(|row| (*at, row)));
            }
        }
        for (at, row) in told {
            self.tell(at, row);
        }
    }

    pub(super) fn subscribe_depth(&mut self, at: ConnectionId, request: &proto::MarketDepthRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.free_line(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let rows = request
            .num_rows
            .and_then(|rows| usize::try_from(rows).ok())
            .filter(|rows| *rows > 0);
        let mut line = DepthLine {
            instrument: listed.instrument.id,
            rows: rows.unwrap_or(ROWS).min(ROWS),
            smart: request.is_smart_depth == Some(true),
            told: [Vec::new(), Vec::new()],
        };
        let rows = self
            .market
            .depth(line.instrument)
            .map(|depth| depth_rows(req_id, &mut line, depth));
        self.with(at, |session| {
            session.depth.insert(req_id, line);
        });
        for row in rows.into_iter().flatten() {
            self.tell(at, row);
        }
    }

    pub(super) fn subscribe_ticks(&mut self, at: ConnectionId, request: &proto::TickByTickRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.wanted_contract(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let wanted = match request.tick_type.as_deref() {
            Some("Last") => Wanted::Last,
            Some("AllLast") => Wanted::AllLast,
            Some("BidAsk") => Wanted::BidAsk,
            Some("MidPoint") => Wanted::Mid,
            _ => {
                return self.error(
                    at,
                    req_id,
                    321,
                    "Error validating request: unknown tick-by-tick type",
                );
            }
        };
        if self.too_many(at, req_id) {
            return;
        }
        let instrument = listed.instrument.id;
        self.with(at, |session| {
            session.ticks.insert(req_id, TickLine { instrument, wanted });
        });
        let quote = self.market.quote(instrument).copied();
        if let Some(tick) = quote.and_then(|quote| quote_tick(req_id, wanted, &quote)) {
            self.tell(at, tick);
        }
    }

    pub(super) fn subscribe_bars(&mut self, at: ConnectionId, request: &proto::RealTimeBarsRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.free_line(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let instrument = listed.instrument.id;
        self.with(at, |session| {
            session.bars.insert(req_id, BarLine { instrument });
        });
    }

    /// A round of five-second bars: the one that began at `start` is over. Without a trade it is flat at the last price.
    pub(super) fn tell_bars(&mut self, start: crate::domain::Timestamp) {
        let mut told = Vec::new();
        for (at, session) in &self.sessions {
            for (req_id, line) in &session.bars {
                let bars = self.market.bars(line.instrument, Timeframe::S5);
                let bar = bars.iter().rev().find(|bar| bar.start <= start);
                let Some(bar) = bar else { continue };
                let traded = bar.start == start;
                let price = |price: Price| Some(if traded { price } else { bar.close }.to_f64());
                told.push((
                    *at,
                    proto::RealTimeBarTick {
                        req_id: Some(*req_id),
                        time: Some(start.seconds()),
                        open: price(bar.open),
                        high: price(bar.high),
                        low: price(bar.low),
                        close: price(bar.close),
                        volume: size(if traded { volume(bar) } else { Quantity::ZERO }),
                        wap: Some(if traded { average(bar) } else { bar.close }.to_string()),
                        count: Some(if traded {
                            i32::try_from(bar.count).unwrap_or(i32::MAX)
                        } else {
                            0
                        }),
                    },
                ));
            }
        }
        for (at, bar) in told {
            self.tell(at, bar);
        }
    }
}

/// A trade as ticks.
fn print_ticks(
    req_id: i32,
    line: &Line,
    print: &Print,
    before: Option<Bar>,
    day: Option<Bar>,
) -> Vec<Outgoing> {
    let mut ticks = vec![
        tick_price(req_id, 4, print.price, print.size),
        tick_string(req_id, 45, print.at.seconds().to_string()),
    ];
    let Some(day) = day else { return ticks };
    ticks.push(tick_size(req_id, 8, volume(&day)));
    if before.is_none_or(|before| before.high != day.high) {
        ticks.push(tick_price(req_id, 6, day.high, Quantity::ZERO));
    }
    if before.is_none_or(|before| before.low != day.low) {
        ticks.push(tick_price(req_id, 7, day.low, Quantity::ZERO));
    }
    if line.trades {
        let at = convert::millis(print.at);
        let text = format!(
            "{};{};{at};{};{};true",
            print.price,
            print.size,
            volume(&day),
            average(&day)
        );
        ticks.push(tick_string(req_id, 48, text));
    }
    ticks
}

fn quote_tick(req_id: i32, wanted: Wanted, quote: &Quote) -> Option<Outgoing> {
    let time = Some(quote.at.seconds());
    let ((bid, bid_size), (ask, ask_size)) = (quote.bid?, quote.ask?);
    let (tick_type, tick) = match wanted {
        Wanted::BidAsk => (
            3,
            Tick::BidAsk(proto::HistoricalTickBidAsk {
                time,
                tick_attrib_bid_ask: Some(proto::TickAttribBidAsk::default()),
                price_bid: Some(bid.to_f64()),
                price_ask: Some(ask.to_f64()),
                size_bid: size(bid_size),
                size_ask: size(ask_size),
            }),
        ),
        Wanted::Mid => (
            4,
            Tick::Midpoint(proto::HistoricalTick {
                time,
                price: Some(quote.mid()?.to_f64()),
                size: size(Quantity::ZERO),
            }),
        ),
        Wanted::Last | Wanted::AllLast => return None,
    };
    let (req_id, tick_type, tick) = (Some(req_id), Some(tick_type), Some(tick));
    Some(
        proto::TickByTickData {
            req_id,
            tick_type,
            tick,
        }
        .into(),
    )
}

fn last_tick(req_id: i32, wanted: Wanted, print: &Print) -> Option<Outgoing> {
    let tick_type = match wanted {
        Wanted::Last => 1,
        Wanted::AllLast => 2,
        Wanted::BidAsk | Wanted::Mid => return None,
    };
    let last = proto::HistoricalTickLast {
        time: Some(print.at.seconds()),
        tick_attrib_last: Some(proto::TickAttribLast::default()),
        price: Some(print.price.to_f64()),
        size: size(print.size),
        exchange: Some("SIM".to_owned()),
        special_conditions: Some(String::new()),
    };
    let (req_id, tick_type, tick) = (Some(req_id), Some(tick_type), Some(Tick::Last(last)));
    Some(
        proto::TickByTickData {
            req_id,
            tick_type,
            tick,
        }
        .into(),
    )
}

/// The rows that turn the book a client has into the book as it is: inserts, updates and deletes by position.
fn depth_rows(req_id: i32, line: &mut DepthLine, depth: &Depth) -> Vec<Outgoing> {
    let mut rows = Vec::new();
    for (at, levels, side) in [(0, &depth.bids, 1), (1, &depth.asks, 0)] {
        let new: Vec<(Price, Quantity)> = levels
            .iter()
            .take(line.rows)
            .map(|l: &Level| (l.price, l.size))
            .collect();
        let old = std::mem::replace(&mut line.told[at], new.clone());
        // Deletes from the end, so that the positions before them stay.
        for position in (new.len()..old.len()).rev() {
            rows.push(depth_row(req_id, line.smart, position, 2, side, old[position]));
        }
        for (position, level) in new.iter().enumerate() {
            match old.get(position) {
                Some(before) if before == level => {}
                Some(_) => rows.push(depth_row(req_id, line.smart, position, 1, side, *level)),
                None => rows.push(depth_row(req_id, line.smart, position, 0, side, *level)),
            }
        }
    }
    rows
}

fn depth_row(
    req_id: i32,
    smart: bool,
    position: usize,
    operation: i32,
    side: i32,
    level: (Price, Quantity),
) -> Outgoing {
    let data = proto::MarketDepthData {
        position: Some(i32::try_from(position).unwrap_or(i32::MAX)),
        operation: Some(operation),
        side: Some(side),
        price: Some(level.0.to_f64()),
        size: size(level.1),
        market_maker: Some(if smart { "SIM".to_owned() } else { String::new() }),
        is_smart_depth: Some(smart),
    };
    let (req_id, market_depth_data) = (Some(req_id), Some(data));
    if smart {
        proto::MarketDepthL2 {
            req_id,
            market_depth_data,
        }
        .into()
    } else {
        proto::MarketDepth {
            req_id,
            market_depth_data,
        }
        .into()
    }
}
