//! What a watch list shows of an instrument: newest quote, last print, the trading day's figures, and the
//! mark that a position is valued at.

use super::data::{Bar, Print, Quote};
use crate::domain::calendar::TradingDay;
use crate::domain::{Price, Timestamp};
use serde::{Deserialize, Serialize};

/// The newest of everything about one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticker {
    /// Newest quote.
    pub quote: Option<Quote>,
    /// Newest print by the venue's order.
    pub last: Option<Print>,
    /// The trading day of the newest data; nothing beyond the calendar's years.
    pub trading_day: Option<TradingDay>,
    /// Open, high, low, volume of that day's regular hours; nothing before their first print.
    pub day: Option<Bar>,
    /// The close (or, where told, the settlement) of the trading day before.
    pub previous_close: Option<Price>,
}

impl Ticker {
    /// The last price; without prints the middle of the quote.
    pub fn price(&self) -> Option<Price> {
        self.last
            .map(|print| print.price)
            .or_else(|| self.quote.and_then(|quote| quote.mid()))
    }
    /// The price's distance from the previous close.
    pub fn change(&self) -> Option<Price> {
        self.price()?.checked_sub(self.previous_close?)
    }
    /// The same in percent of the previous close; nothing where that is zero.
    pub fn change_percent(&self) -> Option<f64> {
        let before = self.previous_close.filter(|price| *price != Price::ZERO)?;
        Some(100.0 * self.change()?.to_f64() / before.to_f64().abs())
    }
    /// What a position is valued at: the last price, held within the quote. Without prints the middle of the
    /// quote, without quote the last price, without both the previous close.
    pub fn mark(&self) -> Option<Mark> {
        let last = self.last.map(|print| Mark {
            price: print.price,
            at: print.at,
            basis: Basis::Last,
        });
        let Some(quote) = self.quote else {
            return last.or_else(|| self.close_mark());
        };
        let marked = |price: Price, basis: Basis| Mark {
            price,
            at: quote.at,
            basis,
        };
        match (last, quote.bid, quote.ask) {
            (Some(last), Some((bid, _)), _) if last.price < bid => Some(marked(bid, Basis::Bid)),
            (Some(last), _, Some((ask, _))) if last.price > ask => Some(marked(ask, Basis::Ask)),
            (Some(last), _, _) => Some(last),
            (None, _, _) => quote
                .mid()
                .map(|mid| marked(mid, Basis::Mid))
                .or_else(|| self.close_mark()),
        }
    }

    fn close_mark(&self) -> Option<Mark> {
        let price = self.previous_close?;
        let at = self.trading_day.map_or(Timestamp::MIN, |day| day.start);
        Some(Mark {
            price,
            at,
            basis: Basis::Close,
        })
    }
}

/// What a mark was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The last print.
    Last,
    /// The best bid, since the last print was below it.
    Bid,
    /// The best ask, since the last print was above it.
    Ask,
    /// The middle of the quote, since there is no print.
    Mid,
    /// The previous close, since there is neither.
    Close,
}

/// A price to value a position at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The price.
    pub price: Price,
    /// When it was true, by the venue's clock.
    pub at: Timestamp,
    /// What it was taken from.
    pub basis: Basis,
}
