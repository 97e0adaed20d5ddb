//! Draws a chart's parts: ground, bars, averages, labels, volume and axes. Which bars, how large and in what order is the
//! pane's business.

use super::Look;
use super::columns::{Column, Density};
use super::marks::{self, Line};
use super::time::{self, Break};
use crate::domain::{InstrumentId, Price, Side};
use crate::market::studies::{Ema, Sample, Seed, Study};
use crate::market::{Bar, Timeframe};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::candles::{Dots, block, boxed};
use crate::tui::widgets::sparkline::EIGHTHS;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::style::Color;

/// Bars before the first visible one that an average is warmed up with: what is older no longer counts.
const WARM_UP: usize = 250;
/// Grid lines lie this many rows apart at least.
const GRID: u16 = 4;
/// What the lines of studies may cover.
pub const UNDER: [char; 5] = ['┈', '╌', '┊', '╎', ' '];

/// Everything that the parts of a drawing need.
pub struct Plot<'a, 'v> {
    /// What is to be seen.
    pub view: &'a View<'v>,
    /// Of what.
    pub id: InstrumentId,
    /// All bars there are.
    pub bars: &'a [Bar],
    /// How long a bar is.
    pub timeframe: Timeframe,
    /// The visible ones.
    pub columns: Vec<Column>,
    /// Where prices go.
    pub scale: Scale,
    /// How much of the past a column shows.
    pub density: Density,
    /// Cells for bars, after one cell of margin.
    pub cells: u16,
    /// Rows for prices, then for volume.
    pub rows: u16,
    /// Rows for volume.
    pub volume_rows: u16,
    /// What is ours.
    pub lines: Vec<Line>,
}

impl Plot<'_, '_> {
    /// The first cell of a column; the newest column stands at the right.
    fn cell(&self, column: usize) -> u16 {
        let room = self.density.columns(self.cells);
        let count = u16::try_from(self.columns.len()).unwrap_or(u16::MAX);
        let place = room
            .saturating_sub(count)
            .saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        match self.density {
            Density::Cells(each) => place.saturating_mul(each),
            Density::Dots(_) => place / 2,
        }
    }
    /// The column of dots of a column, where it is drawn in dots.
    fn dot(&self, column: usize) -> u16 {
        let room = self.density.columns(self.cells);
        let count = u16::try_from(self.columns.len()).unwrap_or(u16::MAX);
        room.saturating_sub(count)
            .saturating_add(u16::try_from(column).unwrap_or(u16::MAX))
    }
    fn color(&self, bar: &Bar) -> Color {
        if bar.close >= bar.open {
            self.view.theme.up
        } else {
            self.view.theme.down
        }
    }
    fn tick(&self) -> Price {
        let near = self.columns.last().map_or(Price::ZERO, |column| column.bar.close);
        read::tick(self.view, self.id, near)
    }

    /// Grid lines, where days and sessions begin, and our lines.
    pub fn draw_ground(&self, pen: &mut Pen<'_>) {
        let theme = self.view.theme;
        for price in self.scale.grid(self.tick(), GRID) {
            pen.line(0, self.cells, self.scale.row(price), '┈', theme.rule);
        }
        let Some(instrument) = self.view.state.instruments.get(&self.id) else {
            return;
        };
        for (column, what) in time::breaks(&self.columns, instrument.calendar, self.timeframe) {
            let (glyph, color) = match what {
                Break::Day => ('╎', theme.faint),
                Break::Session => ('┊', theme.rule),
            };
            for row in 0..self.rows {
                pen.glyph(self.cell(column), row, glyph, color);
            }
        }
        for line in self
            .lines
            .iter()
            .rev()
            .filter(|line| self.scale.shows(line.price))
        {
            pen.line(0, self.cells, self.scale.row(line.price), '╌', line.color);
        }
    }
    /// The bars.
    pub fn draw_bars(&self, pen: &mut Pen<'_>, look: Look) {
        if let Density::Cells(_) = self.density {
            for (at, column) in self.columns.iter().enumerate() {
                let color = self.color(&column.bar);
                if look == Look::Blocks {
                    let shade = if column.bar.close >= column.bar.open {
                        self.view.theme.up_back
                    } else {
                        self.view.theme.down_back
                    };
                    block(pen, self.cell(at), &self.scale, &column.bar, color, shade);
                } else {
                    boxed(pen, self.cell(at), &self.scale, &column.bar, color);
                }
            }
            return;
        }
        let mut dots = Dots::new(self.cells, self.rows);
        for (at, column) in self.columns.iter().enumerate() {
            dots.candle(self.dot(at), &self.scale, &column.bar, self.color(&column.bar));
        }
        dots.write(pen, &UNDER);
    }

    /// One average as a line of dots.
    pub fn draw_average(&self, dots: &mut Dots, period: usize, color: Color) {
        let Some(first) = self.columns.first() else { return };
        let from = first.end.saturating_sub(WARM_UP);
        let mut average = Ema::new(period, Seed::First);
        let mut values = self
            .bars
            .iter()
            .enumerate()
            .skip(from)
            .map(|(at, bar)| (at, average.update(&Sample::of(bar, 0))));
        let steps = self.rows.saturating_mul(Dots::PER_ROW);
        let mut before: Option<f64> = None;
        for (at, column) in self.columns.iter().enumerate() {
            let Some((_, Some(value))) = values.find(|(bar, _)| *bar == column.end) else {
                continue;
            };
            let (x, wide) = match self.density {
                Density::Cells(each) => (self.cell(at).saturating_mul(2), each.saturating_mul(2)),
                Density::Dots(_) => (self.dot(at), 1),
            };
            for dot in 0..wide {
                let part = f64::from(dot + 1) / f64::from(wide);
                let here = before.map_or(value, |before| before + (value - before) * part);
                if let Some(y) = self.scale.part_of_value(here, steps) {
                    dots.set(x.saturating_add(dot), y, color);
                }
            }
            before = Some(value);
        }
    }

