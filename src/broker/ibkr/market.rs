//! Market data lines and books: one task a line, which folds ticks into quotes and numbers prints. What is wanted beyond the
//! budget waits; what is held and works has its line first. A line that the broker refuses says why in its quality.

use super::contracts::Contracts;
use super::farms::Farms;
use super::session::lock;
use super::{Env, read, translate};
use crate::broker::{FromBroker, MarketData, Want};
use crate::domain::{InstrumentId, InstrumentKind, Price, Quantity, Timestamp};
use crate::engine::port::{Farm, FarmKind, FarmState};
use crate::market::terms::{Borrow, Terms};
use crate::market::{Depth, Level, Print, Quality, Quote};
use ibapi::Client;
use ibapi::contracts::{Contract, tick_types::TickType};
use ibapi::market_data::realtime::{MarketDepths, TickTypes, Trade};
use ibapi::market_data::{MarketDataType, SmartDepth};
use ibapi::prelude::StreamExt;
use ibapi::subscriptions::SubscriptionItem;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Rows of a book that are asked for.
const ROWS: i32 = 10;
/// Trades one by one are a scarce good: so many instruments get them, those whose book is looked at.
const TICK_BY_TICK: usize = 3;
/// How long a line rests that another session took the data from, before it is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(8);
/// Hours that were told hold for so long.
const HOURS_HOLD: Duration = Duration::from_secs(12 * 3_600);
/// How long their answer is waited for.
const HOURS_WITHIN: Duration = Duration::from_secs(60);

/// What all lines of a connection share.
#[derive(Clone)]
struct Shared {
    env: Env,
    client: Arc<Client>,
    /// Lines that have told something since they were asked for.
    answering: Arc<AtomicU64>,
    /// When another session last had the data of a line, and when a line last told something: nanoseconds.
    competed: Arc<AtomicI64>,
    ticked: Arc<AtomicI64>,
}

impl Shared {
    fn compete(&self) {
        self.competed.store(self.env.now().0, Ordering::Relaxed);
    }
}

/// One line.
struct Line {
    task: JoinHandle<()>,
    /// Trades come one by one.
    by_trade: bool,
    /// The farms that serve it are away: what stands there is old.
    stale: Arc<AtomicBool>,
    env: Env,
}
impl Drop for Line {
    fn drop(&mut self) {
        for _ in 0..1 + usize::from(self.by_trade) {
            self.env.pace.note(self.env.now());
        }
        // Dropping the subscription inside tells the broker.
        self.task.abort();
    }
}

/// The lines and books of one connection.
pub(super) struct Lines {
    shared: Shared,
    contracts: Arc<Mutex<Contracts>>,
    quotes: BTreeMap<InstrumentId, Line>,
    books: BTreeMap<InstrumentId, Line>,
    /// The last print's number of each instrument: goes on when a line is asked for again.
    numbers: BTreeMap<InstrumentId, Arc<AtomicU64>>,
    farms: Farms,
    wanted: Want,
    /// When each instrument's hours were last asked for.
    hours_asked: BTreeMap<InstrumentId, Timestamp>,
}

/// How many lines and books there are, and how many were wanted.
pub(super) struct Used {
    pub(super) lines: (usize, usize),
    pub(super) books: (usize, usize),
    pub(super) answering: usize,
}

impl Lines {
    pub(super) fn new(env: Env, client: Arc<Client>, contracts: Arc<Mutex<Contracts>>) -> Self {
        Self {
            shared: Shared {
                env,
                client,
                answering: Arc::default(),
                competed: Arc::default(),
                ticked: Arc::default(),
            },
            contracts,
            quotes: BTreeMap::new(),
            books: BTreeMap::new(),
            numbers: BTreeMap::new(),
            farms: Farms::default(),
            wanted: Want::default(),
            hours_asked: BTreeMap::new(),
        }
    }

    /// Opens and closes lines until they are what is wanted, as far as the budget goes.
    pub(super) fn want(&mut self, want: Want) {
        self.wanted = want;
        self.adjust();
    }

