//! Bars of a market without prints: open, high, low and close of bid and ask. The last quote wins, an
//! interval without a quote has no bar. For spot currencies.

use super::data::{Quote, Timeframe};
use crate::domain::calendar::Span;
use crate::domain::{CalendarId, Price, Timestamp};
use serde::{Deserialize, Serialize};

/// Four prices of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ohlc {
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
}

impl Ohlc {
    /// All four at one price.
    pub fn at(price: Price) -> Self {
        Self {
            open: price,
            high: price,
            low: price,
            close: price,
        }
    }
    /// Adds a later price.
    pub fn add(&mut self, price: Price) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
    }
    fn join(&mut self, more: &Self) {
        self.high = self.high.max(more.high);
        self.low = self.low.min(more.low);
        self.close = more.close;
    }
}

/// Bid and ask over one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteBar {
    /// Start of the interval.
    pub start: Timestamp,
    /// The buy side.
    pub bid: Ohlc,
    /// The sell side.
    pub ask: Ohlc,
    /// How many two-sided quotes.
    pub count: u64,
}

/// Quote bars of one instrument and timeframe in the making.
#[derive(Clone, Debug)]
pub struct QuoteBarBuilder {
    timeframe: Timeframe,
    calendar: CalendarId,
    current: Option<(Span, QuoteBar)>,
}

impl QuoteBarBuilder {
    /// An empty builder.
    pub fn new(timeframe: Timeframe, calendar: CalendarId) -> Self {
        Self {
            timeframe,
            calendar,
            current: None,
        }
    }
    /// Adds a quote and answers the bar as it is now. One-sided quotes and those older than the current bar
    /// are passed over: a quote is droppable, newest wins.
    pub fn on_quote(&mut self, quote: &Quote) -> Option<QuoteBar> {
        let (bid, ask) = (quote.bid?.0, quote.ask?.0);
        match &mut self.current {
            Some((span, _)) if quote.at < span.start => None,
            Some((span, bar)) if span.contains(quote.at) => {
                bar.bid.add(bid);
                bar.ask.add(ask);
                bar.count += 1;
                Some(*bar)
            }
            current => {
                let span = self.timeframe.interval(self.calendar, quote.at)?;
                let bar = QuoteBar {
                    start: span.start,
                    bid: Ohlc::at(bid),
                    ask: Ohlc::at(ask),
                    count: 1,
                };
                *current = Some((span, bar));
                Some(bar)
            }
        }
    }
}

/// Longer quote bars from ascending shorter ones.
pub fn roll_up_quotes(bars: &[QuoteBar], timeframe: Timeframe, calendar: CalendarId) -> Vec<QuoteBar> {
    let mut rolled: Vec<QuoteBar> = Vec::new();
    let mut span: Option<Span> = None;
    for bar in bars {
        if let (true, Some(current)) = (
            span.is_some_and(|span| span.contains(bar.start)),
            rolled.last_mut(),
        ) {
            current.bid.join(&bar.bid);
            current.ask.join(&bar.ask);
            current.count += bar.count;
            continue;
        }
        span = timeframe.interval(calendar, bar.start);
        rolled.extend(span.map(|span| QuoteBar {
            start: span.start,
            ..*bar
        }));
    }
    rolled
}
