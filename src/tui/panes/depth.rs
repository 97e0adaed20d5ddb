//! The book as a ladder: prices in the middle, who would buy on the left, who would sell on the right, our own orders and
//! average price beside them, and the last prints below where there is room. The cursor holds a price, not a row, and
//! while it does the ladder does not move.

use super::read;
use crate::domain::{InstrumentId, Price, Quantity, Side};
use crate::market::Level;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::axis::nice_step;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::Cell;

/// Levels of each side that must be in sight.
const SEEN: usize = 5;
/// Up to so many ticks between the outermost of them a row is one tick.
const DENSE: i64 = 30;
/// Rows that a page goes.
const PAGE: i64 = 10;
/// Columns kept for our own orders at each side.
const OWN: u16 = 6;
/// A ladder of fewer rows has no prints below.
const TALL: u16 = 24;

/// Which price stands in which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rungs {
    id: InstrumentId,
    /// The price of row `middle`, a multiple of `step`.
    anchor: i64,
    /// Prices from row to row, a multiple of the tick.
    step: i64,
    middle: u16,
    rows: u16,
}

impl Rungs {
    fn price(&self, row: u16) -> Price {
        let up = i64::from(self.middle) - i64::from(row);
        Price::from_raw(self.anchor.saturating_add(up.saturating_mul(self.step)))
    }
    /// The row of a price: one that a person asks for is rounded so that no bid shows above its limit and no ask below.
    fn row(&self, price: Price, side: Side) -> Option<u16> {
        let above = price.raw().saturating_sub(self.anchor);
        let steps = match side {
            Side::Buy => above.div_euclid(self.step),
            Side::Sell => above.saturating_add(self.step - 1).div_euclid(self.step),
        };
        let row = i64::from(self.middle).checked_sub(steps)?;
        u16::try_from(row).ok().filter(|row| *row < self.rows)
    }
}

/// The book of the instrument on the desk.
#[derive(Debug, Default)]
pub struct DepthPane {
    cursor: Option<(InstrumentId, Price)>,
    /// Where the last drawing put the prices, so that the next one moves them only when it must, and a click finds them.
    /// Nothing but the look depends on it.
    drawn: Cell<Option<Rungs>>,
}

impl DepthPane {
    /// A ladder that follows the market.
    pub fn new() -> Self {
        Self::default()
    }
    /// Where prices go this time: as last time, unless the touch has left the middle half or the book needs other steps.
    fn rungs(&self, view: &View<'_>, book: &Book, rows: u16) -> Option<Rungs> {
        let near = book.middle()?;
        let tick = read::tick(view, book.id, near).raw().max(1);
        let before = self
            .drawn
            .get()
            .filter(|drawn| drawn.id == book.id && drawn.step % tick == 0);
        // A book without many holes is shown tick by tick, even where not all of it is in sight.
        let span = Some(book.span()).filter(|span| *span > tick.saturating_mul(DENSE));
        let wanted = span.unwrap_or(0) / i64::from(rows.saturating_sub(2).max(1));
        let step = match before {
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
                    && (self.price(view).is_some()
                        || drawn.anchor.saturating_sub(near.raw()).saturating_abs() <= slack) =>
            {
                drawn.anchor
            }
            _ => centred,
        };
        Some(Rungs {
            id: book.id,
            anchor,
            step,
            middle,
            rows,
        })
    }
    /// Moves the cursor by so many rows; it starts at the touch.
    fn step(&mut self, rows: i64, view: &View<'_>) -> bool {
        let Some(book) = Book::of(view) else {
            return false;
        };
        let step = self
            .drawn
            .get()
            .filter(|drawn| drawn.id == book.id)
            .map(|drawn| drawn.step);
        let touch = if rows > 0 {
            book.asks.first()
        } else {
            book.bids.first()
        };
        let to = match (self.price(view), step) {
            (Some(price), Some(step)) => Some(Price::from_raw(
                price.raw().saturating_add(rows.saturating_mul(step)),
            )),
            (None, Some(step)) => touch.map(|level| {
                let raw = level.price.raw();
                // On the rung that shows it.
                let up = if rows > 0 { step - 1 } else { 0 };
                Price::from_raw(raw.saturating_add(up).div_euclid(step).saturating_mul(step))
            }),
            _ => touch.map(|level| level.price),
        };
        self.cursor = to.map(|price| (book.id, price)).or(self.cursor);
        to.is_some()
    }
}