    /// Executions at the bars where they happened.
    pub fn draw_executions(&self, pen: &mut Pen<'_>) {
        for (at, side) in marks::executions(self.view, &self.columns) {
            let Some(column) = self.columns.get(at) else {
                continue;
            };
            let (row, glyph, color) = match side {
                Side::Buy => (
                    self.scale.row(column.bar.low).saturating_add(1),
                    '▲',
                    self.view.theme.buy,
                ),
                Side::Sell => (
                    self.scale.row(column.bar.high).saturating_sub(1),
                    '▼',
                    self.view.theme.sell,
                ),
            };
            let row = row.min(self.rows.saturating_sub(1));
            pen.glyph(self.cell(at), row, glyph, bold(color));
        }
    }

    /// The words of our lines at the left; those beyond the scale say so at its ends.
    pub fn draw_labels(&self, pen: &mut Pen<'_>) {
        let mut used = vec![0u16; usize::from(self.rows)];
        for line in &self.lines {
            let row = self.scale.row(line.price);
            let text = if self.scale.shows(line.price) {
                format!(" {} ", line.label)
            } else {
                let arrow = if row == 0 { '↑' } else { '↓' };
                let price = self.view.ours(read::price(self.view, self.id, line.price));
                format!(" {arrow} {} {price} ", line.label)
            };
            let Some(x) = used.get_mut(usize::from(row)) else {
                continue;
            };
            let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
            if x.saturating_add(wide) > self.cells {
                continue;
            }
            let style = ink(line.color).bg(self.view.theme.panel);
            *x = pen.put(*x, row, &text, style);
        }
    }

    /// Volume as bars of eighths.
    pub fn draw_volume(&self, pen: &mut Pen<'_>) {
        let mut cells: Vec<(i128, Color)> = vec![(0, Color::Reset); usize::from(self.cells)];
        for (at, column) in self.columns.iter().enumerate() {
            if let Some((volume, color)) = cells.get_mut(usize::from(self.cell(at))) {
                *volume = volume.saturating_add(column.bar.volume.max(0));
                *color = self.color(&column.bar);
            }
        }
        let most = cells.iter().map(|cell| cell.0).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let eighths = i128::from(self.volume_rows) * 8;
        for (x, (volume, color)) in (0..self.cells).zip(cells) {
            // At least a trace of what was traded; sums beyond the range of the product are all tallest anyway.
            let level = volume.saturating_mul(eighths) / most;
            let level = if volume > 0 { level.max(1) } else { 0 };
            for row in 0..self.volume_rows {
                let above_floor = i128::from(self.volume_rows - 1 - row) * 8;
                let part = (level - above_floor).clamp(0, 8);
                if let Some(glyph) = usize::try_from(part - 1).ok().and_then(|at| EIGHTHS.get(at)) {
                    pen.glyph(x, row, *glyph, color);
                }
            }
        }
    }

    /// Prices at the right: the last one in reverse, ours in their colours, round ones between.
    pub fn draw_axis(&self, pen: &mut Pen<'_>) {
        let (theme, end) = (self.view.theme, pen.width().saturating_sub(1));
        let mut taken = vec![false; usize::from(self.rows)];
        let mut take = |price: Price| {
            let row = self.scale.row(price);
            let place = taken.get_mut(usize::from(row))?;
            (!std::mem::replace(place, true)).then_some(row)
        };
        if let Some(bar) = self.bars.last() {
            let price = read::last(self.view, self.id).unwrap_or(bar.close);
            let text = format!(" {} ", read::price(self.view, self.id, price));
            let style = if self.view.attached {
                bold(theme.background).bg(self.color(bar))
            } else {
                bold(theme.text).bg(theme.selection)
            };
            if self.scale.shows(price)
                && let Some(row) = take(price)
            {
                pen.right(end.saturating_add(1), row, &text, style);
            }
        }
        for line in self.lines.iter().filter(|line| self.scale.shows(line.price)) {
            if let Some(row) = take(line.price) {
                let price = self.view.ours(read::price(self.view, self.id, line.price));
                pen.right(end, row, &price, line.color);
            }
        }
        for price in self.scale.grid(self.tick(), GRID) {
            if let Some(row) = take(price) {
                pen.right(end, row, &read::price(self.view, self.id, price), theme.dim);
            }
        }
    }

    /// Times and dates.
    pub fn draw_times(&self, pen: &mut Pen<'_>) {
        let Some(instrument) = self.view.state.instruments.get(&self.id) else {
            return;
        };
        let zone = read::zone(self.view, Some(self.id));
        let bars_a_cell = match self.density {
            Density::Cells(each) => (1, each),
            Density::Dots(each) => (each.saturating_mul(2), 1),
        };
        let labels = time::labels(
            &self.columns,
            |at| self.cell(at),
            self.cells,
            bars_a_cell,
            instrument.calendar,
            self.timeframe,
            &zone,
        );
        for label in labels {
            let color = if label.date {
                self.view.theme.text
            } else {
                self.view.theme.dim
            };
            pen.put_within(label.x, self.cells, 0, &label.text, color);
        }
    }
}