    /// An instrument became known, or lines were freed.
    pub(super) fn adjust(&mut self) {
        let settings = Arc::clone(&self.shared.env.settings);
        let known = |id: &&InstrumentId| lock(&self.contracts).contract(**id).is_some();
        let lines: Vec<InstrumentId> = self
            .wanted
            .lines
            .iter()
            .filter(known)
            .take(settings.lines)
            .copied()
            .collect();
        let books: Vec<InstrumentId> = self
            .wanted
            .depth
            .iter()
            .filter(known)
            .take(settings.depth)
            .copied()
            .collect();
        let by_trade: Vec<InstrumentId> = books.iter().take(TICK_BY_TICK).copied().collect();
        self.quotes
            .retain(|id, line| lines.contains(id) && line.by_trade == by_trade.contains(id));
        self.books.retain(|id, _| books.contains(id));
        for id in lines {
            if !self.quotes.contains_key(&id) {
                self.open_line(id, by_trade.contains(&id));
            }
        }
        for id in books {
            if !self.books.contains_key(&id) {
                self.open_book(id);
            }
        }
    }

    /// The broker has dropped every subscription: all that was wanted is asked for again.
    pub(super) fn restore(&mut self) {
        self.quotes.clear();
        self.books.clear();
        self.shared.answering.store(0, Ordering::Relaxed);
        self.adjust();
    }

    /// A farm went away, or came back: what it serves is old until it is back.
    pub(super) async fn farm(&mut self, kind: FarmKind, name: String, state: FarmState) {
        let now = self.shared.env.now();
        self.farms.told(kind, name, state, now);
        let mut gone = Vec::new();
        for (id, line) in &self.quotes {
            let stale = self.is_stale(*id);
            if stale && !line.stale.swap(stale, Ordering::Relaxed) {
                // No tick may come any more that would say so.
                gone.push(MarketData::Quote(Quote {
                    instrument: *id,
                    bid: None,
                    ask: None,
                    at: now,
                    quality: Quality::Missing,
                }));
            } else {
                line.stale.store(stale, Ordering::Relaxed);
            }
        }
        if !gone.is_empty() {
            self.shared.env.say(FromBroker::Market(gone)).await;
        }
    }

    fn is_stale(&self, id: InstrumentId) -> bool {
        lock(&self.contracts)
            .get(id)
            .is_some_and(|instrument| self.farms.is_stale(instrument))
    }

    /// The farms that the broker has named.
    pub(super) fn farms(&self) -> Vec<Farm> {
        self.farms.shown()
    }

    /// Another session was said to have the data.
    pub(super) fn compete(&self) {
        self.shared.compete();
    }

    /// Whether another session has the data: until a line tells something again, and none was refused for longer than one
    /// that was refused rests.
    pub(super) fn competing(&self) -> bool {
        let competed = Timestamp(self.shared.competed.load(Ordering::Relaxed));
        let ticked = Timestamp(self.shared.ticked.load(Ordering::Relaxed));
        let lately = self.shared.env.now().since(competed) < ASK_AGAIN + ASK_AGAIN / 2;
        competed > Timestamp(0) && (lately || ticked <= competed)
    }

    pub(super) fn used(&self) -> Used {
        Used {
            lines: (self.quotes.len(), self.wanted.lines.len()),
            books: (self.books.len(), self.wanted.depth.len()),
            answering: usize::try_from(self.shared.answering.load(Ordering::Relaxed)).unwrap_or(usize::MAX),
        }
    }

    fn open_line(&mut self, id: InstrumentId, by_trade: bool) {
        let (Some(contract), kind) = ({
            let contracts = lock(&self.contracts);
            (
                contracts.contract(id),
                contracts.get(id).map(|instrument| instrument.kind),
            )
        }) else {
            return;
        };
        self.ask_hours(id, &contract);
        let stale = Arc::new(AtomicBool::new(self.is_stale(id)));
        let number = self.numbers.entry(id).or_default();
        let feed = Feed {
            shared: self.shared.clone(),
            id,
            contract,
            number: Arc::clone(number),
            quote: Fold::default(),
            stale: Arc::clone(&stale),
            by_trade: by_trade && kind != Some(InstrumentKind::Forex) && kind != Some(InstrumentKind::Index),
            answered: false,
        };
        let task = tokio::spawn(feed.run());
        let env = self.shared.env.clone();
        let line = Line {
            task,
            by_trade,
            stale,
            env,
        };
        self.quotes.insert(id, line);
    }

