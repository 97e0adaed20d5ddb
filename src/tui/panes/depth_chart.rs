//! The book as a picture: from the middle outward how much would be bought and sold in all up to each price, as steps. Bids
//! stand left, asks right, both over one scale of sizes; words and places say what colours say.

use super::chart::words;
use super::read;
use crate::domain::{InstrumentId, Price, Quantity};
use crate::market::Level;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::candles::Dots;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// Cells for sizes at the right.
const AXIS: u16 = 8;

/// Cumulative sizes from the touch outward: price, and the sum up to and with it.
type Steps = Vec<(Price, i128)>;

/// The sides of a book as sums.
#[derive(Debug)]
struct Sums {
    bids: Steps,
    asks: Steps,
}

impl Sums {
    /// Of the instrument on the desk; its touch alone where there is no book, nothing where there is neither.
    fn of(view: &View<'_>, id: InstrumentId) -> Option<Self> {
        let touch = |side: Option<(Price, Quantity)>| -> Vec<Level> {
            let level = |(price, size)| Level {
                price,
                size,
                orders: 0,
            };
            side.map(level).into_iter().collect()
        };
        let (bids, asks) = match view.market.depth(id) {
            Some(depth) if !(depth.bids.is_empty() && depth.asks.is_empty()) => {
                (depth.bids.clone(), depth.asks.clone())
            }
            _ => {
                let quote = view.market.quote(id)?;
                (touch(quote.bid), touch(quote.ask))
            }
        };
        let sums = Self {
            bids: summed(&bids),
            asks: summed(&asks),
        };
        (!sums.bids.is_empty() || !sums.asks.is_empty()).then_some(sums)
    }
    /// From the farthest bid to the farthest ask.
    fn ends(&self) -> Option<(Price, Price)> {
        let prices = || self.bids.iter().chain(&self.asks).map(|(price, _)| *price);
        Some((prices().min()?, prices().max()?))
    }
    /// The larger of both sides.
    fn most(&self) -> i128 {
        let last = |steps: &Steps| steps.last().map_or(0, |step| step.1);
        last(&self.bids).max(last(&self.asks))
    }
    fn middle(&self) -> Option<Price> {
        match (self.bids.first(), self.asks.first()) {
            (Some(bid), Some(ask)) => Some(Price::from_raw(bid.0.raw().midpoint(ask.0.raw()))),
            (one, other) => one.or(other).map(|step| step.0),
        }
    }
}

fn summed(levels: &[Level]) -> Steps {
    let mut sum: i128 = 0;
    levels
        .iter()
        .map(|level| {
            sum = sum.saturating_add(i128::from(level.size.raw()).max(0));
            (level.price, sum)
        })
        .collect()
}

/// Where prices and sizes go.
#[derive(Clone, Copy, Debug)]
struct Ground {
    low: i64,
    high: i64,
    most: i128,
    cells: u16,
    rows: u16,
}

impl Ground {
    /// The column of dots of a price.
    fn x(&self, price: Price) -> u16 {
        let last = i128::from(self.cells.saturating_mul(2).saturating_sub(1));
        let range = (i128::from(self.high) - i128::from(self.low)).max(1);
        let from = i128::from(price.raw()) - i128::from(self.low);
        u16::try_from((from * last / range).clamp(0, last)).unwrap_or(0)
    }
    /// The row of dots of a sum, 0 at the top.
    fn y(&self, sum: i128) -> u16 {
        let last = i128::from(self.rows.saturating_mul(Dots::PER_ROW).saturating_sub(1));
        let up = sum.clamp(0, self.most).saturating_mul(last) / self.most.max(1);
        u16::try_from((last - up).clamp(0, last)).unwrap_or(0)
    }
}

/// The book of the instrument on the desk, summed up.
#[derive(Debug, Default)]
pub struct DepthChart;

impl DepthChart {
    /// A picture that follows the book.
    pub fn new() -> Self {
        Self
    }
}

/// One side: a step at each price that reaches to the next, over a ground.
fn draw_side(pen: &mut Pen<'_>, ground: &Ground, steps: &Steps, edge: Price, colors: (Color, Color)) {
    let mut dots = Dots::new(ground.cells, ground.rows);
    let mut before = ground.y(0);
    for (at, (price, sum)) in steps.iter().enumerate() {
        let next = steps.get(at + 1).map_or(edge, |step| step.0);
        let (x, end, y) = (ground.x(*price), ground.x(next), ground.y(*sum));
        dots.column(x, before, y, colors.0);
        for dot in x.min(end)..=x.max(end) {
            dots.set(dot, y, colors.0);
        }
        let (left, right) = (x.min(end) / 2, x.max(end) / 2);
        let top = y / Dots::PER_ROW + 1;
        let wide = right.saturating_sub(left).saturating_add(1);
        pen.ground(left, top, wide, ground.rows.saturating_sub(top), colors.1);
        before = y;
    }
    dots.write(pen, &['┊']);
}