/// The levels of the instrument on the desk, best first; the touch alone where there is no book.
struct Book {
    id: InstrumentId,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Book {
    fn of(view: &View<'_>) -> Option<Self> {
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
    fn middle(&self) -> Option<Price> {
        match (self.bids.first(), self.asks.first()) {
            (Some(bid), Some(ask)) => Some(Price::from_raw(bid.price.raw().midpoint(ask.price.raw()))),
            (one, other) => one.or(other).map(|level| level.price),
        }
    }
    /// From the lowest to the highest of the levels that must be in sight.
    fn span(&self) -> i64 {
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
    fn spread(&self) -> Option<Price> {
        self.asks.first()?.price.checked_sub(self.bids.first()?.price)
    }
}

/// What stands in one row.
#[derive(Clone, Copy, Debug, Default)]
struct Rung {
    bid: Quantity,
    ask: Quantity,
    buys: Quantity,
    sells: Quantity,
    stops: bool,
}

/// The book and our orders, by row.
fn fill(view: &View<'_>, book: &Book, rungs: &Rungs) -> Vec<Rung> {
    let mut rows = vec![Rung::default(); usize::from(rungs.rows)];
    let mut add = |price: Price, side: Side, work: &dyn Fn(&mut Rung)| {
        if let Some(rung) = rungs
            .row(price, side)
            .and_then(|row| rows.get_mut(usize::from(row)))
        {
            work(rung);
        }
    };
    for level in &book.bids {
        add(level.price, Side::Buy, &|rung| {
            rung.bid = rung.bid.saturating_add(level.size);
        });
    }
    for level in &book.asks {
        add(level.price, Side::Sell, &|rung| {
            rung.ask = rung.ask.saturating_add(level.size);
        });
    }
    let orders = view
        .account
        .into_iter()
        .flat_map(|account| view.state.live_orders(account, book.id));
    for order in orders {
        let Some(price) = order.spec.kind.trigger().or(order.spec.kind.limit()) else {
            continue;
        };
        let stop = order.spec.kind.is_stop();
        add(price, order.spec.side, &|rung| {
            let sum = match order.spec.side {
                Side::Buy => &mut rung.buys,
                Side::Sell => &mut rung.sells,
            };
            *sum = sum.saturating_add(order.leaves());
            rung.stops |= stop;
        });
    }
    rows
}

/// Where things stand in a row.
struct Frame {
    price: u16,
    price_end: u16,
    left: u16,
    right: u16,
}

/// A part of `room`, as `size` is of `most`; at least one.
fn bar(size: Quantity, most: Quantity, room: u16) -> u16 {
    let part = i128::from(size.raw().max(0)) * i128::from(room) / i128::from(most.raw().max(1));
    u16::try_from(part).unwrap_or(room).clamp(1, room.max(1))
}

fn draw_rungs(pen: &mut Pen<'_>, view: &View<'_>, book: &Book, rungs: &Rungs, cursor: Option<Price>) {
    let (theme, wide) = (view.theme, pen.width());
    let rows = fill(view, book, rungs);
    let most = |side: fn(&Rung) -> Quantity| rows.iter().map(side).max().unwrap_or_default();
    let most = most(|rung| rung.bid).max(most(|rung| rung.ask));
    let label = |row| read::price(view, book.id, rungs.price(row));
    let label_width = width(&label(0)).max(width(&label(rungs.rows.saturating_sub(1))));
    let label_width = u16::try_from(label_width).unwrap_or(u16::MAX).min(wide);
    let price = (wide - label_width) / 2;
    let own = if wide >= 26 { OWN } else { 0 };
    let frame = Frame {
        price,
        price_end: price + label_width,
        left: own,
        right: wide.saturating_sub(own),
    };
    let cursor = cursor.and_then(|price| rungs.row(price, Side::Buy));
    let last = view.market.last(book.id).filter(|_| view.attached);
    let last_row = last.and_then(|print| rungs.row(print.price, print.aggressor.unwrap_or(Side::Buy)));
    let touch = [
        book.bids
            .first()
            .and_then(|level| rungs.row(level.price, Side::Buy)),
        book.asks
            .first()
            .and_then(|level| rungs.row(level.price, Side::Sell)),
    ];
    for (row, rung) in (0u16..).zip(&rows) {
        if cursor == Some(row) {
            pen.ground(0, row, wide, 1, theme.selection);
            pen.glyph(0, row, '▸', theme.bright);
        }
        draw_sizes(pen, view, row, rung, &frame, most);
        let color = if touch.contains(&Some(row)) {
            bold(theme.bright)
        } else if rung.bid.is_zero() && rung.ask.is_zero() {
            ink(theme.dim)
        } else {
            ink(theme.text)
        };
        pen.right_within(frame.price, frame.price_end, row, &label(row), color);
        if last_row == Some(row) {
            let color = match last.and_then(|print| print.aggressor) {
                Some(Side::Buy) => theme.up,
                Some(Side::Sell) => theme.down,
                None => theme.bright,
            };
            pen.glyph(frame.price_end, row, '•', bold(color));
        }
        draw_own(pen, view, row, rung);
    }
    draw_average(pen, view, book.id, rungs, &rows);
    draw_spread(pen, view, book, touch);
    draw_beyond(pen, view, book, rungs);
}

fn draw_sizes(pen: &mut Pen<'_>, view: &View<'_>, row: u16, rung: &Rung, frame: &Frame, most: Quantity) {
    let theme = view.theme;
    if rung.bid.is_positive() {
        let end = frame.price.saturating_sub(1);
        let room = end.saturating_sub(frame.left);
        let long = bar(rung.bid, most, room);
        pen.ground(end.saturating_sub(long), row, long, 1, theme.up_back);
        pen.right_within(0, end, row, &number::quantity(rung.bid), theme.up);
    }
    if rung.ask.is_positive() {
        let start = frame.price_end.saturating_add(1);
        let room = frame.right.saturating_sub(start);
        pen.ground(start, row, bar(rung.ask, most, room), 1, theme.down_back);
        pen.put_within(start, pen.width(), row, &number::quantity(rung.ask), theme.down);
    }
}

/// Our orders at the edges: buys left, sells right.
fn draw_own(pen: &mut Pen<'_>, view: &View<'_>, row: u16, rung: &Rung) {
    let end = pen.width().saturating_sub(1);
    let word = if rung.stops { "s" } else { "" };
    if rung.buys.is_positive() {
        let text = view.ours(format!("◂{word}{}", number::quantity(rung.buys)));
        pen.put(1, row, &text, bold(view.theme.buy));
    }
    if rung.sells.is_positive() {
        let text = view.ours(format!("{word}{}▸", number::quantity(rung.sells)));
        pen.right(end, row, &text, bold(view.theme.sell));
    }
}

/// The position beside its average price; where an order stands there already, the order stays.
fn draw_average(pen: &mut Pen<'_>, view: &View<'_>, id: InstrumentId, rungs: &Rungs, rows: &[Rung]) {
    let Some(ledger) = view
        .account
        .and_then(|account| view.state.ledgers.get(&(account, id)))
    else {
        return;
    };
    let Some(average) = ledger.position.average_price(ledger.multiplier) else {
        return;
    };
    let Some(row) = rungs.row(average, Side::Buy) else {
        return;
    };
    if rows
        .get(usize::from(row))
        .is_some_and(|rung| rung.sells.is_positive())
    {
        return;
    }
    let text = view.ours(format!(
        "avg {}",
        number::quantity_signed(ledger.position.quantity)
    ));
    pen.right(pen.width().saturating_sub(1), row, &text, view.theme.position);
}

/// A touch that has left the ladder while the cursor holds it still: where it is now, at the edge that it left by.
fn draw_beyond(pen: &mut Pen<'_>, view: &View<'_>, book: &Book, rungs: &Rungs) {
    let last = rungs.rows.saturating_sub(1);
    let bid = book.bids.first().map(|level| ("bid", level.price, view.theme.up));
    let ask = book
        .asks
        .first()
        .map(|level| ("ask", level.price, view.theme.down));
    for (word, price, color) in [bid, ask].into_iter().flatten() {
        let (row, arrow) = match price {
            price if price < rungs.price(last) && word == "bid" => (last, '↓'),
            price if price > rungs.price(0) && word == "ask" => (0, '↑'),
            _ => continue,
        };
        let text = format!("{arrow} {word} {}", read::price(view, book.id, price));
        pen.put(1, row, &text, bold(color));
    }
}

/// How wide the spread is, in the gap where it leaves one.
fn draw_spread(pen: &mut Pen<'_>, view: &View<'_>, book: &Book, touch: [Option<u16>; 2]) {
    let ([Some(bid), Some(ask)], Some(spread)) = (touch, book.spread()) else {
        return;
    };
    if bid.saturating_sub(ask) < 2 {
        return;
    }
    let row = ask + (bid - ask) / 2;
    let text = format!("spread {}", read::price(view, book.id, spread));
    pen.put(1, row, &text, view.theme.faint);
}

/// The newest prints, newest first, under a rule.
fn draw_prints(pen: &mut Pen<'_>, view: &View<'_>, id: InstrumentId) {
    let (theme, wide) = (view.theme, pen.width());
    pen.line(0, wide, 0, '─', theme.rule);
    pen.put(1, 0, " prints ", theme.faint);
    let rows = usize::from(pen.height().saturating_sub(1));
    for (y, print) in (1u16..).zip(view.market.tape(id).rev().take(rows)) {
        let color = match print.aggressor {
            Some(Side::Buy) => theme.up,
            Some(Side::Sell) => theme.down,
            None => theme.text,
        };
        let after = pen.put(1, y, &read::local(view, None, print.at, "%H:%M:%S"), theme.faint);
        let price_end = (wide / 2).saturating_add(6).min(wide);
        pen.right_within(after, price_end, y, &read::price(view, id, print.price), color);
        let end = wide.saturating_sub(1);
        pen.right_within(price_end, end, y, &number::quantity(print.size), theme.dim);
    }
}

impl Pane for DepthPane {
    fn name(&self) -> &'static str {
        "depth"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(id) = view.instrument else {
            return ("LADDER".to_owned(), String::new());
        };
        let left = format!("LADDER {id}");
        let Some(book) = Book::of(view) else {
            return (left, String::new());
        };
        let sum = book.bids.iter().chain(&book.asks).fold(0i128, |sum, level| {
            sum.saturating_add(i128::from(level.size.raw()))
        });
        let spread = read::price_or_unknown(view, id, book.spread());
        let tick = book
            .middle()
            .map_or(1, |price| read::tick(view, id, price).raw().max(1));
        let grouped = match self.drawn.get().filter(|drawn| drawn.id == id) {
            Some(drawn) if drawn.step > tick => format!("×{}  ", drawn.step / tick),
            _ => String::new(),
        };
        let old = read::freshness(view, id).map_or_else(String::new, |word| format!("{word}  "));
        (
            left,
            format!("{old}{grouped}spread {spread}  Σ {}", number::short(sum)),
        )
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let Some(book) = Book::of(view) else {
            let waiting = if view.instrument.is_some() {
                "no book yet"
            } else {
                "no instrument on the desk"
            };
            pen.say(&read::nothing(view, waiting), view.theme.dim);
            return Hits::default();
        };
        let (wide, high) = (pen.width(), pen.height());
        let prints = if high >= TALL { (high / 3).min(14) } else { 0 };
        let rows = high - prints;
        if rows == 0 || wide == 0 {
            return Hits::default();
        }
        let Some(rungs) = self.rungs(view, &book, rows) else {
            return Hits::default();
        };
        self.drawn.set(Some(rungs));
        let cursor = self.price(view).filter(|_| focused);
        draw_rungs(&mut pen.part(0, 0, wide, rows), view, &book, &rungs, cursor);
        if prints > 0 {
            draw_prints(&mut pen.part(0, rows, wide, prints), view, book.id);
        }
        Hits {
            rows: (0..rows).map(|row| (pen.row(row), usize::from(row))).collect(),
        }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let known = match action {
            Action::Up => self.step(1, view),
            Action::Down => self.step(-1, view),
            Action::PageUp => self.step(PAGE, view),
            Action::PageDown => self.step(-PAGE, view),
            Action::ScrollLive => {
                self.cursor = None;
                self.drawn.set(None);
                true
            }
            // Only where there is something to drop; otherwise it is somebody else's.
            Action::Escape => self.cursor.take().is_some(),
            _ => false,
        };
        known.then(Vec::new)
    }

    fn price(&self, view: &View<'_>) -> Option<Price> {
        self.cursor
            .filter(|cursor| view.instrument == Some(cursor.0))
            .map(|cursor| cursor.1)
    }

    fn click(&mut self, index: usize, _view: &View<'_>) -> Vec<Wish> {
        if let Some(drawn) = self.drawn.get()
            && let Ok(row) = u16::try_from(index)
        {
            self.cursor = Some((drawn.id, drawn.price(row)));
        }
        Vec::new()
    }
}