    /// Asks when an instrument trades, once in half a day: halts and short days are the broker's to know.
    fn ask_hours(&mut self, id: InstrumentId, contract: &Contract) {
        let now = self.shared.env.now();
        let asked = self.hours_asked.get(&id);
        if asked.is_some_and(|at| now.since(*at) < HOURS_HOLD) {
            return;
        }
        self.hours_asked.insert(id, now);
        let (shared, contract) = (self.shared.clone(), contract.clone());
        tokio::spawn(async move {
            let asked = read::details(&shared.env, &shared.client, &contract);
            // One that is not answered is asked for again with the next connection.
            if let Ok(Ok(found)) = tokio::time::timeout(HOURS_WITHIN, asked).await
                && let Some(details) = found.first()
            {
                read::tell_hours(&shared.env, id, details).await;
            }
        });
    }

    fn open_book(&mut self, id: InstrumentId) {
        let Some(contract) = lock(&self.contracts).contract(id) else {
            return;
        };
        let shared = self.shared.clone();
        let task = tokio::spawn(book(shared, id, contract));
        let env = self.shared.env.clone();
        let line = Line {
            task,
            by_trade: false,
            stale: Arc::default(),
            env,
        };
        self.books.insert(id, line);
    }
}

/// A quote as ticks make it.
#[derive(Clone, Copy, Debug, Default)]
struct Fold {
    bid: (Option<Price>, Option<Quantity>),
    ask: (Option<Price>, Option<Quantity>),
    quality: Quality,
    halted: bool,
    last: Option<(Price, Quantity)>,
}

/// What a tick says of selling short: above 2.5 there are at least 1,000 shares to borrow, above 1.5 some that have to be
/// located first, below that none; or how many there are.
fn borrowing(tick: &TickTypes, instrument: InstrumentId) -> Option<Terms> {
    let mut terms = Terms::of(instrument);
    match tick {
        TickTypes::Generic(tick) if tick.tick_type == TickType::Shortable && tick.value > 0.0 => {
            terms.borrow = Some(match tick.value {
                value if value > 2.5 => Borrow::Easy,
                value if value > 1.5 => Borrow::Locate,
                _ => Borrow::No,
            });
        }
        TickTypes::Size(tick) if tick.tick_type == TickType::ShortableShares => {
            terms.shares = Some(translate::quantity(tick.size).filter(|shares| !shares.is_negative())?);
        }
        _ => return None,
    }
    Some(terms)
}

impl Fold {
    /// Takes one tick; true where the quote may be another one now.
    fn tick(&mut self, tick: &TickTypes) -> bool {
        match tick {
            TickTypes::PriceSize(both) => {
                let price = self.price(both.price_tick_type, both.price);
                let size = self.size(both.size_tick_type, both.size);
                price || size
            }
            TickTypes::Price(tick) => self.price(tick.tick_type, tick.price),
            TickTypes::Size(tick) => self.size(tick.tick_type, tick.size),
            TickTypes::Generic(tick)
                if matches!(tick.tick_type, TickType::Halted | TickType::DelayedHalted) =>
            {
                // 0 is not halted, 1 and 2 are; -1 is not known.
                let halted = tick.value >= 1.0;
                std::mem::replace(&mut self.halted, halted) != halted
            }
            TickTypes::MarketDataType(kind) => {
                let quality = match kind {
                    MarketDataType::Frozen => Quality::Frozen,
                    MarketDataType::Delayed | MarketDataType::DelayedFrozen => Quality::Delayed,
                    MarketDataType::Realtime | MarketDataType::Unknown => Quality::Live,
                };
                std::mem::replace(&mut self.quality, quality) != quality
            }
            _ => false,
        }
    }
    fn price(&mut self, of: TickType, value: f64) -> bool {
        // No quote is told as -1 or as 0.
        let price = translate::price(value).filter(|price| *price > Price::ZERO);
        match of {
            TickType::Bid | TickType::DelayedBid => self.bid.0 = price,
            TickType::Ask | TickType::DelayedAsk => self.ask.0 = price,
            _ => return false,
        }
        true
    }
    fn size(&mut self, of: TickType, value: f64) -> bool {
        let size = translate::quantity(value).filter(|size| !size.is_negative());
        match of {
            TickType::BidSize | TickType::DelayedBidSize => self.bid.1 = size,
            TickType::AskSize | TickType::DelayedAskSize => self.ask.1 = size,
            _ => return false,
        }
        true
    }
    fn quote(&self, instrument: InstrumentId, at: Timestamp) -> Quote {
        let side = |(price, size): (Option<Price>, Option<Quantity>)| {
            price.map(|price| (price, size.unwrap_or(Quantity::ZERO)))
        };
        Quote {
            instrument,
            bid: side(self.bid),
            ask: side(self.ask),
            at,
            quality: if self.halted {
                Quality::Halted
            } else {
                self.quality
            },
        }
    }
}

