//! Market data as it travels: quote, print, depth and bar. Quotes and depth are droppable, newest wins; prints are
//! numbered per instrument and never conflated inside the engine's process; bars are built once, from the prints.

use crate::domain::{InstrumentId, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};

/// How far a quote can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// As it happens.
    #[default]
    Live,
    /// The last one before the close.
    Frozen,
    /// Some minutes old by contract.
    Delayed,
    /// Derived from prints by a named rule, because the source has no quotes.
    Derived,
    /// There are no data: the source does not know the instrument, or may not tell.
    Missing,
    /// The source serves another session of the same user just now.
    Competing,
    /// Trading is halted; the prices are those from before.
    Halted,
}

impl Quality {
    /// False where the source is away: what is shown is from before, and an order can't be measured by it.
    pub fn is_there(self) -> bool {
        !matches!(self, Self::Missing | Self::Competing)
    }
}

/// Best bid and ask. An absent side is a side that nobody quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Of what.
    pub instrument: InstrumentId,
    /// Best price to sell at, and the size there.
    pub bid: Option<(Price, Quantity)>,
    /// Best price to buy at, and the size there.
    pub ask: Option<(Price, Quantity)>,
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl Quote {
    /// Halfway between bid and ask, where both are quoted. Not rounded to a tick.
    pub fn mid(&self) -> Option<Price> {
        let (bid, ask) = (self.bid?.0.raw(), self.ask?.0.raw());
        Some(Price::from_raw(bid.midpoint(ask)))
    }
    /// What an order of `side` would trade against: the ask for a buy.
    pub fn opposite(&self, side: Side) -> Option<(Price, Quantity)> {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }
}

/// One trade in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Of what.
    pub instrument: InstrumentId,
    /// Ascending by one per instrument from the feed's start; a gap in it is a gap in the data.
    pub number: u64,
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// At what price.
    pub price: Price,
    /// How much.
    pub size: Quantity,
    /// Who came to whom, where known.
    pub aggressor: Option<Side>,
}

/// One price of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// The size shown there.
    pub size: Quantity,
    /// How many orders, where known.
    pub orders: u32,
}

/// The best levels of a book, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Of what.
    pub instrument: InstrumentId,
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// Buy side, highest first.
    pub bids: Vec<Level>,
    /// Sell side, lowest first.
    pub asks: Vec<Level>,
}

/// The length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "unit", content = "count", rename_all = "snake_case")]
pub enum Timeframe {
    /// So many seconds, counted from midnight UTC and started anew there where the length does not divide a day.
    Seconds(u32),
    /// One trading day of the instrument's calendar.
    Day,
    /// Trading days from Monday on.
    Week,
    /// Trading days of a calendar month.
    Month,
}

/// Open, high, low, close, volume of one interval. An interval without a print has no bar: gaps stay gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Start of the interval.
    pub start: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Sum of sizes, in units of 1e-8.
    pub volume: i128,
    /// Sum of price times size, in units of 1e-17: over `volume` it is the bar's weighted average price.
    pub value: i128,
    /// How many prints.
    pub count: u64,
    /// Raised each time a bar that was already told changes; the newest revision wins.
    pub revision: u32,
}