/// A text with its middle at a cell, held inside of the row.
fn put_around(pen: &mut Pen<'_>, x: u16, y: u16, text: &str, color: Color) {
    let wide = u16::try_from(width(text)).unwrap_or(u16::MAX);
    let x = x.saturating_sub(wide / 2).min(pen.width().saturating_sub(wide));
    let end = pen.width();
    pen.put_within(x, end, y, text, color);
}

impl Pane for DepthChart {
    fn name(&self) -> &'static str {
        "depth chart"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(id) = view.instrument else {
            return ("DEPTH".to_owned(), String::new());
        };
        let mut said = Vec::new();
        if let Some(sums) = Sums::of(view, id)
            && let (Some(bid), Some(ask)) = (sums.bids.first(), sums.asks.first())
            && let Some(spread) = ask.0.checked_sub(bid.0)
        {
            said.push(format!("spread {}", read::price(view, id, spread)));
        }
        said.extend(words::freshness(view, id));
        (format!("DEPTH {id}"), said.join("   "))
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let (mut pen, theme) = (Pen::new(buf, area), view.theme);
        let Some(id) = view.instrument else {
            pen.say(&read::nothing(view, "no instrument on the desk"), theme.dim);
            return Hits::default();
        };
        let Some((sums, (low, high))) = Sums::of(view, id).and_then(|sums| {
            let ends = sums.ends()?;
            Some((sums, ends))
        }) else {
            pen.say(&read::nothing(view, "nobody quotes it"), theme.dim);
            return Hits::default();
        };
        let (wide, tall) = (pen.width(), pen.height());
        let axis = if wide >= AXIS * 3 { AXIS } else { 0 };
        let (head, foot) = (u16::from(tall >= 4), u16::from(tall >= 3));
        let ground = Ground {
            low: low.raw(),
            high: high.raw(),
            most: sums.most(),
            cells: wide.saturating_sub(axis),
            rows: tall.saturating_sub(head + foot),
        };
        if head > 0 {
            let all = |steps: &Steps| number::short(steps.last().map_or(0, |step| step.1));
            let text = format!(" BID Σ {}", all(&sums.bids));
            let after = pen.put_within(0, ground.cells, 0, &text, bold(theme.up));
            let text = format!("ASK Σ {} ", all(&sums.asks));
            pen.right_within(after + 1, ground.cells, 0, &text, bold(theme.down));
        }
        {
            let mut inside = pen.part(0, head, ground.cells, ground.rows);
            if let Some(middle) = sums.middle() {
                for row in 0..ground.rows {
                    inside.glyph(ground.x(middle) / 2, row, '┊', theme.faint);
                }
            }
            draw_side(&mut inside, &ground, &sums.bids, low, (theme.up, theme.up_back));
            draw_side(
                &mut inside,
                &ground,
                &sums.asks,
                high,
                (theme.down, theme.down_back),
            );
        }
        if axis > 0 && ground.rows > 0 {
            let mut side = pen.part(ground.cells, head, axis, ground.rows);
            let end = axis.saturating_sub(1);
            side.right(end, 0, &number::short(ground.most), theme.dim);
            if ground.rows >= 6 {
                side.right(end, ground.rows / 2, &number::short(ground.most / 2), theme.dim);
            }
        }
        if foot > 0 {
            let mut line = pen.part(0, tall - 1, ground.cells, 1);
            let price = |price| read::price(view, id, price);
            let (left, right) = (price(low), price(high));
            line.put_within(1, ground.cells, 0, &left, ink(theme.dim));
            line.right(ground.cells.saturating_sub(1), 0, &right, theme.dim);
            let free = usize::from(ground.cells).saturating_sub(width(&left) + width(&right) + 8);
            let middle = sums.middle().map(|middle| (ground.x(middle) / 2, price(middle)));
            if let Some((x, text)) = middle.filter(|(_, text)| width(text) <= free) {
                let least = u16::try_from(width(&left) + 3 + width(&text) / 2).unwrap_or(u16::MAX);
                let most = ground
                    .cells
                    .saturating_sub(u16::try_from(width(&right) + 3 + width(&text) / 2).unwrap_or(0));
                put_around(
                    &mut line,
                    x.clamp(least.min(most), most.max(least)),
                    0,
                    &text,
                    theme.text,
                );
            }
        }
        Hits::default()
    }

    fn act(&mut self, _action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        None
    }
}
