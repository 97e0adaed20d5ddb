//! Which price stands in which row of the ladder, and the book that decides it. The rows move only when they must: while a
//! person holds a price, or is about to confirm something, they stay, but for the price that is held, which stays in sight.

use crate::domain::{InstrumentId, Price, Quantity, Side};
use crate::market::Level;
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::axis::nice_step;

/// Levels of each side that must be in sight.
const SEEN: usize = 5;
/// Up to so many ticks between the outermost of them a row is one tick.
const DENSE: i64 = 30;

/// Which price stands in which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rungs {
    pub(super) id: InstrumentId,
    /// The price of row `middle`, a multiple of `step`.
    pub(super) anchor: i64,
    /// Prices from row to row, a multiple of the tick.
    pub(super) step: i64,
    pub(super) middle: u16,
    pub(super) rows: u16,
}

impl Rungs {
    pub(super) fn price(&self, row: u16) -> Price {
        let up = i64::from(self.middle) - i64::from(row);
        Price::from_raw(self.anchor.saturating_add(up.saturating_mul(self.step)))
    }
    /// The row of a price: one that a person asks for is rounded so that no bid shows above its limit and no ask below.
    pub(super) fn row(&self, price: Price, side: Side) -> Option<u16> {
        let row = self.line(price, side);
        u16::try_from(row).ok().filter(|row| *row < self.rows)
    }
    /// The same, counted on beyond both ends.
    pub(super) fn line(&self, price: Price, side: Side) -> i64 {
        let above = price.raw().saturating_sub(self.anchor);
        let steps = match side {
            Side::Buy => above.div_euclid(self.step),
            Side::Sell => above.saturating_add(self.step - 1).div_euclid(self.step),
        };
        i64::from(self.middle).saturating_sub(steps)
    }
    /// Where prices go this time: as last time, unless the touch has left the middle half or the book needs other steps.
    /// With `held` they stay as they are; with `group` a row is so many ticks, as a person asked for.
    pub(super) fn of(
        view: &View<'_>,
        book: &Book,
        rows: u16,
        before: Option<Self>,
        held: Option<Price>,
        group: Option<i64>,
    ) -> Option<Self> {
        let near = book.middle()?;
        let tick = read::tick(view, book.id, near).raw().max(1);
        let before = before.filter(|drawn| drawn.id == book.id && drawn.step % tick == 0);
        let still = view.holding || held.is_some();
        // A book without many holes is shown tick by tick, even where not all of it is in sight.
        let span = Some(book.span()).filter(|span| *span > tick.saturating_mul(DENSE));
        let wanted = span.unwrap_or(0) / i64::from(rows.saturating_sub(2).max(1));
        let step = match before {
            Some(drawn) if view.holding => drawn.step,
            _ if group.is_some() => tick.saturating_mul(group.unwrap_or(1).max(1)),
            // Some slack on both sides, so that a book at the border does not flip between two steps.
            Some(drawn) if wanted <= drawn.step && (drawn.step == tick || wanted * 6 >= drawn.step) => {
                drawn.step
            }
            _ => nice_step(wanted.max(1), tick),
        };
        let middle = rows / 2;
        let centred = near.raw().div_euclid(step).saturating_mul(step);
        let slack = step.saturating_mul(i64::from(rows / 4));
        let anchor = match before {
            Some(drawn)
                if drawn.step == step
                    && (still || drawn.anchor.saturating_sub(near.raw()).saturating_abs() <= slack) =>
            {
                drawn.anchor
            }
            _ => centred,
        };
        let rungs = Self {
            id: book.id,
            anchor,
            step,
            middle,
            rows,
        };
        Some(held.map_or(rungs, |price| rungs.with_in_sight(price)))
    }
    /// Moved by as little as it takes for `price` to have a row.
    fn with_in_sight(self, price: Price) -> Self {
        let (line, last) = (
            self.line(price, Side::Buy),
            i64::from(self.rows.saturating_sub(1)),
        );
        let over = if line < 0 { line } else { (line - last).max(0) };
        Self {
            anchor: self.anchor.saturating_sub(over.saturating_mul(self.step)),
            ..self
        }
    }
}

/// The levels of the instrument on the desk, best first; the touch alone where there is no book.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) id: InstrumentId,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

impl Book {
    pub(super) fn of(view: &View<'_>) -> Option<Self> {
        let id = view.instrument?;
        let quote = view.market.quote(id);
        if let Some(depth) = view.market.depth(id)
            && !(depth.bids.is_empty() && depth.asks.is_empty())
        {
            return Some(Self {
                id,
                bids: depth.bids.clone(),
                asks: depth.asks.clone(),
            });
        }
        let level = |(price, size): (Price, Quantity)| Level {
            price,
            size,
            orders: 0,
        };
        let quote = quote?;
        let book = Self {
            id,
            bids: quote.bid.map(level).into_iter().collect(),
            asks: quote.ask.map(level).into_iter().collect(),
        };
        (!book.bids.is_empty() || !book.asks.is_empty()).then_some(book)
    }
    pub(super) fn middle(&self) -> Option<Price> {
        match (self.bids.first(), self.asks.first()) {
            (Some(bid), Some(ask)) => Some(Price::from_raw(bid.price.raw().midpoint(ask.price.raw()))),
            (one, other) => one.or(other).map(|level| level.price),
        }
    }
    /// From the lowest to the highest of the levels that must be in sight.
    pub(super) fn span(&self) -> i64 {
        let seen = |levels: &[Level]| {
            levels
                .get(..SEEN.min(levels.len()))?
                .last()
                .map(|level| level.price.raw())
        };
        match (seen(&self.bids), seen(&self.asks)) {
            (Some(low), Some(high)) => high.saturating_sub(low).max(0),
            _ => 0,
        }
    }
    pub(super) fn spread(&self) -> Option<Price> {
        self.asks.first()?.price.checked_sub(self.bids.first()?.price)
    }
}
