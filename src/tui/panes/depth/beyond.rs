//! What the ladder has no row for: a touch that has left it while the cursor holds it still, our orders and the average price
//! above and below. They are told at the edge by which they left, never over an order of ours that has a row.

use super::own;
use super::rungs::{Book, Rungs};
use crate::domain::{Phase, Price, Side};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, width};
use ratatui::style::Color;

/// A ladder of fewer rows keeps them for the market.
const ROWS: u16 = 10;
/// So many rows from an edge may give way to what lies beyond it.
const INWARD: u16 = 3;

/// Where each touch is that has left the ladder, and what is ours beyond it. `free` tells whether a row may give way. None does
/// on the inner side of a row in `market`: there it would be a price that is missing from the middle of the book.
pub(super) fn draw(
    pen: &mut Pen<'_>,
    view: &View<'_>,
    book: &Book,
    rungs: &Rungs,
    market: &[Option<u16>],
    free: &dyn Fn(u16) -> bool,
) {
    let last = rungs.rows.saturating_sub(1);
    let bid = book.bids.first().map(|level| ("bid", level.price, view.theme.up));
    let ask = book
        .asks
        .first()
        .map(|level| ("ask", level.price, view.theme.down));
    let mut taken = Vec::new();
    for (word, price, color) in [bid, ask].into_iter().flatten() {
        let (row, arrow) = match price {
            price if price < rungs.price(last) && word == "bid" => (last, '↓'),
            price if price > rungs.price(0) && word == "ask" => (0, '↑'),
            _ => continue,
        };
        taken.push(row);
        let text = format!("{arrow} {word} {}", read::price(view, book.id, price));
        pen.put(1, row, &text, bold(color));
    }
    if rungs.rows < ROWS {
        return;
    }
    for above in [true, false] {
        let inward = (0..INWARD).map(|n| if above { n } else { last - n });
        let mut outside = inward.take_while(|row| !market.contains(&Some(*row)));
        let row = outside.find(|row| free(*row) && !taken.contains(row));
        let found = ours(view, book, rungs, above);
        if let Some(row) = row.filter(|_| !found.is_empty()) {
            tell(pen, view, &found, if above { '↑' } else { '↓' }, row);
        }
    }
}

/// Our orders and the average price beyond one end, the nearest first: `▸s200 188.00`, `avg +300 190.84`.
fn ours(view: &View<'_>, book: &Book, rungs: &Rungs, above: bool) -> Vec<(String, Color)> {
    let Some(account) = view.account else {
        return Vec::new();
    };
    let is_beyond = |price: Price, side: Side| {
        let line = rungs.line(price, side);
        if above {
            line < 0
        } else {
            line >= i64::from(rungs.rows)
        }
    };
    let show = |price: Price| read::price(view, book.id, price);
    let orders = view.state.live_orders(account, book.id);
    let mut found: Vec<(Price, String, Color)> = orders
        .filter(|order| order.phase != Phase::Parked)
        .filter_map(|order| {
            let side = order.spec.side;
            let price = own::stands_at(order).filter(|price| is_beyond(*price, side))?;
            let word = if order.spec.kind.is_stop() { "s" } else { "" };
            let (mark, color) = match side {
                Side::Buy => ('◂', view.theme.buy),
                Side::Sell => ('▸', view.theme.sell),
            };
            let size = number::quantity(order.leaves());
            Some((price, format!("{mark}{word}{size} {}", show(price)), color))
        })
        .collect();
    if let Some(ledger) = view.state.ledgers.get(&(account, book.id))
        && let Some(average) = ledger.position.average_price(ledger.multiplier)
        && is_beyond(average, Side::Buy)
    {
        let held = number::quantity_signed(ledger.position.quantity);
        found.push((
            average,
            format!("avg {held} {}", show(average)),
            view.theme.position,
        ));
    }
    found.sort_by_key(|(price, ..)| *price);
    if !above {
        found.reverse();
    }
    found.into_iter().map(|(_, text, color)| (text, color)).collect()
}

/// As many as fit, and how many more there are.
fn tell(pen: &mut Pen<'_>, view: &View<'_>, found: &[(String, Color)], arrow: char, row: u16) {
    let wide = pen.width();
    pen.part(0, row, wide, 1).clear(view.theme.background);
    let mut x = pen
        .put(1, row, &arrow.to_string(), view.theme.dim)
        .saturating_add(1);
    for (n, (text, color)) in found.iter().enumerate() {
        let text = view.ours(text.clone());
        let more = format!("+{}", found.len() - n);
        let rest = if n + 1 < found.len() { 2 + width(&more) } else { 0 };
        if n > 0 && usize::from(x) + width(&text) + rest > usize::from(wide) {
            pen.put_within(x, wide, row, &more, view.theme.dim);
            return;
        }
        x = pen
            .put_within(x, wide, row, &text, bold(*color))
            .saturating_add(2);
    }
}