/// One line at work.
struct Feed {
    shared: Shared,
    id: InstrumentId,
    contract: Contract,
    number: Arc<AtomicU64>,
    quote: Fold,
    stale: Arc<AtomicBool>,
    by_trade: bool,
    answered: bool,
}

impl Feed {
    /// A line that another session took the data from is asked for again and again: nobody says when it may have them.
    async fn run(mut self) {
        let by_trade = self.by_trade;
        loop {
            self.follow().await;
            if self.quote.quality != Quality::Competing {
                return;
            }
            tokio::time::sleep(ASK_AGAIN).await;
            self.by_trade = by_trade;
        }
    }

    async fn follow(&mut self) {
        let client = Arc::clone(&self.shared.client);
        let contract = self.contract.clone();
        self.shared.env.pass().await;
        let opened = client
            .market_data(&contract)
            .generic_ticks(&["233", "236"])
            .subscribe()
            .await;
        let mut ticks = match opened {
            Ok(ticks) => ticks,
            Err(error) => return tracing::warn!(instrument = %self.id, %error, "no market data"),
        };
        let trades = if self.by_trade {
            self.shared.env.pass().await;
            client.tick_by_tick(&contract, 0).all_last().await.ok()
        } else {
            None
        };
        self.by_trade = trades.is_some();
        match trades {
            None => while self.on(ticks.next().await).await {},
            Some(mut trades) => loop {
                let goes_on = tokio::select! {
                    tick = ticks.next() => self.on(tick).await,
                    trade = trades.next() => match trade {
                        Some(Ok(SubscriptionItem::Data(trade))) => self.trade(&trade).await,
                        Some(Ok(SubscriptionItem::Notice(_))) => true,
                        // No trades one by one for this instrument, or too many of them: the line itself has them too.
                        Some(Err(_)) | None => {
                            self.by_trade = false;
                            while self.on(ticks.next().await).await {}
                            false
                        }
                    }
                };
                if !goes_on {
                    return;
                }
            },
        }
    }

    /// Takes one item of the line; false where it has ended.
    async fn on(&mut self, item: Option<Result<SubscriptionItem<TickTypes>, ibapi::Error>>) -> bool {
        match item {
            Some(Ok(SubscriptionItem::Data(tick))) => self.tick(&tick).await,
            Some(Ok(SubscriptionItem::Notice(notice))) => {
                if let Some(quality) = quality_of(notice.code) {
                    return self.is(quality).await;
                }
                true
            }
            Some(Err(ibapi::Error::Notice(notice))) => {
                tracing::info!(instrument = %self.id, code = notice.code, notice.message, "market data ended");
                self.is(quality_of(notice.code).unwrap_or(Quality::Missing)).await;
                false
            }
            Some(Err(_)) | None => false,
        }
    }

