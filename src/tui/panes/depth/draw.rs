//! How the ladder looks: prices in the middle, who would buy on the left, who would sell on the right, our own orders at
//! the edges, what was traded there today behind them. Reads, and writes cells; decides nothing.

use super::beyond;
use super::own::{self, Lifted};
use super::profile;
use super::rungs::{Book, Rungs};
use crate::domain::{InstrumentId, Phase, Price, Quantity, Side};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use crate::tui::widgets::{number, sparkline};

/// Columns kept for our own orders at each side.
const OWN: u16 = 6;
/// A ladder of so many columns has room for what was traded at each price, and for the words above its columns.
pub(super) const ROOMY: u16 = 64;
/// Columns of the volume profile of a roomy ladder, and of each of its columns of trades.
const PROFILE: u16 = 10;
const TRADES: u16 = 8;

/// What a person has in hand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hand {
    /// The price that is held.
    pub(super) cursor: Option<Price>,
    /// The bracket that is being moved.
    pub(super) lifted: Option<Lifted>,
    /// There are no colours: what was traded is drawn lighter than what is bid and asked.
    pub(super) bare: bool,
}

/// What stands in one row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rung {
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
    // What is parked is on no market.
    for order in orders.filter(|order| order.phase != Phase::Parked) {
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

/// Where things stand on a ladder so wide.
fn frame(label_width: u16, wide: u16) -> Frame {
    let price = (wide - label_width.min(wide)) / 2;
    let own = if wide >= 26 { OWN } else { 0 };
    let more = if wide >= ROOMY { PROFILE + TRADES } else { 0 };
    Frame {
        price,
        price_end: price + label_width,
        left: own + more,
        right: wide.saturating_sub(own + if more > 0 { TRADES } else { 0 }),
    }
}

/// The words above the columns of a roomy ladder.
pub(super) fn draw_heads(pen: &mut Pen<'_>, view: &View<'_>) {
    let (faint, wide) = (view.theme.faint, pen.width());
    pen.put(1, 0, "own", faint);
    pen.put(OWN, 0, "≈ traded", faint);
    pen.right(OWN + PROFILE + TRADES - 1, 0, "sold", faint);
    pen.right(wide / 2 - 4, 0, "bid", faint);
    pen.put(wide / 2 - 2, 0, "price", faint);
    pen.put(wide / 2 + 6, 0, "ask", faint);
    pen.put(wide.saturating_sub(OWN + TRADES), 0, "bought", faint);
    pen.right(wide.saturating_sub(1), 0, "own", faint);
}

/// What was traded at each price: a bar of today's volume at the left edge, behind our own orders, and in a roomy ladder
/// what of the newest prints hit the bid and lifted the ask.
fn draw_traded(pen: &mut Pen<'_>, view: &View<'_>, rungs: &Rungs, frame: &Frame, bare: bool) {
    if frame.left == 0 {
        return;
    }
    let theme = view.theme;
    let volume = profile::volume(view, rungs);
    let most = volume.iter().copied().max().unwrap_or(0);
    let roomy = pen.width() >= ROOMY;
    let (from, columns) = if roomy { (OWN, PROFILE) } else { (1, OWN - 1) };
    for (row, sum) in (0u16..).zip(volume) {
        let bar = sparkline::bar(sum, most, columns);
        let bar = if bare {
            bar.replace(|c| c != ' ', "░")
        } else {
            bar
        };
        pen.put(from, row, &bar, theme.rule);
    }
    if !roomy {
        return;
    }
    for (row, (sold, bought)) in (0u16..).zip(profile::trades(view, rungs)) {
        let short = |size: Quantity| number::short(i128::from(size.raw()));
        if sold.is_positive() {
            pen.right_within(OWN + PROFILE, frame.left - 1, row, &short(sold), theme.dim);
        }
        if bought.is_positive() {
            pen.put_within(frame.right, frame.right + TRADES, row, &short(bought), theme.dim);
        }
    }
}

/// Where the legs of a bracket would go.
fn draw_lifted(pen: &mut Pen<'_>, view: &View<'_>, rungs: &Rungs, lifted: Lifted) {
    let Some(instrument) = view.state.instruments.get(&rungs.id) else {
        return;
    };
    for leg in own::legs(view, lifted.group) {
        let to = own::stands_at(leg).map(|from| instrument.ticks.step(from, lifted.ticks));
        let Some(row) = to.and_then(|to| rungs.row(to, leg.spec.side)) else {
            continue;
        };
        let size = view.ours(number::quantity(leg.leaves()));
        if leg.spec.side == Side::Buy {
            pen.put(1, row, &format!("◇{size}"), bold(view.theme.warn));
        } else {
            let end = pen.width().saturating_sub(1);
            pen.right(end, row, &format!("{size}◇"), bold(view.theme.warn));
        }
    }
}

pub(super) fn draw_rungs(pen: &mut Pen<'_>, view: &View<'_>, book: &Book, rungs: &Rungs, hand: Hand) {
    let (theme, wide) = (view.theme, pen.width());
    let rows = fill(view, book, rungs);
    let most = |side: fn(&Rung) -> Quantity| rows.iter().map(side).max().unwrap_or_default();
    let most = most(|rung| rung.bid).max(most(|rung| rung.ask));
    let label = |row| read::price(view, book.id, rungs.price(row));
    let label_width = width(&label(0)).max(width(&label(rungs.rows.saturating_sub(1))));
    let label_width = u16::try_from(label_width).unwrap_or(u16::MAX).min(wide);
    let frame = frame(label_width, wide);
    draw_traded(pen, view, rungs, &frame, hand.bare);
    let cursor = hand.cursor.and_then(|price| rungs.row(price, Side::Buy));
    let last = view.market.last(book.id).filter(|_| read::away(view).is_none());
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
    if let Some(lifted) = hand.lifted {
        draw_lifted(pen, view, rungs, lifted);
    }
    draw_spread(pen, view, book, touch, &frame);
    let average = view.account.and_then(|account| {
        let ledger = view.state.ledgers.get(&(account, book.id))?;
        rungs.row(ledger.position.average_price(ledger.multiplier)?, Side::Buy)
    });
    let free = |row: u16| {
        let ours = rows
            .get(usize::from(row))
            .is_some_and(|rung| rung.buys.is_positive() || rung.sells.is_positive());
        !ours
            && hand.lifted.is_none()
            && ![cursor, last_row, average].contains(&Some(row))
            && !touch.contains(&Some(row))
    };
    beyond::draw(pen, view, book, rungs, &touch, &free);
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
    let size = number::quantity_signed(ledger.position.quantity);
    let end = pen.width().saturating_sub(1);
    // Never into a size that stands there: it would read as another number.
    for text in [format!("avg {size}"), size, "avg".to_owned()] {
        let text = view.ours(text);
        let long = u16::try_from(width(&text)).unwrap_or(u16::MAX);
        let from = end.saturating_sub(long.saturating_add(1));
        if long < end && (from..end).all(|x| pen.is_free(x, row, &[])) {
            pen.right(end, row, &text, view.theme.position);
            return;
        }
    }
}

/// How wide the spread is, in the gap where it leaves one.
fn draw_spread(pen: &mut Pen<'_>, view: &View<'_>, book: &Book, touch: [Option<u16>; 2], frame: &Frame) {
    let ([Some(bid), Some(ask)], Some(spread)) = (touch, book.spread()) else {
        return;
    };
    if bid.saturating_sub(ask) < 2 {
        return;
    }
    let row = ask + (bid - ask) / 2;
    let text = format!("spread {}", read::price(view, book.id, spread));
    let long = u16::try_from(width(&text)).unwrap_or(u16::MAX);
    // Beside the price and never over it; where it does not fit, the title says it.
    let fits = |from: &u16| from.saturating_add(long) < frame.price;
    if let Some(from) = [frame.left.max(1), 1].into_iter().find(fits) {
        pen.put(from, row, &text, view.theme.faint);
    }
}

/// The newest prints, newest first, under a rule.
pub(super) fn draw_prints(pen: &mut Pen<'_>, view: &View<'_>, id: InstrumentId) {
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