    async fn tick(&mut self, tick: &TickTypes) -> bool {
        let now = self.shared.env.now();
        self.shared.ticked.store(now.0, Ordering::Relaxed);
        if !std::mem::replace(&mut self.answered, true) {
            self.shared.answering.fetch_add(1, Ordering::Relaxed);
        }
        // A tick that comes is as good as it says.
        if matches!(self.quote.quality, Quality::Missing | Quality::Competing) {
            self.quote.quality = Quality::Live;
        }
        if let Some(print) = self.print(tick)
            && !self.send(MarketData::Print(print)).await
        {
            return false;
        }
        if let Some(terms) = borrowing(tick, self.id)
            && !self.send(MarketData::Terms(terms)).await
        {
            return false;
        }
        if self.quote.tick(tick) {
            return self.tell_quote().await;
        }
        true
    }

    /// What a line tells of trades where they do not come one by one: each trade's report, else changes of the last price.
    fn print(&mut self, tick: &TickTypes) -> Option<Print> {
        if self.by_trade {
            return None;
        }
        match tick {
            TickTypes::String(text) if text.tick_type == TickType::RtVolume => {
                let mut parts = text.value.split(';');
                let price = translate::price(parts.next()?.parse().ok()?)?;
                let size = translate::quantity(parts.next()?.parse().ok()?)?;
                let at = parts.next()?.parse::<i64>().ok()?.checked_mul(1_000_000)?;
                self.quote.last = None;
                self.made(price, size, Timestamp(at))
            }
            TickTypes::PriceSize(both)
                if matches!(both.price_tick_type, TickType::Last | TickType::DelayedLast) =>
            {
                let price = translate::price(both.price)?;
                let size = translate::quantity(both.size)?;
                let new = self.quote.last != Some((price, size));
                // Only where no trade reports come: forex, and data that is delayed.
                let delayed = both.price_tick_type == TickType::DelayedLast;
                self.quote.last = Some((price, size));
                let at = self.shared.env.now();
                (new && delayed).then(|| self.made(price, size, at)).flatten()
            }
            _ => None,
        }
    }

    fn made(&self, price: Price, size: Quantity, at: Timestamp) -> Option<Print> {
        (price > Price::ZERO && size.is_positive()).then(|| Print {
            instrument: self.id,
            number: self.number.fetch_add(1, Ordering::Relaxed) + 1,
            at,
            price,
            size,
            aggressor: None,
        })
    }

    async fn trade(&mut self, trade: &Trade) -> bool {
        let at = i64::try_from(trade.time.unix_timestamp_nanos()).map(Timestamp);
        let at = at.unwrap_or_else(|_| self.shared.env.now());
        let print = translate::price(trade.price)
            .zip(translate::quantity(trade.size))
            .and_then(|(price, size)| self.made(price, size, at));
        match print {
            Some(print) => self.send(MarketData::Print(print)).await,
            None => true,
        }
    }

    async fn is(&mut self, quality: Quality) -> bool {
        if quality == Quality::Competing {
            self.shared.compete();
        }
        self.quote = Fold {
            quality,
            ..Fold::default()
        };
        self.tell_quote().await
    }

    async fn tell_quote(&self) -> bool {
        let mut quote = self.quote.quote(self.id, self.shared.env.now());
        if self.stale.load(Ordering::Relaxed) && quote.quality == Quality::Live {
            quote.quality = Quality::Missing;
        }
        self.send(MarketData::Quote(quote)).await
    }

    async fn send(&self, data: MarketData) -> bool {
        self.shared.env.say(FromBroker::Market(vec![data])).await
    }
}

/// What a number says of a line's data.
fn quality_of(code: i32) -> Option<Quality> {
    Some(match code {
        // Not subscribed, no permission, no such instrument.
        200 | 354 | 10090 | 10091 | 10186 | 10189 => Quality::Missing,
        10089 | 10167 => Quality::Delayed,
        10197 => Quality::Competing,
        _ => return None,
    })
}

/// A book at work: rows come as inserts, changes and deletes by position.
async fn book(shared: Shared, id: InstrumentId, contract: Contract) {
    let smart = if contract.exchange.0 == "SMART" {
        SmartDepth::Yes
    } else {
        SmartDepth::No
    };
    shared.env.pass().await;
    let opened = shared
        .client
        .market_depth(&contract, ROWS)
        .smart_depth(smart)
        .subscribe()
        .await;
    let Ok(mut rows) = opened else { return };
    let mut sides: [Vec<Level>; 2] = [Vec::new(), Vec::new()];
    while let Some(item) = rows.next().await {
        let row = match item {
            Ok(SubscriptionItem::Data(row)) => row,
            Ok(SubscriptionItem::Notice(_)) => continue,
            Err(error) => return tracing::info!(instrument = %id, %error, "the book ended"),
        };
        match row {
            MarketDepths::Reset => sides = [Vec::new(), Vec::new()],
            MarketDepths::MarketDepth(row) => {
                change(
                    &mut sides,
                    row.side,
                    row.operation,
                    row.position,
                    (row.price, row.size),
                );
            }
            MarketDepths::MarketDepthL2(row) => {
                change(
                    &mut sides,
                    row.side,
                    row.operation,
                    row.position,
                    (row.price, row.size),
                );
            }
        }
        let [asks, bids] = sides.clone();
        let depth = Depth {
            instrument: id,
            at: shared.env.now(),
            bids,
            asks,
        };
        if !shared
            .env
            .say(FromBroker::Market(vec![MarketData::Depth(depth)]))
            .await
        {
            return;
        }
    }
}

/// Applies one change to the rows of a side: 0 inserts, 1 changes, 2 deletes. A position that can't be is left out.
fn change(sides: &mut [Vec<Level>; 2], side: i32, operation: i32, position: i32, (price, size): (f64, f64)) {
    let Some(rows) = usize::try_from(side).ok().and_then(|side| sides.get_mut(side)) else {
        return;
    };
    let Ok(at) = usize::try_from(position) else { return };
    let level = translate::price(price)
        .zip(translate::quantity(size))
        .map(|(price, size)| Level {
            price,
            size,
            orders: 0,
        });
    match (operation, level) {
        (0, Some(level)) if at <= rows.len() => {
            rows.insert(at, level);
            rows.truncate(usize::try_from(ROWS).unwrap_or(10));
        }
        (1, Some(level)) => {
            if let Some(row) = rows.get_mut(at) {
                *row = level;
            }
        }
        (2, _) if at < rows.len() => drop(rows.remove(at)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_borrowed_is_told_by_two_ticks_and_unknown_is_not_none() {
        use ibapi::market_data::realtime::{TickGeneric, TickSize};
        let id = InstrumentId::new("GME").unwrap();
        let generic = |value| {
            let tick = TickGeneric {
                tick_type: TickType::Shortable,
                value,
            };
            borrowing(&TickTypes::Generic(tick), id).and_then(|terms| terms.borrow)
        };
        assert_eq!(
            [3.0, 2.0, 1.0].map(generic),
            [Some(Borrow::Easy), Some(Borrow::Locate), Some(Borrow::No)]
        );
        assert_eq!([-1.0, 0.0, f64::NAN].map(generic), [None; 3]);
        let shares = TickTypes::Size(TickSize {
            tick_type: TickType::ShortableShares,
            size: 1_200.0,
        });
        let shares = borrowing(&shares, id).and_then(|terms| terms.shares);
        assert_eq!(shares.map(|shares| shares.to_string()).as_deref(), Some("1200"));
    }

    #[test]
    fn rows_move_by_position_and_impossible_ones_change_nothing() {
        let mut sides = [Vec::new(), Vec::new()];
        change(&mut sides, 1, 0, 0, (10.0, 5.0));
        change(&mut sides, 1, 0, 0, (10.5, 6.0));
        change(&mut sides, 1, 1, 1, (10.0, 7.0));
        change(&mut sides, 1, 0, 9, (1.0, 1.0));
        change(&mut sides, 1, 2, 9, (1.0, 1.0));
        change(&mut sides, 7, 0, 0, (1.0, 1.0));
        change(&mut sides, 1, 0, -1, (1.0, 1.0));
        change(&mut sides, 1, 1, 0, (f64::NAN, 1.0));
        let rows: Vec<_> = sides[1]
            .iter()
            .map(|level| format!("{}x{}", level.price, level.size))
            .collect();
        assert_eq!(rows, ["10.5x6", "10x7"]);
        change(&mut sides, 1, 2, 0, (0.0, 0.0));
        assert_eq!(sides[1].len(), 1);
    }
}
